//! The server's own tokenizer, by `/tokenize` and `/detokenize`, which vLLM, SGLang and llama.cpp have in
//! forms of their own.

use super::{
    inspector::Inspector,
    question::{How, Question, Unanswered},
};
use reqwest::header::HeaderMap;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::time::Duration;

/// A long prompt takes a server a while, with others before it.
const TOKENIZE_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of an answer about a text of no length.
const SHORTEST_LIMIT: usize = 64 << 10;

/// Bytes of an answer for each byte of a text, which is a token at worst and told by its number, and perhaps
/// its text.
const BYTES_PER_BYTE: usize = 32;

/// Bytes of any answer.
const LONGEST_ANSWER: usize = 64 << 20;

/// The tokenizer of a model that a server has.
#[derive(Clone, Copy)]
pub(crate) struct ServerTokenizer<'a> {
    inspector: &'a Inspector,
    headers: &'a HeaderMap,
    model: &'a str,
    form: Form,
}

/// What `/tokenize` wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// vLLM and SGLang: `prompt`.
    Prompt,
    /// llama.cpp: `content`. A body without it has no tokens there.
    Content,
}

/// Why it does not tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Untold {
    /// Nobody is there.
    #[error("nobody answers")]
    Unreachable,
    /// Somebody is there and says nothing.
    #[error("{0}")]
    Silent(String),
    /// The server has no such thing, or another form of it.
    #[error("{0}")]
    Refused(String),
}

impl<'a> ServerTokenizer<'a> {
    /// Finds out by this text what form the server wants.
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
        Err(Untold::Refused("/tokenize finds no tokens".to_owned()))
    }

    /// The tokens of a text, without those that the server puts around prompts.
    pub(crate) async fn encode(&self, text: &str) -> Result<Vec<u32>, Untold> {
        self.tokens(text, false).await
    }

    /// How many tokens the server puts around a prompt such as this one.
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

    /// The text of these tokens.
    pub(crate) async fn decode(&self, tokens: &[u32]) -> Result<String, Untold> {
        /// vLLM says `prompt`, SGLang `text`, llama.cpp `content`.
        #[derive(Deserialize)]
        struct Answer {
            prompt: Option<String>,
            text: Option<String>,
            content: Option<String>,
        }
        let body = json!({"model": self.model, "tokens": tokens});
        let answer: Answer = self.ask("/detokenize", &body, 16 * tokens.len()).await?;
        let text = answer.prompt.or(answer.text).or(answer.content);
        text.ok_or_else(|| Untold::Refused("/detokenize gives no text".to_owned()))
    }

    /// `size` is that of what is asked about: an answer that is far longer tells something else.
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
