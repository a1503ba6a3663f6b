//! A second, slow reading of plainly framed streams, to hold the decoder against.

use goodput::record::{Channel, Reply, Usage};
use serde_json::Value;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Reading {
    channels: Vec<Channel>,
    text: String,
    reasoning: String,
    finish: Option<String>,
    usage: Option<Usage>,
    done: bool,
}

pub(crate) fn of(reply: &Reply) -> Reading {
    Reading {
        channels: reply.events.iter().map(|event| event.channel).collect(),
        text: reply.text.clone(),
        reasoning: reply.reasoning.clone(),
        finish: reply.finish.clone(),
        usage: reply.usage,
        done: reply.done,
    }
}

pub(crate) fn read(body: &str, chat: bool) -> Reading {
    let mut reading = Reading::default();
    let mut several = false;
    for data in body.lines().filter_map(|line| line.strip_prefix("data: ")) {
        if data == "[DONE]" {
            reading.done = true;
            continue;
        }
        let json: Value = serde_json::from_str(data).unwrap();
        if json["usage"].is_object() {
            reading.usage = Some(Usage {
                prompt_tokens: json["usage"]["prompt_tokens"].as_u64(),
                completion_tokens: json["usage"]["completion_tokens"].as_u64(),
                cached_tokens: json["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64(),
                reasoning_tokens: json["usage"]["completion_tokens_details"]["reasoning_tokens"]
                    .as_u64(),
            });
        }
        let choices: Vec<&Value> = json["choices"].as_array().into_iter().flatten().collect();
        let first = |choice: &&&Value| choice["index"] == 0;
        several |= choices.iter().any(|choice| choice["index"] != 0);
        let Some(choice) = choices.iter().find(first) else {
            continue;
        };
        if let Some(finish) = choice["finish_reason"].as_str() {
            reading.finish = Some(finish.to_owned());
        }
        let source = if chat {
            &choice["delta"]["content"]
        } else {
            &choice["text"]
        };
        let text = source.as_str().unwrap_or_default();
        let reasoning = choice["delta"]["reasoning"].as_str().unwrap_or_default();
        reading.text += text;
        reading.reasoning += reasoning;
        let is_tool = choice["delta"]["tool_calls"].is_array();
        let has_role = choice["delta"].get("role").is_some();
        reading.channels.extend(match () {
            () if !text.is_empty() => Some(Channel::Answer),
            () if !reasoning.is_empty() => Some(Channel::Reasoning),
            () if is_tool => Some(Channel::Tool),
            () if !chat || source == "" && !has_role => Some(Channel::Silent),
            () => None,
        });
    }
    // The server counted the others', too.
    if let Some(usage) = reading.usage.as_mut().filter(|_| several) {
        usage.completion_tokens = None;
        usage.reasoning_tokens = None;
    }
    reading
}
