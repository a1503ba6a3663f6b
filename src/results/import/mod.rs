//! Maps other tools' results to vLLM's keys.
//!
//! There is one file per tool. It states for each metric that it maps whether the tool defines it
//! differently, and for each metric that it leaves out why. All other names are reported as not understood.

mod aiperf;
mod guidellm;
mod mapping;
mod sglang;

use super::reading::{Origin, Reading, Wrong};
use mapping::Mapping;
use serde_json::{Map, Value};

/// Tool that wrote a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Sglang,
    Guidellm,
    Aiperf,
}

impl Reader {
    /// Recognises the tool by the document's structure.
    pub(super) fn of(document: &Map<String, Value>) -> Option<Self> {
        let has = |key: &str| document.contains_key(key);
        if has("goodput") && has("endpoint_type") {
            None
        } else if has("aiperf_version") {
            Some(Reader::Aiperf)
        } else if has("benchmarks") && has("metadata") {
            Some(Reader::Guidellm)
        } else if has("total_output_tokens_retokenized") || has("mean_e2e_latency_ms") {
            Some(Reader::Sglang)
        } else {
            None
        }
    }

    pub(super) fn read(
        self,
        place: &str,
        document: &Map<String, Value>,
    ) -> Result<Vec<Reading>, Wrong> {
        match self {
            Reader::Sglang => Ok(vec![finished(place, sglang::mapped(document))?]),
            Reader::Aiperf => Ok(vec![finished(place, aiperf::mapped(document))?]),
            Reader::Guidellm => {
                let mapped = guidellm::mapped(document)?;
                let several = mapped.len() > 1;
                let mapped = mapped.into_iter().enumerate();
                mapped
                    .map(|(index, mapped)| {
                        if several {
                            finished(&format!("{place}, benchmark {}", index + 1), mapped)
                        } else {
                            finished(place, mapped)
                        }
                    })
                    .collect()
            }
        }
    }
}

fn finished(
    place: &str,
    (mapping, tool, version): (Mapping<'_>, &str, String),
) -> Result<Reading, Wrong> {
    let (values, imported) = mapping.finish(tool, version)?;
    Ok(Reading {
        place: place.to_owned(),
        values,
        failed: None,
        first_errors: Vec::new(),
        origin: Origin::Other(Box::new(imported)),
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{json, read, reading, text},
        Reader,
    };
    use rstest::rstest;
    use serde_json::{Map, Value};
    use std::{fs, path::PathBuf};

    fn fixture(name: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures/peers")
            .join(name)
    }

    /// The numbers of a file, under vLLM's keys.
    pub(super) fn numbers(name: &str) -> Map<String, Value> {
        read(&fixture(name), &mut Vec::new())
            .unwrap()
            .remove(0)
            .values
    }

    /// What the tool printed of that run.
    pub(super) fn printed(name: &str) -> String {
        fs::read_to_string(fixture(name)).unwrap()
    }

    fn document(name: &str) -> Map<String, Value> {
        serde_json::from_str(&printed(name)).unwrap()
    }

    #[rstest]
    #[case("sglang.jsonl")]
    #[case("sglang-oai.jsonl")]
    #[case("guidellm.json")]
    #[case("aiperf.json")]
    fn a_file_of_the_tool_itself(#[case] name: &str) {
        let readings = read(&fixture(name), &mut Vec::new()).unwrap();
        let text = text(&readings);
        let lines: Vec<_> = text.lines().map(str::trim_end).collect();
        insta::assert_snapshot!(name, lines.join("\n"));
        // What differs goes with the numbers.
        let kept = serde_json::from_str(&json(&readings)).unwrap();
        let again = super::super::text(&reading(name, kept).unwrap());
        assert_eq!(again, text);
    }

    #[test]
    fn a_name_that_is_new_is_told() {
        let mut document = document("aiperf.json");
        document.insert("brand_new_metric".to_owned(), 1.into());
        let text = text(&reading("a.json", document.into()).unwrap());
        assert!(
            text.contains("(22): ") && text.contains("brand_new_metric"),
            "{text}"
        );
    }

    /// sglang's default rate, as Python writes it.
    #[test]
    fn an_infinite_rate_is_none() {
        let line = printed("sglang.jsonl");
        let line = line.replace("\"request_rate\": 20.0", "\"request_rate\": Infinity");
        let documents = super::super::document::documents(&line).unwrap().documents;
        let values = reading("a.jsonl", documents.into_iter().next().unwrap().value).unwrap();
        assert_eq!(values[0].values["request_rate"], "inf");
    }

    #[rstest]
    #[case("sglang.jsonl", &["completed"], Value::Null, "`completed` is missing")]
    #[case("sglang.jsonl", &["p99_itl_ms"], "x".into(), "`p99_itl_ms` is \"x\", not a number")]
    #[case("sglang.jsonl", &["completed"], 1.5.into(), "1.5 cannot be `completed`: it is not a whole number")]
    #[case("aiperf.json", &["request_latency", "unit"], "s".into(), "`request_latency.unit` is not \"ms\"")]
    #[case("aiperf.json", &["request_latency", "p90"], "x".into(), "`request_latency.p90` is \"x\", not a number")]
    #[case("guidellm.json", &["benchmarks", "0", "metrics", "inter_token_latency_ms", "successful", "mean"], "x".into(), "`inter_token_latency_ms.successful.mean` is \"x\", not a number")]
    #[case("aiperf.json", &["request_count"], Value::Null, "`request_count.avg` is missing")]
    #[case("guidellm.json", &["benchmarks"], Value::Array(vec![]), "`benchmarks` has no benchmark")]
    #[case("guidellm.json", &["benchmarks"], Value::Array(vec![1.into()]), "`benchmarks[0].metrics` is missing")]
    fn what_is_wrong_is_named(
        #[case] name: &str,
        #[case] path: &[&str],
        #[case] value: Value,
        #[case] told: &str,
    ) {
        let mut document = Value::Object(document(name));
        let at = path
            .iter()
            .fold(&mut document, |value, key| match key.parse::<usize>() {
                Ok(place) => &mut value[place],
                Err(_) => &mut value[*key],
            });
        *at = value;
        let wrong = reading(name, document).unwrap_err();
        assert_eq!(wrong, [told]);
    }

    #[test]
    fn others_are_no_result_of_these() {
        for text in ["{}", "{\"benchmarks\": {}}", "{\"a\": 1}"] {
            assert_eq!(
                Reader::of(&serde_json::from_str(text).unwrap()),
                None,
                "{text}"
            );
        }
        let wrong = reading("a.json", serde_json::json!({"a": 1})).unwrap_err();
        assert!(
            wrong[0].starts_with("is not a known result format. goodput reads"),
            "{wrong:?}"
        );
    }
}
