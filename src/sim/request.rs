//! Reads a generation request as vLLM would, as far as a simulation needs.

use super::refusal::Refusal;
use serde::Deserialize;

/// Tokens that a request may ask for at most, and the `max_model_len` that the server states.
pub(crate) const MAX_MODEL_LEN: u64 = 1 << 20;

/// The two generating endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `/v1/chat/completions`
    Chat,
    /// `/v1/completions`
    Completions,
}

impl Dialect {
    /// `max_tokens` when the request has none. vLLM's chat would fill the context.
    fn default_max_tokens(self) -> u64 {
        match self {
            Dialect::Chat => 128,
            Dialect::Completions => 16,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Generation {
    pub(crate) model: Option<String>,
    pub(crate) input: Input,
    pub(crate) max_tokens: u64,
    pub(crate) stream: bool,
    /// End the stream with a usage event.
    pub(crate) include_usage: bool,
    /// Every event has the usage so far.
    pub(crate) continuous_usage: bool,
    /// Lower goes first, if the server schedules by priority. Default 0.
    pub(crate) priority: i64,
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

#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    prompt: Option<Prompt>,
    messages: Option<Vec<Message>>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    priority: Option<i64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Prompt {
    Text(String),
    Tokens(Vec<u64>),
    Texts(Vec<String>),
    TokenLists(Vec<Vec<u64>>),
}

#[derive(Deserialize)]
struct Message {
    content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
}

#[derive(Deserialize, Default)]
struct StreamOptions {
    include_usage: Option<bool>,
    continuous_usage_stats: Option<bool>,
}

impl Generation {
    /// Reads a request body. Fields that do not matter to a simulation are not looked at.
    pub(crate) fn read(dialect: Dialect, body: &[u8]) -> Result<Self, Refusal> {
        let body: Body = serde_json::from_slice(body).map_err(|error| Refusal::json(&error))?;
        let input = match dialect {
            Dialect::Chat => match body.messages {
                Some(messages) => chat_input(messages),
                None => return Err(Refusal::missing("messages")),
            },
            Dialect::Completions => match body.prompt.map(completion_input) {
                Some(Some(input)) => input,
                Some(None) => {
                    return Err(Refusal::bad_request(
                        "prompt",
                        "Either prompt or prompt_embeds must be provided and non-empty.",
                    ));
                }
                None => return Err(Refusal::missing("prompt")),
            },
        };
        let max_tokens = body
            .max_completion_tokens
            .filter(|_| dialect == Dialect::Chat)
            .or(body.max_tokens)
            .unwrap_or(dialect.default_max_tokens());
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
        let options = body.stream_options.unwrap_or_default();
        let include_usage = options.include_usage.unwrap_or(false);
        Ok(Generation {
            model: body.model,
            input,
            max_tokens,
            stream: body.stream.unwrap_or(false),
            include_usage,
            // vLLM heeds it only together with `include_usage`.
            continuous_usage: include_usage && options.continuous_usage_stats.unwrap_or(false),
            priority: body.priority.unwrap_or(0),
        })
    }
}

/// The text of all messages; images and the like are left out, and so is the chat template.
fn chat_input(messages: Vec<Message>) -> Input {
    let texts: Vec<String> = messages
        .into_iter()
        .filter_map(|message| message.content)
        .flat_map(|content| match content {
            Content::Text(text) => vec![text],
            Content::Parts(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
        })
        .collect();
    Input::Text(texts.join("\n"))
}

/// The first prompt; `None` when the list is empty.
fn completion_input(prompt: Prompt) -> Option<Input> {
    let ids = |tokens: Vec<u64>| (!tokens.is_empty()).then_some(Input::Tokens(tokens));
    match prompt {
        Prompt::Text(text) => Some(Input::Text(text)),
        Prompt::Tokens(tokens) => ids(tokens),
        Prompt::Texts(texts) => texts.into_iter().next().map(Input::Text),
        Prompt::TokenLists(lists) => lists.into_iter().next().and_then(ids),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn read(dialect: Dialect, body: &Value) -> Result<Generation, Refusal> {
        Generation::read(dialect, body.to_string().as_bytes())
    }

    #[rstest]
    #[case::text(json!("one two"), Input::Text("one two".into()))]
    #[case::first_of_texts(json!(["one", "two"]), Input::Text("one".into()))]
    #[case::token_ids(json!([46, 355, 309]), Input::Tokens(vec![46, 355, 309]))]
    #[case::first_of_token_lists(json!([[1, 2], [3]]), Input::Tokens(vec![1, 2]))]
    fn completions(#[case] prompt: Value, #[case] input: Input) {
        let read = read(Dialect::Completions, &json!({"prompt": prompt})).unwrap();
        assert_eq!(read.input, input);
        assert_eq!(read.max_tokens, 16);
        assert!(!read.stream);
    }

    #[rstest]
    #[case::text(json!([{"role": "user", "content": "hi"}]), "hi")]
    #[case::parts(json!([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:"}}, {"type": "text", "text": "b"}]}]), "a\nb")]
    #[case::several(json!([{"role": "system", "content": "a"}, {"role": "assistant", "content": null}, {"role": "user", "content": "b"}]), "a\nb")]
    fn chats(#[case] messages: Value, #[case] text: &str) {
        let read = read(Dialect::Chat, &json!({"messages": messages})).unwrap();
        assert_eq!(read.input, Input::Text(text.into()));
        assert_eq!(read.max_tokens, 128);
    }

    #[rstest]
    #[case::old_name(json!({"max_tokens": 3}), 3)]
    #[case::new_name_wins(json!({"max_tokens": 3, "max_completion_tokens": 4}), 4)]
    #[case::null(json!({"max_tokens": null, "stream": null, "stream_options": null}), 128)]
    fn lengths_of_a_chat(#[case] mut body: Value, #[case] max_tokens: u64) {
        body["messages"] = json!([]);
        assert_eq!(read(Dialect::Chat, &body).unwrap().max_tokens, max_tokens);
    }

    #[rstest]
    #[case(json!(null), false, false)]
    #[case(json!({}), false, false)]
    #[case(json!({"include_usage": true}), true, false)]
    #[case(json!({"include_usage": true, "continuous_usage_stats": true}), true, true)]
    #[case(json!({"continuous_usage_stats": true}), false, false)]
    fn usage_is_asked_for(#[case] options: Value, #[case] usage: bool, #[case] continuous: bool) {
        let body = json!({"prompt": "x", "stream": true, "stream_options": options});
        let read = read(Dialect::Completions, &body).unwrap();
        assert_eq!(
            (read.stream, read.include_usage, read.continuous_usage),
            (true, usage, continuous)
        );
    }

    #[rstest]
    #[case::no_messages(Dialect::Chat, json!({"prompt": "x"}), "messages")]
    #[case::no_prompt(Dialect::Completions, json!({"messages": []}), "prompt")]
    #[case::empty_list(Dialect::Completions, json!({"prompt": []}), "prompt")]
    #[case::empty_token_list(Dialect::Completions, json!({"prompt": [[]]}), "prompt")]
    #[case::wrong_type(Dialect::Completions, json!({"prompt": 7}), "Prompt")]
    #[case::nothing_to_generate(Dialect::Chat, json!({"messages": [], "max_tokens": 0}), "at least 1, got 0")]
    #[case::too_much_to_generate(Dialect::Chat, json!({"messages": [], "max_tokens": 1_u64 << 40}), "too large: 1099511627776")]
    #[case::negative(Dialect::Chat, json!({"messages": [], "max_tokens": -1}), "-1")]
    fn refused(#[case] dialect: Dialect, #[case] body: Value, #[case] names: &str) {
        let refusal = read(dialect, &body).unwrap_err();
        assert_eq!(refusal.status(), 400);
        assert!(refusal.body().contains(names), "{}", refusal.body());
    }
}
