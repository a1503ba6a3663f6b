//! `vllm-rerank`: documents in the order in which they answer a query.

use super::{Backend, Decode, WireOptions, answer, body::Body};
use crate::{
    plan::{PlannedRequest, Prompt, Shape},
    record::Task,
};
use bytes::Bytes;

/// vLLM's `/rerank`, which is Jina's and Cohere's.
///
/// The body's keys are `model`, `query`, `documents`, `truncate_prompt_tokens` (−1: to the model's
/// length), in this order, and `extra_body`, which vLLM's own client forgets here.
#[derive(Debug, Clone, Copy)]
pub struct VllmRerank;

impl Backend for VllmRerank {
    fn name(&self) -> &'static str {
        "vllm-rerank"
    }

    fn task(&self) -> Task {
        Task::Pool
    }

    fn takes_priority(&self) -> bool {
        true
    }

    fn endpoint(&self, _stream: bool) -> &'static str {
        "/rerank"
    }

    fn takes(&self, shape: Shape) -> bool {
        shape == Shape::Rerank
    }

    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Option<Bytes> {
        let Prompt::Rerank { query, documents } = &request.prompt else {
            return None;
        };
        let mut body = Body::new(options);
        body.set("query", query.as_str());
        body.set("documents", documents.clone());
        body.set("truncate_prompt_tokens", -1);
        Some(body.extend(options))
    }

    fn decoder(&self, _stream: bool) -> Box<dyn Decode> {
        answer::pooled()
    }
}
