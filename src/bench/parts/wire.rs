//! How requests are worded and who they are from.

use super::written::{any_text, backend, headers};
use crate::{
    backend::{Backend, by_name},
    bench::api_key::ApiKey,
    grammar::structured::StructuredOutput,
    redact::Hidden,
    tokenizer::TokenizerSpec,
};
use reqwest::header::HeaderMap;
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;

/// How requests are worded and who they are from.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Wire {
    #[serde(serialize_with = "backend")]
    pub(crate) backend: Option<Arc<dyn Backend>>,
    pub(crate) endpoint: Hidden<Option<String>>,
    #[serde(serialize_with = "any_text")]
    pub(crate) model: Option<String>,
    #[serde(serialize_with = "any_text")]
    pub(crate) tokenizer: Option<TokenizerSpec>,
    pub(crate) stream: bool,
    pub(crate) ignore_eos: Option<bool>,
    #[serde(serialize_with = "any_text")]
    pub(crate) structured_output: Option<StructuredOutput>,
    pub(crate) structured_output_ratio: f64,
    pub(crate) logprobs: Option<u64>,
    pub(crate) extra_body: Hidden<Map<String, Value>>,
    #[serde(serialize_with = "headers")]
    pub(crate) headers: HeaderMap,
    pub(in crate::bench) api_key: Option<ApiKey>,
}

impl Default for Wire {
    fn default() -> Self {
        Wire {
            backend: by_name("openai"),
            endpoint: Hidden::default(),
            model: None,
            tokenizer: None,
            stream: true,
            ignore_eos: None,
            structured_output: None,
            structured_output_ratio: 1.0,
            logprobs: None,
            extra_body: Hidden::default(),
            headers: HeaderMap::new(),
            api_key: None,
        }
    }
}
