//! JSON, read as leniently as common clients read it.
//!
//! serde_json is stricter than Python's `json`: it refuses half a surrogate pair, `NaN`, numbers beyond a double, and
//! keys that come twice. Strict JSON is read as it stands; only other JSON is repaired ([`mended`]). A field of
//! another type than it should have counts as missing: see [`count`], [`word`], [`flag`] and [`lenient`].

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use std::{
    borrow::Cow,
    fmt::{self, Write},
};

/// The largest count that is believed. A larger number cannot be a count of tokens.
const LARGEST_COUNT: u64 = u32::MAX as u64;

/// The value if it is a string. Borrowed unless it holds escapes; half a surrogate pair is U+FFFD.
pub(in crate::backend) fn string(value: &RawValue) -> Option<Cow<'_, str>> {
    let json = value.get();
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    let read = serde_json::from_str(json);
    let read = read.or_else(|_| serde_json::from_str(&strict(json)));
    read.ok().map(Cow::Owned)
}

/// A string that is not empty.
pub(in crate::backend) fn word<'de, D>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(string(raw)
        .filter(|word| !word.is_empty())
        .map(Cow::into_owned))
}

/// A string, which is empty if there is none.
pub(in crate::backend) fn name<'de, D>(deserializer: D) -> Result<Cow<'de, str>, D::Error>
where
    D: Deserializer<'de>,
{
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(string(raw).unwrap_or_default())
}

/// Whether the value is true.
pub(in crate::backend) fn flag<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<bool, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(raw.get() == "true")
}

/// A count: a whole number from 0 on, also in a form like 4.0. Read in one pass: events of some servers have several.
pub(in crate::backend) fn count<'de, D>(deserializer: D) -> Result<Option<u64>, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(Count)
}

struct Count;

