//! What vLLM's offline scripts print and save: `vllm bench latency` and `vllm bench throughput` (0.33).
//!
//! The scripts time an engine of their own process. Here the times are those of requests to a server: with HTTP, and from
//! the first request of a batch to the last byte of its last answer.

use crate::{
    metrics::{Metrics, Summary},
    run::Run,
};
use serde_json::{Map, Value, json};

/// A script of vLLM without a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offline {
    /// `vllm bench latency`: one batch again and again. A round is an iteration.
    Latency,
    /// `vllm bench throughput`: all requests at once.
    Throughput,
}

const PERCENTILES: [u32; 6] = [10, 25, 50, 75, 90, 99];

impl Offline {
    /// The lines that the script prints, without a line break at the end.
    pub fn lines(self, run: &Run, metrics: &Metrics) -> String {
        match self {
            Offline::Latency => {
                let latencies = Summary::of(latencies(run));
                let mut lines = Vec::new();
                if run.warm_up.is_some() {
                    lines.push("Warming up...".to_owned());
                }
                lines.push(format!(
                    "Avg latency: {} seconds",
                    python_float(latencies.mean)
                ));
                lines.extend(PERCENTILES.map(|percent| {
                    let latency = python_float(latencies.percentile(f64::from(percent)));
                    format!("{percent}% percentile latency: {latency} seconds")
                }));
                lines.join("\n")
            }
            Offline::Throughput => {
                let (input, output) = (metrics.counts.input_tokens, metrics.counts.output_tokens);
                let per_second = &metrics.throughput;
                format!(
                    "Throughput: {:.2} requests/s, {:.2} total tokens/s, {:.2} output tokens/s\n\
                     Total num prompt tokens:  {input}\nTotal num output tokens:  {output}",
                    per_second.requests, per_second.total_tokens, per_second.output_tokens
                )
            }
        }
    }

    /// The script's result file. `model` is the model's id.
    pub fn json(self, run: &Run, metrics: &Metrics, model: &str) -> Value {
        match self {
            Offline::Latency => {
                let all = latencies(run);
                let latencies = Summary::of(all.clone());
                let percentiles = PERCENTILES.map(|percent| {
                    let latency = latencies.percentile(f64::from(percent));
                    (percent.to_string(), json!(latency))
                });
                json!({
                    "model_id": model,
                    "avg_latency": latencies.mean,
                    "latencies": all,
                    "percentiles": percentiles.into_iter().collect::<Map<_, _>>(),
                })
            }
            Offline::Throughput => {
                let counts = &metrics.counts;
                json!({
                    "model_id": model,
                    "elapsed_time": run.duration.as_secs_f64(),
                    "num_requests": counts.completed,
                    "total_num_tokens": counts.input_tokens + counts.output_tokens,
                    "requests_per_second": metrics.throughput.requests,
                    "tokens_per_second": metrics.throughput.total_tokens,
                })
            }
        }
    }

    /// The records for PyTorch's database, of a result of [`json`](Self::json). `args` are the settings by vLLM's names.
    pub fn pytorch_records(self, result: &Value, model: &str, args: Map<String, Value>) -> Value {
        let (metrics, extra): (&[&str], &[&str]) = match self {
            Offline::Latency => (&["latency"], &["avg_latency", "percentiles"]),
            Offline::Throughput => (
                &["requests_per_second", "tokens_per_second"],
                &["elapsed_time", "num_requests", "total_num_tokens"],
            ),
        };
        let extra: Map<String, Value> = extra
            .iter()
            .map(|key| ((*key).to_owned(), result[*key].clone()))
            .collect();
        let file = args.get("output_json").and_then(Value::as_str);
        let eager = file.is_some_and(|file| file.contains("eager"));
        let benchmark = json!({
            "name": "vLLM benchmark",
            "extra_info": {
                "args": args,
                "compilation_config.mode": "",
                "optimization_level": "",
                "use_compile": !eager,
            },
        });
        let record = |name: &&str| {
            let values = match self {
                Offline::Latency => result["latencies"].clone(),
                Offline::Throughput => json!([result[*name]]),
            };
            json!({
                "benchmark": benchmark,
                "model": {"name": model},
                "metric": {"name": name, "benchmark_values": values, "extra_info": extra},
            })
        };
        Value::Array(metrics.iter().map(record).collect())
    }
}

