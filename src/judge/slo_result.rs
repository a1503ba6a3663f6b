//! From a number and its interval to the result of an SLO, with its sentence.

use super::{estimate::decided, quantity::Unit, verdict::Verdict};
use crate::stats::Interval;
use goodput_grammar::{
    proof,
    slo::{Level, Op, Slo, Subject},
};
use serde::{Deserialize, Serialize};

/// The result of one SLO of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SloResult {
    /// The SLO as text, such as `p99(ttft) < 300ms`.
    pub slo: String,
    /// The measured value: ms, a ratio 0–1, or per second; `None` when there was nothing to
    /// measure, which misses the SLO.
    pub value: Option<f64>,
    /// Where the server's number lies, in the same unit. `None` when there is no value, and for `min` and `max`,
    /// which belong to the run alone.
    pub interval: Option<Interval>,
    /// How sure the interval is, 0–1.
    pub confidence: f64,
    /// The limit in the same unit.
    pub limit: f64,
    /// Pass if the whole interval is within the limit, fail if it is wholly beyond, else
    /// inconclusive.
    pub verdict: Verdict,
    /// The value's room to the limit in the same unit; negative when the value misses it.
    pub margin: Option<f64>,
    /// The margin as a share of the limit; `None` for a limit of 0.
    pub relative_margin: Option<f64>,
    /// For an inconclusive SLO: about how many more requests that look like these would decide it. `None` if not even
    /// 100 times as many would.
    pub more_requests: Option<u64>,
    /// The whole result as a sentence.
    pub sentence: String,
}

/// What a run has found about a limited number.
pub(super) struct Found {
    pub(super) value: f64,
    /// `None` for a number that belongs to the run alone.
    pub(super) interval: Option<Interval>,
    /// What the sentence adds to the number, after a space; empty if nothing.
    pub(super) about: String,
}

impl SloResult {
    /// The result where there is no value.
    pub(super) fn without(slo: &Slo, confidence: f64, verdict: Verdict, sentence: String) -> Self {
        SloResult {
            slo: slo.to_string(),
            value: None,
            interval: None,
            confidence,
            limit: slo.limit,
            verdict,
            margin: None,
            relative_margin: None,
            more_requests: None,
            sentence,
        }
    }

    /// The result of a number. `more` is how many more requests would decide whether it meets the limit, as the value
    /// does or does not.
    pub(super) fn decide(
        slo: &Slo,
        confidence: f64,
        found: Found,
        more: impl FnOnce(bool) -> Option<u64>,
    ) -> Self {
        let Found {
            value,
            interval,
            about,
        } = found;
        let unit = Unit::of(&slo.subject);
        let (meets, margin) = margin(slo.op, value, slo.limit);
        let relative = (slo.limit != 0.0).then(|| margin / slo.limit.abs());
        let decided = match &interval {
            Some(interval) => decided(slo.op, slo.limit, interval),
            None => Some(meets),
        };
        let verdict = match decided {
            Some(true) => Verdict::Pass,
            Some(false) => Verdict::Fail,
            None => Verdict::Inconclusive,
        };
        let more_requests = (verdict == Verdict::Inconclusive)
            .then(|| more(meets))
            .flatten();
        let outcome = match verdict {
            Verdict::Inconclusive => undecided(
                &slo.subject,
                more_requests,
                interval == Some(Interval::UNKNOWN),
            ),
            _ => distance(slo.op, unit, meets, margin, relative),
        };
        SloResult {
            slo: slo.to_string(),
            value: known(value),
            interval,
            confidence,
            limit: slo.limit,
            verdict,
            margin: known(margin),
            relative_margin: relative.and_then(known),
            more_requests,
            sentence: format!(
                "{} = {}{}{about}, limit {} {}: {outcome}",
                slo.number(),
                unit.measured(value),
                interval
                    .map(|ends| unit.interval(&ends))
                    .unwrap_or_default(),
                slo.op,
                unit.exact(slo.limit),
            ),
        }
    }
}

/// Whether a value meets a limit, and its room to it.
fn margin(op: Op, value: f64, limit: f64) -> (bool, f64) {
    match op {
        Op::Lt => (value < limit, limit - value),
        Op::Le => (value <= limit, limit - value),
        Op::Gt => (value > limit, value - limit),
        Op::Ge => (value >= limit, value - limit),
    }
}

/// A number that there is: a run may be too short for one.
fn known(number: f64) -> Option<f64> {
    (!number.is_nan()).then_some(number)
}

fn undecided(subject: &Subject, more_requests: Option<u64>, unknown: bool) -> String {
    match more_requests {
        _ if unknown && let Subject::Drift(level) = subject => match level {
            Level::Latency(stat, _) => {
                let least = proof::BLOCKS * proof::in_block(*stat);
                format!("inconclusive: too few requests. From {least} on there is an interval")
            }
            Level::Memory => {
                "inconclusive: too few samples. From 24 on there is an interval".to_owned()
            }
        },
        _ if unknown && *subject == Subject::QueueGrowth => {
            "inconclusive: too few requests. From 160 on there is an interval".to_owned()
        }
        _ if unknown => {
            "inconclusive: too few requests. From 20 on there is an interval".to_owned()
        }
        Some(more) => format!(
            "inconclusive: about {more} more requests would decide it if they are like these"
        ),
        None => "inconclusive: not even 100 times as many requests would decide it if they are \
                 like these"
            .to_owned(),
    }
}

/// How far a value is from the limit.
fn distance(op: Op, unit: Unit, meets: bool, margin: f64, relative: Option<f64>) -> String {
    if margin == 0.0 {
        return "exactly at the limit".to_owned();
    }
    let side = match (meets, op) {
        (true, _) => "to spare",
        (false, Op::Lt | Op::Le) => "over",
        (false, Op::Gt | Op::Ge) => "short",
    };
    let share = relative.map(percent).unwrap_or_default();
    format!("{}{share} {side}", unit.difference(margin.abs()))
}

fn percent(relative: f64) -> String {
    let percent = relative.abs() * 100.0;
    if percent >= 10.0 {
        format!(" ({percent:.0} %)")
    } else {
        format!(" ({percent:.1} %)")
    }
}
