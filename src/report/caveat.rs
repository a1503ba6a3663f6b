//! Reasons why a pass is not a plain one. Test runners hide the output of tests that pass, so caveats are also shown
//! elsewhere.

use super::comparison::summary;
use crate::{
    judge::{FindingKind, Judgement, Verdict},
    stats::compare::Conclusion,
};
use serde::{Deserialize, Serialize};

/// Something that a run that passed did not prove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caveat {
    /// The kind of caveat.
    pub kind: CaveatKind,
    /// The message: one sentence.
    pub message: String,
}

/// The kinds of caveats, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaveatKind {
    /// An SLO or a comparison decided neither way.
    Undecided,
    /// Nothing was stored yet under the baseline's name.
    NewBaseline,
    /// No target was named, so the built-in simulation was measured.
    Simulated,
    /// Nothing was demanded.
    NoDemand,
}

impl CaveatKind {
    pub(crate) const ALL: [CaveatKind; 4] = [
        CaveatKind::Undecided,
        CaveatKind::NewBaseline,
        CaveatKind::Simulated,
        CaveatKind::NoDemand,
    ];

    /// The caveat as summaries count it: `2 undecided`.
    pub fn label(self) -> &'static str {
        match self {
            CaveatKind::Undecided => "undecided",
            CaveatKind::NewBaseline => "without a stored baseline",
            CaveatKind::Simulated => "of a simulation that no target named",
            CaveatKind::NoDemand => "without a demand",
        }
    }

    /// The caveat as a property of other formats: `new-baseline`.
    pub fn slug(self) -> &'static str {
        match self {
            CaveatKind::Undecided => "undecided",
            CaveatKind::NewBaseline => "new-baseline",
            CaveatKind::Simulated => "simulation-not-named",
            CaveatKind::NoDemand => "no-demand",
        }
    }
}

/// The caveats of a judgement that lets the run pass; empty for another, which says itself what is wrong.
pub fn caveats(judgement: &Judgement) -> Vec<Caveat> {
    if !matches!(judgement.verdict, Verdict::Pass | Verdict::NoVerdict) {
        return Vec::new();
    }
    let found = |kind| {
        let mut findings = judgement.findings.iter();
        findings
            .find(|finding| finding.kind == kind)
            .map(|finding| finding.message.clone())
    };
    // Saved without a comparison, it is as new as where nothing is stored.
    let saved = || found(FindingKind::Baseline).filter(|_| judgement.comparison.is_none());
    let new = found(FindingKind::NewBaseline).or_else(saved);
    let no_demand = judgement.verdict == Verdict::NoVerdict && new.is_none();
    let told = [
        (CaveatKind::Undecided, undecided(judgement)),
        (CaveatKind::NewBaseline, new),
        (CaveatKind::Simulated, found(FindingKind::NoTarget)),
        (
            CaveatKind::NoDemand,
            no_demand.then(|| "nothing was demanded".to_owned()),
        ),
    ];
    let told = told.into_iter();
    told.filter_map(|(kind, message)| {
        Some(Caveat {
            kind,
            message: message?,
        })
    })
    .collect()
}

fn undecided(judgement: &Judgement) -> Option<String> {
    let slos = judgement.slos.iter();
    let open = slos.filter(|slo| slo.verdict == Verdict::Inconclusive);
    let mut told: Vec<String> = open.map(|slo| slo.sentence.clone()).collect();
    let compared = judgement.comparison.as_ref();
    let compared = compared.filter(|c| c.conclusion() == Conclusion::Inconclusive);
    told.extend(compared.map(|c| format!("compared with {}: {}", c.against, summary(c))));
    (!told.is_empty()).then(|| format!("undecided: {}", told.join("; ")))
}

/// Counts caveats of each kind: `1 undecided, 2 without a demand`. `None` if there are no caveats.
pub(crate) fn counted<'a>(caveats: impl Iterator<Item = &'a Caveat>) -> Option<String> {
    let mut counts = CaveatKind::ALL.map(|kind| (kind, 0));
    for caveat in caveats {
        for (kind, count) in &mut counts {
            *count += usize::from(*kind == caveat.kind);
        }
    }
    let counts = counts.iter().filter(|(_, count)| *count > 0);
    let told: Vec<String> = counts
        .map(|(kind, count)| format!("{count} {}", kind.label()))
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}
