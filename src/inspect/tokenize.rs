//! The server's own tokenizer, by `/tokenize` and `/detokenize`. vLLM, SGLang and llama.cpp have different
//! forms of both.

use super::{
    inspector::Inspector,
    question::{How, Question, Unanswered},
};
use reqwest::header::HeaderMap;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::time::Duration;

/// A long prompt takes a server a while, especially with other requests before it.
const TOKENIZE_TIMEOUT: Duration = Duration::from_secs(10);

/// Limit for an answer about an empty text, in bytes.
const SHORTEST_LIMIT: usize = 64 << 10;

/// Limit for an answer, in bytes per byte of the text: at worst each byte is a token, with its number and
/// perhaps its text.
const BYTES_PER_BYTE: usize = 32;

/// Limit for any answer, in bytes.
const LONGEST_ANSWER: usize = 64 << 20;

/// Tokenizer of a model on a server.
#[derive(Clone, Copy)]
pub(crate) struct ServerTokenizer<'a> {
    inspector: &'a Inspector,
    headers: &'a HeaderMap,
    model: &'a str,
    form: Form,
}

/// Form of the body that `/tokenize` expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// vLLM and SGLang: `prompt`.
    Prompt,
    /// llama.cpp: `content`. Without it, llama.cpp finds no tokens.
    Content,
}

/// Why the server does not tokenize.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Untold {
    /// The server does not accept connections.
    #[error("the server does not answer")]
    Unreachable,
    /// The server does not answer.
    #[error("{0}")]
    Silent(String),
    /// The server has no tokenizer, or one with an unknown interface.
    #[error("{0}")]
    Refused(String),
}

impl<'a> ServerTokenizer<'a> {
    /// Finds out which form the server expects, by this text.
    pub(crate) async fn find(
        inspector: &'a Inspector,
        headers: &'a HeaderMap,
        model: &'a str,
        text: &str,
    ) -> Result<Self, Untold> {
        let with = |form| ServerTokenizer {
            inspector,
            headers,
            model,
            form,
        };
        for form in [Form::Prompt, Form::Content] {
            if !with(form).tokens(text, false).await?.is_empty() {
                return Ok(with(form));
            }
        }
        Err(Untold::Refused("/tokenize returns no tokens".to_owned()))
    }

    /// Tokens of a text, without those that the server puts around prompts.
    pub(crate) async fn encode(&self, text: &str) -> Result<Vec<u32>, Untold> {
        self.tokens(text, false).await
    }

    /// Number of tokens that the server puts around a prompt like this one.
    pub(crate) async fn special_tokens_to_add(&self, text: &str) -> Result<u64, Untold> {
        let (bare, all) = tokio::try_join!(self.tokens(text, false), self.tokens(text, true))?;
        Ok((all.len() as u64).saturating_sub(bare.len() as u64))
    }

    async fn tokens(&self, text: &str, add_special: bool) -> Result<Vec<u32>, Untold> {
        #[derive(Deserialize)]
        struct Answer {
            tokens: Vec<u32>,
        }
        let body = match self.form {
            Form::Prompt => {
                json!({"model": self.model, "prompt": text, "add_special_tokens": add_special})
            }
            Form::Content => json!({"content": text, "add_special": add_special}),
        };
        let answer: Answer = self.ask("/tokenize", &body, text.len()).await?;
        Ok(answer.tokens)
    }

    /// Text of these tokens.
    pub(crate) async fn decode(&self, tokens: &[u32]) -> Result<String, Untold> {
        /// vLLM calls it `prompt`, SGLang `text`, llama.cpp `content`.
        #[derive(Deserialize)]
        struct Answer {
            prompt: Option<String>,
            text: Option<String>,
            content: Option<String>,
        }
        let body = json!({"model": self.model, "tokens": tokens});
        let answer: Answer = self.ask("/detokenize", &body, 16 * tokens.len()).await?;
        let text = answer.prompt.or(answer.text).or(answer.content);
        text.ok_or_else(|| Untold::Refused("/detokenize returns no text".to_owned()))
    }

    /// `size` is that of the question: an answer that is far longer has another content.
    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
        size: usize,
    ) -> Result<T, Untold> {
        let question = Question {
            how: How::Json(body),
            most: (SHORTEST_LIMIT + size.saturating_mul(BYTES_PER_BYTE)).min(LONGEST_ANSWER),
            within: TOKENIZE_TIMEOUT,
            again: true,
            ..Question::get(path, self.headers)
        };
        let answer = self.inspector.ask(&question).await?;
        Ok(answer.json()?)
    }
}

impl From<Unanswered> for Untold {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::Unreachable { .. } => Untold::Unreachable,
            Unanswered::Silent { .. } => Untold::Silent(why.to_string()),
            other => Untold::Refused(other.to_string()),
        }
    }
}
