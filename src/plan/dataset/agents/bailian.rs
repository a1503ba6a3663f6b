//! Chats of Alibaba's Bailian, one on each line: trees of requests, each of which names the chat that it goes on from.
//!
//! Prompts are whole. Nothing says how long an answer took, so a request is due at its recorded time, but not before the
//! request that it goes on from has ended.

use super::{
    super::fields::Fields,
    entries::Entry,
    intervals::{NoOrder, Node, precedence},
    read::{Format, Reader, fits, ids, since_start},
    session::{Asked, Ids, Output, Session, Step, Wait},
};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The format.
pub(super) struct Bailian;

/// Tokens that a hash id stands for.
const BLOCK: usize = 16;

struct Row {
    id: i64,
    parent: Option<i64>,
    at: f64,
    asked: Asked,
    output: u64,
}

impl Format for Bailian {
    fn knows(&self, entry: &Fields) -> bool {
        entry.has("chat_id")
    }

    fn read(&self, entries: &[Entry<'_>], reader: &mut Reader<'_>) -> Vec<Session> {
        let size = reader.block_size(BLOCK);
        let mut rows: Vec<Row> = Vec::new();
        let mut places: Vec<&str> = Vec::new();
        let mut known: HashMap<i64, usize> = HashMap::new();
        for entry in entries {
            let Some(mut fields) = reader.fields(entry) else {
                continue;
            };
            let read = row(&mut fields, size);
            let Some(row) = reader.done(fields, read) else {
                continue;
            };
            if let Some(before) = known.insert(row.id, rows.len()) {
                let what = format!("field `chat_id` is {}, as in {}", row.id, places[before]);
                reader.complaints.add(&entry.place, &what);
            }
            places.push(&entry.place);
            rows.push(row);
        }
        let mut parents = Vec::with_capacity(rows.len());
        let mut unknown = 0;
        for (index, row) in rows.iter().enumerate() {
            let parent = row.parent.and_then(|parent| known.get(&parent).copied());
            if let (Some(id), None) = (row.parent, parent) {
                unknown += 1;
                if !reader.settings.orphans {
                    let what = format!(
                        "field `parent_chat_id` is {id}, and no chat of the file has that id. For a window of a longer \
                         recording, set `agents(orphans)`"
                    );
                    reader.complaints.add(places[index], &what);
                }
            }
            if let Some(parent) = parent
                && rows[parent].at > row.at
            {
                let what = format!(
                    "field `timestamp` is {}, before that of its parent ({}), which is {}",
                    row.at, places[parent], rows[parent].at
                );
                reader.complaints.add(places[index], &what);
            }
            parents.push(parent);
        }
        if unknown > 0 {
            let requests = match unknown {
                1 => "1 request goes on from a chat that was not recorded; it begins a session"
                    .to_owned(),
                _ => format!(
                    "{unknown} requests go on from chats that were not recorded; each begins a session"
                ),
            };
            reader.notes.push(requests);
        }
        circles(&parents, &places, reader);
        grow(rows, &parents)
    }
}

/// Names the chats that are their own ancestors.
fn circles(parents: &[Option<usize>], places: &[&str], reader: &mut Reader<'_>) {
    let node = |parent: &Option<usize>| Node {
        parent: *parent,
        ..Node::default()
    };
    let nodes: Vec<Node> = parents.iter().map(node).collect();
    if let Err(NoOrder::Circle(circle)) = precedence(&nodes, &mut reader.links) {
        for index in circle {
            let what = "field `parent_chat_id` leads back to this chat, or to others that lead back to themselves";
            reader.complaints.add(places[index], what);
        }
    }
}

/// A session for each tree.
fn grow(rows: Vec<Row>, parents: &[Option<usize>]) -> Vec<Session> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| rows[*a].at.total_cmp(&rows[*b].at));
    let mut rows: Vec<Option<Row>> = rows.into_iter().map(Some).collect();
    let mut sessions: Vec<Session> = Vec::new();
    // Session and step of each row.
    let mut places: Vec<Option<(usize, usize)>> = vec![None; rows.len()];
    // Rows at the same time may stand before their parents.
    let mut waiting: HashMap<usize, Vec<usize>> = HashMap::new();
    for index in order {
        let mut ready = vec![index];
        while let Some(index) = ready.pop() {
            let before = parents[index].map(|parent| (parent, places[parent]));
            if let Some((parent, None)) = before {
                waiting.entry(parent).or_default().push(index);
                continue;
            }
            let Some(row) = rows[index].take() else {
                continue;
            };
            let (session, after, wait) = match before {
                Some((_, Some((session, step)))) => {
                    let begin = sessions[session].at.unwrap_or_default();
                    (session, vec![step], Wait::Until((row.at - begin).max(0.0)))
                }
                _ => {
                    sessions.push(Session {
                        name: row.id.to_string(),
                        at: Some(row.at),
                        grows: false,
                        steps: Vec::new(),
                    });
                    (sessions.len() - 1, Vec::new(), Wait::Pause(0.0))
                }
            };
            places[index] = Some((session, sessions[session].steps.len()));
            sessions[session].steps.push(Step {
                after,
                wait,
                asked: row.asked,
                output: Output::Tokens(row.output),
                overrides: Map::new(),
            });
            ready.extend(waiting.remove(&index).unwrap_or_default());
        }
    }
    sessions
}

fn row(fields: &mut Fields, size: usize) -> Option<Row> {
    let id = whole(fields, "chat_id");
    let parent = if fields.has("parent_chat_id") {
        whole(fields, "parent_chat_id")
    } else {
        Some(-1)
    };
    let at = fields
        .number("timestamp")
        .and_then(|at| since_start(fields, "timestamp", at));
    let length = fields.whole("input_length", 0);
    let output = fields.whole("output_length", 0);
    let ids = ids(fields, "hash_ids");
    let (length, ids) = (length?, ids?);
    if let Some(ids) = &ids {
        fits(fields, length, ids, size)?;
    }
    let scope = "".into();
    let blocks = ids.map(|ids| Ids { size, ids, scope });
    Some(Row {
        id: id?,
        parent: parent.map(|parent| Some(parent).filter(|parent| *parent >= 0))?,
        at: at?,
        asked: Asked::Made { length, blocks },
        output: output?,
    })
}

fn whole(fields: &mut Fields, name: &str) -> Option<i64> {
    let value = fields.take(name);
    let number = value.as_ref().and_then(Value::as_i64);
    if number.is_none() {
        let what = value.map_or_else(|| "missing".to_owned(), |value| format!("{value}"));
        fields.complain(format!("field `{name}` is {what}; expected a whole number"));
    }
    number
}
