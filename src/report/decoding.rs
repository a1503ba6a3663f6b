//! The parts of vLLM's result file, and so of its table, that come from the server: speculative and diffusion
//! decoding, its own times of each request, and the probes next to the plan.

use super::fields::{VllmJson, column, put};
use crate::{
    metrics::{DiffusionRates, Metrics, Probes, SpecDecodeRates},
    run::{Diffusion, Run, SpecDecode},
};
use serde_json::{Value, json};

/// The keys that results of some settings have from this file.
pub(super) const KEYS: &[&str] = &[
    "server_queue_times",
    "server_ttfts",
    "probe_completed",
    "probe_failed",
    "probe_median_e2el_ms",
    "probe_p99_e2el_ms",
    "probe_max_e2el_ms",
    "spec_decode_acceptance_rate",
    "spec_decode_acceptance_length",
    "spec_decode_num_drafts",
    "spec_decode_draft_tokens",
    "spec_decode_accepted_tokens",
    "spec_decode_per_position_acceptance_rates",
    "diffusion_committed_throughput",
    "diffusion_steps_per_canvas",
    "diffusion_committed_per_step",
    "diffusion_committed_tokens",
    "diffusion_denoising_steps",
    "diffusion_canvas_positions",
];

/// The probes, if any succeeded: vLLM has no key for probes that all failed.
fn probes(metrics: &Metrics) -> Option<&Probes> {
    metrics
        .probes
        .as_ref()
        .filter(|probes| probes.completed > 0)
}

fn drafted(run: &Run) -> Option<(&SpecDecode, SpecDecodeRates)> {
    let counted = run.server.as_ref()?.counted.as_ref()?;
    let drafted = counted.spec_decode.as_ref()?;
    Some((drafted, drafted.rates()?))
}

fn diffused(run: &Run) -> Option<(&Diffusion, DiffusionRates)> {
    let counted = run.server.as_ref()?.counted.as_ref()?;
    let diffused = counted.diffusion.as_ref()?;
    Some((diffused, diffused.rates(run.duration.as_secs_f64())?))
}

/// The server's own times of each request, in seconds, null where it sent none. No keys if it sent none at all.
pub(super) fn json_times<'a>(result: &mut VllmJson<'a>, run: &'a Run) {
    if run
        .records
        .iter()
        .all(|record| record.server_times.is_empty())
    {
        return;
    }
    column(result, "server_queue_times", &run.records, |record| {
        json!(record.server_times.queue_ms.map(|ms| ms / 1e3))
    });
    column(result, "server_ttfts", &run.records, |record| {
        json!(record.server_times.ttft_ms.map(|ms| ms / 1e3))
    });
}

/// The keys of probes.
pub(super) fn json_probes(result: &mut VllmJson<'_>, metrics: &Metrics) {
    let Some(probes) = probes(metrics) else {
        return;
    };
    put(result, "probe_completed", probes.completed);
    put(result, "probe_failed", probes.failed);
    put(result, "probe_median_e2el_ms", probes.e2el.median);
    put(result, "probe_p99_e2el_ms", probes.e2el.percentile(99.0));
    put(result, "probe_max_e2el_ms", probes.e2el.max);
}

/// The keys of speculation and of diffusion.
pub(super) fn json_decoding(result: &mut VllmJson<'_>, run: &Run) {
    let mut put = |key: &str, value: Value| put(result, key, value);
    if let Some((counted, rates)) = drafted(run) {
        put(
            "spec_decode_acceptance_rate",
            json!(rates.acceptance_percent),
        );
        put(
            "spec_decode_acceptance_length",
            json!(rates.acceptance_length),
        );
        put("spec_decode_num_drafts", json!(counted.drafts));
        put("spec_decode_draft_tokens", json!(counted.draft_tokens));
        put(
            "spec_decode_accepted_tokens",
            json!(counted.accepted_tokens),
        );
        let key = "spec_decode_per_position_acceptance_rates";
        put(key, json!(rates.acceptance_at));
    }
    if let Some((counted, rates)) = diffused(run) {
        put(
            "diffusion_committed_throughput",
            json!(rates.committed_per_s),
        );
        put("diffusion_steps_per_canvas", json!(rates.steps_per_canvas));
        put(
            "diffusion_committed_per_step",
            json!(rates.committed_per_step),
        );
        put(
            "diffusion_committed_tokens",
            json!(counted.committed_tokens),
        );
        put(
            "diffusion_denoising_steps",
            json!(rates.denoising_steps as u64),
        );
        put(
            "diffusion_canvas_positions",
            json!(counted.canvas_positions),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::Criteria,
        metrics::testing::{record, run_of},
        record::{Record, ServerTimes},
        report::{JsonOptions, is_result_key, vllm_json},
    };
    use rstest::rstest;

    type Told = (Option<f64>, Option<f64>);

    /// The expectations of vLLM's own test of these keys.
    #[rstest]
    #[case::aligned(&[(Some(100.0), Some(200.0)), (None, None), (None, Some(300.0))], Some("[0.1,null,null] [0.2,null,0.3]"))]
    #[case::queue_only(&[(Some(0.0), None)], Some("[0.0] [null]"))]
    #[case::ttft_only(&[(None, Some(0.0))], Some("[null] [0.0]"))]
    #[case::none(&[(None, None)], None)]
    fn times_are_aligned_with_requests(#[case] told: &[Told], #[case] expected: Option<&str>) {
        let of = |&(queue_ms, ttft_ms): &Told| Record {
            server_times: ServerTimes { queue_ms, ttft_ms },
            ..record(0, &[10], 1)
        };
        let run = run_of(told.iter().map(of).collect());
        let (metrics, judgement) = Criteria::default().assess(&run);
        let keys = |detailed| {
            let options = JsonOptions {
                detailed,
                ..JsonOptions::default()
            };
            let result = vllm_json(&run, &metrics, &judgement, &options);
            let result = serde_json::to_value(&result).unwrap();
            let of = |key: &str| result.get(key).map(Value::to_string);
            of("server_queue_times")
                .zip(of("server_ttfts"))
                .map(|(queue, ttft)| format!("{queue} {ttft}"))
        };
        assert_eq!(keys(true).as_deref(), expected);
        assert_eq!(keys(false), None);
    }

    #[test]
    fn metadata_can_replace_none_of_the_keys() {
        assert!(KEYS.iter().all(|key| is_result_key(key)));
    }
}
