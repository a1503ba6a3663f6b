//! Reads results of `sglang.benchmark.serving` (`bench_serving`), one line per run. Tested with 0.5.23.

use super::Mapping;
use serde_json::{Map, Value, json};

/// Latencies: sglang's name and vLLM's.
const LATENCIES: [(&str, &str); 4] = [
    ("ttft", "ttft"),
    ("tpot", "tpot"),
    ("itl", "itl"),
    ("e2e_latency", "e2el"),
];

const STATISTICS: [&str; 6] = ["mean", "median", "std", "p90", "p95", "p99"];

pub(super) fn mapped(document: &Map<String, Value>) -> (Mapping<'_>, &'static str, String) {
    let mut map = Mapping::of(document);
    let backend = map.text("backend").unwrap_or_default();
    map.put("backend", backend);
    let rate = map.number("request_rate");
    map.put("request_rate", rate.map_or(json!("inf"), Value::from));
    if let Some(most) = map.number("max_concurrency") {
        map.put_count("max_concurrency", most);
    }
    counts(&mut map);
    map.copy("request_throughput", "request_throughput");
    map.copy("request_goodput", "request_goodput");
    map.copy("output_throughput", "output_throughput");
    map.copy("total_token_throughput", "total_throughput");
    map.copy("max_output_tokens_per_s", "max_output_tokens_per_s");
    map.copy("max_concurrent_requests", "max_concurrent_requests");
    for (theirs, name) in LATENCIES {
        for statistic in STATISTICS {
            let theirs = format!("{statistic}_{theirs}_ms");
            map.copy(&format!("{statistic}_{name}_ms"), &theirs);
        }
    }
    meanings(&mut map, backend);
    left_out(&mut map);
    (map, "sglang bench_serving", String::new())
}

fn counts(map: &mut Mapping<'_>) {
    let duration = map.needed("duration");
    map.put("duration", duration);
    for key in ["completed", "total_input_tokens", "total_output_tokens"] {
        let count = map.needed(key);
        map.put_count(key, count);
    }
    map.remark(
        "failed requests",
        "the file does not say how many there were",
    );
}

fn meanings(map: &mut Mapping<'_>, backend: &str) {
    map.remark(
        "input tokens",
        "the client's tokenizer counts them; the server's usage is never used",
    );
    map.remark(
        "output tokens",
        "the server's usage, but where it has none the number that was asked for, not a count of the \
         text",
    );
    map.remark(
        "TTFT",
        "to the first event with text; goodput measures to the first token event, whose text may be empty",
    );
    map.remark(
        "E2EL",
        "to the last line of the stream, usage and `[DONE]` included; goodput measures to the last token \
         event",
    );
    map.remark(
        "TPOT",
        "(that E2EL - TTFT) / (output tokens - 1), which includes the time from the last token to `[DONE]`",
    );
    let speculates = map
        .number("accept_length")
        .is_some_and(|length| length > 0.0);
    match backend {
        "sglang" | "sglang-native" => map.remark(
            "ITL",
            "each gap between events is divided by the tokens that came with it and counted once a token; \
             goodput counts the gap itself, once",
        ),
        "sglang-oai" | "sglang-oai-chat" if speculates => map.remark(
            "ITL",
            "the server speculates: each gap between events is divided by the tokens of its text, \
             as the client counts them; goodput takes the gap itself",
        ),
        _ => {}
    }
}

fn left_out(map: &mut Mapping<'_>) {
    map.leave(
        "total_output_tokens_retokenized",
        "goodput counts once, by the best source it has",
    );
    map.leave("input_throughput", "it is total input tokens / duration");
    map.leave(
        "concurrency",
        "the sum of all E2ELs / duration; goodput has no such number",
    );
    map.leave(
        "accept_length",
        "the server's average since it was started, not of this run",
    );
    map.leave(
        "slo_attainment",
        "good requests / all that were sent, from sending",
    );
    map.leave(
        "slo_attainment_by_metric",
        "goodput judges a request by all its limits together",
    );
    map.leave("total_input_text_tokens", "a part of the input tokens");
    map.leave("total_input_vision_tokens", "a part of the input tokens");
    map.leave("cache_report", "goodput has no such number");
    map.settings(&[
        "tag",
        "dataset_name",
        "sharegpt_output_len",
        "random_input_len",
        "random_output_len",
        "random_range_ratio",
        "server_info",
        "goodput_slos_ms",
        "input_lens",
        "output_lens",
        "ttfts",
        "itls",
        "generated_texts",
        "errors",
        "cached_tokens",
        "cached_tokens_details",
    ]);
}

#[cfg(test)]
mod tests {
    use super::super::tests::{numbers, printed};
    use crate::report::{Line, lines};
    use rstest::rstest;

    #[rstest]
    #[case("sglang")]
    #[case("sglang-oai")]
    fn numbers_are_those_that_sglang_printed(#[case] name: &str) {
        let text = printed(&format!("{name}.txt"));
        let theirs = |label: &str| {
            let label = format!("{}:", label.replace("E2EL", "E2E Latency"));
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(label.as_str()));
            line.map(|value| value.trim().to_owned())
        };
        let mut compared = 0;
        for line in lines(&numbers(&format!("{name}.jsonl")), None) {
            let Line::Value(label, value) = line else {
                continue;
            };
            if let Some(theirs) = theirs(&label) {
                let same: (f64, f64) = (value.parse().unwrap(), theirs.parse().unwrap());
                assert_eq!(same.0, same.1, "{label}");
                compared += 1;
            }
        }
        assert_eq!(compared, 10 + 4 * 5, "{text}");
    }
}
