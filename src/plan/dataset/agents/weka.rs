//! Sessions of coding agents, an object each, as kv-cache-tester (WEKA) and SemiAnalysis publish them.
//!
//! A session has requests, and among them agents that it started, with requests of their own: they fork from the request
//! before them, and the first request after their end waits for them. Prompts are whole: hash ids stand for full blocks,
//! and what is behind the last is made up anew for each request.

use super::{
    super::fields::{Fields, kind},
    entries::Entry,
    intervals::Node,
    read::{Format, Reader, count, ids, name, span},
    recorded::{Call, steps},
    session::{Asked, Ids, Session},
};
use serde_json::{Map, Value};
use std::{
    collections::{HashMap, hash_map},
    rc::Rc,
};

/// The format.
pub(super) struct Weka;

/// Tokens that a hash id stands for.
const BLOCK: usize = 64;

/// Times are rounded to milliseconds, so a request that seems to end a little late has ended.
const ROUNDED: u64 = 2_000_000;

/// Seconds by which the first request of an agent may precede its start.
const EARLY_S: f64 = 1e-6;

/// A request, or an agent with its requests.
struct Item {
    /// Seconds from the begin of the session, or of the agent.
    at: f64,
    kind: Kind,
}

enum Kind {
    Request(Request),
    Agent(Vec<Item>),
}

struct Request {
    /// Seconds.
    took: Option<f64>,
    think: Option<f64>,
    asked: Asked,
    output: Option<u64>,
}

impl Format for Weka {
    fn knows(&self, entry: &Fields) -> bool {
        entry.has("requests")
    }

