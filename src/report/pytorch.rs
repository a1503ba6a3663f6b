//! vLLM's records for the database of PyTorch's benchmarks, which it writes where
//! `SAVE_TO_PYTORCH_BENCHMARK_FORMAT` is set.
//!
//! Source: `save_to_pytorch_benchmark_format` and `convert_to_pytorch_benchmark_format` of vLLM 0.32; and
//! <https://github.com/pytorch/pytorch/wiki/How-to-integrate-with-PyTorch-OSS-benchmark-database>.

use super::fields::VllmJson;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// The metrics that have a record, in the records' order.
const METRICS: [&str; 12] = [
    "median_ttft_ms",
    "mean_ttft_ms",
    "std_ttft_ms",
    "p99_ttft_ms",
    "mean_tpot_ms",
    "median_tpot_ms",
    "std_tpot_ms",
    "p99_tpot_ms",
    "median_itl_ms",
    "mean_itl_ms",
    "std_itl_ms",
    "p99_itl_ms",
];

/// Keys that the records do not repeat: lists of tokens and texts, as in vLLM, and goodput's own.
const LEFT_OUT: [&str; 7] = [
    "ttfts",
    "itls",
    "generated_texts",
    "errors",
    "server_queue_times",
    "server_ttfts",
    "goodput",
];

/// The records of a result: one for each of vLLM's twelve metrics that it has. `model` is the model's name,
/// `args` the settings by vLLM's names.
pub fn pytorch_records<'a>(
    result: &'a VllmJson<'a>,
    model: &'a str,
    args: Map<String, Value>,
) -> impl Serialize + 'a {
    Records {
        benchmark: Named {
            name: "vLLM benchmark",
            extra_info: settings(result, args),
        },
        model: Model { name: model },
        result,
    }
}

/// The file in which vLLM puts the records of a result file: `a.pytorch.json` next to `a.json`.
pub fn pytorch_file(result: &Path) -> PathBuf {
    result.with_extension("pytorch.json")
}

fn settings(result: &VllmJson<'_>, mut args: Map<String, Value>) -> Map<String, Value> {
    let metadata = |key: &str| result.value(key).cloned();
    let or_empty = |key: &str| metadata(key).unwrap_or_else(|| Value::from(""));
    let mode = or_empty("compilation_config.mode");
    let file = args.get("result_filename").and_then(Value::as_str);
    let eager = mode == "0" || file.is_some_and(|file| file.contains("eager"));
    if let Some(size) = metadata("tensor_parallel_size")
        && !args.contains_key("tensor_parallel_size")
    {
        args.insert("tensor_parallel_size".to_owned(), size);
    }
    let settings = [
        ("args", args.into()),
        ("compilation_config.mode", mode),
        ("optimization_level", or_empty("optimization_level")),
        ("use_compile", Value::from(!eager)),
    ];
    settings
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

struct Records<'a> {
    benchmark: Named,
    model: Model<'a>,
    result: &'a VllmJson<'a>,
}

#[derive(Serialize)]
struct Named {
    name: &'static str,
    extra_info: Map<String, Value>,
}

#[derive(Serialize)]
struct Model<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct OneRecord<'a> {
    benchmark: &'a Named,
    model: &'a Model<'a>,
    metric: Metric<'a>,
}

#[derive(Serialize)]
struct Metric<'a> {
    name: &'static str,
    benchmark_values: [&'a Value; 1],
    extra_info: Rest<'a>,
}

/// The result without the metrics.
struct Rest<'a>(&'a VllmJson<'a>);

impl Serialize for Rest<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kept = |key: &str| !METRICS.contains(&key) && !LEFT_OUT.contains(&key);
        self.0.serialize_keys(kept, serializer)
    }
}

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = |name: &&'static str| {
            Some(OneRecord {
                benchmark: &self.benchmark,
                model: &self.model,
                metric: Metric {
                    name,
                    benchmark_values: [self.result.value(name)?],
                    extra_info: Rest(self.result),
                },
            })
        };
        serializer.collect_seq(METRICS.iter().filter_map(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::golden::Golden;
    use crate::report::json::tests::{assert_same, result_of};
    use rstest::rstest;

    /// What vLLM's own functions wrote of the same results: see `fixtures/vllm/make_pytorch.py`.
    #[rstest]
    #[case("three_requests")]
    #[case("ramp")]
    #[case("rerank")]
    fn records_are_vllms(#[case] name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vllm");
        let text = std::fs::read_to_string(folder.join("pytorch.json")).unwrap();
        let golden: Value = serde_json::from_str(&text).unwrap();
        let case = &golden[name];
        let args = case["args"].as_object().unwrap().clone();
        let metadata = case["metadata"].as_object().unwrap();
        let metadata = metadata
            .iter()
            .map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()));
        let run = Golden::read(name);
        let model = args["model"].as_str().unwrap().to_owned();
        let measured = run.run();
        let result = result_of(&run, &measured, metadata.collect());
        let ours = serde_json::to_value(pytorch_records(&result, &model, args)).unwrap();
        assert_same(name, &ours, &case["records"]);
    }

    #[rstest]
    #[case("a/b.json", "a/b.pytorch.json")]
    #[case("openai-10.0qps-m.json", "openai-10.0qps-m.pytorch.json")]
    #[case("all.jsonl", "all.pytorch.json")]
    #[case("result", "result.pytorch.json")]
    fn records_stand_beside_the_result(#[case] result: &str, #[case] records: &str) {
        assert_eq!(pytorch_file(Path::new(result)), Path::new(records));
    }
}
