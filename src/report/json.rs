//! The result file of `vllm bench serve --save-result`.

use super::{
    decoding,
    extra::extra,
    fields::{VllmJson, column, put},
    vllm::{VllmMetric, VllmOptions, ramp_name},
};
use crate::{
    judge::Judgement,
    metrics::{Basis, Metrics, RequestTimes, gaps},
    record::Record,
    run::{Run, Task},
};
use goodput_grammar::ramp::Ramp;
use serde_json::{Value, json};

/// What the result file holds besides the run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JsonOptions {
    /// Local time after the run, as `%Y%m%d-%H%M%S`.
    pub date: String,
    /// `--label`.
    pub label: Option<String>,
    /// The model's id, which may differ from its wire name.
    pub model_id: Option<String>,
    /// The tokenizer's id.
    pub tokenizer_id: Option<String>,
    /// `--num-prompts` as given.
    pub num_prompts: usize,
    /// `--metadata`, added as top-level keys. They must not be any of vLLM's keys, nor `goodput`:
    /// such a pair is left out.
    pub metadata: Vec<(String, String)>,
    /// The ramp, if the rate rises.
    pub ramp: Option<Ramp>,
    /// Local times in ISO format, one for each of [`Run::rate_changes`].
    pub rate_change_times: Vec<String>,
    /// `--save-detailed`: keep what grows with requests and tokens.
    pub detailed: bool,
    /// The dataset as text, for the `goodput` key.
    pub dataset: Option<String>,
    /// The statistics that are selected.
    pub vllm: VllmOptions,
}

/// The result file of `vllm bench serve` 0.33, key for key in its order, and then the key
/// `goodput` with what vLLM does not know.
///
/// Differences: `start_times` count from the run's start (vLLM's origin is arbitrary); an infinite
/// burstiness is `"inf"`, as bare infinities are not JSON; a server's HTTP answer is part of
/// `errors`.
pub fn vllm_json<'a>(
    run: &'a Run,
    metrics: &Metrics,
    judgement: &Judgement,
    options: &JsonOptions,
) -> VllmJson<'a> {
    let mut result = vllm_keys(run, metrics, options);
    let mut extra = extra(run, metrics, judgement, options.dataset.as_deref());
    if let (true, Some(sessions)) = (options.detailed, &metrics.sessions) {
        extra["sessions"]["each"] = json!(sessions.each);
    }
    put(&mut result, "goodput", extra);
    result.with_texts(BEFORE_METADATA, &options.metadata)
}

/// vLLM's own keys, of which its table is made too.
pub(super) fn vllm_keys<'a>(
    run: &'a Run,
    metrics: &Metrics,
    options: &JsonOptions,
) -> VllmJson<'a> {
    let mut result = head(run, options);
    totals(&mut result, run, metrics, options);
    per_request(&mut result, run, options.detailed);
    if run.setup.task == Task::Generate {
        peaks(&mut result, metrics);
        if options.detailed {
            decoding::json_times(&mut result, run);
        }
    }
    decoding::json_probes(&mut result, metrics);
    if !run.rate_changes.is_empty() {
        let changes = run.rate_changes.iter().zip(&options.rate_change_times);
        let change = |(change, time): (&crate::plan::RateChange, &String)| json!({"rps": change.rps, "timestamp": time});
        put(
            &mut result,
            "rps_change_events",
            changes.map(change).collect::<Vec<_>>(),
        );
    }
    decoding::json_decoding(&mut result, run);
    statistics(&mut result, run, metrics, &options.vllm);
    result
}

fn peaks(result: &mut VllmJson<'_>, metrics: &Metrics) {
    let peaks = &metrics.peaks;
    let tokens = peaks.output_tokens_per_s as f64;
    put(result, "max_output_tokens_per_s", tokens);
    put(result, "max_concurrent_requests", peaks.concurrent_requests);
    put(result, "rtfx", or_zero(metrics.throughput.rtfx));
}

