//! Contents of a result file, whatever tool wrote it.

use crate::{
    judge::{
        Capacity, Comparison, Expect, Finding, FunctionCheck, Judgement, SloResult, Verdict,
        WorstRequest,
    },
    metrics::ErrorGroup,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// All problems of one result.
pub(super) type Wrong = Vec<String>;

/// One result of a file.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The file, and the place in it if it has several results.
    pub(super) place: String,
    /// The result under vLLM's keys, without lists that grow with requests.
    pub(super) values: Map<String, Value>,
    /// Number of failed requests, if the values do not have it.
    pub(super) failed: Option<u64>,
    /// Errors of the first failed requests.
    pub(super) first_errors: Vec<String>,
    pub(super) origin: Origin,
}

impl Reading {
    /// The file, and the place in it if it has several results.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// The result under vLLM's keys, without lists that grow with requests.
    pub(crate) fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// The key `goodput`, if goodput wrote the result.
    pub(crate) fn own(&self) -> Option<&Value> {
        match &self.origin {
            Origin::Goodput(own) => Some(&own.whole),
            Origin::Vllm | Origin::Other(_) => None,
        }
    }
}

/// Tool that wrote the result, with its other contents.
#[derive(Debug)]
pub(super) enum Origin {
    Goodput(Box<Own>),
    Vllm,
    Other(Box<Imported>),
}

/// Contents of the key `goodput`.
#[derive(Debug, Deserialize)]
pub(super) struct Own {
    #[serde(default)]
    pub(super) simulated: bool,
    pub(super) verdict: Verdict,
    pub(super) findings: Vec<Finding>,
    pub(super) slos: Vec<SloResult>,
    #[serde(default)]
    pub(super) error_groups: Vec<ErrorGroup>,
    #[serde(default)]
    pub(super) worst: Vec<WorstRequest>,
    #[serde(default)]
    pub(super) comparison: Option<Comparison>,
    #[serde(default)]
    pub(super) capacity: Option<Capacity>,
    #[serde(default)]
    pub(super) function: Option<FunctionCheck>,
    #[serde(default)]
    pub(super) expect: Expect,
    #[serde(default)]
    pub(super) first_errors: Vec<String>,
    /// Lines about the client and the server, each with its label.
    #[serde(default)]
    pub(super) client: Vec<(String, String)>,
    #[serde(default)]
    pub(super) requests: Requests,
    /// The whole document.
    #[serde(skip)]
    pub(super) whole: Value,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Requests {
    #[serde(default)]
    pub(super) completed: Option<u64>,
    #[serde(default)]
    pub(super) failed: Option<u64>,
}

impl Own {
    /// The stored judgement.
    pub(super) fn judgement(&self) -> Judgement {
        Judgement {
            verdict: self.verdict,
            findings: self.findings.clone(),
            slos: self.slos.clone(),
            errors: self.error_groups.clone(),
            worst: self.worst.clone(),
            comparison: self.comparison.clone(),
            capacity: self.capacity.clone(),
            function: self.function.clone(),
            expect: self.expect,
            completed: self.requests.completed.unwrap_or_default(),
            failed: self.requests.failed.unwrap_or_default(),
        }
    }
}

/// Facts about a result of another tool, besides its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Imported {
    pub(super) tool: String,
    pub(super) version: String,
    /// Numbers whose definition differs from goodput's.
    #[serde(default)]
    pub(super) remarks: Vec<Remark>,
    /// Metrics that are left out.
    #[serde(default)]
    pub(super) left_out: Vec<Remark>,
    /// Unknown names.
    #[serde(default)]
    pub(super) not_understood: Vec<String>,
}

/// A note about a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Remark {
    pub(super) on: String,
    pub(super) text: String,
}
