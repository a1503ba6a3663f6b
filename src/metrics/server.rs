//! Numbers that a server counted, and those of the probes.

use super::{Basis, RequestTimes, Summary};
use crate::{
    record::{Record, RequestError},
    run::{Diffusion, PrefixCache, Run, SpecDecode},
};
use serde::Serialize;

impl PrefixCache {
    /// Hits over queries, 0–1; `None` without queries.
    pub fn hit_ratio(&self) -> Option<f64> {
        (self.queries > 0).then(|| self.hits as f64 / self.queries as f64)
    }
}

/// vLLM's numbers of speculative decoding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpecDecodeRates {
    /// 100 · accepted tokens / draft tokens, %.
    pub acceptance_percent: f64,
    /// 1 + accepted tokens / drafts: tokens that a step gave; 0 without drafts.
    pub acceptance_length: f64,
    /// Accepted tokens at each place / drafts, 0–1; empty without drafts.
    pub acceptance_at: Vec<f64>,
}

impl SpecDecode {
    /// `None` if nothing was drafted.
    pub fn rates(&self) -> Option<SpecDecodeRates> {
        let (accepted, drafts) = (self.accepted_tokens as f64, self.drafts as f64);
        let at = self.accepted_at.iter().filter(|_| self.drafts > 0);
        (self.draft_tokens > 0).then(|| SpecDecodeRates {
            acceptance_percent: accepted / self.draft_tokens as f64 * 100.0,
            acceptance_length: match self.drafts {
                0 => 0.0,
                _ => 1.0 + accepted / drafts,
            },
            acceptance_at: at.map(|&accepted| accepted as f64 / drafts).collect(),
        })
    }
}

/// vLLM's numbers of diffusion decoding.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DiffusionRates {
    /// Committed tokens per second of the run.
    pub committed_per_s: f64,
    /// Steps without those that commit: the steps less one a canvas.
    pub denoising_steps: f64,
    /// Denoising steps over canvases. A canvas has as many tokens as a step has positions.
    pub steps_per_canvas: f64,
    /// Committed tokens over denoising steps.
    pub committed_per_step: f64,
}

impl Diffusion {
    /// The rates of a run that lasted this number of seconds; `None` if a quotient has no sense, because nothing was
    /// committed, evaluated or denoised.
    pub fn rates(&self, seconds: f64) -> Option<DiffusionRates> {
        let (steps, committed) = (self.steps as f64, self.committed_tokens as f64);
        let canvas = self.canvas_positions as f64 / steps;
        let canvases = committed / canvas;
        let denoising_steps = steps - canvases;
        let rates = DiffusionRates {
            committed_per_s: committed / seconds,
            denoising_steps,
            steps_per_canvas: denoising_steps / canvases,
            committed_per_step: committed / denoising_steps,
        };
        let defined = committed > 0.0 && canvas > 0.0 && denoising_steps > 0.0 && seconds > 0.0;
        defined.then_some(rates)
    }
}

/// The requests that were sent in addition to the plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Probes {
    /// Probes that succeeded.
    pub completed: u64,
    /// Probes that failed.
    pub failed: u64,
    /// Last − sent of the successes, ms.
    pub e2el: Summary,
}

impl Probes {
    pub(super) fn of(run: &Run) -> Option<Self> {
        let probes = &run.probes;
        let cancelled = |probe: &&Record| probe.error == Some(RequestError::Cancelled);
        let failed = probes
            .iter()
            .filter(|probe| !probe.ok() && !cancelled(probe));
        let latency = |probe: &Record| Some(RequestTimes::of(probe, Basis::Sent)?.e2el());
        let latencies: Vec<f64> = probes
            .iter()
            .filter(|probe| probe.ok())
            .filter_map(latency)
            .map(super::millis)
            .collect();
        (!probes.is_empty()).then(|| Probes {
            completed: latencies.len() as u64,
            failed: failed.count() as u64,
            e2el: Summary::of(latencies),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::nothing(0, 0, 0)]
    #[case::no_positions(4, 0, 8)]
    #[case::nothing_committed(4, 64, 0)]
    #[case::as_many_canvases_as_steps(4, 64, 64)]
    #[case::more_canvases_than_steps(4, 64, 100)]
    fn quotients_without_sense_are_absent(
        #[case] steps: u64,
        #[case] canvas_positions: u64,
        #[case] committed_tokens: u64,
    ) {
        let diffusion = Diffusion {
            steps,
            canvas_positions,
            committed_tokens,
        };
        assert_eq!(diffusion.rates(1.0), None);
    }

    proptest! {
        #[test]
        fn numbers_are_finite_whatever_was_counted(
            counts in prop::array::uniform3(0u64..50),
            at in prop::collection::vec(0u64..50, 0..4),
        ) {
            let [drafts, draft_tokens, accepted_tokens] = counts;
            let drafted = SpecDecode { drafts, draft_tokens, accepted_tokens, accepted_at: at };
            if let Some(rates) = drafted.rates() {
                let all = rates.acceptance_at.iter().chain([&rates.acceptance_percent]);
                prop_assert!(all.chain([&rates.acceptance_length]).all(|rate| rate.is_finite()));
            }
            let [steps, canvas_positions, committed_tokens] = counts;
            let diffusion = Diffusion { steps, canvas_positions, committed_tokens };
            if let Some(rates) = diffusion.rates(2.0) {
                let all = [rates.committed_per_s, rates.steps_per_canvas, rates.committed_per_step];
                prop_assert!(all.iter().all(|rate| rate.is_finite() && *rate > 0.0));
            }
            let cache = PrefixCache { queries: steps, hits: steps.min(canvas_positions) };
            prop_assert!(cache.hit_ratio().is_none_or(|ratio| (0.0..=1.0).contains(&ratio)));
        }
    }
}
