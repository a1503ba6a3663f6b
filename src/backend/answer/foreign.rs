//! Answers with status 200 whose body is not what was asked for.

use super::{
    error_body::{error_message, excerpt, html_page, is_html},
    json::value,
};
use crate::record::RequestError;
use serde_json::Value;

/// The error that names what came instead of `asked`.
pub(in crate::backend) fn foreign(body: &[u8], asked: &str) -> RequestError {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return RequestError::Truncated {
            message: "the body was empty".to_owned(),
        };
    }
    let what = match value(text) {
        Some(json) => {
            if let Some(message) = error_message(&json) {
                return RequestError::Server { message };
            }
            match json {
                Value::Object(_) => "a JSON object".to_owned(),
                Value::Array(_) => "a JSON array".to_owned(),
                _ => "a JSON value".to_owned(),
            }
        }
        None if is_html(text) => html_page(text),
        None if text.starts_with(['{', '[']) => "unreadable JSON".to_owned(),
        None if is_event_stream(body) => "an event stream".to_owned(),
        None => "plain text".to_owned(),
    };
    let start = excerpt(text.as_bytes());
    RequestError::Foreign {
        message: format!("{what} although {asked} was asked for: {start}"),
    }
}

/// Returns whether a body begins as event streams do.
pub(in crate::backend) fn is_event_stream(body: &[u8]) -> bool {
    let start = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let start = start.trim_ascii_start();
    let field = start
        .split(|byte| matches!(byte, b':' | b'\r' | b'\n'))
        .next();
    matches!(
        field,
        Some(b"data" | b"event" | b"id" | b"retry") if !start.is_empty()
    ) || start.starts_with(b":")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::html(
        "<html><title>Login</title></html>",
        "unreadable answer: HTML page: Login although a stream was asked for: \
         <html><title>Login</title></html>"
    )]
    #[case::object(
        r#"{"choices":[]}"#,
        r#"unreadable answer: a JSON object although a stream was asked for: {"choices":[]}"#
    )]
    #[case::array(
        "[1]",
        "unreadable answer: a JSON array although a stream was asked for: [1]"
    )]
    #[case::lines(
        "{\"a\":1}\n{\"a\":2}",
        "unreadable answer: unreadable JSON although a stream was asked for: {\"a\":1} {\"a\":2}"
    )]
    #[case::text(
        "OK",
        "unreadable answer: plain text although a stream was asked for: OK"
    )]
    #[case::error(r#"{"error":{"message":"busy"}}"#, "error event in the stream: busy")]
    #[case::empty(" \n", "the stream ended early: the body was empty")]
    fn what_came(#[case] body: &str, #[case] expected: &str) {
        assert_eq!(foreign(body.as_bytes(), "a stream").to_string(), expected);
    }

    #[rstest]
    #[case("data: x", true)]
    #[case(": ping", true)]
    #[case("\u{feff}\r\nevent: x", true)]
    #[case("data", true)]
    #[case("database: x", false)]
    #[case("", false)]
    #[case("{\"data\":1}", false)]
    fn event_streams(#[case] body: &str, #[case] expected: bool) {
        assert_eq!(is_event_stream(body.as_bytes()), expected);
    }
}
