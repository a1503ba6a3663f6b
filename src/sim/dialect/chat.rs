//! OpenAI's `/v1/chat/completions`, as vLLM 0.32 implements it: the role event before the first token, then one event
//! for the tokens of a step, the usage event if asked for, and `[DONE]`.

use super::{
    ParsedRequest,
    answer::running_usage,
    choices::Choices,
    facts::Facts,
    json, openai,
    parsed::{Generating, Message, Messages, StreamOptions},
    settings::Settings,
    structured,
    template::{Filling, Template},
};
use crate::sim::refusal::Refusal;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

/// Tokens of an answer whose length the request leaves open. vLLM would fill the context.
pub(super) const DEFAULT_TOKENS: u64 = 128;

#[derive(Deserialize)]
struct Body {
    messages: Option<Vec<Message>>,
    stream_options: Option<StreamOptions>,
    structured_outputs: Option<Value>,
    response_format: Option<Value>,
}

pub(super) fn read(body: &[u8]) -> Result<ParsedRequest, Refusal> {
    let settings = Settings::read(body)?;
    settings.check_flag("logprobs")?;
    let body: Body = json::parse(body)?;
    let messages = body.messages.ok_or_else(|| Refusal::missing("messages"))?;
    messages.check(&[])?;
    let generating = Generating {
        model: settings.text("model"),
        input: messages.text(),
        max_tokens: settings.max_tokens(),
        default_tokens: DEFAULT_TOKENS,
        stream: settings.flag("stream").unwrap_or(false),
    };
    let asked = generating.asked(Box::new(Chat))?;
    Ok(ParsedRequest {
        usage: body.stream_options.unwrap_or_default().usage(),
        priority: settings.whole("priority").unwrap_or(0),
        ignore_eos: settings.flag("ignore_eos").unwrap_or(false),
        structure: structured::vllm(body.structured_outputs, body.response_format.as_ref())?,
        ..asked
    })
}

/// The words of chat, which no request changes.
#[derive(Debug)]
pub(crate) struct Chat;

const ID: &str = "chatcmpl-";

impl Choices for Chat {
    fn text_key(&self) -> &'static str {
        "content"
    }

    fn head(&self, facts: &Facts) -> String {
        openai::head(facts, ID, "chat.completion.chunk")
    }

    fn role(&self, facts: &Facts) -> Option<Bytes> {
        let choice = r#"{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]"#;
        let start = Template::new(self.head(facts)).then(choice);
        let event = running_usage(start, facts)
            .then(",\"prompt_token_ids\":null,\"prompt_text\":null}\n\n")
            .render(&Filling {
                facts,
                tokens: 0..0,
                before_text: b"",
                sequence: 0,
            });
        Some(event)
    }

    fn choice(&self, finish: &str) -> (&'static str, String) {
        let stop = if finish == "null" {
            ""
        } else {
            ",\"stop_reason\":null"
        };
        let behind =
            format!(r#""}},"logprobs":null,"finish_reason":{finish}{stop},"token_ids":null}}]"#);
        (r#"{"index":0,"delta":{"content":""#, behind)
    }

    fn whole(&self, facts: &Facts, generated: u64) -> Value {
        let choice = json!({
            "index": 0,
            "message": {
                "role": "assistant",
                "content": facts.text(generated),
                "refusal": null,
                "annotations": null,
                "audio": null,
                "function_call": null,
                "reasoning": null,
            },
            "logprobs": null,
            "finish_reason": facts.finish(generated),
            "stop_reason": null,
            "token_ids": null,
            "routed_experts": null,
        });
        let whole = openai::Whole {
            id: ID,
            object: "chat.completion",
            choice,
            nulls: &[
                "prompt_logprobs",
                "prompt_token_ids",
                "prompt_text",
                "kv_transfer_params",
                "ec_transfer_params",
                "metrics",
            ],
        };
        whole.json(facts, generated)
    }
}
