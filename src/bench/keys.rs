//! Keys as a suite file has them: by name and with a value whose kind is only known when it is read.
//!
//! The match below is made from the grammar's one list of keys, which the attribute reads too. A new key needs a line
//! there and a method of [`Bench`]; nothing here, unless its kind is new.

use super::Bench;
use crate::grammar::{Mistake, names::Key};
use serde_json::Value;

/// Sets a key to a value as JSON and TOML have it. Problems that the value's grammar finds go to `bench.problems`, as
/// with the method itself.
///
/// # Errors
/// The value is of another kind than the key takes.
pub(crate) fn set(bench: Bench, key: &'static Key, value: &Value) -> Result<Bench, Mistake> {
    let read = Read { key, value };
    macro_rules! setters {
        ($($name:ident: $kind:ident = $example:literal, $doc:literal;)*) => {
            match key.name {
                $(stringify!($name) => setters!(@set $name $kind),)*
                _ => bench,
            }
        };
        // The suite handles `ignore`.
        (@set $name:ident Reason) => { bench };
        (@set $name:ident Tolerance) => { return Err(Mistake::new(concat!(
            "`", stringify!($name), "` works in Rust only: a snapshot lies next to its test. \
             Remove it"
        ))) };
        (@set $name:ident Path) => { return Err(Mistake::new(concat!(
            "`", stringify!($name), "` works in Rust only. Remove it"
        ))) };
        (@set $name:ident $kind:ident) => { bench.$name(read.$kind()?) };
    }
    Ok(goodput_grammar::with_keys!(setters))
}

/// A value about to be read; one method for each kind of key, named like it.
#[derive(Clone, Copy)]
struct Read<'a> {
    key: &'static Key,
    value: &'a Value,
}

#[allow(non_snake_case, reason = "the names of the kinds")]
impl Read<'_> {
    fn wrong(self, expected: &str) -> Mistake {
        let found = match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a flag",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "a table",
        };
        Mistake::new(format!(
            "expected {expected}, found {found}; write such as `{} = {}`",
            self.key.name,
            plain_example(self.key)
        ))
    }

    fn Text(self) -> Result<String, Mistake> {
        match self.value {
            Value::String(text) => Ok(text.clone()),
            // A table is the shorter way to write an object of JSON.
            Value::Object(map) if self.key.name == "extra_body" => {
                Ok(Value::Object(map.clone()).to_string())
            }
            _ => Err(self.wrong("a string")),
        }
    }

    fn Any(self) -> Result<String, Mistake> {
        self.Text()
    }

    fn Texts(self) -> Result<Vec<String>, Mistake> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match self.value {
            Value::Array(values) => values.iter().map(text).collect(),
            value => text(value).map(|text| vec![text]),
        }
        .ok_or_else(|| self.wrong("a string or an array of strings"))
    }

    fn Named(self) -> Result<String, Mistake> {
        match self.value {
            Value::Bool(true) => Ok("main".to_owned()),
            Value::String(name) => Ok(name.clone()),
            _ => Err(self.wrong("a name, or `true` for `main`")),
        }
    }

    fn Number(self) -> Result<f64, Mistake> {
        match self.value {
            Value::String(text) if text == "inf" => Ok(f64::INFINITY),
            value => value
                .as_f64()
                .ok_or_else(|| self.wrong("a number or `\"inf\"`")),
        }
    }

    fn Fraction(self) -> Result<f64, Mistake> {
        self.Share()
    }

    fn Ratio(self) -> Result<f64, Mistake> {
        self.Share()
    }

    fn Share(self) -> Result<f64, Mistake> {
        self.value.as_f64().ok_or_else(|| self.wrong("a number"))
    }

    fn Whole<T: TryFrom<u64>>(self) -> Result<T, Mistake> {
        let whole = self.value.as_u64().and_then(|n| T::try_from(n).ok());
        whole.ok_or_else(|| self.wrong("a whole number of at least 0"))
    }

    fn Positive<T: TryFrom<u64>>(self) -> Result<T, Mistake> {
        let positive = self.value.as_u64().filter(|n| *n > 0);
        let positive = positive.and_then(|n| T::try_from(n).ok());
        positive.ok_or_else(|| self.wrong("a whole number of at least 1"))
    }

    fn Flag(self) -> Result<bool, Mistake> {
        self.value
            .as_bool()
            .ok_or_else(|| self.wrong("`true` or `false`"))
    }

    fn Span(self) -> Result<String, Mistake> {
        match self.value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Err(Mistake::new(format!(
                "`{number}` has no unit; write `{} = \"{number}s\"`",
                self.key.name
            ))),
            _ => Err(self.wrong("a span of time in quotes")),
        }
    }
}

/// A key's example as a file writes it: without Rust's raw strings.
pub(crate) fn plain_example(key: &Key) -> String {
    match key.example.strip_prefix("r#\"") {
        Some(rest) => format!("'{}'", rest.trim_end_matches("\"#")),
        None => key.example.to_owned(),
    }
}
