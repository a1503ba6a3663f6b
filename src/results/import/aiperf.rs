//! Reads aiperf's `profile_export_aiperf.json`. Tested with 0.13.0.

use super::Mapping;
use serde_json::{Map, Value, json};

/// Latencies: aiperf's name and vLLM's.
const LATENCIES: [(&str, &str); 4] = [
    ("time_to_first_token", "ttft"),
    ("inter_token_latency", "tpot"),
    ("inter_chunk_latency", "itl"),
    ("request_latency", "e2el"),
];

/// Statistics: aiperf's name and vLLM's, in the order of vLLM's keys.
const STATISTICS: [(&str, &str); 12] = [
    ("avg", "mean"),
    ("p50", "median"),
    ("std", "std"),
    ("p1", "p1"),
    ("p5", "p5"),
    ("p10", "p10"),
    ("p25", "p25"),
    ("p50", "p50"),
    ("p75", "p75"),
    ("p90", "p90"),
    ("p95", "p95"),
    ("p99", "p99"),
];

pub(super) fn mapped(document: &Map<String, Value>) -> (Mapping<'_>, &'static str, String) {
    let mut map = Mapping::of(document);
    let version = map.text("aiperf_version").unwrap_or("?").to_owned();
    settings(&mut map);
    let seconds = map.needed("benchmark_duration.avg");
    map.put("duration", seconds);
    let completed = map.needed("request_count.avg");
    map.put_count("completed", completed);
    let failed = map.number("error_request_count.avg").unwrap_or(0.0);
    map.put_count("failed", failed);
    for (key, theirs) in [
        ("total_input_tokens", "total_isl.avg"),
        ("total_output_tokens", "total_osl.avg"),
    ] {
        if let Some(count) = map.number(theirs) {
            map.put_count(key, count);
        }
    }
    map.copy("request_throughput", "request_throughput.avg");
    map.copy("request_goodput", "goodput.avg");
    map.copy("output_throughput", "output_token_throughput.avg");
    map.copy("total_token_throughput", "total_token_throughput.avg");
    for (theirs, name) in LATENCIES {
        let Some(latency) = map.table(theirs) else {
            continue;
        };
        if latency.get("unit") != Some(&json!("ms")) {
            map.wrong(format!("`{theirs}.unit` is not \"ms\""));
        }
        for (of, statistic) in STATISTICS {
            let value = map.number(&format!("{theirs}.{of}"));
            map.put(format!("{statistic}_{name}_ms"), json!(value));
        }
    }
    meanings(&mut map);
    left_out(&mut map);
    (map, "aiperf", version)
}

fn settings(map: &mut Mapping<'_>) {
    let config = map.table("input_config").cloned().unwrap_or_default();
    let at = |pointer: &str| Value::Object(config.clone()).pointer(pointer).cloned();
    map.put("backend", json!(at("/endpoint/type")));
    map.put("model_id", json!(at("/models/items/0/name")));
    map.put("tokenizer_id", json!(at("/tokenizer/name")));
    map.put("request_rate", json!(at("/phases/0/rate")));
    map.put("max_concurrency", json!(at("/phases/0/concurrency")));
    map.settings(&[
        "schema_version",
        "benchmark_id",
        "run_info",
        "telemetry_data",
        "was_cancelled",
        "is_complete",
        "error_summary",
        "start_time",
        "end_time",
    ]);
}

fn meanings(map: &mut Mapping<'_>) {
    map.remark(
        "duration and all per second",
        "from the first request's start to the last answer; goodput counts from the start of the schedule, \
         which includes the wait for the first request",
    );
    map.remark(
        "TTFT",
        "to the first event with content; goodput measures to the first token event, whose text may be \
         empty",
    );
    map.remark(
        "TPOT",
        "aiperf calls it `inter_token_latency`: (request latency - TTFT) / (output tokens - 1), with \
         --per-chunk-usage / (output tokens - those of the first event)",
    );
    map.remark(
        "ITL",
        "aiperf calls it `inter_chunk_latency`: the gaps between events with content; its \
         `inter_token_latency` is TPOT",
    );
    map.remark(
        "E2EL",
        "to the last event with content; goodput measures to the last token event, whose text may be empty",
    );
    map.remark(
        "peaks",
        "the file has none that are counted as goodput counts them",
    );
}