    fn read(&self, entries: &[Entry<'_>], reader: &mut Reader<'_>) -> Vec<Session> {
        let mut sessions = Vec::new();
        let mut known: HashMap<String, &str> = HashMap::new();
        for entry in entries {
            let Some(mut fields) = reader.fields(entry) else {
                continue;
            };
            let read = trace(&mut fields, reader);
            let Some((name, items)) = reader.done(fields, read) else {
                continue;
            };
            match known.entry(name.clone()) {
                hash_map::Entry::Occupied(before) => {
                    let what = format!("field `id` is \"{name}\", as in {}", before.get());
                    reader.complaints.add(&entry.place, &what);
                }
                hash_map::Entry::Vacant(free) => {
                    free.insert(&entry.place);
                }
            }
            let mut tree = Tree::default();
            tree.grow(items, 0.0, None);
            if let Some(steps) = steps(&tree.nodes, tree.calls, &entry.place, reader) {
                sessions.push(Session {
                    name,
                    at: None,
                    grows: false,
                    steps,
                });
            }
        }
        sessions
    }
}

/// The name of a session and what is in it.
fn trace(fields: &mut Fields, reader: &mut Reader<'_>) -> Option<(String, Vec<Item>)> {
    let name = name(fields, "id");
    let size = if fields.has("block_size") {
        fields.whole("block_size", 1).map(|size| size as usize)
    } else {
        Some(BLOCK)
    };
    let scope = match fields.take("hash_id_scope") {
        None => Some(true),
        Some(Value::String(scope)) if scope == "local" => Some(true),
        Some(Value::String(scope)) if scope == "global" => Some(false),
        Some(other) => {
            fields.complain(format!(
                "field `hash_id_scope` is {other}; expected \"local\" or \"global\""
            ));
            None
        }
    };
    let (name, size, local) = (name?, size?, scope?);
    let scope = if local {
        format!("{name}:").into()
    } else {
        Rc::from("")
    };
    let blocks = Ids {
        size: reader.block_size(size),
        ids: Vec::new(),
        scope,
    };
    let place = fields.place().to_owned();
    let requests = fields.take("requests");
    let items = requests.and_then(|requests| items(requests, &place, &blocks, reader));
    match items {
        Some(items) if items.iter().any(Item::asks) => Some((name, items)),
        Some(_) => {
            fields.complain("field `requests` has no request");
            None
        }
        None => None,
    }
}

impl Item {
    /// Whether there is a request in it.
    fn asks(&self) -> bool {
        match &self.kind {
            Kind::Request(_) => true,
            Kind::Agent(items) => items.iter().any(Item::asks),
        }
    }
}

/// The items of a list, by their times; `None` if something is wrong, which the reader says.
fn items(requests: Value, place: &str, blocks: &Ids, reader: &mut Reader<'_>) -> Option<Vec<Item>> {
    let Value::Array(requests) = requests else {
        let what = format!("field `requests` is {}, not an array", kind(&requests));
        reader.complaints.add(place, &what);
        return None;
    };
    let mut items = Vec::with_capacity(requests.len());
    let mut sound = true;
    for (index, request) in requests.into_iter().enumerate() {
        let place = format!("{place}, requests[{index}]");
        match request {
            Value::Object(row) => {
                let mut fields = Fields::new(&place, row);
                let item = item(&mut fields, blocks, reader);
                let item = reader.done(fields, item);
                sound &= item.is_some();
                items.extend(item);
            }
            other => {
                let what = format!("is {}, not an object", kind(&other));
                reader.complaints.add(&place, &what);
                sound = false;
            }
        }
    }
    items.sort_by(|a, b| a.at.total_cmp(&b.at));
    sound.then_some(items)
}

fn item(fields: &mut Fields, blocks: &Ids, reader: &mut Reader<'_>) -> Option<Item> {
    let at = match span(fields, "t", 1.0) {
        Some(None) => {
            let names = fields.names();
            fields.complain(format!("field `t` is missing; the request has {names}"));
            None
        }
        at => at.flatten(),
    };
    let word = fields.take("type");
    let agent = match word.as_ref().map(Value::as_str) {
        None | Some(Some("n" | "s")) => false,
        Some(Some("subagent")) => true,
        Some(_) => {
            let word = word.unwrap_or_default();
            fields.complain(format!(
                "field `type` is {word}; expected \"n\", \"s\" or \"subagent\""
            ));
            return None;
        }
    };
    if agent {
        let place = fields.place().to_owned();
        // An agent without requests ran, but asked nothing.
        let requests = fields.take("requests").unwrap_or(Value::Array(Vec::new()));
        let items = items(requests, &place, blocks, reader);
        return Some(Item {
            at: at?,
            kind: Kind::Agent(items?),
        });
    }
    let length = fields.whole("in", 0);
    let output = count(fields, "out");
    let took = span(fields, "api_time", 1.0);
    let think = span(fields, "think_time", 1.0);
    let ids = ids(fields, "hash_ids");
    let (length, output, took, think, ids) = (length?, output?, took?, think?, ids?);
    let blocks = ids.map(|ids| Ids {
        ids,
        scope: blocks.scope.clone(),
        ..*blocks
    });
    Some(Item {
        at: at?,
        kind: Kind::Request(Request {
            took,
            think,
            asked: Asked::Made { length, blocks },
            output,
        }),
    })
}

/// The tree of a session.
#[derive(Default)]
struct Tree {
    nodes: Vec<Node>,
    calls: Vec<Call>,
}

fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

impl Tree {
    /// Adds the items of an agent, whose times count from `base` seconds.
    fn grow(&mut self, items: Vec<Item>, base: f64, parent: Option<usize>) {
        let starts: Vec<u64> = items.iter().map(|item| nanos(base + item.at)).collect();
        // The last request, and when it ended as far as that is known.
        let mut last: Option<usize> = None;
        let mut ended = 0;
        for (index, item) in items.into_iter().enumerate() {
            let start = starts[index];
            let node = self.nodes.len();
            match item.kind {
                Kind::Request(request) => {
                    let end = request.took.map(|took| start + nanos(took));
                    // Without its length, a request ends when the next one begins.
                    let next = starts.get(index + 1).copied().unwrap_or(start);
                    let until = end.map_or(next, |end| end.saturating_sub(ROUNDED));
                    let until = until.max(start.saturating_add(1));
                    self.nodes.push(Node {
                        parent,
                        call: Some((start, until)),
                        begun: 0,
                    });
                    self.calls.push(Call {
                        node,
                        start,
                        end,
                        think: request.think.zip(last),
                        asked: request.asked,
                        output: request.output.into(),
                        overrides: Map::new(),
                    });
                    last = Some(node);
                    ended = until;
                }
                Kind::Agent(inner) => {
                    // An agent starts from the request before it, which may still have been on its way.
                    let begun = ended.max(start);
                    self.nodes.push(Node {
                        parent,
                        call: None,
                        begun,
                    });
                    let first = inner.first().map_or(item.at, |first| first.at);
                    let relative = first + EARLY_S < item.at;
                    let base = if relative { base + item.at } else { base };
                    self.grow(inner, base, Some(node));
                }
            }
        }
    }
}
