//! Other tools' results under vLLM's keys.
//!
//! One file a tool. Each says of every metric that it takes whether it means something else there, of every
//! other metric that it knows why it is left out; what is in neither list is not understood, and that is said
//! too.

mod aiperf;
mod guidellm;
mod mapping;
mod sglang;

use super::{Origin, Reading, Wrong};
use mapping::Mapping;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a result of another tool is, besides its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Imported {
    pub(super) tool: String,
    pub(super) version: String,
    /// What its numbers mean that is not what goodput's mean.
    #[serde(default)]
    pub(super) remarks: Vec<Remark>,
    /// Metrics that have no place here.
    #[serde(default)]
    pub(super) left_out: Vec<Remark>,
    /// Names that nobody here knows.
    #[serde(default)]
    pub(super) not_understood: Vec<String>,
}

/// Something about a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Remark {
    pub(super) on: String,
    pub(super) text: String,
}

/// Who reads a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Sglang,
    Guidellm,
    Aiperf,
}

impl Reader {
    /// By the document's shape.
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
                    .map(|(index, mapped)| match several {
                        true => finished(&format!("{place}, benchmark {}", index + 1), mapped),
                        false => finished(place, mapped),
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
    use super::super::{read, text};
    use rstest::rstest;
    use std::path::Path;

    /// Each beside what its tool printed of the run is in `fixtures/peers`.
    #[rstest]
    #[case("sglang.jsonl")]
    #[case("sglang-oai.jsonl")]
    #[case("guidellm.json")]
    #[case("aiperf.json")]
    fn a_file_of_the_tool_itself(#[case] name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/peers");
        let readings = read(&folder.join(name)).unwrap();
        let text: Vec<String> = text(&readings)
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        insta::assert_snapshot!(name, text.join("\n"));
    }
}