/// Whether metadata may not use this key, because results of some settings have it.
pub fn is_result_key(key: &str) -> bool {
    const KEYS: &[&str] = &[
        "date",
        "endpoint_type",
        "backend",
        "label",
        "model_id",
        "tokenizer_id",
        BEFORE_METADATA,
        "request_rate",
        "burstiness",
        "max_concurrency",
        "ramp_up_strategy",
        "ramp_up_start_rps",
        "ramp_up_end_rps",
        "duration",
        "completed",
        "failed",
        "total_input_tokens",
        "total_output_tokens",
        "total_input_sequences",
        "input_sequence_throughput",
        "request_throughput",
        "request_goodput",
        "output_throughput",
        "total_token_throughput",
        "input_lens",
        "output_lens",
        "ttfts",
        "itls",
        "latencies",
        "start_times",
        "queue_times",
        "generated_texts",
        "errors",
        "max_output_tokens_per_s",
        "max_concurrent_requests",
        "rtfx",
        "rps_change_events",
        "goodput",
    ];
    let statistic = VllmMetric::ALL
        .iter()
        .any(|metric| key.ends_with(&format!("_{}_ms", metric.name())));
    statistic || KEYS.contains(&key) || decoding::KEYS.contains(&key)
}

/// The key that metadata follow.
const BEFORE_METADATA: &str = "num_prompts";

fn head<'a>(run: &Run, options: &JsonOptions) -> VllmJson<'a> {
    let mut result = VllmJson::default();
    let setup = &run.setup;
    put(&mut result, "date", options.date.as_str());
    put(&mut result, "endpoint_type", setup.backend.as_str());
    put(&mut result, "backend", setup.backend.as_str());
    put(&mut result, "label", options.label.as_deref());
    put(&mut result, "model_id", options.model_id.as_deref());
    put(&mut result, "tokenizer_id", options.tokenizer_id.as_deref());
    put(&mut result, BEFORE_METADATA, options.num_prompts);
    put(
        &mut result,
        "request_rate",
        setup.rate.map_or(json!("inf"), finite),
    );
    put(&mut result, "burstiness", finite(setup.burstiness));
    put(&mut result, "max_concurrency", setup.max_concurrency);
    if let Some(ramp) = &options.ramp {
        put(&mut result, "ramp_up_strategy", ramp_name(ramp.kind));
        put(
            &mut result,
            "ramp_up_start_rps",
            whole_if_possible(ramp.start),
        );
        put(&mut result, "ramp_up_end_rps", whole_if_possible(ramp.end));
    }
    result
}

fn totals(result: &mut VllmJson<'_>, run: &Run, metrics: &Metrics, options: &JsonOptions) {
    let (counts, throughput) = (&metrics.counts, &metrics.throughput);
    let goodput = or_zero(metrics.goodput.requests_per_s);
    let goodput = options.vllm.goodput_given.then_some(goodput);
    put(result, "duration", run.measured_time().as_secs_f64());
    put(result, "completed", counts.completed);
    if run.setup.task == Task::Pool {
        put(result, "total_input_tokens", counts.input_tokens);
        put(result, "total_input_sequences", counts.inputs);
        put(result, "request_throughput", or_zero(throughput.requests));
        put(
            result,
            "input_sequence_throughput",
            or_zero(throughput.inputs),
        );
        put(
            result,
            "total_token_throughput",
            or_zero(throughput.total_tokens),
        );
        return;
    }
    put(result, "failed", counts.failed);
    put(result, "total_input_tokens", counts.input_tokens);
    put(result, "total_output_tokens", counts.output_tokens);
    put(result, "request_throughput", or_zero(throughput.requests));
    put(result, "request_goodput", goodput);
    put(
        result,
        "output_throughput",
        or_zero(throughput.output_tokens),
    );
    put(
        result,
        "total_token_throughput",
        or_zero(throughput.total_tokens),
    );
}

