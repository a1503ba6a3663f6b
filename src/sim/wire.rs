//! Renders answers with the framing of vLLM 0.32: one HTTP chunk an event, the role event before
//! the first token, then one event a token, the usage event if asked for, and `[DONE]`.

use super::request::Dialect;
use bytes::Bytes;
use serde_json::{Value, json};
use std::ops::Range;

/// What tokens look like: frequent words, which most vocabularies have as one token each.
const WORDS: [&str; 16] = [
    " the", " of", " and", " to", " in", " for", " is", " on", " that", " by", " this", " with",
    " you", " it", " not", " are",
];

/// The end of an event stream.
const DONE: &str = "data: [DONE]\n\n";

/// Media type of a stream.
pub(crate) const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

const FINGERPRINT: &str = "goodput-sim";

/// Everything about one answer but its times.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    dialect: Dialect,
    /// Tokens to generate; at least 1.
    tokens: u64,
    prompt_tokens: u64,
    usage: UsageEvents,
    /// What usage says was generated, when that is not the truth.
    stated: Option<u64>,
    /// Usage is left out even where it always is.
    withheld: bool,
    done: bool,
    id: String,
    created: u64,
    model: String,
    /// What the JSON of every event starts with, up to the choice.
    head: String,
}

/// Which events of a stream state the usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UsageEvents {
    /// None.
    Never,
    /// One more at the end.
    Last,
    /// All, and one more at the end.
    All,
}

impl Answer {
    /// An answer of `tokens` tokens, at least one. `id` is without the dialect's prefix; `created`
    /// is in Unix seconds.
    pub(crate) fn new(
        dialect: Dialect,
        id: &str,
        created: u64,
        model: &str,
        tokens: u64,
        prompt_tokens: u64,
    ) -> Self {
        let (prefix, object) = match dialect {
            Dialect::Chat => ("chatcmpl-", "chat.completion.chunk"),
            Dialect::Completions => ("cmpl-", "text_completion"),
        };
        let id = format!("{prefix}{id}");
        let mut head =
            json!({"id": id, "object": object, "created": created, "model": model}).to_string();
        head.pop();
        Answer {
            dialect,
            tokens: tokens.max(1),
            prompt_tokens,
            usage: UsageEvents::Never,
            stated: None,
            withheld: false,
            done: true,
            id,
            created,
            model: model.to_owned(),
            head: format!("data: {head},\"choices\":["),
        }
    }

    /// States the usage in these events.
    pub(crate) fn usage(mut self, usage: UsageEvents) -> Self {
        self.usage = usage;
        self
    }

    /// States this number of generated tokens, whatever was generated.
    pub(super) fn stating(mut self, generated: u64) -> Self {
        self.stated = Some(generated);
        self
    }

    /// States no usage, asked for or not.
    pub(super) fn withholding_usage(mut self) -> Self {
        self.usage = UsageEvents::Never;
        self.withheld = true;
        self
    }

    /// Ends the stream without `[DONE]`.
    pub(crate) fn without_done(mut self) -> Self {
        self.done = false;
        self
    }

    /// Tokens to generate.
    pub(crate) fn tokens(&self) -> u64 {
        self.tokens
    }

    /// The events that are written when these tokens are ready at once: one for all of them, as vLLM
    /// does it.
    pub(crate) fn burst(&self, tokens: Range<u64>) -> Vec<Bytes> {
        let last = tokens.end == self.tokens;
        let mut events = Vec::with_capacity(1);
        if tokens.start == 0 {
            events.extend(self.role_event());
        }
        events.push(self.token_event(tokens));
        if last {
            events.extend(self.closing());
        }
        events
    }

    /// What comes before the first token: chat states the role.
    pub(super) fn role_event(&self) -> Option<Bytes> {
        if self.dialect == Dialect::Completions {
            return None;
        }
        let choice = r#"{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]"#;
        let running = self.running_usage(0);
        let tail = r#","prompt_token_ids":null,"prompt_text":null}"#;
        Some(Bytes::from(format!(
            "{}{choice}{running}{tail}\n\n",
            self.head
        )))
    }

    /// One event with these tokens, at least one.
    pub(super) fn token_event(&self, tokens: Range<u64>) -> Bytes {
        let last = tokens.end == self.tokens;
        let generated = tokens.end;
        let event = match tokens.end - tokens.start {
            1 => self.event(word(tokens.start), last, generated),
            _ => self.event(&tokens.map(word).collect::<String>(), last, generated),
        };
        Bytes::from(event)
    }

    /// An event without text, after `generated` tokens.
    pub(super) fn empty_event(&self, generated: u64) -> Bytes {
        Bytes::from(self.event("", false, generated))
    }

