//! Reads guidellm's `benchmarks.json`: one result per benchmark. Tested with 0.8.1.

use super::Mapping;
use crate::results::reading::Wrong;
use serde_json::{Map, Value, json};

/// Latencies: guidellm's name, vLLM's name, and the milliseconds of guidellm's unit.
const LATENCIES: [(&str, &str, f64); 3] = [
    ("time_to_first_token_ms", "ttft", 1.0),
    ("inter_token_latency_ms", "tpot", 1.0),
    ("request_latency", "e2el", 1e3),
];

/// Statistics: guidellm's name and vLLM's, in the order of vLLM's keys.
const STATISTICS: [(&str, &str); 14] = [
    ("/mean", "mean"),
    ("/median", "median"),
    ("/std_dev", "std"),
    ("/percentiles/p001", "p0.1"),
    ("/percentiles/p01", "p1"),
    ("/percentiles/p05", "p5"),
    ("/percentiles/p10", "p10"),
    ("/percentiles/p25", "p25"),
    ("/percentiles/p50", "p50"),
    ("/percentiles/p75", "p75"),
    ("/percentiles/p90", "p90"),
    ("/percentiles/p95", "p95"),
    ("/percentiles/p99", "p99"),
    ("/percentiles/p999", "p99.9"),
];

type Mapped<'a> = (Mapping<'a>, &'static str, String);

/// Maps each benchmark.
///
/// # Errors
/// There is no benchmark, or one without metrics.
pub(super) fn mapped(document: &Map<String, Value>) -> Result<Vec<Mapped<'_>>, Wrong> {
    let text = |at: Option<&Value>| at.and_then(Value::as_str).map(str::to_owned);
    let metadata = document.get("metadata");
    let version = text(metadata.and_then(|m| m.get("guidellm_version"))).unwrap_or_default();
    let benchmarks = document.get("benchmarks").and_then(Value::as_array);
    let benchmarks = benchmarks.map_or(&[][..], Vec::as_slice);
    if benchmarks.is_empty() {
        return Err(vec!["`benchmarks` has no benchmark".to_owned()]);
    }
    let each = benchmarks.iter().enumerate();
    each.map(|(index, benchmark)| {
        let metrics = benchmark.get("metrics").and_then(Value::as_object);
        let missing = || vec![format!("`benchmarks[{index}].metrics` is missing")];
        let metrics = metrics.ok_or_else(missing)?;
        Ok((one(benchmark, metrics), "guidellm", version.clone()))
    })
    .collect()
}

fn one<'a>(benchmark: &'a Value, metrics: &'a Map<String, Value>) -> Mapping<'a> {
    let mut map = Mapping::of(metrics);
    let at = |pointer: &str| json!(benchmark.pointer(pointer));
    map.put("backend", at("/config/backend/request_format"));
    map.put("model_id", at("/config/backend/model"));
    map.put("request_rate", at("/config/strategy/rate"));
    map.put("max_concurrency", at("/config/strategy/streams"));
    match benchmark.get("duration").and_then(Value::as_f64) {
        Some(seconds) => map.put("duration", seconds),
        None => map.wrong("`duration` is missing".to_owned()),
    }
    counts(&mut map);
    map.copy("request_throughput", "requests_per_second.successful.mean");
    map.copy(
        "output_throughput",
        "output_tokens_per_second.successful.mean",
    );
    map.copy(
        "max_concurrent_requests",
        "request_concurrency.successful.max",
    );
    map.copy(
        "total_token_throughput",
        "tokens_per_second.successful.mean",
    );
    for (theirs, name, ms) in LATENCIES {
        for (pointer, statistic) in STATISTICS {
            let value = map.number(&format!("{theirs}.successful{}", pointer.replace('/', ".")));
            map.put(
                format!("{statistic}_{name}_ms"),
                json!(value.map(|v| v * ms)),
            );
        }
    }
    meanings(&mut map);
    left_out(&mut map);
    map
}

fn counts(map: &mut Mapping<'_>) {
    let completed = map.needed("request_totals.successful");
    map.put_count("completed", completed);
    let failed = map.needed("request_totals.errored");
    map.put_count("failed", failed);
    let cut = map.number("request_totals.incomplete").unwrap_or(0.0);
    if cut > 0.0 {
        let text = format!(
            "{cut} were cut off when the benchmark ended; they are neither successful nor failed"
        );
        map.remark("requests", text);
    }
    for (key, theirs) in [
        (
            "total_input_tokens",
            "prompt_token_count.successful.total_sum",
        ),
        (
            "total_output_tokens",
            "output_token_count.successful.total_sum",
        ),
    ] {
        if let Some(count) = map.number(theirs) {
            map.put_count(key, count);
        }
    }
}