impl<'de> Visitor<'de> for Count {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_u64<E>(self, count: u64) -> Result<Self::Value, E> {
        Ok(Some(count).filter(|count| *count <= LARGEST_COUNT))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        let whole = number.fract() == 0.0 && (0.0..=LARGEST_COUNT as f64).contains(&number);
        Ok(whole.then_some(number as u64))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Whether the field is there, whatever its value.
pub(in crate::backend) fn present<'de, D>(deserializer: D) -> Result<bool, D::Error>
where
    D: Deserializer<'de>,
{
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// A value of this type, or `None` if it has another.
pub(in crate::backend) fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let raw = <&RawValue>::deserialize(deserializer)?;
    if raw.get() == "null" {
        return Ok(None);
    }
    let read = serde_json::from_str(raw.get()).ok();
    Ok(read.or_else(|| serde_json::from_str(&mended(raw.get())?).ok()))
}

/// The elements of a list that have the right type, if it is a list.
pub(in crate::backend) fn elements<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let list: Option<Vec<Value>> = lenient(deserializer)?;
    let read = |element: Value| serde_json::from_str(&element.to_string()).ok();
    Ok(list.map(|list| list.into_iter().filter_map(read).collect()))
}

/// Strict JSON with the same meaning. `None` if it cannot be read at all.
pub(in crate::backend) fn mended(json: &str) -> Option<String> {
    value(json).map(|value| value.to_string())
}

/// JSON as Python reads it, the last of equal keys being the one that counts.
pub(in crate::backend) fn value(json: &str) -> Option<Value> {
    let read = serde_json::from_str(json);
    read.or_else(|_| serde_json::from_str(&strict(json))).ok()
}

/// Replaces what only serde_json refuses: half surrogate pairs in strings become U+FFFD; elsewhere, `NaN` and numbers
/// that are too large become null.
fn strict(json: &str) -> String {
    let mut strict = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(start) = rest.chars().next() {
        let length = match start {
            '"' => {
                let length = string_length(rest);
                push_string(&rest[..length], &mut strict);
                length
            }
            '-' | '0'..='9' | 'N' | 'I' => {
                let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
                let length = rest.find(|c| !inside(c)).unwrap_or(rest.len());
                let number = &rest[..length];
                let too_large = || {
                    let digits = number
                        .trim_start_matches('-')
                        .starts_with(|c: char| c.is_ascii_digit());
                    digits && number.parse().is_ok_and(f64::is_infinite)
                };
                let odd = matches!(number, "NaN" | "Infinity" | "-Infinity") || too_large();
                strict.push_str(if odd { "null" } else { number });
                length
            }
            other => {
                strict.push(other);
                other.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    strict
}

/// The length of the string at the beginning of this text, quotes included.
fn string_length(json: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

fn push_string(mut string: &str, strict: &mut String) {
    while let Some(at) = string.find('\\') {
        strict.push_str(&string[..at]);
        let escape = &string[at..];
        let length = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => {
                strict.push_str(&escape[..12]);
                12
            }
            (Some(0xD800..=0xDFFF), _) => {
                // Writing to a string cannot fail.
                let _ = write!(strict, "\\ufffd");
                6
            }
            (Some(_), _) => {
                strict.push_str(&escape[..6]);
                6
            }
            (None, _) => {
                let length = 1 + escape[1..].chars().next().map_or(0, char::len_utf8);
                strict.push_str(&escape[..length]);
                length
            }
        };
        string = &escape[length..];
    }
    strict.push_str(string);
}

/// The UTF-16 unit of an escape like `\u00e9`.
fn unit(escape: &str) -> Option<u16> {
    let digits = escape.strip_prefix("\\u")?.get(..4)?;
    let digits = digits
        .bytes()
        .all(|b| b.is_ascii_hexdigit())
        .then_some(digits)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(r#""plain""#, Some("plain"), true)]
    #[case("\"\u{e9}\"", Some("\u{e9}"), true)]
    #[case(r#""a\n\u00e9\"""#, Some("a\n\u{e9}\""), false)]
    #[case::pair(r#""\ud83d\ude00""#, Some("\u{1f600}"), false)]
    #[case::first_half(r#""a\ud83d""#, Some("a\u{fffd}"), false)]
    #[case::second_half(r#""\ude00b\n""#, Some("\u{fffd}b\n"), false)]
    #[case::wrong_way_round(r#""\ude00\ud83d""#, Some("\u{fffd}\u{fffd}"), false)]
    #[case::half_and_other(r#""\ud83d\u0041""#, Some("\u{fffd}A"), false)]
    #[case::backslashes(r#""\\ud83d\ud83d""#, Some("\\ud83d\u{fffd}"), false)]
    #[case(r#"["a"]"#, None, false)]
    #[case("null", None, false)]
    fn strings(#[case] json: &str, #[case] expected: Option<&str>, #[case] borrowed: bool) {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let found = string(raw);
        assert_eq!(found.as_deref(), expected);
        assert_eq!(matches!(found, Some(Cow::Borrowed(_))), borrowed);
    }

    /// What Python's `json.dumps(json.loads(…))` gives, with null for values that are not numbers.
    #[rstest]
    #[case::not_a_number(
        r#"{"a":NaN,"b":[-Infinity,Infinity,1]}"#,
        r#"{"a":null,"b":[null,null,1]}"#
    )]
    #[case::too_large(
        r#"{"a":1e400,"b":-1e400,"c":1e30}"#,
        r#"{"a":null,"b":null,"c":1e+30}"#
    )]
    #[case::twice(r#"{"a":1,"b":{"c":1,"c":2},"a":3}"#, r#"{"a":3,"b":{"c":2}}"#)]
    #[case::half_a_pair(r#"{"\ud83d":"\ude00 NaN"}"#, "{\"\u{fffd}\":\"\u{fffd} NaN\"}")]
    #[case::strings_stay(
        r#"{"a":"Infinity \" NaN","b":NaN}"#,
        r#"{"a":"Infinity \" NaN","b":null}"#
    )]
    fn what_python_reads_is_read(#[case] json: &str, #[case] expected: &str) {
        assert_eq!(mended(json).as_deref(), Some(expected));
    }

    #[rstest]
    #[case("{\"choi")]
    #[case("{\"a\": Nan}")]
    #[case("{\"a\": -}")]
    #[case("{\"a\": \"\\")]
    #[case("{\"a\": \"\\u")]
    #[case("{'a': 1}")]
    #[case("")]
    fn what_nobody_reads_is_not(#[case] json: &str) {
        assert_eq!(mended(json), None);
    }

    #[rstest]
    #[case("4", Some(4))]
    #[case("0", Some(0))]
    #[case("4.0", Some(4))]
    #[case("4e1", Some(40))]
    #[case("4.5", None)]
    #[case("-4", None)]
    #[case("-0.0", Some(0))]
    #[case("1e300", None)]
    #[case("18446744073709551615", None)]
    #[case("\"4\"", None)]
    #[case("null", None)]
    #[case("true", None)]
    #[case("[4]", None)]
    #[case("{}", None)]
    fn counts(#[case] json: &str, #[case] expected: Option<u64>) {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        assert_eq!(count(&mut deserializer).unwrap(), expected);
    }
}