/// The arrays over all requests in plan order, in seconds. Failed requests keep what they
/// streamed in `ttfts` and `itls`, and are 0 or empty elsewhere, as in vLLM.
fn per_request<'a>(result: &mut VllmJson<'a>, run: &'a Run, detailed: bool) {
    const OF_TOKENS: [&str; 5] = [
        "output_lens",
        "ttfts",
        "itls",
        "start_times",
        "generated_texts",
    ];
    let pools = run.setup.task == Task::Pool;
    let mut column = |key: &str, always: bool, value: fn(&Record) -> Value| {
        if (detailed || always) && !(pools && OF_TOKENS.contains(&key)) {
            column(result, key, &run.records, value);
        }
    };
    column("input_lens", false, |record| json!(record.input.tokens));
    column("output_lens", false, |record| {
        if record.ok() {
            json!(record.output.tokens)
        } else {
            json!(0)
        }
    });
    column("ttfts", false, |record| {
        let ttft = times(record).and_then(|times| times.ttft());
        json!(ttft.map_or(0.0, |ttft| ttft.as_secs_f64()))
    });
    column("itls", false, |record| {
        json!(
            gaps(record)
                .map(|gap| gap.as_secs_f64())
                .collect::<Vec<_>>()
        )
    });
    column("latencies", true, |record| {
        let times = times(record).filter(|_| record.ok());
        json!(times.map_or(0.0, |times| times.e2el().as_secs_f64()))
    });
    column("start_times", false, |record| {
        json!(record.sent.as_secs_f64())
    });
    column("queue_times", true, |record| {
        json!((record.sent - record.dispatched).as_secs_f64())
    });
    column("generated_texts", false, |record| {
        if record.ok() {
            json!(record.text)
        } else {
            json!("")
        }
    });
    if run.steady.is_some() {
        column("cut", false, |record| json!(record.cut));
    }
    column("errors", false, |record| match &record.error {
        Some(error) => json!(error.to_string()),
        None => json!(""),
    });
}

fn times(record: &Record) -> Option<RequestTimes> {
    RequestTimes::of(record, Basis::Sent)
}

fn statistics(result: &mut VllmJson<'_>, run: &Run, metrics: &Metrics, options: &VllmOptions) {
    for metric in options.metrics(run) {
        let (summary, name) = (metric.of(metrics), metric.name());
        put(result, &format!("mean_{name}_ms"), or_zero(summary.mean));
        put(
            result,
            &format!("median_{name}_ms"),
            or_zero(summary.median),
        );
        put(result, &format!("std_{name}_ms"), or_zero(summary.std));
        for (percentile_name, percentile) in options.percentiles() {
            let value = or_zero(summary.percentile(percentile));
            put(result, &format!("p{percentile_name}_{name}_ms"), value);
        }
    }
}

/// vLLM's number where there is no value.
fn or_zero(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value }
}

/// A number, or the text `inf`, which JSON has no number for.
fn finite(value: f64) -> Value {
    if value.is_finite() {
        json!(value)
    } else {
        json!("inf")
    }
}

