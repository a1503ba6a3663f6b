//! Names of classes of requests: `chat`, `batch-2`.

use crate::Mistake;
use std::{cmp::Ordering, fmt, hash};

/// Bytes of a name at most.
const LONGEST: usize = 32;

/// The name of a class of requests: at most 32 letters, digits, `-` and `_`, a letter first.
///
/// It is copied like a number, because limits are.
#[derive(Clone, Copy)]
pub struct ClassName {
    bytes: [u8; LONGEST],
    len: u8,
}

impl ClassName {
    /// Reads a name.
    ///
    /// # Errors
    /// The text has other characters, or is too long.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let named = text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.bytes().all(inner)
            && text.len() <= LONGEST;
        if !named {
            return Err(Mistake::new(format!(
                "a class cannot be named `{text}`: a name has at most {LONGEST} letters, digits, `-` and `_`, and \
                 begins with a letter"
            )));
        }
        let mut bytes = [0; LONGEST];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(ClassName {
            bytes,
            len: text.len() as u8,
        })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl PartialEq for ClassName {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ClassName {}

impl PartialOrd for ClassName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ClassName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl hash::Hash for ClassName {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for ClassName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for ClassName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("chat")]
    #[case("Batch_2-b")]
    fn names(#[case] text: &str) {
        assert_eq!(ClassName::parse(text).unwrap().to_string(), text);
    }

    #[rstest]
    #[case("", "a class cannot be named ``: a name has at most 32 letters")]
    #[case("2nd", "begins with a letter")]
    #[case("a b", "a class cannot be named")]
    #[case("müller", "a class cannot be named")]
    #[case("a234567890123456789012345678901234", "at most 32")]
    fn other_texts_are_refused(#[case] text: &str, #[case] said: &str) {
        let mistake = ClassName::parse(text).unwrap_err().to_string();
        assert!(mistake.contains(said), "{mistake}");
    }
}
