//! Makes the requests of a session from recorded calls: each with the requests that it waits for, and how long.

use super::{
    intervals::{NoOrder, Node, precedence, sequence},
    read::Reader,
    session::{Asked, Output, Step, Wait},
};
use serde_json::{Map, Value};

/// A call of a model, as it was recorded. Times are in nanoseconds since the begin of the recording.
pub(super) struct Call {
    /// Node of the call in the tree of the session.
    pub(super) node: usize,
    pub(super) start: u64,
    /// When it ended, if that is known.
    pub(super) end: Option<u64>,
    /// How long its user or tool took, if that is known, and the node of the call that was answered before.
    pub(super) think: Option<(f64, usize)>,
    pub(super) asked: Asked,
    pub(super) output: Output,
    pub(super) overrides: Map<String, Value>,
}

/// Seconds of a span of nanoseconds.
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// The requests of a session, whose nodes form no circle. `None` if there are too many links, which the reader says.
pub(super) fn steps(
    nodes: &[Node],
    calls: Vec<Call>,
    place: &str,
    reader: &mut Reader<'_>,
) -> Option<Vec<Step>> {
    let mut of_node = vec![None; nodes.len()];
    for (index, call) in calls.iter().enumerate() {
        of_node[call.node] = Some(index);
    }
    let mut links = match precedence(nodes, &mut reader.links) {
        Ok(links) => links,
        Err(NoOrder::TooMany) => {
            let what = "has requests that wait for too many others; a recording may have 10,000,000 links between requests";
            reader.complaints.add(place, what);
            return None;
        }
        Err(NoOrder::Circle(_)) => {
            let what = "has spans that are their own ancestors by their parent spans";
            reader.complaints.add(place, what);
            return None;
        }
    };
    let after: Vec<Vec<usize>> = calls
        .iter()
        .map(|call| {
            let before = std::mem::take(&mut links[call.node]).into_iter();
            before.filter_map(|node| of_node[node]).collect()
        })
        .collect();
    let starts: Vec<u64> = calls.iter().map(|call| call.start).collect();
    let order = sequence(&starts, &after);
    let begin = order.first().map_or(0, |first| starts[*first]);
    let waits: Vec<Wait> = calls
        .iter()
        .zip(&after)
        .map(|(call, after)| wait(call, after, &calls, begin))
        .collect();
    let mut steps = vec![0; calls.len()];
    for (step, call) in order.iter().enumerate() {
        steps[*call] = step;
    }
    let mut calls: Vec<Option<Call>> = calls.into_iter().map(Some).collect();
    let made = order.into_iter().filter_map(|index| {
        let call = calls[index].take()?;
        let mut after: Vec<usize> = after[index].iter().map(|call| steps[*call]).collect();
        after.sort_unstable();
        Some(Step {
            after,
            wait: waits[index],
            asked: call.asked,
            output: call.output,
            overrides: call.overrides,
        })
    });
    Some(made.collect())
}

/// How long a call waited for those before it.
fn wait(call: &Call, after: &[usize], calls: &[Call], begin: u64) -> Wait {
    match (after, call.think) {
        ([before], Some((think, node))) if calls[*before].node == node => {
            return Wait::Pause(think);
        }
        _ => {}
    }
    let ends: Option<Vec<u64>> = after.iter().map(|before| calls[*before].end).collect();
    match ends.as_deref().map(|ends| ends.iter().max()) {
        Some(Some(end)) => Wait::Pause(seconds(call.start.saturating_sub(*end))),
        _ => Wait::Until(seconds(call.start - begin)),
    }
}
