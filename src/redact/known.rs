//! Credentials that this process knows.

use super::{
    mask::MASK,
    name::{is_secret, is_secret_header},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use std::sync::{LazyLock, PoisonError, RwLock};

/// Shorter credentials are masked only as whole words, because they may be part of many words.
const LONG: usize = 8;

/// Shorter texts are not credentials.
const SHORTEST: usize = 4;

/// This many characters of a credential, at the end of a text that was cut, reveal it.
const BEGINNING: usize = 6;

/// Longest first, so that none is masked inside another.
static KNOWN: LazyLock<RwLock<Vec<String>>> = LazyLock::new(|| {
    let named = std::env::vars_os().filter_map(|(name, value)| {
        let is_one = is_secret(name.to_str()?);
        // Some variables name a file that contains the credential.
        let is_one = |value: &String| is_one && value.len() >= LONG && !value.starts_with('/');
        value.into_string().ok().filter(is_one)
    });
    let mut known: Vec<String> = named.flat_map(|value| forms(&value)).collect();
    sort(&mut known);
    RwLock::new(known)
});

/// Learns a credential of this process, which is masked everywhere from now on.
pub(crate) fn learn(secret: &str) {
    let secret = secret.trim();
    if secret.len() < SHORTEST || secret == MASK {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if !known.iter().any(|one| one == secret) {
        known.extend(forms(secret));
        sort(&mut known);
    }
}

/// Learns the credential in a header, if the header's name says that it has one.
pub(crate) fn learn_header(name: &str, value: &str) {
    if !is_secret_header(name) {
        return;
    }
    learn(value);
    let Some((scheme, rest)) = value.split_once(' ') else {
        return;
    };
    learn(rest);
    if scheme.eq_ignore_ascii_case("basic")
        && let Ok(decoded) = BASE64_STANDARD.decode(rest.trim())
        && let Ok(pair) = String::from_utf8(decoded)
    {
        learn(&pair);
        learn(pair.split_once(':').map_or("", |(_, password)| password));
    }
    for (_, value) in value.split(';').filter_map(|pair| pair.split_once('=')) {
        learn(value);
    }
}

/// Masks known credentials that are long enough to be unambiguous.
pub(super) fn masked_known(text: &str) -> String {
    replaced(text).unwrap_or_else(|| text.to_owned())
}

/// Masks known credentials; `None` if there are none.
pub(super) fn replaced(text: &str) -> Option<String> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let mut changed: Option<String> = None;
    for secret in known.iter().filter(|secret| secret.len() >= LONG) {
        let now = changed.as_deref().unwrap_or(text);
        if now.contains(secret.as_str()) {
            changed = Some(now.replace(secret.as_str(), MASK));
        }
        let now = changed.as_deref().unwrap_or(text);
        if let Some(start) = beginning_at_the_end(now, secret) {
            let rest = if now.ends_with('…') { "…" } else { "" };
            changed = Some(format!("{}{MASK}{rest}", &now[..start]));
        }
    }
    changed
}

/// Masks short known credentials that are whole words.
pub(super) fn masked_known_word(text: &str) -> String {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let mut text = text.to_owned();
    for secret in known.iter().filter(|secret| secret.len() < LONG) {
        let mut from = 0;
        while let Some(found) = text[from..].find(secret.as_str()) {
            let (start, end) = (from + found, from + found + secret.len());
            let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let inside =
                joins(text[..start].chars().next_back()) || joins(text[end..].chars().next());
            if inside {
                from = end;
            } else {
                text.replace_range(start..end, MASK);
                from = start + MASK.len();
            }
        }
    }
    text
}

/// Start of a credential at the end of a text that was cut.
fn beginning_at_the_end(text: &str, secret: &str) -> Option<usize> {
    let text = text.strip_suffix('…').unwrap_or(text);
    let longest = secret.len().min(text.len() + 1);
    let lengths = (BEGINNING..longest)
        .rev()
        .filter(|at| secret.is_char_boundary(*at));
    let mut lengths = lengths.filter(|at| text.ends_with(&secret[..*at]));
    lengths.next().map(|length| text.len() - length)
}

/// Encodings of a credential: plain, and in a URL, JSON, HTML, and base64.
fn forms(secret: &str) -> Vec<String> {
    let in_json = serde_json::Value::from(secret).to_string();
    let in_html = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let in_json = &in_json[1..in_json.len() - 1];
    let in_form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let in_url = in_form.replace('+', "%20");
    let mut forms = vec![
        secret.to_owned(),
        small_escapes(&in_form),
        small_escapes(&in_url),
        in_form,
        in_url,
        in_json.to_owned(),
        // A server repeats the JSON that it received inside its own JSON.
        in_json.replace('\\', "\\\\").replace('"', "\\\""),
        in_html.replace('"', "&quot;"),
        in_html,
    ];
    if secret.len() >= LONG {
        forms.push(BASE64_STANDARD.encode(secret));
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms.sort();
    forms.dedup();
    forms
}

/// Writes `%3A` as `%3a`.
fn small_escapes(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (escape, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        format!("{text}%{}{rest}", escape.to_ascii_lowercase())
    })
}

fn sort(known: &mut Vec<String>) {
    known.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    known.dedup();
}
