//! Mooncake's requests, one on each line, with what aiperf added: a session, a delay, and prompts of other kinds.
//!
//! A request has exactly one of `input_length` (tokens, made up by `hash_ids`), `text_input`, `messages` and `payload` (a
//! whole body). Requests of a session stand in the order of their turns. Prompts with hash ids, messages and payloads are
//! whole; in a session, texts and lengths alone are what is new, and so are messages with `"assistant_responses": "live"`.

use super::{
    super::{fields::Fields, fields::kind},
    entries::Entry,
    read::{Format, Reader, chat, count, fits, ids, name, object, span, time},
    session::{Asked, Ids, Session, Step, Wait},
};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The format.
pub(super) struct Mooncake;

/// Tokens that a hash id stands for.
const BLOCK: usize = 512;

const INPUTS: [&str; 4] = ["input_length", "text_input", "messages", "payload"];

/// Fields of a payload that the bench decides.
const OF_THE_BENCH: [&str; 3] = ["model", "stream", "stream_options"];

/// Fields of a payload that say how long the answer is.
const LENGTHS: [&str; 2] = ["max_completion_tokens", "max_tokens"];

/// A request, and where it belongs.
struct Row {
    session: Option<String>,
    at: Option<f64>,
    delay: Option<f64>,
    /// Whether the prompt is only what is new. A prompt of a session of its own is both.
    grows: bool,
    step: Step,
}

impl Format for Mooncake {
    fn knows(&self, entry: &Fields) -> bool {
        INPUTS.iter().any(|input| entry.has(input))
    }

