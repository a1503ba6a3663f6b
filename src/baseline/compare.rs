//! Compares a run with the stored runs of a baseline.

use super::{
    Number,
    digest::Digest,
    format::File,
    gated::{self, Seen},
    noise::Source,
    noise_floor::NoiseFloor,
    provenance::Provenance,
};
use crate::{
    grammar::class::ClassName,
    judge::{Compared, Comparison, Pairing, attribute},
    stats::compare::{Conclusion, Rule},
};

/// Parts of a new run that a comparison needs.
pub(super) struct New<'a> {
    pub(super) digest: &'a Digest,
    pub(super) provenance: &'a Provenance,
    /// Whether requests had limits.
    pub(super) limited: bool,
    /// Whether requests had a schedule.
    pub(super) open_loop: bool,
    /// The classes of requests.
    pub(super) classes: &'a [ClassName],
}

/// Compares a run with stored runs, which must have the same load.
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
    let all = Compared::all(same_limits && new.limited, new.open_loop, new.classes);
    if !same_limits {
        notes.push(format!(
            "goodput is not compared: its limits were `{}` and now are `{}`",
            file.provenance.circumstances.limits, new.provenance.circumstances.limits
        ));
    }
    let seen = all.into_iter();
    let seen = seen.filter_map(|metric| seen_in_all(metric, file, new.digest, &source));
    let changes = gated::changes(seen.collect(), rule);
    let differences = new.provenance.differences(&file.provenance);
    notes.extend(differences.into_iter().map(|what| format!("the {what}")));
    let mut comparison = Comparison {
        against: against(name, file),
        pairing: if source.leaves_nothing_to_chance() {
            Pairing::Exact
        } else {
            Pairing::Unpaired
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
        let (old, new) = (&file.breakdown, &new.digest.breakdown);
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

/// Collects the values of one metric; `None` where a side has none.
fn seen_in_all(metric: Compared, file: &File, new: &Digest, source: &Source<'_>) -> Option<Seen> {
    let name = metric.name();
    // The machine's noise is that of the number over all requests.
    let of_all = metric.measured.to_string();
    let runs = file.runs.iter();
    let numbers: Vec<&Number> = runs.filter_map(|run| run.numbers.get(&name)).collect();
    let now = new.numbers.get(&name)?;
    let both = numbers.iter().copied().chain([now]);
    let sensitivity = both
        .map(|number| number.sensitivity.unwrap_or(1.0))
        .fold(0.0, f64::max);
    Some(Seen {
        metric,
        stored: numbers.iter().map(|number| number.reading()).collect(),
        now: now.reading(),
        noise: source.noise(&of_all, sensitivity),
        values: (
            numbers.iter().map(|number| number.value).collect(),
            now.value,
        ),
    })
}
