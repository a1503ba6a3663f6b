//! Redaction: masks keys, passwords and tokens, which only this process and its server may see. All texts
//! from outside, and all displayed settings, pass through here before they reach a file, a screen or
//! another process.
//!
//! There are two ways, because neither is enough. [`text`] masks what *looks* like a credential, by the
//! name next to it or by its form. And the credentials that this process *knows*, because it sends them or
//! its environment contains them, are masked everywhere, even where a server repeats them.

mod known;
mod mask;
mod name;
mod shape;

use serde::{Serialize, Serializer, ser::Error as _};
use std::{
    fmt,
    ops::{Deref, DerefMut},
};

pub(crate) use known::{learn, learn_header};
use known::{masked_known, masked_known_word};
pub(crate) use mask::MASK;

/// A setting whose debug text and JSON show no credential.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Hidden<T>(T);

impl<T> Deref for Hidden<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Hidden<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(&format!("{:?}", self.0)))
    }
}

impl<T: Serialize> Serialize for Hidden<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shown = serde_json::to_value(&self.0).map_err(S::Error::custom)?;
        json(&mut shown);
        shown.serialize(serializer)
    }
}

/// Masks credentials in a text: known ones, and what looks like one.
pub(crate) fn text(text: &str) -> String {
    masked_known_word(&shape::masked(&masked_known(text), &mut |_| {}))
}

/// Address of a URL or path: without query and fragment, whose names may be anything, and without
/// credentials.
pub(crate) fn place(url: &str) -> String {
    let shown = match url.strip_prefix("//") {
        // Has the scheme of the address that it is relative to.
        Some(rest) => text(&format!("http://{rest}")).replacen("http:", "", 1),
        None => text(url),
    };
    let end = shown.find(['?', '#']).unwrap_or(shown.len());
    shown[..end].to_owned()
}

/// Masks credentials in a user's setting, and learns them, so that they are masked where a server repeats
/// them.
pub(crate) fn own(text: &str) -> String {
    // All credentials are learned first: what looks like a part of a URL may be the end of a known one.
    shape::masked(text, &mut |found| learn(found));
    self::text(text)
}

/// Masks credentials in the value of a user's setting, as [`own`] does: all of the value, if the setting's
/// name says that it is a credential.
pub(crate) fn named(name: &str, value: &str) -> String {
    if name::is_secret(name) {
        learn(value);
        MASK.to_owned()
    } else {
        own(value)
    }
}

/// Learns the credentials among the words of a command line, whatever their form.
pub(crate) fn learn_words(words: &[String]) {
    let flag = |word: &str| word.starts_with('-') && name::is_secret(word);
    for (at, word) in words.iter().enumerate() {
        match word.split_once('=') {
            Some((name, value)) => drop(named(name, value)),
            None if flag(word) => {
                let value = words.get(at + 1).filter(|next| !next.starts_with("--"));
                learn(value.map_or("", String::as_str));
            }
            None => drop(own(word)),
        }
    }
}

/// Masks known credentials only, in a text whose every letter counts, such as an answer.
pub(crate) fn answer(text: &mut String) {
    if let Some(masked) = known::replaced(text) {
        *text = masked;
    }
}

/// Learns the credentials in a field of JSON by their names.
pub(crate) fn learn_field(name: &str, value: &serde_json::Value) {
    json_secrets(name, value, &mut |found| learn(found));
}

/// Masks credentials in a JSON value: by their names, and in its texts as [`text`] does.
pub(crate) fn json(value: &mut serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::String(found) => *found = text(found),
        Value::Array(values) => values.iter_mut().for_each(json),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                if name::is_secret(name) && !value.is_null() && !value.is_boolean() {
                    *value = Value::from(MASK)
                } else {
                    json(value)
                }
            }
        }
        _ => {}
    }
}

fn json_secrets(name: &str, value: &serde_json::Value, found: &mut impl FnMut(&str)) {
    use serde_json::Value;
    match value {
        Value::String(text) if name::is_secret(name) => found(text),
        Value::Array(values) => values
            .iter()
            .for_each(|value| json_secrets(name, value, found)),
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| json_secrets(name, value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
