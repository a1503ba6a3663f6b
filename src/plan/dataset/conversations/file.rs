//! Reads files of conversations.

use super::generator::Generator;
use crate::plan::{
    PlanError,
    dataset::{
        complaints::{self, Complaints},
        fields::{client, kind},
    },
};
use serde_json::{Map, Value, json, value::RawValue};
use std::{collections::HashSet, path::Path};

/// A conversation as it is in the file.
pub(super) struct Conversation {
    pub(super) name: String,
    /// Name of the client that it is from, if the file says so.
    pub(super) client: Option<Box<str>>,
    pub(super) exchanges: Vec<Exchange>,
}

/// What is sent in one request, and the answer in the file.
pub(super) struct Exchange {
    pub(super) messages: Vec<Value>,
    pub(super) answer: Option<Value>,
}

/// What a file has.
pub(super) enum Content {
    /// Conversations in the file's order, and what the user should know about them.
    Listed(Vec<Conversation>, Option<String>),
    /// The description of conversations to be made.
    Described(Box<Generator>),
}

/// Reads a file, or reports everything that is wrong with it.
pub(super) fn load(path: &Path) -> Result<Content, PlanError> {
    let text = complaints::read(path)?;
    match description(&text) {
        Some(object) => {
            Generator::read(path, &object).map(|described| Content::Described(Box::new(described)))
        }
        None => listed(path, &text).map(|(all, note)| Content::Listed(all, note)),
    }
}

/// The object of a file that describes conversations. A list, or an object on each line, has conversations.
fn description(text: &str) -> Option<Map<String, Value>> {
    let object: Map<String, Value> = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).ok()?
    } else {
        return None;
    };
    Generator::describes(&object).then_some(object)
}

fn listed(path: &Path, text: &str) -> Result<(Vec<Conversation>, Option<String>), PlanError> {
    let entries = entries(text).map_err(|error| {
        complaints::whole_file(
            path,
            format!("is neither a JSON array of conversations nor one JSON object a line: {error}"),
        )
    })?;
    let mut complaints = Complaints::about(path);
    let mut names = HashSet::new();
    let mut conversations = Vec::new();
    let mut without = 0;
    let lines: Vec<usize> = entries.iter().map(|(line, _)| *line).collect();
    for (number, (line, entry)) in entries.into_iter().enumerate() {
        let alone = lines
            .iter()
            .skip(number.saturating_sub(1))
            .take(3)
            .filter(|at| **at == line);
        let place = match alone.count() {
            0 | 1 => format!("line {line}"),
            _ => format!("line {line}, entry {}", number + 1),
        };
        match conversation(entry) {
            Ok(conversation) => {
                if conversation.exchanges.is_empty() {
                    without += 1;
                    continue;
                }
                if !names.insert(conversation.name.clone()) {
                    let name = &conversation.name;
                    complaints.add(&place, &format!("field `id` is \"{name}\", as in an earlier conversation; give each its own"));
                }
                conversations.push(conversation);
            }
            Err(mistakes) => mistakes
                .iter()
                .for_each(|what| complaints.add(&place, what)),
        }
    }
    complaints.check()?;
    if conversations.is_empty() {
        return Err(complaints::whole_file(path, "has no conversation"));
    }
    let all = conversations.len() + without;
    let note = (without > 0).then(|| {
        format!("{without} of {all} conversations of the file are left out: they have no message of a user")
    });
    Ok((conversations, note))
}

/// The entries of a file, each with the line on which it begins.
fn entries(text: &str) -> Result<Vec<(usize, &RawValue)>, serde_json::Error> {
    let raw: Vec<&RawValue> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text)?
    } else {
        serde_json::Deserializer::from_str(text)
            .into_iter()
            .collect::<Result<_, _>>()?
    };
    let (mut line, mut from) = (1, 0);
    let placed = |entry: &'_ RawValue| {
        let at = entry.get().as_ptr() as usize - text.as_ptr() as usize;
        line += text[from..at].matches('\n').count();
        from = at;
        line
    };
    let lines: Vec<usize> = raw.iter().copied().map(placed).collect();
    Ok(lines.into_iter().zip(raw).collect())
}

