//! A run held against the stored ones of a baseline.

use super::{
    digest::{Digest, Number},
    format::File,
    noise::Source,
    noise_floor::NoiseFloor,
    provenance::Provenance,
};
use crate::{
    judge::{Change, Compared, Comparison, Pairing, attribute},
    stats::{
        compare::{self, Conclusion, Rule, Worse, conclude},
        unpaired::{self, Reading},
    },
};

/// A new run, as far as a comparison needs it.
pub(super) struct New<'a> {
    pub(super) digest: &'a Digest,
    pub(super) provenance: &'a Provenance,
    /// Whether there were limits on requests.
    pub(super) limited: bool,
    /// Whether its requests had a schedule.
    pub(super) open_loop: bool,
}

/// Compares a run with the stored ones, which must be of the same load.
pub(super) fn compare(
    name: &str,
    file: &File,
    new: &New<'_>,
    host: Option<&NoiseFloor>,
    rule: &Rule,
) -> Comparison {
    let source = Source::of(file, new.provenance, host);
    let mut notes = vec![source.sentence()];
    let same_limits = new.provenance.has_limits_of(&file.provenance);
    let all = Compared::all(same_limits && new.limited, new.open_loop);
    if !same_limits {
        notes.push(format!(
            "goodput is left out: its limits were `{}` and are `{}` now",
            file.provenance.told.limits, new.provenance.told.limits
        ));
    }
    let gated = all.iter().filter(|metric| metric.gated).count();
    let compared: Vec<(Compared, compare::Comparison, f64, f64)> = all
        .into_iter()
        .filter_map(|metric| one(metric, file, new.digest, &source, rule, gated))
        .collect();
    let of_gated: Vec<(compare::Comparison, Worse)> = compared
        .iter()
        .filter(|(metric, ..)| metric.gated)
        .map(|(metric, statistics, ..)| (*statistics, metric.worse))
        .collect();
    let mut conclusions = conclude(&of_gated, rule).into_iter();
    let changes: Vec<Change> = compared
        .into_iter()
        .map(|(metric, statistics, a, b)| Change {
            subject: metric.measured.to_string(),
            unit: metric.unit(),
            worse: metric.worse,
            a,
            b,
            gated: metric.gated,
            statistics,
            conclusion: match metric.gated {
                true => conclusions.next().unwrap_or(Conclusion::Inconclusive),
                false => conclude(&[(statistics, metric.worse)], rule)[0],
            },
        })
        .collect();
    let differences = new.provenance.differences(&file.provenance);
    notes.extend(differences.into_iter().map(|what| format!("the {what}")));
    let mut comparison = Comparison {
        against: against(name, file),
        pairing: match source.leaves_nothing_to_chance() {
            true => Pairing::Exact,
            false => Pairing::Unpaired,
        },
        rule: *rule,
        changes,
        attribution: Vec::new(),
        notes,
    };
    if matches!(
        comparison.conclusion(),
        Conclusion::Worse | Conclusion::Better
    ) {
        let phases: Vec<_> = file.runs.iter().map(|run| run.phases.as_slice()).collect();
        let (old, new) = (&file.anatomy, &new.digest.anatomy);
        comparison.attribution = attribute(&phases, old, new, source.of_phases(), rule);
    }
    comparison
}

fn against(name: &str, file: &File) -> String {
    let runs = match file.runs.len() {
        1 => "1 run".to_owned(),
        runs => format!("{runs} runs"),
    };
    format!("baseline `{name}` of {} ({runs})", file.saved)
}

/// One metric, with the mean of the stored values and the new one; `None` where a side has none.
fn one(
    metric: Compared,
    file: &File,
    new: &Digest,
    source: &Source<'_>,
    rule: &Rule,
    gated: usize,
) -> Option<(Compared, compare::Comparison, f64, f64)> {
    let name = metric.measured.to_string();
    let runs = file.runs.iter();
    let numbers: Vec<&Number> = runs.filter_map(|run| run.numbers.get(&name)).collect();
    let stored: Vec<Reading> = numbers.iter().map(|number| number.reading()).collect();
    let now = new.numbers.get(&name)?;
    let both = numbers.iter().copied().chain([now]);
    let sensitivity = both
        .map(|number| number.sensitivity.unwrap_or(1.0))
        .fold(0.0, f64::max);
    let noise = source.noise(&name, sensitivity);
    let statistics = unpaired::compare(&stored, now.reading(), noise, metric.worse, rule, gated)?;
    let mean = numbers.iter().map(|number| number.value).sum::<f64>() / numbers.len() as f64;
    Some((metric, statistics, mean, now.value))
}
