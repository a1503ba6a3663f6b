//! Runs that benches have kept.

use super::bench::{Benches, Run};
use crate::history::{BenchId, Past};

/// Adds the runs of a bench.
pub(super) fn add(past: Past, benches: &mut Benches) {
    let name = past.bench.full_name();
    for run in past.runs {
        let kept = Run {
            at: run.at,
            commit: run.commit,
            outcome: Some(run.outcome),
            numbers: run.numbers,
        };
        benches.add(&name, run.load, kept);
    }
}

/// Whether a bench belongs to a project. Several checkouts may share a target folder.
pub(super) fn is_of(bench: &BenchId, project: &std::path::Path) -> bool {
    std::path::Path::new(&bench.home).starts_with(project)
}
