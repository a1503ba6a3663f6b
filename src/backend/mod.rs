//! Wire dialects: how a request is encoded and its answer decoded. One file each.

mod body;
mod chunk;
mod error_body;
#[cfg(test)]
mod fixtures;
mod foreign;
mod openai_chat;
mod openai_completions;
pub mod sse;
mod stream;
mod usage;
mod whole;

pub use error_body::error_body;
pub use openai_chat::OpenAiChat;
pub use openai_completions::OpenAiCompletions;

use crate::{
    clock::Nanos,
    plan::{PlannedRequest, Shape},
    record::{Reply, RequestError},
};
use bytes::Bytes;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The backend of this name, one of [`BACKENDS`](goodput_grammar::names::BACKENDS).
pub fn by_name(name: &str) -> Option<Arc<dyn Backend>> {
    match name {
        "openai" => Some(Arc::new(OpenAiCompletions::OPENAI)),
        "vllm" => Some(Arc::new(OpenAiCompletions::VLLM)),
        "openai-chat" => Some(Arc::new(OpenAiChat)),
        _ => None,
    }
}

/// A wire dialect.
pub trait Backend: Send + Sync + std::fmt::Debug {
    /// Its name, such as `openai-chat`.
    fn name(&self) -> &'static str;

    /// The path requests go to unless the user sets one.
    fn endpoint(&self) -> &'static str;

    /// Whether prompts may be of this kind.
    fn takes(&self, shape: Shape) -> bool;

    /// The request body; `None` for a prompt of a kind that the backend does not take.
    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Option<Bytes>;

    /// A decoder for one answer.
    fn decoder(&self, stream: bool) -> Box<dyn Decode>;
}

/// What a body needs besides the request itself.
#[derive(Debug, Clone, Default)]
pub struct WireOptions {
    /// Wire name of the model.
    pub model: String,
    /// Ask for a streamed answer.
    pub stream: bool,
    /// Send `ignore_eos: true`.
    pub ignore_eos: bool,
    /// Completions: the number of log-probabilities to ask for.
    pub logprobs: Option<u64>,
    /// Merged into every body last; may overwrite anything.
    pub extra_body: Map<String, Value>,
}

/// Decodes one 200 answer as its bytes arrive.
///
/// After an error the reply keeps what came before it, and the decoder is of no further use.
pub trait Decode: Send {
    /// Takes bytes that arrived at `at`.
    fn data(&mut self, at: Nanos, bytes: &[u8], reply: &mut Reply) -> Result<(), RequestError>;

    /// The body is complete.
    fn end(&mut self, at: Nanos, reply: &mut Reply) -> Result<(), RequestError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use goodput_grammar::names::BACKENDS;

    #[test]
    fn every_backend_name_finds_its_backend() {
        for name in BACKENDS {
            assert_eq!(by_name(name).map(|backend| backend.name()), Some(*name));
        }
        assert!(by_name("tgi").is_none());
    }
}
