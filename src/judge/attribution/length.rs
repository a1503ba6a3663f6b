//! Whether a change affects long prompts or long answers more.
//!
//! The groups of lengths are split in two at each of their bounds; the split with the clearest difference between the
//! changes of its sides is tested by Welch's t, with Bonferroni's correction for all splits. Luck of the whole run is
//! on both sides of a split and cancels.

use crate::{
    judge::breakdown::{Breakdown, Length, Mean, Part},
    stats::compare::Rule,
    stats::unpaired,
};

/// The smallest number of requests on a side of a split.
const FEWEST: u64 = 8;

/// The length that a split is by.
#[derive(Clone, Copy)]
enum By {
    Prompt,
    Answer,
}

/// A split of the requests by length.
struct Split {
    by: By,
    /// The largest number of tokens of the shorter requests.
    at: u64,
    short: Side,
    long: Side,
}

/// One side of a split: the log ratio of its means, with its variance.
#[derive(Clone, Copy)]
struct Side {
    ratio: f64,
    variance: f64,
    freedom: f64,
}

pub(super) fn sentence(
    part: Part,
    old: &Breakdown,
    new: &Breakdown,
    rule: &Rule,
) -> Option<String> {
    let of: fn(&Length) -> Mean = match part {
        Part::FirstToken => |length| length.first_token,
        Part::Decode => |length| length.token,
        Part::ClientQueue | Part::Connect => return None,
    };
    let prompts = splits(By::Prompt, &old.prompts, &new.prompts, of);
    let answers = splits(By::Answer, &old.answers, &new.answers, of);
    let all: Vec<Split> = prompts.into_iter().chain(answers).collect();
    let p = |split: &Split| (split.p() * all.len() as f64).min(1.0);
    let clearest = all.iter().min_by(|a, b| {
        // Where several are beyond doubt, the largest difference says most.
        let by_size = b.difference().abs().total_cmp(&a.difference().abs());
        a.p().total_cmp(&b.p()).then(by_size)
    })?;
    let matters = clearest.difference().abs() >= libm::log1p(rule.noise_threshold);
    (p(clearest) <= rule.error && matters).then(|| clearest.sentence())
}

impl Split {
    fn difference(&self) -> f64 {
        self.long.ratio - self.short.ratio
    }

    /// How likely a difference this large is when length does not matter, on either side.
    fn p(&self) -> f64 {
        let (a, b) = (&self.long, &self.short);
        let variance = a.variance + b.variance;
        let weighted = a.variance * a.variance / a.freedom + b.variance * b.variance / b.freedom;
        unpaired::two_sided(self.difference(), variance, weighted)
    }

    fn sentence(&self) -> String {
        let what = match self.by {
            By::Prompt => "prompts",
            By::Answer => "answers",
        };
        let percent = |side: &Side| format!("{:+.1} %", libm::expm1(side.ratio) * 100.0);
        format!(
            "it depends on the length of {what}: {} above {} tokens, {} up to that",
            percent(&self.long),
            self.at,
            percent(&self.short)
        )
    }
}

fn splits(by: By, old: &[Length], new: &[Length], of: fn(&Length) -> Mean) -> Vec<Split> {
    let groups: Vec<(&Length, &Length)> = old
        .iter()
        .filter_map(|old| Some((old, new.iter().find(|new| new.at_most == old.at_most)?)))
        .collect();
    let split = |place: usize| {
        let (short, long) = groups.split_at(place);
        Some(Split {
            by,
            at: short.last()?.0.at_most,
            short: Side::of(short, of)?,
            long: Side::of(long, of)?,
        })
    };
    (1..groups.len()).filter_map(split).collect()
}

impl Side {
    /// The side that consists of these groups, each with the weight of its requests. `None` when there are too few
    /// requests.
    fn of(groups: &[(&Length, &Length)], of: fn(&Length) -> Mean) -> Option<Self> {
        let known =
            |(old, new): &&(&Length, &Length)| of(old).error.is_some() && of(new).error.is_some();
        let groups: Vec<_> = groups.iter().filter(known).collect();
        let requests = |(old, _): &(&Length, &Length)| old.requests;
        let all: u64 = groups.iter().map(|group| requests(group)).sum();
        if all < FEWEST {
            return None;
        }
        let mean = |side: &dyn Fn(&(&Length, &Length)) -> Mean| {
            let (mut value, mut variance, mut freedom) = (0.0, 0.0, f64::INFINITY);
            for group in &groups {
                let weight = requests(group) as f64 / all as f64;
                let mean = side(group);
                let error = weight * mean.error.unwrap_or_default();
                value += weight * mean.ms;
                variance += error * error;
                freedom = mean.freedom.min(freedom);
            }
            (value, variance / (value * value), freedom)
        };
        let (before, old_variance, old_freedom) = mean(&|group| of(group.0));
        let (after, new_variance, new_freedom) = mean(&|group| of(group.1));
        (before > 0.0 && after > 0.0).then(|| Side {
            ratio: libm::log(after / before),
            variance: old_variance + new_variance,
            freedom: old_freedom.min(new_freedom).max(1.0),
        })
    }
}
