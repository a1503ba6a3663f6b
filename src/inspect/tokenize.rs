//! The server's own tokenizer, by `/tokenize` and `/detokenize` as vLLM and SGLang have them.

use super::{Inspector, root_cause};
use reqwest::header::HeaderMap;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The tokenizer of a model that a server has.
#[derive(Clone, Copy)]
pub(crate) struct ServerTokenizer<'a> {
    pub(crate) inspector: &'a Inspector,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) model: &'a str,
}

/// Why it does not tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Untold {
    /// Nobody is there.
    #[error("nobody answers")]
    Unreachable,
    /// The server has no such thing, or another form of it.
    #[error("{0}")]
    Refused(String),
}

impl ServerTokenizer<'_> {
    /// The tokens of a text, without those that the server puts around prompts.
    pub(crate) async fn encode(&self, text: &str) -> Result<Vec<u32>, Untold> {
        #[derive(Deserialize)]
        struct Answer {
            tokens: Vec<u32>,
        }
        let body = json!({"model": self.model, "prompt": text, "add_special_tokens": false});
        let answer: Answer = self.ask("/tokenize", &body).await?;
        if answer.tokens.is_empty() && !text.is_empty() {
            // llama.cpp, which wants another form, finds nothing to count.
            return Err(Untold::Refused("/tokenize finds no tokens".to_owned()));
        }
        Ok(answer.tokens)
    }

    /// The text of these tokens.
    pub(crate) async fn decode(&self, tokens: &[u32]) -> Result<String, Untold> {
        #[derive(Deserialize)]
        struct Answer {
            prompt: String,
        }
        let body = json!({"model": self.model, "tokens": tokens});
        let answer: Answer = self.ask("/detokenize", &body).await?;
        Ok(answer.prompt)
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Untold> {
        let Inspector { base, client, .. } = self.inspector;
        let request = client.post(format!("{base}{path}")).json(body);
        let request = request.headers(self.headers.clone());
        let refused = |e: reqwest::Error| match e.is_connect() {
            true => Untold::Unreachable,
            false => Untold::Refused(format!("{path}: {}", root_cause(&e))),
        };
        let answer = request.send().await.map_err(refused)?;
        let status = answer.status();
        if !status.is_success() {
            return Err(Untold::Refused(format!("{path} answers {status}")));
        }
        answer.json().await.map_err(refused)
    }
}
