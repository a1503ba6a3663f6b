//! Where a change comes from: which phase, which lengths, since when in the run.
//!
//! Every sentence has passed a test of its own at the rule's error, and is left out otherwise. Both sides have sent
//! the same plan, so the parts that are compared have asked for the same.

mod length;
mod phase;
mod since;

#[cfg(test)]
mod tests;

use super::breakdown::{Breakdown, Mean};
use crate::stats::{compare::Rule, unpaired::Noise};

/// The sentences for a new run that is compared with earlier runs of the same plan: with the phases of all of them
/// ([`Breakdown::phases`]), and with the whole of the latest.
///
/// `noise` is what the comparison itself was made with. Only for comparisons that found a change.
pub fn attribute(
    phases: &[&[Mean]],
    latest: &Breakdown,
    new: &Breakdown,
    noise: Noise,
    rule: &Rule,
) -> Vec<String> {
    let shifts = phase::shifts(phase::unpaired(phases, latest, new, noise, rule), rule);
    let mut sentences = Vec::new();
    for shift in &shifts {
        sentences.push(phase::sentence(shift, latest, new));
        sentences.extend(length::sentence(shift.part, latest, new, rule));
        sentences.extend(since::sentence(shift.part, latest, new, rule));
    }
    sentences
}

/// The sentences for pairs (A, B) of runs of the same plan, and the whole of either side. Only for comparisons that
/// found a change.
///
/// A phase is tested over the pairs, as the metrics are. There is no test for a moment since when a phase takes
/// longer: every run has its own luck, and a step between two runs would look like a change.
pub fn attribute_pairs(
    pairs: &[(Breakdown, Breakdown)],
    a: &Breakdown,
    b: &Breakdown,
    rule: &Rule,
) -> Vec<String> {
    let shifts = phase::shifts(phase::paired(pairs, rule), rule);
    let sentences = |shift: &phase::Shift| {
        let length = length::sentence(shift.part, a, b, rule);
        [phase::sentence(shift, a, b)].into_iter().chain(length)
    };
    shifts.iter().flat_map(sentences).collect()
}