/// A conversation, or everything that is wrong with it.
fn conversation(entry: &RawValue) -> Result<Conversation, Vec<String>> {
    let entry: Value = serde_json::from_str(entry.get())
        .map_err(|error| vec![format!("is not JSON: {}", complaints::reason(&error))])?;
    let Value::Object(mut entry) = entry else {
        return Err(vec![format!("is {}, not an object", kind(&entry))]);
    };
    let mut mistakes = Vec::new();
    let name = match entry.remove("id") {
        Some(Value::String(name)) if !name.trim().is_empty() => name,
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(_)) => {
            mistakes.push("field `id` is empty; give each conversation its own".to_owned());
            String::new()
        }
        Some(other) => {
            mistakes.push(format!("field `id` is {}, not a string", kind(&other)));
            String::new()
        }
        None => {
            mistakes.push("field `id` is missing; give each conversation its own".to_owned());
            String::new()
        }
    };
    let client = client(entry.remove("client")).unwrap_or_else(|mistake| {
        mistakes.push(mistake);
        None
    });
    let messages = match (entry.remove("messages"), entry.remove("conversations")) {
        (Some(Value::Array(messages)), _) => Some(messages),
        (None, Some(Value::Array(turns))) => match shared(turns, &mut mistakes).map(sendable) {
            Some(messages) if messages.is_empty() && mistakes.is_empty() => {
                return Ok(Conversation {
                    name,
                    client,
                    exchanges: Vec::new(),
                });
            }
            messages => messages,
        },
        (Some(other), _) => {
            mistakes.push(format!(
                "field `messages` is {}, not an array",
                kind(&other)
            ));
            None
        }
        (None, Some(other)) => {
            let kind = kind(&other);
            mistakes.push(format!("field `conversations` is {kind}, not an array"));
            None
        }
        (None, None) => {
            mistakes.push("field `messages` is missing (ShareGPT's is `conversations`)".to_owned());
            None
        }
    };
    let exchanges = messages.map(|messages| exchanges(messages, &mut mistakes));
    let exchanges = exchanges.unwrap_or_default();
    if mistakes.is_empty() {
        Ok(Conversation {
            name,
            client,
            exchanges,
        })
    } else {
        Err(mistakes)
    }
}

/// ShareGPT's turns as messages, unless one is wrong.
fn shared(turns: Vec<Value>, mistakes: &mut Vec<String>) -> Option<Vec<Value>> {
    let count = turns.len();
    let message = |(index, turn): (usize, Value)| {
        let from = turn.get("from").and_then(Value::as_str);
        let role = match from {
            Some("human" | "user") => "user",
            Some("gpt" | "chatgpt" | "bing" | "bard" | "assistant") => "assistant",
            Some("system") => "system",
            _ => {
                mistakes.push(format!(
                    "field `conversations[{index}].from` is not `human`, `gpt` or `system`"
                ));
                return None;
            }
        };
        match turn.get("value") {
            Some(Value::String(text)) => Some(json!({"role": role, "content": text})),
            _ => {
                mistakes.push(format!(
                    "field `conversations[{index}].value` is not a string"
                ));
                None
            }
        }
    };
    let messages: Vec<Value> = turns.into_iter().enumerate().filter_map(message).collect();
    (messages.len() == count).then_some(messages)
}

/// What can be sent of a chat of ShareGPT, whose files have chats that begin with an answer, that have two answers in a
/// row, and that are empty: from the first message of a user to the first answer to an answer.
fn sendable(messages: Vec<Value>) -> Vec<Value> {
    let role = |message: &Value| message["role"].as_str().unwrap_or_default().to_owned();
    let mut kept: Vec<Value> = Vec::new();
    let mut asked = false;
    for message in messages {
        match role(&message).as_str() {
            "assistant" if kept.iter().any(|message| role(message) == "user") => {
                if !asked {
                    break;
                }
                asked = false;
            }
            "assistant" => continue,
            "user" => asked = true,
            _ => {}
        }
        kept.push(message);
    }
    if kept.iter().any(|message| role(message) == "user") {
        kept
    } else {
        Vec::new()
    }
}

/// What is wrong with the content of a message: it is a text or an array of parts, and an answer that calls tools may have
/// none.
fn content(message: &Value) -> Option<String> {
    let calls = message.get("tool_calls").is_some_and(Value::is_array);
    match message.get("content") {
        Some(Value::String(_) | Value::Array(_)) => None,
        None | Some(Value::Null) if calls => None,
        None => Some("is missing".to_owned()),
        Some(other) => Some(format!(
            "is {}, not a text or an array of parts",
            kind(other)
        )),
    }
}

/// Cuts a chat after each answer. Every piece has a message of its user, or a tool's result.
fn exchanges(messages: Vec<Value>, mistakes: &mut Vec<String>) -> Vec<Exchange> {
    let mut all = Vec::new();
    let mut own = Vec::new();
    let mut asks = false;
    let field = |index: usize| format!("field `messages[{index}]");
    if messages.is_empty() {
        mistakes.push("field `messages` is empty".to_owned());
    }
    for (index, message) in messages.into_iter().enumerate() {
        mistakes.extend(content(&message).map(|what| format!("{}.content` {what}", field(index))));
        match message.get("role").and_then(Value::as_str) {
            Some("assistant") => {
                if !asks {
                    mistakes.push(format!(
                        "{}` is an answer, but no message of a user comes before it",
                        field(index)
                    ));
                }
                asks = false;
                all.push(Exchange {
                    messages: std::mem::take(&mut own),
                    answer: Some(message),
                });
            }
            Some(role @ ("user" | "tool" | "function" | "system" | "developer")) => {
                asks |= !matches!(role, "system" | "developer");
                own.push(message);
            }
            Some(role) => mistakes.push(format!(
                "{}.role` is \"{role}\"; expected `user`, `assistant`, `system`, `developer` or `tool`",
                field(index)
            )),
            None => mistakes.push(format!("{}.role` is missing, or not a string", field(index))),
        }
    }
    match (asks, own.is_empty()) {
        (true, _) => all.push(Exchange {
            messages: own,
            answer: None,
        }),
        (false, false) if all.is_empty() => {
            mistakes.push("has no message of a user".to_owned());
        }
        // A system message at the end is followed by nothing that could be asked.
        _ => {}
    }
    all
}
