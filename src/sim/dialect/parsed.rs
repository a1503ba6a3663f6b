//! What a request asks for, and the pieces of bodies that several dialects share.

use super::{Form, UsageEvents, json::input};
use crate::{repr::repr, sim::refusal::Refusal, structure::Structure};
use serde::Deserialize;
use serde_json::Value;

/// The largest number of tokens that a request may ask for, and the `max_model_len` that the server states.
pub(crate) const MAX_MODEL_LEN: u64 = 1 << 20;

/// What a request asks for.
#[derive(Debug)]
pub(crate) struct ParsedRequest {
    pub(crate) model: Option<String>,
    /// The inputs: at least one; several only where nothing is generated.
    pub(crate) inputs: Vec<Input>,
    pub(crate) max_tokens: u64,
    pub(crate) stream: bool,
    pub(crate) usage: UsageEvents,
    /// Lower goes first, if the server schedules by priority. Default 0.
    pub(crate) priority: i64,
    /// The structure that the answer must have.
    pub(crate) structure: Option<Structure>,
    /// Whether the answer goes on behind its structure until it has its largest number of tokens, as in vLLM.
    pub(crate) ignore_eos: bool,
    /// How the answer is worded.
    pub(crate) form: Box<dyn Form>,
}

/// A prompt, as it can be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    Text(String),
    /// Token ids.
    Tokens(Vec<u64>),
}

impl Input {
    /// Tokens in the prompt: exact for token ids, else what `count` says.
    pub(crate) fn tokens(&self, count: impl FnOnce(&str) -> u64) -> u64 {
        match self {
            Input::Text(text) => count(text),
            Input::Tokens(ids) => ids.len() as u64,
        }
    }
}

/// What the dialects that generate have in common.
pub(super) struct Generating {
    pub(super) model: Option<String>,
    pub(super) input: Input,
    pub(super) max_tokens: Option<u64>,
    /// The number of tokens when the request names none.
    pub(super) default_tokens: u64,
    pub(super) stream: bool,
}

impl Generating {
    pub(super) fn asked(self, form: Box<dyn Form>) -> Result<ParsedRequest, Refusal> {
        let max_tokens = self.max_tokens.unwrap_or(self.default_tokens);
        if max_tokens == 0 {
            let message = "max_tokens must be at least 1, got 0.";
            return Err(Refusal::parameter("max_tokens", message, Some("0")));
        }
        if max_tokens > MAX_MODEL_LEN {
            let message = format!(
                "'max_tokens' or 'max_completion_tokens' is too large: {max_tokens}. This model's \
                 maximum context length is {MAX_MODEL_LEN} tokens."
            );
            return Err(Refusal::bad_request("max_tokens", message));
        }
        Ok(ParsedRequest {
            model: self.model,
            inputs: vec![self.input],
            max_tokens,
            stream: self.stream,
            usage: UsageEvents::Never,
            priority: 0,
            structure: None,
            ignore_eos: false,
            form,
        })
    }
}

/// A prompt or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Prompt {
    Text(String),
    Tokens(Vec<u64>),
    Texts(Vec<String>),
    TokenLists(Vec<Vec<u64>>),
}

impl Prompt {
    /// All prompts. `None` when there is none, or one without tokens.
    pub(super) fn all(self) -> Option<Vec<Input>> {
        let inputs: Vec<Input> = match self {
            Prompt::Text(text) => vec![Input::Text(text)],
            Prompt::Tokens(tokens) => vec![Input::Tokens(tokens)],
            Prompt::Texts(texts) => texts.into_iter().map(Input::Text).collect(),
            Prompt::TokenLists(lists) => lists.into_iter().map(Input::Tokens).collect(),
        };
        let empty = |input: &Input| matches!(input, Input::Tokens(ids) if ids.is_empty());
        (!inputs.is_empty() && !inputs.iter().any(empty)).then_some(inputs)
    }

    /// The first prompt, which is the only one that a simulation answers.
    pub(super) fn first(self) -> Option<Input> {
        self.all()?.into_iter().next()
    }

    /// The first prompt, which must exist.
    ///
    /// # Errors
    /// There is none, or an empty one.
    pub(super) fn first_checked(self) -> Result<Input, Refusal> {
        let first = self.checked()?.into_iter().next();
        first.ok_or_else(|| Refusal::value("You must pass at least one prompt"))
    }

    /// All prompts.
    ///
    /// # Errors
    /// There is none, or an empty one.
    pub(super) fn checked(self) -> Result<Vec<Input>, Refusal> {
        let none = match &self {
            Prompt::Text(_) => false,
            Prompt::Tokens(ids) => ids.is_empty(),
            Prompt::Texts(texts) => texts.is_empty(),
            Prompt::TokenLists(lists) => lists.is_empty(),
        };
        if none {
            return Err(Refusal::value("You must pass at least one prompt"));
        }
        let all = self.all().unwrap_or_default();
        let empty = |input: &Input| matches!(input, Input::Text(text) if text.is_empty());
        if all.is_empty() || all.iter().any(empty) {
            Err(Refusal::value("The decoder prompt cannot be empty"))
        } else {
            Ok(all)
        }
    }
}

