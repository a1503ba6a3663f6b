//! What a result file holds, whoever wrote it.

use crate::{
    judge::{
        Comparison, Expect, Finding, FunctionCheck, Judgement, SloResult, Verdict, WorstRequest,
    },
    metrics::ErrorGroup,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Everything wrong with one result.
pub(super) type Wrong = Vec<String>;

/// One result of a file.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The file, and where in it, if it has several results.
    pub(super) place: String,
    /// The result under vLLM's keys, without lists that grow with requests.
    pub(super) values: Map<String, Value>,
    /// How many requests failed, where the values do not say.
    pub(super) failed: Option<u64>,
    /// How the first of them failed.
    pub(super) first_errors: Vec<String>,
    pub(super) origin: Origin,
}

/// Who wrote it, with what it holds besides.
#[derive(Debug)]
pub(super) enum Origin {
    Goodput(Box<Own>),
    Vllm,
    Other(Box<Imported>),
}

/// What the key `goodput` says of the run.
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
    /// All of it, as it was read.
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
    /// The judgement as it was made.
    pub(super) fn judgement(&self) -> Judgement {
        Judgement {
            verdict: self.verdict,
            findings: self.findings.clone(),
            slos: self.slos.clone(),
            errors: self.error_groups.clone(),
            worst: self.worst.clone(),
            comparison: self.comparison.clone(),
            function: self.function.clone(),
            expect: self.expect,
            completed: self.requests.completed.unwrap_or_default(),
            failed: self.requests.failed.unwrap_or_default(),
        }
    }
}

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
