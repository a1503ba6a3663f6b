//! Whether a text is a JSON object, for the compiler to say.
//!
//! The library reads JSON with `serde_json`. This check only keeps a slip of the pen from waiting
//! for the first run: `serde_json` inside the macro would cost every user seconds of build time.

use crate::Mistake;

/// As deep as `serde_json` reads.
const DEEPEST: usize = 127;

/// Checks that a text is one JSON object.
///
/// # Errors
/// Anything else, with the place.
pub fn check_object(text: &str) -> Result<(), Mistake> {
    let mut cursor = Cursor { text, at: 0 };
    cursor.skip_space();
    if cursor.peek() != Some(b'{') {
        return Err(Mistake::new(format!(
            "`{}` is not a JSON object; write such as `{{\"temperature\": 0}}`",
            text.trim()
        )));
    }
    cursor.value(0)?;
    cursor.skip_space();
    match cursor.peek() {
        None => Ok(()),
        Some(_) => Err(cursor.expected("the end")),
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expected(&self, what: &str) -> Mistake {
        let rest: String = self
            .text
            .get(self.at..)
            .unwrap_or_default()
            .chars()
            .take(12)
            .collect();
        let place = if rest.is_empty() {
            "the end".to_owned()
        } else {
            format!("`{rest}`")
        };
        Mistake::new(format!("not JSON: expected {what} at {place}"))
    }

    fn value(&mut self, depth: usize) -> Result<(), Mistake> {
        self.skip_space();
        match self.peek() {
            Some(b'{' | b'[') if depth == DEEPEST => Err(self.expected("less depth")),
            Some(b'{') => self.list(b'}', |cursor| {
                cursor.skip_space();
                cursor.string("a key in double quotes")?;
                cursor.skip_space();
                if !cursor.take(b':') {
                    return Err(cursor.expected("`:`"));
                }
                cursor.value(depth + 1)
            }),
            Some(b'[') => self.list(b']', |cursor| cursor.value(depth + 1)),
            Some(b'"') => self.string("a string"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                let rest = &self.text[self.at..];
                let word = ["true", "false", "null"]
                    .into_iter()
                    .find(|word| rest.starts_with(word))
                    .ok_or_else(|| self.expected("a value"))?;
                self.at += word.len();
                Ok(())
            }
        }
    }

    fn list(
        &mut self,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Result<(), Mistake>,
    ) -> Result<(), Mistake> {
        self.at += 1;
        self.skip_space();
        if self.take(close) {
            return Ok(());
        }
        loop {
            item(self)?;
            self.skip_space();
            if self.take(close) {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(self.expected(&format!("`,` or `{}`", char::from(close))));
            }
        }
    }

    fn string(&mut self, what: &str) -> Result<(), Mistake> {
        if !self.take(b'"') {
            return Err(self.expected(what));
        }
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(0x20..) => self.at += 1,
                _ => return Err(self.expected("a closing `\"`")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Mistake> {
        let start = self.at;
        self.at += 2;
        let known = match self.text.as_bytes().get(start + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
            Some(b'u') => match self.code_unit() {
                Some(0xD800..=0xDBFF) => {
                    self.take(b'\\')
                        && self.take(b'u')
                        && matches!(self.code_unit(), Some(0xDC00..=0xDFFF))
                }
                Some(0xDC00..=0xDFFF) | None => false,
                Some(_) => true,
            },
            _ => false,
        };
        if !known {
            self.at = start;
            return Err(self.expected("a JSON escape"));
        }
        Ok(())
    }

    fn code_unit(&mut self) -> Option<u16> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        // `from_str_radix` would take a sign.
        let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain
            .then(|| u16::from_str_radix(digits, 16).ok())
            .flatten()
    }

    fn number(&mut self) -> Result<(), Mistake> {
        let _ = self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Mistake> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.expected("a digit"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::Value;

    #[rstest]
    #[case(
        "{temperature: 0}",
        "not JSON: expected a key in double quotes at `temperature:`"
    )]
    #[case(r#"{"a": }"#, "not JSON: expected a value at `}`")]
    #[case(r#"{"a": 1,}"#, "not JSON: expected a key in double quotes at `}`")]
    #[case(r#"{"a" 1}"#, "not JSON: expected `:` at `1}`")]
    #[case(r#"{"a": 1"#, "not JSON: expected `,` or `}` at the end")]
    #[case(r#"{"a": [1 2]}"#, "not JSON: expected `,` or `]` at `2]}`")]
    #[case(r#"{"a": 1} x"#, "not JSON: expected the end at `x`")]
    #[case(r#"{"a": "\x"}"#, "not JSON: expected a JSON escape at `\\x\"}`")]
    #[case(
        "[1]",
        "`[1]` is not a JSON object; write such as `{\"temperature\": 0}`"
    )]
    fn refuses(#[case] text: &str, #[case] said: &str) {
        assert_eq!(check_object(text).unwrap_err().to_string(), said);
    }

    fn agrees(text: &str) -> Result<(), TestCaseError> {
        let truth = serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object());
        prop_assert_eq!(check_object(text).is_ok(), truth, "{}", text);
        Ok(())
    }

    #[rstest]
    #[case(126)]
    #[case(127)]
    #[case(128)]
    fn depth_is_that_of_serde_json(#[case] depth: usize) {
        let text = format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        agrees(&text).unwrap();
    }

    /// Objects that are JSON, before a character is changed.
    fn any_object() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        let value = leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((any::<String>(), inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        });
        value.prop_map(|value| format!("{{\"k\": {value:#}}}"))
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(text in any_object(), at: prop::sample::Index, new in "[{}\\[\\]\",:0-9eE.+\\\\u-]?") {
            agrees(&text)?;
            let place = at.index(text.len());
            if text.is_char_boundary(place) && text.is_char_boundary(place + 1) {
                let mut changed = text.clone();
                changed.replace_range(place..place + 1, &new);
                // Numbers too large for an `f64` are JSON, but not for `serde_json`.
                let large = serde_json::from_str::<Value>(&changed)
                    .is_err_and(|e| e.to_string().starts_with("number out of range"));
                prop_assume!(!large);
                agrees(&changed)?;
            }
        }

        #[test]
        fn agrees_on_escapes(units in proptest::collection::vec("\\\\u[dD][89bcCF][0-9]{2}|\\\\u00e9|\\\\[bn/x]", 0..4)) {
            agrees(&format!("{{\"k\": \"{}\"}}", units.concat()))?;
        }
    }
}
