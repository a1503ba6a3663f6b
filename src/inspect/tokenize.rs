//! The server's own tokenizer, by `/tokenize` and `/detokenize`, which vLLM, SGLang and llama.cpp have in
//! forms of their own.

use super::{Inspector, root_cause};
use reqwest::header::HeaderMap;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

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
        let answer: Answer = self.ask("/tokenize", &body).await?;
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
        let answer: Answer = self.ask("/detokenize", &body).await?;
        let text = answer.prompt.or(answer.text).or(answer.content);
        text.ok_or_else(|| Untold::Refused("/detokenize gives no text".to_owned()))
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