    fn event(&self, text: &str, last: bool, generated: u64) -> String {
        let finish = if last { "\"length\"" } else { "null" };
        let choice = match self.dialect {
            Dialect::Chat => {
                let stop = if last { "\"stop_reason\":null," } else { "" };
                format!(
                    r#"{{"index":0,"delta":{{"content":"{text}"}},"logprobs":null,"finish_reason":{finish},{stop}"token_ids":null}}]"#
                )
            }
            Dialect::Completions => format!(
                r#"{{"index":0,"text":"{text}","logprobs":null,"finish_reason":{finish},"stop_reason":null,"prompt_token_ids":null,"token_ids":null}}]"#
            ),
        };
        let running = self.running_usage(generated);
        // vLLM puts it into the very last event that has JSON.
        let fingerprint = if last && self.usage == UsageEvents::Never {
            format!(r#","system_fingerprint":"{FINGERPRINT}""#)
        } else {
            String::new()
        };
        format!("{}{choice}{running}{fingerprint}}}\n\n", self.head)
    }

    /// What comes after the last token: usage if it is to be stated, and `[DONE]`.
    pub(super) fn closing(&self) -> Vec<Bytes> {
        self.closing_after(self.tokens)
    }

    /// The same after fewer tokens.
    pub(super) fn closing_after(&self, generated: u64) -> Vec<Bytes> {
        let usage = (self.usage != UsageEvents::Never).then(|| self.usage_event(generated));
        let done = self.done.then(|| Bytes::from_static(DONE.as_bytes()));
        usage.into_iter().chain(done).collect()
    }

    /// An error after which nothing comes but `[DONE]`, as vLLM tells it inside a stream.
    pub(super) fn error_events(&self, message: &str) -> Vec<Bytes> {
        let done = self.done.then(|| Bytes::from_static(DONE.as_bytes()));
        let error = Bytes::from(format!("data: {}\n\n", error(message)));
        [error].into_iter().chain(done).collect()
    }

    /// Usage and no choices, after `generated` tokens.
    pub(super) fn usage_event(&self, generated: u64) -> Bytes {
        let usage = self.usage_so_far(generated);
        Bytes::from(format!(
            "{}],\"usage\":{usage},\"system_fingerprint\":\"{FINGERPRINT}\"}}\n\n",
            self.head
        ))
    }

    fn running_usage(&self, generated: u64) -> String {
        match self.usage {
            UsageEvents::All => format!(",\"usage\":{}", self.usage_so_far(generated)),
            UsageEvents::Never | UsageEvents::Last => String::new(),
        }
    }

    fn usage_so_far(&self, generated: u64) -> Value {
        let generated = self.stated.unwrap_or(generated);
        json!({
            "prompt_tokens": self.prompt_tokens,
            "total_tokens": self.prompt_tokens + generated,
            "completion_tokens": generated,
        })
    }

    /// The answer in one piece, for a request that does not stream.
    pub(crate) fn whole(&self) -> String {
        self.whole_of(self.tokens)
    }

    /// The same with fewer tokens in it.
    pub(super) fn whole_of(&self, generated: u64) -> String {
        let text: String = (0..generated).map(word).collect();
        let (object, choice) = match self.dialect {
            Dialect::Chat => (
                "chat.completion",
                json!({
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": text,
                        "refusal": null,
                        "annotations": null,
                        "audio": null,
                        "function_call": null,
                        "reasoning": null,
                    },
                    "logprobs": null,
                    "finish_reason": "length",
                    "stop_reason": null,
                    "token_ids": null,
                }),
            ),
            Dialect::Completions => (
                "text_completion",
                json!({
                    "index": 0,
                    "text": text,
                    "logprobs": null,
                    "finish_reason": "length",
                    "stop_reason": null,
                    "token_ids": null,
                    "prompt_logprobs": null,
                    "prompt_token_ids": null,
                }),
            ),
        };
        let mut whole = json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "choices": [choice],
            "service_tier": null,
            "system_fingerprint": FINGERPRINT,
        });
        if !self.withheld {
            whole["usage"] = self.usage_so_far(generated);
        }
        whole.to_string()
    }
}

/// An error, as vLLM tells it.
pub(super) fn error(message: &str) -> Value {
    json!({"error": {
        "message": message,
        "type": "InternalServerError",
        "param": null,
        "code": 500,
    }})
}

