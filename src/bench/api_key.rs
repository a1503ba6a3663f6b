//! The bearer token of requests.

use crate::error::{Error, Problem};
use reqwest::header::HeaderValue;

/// A token, or where it is found when a run begins.
#[derive(Debug, Clone)]
pub(super) enum ApiKey {
    /// As the header has it; no debug output shows it.
    Given(HeaderValue),
    /// The environment variable that holds it.
    Variable(String),
}

impl ApiKey {
    /// Reads `env:NAME` or a token; `None` if no header can hold it.
    pub(super) fn read(text: &str) -> Option<Self> {
        match text.strip_prefix("env:") {
            Some(name) => Some(ApiKey::Variable(name.to_owned())),
            None => bearer(text).map(ApiKey::Given),
        }
    }

    /// The value of `Authorization`.
    ///
    /// # Errors
    /// The variable is not set, or no header can hold it.
    pub(super) fn header(&self) -> Result<HeaderValue, Error> {
        let name = match self {
            ApiKey::Given(header) => return Ok(header.clone()),
            ApiKey::Variable(name) => name,
        };
        let problem = |message: String| {
            let value = format!("\"env:{name}\"");
            Error::Invalid(vec![Problem::new("api_key", value, message)])
        };
        let key = std::env::var(name).unwrap_or_default();
        if key.is_empty() {
            let message = format!("the environment variable {name} is not set. Set it");
            return Err(problem(message));
        }
        bearer(&key).ok_or_else(|| problem("has control characters. Remove them".to_owned()))
    }

    /// The key of the environment's `OPENAI_API_KEY`, if there is one.
    pub(super) fn usual() -> Option<Self> {
        let name = "OPENAI_API_KEY";
        let key = std::env::var(name).unwrap_or_default();
        (!key.is_empty()).then(|| ApiKey::Variable(name.to_owned()))
    }
}

fn bearer(key: &str) -> Option<HeaderValue> {
    super::secret(&format!("Bearer {key}"))
}
