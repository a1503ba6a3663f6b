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
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn body(&self) -> String {
        self.body.to_string()
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

    /// The body is not JSON, or not of the right shape.
    pub(super) fn json(error: &serde_json::Error) -> Self {
        let kind = if error.is_data() {
            "invalid"
        } else {
            "json_invalid"
        };
        let message = format!("1 validation error:\n  {{'type': '{kind}', 'msg': '{error}'}}");
        Refusal::error(
            StatusCode::BAD_REQUEST,
            "Bad Request",
            Some("body"),
            message,
        )
    }

    /// A field that must be there is not.
    pub(super) fn missing(field: &str) -> Self {
        let message = format!(
            "1 validation error:\n  {{'type': 'missing', 'loc': ('body', '{field}'), 'msg': 'Field required'}}"
        );
        Refusal::error(StatusCode::BAD_REQUEST, "Bad Request", Some(field), message)
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
        }
    }

    fn error(status: StatusCode, kind: &str, param: Option<&str>, message: String) -> Self {
        let code = status.as_u16();
        Refusal {
            status,
            body: json!({"error": {"message": message, "type": kind, "param": param, "code": code}}),
            allow: None,
        }
    }
}
