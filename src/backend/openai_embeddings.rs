//! `openai-embeddings` and its relatives: vectors of texts, of chats, and of pictures.

use super::{
    Backend, Decode, WireOptions, answer,
    body::Body,
    parts::{MediaPosition, messages, user},
};
use crate::{
    plan::{PlannedRequest, Prompt, Shape},
    record::Task,
};
use bytes::Bytes;
use serde_json::Value;

/// OpenAI's embeddings, as vLLM's benchmark client sends them.
///
/// The body's keys are `model`, `input` or `messages`, `truncate_prompt_tokens` (−1: to the model's length), in this
/// order.
#[derive(Debug, Clone, Copy)]
pub struct OpenAiEmbeddings {
    name: &'static str,
    prompts: Prompts,
}

/// The form of prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prompts {
    /// Texts.
    Input,
    /// A chat.
    Chat,
    /// A text or a picture. With a picture the text is empty.
    Clip,
    /// The picture first, and an instruction.
    Vlm2Vec,
}

impl OpenAiEmbeddings {
    /// Embeddings of texts: `openai-embeddings`.
    pub const TEXTS: Self = OpenAiEmbeddings {
        name: "openai-embeddings",
        prompts: Prompts::Input,
    };
    /// Embeddings of chats: `openai-embeddings-chat`.
    pub const CHAT: Self = OpenAiEmbeddings {
        name: "openai-embeddings-chat",
        prompts: Prompts::Chat,
    };
    /// Embeddings of a text or a picture, for CLIP: `openai-embeddings-clip`.
    pub const CLIP: Self = OpenAiEmbeddings {
        name: "openai-embeddings-clip",
        prompts: Prompts::Clip,
    };
    /// Embeddings of pictures with an instruction, for VLM2Vec: `openai-embeddings-vlm2vec`.
    pub const VLM2VEC: Self = OpenAiEmbeddings {
        name: "openai-embeddings-vlm2vec",
        prompts: Prompts::Vlm2Vec,
    };

    fn messages(self, request: &PlannedRequest) -> Option<Value> {
        match (self.prompts, &request.prompt) {
            (Prompts::Clip, Prompt::Media { media, .. }) if !media.is_empty() => {
                Some(user("", media, MediaPosition::Last))
            }
            (Prompts::Vlm2Vec, Prompt::Media { text, media }) if !media.is_empty() => {
                let text = instruction(&request.id, text);
                Some(user(&text, media, MediaPosition::First))
            }
            (_, prompt) => messages(prompt, MediaPosition::Last),
        }
    }
}

/// The instruction: every other picture is represented by itself, the others with their text.
fn instruction(id: &str, text: &str) -> String {
    let digits = id.len() - id.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let number: Option<u64> = id[id.len() - digits..].parse().ok();
    match number {
        Some(number) if number % 2 == 1 => {
            format!("Represent the given image with the following question: {text}")
        }
        _ => "Represent the given image.".to_owned(),
    }
}

impl Backend for OpenAiEmbeddings {
    fn name(&self) -> &'static str {
        self.name
    }

    fn task(&self) -> Task {
        Task::Pool
    }

    fn takes_priority(&self) -> bool {
        true
    }

    fn endpoint(&self, _stream: bool) -> &'static str {
        "/v1/embeddings"
    }

    fn takes(&self, shape: Shape) -> bool {
        match (self.prompts, shape) {
            (_, Shape::Text) => true,
            (Prompts::Input, shape) => matches!(shape, Shape::Tokens | Shape::Batch),
            (_, shape) => matches!(shape, Shape::Messages | Shape::Media(_)),
        }
    }

    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Option<Bytes> {
        let mut body = Body::new(options);
        match self.prompts {
            Prompts::Input => body.set("input", input(&request.prompt)?),
            _ => body.set("messages", self.messages(request)?),
        }
        body.set("truncate_prompt_tokens", -1);
        Some(body.extend(options))
    }

    fn decoder(&self, _stream: bool) -> Box<dyn Decode> {
        answer::pooled()
    }
}

/// One text, several, or token ids.
pub(super) fn input(prompt: &Prompt) -> Option<Value> {
    Some(match prompt {
        Prompt::Text(text) => text.as_str().into(),
        Prompt::Tokens(ids) => ids.clone().into(),
        Prompt::Batch(texts) => texts.clone().into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::even("bench-4", "Represent the given image.")]
    #[case::odd(
        "bench-15",
        "Represent the given image with the following question: Why?"
    )]
    #[case::no_number("bench-", "Represent the given image.")]
    fn instructions_alternate(#[case] id: &str, #[case] expected: &str) {
        assert_eq!(instruction(id, "Why?"), expected);
    }
}
