//! OpenTelemetry spans of generative AI: OTLP's JSON as the collector's file exporter writes it, spans as SDKs print
//! them, and objects with a list of `spans`.
//!
//! A trace is a session, or all traces of a `gen_ai.conversation.id`. Spans of model calls are requests with their
//! recorded messages, which are whole. The times of the calls and their parent spans say
//! which calls wait for which; spans of tools and everything else between calls are pauses.

mod messages;
mod span;

use super::{
    super::fields::Fields,
    entries::Entry,
    intervals::Node,
    read::{Format, Reader},
    recorded::{Call, steps},
    session::{Asked, Session},
};
use span::Span;
use std::collections::{HashMap, HashSet, hash_map};

/// The format.
pub(super) struct Otel;

impl Format for Otel {
    fn knows(&self, entry: &Fields) -> bool {
        span::LISTS.iter().any(|list| entry.has(list))
            || span::IDS.iter().any(|id| entry.has(id))
            || entry.has("context")
    }

    fn read(&self, entries: &[Entry<'_>], reader: &mut Reader<'_>) -> Vec<Session> {
        let mut spans: Vec<Span> = Vec::new();
        let mut left_out = 0;
        for entry in entries {
            if let Some(fields) = reader.fields(entry) {
                span::read(fields, &mut spans, &mut left_out, reader);
            }
        }
        if left_out > 0 {
            reader.notes.push(format!(
                "{left_out} parts of recorded messages are neither text, pictures nor tools and are left out"
            ));
        }
        unique(&spans, reader);
        let sessions = sessions(spans);
        let first = sessions.iter().flat_map(|(_, spans)| calls(spans));
        let Some(first) = first.map(|span| span.start).min() else {
            let what = "has no span of a model call: one whose `gen_ai.operation.name` is `chat`, `text_completion` or \
                        `generate_content`";
            let place = entries.first().map_or("line 1", |entry| &entry.place);
            reader.complaints.add(place, what);
            return Vec::new();
        };
        let mut repeated = 0;
        let mut read = Vec::new();
        for (name, spans) in sessions {
            let begin = calls(&spans).map(|span| span.start).min();
            let at = begin.map(|begin| (begin - first) as f64 / 1e9);
            let place = spans.first().map(|span| span.place.clone());
            let (nodes, calls) = tree(spans, first, &mut repeated);
            if let Some(steps) = steps(&nodes, calls, &place.unwrap_or_default(), reader)
                && !steps.is_empty()
            {
                read.push(Session {
                    name,
                    at,
                    grows: false,
                    steps,
                });
            }
        }
        if repeated > 0 {
            reader.notes.push(format!(
                "{repeated} spans of model calls repeat the messages of the span that they are in and are left out"
            ));
        }
        read
    }
}

fn calls(spans: &[Span]) -> impl Iterator<Item = &Span> {
    spans.iter().filter(|span| span.call.is_some())
}

/// Names spans that have the id of an earlier one.
fn unique(spans: &[Span], reader: &mut Reader<'_>) {
    let mut known: HashMap<(&str, &str), &str> = HashMap::new();
    for span in spans {
        match known.entry((&span.trace, &span.id)) {
            hash_map::Entry::Occupied(before) => {
                let what = format!("has the span id \"{}\", as {}", span.id, before.get());
                reader.complaints.add(&span.place, &what);
            }
            hash_map::Entry::Vacant(free) => {
                free.insert(&span.place);
            }
        }
    }
}

/// The spans of each session that has calls, by the order of its first span.
fn sessions(spans: Vec<Span>) -> Vec<(String, Vec<Span>)> {
    let mut conversations: HashMap<String, String> = HashMap::new();
    for span in &spans {
        if let Some(id) = span.conversation.clone() {
            conversations.entry(span.trace.clone()).or_insert(id);
        }
    }
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut sessions: Vec<(String, Vec<Span>)> = Vec::new();
    for span in spans {
        let name = conversations.get(&span.trace).unwrap_or(&span.trace);
        let number = match numbers.get(name) {
            Some(number) => *number,
            None => {
                numbers.insert(name.clone(), sessions.len());
                sessions.push((name.clone(), Vec::new()));
                sessions.len() - 1
            }
        };
        sessions[number].1.push(span);
    }
    sessions.retain(|(_, spans)| calls(spans).next().is_some());
    sessions
}

/// The tree of a session's spans and its calls, whose times count from `first`.
fn tree(spans: Vec<Span>, first: u64, repeated: &mut usize) -> (Vec<Node>, Vec<Call>) {
    let places: HashMap<(&str, &str), usize> = spans
        .iter()
        .enumerate()
        .map(|(index, span)| ((&*span.trace, &*span.id), index))
        .collect();
    // The parent of a trace's first span may be of a service that was not recorded.
    let parents: Vec<Option<usize>> = spans
        .iter()
        .map(|span| {
            places
                .get(&(&*span.trace, span.parent.as_deref()?))
                .copied()
        })
        .collect();
    let again = repeats(&spans, &parents);
    *repeated += again.len();
    let mut calls = Vec::new();
    let nodes = spans.into_iter().zip(&parents).enumerate();
    let nodes = nodes.map(|(node, (span, parent))| {
        let times = (
            span.start.saturating_sub(first),
            span.end.saturating_sub(first),
        );
        let call = span.call.filter(|_| !again.contains(&node));
        let times = call.map(|call| {
            calls.push(Call {
                node,
                start: times.0,
                end: Some(times.1),
                think: None,
                asked: Asked::Messages(call.messages),
                output: call.output,
                overrides: call.overrides,
            });
            times
        });
        Node {
            parent: *parent,
            call: times,
            begun: 0,
        }
    });
    (nodes.collect(), calls)
}

/// Calls that a library and the one that it uses both recorded: their messages are those of the call that they are in.
fn repeats(spans: &[Span], parents: &[Option<usize>]) -> HashSet<usize> {
    // The nearest call above each span, found once for all spans on the way.
    let mut above: Vec<Option<Option<usize>>> = vec![None; spans.len()];
    for span in 0..spans.len() {
        let mut path = Vec::new();
        let mut here = Some(span);
        let found = loop {
            let Some(index) = here else { break None };
            if let Some(found) = above[index] {
                break found;
            }
            // A circle ends here too; it is reported later.
            above[index] = Some(None);
            path.push(index);
            match parents[index] {
                Some(parent) if spans[parent].call.is_some() => break Some(parent),
                parent => here = parent,
            }
        };
        for index in path {
            above[index] = Some(found);
        }
    }
    let same = |span: &usize| {
        let outer = above[*span].flatten()?;
        let (outer, inner) = (spans[outer].call.as_ref()?, spans[*span].call.as_ref()?);
        (outer.messages == inner.messages).then_some(())
    };
    (0..spans.len())
        .filter(|span| same(span).is_some())
        .collect()
}
