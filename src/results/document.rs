//! The JSON of a file: one document, or one a line.

use serde_json::Value;
use std::borrow::Cow;

/// A document and its line, where there is one a line.
#[derive(Debug, PartialEq)]
pub(super) struct Document {
    pub(super) line: Option<usize>,
    pub(super) value: Value,
}

/// The documents of a text.
///
/// # Errors
/// It is no JSON; the message names line and column.
pub(super) fn documents(text: &str) -> Result<Vec<Document>, String> {
    let whole = match parse(text) {
        Ok(value) => return Ok(vec![Document { line: None, value }]),
        Err(e) => e,
    };
    let lines = text.lines().enumerate();
    let mut lines = lines.filter(|(_, line)| !line.trim().is_empty()).peekable();
    let starts_with_one = |line: &str| parse(line).is_ok_and(|value| value.is_object());
    if !lines.peek().is_some_and(|(_, line)| starts_with_one(line)) {
        return Err(format!("is not JSON: {whole}"));
    }
    lines
        .map(|(index, line)| match parse(line) {
            Ok(value) => Ok(Document {
                line: Some(index + 1),
                value,
            }),
            Err(e) => {
                let (line, column) = (index + 1, e.column());
                let e = e.to_string();
                let what = e.split(" at line ").next().unwrap_or_default();
                Err(format!(
                    "is not JSON: {what} at line {line} column {column}"
                ))
            }
        })
        .collect()
}

fn parse(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).or_else(|e| match quoted(text) {
        Cow::Owned(quoted) => serde_json::from_str(&quoted),
        Cow::Borrowed(_) => Err(e),
    })
}

/// Python's `Infinity` and `NaN`, which are no JSON, as the texts that vLLM writes for them.
fn quoted(text: &str) -> Cow<'_, str> {
    const WORDS: [(&str, &str); 3] = [
        ("-Infinity", "\"-inf\""),
        ("Infinity", "\"inf\""),
        ("NaN", "\"nan\""),
    ];
    let mut out = String::new();
    let (mut kept, mut at, mut in_text) = (0, 0, false);
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'-' | b'I' | b'N' if !in_text => {
                let rest = &text[at..];
                if let Some((word, text_of_it)) = WORDS.iter().find(|(w, _)| rest.starts_with(w)) {
                    out.push_str(&text[kept..at]);
                    out.push_str(text_of_it);
                    kept = at + word.len();
                    at = kept - 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    match kept {
        0 => Cow::Borrowed(text),
        _ => Cow::Owned(out + &text[kept..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::one_over_lines("{\n \"a\": 1\n}\n", vec![(None, json!({"a": 1}))])]
    #[case::lines("{\"a\": 1}\n\n{\"a\": 2}\n", vec![(Some(1), json!({"a": 1})), (Some(3), json!({"a": 2}))])]
    #[case::a_single_line("{\"a\": 1}\n", vec![(None, json!({"a": 1}))])]
    #[case::python("{\"a\": -Infinity, \"b\": [NaN, Infinity], \"c\": \"NaN \\\" Infinity\"}", vec![(None, json!({"a": "-inf", "b": ["nan", "inf"], "c": "NaN \" Infinity"}))])]
    fn one_or_one_a_line(#[case] text: &str, #[case] expected: Vec<(Option<usize>, Value)>) {
        let read = documents(text).unwrap();
        let read: Vec<_> = read.into_iter().map(|d| (d.line, d.value)).collect();
        assert_eq!(read, expected);
    }

    #[rstest]
    #[case::empty("", "line 1 column 0")]
    #[case::no_json("hello", "line 1 column 1")]
    #[case::cut("{\"a\": 1,\n\"b\": [2", "line 2 column 7")]
    #[case::a_bad_line("{\"a\": 1}\n{\"a\": 2}\n{\"a\" 3}", "line 3 column 6")]
    fn what_is_no_json_is_said_with_its_place(#[case] text: &str, #[case] place: &str) {
        let error = documents(text).unwrap_err();
        assert!(
            error.starts_with("is not JSON") && error.ends_with(place),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "[\\[{}\\],:\"\\\\NaInfity0-9 é\n-]{0,40}") {
            let _ = documents(&text);
        }

        #[test]
        fn texts_stay_as_they_are(text in "(NaN|Infinity|\\\\|\"|é|-){0,8}") {
            let value = json!({ "a": text });
            prop_assert_eq!(parse(&value.to_string()).unwrap(), value.clone());
            let beside = value.to_string().replacen('{', "{\"b\": NaN, ", 1);
            prop_assert_eq!(&parse(&beside).unwrap()["a"], &value["a"]);
        }
    }
}
