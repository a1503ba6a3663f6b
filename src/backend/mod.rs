//! Wire dialects: how a request is encoded and its answer decoded. One file each.

use crate::{
    clock::Nanos,
    plan::PlannedRequest,
    record::{Reply, RequestError},
};
use bytes::Bytes;
use serde_json::{Map, Value};

/// A wire dialect.
pub trait Backend: Send + Sync + std::fmt::Debug {
    /// Its name, such as `openai-chat`.
    fn name(&self) -> &'static str;

    /// The path requests go to unless the user sets one.
    fn endpoint(&self) -> &'static str;

    /// Whether prompts may be token ids.
    fn takes_token_ids(&self) -> bool;

    /// The request body.
    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Bytes;

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
pub trait Decode: Send {
    /// Takes bytes that arrived at `at`.
    fn data(&mut self, at: Nanos, bytes: &[u8], reply: &mut Reply) -> Result<(), RequestError>;

    /// The body is complete.
    fn end(&mut self, at: Nanos, reply: &mut Reply) -> Result<(), RequestError>;
}
