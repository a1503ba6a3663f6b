//! Wire dialects: how a request is encoded and its answer decoded. One file each.
//!
//! A new dialect is a file here, with its `mod` and `use`, and a row of `with_backends!` in the grammar, which has
//! the names. The suite in `tests/conformance` then requires the answers of a server of its kind.

mod answer;
mod anthropic;
mod body;
mod deepspeed_mii;
mod infinity_embeddings;
mod llama_cpp;
mod multipart;
mod ollama;
mod openai_audio;
mod openai_chat;
mod openai_completions;
mod openai_embeddings;
mod openai_responses;
mod parts;
mod sglang;
mod structured;
mod tensorrt_llm;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tgi;
mod vllm_pooling;
mod vllm_rerank;

pub use answer::{error_body, sse};
pub use anthropic::Anthropic;
pub use deepspeed_mii::DeepSpeedMii;
pub use infinity_embeddings::InfinityEmbeddings;
pub use llama_cpp::LlamaCpp;
pub use ollama::Ollama;
pub use openai_audio::OpenAiAudio;
pub use openai_chat::OpenAiChat;
pub use openai_completions::OpenAiCompletions;
pub use openai_embeddings::OpenAiEmbeddings;
pub use openai_responses::OpenAiResponses;
pub use sglang::Sglang;
pub use tensorrt_llm::TensorRtLlm;
pub use tgi::Tgi;
pub use vllm_pooling::VllmPooling;
pub use vllm_rerank::VllmRerank;

use crate::{
    clock::Nanos,
    plan::{PlannedRequest, Prompt, Shape},
    record::{Reply, RequestError, Task},
    structure::Structure,
};
use bytes::Bytes;
#[cfg(test)]
use goodput_grammar::names::BACKENDS;
use serde_json::{Map, Value};
use std::{collections::BTreeSet, sync::Arc};

macro_rules! by_name {
    ($($name:literal => $backend:expr;)*) => {
        /// The backend of this name, one of [`BACKENDS`](goodput_grammar::names::BACKENDS).
        pub fn by_name(name: &str) -> Option<Arc<dyn Backend>> {
            Some(match name {
                $($name => Arc::new($backend),)*
                _ => return None,
            })
        }
    };
}
goodput_grammar::with_backends!(by_name);

/// A wire dialect.
pub trait Backend: Send + Sync + std::fmt::Debug {
    /// The backend's name, such as `openai-chat`.
    fn name(&self) -> &'static str;

    /// What a request produces. Default: generated tokens.
    fn task(&self) -> Task {
        Task::Generate
    }

    /// The path requests go to unless the user sets one.
    fn endpoint(&self, stream: bool) -> &'static str;

    /// Whether prompts may be of this kind.
    fn takes(&self, shape: Shape) -> bool;

    /// Why a prompt cannot be sent although its kinds can, as the end of a sentence that begins "the backend `x` ".
    /// Default: it can.
    fn refuses(&self, prompt: &Prompt) -> Option<&'static str> {
        let _ = prompt;
        None
    }

    /// Whether answers can be streamed. Default: those that generate.
    fn streams(&self) -> bool {
        self.task() == Task::Generate
    }

    /// Whether the server can be asked to go on after the end of text. Default: where it generates.
    fn ignores_eos(&self) -> bool {
        self.task() == Task::Generate
    }

    /// Whether bodies take OpenAI's sampling parameters, such as `temperature`, at their top level. Default: they
    /// do not.
    fn takes_sampling(&self) -> bool {
        false
    }

    /// Whether servers schedule by a field `priority` at the top of the body. Default: they do not.
    fn takes_priority(&self) -> bool {
        false
    }

    /// Whether bodies say the model. Default: they do.
    fn names_model(&self) -> bool {
        true
    }

    /// The fields of the body that ask for an answer of this structure; they are merged into it, objects into objects.
    /// `None` if the server's API has no way to ask. Default: it has none.
    fn structured(&self, structure: &Structure) -> Option<Map<String, Value>> {
        let _ = structure;
        None
    }

    /// Headers of every request besides `host` and the key's. Default: a content type of JSON.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("content-type", "application/json")]
    }

    /// The environment variable that has the key unless the user sets one. Default: `OPENAI_API_KEY`.
    fn key_variable(&self) -> &'static str {
        "OPENAI_API_KEY"
    }

    /// The header that carries a key. Default: `authorization: Bearer …`.
    fn key_header(&self, key: &str) -> (&'static str, String) {
        ("authorization", format!("Bearer {key}"))
    }

    /// The request body; `None` for a prompt that the backend does not take.
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
    /// Classes of a mix whose requests send it nevertheless.
    pub ignoring_classes: BTreeSet<String>,
    /// Completions: the number of log-probabilities to ask for.
    pub logprobs: Option<u64>,
    /// Fields that are merged into every body last; they may overwrite anything.
    pub extra_body: Map<String, Value>,
}

/// Decodes one 200 answer as its bytes arrive.
///
/// After an error the reply keeps what came before it; do not use the decoder again.
pub trait Decode: Send {
    /// Takes bytes that arrived at `at`.
    fn data(&mut self, at: Nanos, bytes: &[u8], reply: &mut Reply) -> Result<(), RequestError>;

    /// The number of bytes that it keeps until more come.
    fn held(&self) -> usize;

    /// Whether the answer said that it is complete. Default: it cannot before its body ends.
    fn said_end(&self, reply: &Reply) -> bool {
        let _ = reply;
        false
    }

    /// Ends the body.
    fn end(&mut self, at: Nanos, reply: &mut Reply) -> Result<(), RequestError>;
}