fn left_out(map: &mut Mapping<'_>) {
    map.leave(
        "time_to_second_token",
        "the gap between the first two events: goodput's first ITL",
    );
    map.leave(
        "time_to_first_output_token",
        "to the first event that is not reasoning: goodput's TTFAT, for which vLLM has no key",
    );
    map.leave(
        "effective_latency",
        "request latency from the scheduled time: goodput's e2el of the gate, for which vLLM has no key",
    );
    map.leave(
        "credit_to_start_latency",
        "how late the client sent: goodput's lateness",
    );
    map.leave(
        "input_token_throughput",
        "it is total input tokens / duration",
    );
    map.leave("output_token_throughput_per_user", "it is 1 / TPOT");
    map.leave(
        "e2e_output_token_throughput",
        "it is output tokens / E2EL of each request",
    );
    map.leave("decode_duration", "it is E2EL - TTFT");
    map.leave("prefill_throughput_per_user", "it is input tokens / TTFT");
    for (name, why) in COUNTS {
        map.leave(name, why);
    }
    for name in ADJUSTED {
        map.leave(
            name,
            "each failed request counts as infinitely slow, percentiles are not interpolated",
        );
    }
}

/// Metrics that follow from other numbers, or are distributions of counts.
const COUNTS: [(&str, &str); 8] = [
    (
        "completed_request_count",
        "another count; goodput takes the successes from `request_count`",
    ),
    (
        "request_error_rate",
        "failures / requests; goodput takes the counts",
    ),
    ("good_request_count", "it is goodput * duration"),
    ("good_request_fraction", "it is good requests / successes"),
    (
        "total_output_tokens",
        "without reasoning; the total with it is `total_osl`",
    ),
    (
        "input_sequence_length",
        "tokens of each prompt; vLLM has them one by one",
    ),
    (
        "output_sequence_length",
        "tokens of each answer; vLLM has them one by one",
    ),
    (
        "output_token_count",
        "tokens of each answer without reasoning",
    ),
];

/// Latencies that include failed requests.
const ADJUSTED: [&str; 4] = [
    "adj_time_to_first_token",
    "adj_inter_token_latency",
    "adj_inter_chunk_latency",
    "adj_request_latency",
];

#[cfg(test)]
mod tests {
    use super::super::tests::{numbers, printed};
    use rstest::rstest;

    /// The columns that aiperf prints.
    const COLUMNS: [&str; 7] = ["mean", "min", "max", "p99", "p90", "median", "std"];

    #[rstest]
    #[case("Time to First Token (ms)", "ttft")]
    #[case("Inter Token Latency (ms)", "tpot")]
    #[case("Request Latency (ms)", "e2el")]
    fn latencies_are_those_that_aiperf_printed(#[case] label: &str, #[case] name: &str) {
        let ours = numbers("aiperf.json");
        let mut compared = 0;
        for (statistic, theirs) in COLUMNS.iter().zip(row(label)) {
            if let Some(value) = ours.get(&format!("{statistic}_{name}_ms")) {
                assert_eq!(
                    format!("{:.2}", value.as_f64().unwrap()),
                    theirs,
                    "{statistic}"
                );
                compared += 1;
            }
        }
        assert_eq!(compared, 5);
    }

    #[rstest]
    #[case("Request Throughput (requests/sec)", "request_throughput")]
    #[case("Output Token Throughput (tokens/sec)", "output_throughput")]
    #[case("Goodput (requests/sec)", "request_goodput")]
    #[case("Request Count (requests)", "completed")]
    fn totals_are_those_that_aiperf_printed(#[case] label: &str, #[case] key: &str) {
        let value = numbers("aiperf.json")[key].as_f64().unwrap();
        assert_eq!(format!("{value:.2}"), row(label)[0]);
    }

    /// The cells behind a label.
    fn row(label: &str) -> Vec<String> {
        let text = printed("aiperf.txt");
        let cells = |line: &str| {
            let cells = line.split('│').map(|cell| cell.trim().to_owned());
            cells.skip(1).collect::<Vec<_>>()
        };
        let mut rows = text.lines().map(cells);
        rows.find(|row| row.first().is_some_and(|first| first == label))
            .unwrap()[1..]
            .to_vec()
    }
}
