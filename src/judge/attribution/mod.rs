//! Where a change comes from: which phase, which lengths, since when in the run.
//!
//! Every sentence has passed a test of its own at the rule's error, and is left out otherwise. Both sides
//! have sent the same plan, so the parts that are held against each other have asked for the same.

mod length;
mod phase;
mod since;

#[cfg(test)]
mod tests;

use super::anatomy::{Anatomy, Mean};
use crate::stats::{compare::Rule, unpaired::Noise};

/// The sentences, for a new run held against earlier runs of the same plan: the phases of all of them
/// ([`Anatomy::phases`]), and the whole of the latest.
///
/// `noise` is what the comparison itself was made with. Only for comparisons that found a change.
pub fn attribute(
    phases: &[&[Mean]],
    latest: &Anatomy,
    new: &Anatomy,
    noise: Noise,
    rule: &Rule,
) -> Vec<String> {
    let shifts = phase::shifts(phases, latest, new, noise, rule);
    let mut sentences = Vec::new();
    for shift in &shifts {
        sentences.push(phase::sentence(shift, latest, new));
        sentences.extend(length::sentence(shift.part, latest, new, rule));
        sentences.extend(since::sentence(shift.part, latest, new, rule));
    }
    sentences
}
