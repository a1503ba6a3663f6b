//! Which phase of a request takes longer, or less long.

use crate::{
    judge::{
        breakdown::{Blocks, Breakdown, Mean, Part},
        number,
    },
    stats::{
        compare::{Comparison, Rule, Worse, compare},
        unpaired::{self, Noise, Reading},
    },
};

/// Blocks below which nothing can be said.
const FEWEST: usize = 4;
/// The smallest share of the change that makes a phase worth naming.
const SHARE: f64 = 0.1;

/// A phase that has changed.
pub(super) struct Shift {
    pub(super) part: Part,
    /// Mean before, ms a request.
    from: f64,
    /// Mean now.
    to: f64,
    /// The phase's share of the change of the end-to-end latency.
    share: f64,
    statistics: Comparison,
}

/// A phase as both sides have it, and whether it has changed.
pub(super) struct Seen {
    part: Part,
    from: f64,
    to: f64,
    statistics: Option<Comparison>,
}

/// The phases that are shown to have changed, in the direction of the whole, largest first.
pub(super) fn shifts(seen: Vec<Seen>, rule: &Rule) -> Vec<Shift> {
    let count = seen.len() as f64;
    let whole: f64 = seen.iter().map(|seen| seen.to - seen.from).sum();
    if whole == 0.0 {
        return Vec::new();
    }
    let shift = |seen: Seen| {
        let statistics = seen.statistics?;
        let p = if whole > 0.0 {
            statistics.p_worse
        } else {
            statistics.p_better
        };
        let share = (seen.to - seen.from) / whole;
        (p <= rule.error / count && share >= SHARE).then_some(Shift {
            part: seen.part,
            from: seen.from,
            to: seen.to,
            share,
            statistics,
        })
    };
    let mut shifts: Vec<Shift> = seen.into_iter().filter_map(shift).collect();
    shifts.sort_by(|a, b| b.share.total_cmp(&a.share));
    shifts
}

/// The phases of a run that is compared with earlier ones.
///
/// The requests of a block are the same on both sides, so the error of a change is that of the blocks' differences,
/// which do not contain how the plan makes blocks differ.
pub(super) fn unpaired(
    old: &[&[Mean]],
    latest: &Breakdown,
    new: &Breakdown,
    noise: Noise,
    rule: &Rule,
) -> Vec<Seen> {
    let seen = |part: Part| {
        let before: Vec<f64> = old.iter().map(|phases| part.mean(phases).ms).collect();
        let readings: Vec<Reading> = before
            .iter()
            .map(|ms| reading(*ms, Some((0.0, 1.0))))
            .collect();
        let to = new.phase(part).ms;
        Seen {
            part,
            from: before.iter().sum::<f64>() / old.len() as f64,
            to,
            statistics: unpaired::compare(
                &readings,
                reading(to, difference_error(part, latest, new)),
                noise,
                Worse::Higher,
                rule,
                Part::ALL.len() as f64,
            ),
        }
    };
    Part::ALL.map(seen).into()
}

/// The phases of pairs of runs.
pub(super) fn paired(pairs: &[(Breakdown, Breakdown)], rule: &Rule) -> Vec<Seen> {
    let each = Rule {
        error: rule.error / Part::ALL.len() as f64,
        ..*rule
    };
    let seen = |part: Part| {
        let of = |(a, b): &(Breakdown, Breakdown)| (a.phase(part).ms, b.phase(part).ms);
        let means: Vec<(f64, f64)> = pairs.iter().map(of).collect();
        let mean =
            |side: fn(&(f64, f64)) -> f64| means.iter().map(side).sum::<f64>() / means.len() as f64;
        let positive: Vec<_> = means.iter().map(|(a, b)| (least(*a), least(*b))).collect();
        Seen {
            part,
            from: mean(|pair| pair.0),
            to: mean(|pair| pair.1),
            statistics: compare(&positive, Worse::Higher, &each),
        }
    };
    Part::ALL.map(seen).into()
}

/// The duration as a number above 0: anything below 10 µs counts as 10 µs.
fn least(ms: f64) -> f64 {
    ms.max(0.01)
}

fn reading(ms: f64, error: Option<(f64, f64)>) -> Reading {
    let value = least(ms);
    Reading {
        value,
        error: error.map(|(error, _)| error / value),
        freedom: error.map_or(1.0, |(_, freedom)| freedom),
        counted: false,
    }
}

/// The standard error of the mean difference of the blocks, ms, and its degrees of freedom; `None` where
/// there are too few blocks that both have.
fn difference_error(part: Part, old: &Breakdown, new: &Breakdown) -> Option<(f64, f64)> {
    let (before, after) = (&old.blocks, &new.blocks);
    let both = (0..before.ok.len().min(after.ok.len()))
        .filter(|block| before.ok[*block] > 0 && after.ok[*block] > 0);
    let of = |blocks: &Blocks, block: usize| blocks.column(part).get(block).copied();
    let differences: Vec<f64> = both
        .filter_map(|block| Some(of(after, block)? - of(before, block)?))
        .collect();
    if differences.len() < FEWEST {
        return None;
    }
    let count = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / count;
    let squares: f64 = differences.iter().map(|d| (d - mean) * (d - mean)).sum();
    Some(((squares / (count - 1.0) / count).sqrt(), count - 1.0))
}

pub(super) fn sentence(shift: &Shift, old: &Breakdown, new: &Breakdown) -> String {
    let name = match shift.part {
        Part::ClientQueue => {
            "the wait before sending (for a slot of max_concurrency, or for the client)"
        }
        Part::Connect => "connecting",
        Part::FirstToken => {
            "from sending to the first token (the server's queue, prefill, network)"
        }
        Part::Decode => "decoding",
    };
    let mut text = format!(
        "{name}: {} ms a request before, {} ms now ({}); {:.0} % of the change of the end-to-end latency",
        number(shift.from),
        number(shift.to),
        ratio(shift),
        shift.share * 100.0,
    );
    if shift.part == Part::Decode {
        text += &format!(
            ", {} to {} ms a token",
            number(old.token_ms),
            number(new.token_ms)
        );
    }
    if let (Part::FirstToken, Some(server)) = (shift.part, by_server(shift, old, new)) {
        text += &server;
    }
    text
}

/// The change in per cent, where that is informative.
fn ratio(shift: &Shift) -> String {
    if shift.statistics.change.abs() < 10.0 && shift.from >= 0.01 {
        format!("{:+.1} %", shift.statistics.change * 100.0)
    } else {
        format!("{} ms more", number(shift.to - shift.from))
    }
}

/// The part of the change that the server's own time to first token accounts for, if both runs have one.
fn by_server(shift: &Shift, old: &Breakdown, new: &Breakdown) -> Option<String> {
    let engine = new.server_ttft_ms? - old.server_ttft_ms?;
    let all = shift.to - shift.from;
    let share = (engine / all).clamp(0.0, 1.0);
    Some(format!(
        "; by the server's own count {:.0} % of that is inside its engine, {:.0} % is outside \
         (network, proxies, front end)",
        share * 100.0,
        (1.0 - share) * 100.0
    ))
}
