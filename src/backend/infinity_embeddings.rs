//! `infinity-embeddings` and `infinity-embeddings-clip`: the Infinity server's vectors.

use super::{Backend, Decode, WireOptions, answer, body::Body};
use crate::{
    plan::{PlannedRequest, Prompt, Shape},
    record::Task,
};
use bytes::Bytes;
use serde_json::Value;

/// Infinity's embeddings, as vLLM's benchmark client sends them.
///
/// The body's keys are `model`, `input` and, for a picture, film or sound, `modality`, in this order; `input` is then
/// its URL. A request has either a text or one such part: `infinity-embeddings` refuses both together, with `-clip`
/// the text is left out.
#[derive(Debug, Clone, Copy)]
pub struct InfinityEmbeddings {
    clip: bool,
}

impl InfinityEmbeddings {
    /// The backend `infinity-embeddings`.
    pub const PLAIN: Self = InfinityEmbeddings { clip: false };
    /// The backend `infinity-embeddings-clip`.
    pub const CLIP: Self = InfinityEmbeddings { clip: true };
}

impl Backend for InfinityEmbeddings {
    fn name(&self) -> &'static str {
        if self.clip {
            "infinity-embeddings-clip"
        } else {
            "infinity-embeddings"
        }
    }

    fn task(&self) -> Task {
        Task::Pool
    }

    fn endpoint(&self, _stream: bool) -> &'static str {
        "/embeddings"
    }

    fn takes(&self, shape: Shape) -> bool {
        matches!(shape, Shape::Text | Shape::Batch | Shape::Media(_))
    }

    fn refuses(&self, prompt: &Prompt) -> Option<&'static str> {
        match prompt {
            Prompt::Media { media, .. } if media.len() > 1 => {
                Some("takes one picture, film or sound a request. Send no more")
            }
            Prompt::Media { text, media }
                if !self.clip && !text.is_empty() && !media.is_empty() =>
            {
                Some(
                    "takes a text or a picture, not both. Use `infinity-embeddings-clip`, which \
                     leaves the text out, or `openai-embeddings-chat`",
                )
            }
            _ => None,
        }
    }

    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Option<Bytes> {
        if self.refuses(&request.prompt).is_some() {
            return None;
        }
        let mut body = Body::new(options);
        match &request.prompt {
            Prompt::Text(text) => body.set("input", text.as_str()),
            Prompt::Batch(texts) => body.set("input", texts.clone()),
            Prompt::Media { text, media } => match media.first() {
                None => body.set("input", text.as_str()),
                Some(part) => {
                    body.set("input", Value::from(part.source.url()));
                    body.set("modality", part.kind.name());
                }
            },
            _ => return None,
        }
        Some(body.extend(options))
    }

    fn decoder(&self, _stream: bool) -> Box<dyn Decode> {
        answer::pooled()
    }
}
