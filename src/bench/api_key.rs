//! The key that requests carry.

use crate::{backend::Backend, error::Error, problem::Problem, redact};
use reqwest::header::HeaderValue;
use serde::{Serialize, Serializer};

/// A key, or the place where it is found when a run begins.
#[derive(Debug, Clone)]
pub(super) enum ApiKey {
    /// The key; no debug output shows it.
    Given(HeaderValue),
    /// The environment variable that holds it.
    Variable(String),
}

impl Serialize for ApiKey {
    /// Only where it is found.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            ApiKey::Given(_) => serializer.serialize_str(redact::MASK),
            ApiKey::Variable(name) => serializer.collect_str(&format_args!("env:{name}")),
        }
    }
}

impl ApiKey {
    /// Reads `env:NAME` or a key; `None` if no header can hold it.
    pub(super) fn read(text: &str) -> Option<Self> {
        match text.strip_prefix("env:") {
            Some(name) => Some(ApiKey::Variable(name.to_owned())),
            None => {
                redact::learn(text);
                secret(text).map(ApiKey::Given)
            }
        }
    }

    /// The header that carries it to this backend, and its value.
    ///
    /// # Errors
    /// The variable is not set, or no header can hold it.
    pub(super) fn header(
        &self,
        backend: &dyn Backend,
    ) -> Result<(&'static str, HeaderValue), Error> {
        let (field, key) = match self {
            ApiKey::Given(key) => ("***".to_owned(), key.to_str().ok().map(str::to_owned)),
            ApiKey::Variable(name) => (format!("\"env:{name}\""), std::env::var(name).ok()),
        };
        let problem =
            |message: String| Error::Invalid(vec![Problem::new("api_key", &field, message)]);
        let key = key.unwrap_or_default();
        if let (ApiKey::Variable(name), true) = (self, key.is_empty()) {
            let message = format!("the environment variable {name} is not set. Set it");
            return Err(problem(message));
        }
        let (name, value) = backend.key_header(&key);
        let value = secret(&value)
            .ok_or_else(|| problem("has control characters. Remove them".to_owned()))?;
        Ok((name, value))
    }

    /// The key in the environment's variable for this backend, if there is one.
    pub(super) fn usual(backend: &dyn Backend) -> Option<Self> {
        let name = backend.key_variable();
        let key = std::env::var(name).unwrap_or_default();
        (!key.is_empty()).then(|| ApiKey::Variable(name.to_owned()))
    }
}

/// A header value that no debug output shows.
pub(super) fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
