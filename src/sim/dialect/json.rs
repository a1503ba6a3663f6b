//! Request bodies of JSON, and their errors in the words of Python's `json` and of pydantic, which vLLM passes on.

use crate::{repr::repr, sim::refusal::Refusal};
use serde::Deserialize;
use serde_json::Value;

/// Reads a body.
pub(in crate::sim) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| refusal(body, &error))
}

fn refusal(body: &[u8], error: &serde_json::Error) -> Refusal {
    let text = String::from_utf8_lossy(body);
    if text.is_empty() {
        return Refusal::missing_body();
    }
    if let Err((place, what)) = scan(&text) {
        let place = text[..place].chars().count();
        let detail = format!(
            "{{'type': 'json_invalid', 'loc': 'body.{place}', 'msg': 'JSON decode error', 'input': \
             '<dict of 0 items>', 'ctx': {{'error': {}}}}}",
            repr(what)
        );
        return Refusal::validation(&format!("body.{place}"), &[detail]);
    }
    match serde_json::from_str::<Value>(&text) {
        Ok(Value::Null) => Refusal::missing_body(),
        Ok(Value::Object(_)) | Err(_) => Refusal::json(error),
        Ok(other) => Refusal::validation(
            "body",
            &[format!(
                "{{'type': 'model_attributes_type', 'loc': 'body', 'msg': 'Input should be a valid \
                 dictionary or object to extract fields from', 'input': {}}}",
                input(&other)
            )],
        ),
    }
}

/// The number of keys in the object of a body.
pub(in crate::sim) fn items(body: &[u8]) -> usize {
    let object: Result<serde_json::Map<String, Value>, _> = serde_json::from_slice(body);
    object.map_or(0, |object| object.len())
}

/// A value as vLLM quotes its input.
pub(super) fn input(value: &Value) -> String {
    /// vLLM cuts texts to this number of characters.
    const LONGEST: usize = 200;
    let text = match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("<list of {} items>", items.len()),
        Value::Object(fields) => format!("<dict of {} items>", fields.len()),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => repr(&format!("{}...[truncated]", &text[..end])),
        None => repr(&text),
    }
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    /// Or the end of the list that has just begun.
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    Nothing,
}

const DELIMITER: &str = "Expecting ',' delimiter";
const VALUE: &str = "Expecting value";
const KEY: &str = "Expecting property name enclosed in double quotes";

/// Where Python's `json` stops, in bytes, and what it says.
type Mistake = (usize, &'static str);

/// Reads on to the end as Python's `json` does.
fn scan(text: &str) -> Result<(), Mistake> {
    let bytes = text.as_bytes();
    let mut open: Vec<u8> = Vec::new();
    let (mut at, mut next) = (0, Next::Value);
    loop {
        while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            at += 1;
        }
        let closes = |open: &[u8], bracket| {
            let opened = if bracket == b'}' { b'{' } else { b'[' };
            open.last() == Some(&opened)
        };
        (at, next) = match (next, bytes.get(at).copied()) {
            (Next::Nothing, None) => return Ok(()),
            (Next::Nothing, Some(_)) => return Err((at, "Extra data")),
            (Next::Key | Next::KeyOrEnd, Some(b'"')) => (string(bytes, at)?, Next::Colon),
            (
                Next::KeyOrEnd | Next::ValueOrEnd | Next::CommaOrEnd,
                Some(bracket @ (b'}' | b']')),
            ) if closes(&open, bracket) => {
                open.pop();
                (at + 1, behind(&open))
            }
            (Next::Key | Next::KeyOrEnd, _) => return Err((at, KEY)),
            (Next::Colon, Some(b':')) => (at + 1, Next::Value),
            (Next::Colon, _) => return Err((at, "Expecting ':' delimiter")),
            (Next::CommaOrEnd, Some(b',')) if open.last() == Some(&b'{') => (at + 1, Next::Key),
            (Next::CommaOrEnd, Some(b',')) => (at + 1, Next::Value),
            (Next::CommaOrEnd, _) => return Err((at, DELIMITER)),
            (Next::Value | Next::ValueOrEnd, Some(b'{')) => {
                open.push(b'{');
                (at + 1, Next::KeyOrEnd)
            }
            (Next::Value | Next::ValueOrEnd, Some(b'[')) => {
                open.push(b'[');
                (at + 1, Next::ValueOrEnd)
            }
            (Next::Value | Next::ValueOrEnd, Some(b'"')) => (string(bytes, at)?, behind(&open)),
            (Next::Value | Next::ValueOrEnd, _) => (word(bytes, at)?, behind(&open)),
        };
    }
}

/// What may follow a value inside of these brackets.
fn behind(open: &[u8]) -> Next {
    if open.is_empty() {
        Next::Nothing
    } else {
        Next::CommaOrEnd
    }
}

/// The end of a string that begins here.
fn string(bytes: &[u8], start: usize) -> Result<usize, Mistake> {
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            None => return Err((start, "Unterminated string starting at")),
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => match bytes.get(at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at += 2,
                Some(b'u') => {
                    let digits = bytes.get(at + 2..at + 6);
                    if digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                        at += 6
                    } else {
                        return Err((at + 1, "Invalid \\uXXXX escape"));
                    }
                }
                Some(_) => return Err((at, "Invalid \\escape")),
                None => return Err((start, "Unterminated string starting at")),
            },
            Some(..=0x1F) => return Err((at, "Invalid control character at")),
            Some(_) => at += 1,
        }
    }
}

/// The end of a number or a word that begins here.
fn word(bytes: &[u8], at: usize) -> Result<usize, Mistake> {
    const WORDS: [&[u8]; 6] = [
        b"true",
        b"false",
        b"null",
        b"NaN",
        b"Infinity",
        b"-Infinity",
    ];
    let rest = &bytes[at..];
    if let Some(word) = WORDS.iter().find(|word| rest.starts_with(word)) {
        return Ok(at + word.len());
    }
    let digits = |from: usize| {
        let digits = rest
            .iter()
            .skip(from)
            .take_while(|byte| byte.is_ascii_digit());
        from + digits.count()
    };
    let sign = usize::from(rest.first() == Some(&b'-'));
    let mut end = match rest.get(sign) {
        // Nothing else belongs to a zero.
        Some(b'0') => sign + 1,
        Some(b'1'..=b'9') => digits(sign),
        _ => return Err((at, VALUE)),
    };
    if rest.get(end) == Some(&b'.') && digits(end + 1) > end + 1 {
        end = digits(end + 1);
    }
    if let Some(b'e' | b'E') = rest.get(end) {
        let sign = usize::from(matches!(rest.get(end + 1), Some(b'+' | b'-')));
        if digits(end + 1 + sign) > end + 1 + sign {
            end = digits(end + 1 + sign);
        }
    }
    Ok(at + end)
}
