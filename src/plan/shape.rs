//! Shapes: the kinds of prompts that backends accept or refuse.

use super::{MediaKind, Prompt};

/// Kind of a prompt, for the question which backends accept it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shape {
    /// Text.
    Text,
    /// Token ids.
    Tokens,
    /// Ready chat messages.
    Messages,
    /// Media of this kind.
    Media(MediaKind),
    /// A recording to transcribe or translate.
    Audio,
    /// Several texts in one request.
    Batch,
    /// Documents to rank.
    Rerank,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Shape; 9] = [
        Shape::Text,
        Shape::Tokens,
        Shape::Messages,
        Shape::Media(MediaKind::Image),
        Shape::Media(MediaKind::Video),
        Shape::Media(MediaKind::Audio),
        Shape::Audio,
        Shape::Batch,
        Shape::Rerank,
    ];

    /// Name for messages: `text`, `token ids`, `chat messages`, …
    pub fn name(self) -> &'static str {
        match self {
            Shape::Text => "text",
            Shape::Tokens => "token ids",
            Shape::Messages => "chat messages",
            Shape::Media(MediaKind::Image) => "images",
            Shape::Media(MediaKind::Video) => "videos",
            Shape::Media(MediaKind::Audio) => "sound in chats",
            Shape::Audio => "recordings to transcribe",
            Shape::Batch => "batches of texts",
            Shape::Rerank => "documents to rank",
        }
    }
}

impl Prompt {
    /// Shapes of the prompt: one, or those of its parts.
    pub fn shapes(&self) -> impl Iterator<Item = Shape> + '_ {
        let (shape, media) = match self {
            Prompt::Text(_) => (Some(Shape::Text), &[][..]),
            Prompt::Tokens(_) => (Some(Shape::Tokens), &[][..]),
            Prompt::Messages(_) => (Some(Shape::Messages), &[][..]),
            Prompt::Media { media, .. } => (media.is_empty().then_some(Shape::Text), &media[..]),
            Prompt::Audio(_) => (Some(Shape::Audio), &[][..]),
            Prompt::Batch(_) => (Some(Shape::Batch), &[][..]),
            Prompt::Rerank { .. } => (Some(Shape::Rerank), &[][..]),
        };
        let parts = media.iter().map(|part| Shape::Media(part.kind));
        shape.into_iter().chain(parts)
    }

    /// Inputs that the server handles for the prompt: the texts of a batch, the documents to rank, else 1.
    pub fn inputs(&self) -> u64 {
        match self {
            Prompt::Batch(texts) => texts.len() as u64,
            Prompt::Rerank { documents, .. } => documents.len() as u64,
            _ => 1,
        }
    }

    /// Duration of the recording to transcribe, in seconds; 0 without one.
    pub fn audio_seconds(&self) -> f64 {
        match self {
            Prompt::Audio(audio) => audio.seconds,
            _ => 0.0,
        }
    }
}
