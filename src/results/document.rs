//! JSON documents of a file: a single one, or one per line.

use serde_json::Value;
use std::borrow::Cow;

/// A document and its line, if the file has one per line.
#[derive(Debug, PartialEq)]
pub(super) struct Document {
    pub(super) line: Option<usize>,
    pub(super) value: Value,
}

/// Documents of a text.
#[derive(Debug, PartialEq)]
pub(super) struct Documents {
    pub(super) documents: Vec<Document>,
    /// Lines that are not JSON, each with its place and error: their writers were killed.
    pub(super) torn: Vec<String>,
}

/// Parses the documents of a text. If there is one per line, some lines may be torn.
///
/// # Errors
/// The text is not JSON; the message names line and column.
pub(super) fn documents(text: &str) -> Result<Documents, String> {
    let whole = match parse(text) {
        Ok(value) => {
            return Ok(Documents {
                documents: vec![Document { line: None, value }],
                torn: Vec::new(),
            });
        }
        Err(e) => e,
    };
    let (mut documents, mut torn) = (Vec::new(), Vec::new());
    let lines = text.lines().enumerate();
    for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let number = index + 1;
        match parse(line) {
            // A line of a broken document may be JSON by itself, but not an object.
            Ok(value) if value.is_object() => documents.push(Document {
                line: Some(number),
                value,
            }),
            Ok(_) => torn.push(format!("is not a JSON object at line {number}")),
            Err(e) => {
                let column = e.column();
                let e = e.to_string();
                let what = e.split(" at line ").next().unwrap_or_default();
                torn.push(format!(
                    "is not JSON: {what} at line {number} column {column}"
                ));
            }
        }
    }
    if documents.is_empty() {
        Err(format!("is not JSON: {whole}"))
    } else {
        Ok(Documents { documents, torn })
    }
}

fn parse(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).or_else(|e| match quoted(text) {
        Cow::Owned(quoted) => serde_json::from_str(&quoted),
        Cow::Borrowed(_) => Err(e),
    })
}

/// Replaces Python's `Infinity` and `NaN`, which are not JSON, by the texts that vLLM writes for them.
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
        assert_eq!(read.torn, [""; 0]);
        let read: Vec<_> = read
            .documents
            .into_iter()
            .map(|d| (d.line, d.value))
            .collect();
        assert_eq!(read, expected);
    }

    #[rstest]
    #[case::empty("", "line 1 column 0")]
    #[case::no_json("hello", "line 1 column 1")]
    #[case::cut("{\"a\": 1,\n\"b\": [2", "line 2 column 7")]
    fn what_is_no_json_is_said_with_its_place(#[case] text: &str, #[case] place: &str) {
        let error = documents(text).unwrap_err();
        assert!(
            error.starts_with("is not JSON") && error.ends_with(place),
            "{error}"
        );
    }

    #[rstest]
    #[case::at_the_end("{\"a\": 1}\n{\"a\" 3}", "line 2 column 6")]
    #[case::before_others("{\"a\": \n{\"a\": 1}", "line 1 column 6")]
    #[case::in_a_character("{\"a\": 1}\n{\"a\": \"\u{fffd}", "line 2 column 10")]
    fn a_torn_line_does_not_hide_the_others(#[case] text: &str, #[case] place: &str) {
        let read = documents(text).unwrap();
        assert_eq!(read.documents.len(), 1);
        assert!(read.torn[0].ends_with(place), "{:?}", read.torn);
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
