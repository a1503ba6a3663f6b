//! `vllm-pooling`: what a pooling model of vLLM gives, whatever that is.

use super::{Backend, Decode, WireOptions, answer, body::Body, openai_embeddings::input};
use crate::{
    plan::{PlannedRequest, Shape},
    record::Task,
};
use bytes::Bytes;

/// vLLM's `/pooling`.
///
/// The body's keys are `model`, `truncate_prompt_tokens` (−1: to the model's length), `input`, in this
/// order.
#[derive(Debug, Clone, Copy)]
pub struct VllmPooling;

impl Backend for VllmPooling {
    fn name(&self) -> &'static str {
        "vllm-pooling"
    }

    fn task(&self) -> Task {
        Task::Pool
    }

    fn takes_priority(&self) -> bool {
        true
    }

    fn endpoint(&self, _stream: bool) -> &'static str {
        "/pooling"
    }

    fn takes(&self, shape: Shape) -> bool {
        matches!(shape, Shape::Text | Shape::Tokens | Shape::Batch)
    }

    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Option<Bytes> {
        let mut body = Body::new(options);
        body.set("truncate_prompt_tokens", -1);
        body.set("input", input(&request.prompt)?);
        Some(body.extend(options))
    }

    fn decoder(&self, _stream: bool) -> Box<dyn Decode> {
        answer::pooled()
    }
}
