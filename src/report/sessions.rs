//! The lines about sessions.

use crate::{
    judge::number,
    metrics::{Metrics, Sessions},
};

/// Turns that are shown one by one; the last line is of the turn with the highest number.
const SHOWN: usize = 4;

/// Lines about sessions, and about their turns; none for a run of single requests.
pub(super) fn lines(metrics: &Metrics) -> Vec<(&'static str, String)> {
    let Some(sessions) = &metrics.sessions else {
        return Vec::new();
    };
    let Sessions {
        begun,
        finished,
        abandoned,
        turns,
        ..
    } = sessions;
    let mut first = format!("{finished} of {begun} finished");
    if *abandoned > 0 {
        let requests = counted(*abandoned);
        first += &format!(", {requests} abandoned because an earlier turn failed");
    }
    let e2el = &metrics.gate.session_e2el;
    if !e2el.is_empty() {
        first += &format!(
            ", session_e2el p50 {} ms, p99 {} ms",
            number(e2el.median),
            number(e2el.percentile(99.0))
        );
    }
    let mut lines = vec![("sessions", first)];
    let last = turns.len().saturating_sub(1);
    let shown = turns
        .iter()
        .enumerate()
        .filter(|(place, _)| *place < SHOWN || *place == last);
    lines.extend(shown.map(|(_, turn)| {
        let requests = counted(turn.completed + turn.failed);
        if turn.completed == 0 {
            let text = format!("turn {}: {requests}, none succeeded", turn.turn + 1);
            return ("sessions", text);
        }
        let cached = turn.cached_share.map_or_else(String::new, |share| {
            format!(", {} % cached", number(share * 100.0))
        });
        let text = format!(
            "turn {}: {}, {} prompt tokens{cached}, TTFT p50 {} ms, p99 {} ms",
            turn.turn + 1,
            requests,
            number(turn.mean_input_tokens),
            number(turn.ttft.median),
            number(turn.ttft.percentile(99.0)),
        );
        ("sessions", text)
    }));
    lines
}

fn counted(requests: u64) -> String {
    let plural = if requests == 1 { "" } else { "s" };
    format!("{requests} request{plural}")
}
