//! What a request asks for, and the pieces of bodies that several dialects share.

use super::{Form, UsageEvents};
use crate::sim::refusal::Refusal;
use serde::Deserialize;

/// Tokens that a request may ask for at most, and the `max_model_len` that the server states.
pub(crate) const MAX_MODEL_LEN: u64 = 1 << 20;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) model: Option<String>,
    /// At least one; several only where nothing is generated.
    pub(crate) inputs: Vec<Input>,
    pub(crate) max_tokens: u64,
    pub(crate) stream: bool,
    pub(crate) usage: UsageEvents,
    /// Lower goes first, if the server schedules by priority. Default 0.
    pub(crate) priority: i64,
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

/// What the dialects that generate ask for alike.
pub(super) struct Generating {
    pub(super) model: Option<String>,
    pub(super) input: Input,
    pub(super) max_tokens: Option<u64>,
    /// When the request names none.
    pub(super) default_tokens: u64,
    pub(super) stream: bool,
}

impl Generating {
    pub(super) fn asked(self, form: Box<dyn Form>) -> Result<Asked, Refusal> {
        let max_tokens = self.max_tokens.unwrap_or(self.default_tokens);
        if max_tokens == 0 {
            let message = "max_tokens must be at least 1, got 0.";
            return Err(Refusal::bad_request("max_tokens", message));
        }
        if max_tokens > MAX_MODEL_LEN {
            let message = format!(
                "'max_tokens' or 'max_completion_tokens' is too large: {max_tokens}. This model's \
                 maximum context length is {MAX_MODEL_LEN} tokens."
            );
            return Err(Refusal::bad_request("max_tokens", message));
        }
        Ok(Asked {
            model: self.model,
            inputs: vec![self.input],
            max_tokens,
            stream: self.stream,
            usage: UsageEvents::Never,
            priority: 0,
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
    /// All of them; `None` when there is none, or one without tokens.
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

    /// The first, which is the only one that a simulation answers.
    pub(super) fn first(self) -> Option<Input> {
        self.all()?.into_iter().next()
    }
}

#[derive(Deserialize, Clone)]
pub(crate) struct Message {
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
    text: Option<String>,
}

impl Content {
    /// Its texts; images and the like are left out.
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

    /// The text of all messages, without a chat template.
    fn text(&self) -> Input {
        Input::Text(self.texts().join("\n"))
    }
}

impl Messages for Vec<Message> {
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
        // vLLM heeds the second only together with the first.
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
    /// With those that the tokenizer puts around texts. Default: true.
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
            (None, None) => Err(Refusal::missing("prompt")),
        }
    }
}

#[cfg(test)]
#[path = "asked_tests.rs"]
mod tests;