/// The text of a token.
fn word(index: u64) -> &'static str {
    // The remainder is below the length of the list.
    WORDS[(index % WORDS.len() as u64) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use proptest::prelude::*;

    fn stream(answer: &Answer) -> String {
        let events = (0..answer.tokens()).flat_map(|index| answer.burst(index..index + 1));
        events
            .map(|event| String::from_utf8(event.to_vec()).unwrap())
            .collect()
    }

    fn answer(dialect: Dialect, tokens: u64) -> Answer {
        Answer::new(dialect, "1f", 1_700_000_000, "tiny \"quoted\"", tokens, 21)
    }

    #[test]
    fn chat_with_usage() {
        assert_snapshot!(stream(&answer(Dialect::Chat, 2).usage(UsageEvents::Last)), @r#"
        data: {"id":"chatcmpl-1f","object":"chat.completion.chunk","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null}

        data: {"id":"chatcmpl-1f","object":"chat.completion.chunk","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"delta":{"content":" the"},"logprobs":null,"finish_reason":null,"token_ids":null}]}

        data: {"id":"chatcmpl-1f","object":"chat.completion.chunk","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"delta":{"content":" of"},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}]}

        data: {"id":"chatcmpl-1f","object":"chat.completion.chunk","created":1700000000,"model":"tiny \"quoted\"","choices":[],"usage":{"prompt_tokens":21,"total_tokens":23,"completion_tokens":2},"system_fingerprint":"goodput-sim"}

        data: [DONE]
        "#);
    }

    #[test]
    fn chat_without_usage() {
        assert_snapshot!(stream(&answer(Dialect::Chat, 1)), @r#"
        data: {"id":"chatcmpl-1f","object":"chat.completion.chunk","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null}

        data: {"id":"chatcmpl-1f","object":"chat.completion.chunk","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"delta":{"content":" the"},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}],"system_fingerprint":"goodput-sim"}

        data: [DONE]
        "#);
    }

    #[test]
    fn completions_with_usage_in_every_event() {
        assert_snapshot!(stream(&answer(Dialect::Completions, 2).usage(UsageEvents::All)), @r#"
        data: {"id":"cmpl-1f","object":"text_completion","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"text":" the","logprobs":null,"finish_reason":null,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}],"usage":{"prompt_tokens":21,"total_tokens":22,"completion_tokens":1}}

        data: {"id":"cmpl-1f","object":"text_completion","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"text":" of","logprobs":null,"finish_reason":"length","stop_reason":null,"prompt_token_ids":null,"token_ids":null}],"usage":{"prompt_tokens":21,"total_tokens":23,"completion_tokens":2}}

        data: {"id":"cmpl-1f","object":"text_completion","created":1700000000,"model":"tiny \"quoted\"","choices":[],"usage":{"prompt_tokens":21,"total_tokens":23,"completion_tokens":2},"system_fingerprint":"goodput-sim"}

        data: [DONE]
        "#);
    }

    #[test]
    fn whole_answers() {
        assert_snapshot!(answer(Dialect::Chat, 3).whole(), @r#"{"id":"chatcmpl-1f","object":"chat.completion","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"message":{"role":"assistant","content":" the of and","refusal":null,"annotations":null,"audio":null,"function_call":null,"reasoning":null},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}],"service_tier":null,"system_fingerprint":"goodput-sim","usage":{"prompt_tokens":21,"total_tokens":24,"completion_tokens":3}}"#);
        assert_snapshot!(answer(Dialect::Completions, 3).whole(), @r#"{"id":"cmpl-1f","object":"text_completion","created":1700000000,"model":"tiny \"quoted\"","choices":[{"index":0,"text":" the of and","logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null,"prompt_logprobs":null,"prompt_token_ids":null}],"service_tier":null,"system_fingerprint":"goodput-sim","usage":{"prompt_tokens":21,"total_tokens":24,"completion_tokens":3}}"#);
    }

    #[test]
    fn a_burst_is_one_event() {
        let answer = answer(Dialect::Chat, 4).usage(UsageEvents::All);
        let counts: Vec<_> = [0..1, 1..4].map(|tokens| answer.burst(tokens)).into();
        // Role and token; then the burst, the usage and `[DONE]`.
        assert_eq!([counts[0].len(), counts[1].len()], [2, 3]);
        let event = String::from_utf8(counts[1][0].to_vec()).unwrap();
        assert!(
            event.contains(r#""delta":{"content":" of and to"}"#),
            "{event}"
        );
        assert!(event.contains(r#""completion_tokens":4"#), "{event}");
        assert!(event.contains(r#""finish_reason":"length""#), "{event}");
    }

    proptest! {
        #[test]
        fn every_event_is_json_and_the_text_is_that_of_the_whole_answer(
            tokens in 1_u64..60,
            chat: bool,
            id in ".*",
            model in ".*",
        ) {
            let dialect = if chat { Dialect::Chat } else { Dialect::Completions };
            let answer = Answer::new(dialect, &id, 1, &model, tokens, 5).usage(UsageEvents::Last);
            let mut text = String::new();
            let mut counted = 0;
            for event in (0..tokens).flat_map(|index| answer.burst(index..index + 1)) {
                let data = event.strip_prefix(b"data: ").and_then(|data| data.strip_suffix(b"\n\n")).unwrap();
                if data == b"[DONE]" {
                    continue;
                }
                let event: Value = serde_json::from_slice(data).unwrap();
                prop_assert_eq!(event["model"].as_str(), Some(model.as_str()));
                counted = event["usage"]["completion_tokens"].as_u64().unwrap_or(counted);
                let choice = &event["choices"][0];
                let delta = if chat { &choice["delta"]["content"] } else { &choice["text"] };
                text.push_str(delta.as_str().unwrap_or_default());
            }
            prop_assert_eq!(counted, tokens);
            let whole: Value = serde_json::from_str(&answer.whole()).unwrap();
            let choice = &whole["choices"][0];
            let content = if chat { &choice["message"]["content"] } else { &choice["text"] };
            prop_assert_eq!(content.as_str(), Some(text.as_str()));
        }
    }
}
