//! Numbers and names as a page writes them.

use crate::{
    chart::Ink,
    judge::{Verdict, number},
    page::Cell,
};

/// `12.30 ms`
pub(super) fn ms(value: f64) -> String {
    format!("{} ms", number(value))
}

/// A cell with milliseconds, whose column says so.
pub(super) fn cell(value: Option<f64>) -> Cell {
    Cell::number(value, number)
}

/// A cell with a whole number.
pub(super) fn whole(value: u64) -> Cell {
    Cell::Number(value as f64, value.to_string())
}

/// The ink of a verdict.
pub(super) fn ink(verdict: Verdict) -> Ink {
    match verdict {
        Verdict::Pass => Ink::Good,
        Verdict::Fail | Verdict::Invalid => Ink::Bad,
        Verdict::Inconclusive => Ink::Open,
        Verdict::NoVerdict => Ink::Quiet,
    }
}

/// The latencies of a page, each with its short name and what it is.
pub(super) const LATENCIES: [(&str, &str, &str); 4] = [
    ("ttft", "TTFT", "Time to first token"),
    ("itl", "ITL", "Gaps between token events"),
    ("e2el", "E2EL", "Time to the last token"),
    (
        "tpot",
        "TPOT",
        "Time per output token after the first, by request",
    ),
];

/// From when latencies count.
pub(super) fn since(open_loop: bool) -> &'static str {
    if open_loop {
        "from the intended send time"
    } else {
        "from sending"
    }
}
