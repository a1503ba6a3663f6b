//! How requests are read and answers are worded: one file a dialect.
//!
//! A dialect reads the body of a request into an [`ParsedRequest`], which carries the [`Form`] of the answer. An
//! [`Answer`] brings form and facts together.

mod answer;
mod audio;
mod chat;
mod choices;
mod completions;
mod facts;
mod form;
pub(super) mod json;
mod llama;
mod messages;
mod ollama;
mod openai;
mod parsed;
mod pooling;
mod responses;
mod settings;
mod sglang;
mod structured;
mod template;
mod tgi;
mod triton;
mod words;

pub(crate) use answer::Answer;
pub(crate) use facts::UsageEvents;
#[cfg(feature = "wiremock")]
pub(crate) use form::EVENT_STREAM;
pub(crate) use form::Form;
pub(crate) use parsed::{Input, MAX_MODEL_LEN, ParsedRequest, TokenizeBody};
pub(crate) use words::WORDS;
#[cfg(feature = "wiremock")]
pub(crate) use {chat::Chat, completions::Completions};

use super::refusal::Refusal;
use bytes::Bytes;
use serde_json::Value;

/// The endpoints that cost the model work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// OpenAI, `/v1/chat/completions`
    Chat,
    /// OpenAI, `/v1/completions`
    Completions,
    /// OpenAI, `/v1/responses`
    Responses,
    /// Anthropic, `/v1/messages`
    Messages,
    /// TGI and SGLang, `/generate`
    Generate,
    /// TGI, `/generate_stream`
    GenerateStream,
    /// llama.cpp, `/completion`
    Llama,
    /// Ollama, `/api/chat`
    OllamaChat,
    /// Ollama, `/api/generate`
    OllamaGenerate,
    /// `/v1/embeddings`, and Infinity's `/embeddings`
    Embeddings,
    /// `/rerank`, of Jina and Cohere
    Rerank,
    /// vLLM, `/score`
    Score,
    /// vLLM, `/pooling`
    Pooling,
    /// vLLM, `/classify`
    Classify,
    /// OpenAI, `/v1/audio/transcriptions`
    Transcribe,
    /// OpenAI, `/v1/audio/translations`
    Translate,
    /// Triton before TensorRT-LLM, `/v2/models/ensemble/generate`
    Triton,
    /// Triton before TensorRT-LLM, `/v2/models/ensemble/generate_stream`
    TritonStream,
}

impl Dialect {
    /// The dialect at a path.
    pub(crate) fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/v1/chat/completions" => Dialect::Chat,
            "/v1/completions" => Dialect::Completions,
            "/v1/responses" => Dialect::Responses,
            "/v1/messages" => Dialect::Messages,
            "/generate" => Dialect::Generate,
            "/generate_stream" => Dialect::GenerateStream,
            "/completion" | "/completions" => Dialect::Llama,
            "/api/chat" => Dialect::OllamaChat,
            "/api/generate" => Dialect::OllamaGenerate,
            "/v1/embeddings" | "/embeddings" => Dialect::Embeddings,
            "/rerank" | "/v1/rerank" | "/v2/rerank" => Dialect::Rerank,
            "/score" | "/v1/score" => Dialect::Score,
            "/pooling" => Dialect::Pooling,
            "/classify" => Dialect::Classify,
            "/v1/audio/transcriptions" => Dialect::Transcribe,
            "/v1/audio/translations" => Dialect::Translate,
            "/v2/models/ensemble/generate" => Dialect::Triton,
            "/v2/models/ensemble/generate_stream" => Dialect::TritonStream,
            _ => return None,
        })
    }

    /// Reads a request body. It refuses what vLLM refuses, and ignores what else does not matter to a simulation.
    pub(crate) fn read(self, body: &[u8]) -> Result<ParsedRequest, Refusal> {
        let asked = match self {
            Dialect::Chat => chat::read(body),
            Dialect::Completions => completions::read(body),
            Dialect::Responses => responses::read(body),
            Dialect::Messages => messages::read(body),
            Dialect::Generate if sglang::is_meant(body) => sglang::read(body),
            Dialect::Generate => tgi::read(body, false),
            Dialect::GenerateStream => tgi::read(body, true),
            Dialect::Llama => llama::read(body),
            Dialect::OllamaChat => ollama::read_chat(body),
            Dialect::OllamaGenerate => ollama::read_generate(body),
            Dialect::Embeddings => pooling::read_embeddings(body),
            Dialect::Rerank => pooling::read_rerank(body),
            Dialect::Score => pooling::read_score(body),
            Dialect::Pooling => pooling::read_pooling(body),
            Dialect::Classify => pooling::read_classify(body),
            Dialect::Transcribe => audio::read(body, audio::Work::Transcribe),
            Dialect::Translate => audio::read(body, audio::Work::Translate),
            Dialect::Triton => triton::read(body, false),
            Dialect::TritonStream => triton::read(body, true),
        };
        asked.map_err(|refusal| refusal.with_items(|| json::items(body)))
    }
}

/// An event of one `data` line.
fn data(json: &Value) -> Bytes {
    Bytes::from(format!("data: {json}\n\n"))
}

/// An event with a name.
fn named(name: &str, json: &Value) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {json}\n\n"))
}