fn meanings(map: &mut Mapping<'_>) {
    map.remark(
        "duration and all per second",
        "from the first request's start to the last one's end, without warm-up and cool-down; goodput \
         counts from the start of the schedule",
    );
    map.remark(
        "median and percentiles",
        "the smallest value that this share is at or below, so always one of the sample; goodput \
         interpolates between two, as numpy does",
    );
    map.remark(
        "times",
        "by the wall clock, which may be set during a run; goodput's are by the kernel or a monotonic \
         clock",
    );
    map.remark(
        "TTFT",
        "to the first event with text, reasoning or a tool call; goodput measures to the first token \
         event, whose text may be empty",
    );
    map.remark(
        "TPOT",
        "guidellm calls it `inter_token_latency_ms`: (last - first token) / (output tokens - 1) of a \
         request, counted once a gap, so that long answers weigh more; goodput counts it once a request",
    );
    map.remark(
        "E2EL",
        "to the end of the answer, usage and `[DONE]` included; goodput measures to the last token event",
    );
    map.remark(
        "ITL",
        "none: guidellm keeps the first and the last time of an answer, not the gaps between",
    );
    map.remark(
        "peak concurrent requests",
        "counted exactly; goodput counts in whole seconds, as vLLM does",
    );
}

fn left_out(map: &mut Mapping<'_>) {
    map.settings(&[
        "time_to_first_token_ms",
        "inter_token_latency_ms",
        "request_latency",
    ]);
    map.leave(
        "time_per_output_token_ms",
        "(last token - start) / output tokens, which includes TTFT; goodput's TPOT begins at the first \
         token",
    );
    map.leave(
        "time_to_first_output_token_ms",
        "to the first token that is not reasoning: goodput's TTFAT, for which vLLM has no key",
    );
    map.leave(
        "request_dispatch_delay",
        "how late requests were sent: goodput's lateness",
    );
    map.leave(
        "request_scheduled_latency",
        "latency from the scheduled time: goodput's e2el of the gate, for which vLLM has no key",
    );
    map.leave("prompt_tokens_per_second", "it is input tokens / duration");
    map.leave(
        "slo_attainment",
        "good requests / requests that an SLO could judge, not all that were sent",
    );
    map.leave(
        "request_goodput",
        "a distribution over the run; vLLM's key is one number",
    );
    for name in [
        "total_token_count",
        "output_tokens_per_iteration",
        "iter_tokens_per_iteration",
        "request_streaming_iterations_count",
    ] {
        map.leave(name, "not a metric of goodput");
    }
    map.leave(
        "slo_determined_requests",
        "how many requests an SLO could judge",
    );
}

#[cfg(test)]
mod tests {
    use super::super::tests::{numbers, printed};

    #[test]
    fn numbers_are_those_that_guidellm_printed() {
        let ours = numbers("guidellm.json");
        let row = |title: &str| {
            let text = printed("guidellm.txt");
            let table = text.split_once(title).unwrap().1;
            let row = table.lines().find(|line| line.starts_with("| constant@"));
            let cells = row.unwrap().split('|').map(|cell| {
                let cell = cell.split('±').next().unwrap_or_default();
                cell.trim().trim_end_matches('*').to_owned()
            });
            cells.skip(2).collect::<Vec<_>>()
        };
        let ms = |key: &str| format!("{:.1}", ours[key].as_f64().unwrap());
        let seconds = |key: &str| format!("{:.1}", ours[key].as_f64().unwrap() / 1e3);
        let latency = row("Request Latency Statistics");
        let [e2el, ttft, itl] = [0, 3, 9].map(|at| latency[at..at + 3].to_vec());
        let keys = |name: &str| ["mean", "median", "p95"].map(|s| format!("{s}_{name}_ms"));
        assert_eq!(e2el, keys("e2el").map(|key| seconds(&key)));
        assert_eq!(ttft, keys("ttft").map(|key| ms(&key)));
        assert_eq!(itl, keys("tpot").map(|key| ms(&key)));
        let throughput = row("Server Throughput Statistics");
        assert_eq!(throughput[2], ms("request_throughput"));
        assert_eq!(throughput[4], ms("output_throughput"));
        assert_eq!(throughput[5], ms("total_token_throughput"));
        let summary = row("Run Summary Info");
        assert_eq!(summary[2], ms("duration"));
        assert_eq!([&summary[5], &summary[7]], ["12", "0"]);
        assert_eq!(
            (ours["completed"].as_u64(), ours["failed"].as_u64()),
            (Some(12), Some(0))
        );
        assert_eq!(summary[8], ms("total_input_tokens"));
        assert_eq!(summary[11], ms("total_output_tokens"));
    }
}
