//! Embeddings, scores and other answers without tokens.

use super::{
    chunk::truthy,
    json::{count, lenient},
    stream::Unread,
    whole::ReadWhole,
};
use crate::{
    clock::Nanos,
    record::{Reply, Usage},
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads one answer without tokens. It is a success if there is something in its `data` or, of
/// documents to rank, in its `results`.
#[derive(Debug)]
pub(in crate::backend) struct Pooled;

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    results: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Counts>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default, deserialize_with = "count")]
    prompt_tokens: Option<u64>,
    /// The only count that some servers send. Nothing is generated, so it is the same.
    #[serde(default, deserialize_with = "count")]
    total_tokens: Option<u64>,
}

impl ReadWhole for Pooled {
    fn read(&mut self, at: Nanos, json: &str, reply: &mut Reply) -> Result<(), Unread> {
        let answer: Answer<'_> = serde_json::from_str(json)?;
        if answer.error.as_ref().is_some_and(truthy) {
            return Err(Unread::Server);
        }
        let found = answer.data.or(answer.results);
        if !found.as_ref().is_some_and(truthy) {
            return Err(Unread::Lacks("data or results"));
        }
        reply.usage = answer.usage.map(|counts| Usage {
            prompt_tokens: counts.prompt_tokens.or(counts.total_tokens),
            completion_tokens: Some(0),
            ..Usage::default()
        });
        reply.done = true;
        reply.answered = Some(at);
        Ok(())
    }
}