    fn read(&self, entries: &[Entry<'_>], reader: &mut Reader<'_>) -> Vec<Session> {
        let mut sessions: Vec<Session> = Vec::new();
        let mut places: Vec<&str> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut last: HashMap<usize, f64> = HashMap::new();
        let size = reader.block_size(BLOCK);
        for entry in entries {
            let Some(mut fields) = reader.fields(entry) else {
                continue;
            };
            let read = row(&mut fields, size);
            let Some(mut row) = reader.done(fields, read) else {
                continue;
            };
            let number = row.session.as_ref().and_then(|name| known.get(name));
            let Some(number) = number.copied() else {
                let number = sessions.len();
                let name = row.session.clone();
                known.extend(name.map(|name| (name, number)));
                last.extend(row.at.map(|at| (number, at)));
                places.push(&entry.place);
                sessions.push(Session {
                    name: row.session.unwrap_or_else(|| number.to_string()),
                    at: row.at,
                    grows: row.grows,
                    steps: vec![row.step],
                });
                continue;
            };
            let session = &mut sessions[number];
            if session.grows != row.grows {
                let name = &session.name;
                let first = places[number];
                reader.complaints.add(
                    &entry.place,
                    &format!(
                        "session `{name}` ({first}) has prompts that are whole (with `hash_ids`, `messages` or `payload`) \
                         and prompts that are only what is new; give all its requests the same kind"
                    ),
                );
            }
            row.step.after = vec![session.steps.len() - 1];
            row.step.wait = match (row.delay, row.at, session.at) {
                (Some(delay), ..) => Wait::Pause(delay),
                (None, Some(at), Some(first)) => Wait::Until((at - first).max(0.0)),
                _ => Wait::Pause(0.0),
            };
            if let Some(at) = row.at {
                let before = last.insert(number, at);
                if before.is_some_and(|before| before > at) {
                    reader.complaints.add(
                        &entry.place,
                        &format!(
                            "field `timestamp` is before that of the request before it in session `{}`; write the requests \
                             of a session in the order of their times",
                            session.name
                        ),
                    );
                }
            }
            session.steps.push(row.step);
        }
        for session in &mut sessions {
            session.grows &= session.steps.len() > 1;
        }
        untimed(&sessions, &places, reader);
        sessions
    }
}

/// Either all sessions have a time or none has.
fn untimed(sessions: &[Session], places: &[&str], reader: &mut Reader<'_>) {
    let timed = sessions.iter().any(|session| session.at.is_some());
    if !timed || !reader.settings.self_timed {
        return;
    }
    for (session, place) in sessions.iter().zip(places) {
        if session.at.is_none() {
            reader.complaints.add(
                place,
                "field `timestamp` is missing, but other sessions have one. Add it, or set `agents(self_timed = false)`",
            );
        }
    }
}

fn row(fields: &mut Fields, size: usize) -> Option<Row> {
    let session = if fields.has("session_id") {
        name(fields, "session_id").map(Some)
    } else {
        Some(None)
    };
    let at = time(fields, "timestamp", 1e-3);
    let delay = span(fields, "delay", 1e-3);
    let output = count(fields, "output_length");
    let live = live(fields);
    let overrides = overrides(fields);
    let asked = asked(fields, size);
    let (session, mut overrides) = (session?, overrides?);
    let (asked, whole, payload) = asked?;
    let (at, delay, live) = (at?, delay?, live?);
    let asked_for = LENGTHS.iter().find_map(|name| payload.get(*name)?.as_u64());
    overrides.extend(payload.into_iter().filter(|(name, _)| {
        !OF_THE_BENCH.contains(&name.as_str()) && !LENGTHS.contains(&name.as_str())
    }));
    Some(Row {
        grows: session.is_some() && (live || !whole),
        session,
        at,
        delay,
        step: Step {
            after: Vec::new(),
            wait: Wait::Pause(0.0),
            asked,
            output: output?.or(asked_for).into(),
            overrides,
        },
    })
}

/// Whether messages are only what is new.
fn live(fields: &mut Fields) -> Option<bool> {
    match fields.take("assistant_responses") {
        None => Some(false),
        Some(Value::String(word)) if word == "recorded" => Some(false),
        Some(Value::String(word)) if word == "live" => {
            let chat = fields.has("messages");
            if !chat {
                fields.complain("field `assistant_responses` is \"live\", which needs `messages`");
            }
            chat.then_some(true)
        }
        Some(other) => {
            fields.complain(format!(
                "field `assistant_responses` is {other}; expected \"live\" or \"recorded\""
            ));
            None
        }
    }
}

/// Fields of the body: `extra`, and the tools of a chat.
fn overrides(fields: &mut Fields) -> Option<Map<String, Value>> {
    let mut overrides = object(fields, "extra")?.unwrap_or_default();
    match fields.take("tools") {
        None => {}
        Some(Value::Array(tools)) if !tools.is_empty() && fields.has("messages") => {
            overrides.insert("tools".to_owned(), Value::Array(tools));
        }
        Some(Value::Array(tools)) if !tools.is_empty() => {
            fields.complain("field `tools` needs `messages`");
            return None;
        }
        Some(other) => {
            let what = match other {
                Value::Array(_) => "empty",
                ref other => kind(other),
            };
            fields.complain(format!(
                "field `tools` is {what}; expected an array of tools"
            ));
            return None;
        }
    }
    Some(overrides)
}

/// The prompt, whether it is whole, and the other fields of a payload.
fn asked(fields: &mut Fields, size: usize) -> Option<(Asked, bool, Map<String, Value>)> {
    let given: Vec<&str> = INPUTS.into_iter().filter(|name| fields.has(name)).collect();
    let none = Map::new();
    if given.as_slice() != ["input_length"] && fields.has("hash_ids") {
        fields.complain("field `hash_ids` needs `input_length`, and no other prompt");
        return None;
    }
    match given.as_slice() {
        ["input_length"] => {
            let length = fields.whole("input_length", 0);
            let ids = ids(fields, "hash_ids");
            let (length, ids) = (length?, ids?);
            if let Some(ids) = &ids {
                fits(fields, length, ids, size)?;
            }
            let whole = ids.is_some();
            let scope = "".into();
            let blocks = ids.map(|ids| Ids { size, ids, scope });
            Some((Asked::Made { length, blocks }, whole, none))
        }
        ["text_input"] => Some((Asked::Text(fields.text("text_input")?), false, none)),
        ["messages"] => {
            let messages = fields.take("messages")?;
            let messages = chat(fields, "messages", messages)?;
            Some((Asked::Messages(messages), true, none))
        }
        ["payload"] => {
            let mut payload = object(fields, "payload")??;
            let asked = match (payload.remove("messages"), payload.remove("prompt")) {
                (Some(messages), None) => {
                    Asked::Messages(chat(fields, "payload.messages", messages)?)
                }
                (None, Some(Value::String(text))) => Asked::Text(text),
                (None, Some(Value::Array(ids))) => {
                    let ids: Option<Vec<u32>> = ids
                        .iter()
                        .map(|id| id.as_u64().and_then(|id| u32::try_from(id).ok()))
                        .collect();
                    let Some(ids) = ids.filter(|ids| !ids.is_empty()) else {
                        fields.complain(
                            "field `payload.prompt` is neither a string nor an array of token ids",
                        );
                        return None;
                    };
                    Asked::Tokens(ids)
                }
                _ => {
                    fields.complain(
                        "field `payload` needs either `messages` or `prompt`, a string or token ids",
                    );
                    return None;
                }
            };
            Some((asked, true, payload))
        }
        given => {
            let all = INPUTS.map(|name| format!("`{name}`")).join(", ");
            let what = match given {
                [] => "none".to_owned(),
                given => given.join(" and "),
            };
            fields.complain(format!("needs exactly one of {all}, and has {what}"));
            None
        }
    }
}
