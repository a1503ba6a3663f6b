//! Reads goodput's and vLLM's result files.

use super::reading::{Imported, Origin, Own, Reading, Wrong};
use crate::report::{Facts, SCHEMA, capped};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Keys of every result of `vllm bench serve`.
const ALWAYS: [&str; 4] = [
    "duration",
    "completed",
    "total_input_tokens",
    "request_throughput",
];

pub(super) fn is_one(document: &Map<String, Value>) -> bool {
    document.contains_key("goodput")
        || document.contains_key("endpoint_type")
        || ALWAYS.iter().all(|key| document.contains_key(*key))
}

pub(super) fn reading(place: &str, mut document: Map<String, Value>) -> Result<Reading, Wrong> {
    let told = document.shift_remove("goodput");
    check(&document)?;
    let (origin, failed, first_errors) = match told {
        None => (
            Origin::Vllm,
            failed_of_vectors(&document),
            errors(&document),
        ),
        Some(Value::Object(mut told)) if told.contains_key("imported") => {
            let imported = told.remove("imported").unwrap_or_default();
            (
                Origin::Other(Box::new(imported_before(imported)?)),
                None,
                Vec::new(),
            )
        }
        Some(told) => {
            let own = own(told)?;
            let facts = &own.facts;
            let (failed, errors) = (facts.requests.failed, facts.first_errors.clone());
            (Origin::Goodput(Box::new(own)), failed, errors)
        }
    };
    let place = place.to_owned();
    document.retain(|key, value| !value.is_array() || key.starts_with("spec_decode"));
    Ok(Reading {
        place,
        values: document,
        failed,
        first_errors,
        origin,
    })
}

fn own(told: Value) -> Result<Own, Wrong> {
    let schema = told.get("schema").and_then(Value::as_u64);
    if schema > Some(u64::from(SCHEMA)) {
        let schema = schema.unwrap_or_default();
        return Err(vec![format!(
            "`goodput.schema` is {schema}: a newer goodput wrote this. This one reads {SCHEMA}; \
             install a newer one"
        )]);
    }
    let facts = Facts::deserialize(&told).map_err(|e| vec![format!("`goodput`: {e}")])?;
    Ok(Own { facts, whole: told })
}

fn imported_before(imported: Value) -> Result<Imported, Wrong> {
    serde_json::from_value(imported).map_err(|e| vec![format!("`goodput.imported`: {e}")])
}

/// Checks that each key of a table is a number.
fn check(document: &Map<String, Value>) -> Result<(), Wrong> {
    let mut wrong = Wrong::new();
    for key in ALWAYS {
        if document.get(key).is_none_or(Value::is_null) {
            wrong.push(format!("`{key}` is missing"));
        }
    }
    let numeric = |key: &str| {
        ALWAYS.contains(&key)
            || key.ends_with("_ms")
            || key.ends_with("_throughput")
            || key.ends_with("_tokens")
            || [
                "failed",
                "request_goodput",
                "request_rate",
                "max_concurrency",
                "rtfx",
            ]
            .contains(&key)
    };
    for (key, value) in document.iter().filter(|(key, _)| numeric(key)) {
        let number = value.is_number() || value.is_null();
        if !number && !["inf", "nan"].iter().any(|text| value == text) {
            wrong.push(format!("`{key}` is {value}, not a number"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// Number of failed requests without tokens: vLLM does not save it, but saves a latency for each request.
fn failed_of_vectors(document: &Map<String, Value>) -> Option<u64> {
    let all = document.get("latencies")?.as_array()?.len() as u64;
    all.checked_sub(document.get("completed")?.as_u64()?)
}

/// Errors of the first requests, if the file has them.
fn errors(document: &Map<String, Value>) -> Vec<String> {
    let errors = document.get("errors").and_then(Value::as_array);
    let errors = errors.into_iter().flatten().filter_map(Value::as_str);
    capped(errors.filter(|error| !error.is_empty()).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::super::{read, text};
    use crate::{metrics::testing::golden::Golden, report};
    use rstest::rstest;
    use serde_json::{Value, json};
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    fn fixture(name: &str) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vllm");
        fs::read_to_string(folder.join(name)).unwrap()
    }

    /// `fixtures/vllm/result.txt` is what vLLM printed when it saved `result.json`.
    #[test]
    fn vllms_file_gives_vllms_table() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vllm/result.json");
        let readings = read(&path, &mut Vec::new()).unwrap();
        assert_eq!(
            text(&readings),
            fixture("result.txt").trim_end_matches('\n')
        );
    }

    /// vLLM's own tables of results of all kinds, made by its own code.
    #[rstest]
    fn every_kind_gives_its_table(#[files("fixtures/metrics/*.json")] path: PathBuf) {
        let golden = Golden::at(&path);
        let document = golden.result.clone().into();
        let readings = super::super::reading("a result", document).unwrap();
        let printed = text(&readings);
        let plain = |line: &String| {
            !line.starts_with("Failed requests during") && !line.starts_with("Error")
        };
        // Without --save-detailed the file has no errors; and vLLM reports none of vectors.
        let ours: Vec<_> = printed
            .lines()
            .map(Golden::plain_error)
            .filter(plain)
            .collect();
        let theirs: Vec<_> = golden
            .table
            .iter()
            .filter(|line| plain(line))
            .cloned()
            .collect();
        assert_eq!(ours, theirs);
        let detailed = golden.result.contains_key("errors") && golden.result.contains_key("failed");
        if detailed {
            assert_eq!(
                printed.lines().map(Golden::plain_error).collect::<Vec<_>>(),
                golden.table
            );
        }
    }

    #[rstest]
    #[case::a_number("mean_ttft_ms", json!("fast"), "`mean_ttft_ms` is \"fast\", not a number")]
    #[case::a_list("completed", json!([3]), "`completed` is [3], not a number")]
    #[case::missing("duration", Value::Null, "`duration` is missing")]
    #[case::newer("goodput", json!({"schema": 99}), "`goodput.schema` is 99: a newer goodput wrote this")]
    #[case::half("goodput", json!({"schema": 1}), "`goodput`: missing field `verdict`")]
    #[case::import("goodput", json!({"imported": {"tool": 1}}), "`goodput.imported`: invalid type")]
    fn what_is_wrong_is_named(#[case] key: &str, #[case] value: Value, #[case] told: &str) {
        let mut document: Value = serde_json::from_str(&fixture("result.json")).unwrap();
        document[key] = value;
        let wrong = super::super::reading("a.json", document).unwrap_err();
        assert!(wrong.iter().any(|what| what.starts_with(told)), "{wrong:?}");
    }

    #[test]
    fn a_file_without_details_shows_its_verdict() {
        let mut document: Value = serde_json::from_str(&fixture("result.json")).unwrap();
        document["goodput"] = json!({"schema": 1, "verdict": "no_verdict", "findings": [], "slos": [],
            "requests": {"completed": 9, "failed": 0}});
        let readings = super::super::reading("a.json", document).unwrap();
        let table = fixture("result.txt");
        let expected = report::printed(
            false,
            table.trim_end_matches('\n'),
            &[
                "  verdict     no verdict: nothing was demanded (0 of 9 requests failed)"
                    .to_owned(),
            ],
        );
        assert_eq!(text(&readings), expected);
    }
}