/// vLLM's ramps take whole rates only.
fn whole_if_possible(rate: f64) -> Value {
    if rate.fract() == 0.0 {
        json!(rate as i64)
    } else {
        json!(rate)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        judge::Criteria,
        metrics::testing::{
            golden::{Golden, close},
            record, run_of,
        },
        report::{result_file_name, testing::options},
    };
    use goodput_grammar::ramp::RampKind;
    use rstest::rstest;
    use serde_json::Map;
    use std::path::PathBuf;

    fn map(result: &VllmJson<'_>) -> Map<String, Value> {
        serde_json::from_str(&serde_json::to_string(result).unwrap()).unwrap()
    }

    /// The result of a golden file's run, with metadata.
    pub(in crate::report) fn result_of<'a>(
        golden: &Golden,
        run: &'a Run,
        metadata: Vec<(String, String)>,
    ) -> VllmJson<'a> {
        let criteria = Criteria {
            limits: golden.limits(),
            ..Criteria::default()
        };
        let (metrics, judgement) = criteria.assess(run);
        let options = JsonOptions {
            metadata,
            ..options_of(golden, run)
        };
        vllm_json(run, &metrics, &judgement, &options)
    }

    fn options_of(golden: &Golden, run: &Run) -> JsonOptions {
        let text = |key: &str| golden.result[key].as_str().map(str::to_owned);
        let pairs = golden.flag("metadata").unwrap_or_default();
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap();
            (key.to_owned(), value.to_owned())
        };
        let changes = golden
            .result
            .get("rps_change_events")
            .and_then(Value::as_array);
        let time = |change: &Value| change["timestamp"].as_str().unwrap().to_owned();
        JsonOptions {
            date: text("date").unwrap(),
            label: text("label"),
            model_id: text("model_id"),
            tokenizer_id: text("tokenizer_id"),
            num_prompts: run.records.len(),
            metadata: pairs.into_iter().map(pair).collect(),
            ramp: golden.flag("ramp-up-strategy").map(|_| Ramp {
                kind: RampKind::Linear,
                start: 1.0,
                end: 4.0,
            }),
            rate_change_times: changes.into_iter().flatten().map(time).collect(),
            detailed: golden.flag("save-detailed").is_some(),
            dataset: None,
            vllm: options(golden),
        }
    }

    fn json_of(golden: &Golden) -> (Map<String, Value>, String) {
        let run = golden.run();
        let options = options_of(golden, &run);
        let name = result_file_name(
            &run,
            options.label.as_deref(),
            "org/model-7b",
            options.ramp.as_ref(),
            &options.date,
        );
        (map(&result_of(golden, &run, options.metadata)), name)
    }

    /// Compares types as well: vLLM's floats must be floats, its integers integers.
    #[track_caller]
    pub(in crate::report) fn assert_same(key: &str, ours: &Value, theirs: &Value) {
        match (ours, theirs) {
            (Value::Number(a), Value::Number(b)) => {
                assert_eq!(a.is_f64(), b.is_f64(), "{key}: ours {a}, vLLM's {b}");
                let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
                assert!(close(a, b), "{key}: ours {a}, vLLM's {b}");
            }
            (Value::Array(a), Value::Array(b)) => {
                assert_eq!(a.len(), b.len(), "{key}");
                for (a, b) in a.iter().zip(b) {
                    assert_same(key, a, b);
                }
            }
            (Value::Object(a), Value::Object(b)) => {
                let keys = |map: &Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
                assert_eq!(keys(a), keys(b), "{key}");
                for (key, value) in a {
                    assert_same(key, value, &b[key]);
                }
            }
            (Value::String(a), Value::String(b)) => {
                assert_eq!(&Golden::plain_error(a), b, "{key}");
            }
            (a, b) => assert_eq!(a, b, "{key}"),
        }
    }

    #[rstest]
    fn every_key_is_vllms(#[files("fixtures/metrics/*.json")] path: PathBuf) {
        let golden = Golden::at(&path);
        let (ours, file_name) = json_of(&golden);
        let keys: Vec<_> = ours.keys().map(String::as_str).collect();
        let theirs = golden.result.keys().map(String::as_str);
        assert_eq!(keys, theirs.chain(["goodput"]).collect::<Vec<_>>());
        for (key, theirs) in &golden.result {
            assert_same(key, &ours[key], theirs);
        }
        assert_eq!(file_name, golden.file_name);
    }

    #[test]
    fn metadata_replace_nothing() {
        let run = run_of(vec![record(0, &[10], 1)]);
        let (metrics, judgement) = Criteria::default().assess(&run);
        let pair = |key: &str| (key.to_owned(), "mine".to_owned());
        let options = JsonOptions {
            metadata: ["date", "completed", "goodput", "p99_ttft_ms", "gpu"]
                .map(pair)
                .into(),
            date: "today".to_owned(),
            ..JsonOptions::default()
        };
        let result = map(&vllm_json(&run, &metrics, &judgement, &options));
        let mine: Vec<_> = result
            .iter()
            .filter(|(_, value)| *value == "mine")
            .collect();
        assert_eq!(mine, [(&"gpu".to_owned(), &json!("mine"))]);
        assert_eq!(result["date"], "today");
    }

    #[test]
    fn infinite_numbers_are_text() {
        let mut run = run_of(vec![]);
        run.setup.rate = None;
        run.setup.burstiness = f64::INFINITY;
        let (metrics, judgement) = Criteria::default().assess(&run);
        let result = map(&vllm_json(
            &run,
            &metrics,
            &judgement,
            &JsonOptions::default(),
        ));
        assert_eq!(
            (&result["request_rate"], &result["burstiness"]),
            (&json!("inf"), &json!("inf"))
        );
    }
}