#[derive(Deserialize, Clone)]
pub(crate) struct Message {
    role: Option<Value>,
    content: Option<Content>,
}

/// Text, or parts some of which have text.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize, Clone)]
pub(super) struct Part {
    #[serde(rename = "type")]
    kind: Option<String>,
    text: Option<String>,
}

/// The parts of a chat message that vLLM knows.
const PARTS: [&str; 16] = [
    "audio_embeds",
    "audio_url",
    "image_embeds",
    "image_pil",
    "image_url",
    "input_audio",
    "input_image",
    "input_text",
    "output_text",
    "prompt_embeds",
    "refusal",
    "text",
    "thinking",
    "tool_reference",
    "video_embeds",
    "video_url",
];

impl Content {
    /// Checks the types of parts.
    ///
    /// # Errors
    /// A part has a type that neither vLLM knows nor `others` names.
    pub(super) fn check(&self, others: &[&str]) -> Result<(), Refusal> {
        let Content::Parts(parts) = self else {
            return Ok(());
        };
        let kinds = parts.iter().filter_map(|part| part.kind.as_deref());
        let known = |kind: &&str| PARTS.contains(kind) || others.contains(kind);
        let mut unknown = kinds.filter(|kind| !known(kind));
        unknown.next().map_or(Ok(()), |kind| {
            let supported = PARTS.join(", ");
            let message = format!(
                "Unsupported chat content part type: {}. Supported types: {supported}.",
                repr(kind)
            );
            Err(Refusal::parameter("type", &message, Some(kind)))
        })
    }

    /// The texts; images and others are left out.
    pub(super) fn texts(self) -> Vec<String> {
        match self {
            Content::Text(text) => vec![text],
            Content::Parts(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
        }
    }
}

/// A conversation.
pub(super) trait Messages {
    fn texts(&self) -> Vec<String>;

    /// Checks the conversation. `others` are further types of parts that are known.
    ///
    /// # Errors
    /// It has no message, or one that vLLM refuses.
    fn check(&self, others: &[&str]) -> Result<(), Refusal>;

    /// The text of all messages, without a chat template.
    fn text(&self) -> Input {
        Input::Text(self.texts().join("\n"))
    }
}

impl Messages for Vec<Message> {
    fn check(&self, others: &[&str]) -> Result<(), Refusal> {
        if self.is_empty() {
            // The error of the chat templates of `transformers`.
            return Err(Refusal::value("list index out of range"));
        }
        for (index, message) in self.iter().enumerate() {
            let mistake = match &message.role {
                Some(Value::String(_)) => None,
                Some(other) => Some((
                    "string_type",
                    "Input should be a valid string",
                    input(other),
                )),
                None => Some((
                    "missing",
                    "Field required",
                    "'<dict of 1 items>'".to_owned(),
                )),
            };
            if let Some((kind, what, given)) = mistake {
                let place = format!("body.messages.{index}.role");
                let detail = format!(
                    "{{'type': '{kind}', 'loc': '{place}', 'msg': '{what}', 'input': {given}}}"
                );
                return Err(Refusal::validation(&place, &[detail]));
            }
            if let Some(content) = &message.content {
                content.check(others)?;
            }
        }
        Ok(())
    }

    fn texts(&self) -> Vec<String> {
        let contents = self.iter().filter_map(|message| message.content.clone());
        contents.flat_map(Content::texts).collect()
    }
}

#[derive(Deserialize, Default)]
pub(super) struct StreamOptions {
    include_usage: Option<bool>,
    continuous_usage_stats: Option<bool>,
}

impl StreamOptions {
    pub(super) fn usage(&self) -> UsageEvents {
        // vLLM follows the second only together with the first.
        match (self.include_usage, self.continuous_usage_stats) {
            (Some(true), Some(true)) => UsageEvents::All,
            (Some(true), _) => UsageEvents::Last,
            _ => UsageEvents::Never,
        }
    }
}

/// A request to `/tokenize`, with a prompt or with messages; or llama.cpp's, with a content.
#[derive(Deserialize)]
pub(crate) struct TokenizeBody {
    pub(crate) model: Option<String>,
    prompt: Option<String>,
    messages: Option<Vec<Message>>,
    /// Count the tokens that the tokenizer puts around texts, too. Default: true.
    pub(crate) add_special_tokens: Option<bool>,
    /// Also say the tokens as text.
    pub(crate) return_token_strs: Option<bool>,
    /// llama.cpp's text to tokenize.
    pub(crate) content: Option<String>,
    /// llama.cpp's name for `add_special_tokens`. Default: false.
    pub(crate) add_special: Option<bool>,
    /// llama.cpp's way to also say the tokens as text.
    pub(crate) with_pieces: Option<bool>,
}

impl TokenizeBody {
    /// The text to tokenize.
    pub(crate) fn text(&self) -> Result<String, Refusal> {
        match (&self.prompt, &self.messages) {
            (Some(prompt), _) => Ok(prompt.clone()),
            (None, Some(messages)) => Ok(messages.texts().join("\n")),
            (None, None) => Err(Refusal::missing_all(vec!["prompt", "messages"])),
        }
    }
}

#[cfg(test)]
mod tests;
