//! Answers other than 200, in the words of vLLM and of the framework below it.

use hyper::StatusCode;
use serde_json::{Value, json};

/// Why a request is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    body: Value,
    /// Value of the `allow` header.
    pub(super) allow: Option<&'static str>,
    /// The fields that are missing, if nothing else is wrong.
    lacks: Vec<&'static str>,
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn body(&self) -> String {
        self.body.to_string()
    }

    /// Returns whether the form of the body is wrong.
    pub(super) fn is_of_types(&self) -> bool {
        self.body["error"]["type"] == "Bad Request"
    }

    /// No such path.
    pub(super) fn not_found() -> Self {
        Refusal::detail(StatusCode::NOT_FOUND, "Not Found", None)
    }

    /// The path wants another method.
    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Refusal::detail(status, "Method Not Allowed", Some(allow))
    }

    /// The body has another shape than expected.
    pub(super) fn json(error: &serde_json::Error) -> Self {
        Refusal::validation(
            "body",
            &[format!(
                "{{'type': 'invalid', 'loc': 'body', 'msg': '{error}'}}"
            )],
        )
    }

    /// Errors that pydantic finds, each as Python shows it, the first of them at this place.
    pub(super) fn validation(place: &str, details: &[String]) -> Self {
        let (count, errors) = match details.len() {
            1 => (1, "error"),
            count => (count, "errors"),
        };
        let message = format!("{count} validation {errors}:\n  {}", details.join("\n  "));
        let status = StatusCode::BAD_REQUEST;
        Refusal::error(status, "Bad Request", Some(place), message)
    }

    /// The body is empty.
    pub(super) fn missing_body() -> Self {
        let detail = "{'type': 'missing', 'loc': 'body', 'msg': 'Field required', 'input': 'None'}";
        Refusal::validation("body", &[detail.to_owned()])
    }

    /// A required field is missing.
    pub(super) fn missing(field: &'static str) -> Self {
        Refusal::missing_all(vec![field])
    }

    /// Required fields are missing.
    pub(super) fn missing_all(fields: Vec<&'static str>) -> Self {
        Refusal {
            lacks: fields.clone(),
            ..Refusal::lacking(&fields, 0)
        }
    }

    /// The same refusal, once the number of other keys is known.
    pub(super) fn with_items(self, items: impl FnOnce() -> usize) -> Self {
        if self.lacks.is_empty() {
            self
        } else {
            Refusal::lacking(&self.lacks, items())
        }
    }

    fn lacking(fields: &[&str], items: usize) -> Self {
        let detail = |field: &&str| {
            format!(
                "{{'type': 'missing', 'loc': 'body.{field}', 'msg': 'Field required', 'input': '<dict of \
                 {items} items>'}}"
            )
        };
        let details: Vec<String> = fields.iter().map(detail).collect();
        let place = format!("body.{}", fields.first().copied().unwrap_or_default());
        Refusal::validation(&place, &details)
    }

    /// A value that one of vLLM's own rules for the body refuses.
    pub(super) fn rule(field: &str, value: &str, message: &str) -> Self {
        let place = format!("body.{field}");
        let detail = format!(
            "{{'type': 'value_error', 'loc': '{place}', 'msg': 'Value error, {message}', 'input': '{value}', \
             'ctx': {{'error': ValueError('{message}')}}}}"
        );
        Refusal::validation(&place, &[detail])
    }

    /// A parameter that vLLM names together with the value that it has.
    pub(super) fn parameter(name: &str, message: &str, value: Option<&str>) -> Self {
        let value = value.map_or_else(String::new, |value| format!(", value={value}"));
        Refusal::bad_request(name, format!("{message} (parameter={name}{value})"))
    }

    /// A value that vLLM names in the sentence only.
    pub(super) fn value(message: &str) -> Self {
        let status = StatusCode::BAD_REQUEST;
        Refusal::error(status, "BadRequestError", None, message.to_owned())
    }

    /// A prompt with more tokens than the model can read.
    pub(super) fn too_many_tokens(limit: u64) -> Self {
        let (name, found) = ("input_tokens", limit + 1);
        let message = format!(
            "This model's maximum context length is {limit} tokens. However, your prompt contains at least \
             {found} input tokens, which exceeds this limit even without any output tokens. Please reduce \
             the length of the input prompt."
        );
        Refusal::parameter(name, &message, Some(&found.to_string()))
    }

    /// A field has a value that cannot be served.
    pub(super) fn bad_request(field: &str, message: impl Into<String>) -> Self {
        let status = StatusCode::BAD_REQUEST;
        Refusal::error(status, "BadRequestError", Some(field), message.into())
    }

    /// The server cannot serve anything.
    pub(super) fn internal(message: String) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Refusal::error(status, "InternalServerError", None, message)
    }

    /// Another model is served here.
    pub(super) fn unknown_model(asked: &str, served: &str) -> Self {
        let message = format!("The model `{asked}` does not exist. Valid aliases: {served}.");
        let status = StatusCode::NOT_FOUND;
        Refusal::error(status, "NotFoundError", Some("model"), message)
    }

    /// The body is longer than `limit` bytes.
    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("The request body is larger than {limit} bytes.");
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Refusal::error(status, "Payload Too Large", None, message)
    }

    /// The body ended before its time.
    pub(super) fn unreadable_body() -> Self {
        let message = "The request body could not be read.".to_owned();
        Refusal::error(StatusCode::BAD_REQUEST, "Bad Request", None, message)
    }

    fn detail(status: StatusCode, detail: &str, allow: Option<&'static str>) -> Self {
        Refusal {
            status,
            body: json!({ "detail": detail }),
            allow,
            lacks: Vec::new(),
        }
    }

    fn error(status: StatusCode, kind: &str, param: Option<&str>, message: String) -> Self {
        let code = status.as_u16();
        Refusal {
            status,
            body: json!({"error": {"message": message, "type": kind, "param": param, "code": code}}),
            allow: None,
            lacks: Vec::new(),
        }
    }
}