/// The time of each round in which every request succeeded, s.
fn latencies(run: &Run) -> Vec<f64> {
    if run.setup.rounds < 2 {
        let whole = !run.records.is_empty() && run.records.iter().all(|record| record.ok());
        return whole
            .then(|| run.duration.as_secs_f64())
            .into_iter()
            .collect();
    }
    let times = run.records.iter().filter_map(|record| record.round_e2el);
    times.map(|time| time.as_secs_f64()).collect()
}

/// A number as Python's `repr` writes it.
fn python_float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    let written = format!("{number:?}");
    // Python's exponents have two digits at least.
    match written.split_once("e-") {
        Some((digits, exponent)) if exponent.len() == 1 => format!("{digits}e-0{exponent}"),
        _ => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Nanos,
        metrics::{
            measure,
            testing::{record, run_of},
        },
    };
    use rstest::rstest;

    /// Four rounds of two requests, of 1, 2, 3 and 4 s.
    fn rounds() -> Run {
        let mut records = Vec::new();
        for round in 0..4_u64 {
            for request in 0..2 {
                let start = round * 10_000;
                let mut record = record(start, &[start + 10, start + 20], 2);
                record.index = records.len();
                record.round_e2el = (request == 1).then_some(Nanos((round + 1) * 1_000_000_000));
                records.push(record);
            }
        }
        let mut run = run_of(records);
        run.setup.rounds = 4;
        run
    }

    #[test]
    fn latencies_are_printed_as_vllm_prints_them() {
        let run = rounds();
        let metrics = measure(&run, &[]);
        insta::assert_snapshot!(Offline::Latency.lines(&run, &metrics), @"
        Avg latency: 2.5 seconds
        10% percentile latency: 1.3 seconds
        25% percentile latency: 1.75 seconds
        50% percentile latency: 2.5 seconds
        75% percentile latency: 3.25 seconds
        90% percentile latency: 3.7 seconds
        99% percentile latency: 3.9699999999999998 seconds
        ");
        let json = Offline::Latency.json(&run, &metrics, "m");
        let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            ["model_id", "avg_latency", "latencies", "percentiles"]
        );
        assert_eq!(json["percentiles"]["75"], 3.25);
        let records = Offline::Latency.pytorch_records(&json, "m", Map::new());
        assert_eq!(records[0]["metric"]["name"], "latency");
        assert_eq!(
            records[0]["metric"]["benchmark_values"],
            json!([1.0, 2.0, 3.0, 4.0])
        );
        assert_eq!(records[0]["metric"]["extra_info"]["avg_latency"], 2.5);
    }

    #[test]
    fn one_iteration_is_the_whole_run() {
        let mut run = run_of(vec![record(0, &[100, 150], 2)]);
        run.duration = Nanos(250_000_000);
        let json = Offline::Latency.json(&run, &measure(&run, &[]), "m");
        assert_eq!(json["latencies"], json!([0.25]));
    }

    #[test]
    fn throughput_is_printed_as_vllm_prints_it() {
        let mut run = run_of((0..3).map(|_| record(0, &[100, 150], 4)).collect());
        run.duration = Nanos(2_000_000_000);
        let metrics = measure(&run, &[]);
        insta::assert_snapshot!(Offline::Throughput.lines(&run, &metrics), @"
        Throughput: 1.50 requests/s, 21.00 total tokens/s, 6.00 output tokens/s
        Total num prompt tokens:  30
        Total num output tokens:  12
        ");
        let json = Offline::Throughput.json(&run, &metrics, "m");
        assert_eq!(
            json,
            json!({"model_id": "m", "elapsed_time": 2.0, "num_requests": 3, "total_num_tokens": 42,
                   "requests_per_second": 1.5, "tokens_per_second": 21.0})
        );
        let records = Offline::Throughput.pytorch_records(&json, "m", Map::new());
        assert_eq!(records[1]["metric"]["benchmark_values"], json!([21.0]));
    }

    /// `repr` of CPython 3.12.
    #[rstest]
    #[case(0.5, "0.5")]
    #[case(3.0, "3.0")]
    #[case(0.1 + 0.2, "0.30000000000000004")]
    #[case(0.000_012, "1.2e-05")]
    #[case(f64::NAN, "nan")]
    fn numbers_are_written_as_python_writes_them(#[case] number: f64, #[case] text: &str) {
        assert_eq!(python_float(number), text);
    }
}
