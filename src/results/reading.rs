//! Contents of a result file, whatever tool wrote it.

use crate::report::Facts;
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
#[derive(Debug)]
pub(super) struct Own {
    pub(super) facts: Facts,
    /// The whole document.
    pub(super) whole: Value,
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
