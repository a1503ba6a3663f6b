//! The messages of error answers.

use super::json::value;
use serde_json::Value;

/// The longest message kept from an answer's body, in bytes.
const MAX_MESSAGE: usize = 2048;

/// The longest excerpt in a message of ours, in characters.
const MAX_EXCERPT: usize = 200;

/// The message in the body of an error answer, up to 2 KiB.
///
/// Understands `{"error":{"message":…}}` (OpenAI, vLLM, llama.cpp), `{"error":"…"}`, `{"detail":…}` (FastAPI) and
/// `{"message":…}`; of an HTML page it keeps the title, and of anything else the text.
pub fn error_body(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    let message = match value(text) {
        Some(json) => error_message(&json).unwrap_or_else(|| json.to_string()),
        None if is_html(text) => html_page(text),
        None => text.to_owned(),
    };
    cut(message)
}

/// The message of an error in JSON, if it is one.
pub(in crate::backend) fn error_message(json: &Value) -> Option<String> {
    let said = |value: &Value| match value {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) => (!text.is_empty()).then(|| text.clone()),
        Value::Object(fields) => match fields.get("message") {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            _ => Some(value.to_string()),
        },
        other => Some(other.to_string()),
    };
    let from_error = || json.get("error").and_then(said);
    let from_detail = || match json.get("detail")? {
        Value::Array(mistakes) if !mistakes.is_empty() => {
            Some(mistakes.iter().map(mistake).collect::<Vec<_>>().join("; "))
        }
        detail => said(detail),
    };
    let from_message = || json.get("message").filter(|m| m.is_string()).and_then(said);
    from_error()
        .or_else(from_detail)
        .or_else(from_message)
        .map(cut)
}

/// One entry of FastAPI's list of validation errors: where, and what.
fn mistake(entry: &Value) -> String {
    let Some(what) = entry.get("msg").and_then(Value::as_str) else {
        return entry.to_string();
    };
    let place: Vec<String> = entry
        .get("loc")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|step| {
            step.as_str()
                .map_or_else(|| step.to_string(), str::to_owned)
        })
        .collect();
    if place.is_empty() {
        what.to_owned()
    } else {
        format!("{}: {what}", place.join("."))
    }
}

pub(in crate::backend) fn is_html(text: &str) -> bool {
    let start: String = text.trim_start().chars().take(256).collect();
    let start = start.to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with('<') && start.contains("<html")
}

/// "HTML page", with its title if it has one.
pub(in crate::backend) fn html_page(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|tag| {
        let start = tag + lower[tag..].find('>')? + 1;
        let end = start + lower[start..].find("</title")?;
        Some(text[start..end].trim())
    });
    match title {
        Some(title) if !title.is_empty() => format!("HTML page: {}", excerpt(title.as_bytes())),
        _ => "HTML page".to_owned(),
    }
}

/// The beginning of something, on one line.
pub(in crate::backend) fn excerpt(bytes: &[u8]) -> String {
    // A character has at most four bytes; a broken one becomes one character.
    let start = &bytes[..bytes.len().min(4 * (MAX_EXCERPT + 1))];
    let text = String::from_utf8_lossy(start);
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut excerpt: String = line.clone().take(MAX_EXCERPT).collect();
    if line.count() > MAX_EXCERPT {
        excerpt.pop();
        excerpt.push('…');
    }
    excerpt
}

fn cut(mut message: String) -> String {
    if message.len() > MAX_MESSAGE {
        let room = MAX_MESSAGE - '…'.len_utf8();
        let end = (0..=room)
            .rev()
            .find(|&at| message.is_char_boundary(at))
            .unwrap_or(0);
        message.truncate(end);
        message.push('…');
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::openai(
        r#"{"error":{"message":"no such model","type":"NotFoundError","code":404}}"#,
        "no such model"
    )]
    #[case::without_message(r#"{"error":{"code":500}}"#, r#"{"code":500}"#)]
    #[case::error_text(r#"{"error":"overloaded","error_type":"overloaded"}"#, "overloaded")]
    #[case::old_vllm(r#"{"object":"error","message":"too long","code":400}"#, "too long")]
    #[case::fastapi(r#"{"detail":"Not Found"}"#, "Not Found")]
    #[case::fastapi_list(
        r#"{"detail":[{"loc":["body","messages",0],"msg":"field required"},{"msg":"bad"}]}"#,
        "body.messages.0: field required; bad"
    )]
    #[case::other_json(r#"{ "status": "sad" }"#, r#"{"status":"sad"}"#)]
    #[case::html(
        "<html><head><TITLE>502 Bad\nGateway</TITLE></head></html>",
        "HTML page: 502 Bad Gateway"
    )]
    #[case::html_without_title("\n<!DOCTYPE html><p>x</p>", "HTML page")]
    #[case::text("  upstream connect error\n", "upstream connect error")]
    #[case::empty("", "")]
    fn messages(#[case] body: &str, #[case] expected: &str) {
        assert_eq!(error_body(body.as_bytes()), expected);
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        assert_eq!(error_body(b"a\xFFb"), "a\u{fffd}b");
    }

    #[rstest]
    #[case::ascii("x")]
    #[case::two_bytes("\u{e9}")]
    #[case::three_bytes("\u{20ac}")]
    #[case::four_bytes("\u{1f600}")]
    fn long_messages_are_cut_between_characters(
        #[case] unit: &str,
        #[values("", "a", "ab")] head: &str,
    ) {
        let long = format!("{head}{}", unit.repeat(4096));
        for body in [
            long.clone(),
            format!(r#"{{"error":{{"message":"{long}"}}}}"#),
        ] {
            let message = error_body(body.as_bytes());
            assert!(message.len() <= MAX_MESSAGE && message.len() > MAX_MESSAGE - 8);
            let kept = message.strip_suffix('…').expect("a mark of the cut");
            assert!(long.starts_with(kept));
        }
    }

    #[test]
    fn excerpts_are_short_and_on_one_line() {
        assert_eq!(excerpt(b"a\nb\tc"), "a b c");
        assert_eq!(
            excerpt("\u{e9}".repeat(200).as_bytes()),
            "\u{e9}".repeat(200)
        );
        let long = excerpt("\u{1f600}".repeat(1000).as_bytes());
        assert_eq!(long.chars().count(), 200);
        assert!(long.ends_with('…'));
    }
}
