//! Settings of a bench that may be given as text or as values.

use crate::{
    backend::{self, Backend},
    client::Balance,
    grammar::{self, Mistake},
    judge::{Expect, OnInconclusive},
    setting::readable,
    tokenizer::TokenizerSpec,
};
use serde_json::{Map, Value};
use std::sync::Arc;

readable!(Balance, |text| Balance::parse(text).map_err(|m| vec![m]));
readable!(Expect, |text| Expect::parse(text).map_err(|m| vec![m]));
readable!(OnInconclusive, |text| OnInconclusive::parse(text)
    .map_err(|m| vec![m]));
readable!(TokenizerSpec, |text| Ok(TokenizerSpec::named(text)));
readable!(Arc<dyn Backend>, |text| backend::by_name(text).ok_or_else(
    || vec![Mistake::unknown("backend", text, grammar::names::BACKENDS)]
));
readable!(Map<String, Value>, |text| {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(vec![Mistake::new(
            "must be a JSON object, such as {\"temperature\": 0}",
        )]),
        Err(e) => Err(vec![Mistake::new(format!(
            "is not JSON ({e}). Write an object, such as {{\"temperature\": 0}}"
        ))]),
    }
});

/// One or several texts: header lines `Name: value`, or local addresses.
pub trait Texts {
    /// The lines.
    fn lines(self) -> Vec<String>;
}

impl Texts for &str {
    fn lines(self) -> Vec<String> {
        vec![self.to_owned()]
    }
}

impl Texts for String {
    fn lines(self) -> Vec<String> {
        vec![self]
    }
}

impl<S: AsRef<str>, const N: usize> Texts for [S; N] {
    fn lines(self) -> Vec<String> {
        self.iter().map(|line| line.as_ref().to_owned()).collect()
    }
}

impl<S: AsRef<str>> Texts for Vec<S> {
    fn lines(self) -> Vec<String> {
        self.iter().map(|line| line.as_ref().to_owned()).collect()
    }
}
