//! Tokenizers, which count tokens.
//!
//! Counts are exact with a [`Codec`]: the small one that goodput embeds, or a model's own `tokenizer.json`.
//! Without one they are estimates, and marked as such.

#[cfg(feature = "tokenizers")]
mod codec;
mod error;
#[cfg(feature = "tokenizers")]
mod local;
#[cfg(feature = "tokenizers")]
mod locate;
mod memo;
#[cfg(feature = "tokenizers")]
mod special;

#[cfg(not(feature = "tokenizers"))]
#[path = "absent.rs"]
mod codec;

pub use codec::Codec;
pub use error::TokenizerError;
#[cfg(feature = "hf")]
pub(crate) use locate::{caches, snapshot};
pub(crate) use memo::Memo;

use crate::record::{CountSource, TokenCount};
use std::{fmt, sync::Arc};

/// Bytes per token in an estimate: English text with a common vocabulary of 32 k to 128 k.
const BYTES_PER_TOKEN: usize = 4;

/// Maximum size of a text to encode as a whole for counting, in bytes.
const COUNTED_WHOLE: usize = 512 << 10;

/// Size of a piece of a longer text, in bytes.
const PIECE: usize = 128 << 10;

/// Tokenizer to count with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenizerSpec {
    /// The small byte-level BPE that goodput embeds. Its lengths are those of no real model; the default
    /// with the feature `tokenizers`.
    Embedded,
    /// No tokenizer: token counts are estimates. The default without the feature.
    None,
    /// A path to a `tokenizer.json` or to its directory, or a Hugging Face id such as `org/name`, looked up
    /// in the local cache. goodput does not download it.
    Named(String),
}

impl TokenizerSpec {
    /// The tokenizer of this name: `embedded`, `none`, a path or an id.
    pub fn named(name: &str) -> Self {
        match name {
            "embedded" => TokenizerSpec::Embedded,
            "none" => TokenizerSpec::None,
            name => TokenizerSpec::Named(name.to_owned()),
        }
    }
}

impl fmt::Display for TokenizerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TokenizerSpec::Embedded => "embedded",
            TokenizerSpec::None => "none",
            TokenizerSpec::Named(name) => name,
        })
    }
}

impl Default for TokenizerSpec {
    fn default() -> Self {
        if cfg!(feature = "tokenizers") {
            TokenizerSpec::Embedded
        } else {
            TokenizerSpec::None
        }
    }
}

/// A tokenizer, or none. Cheap to clone.
#[derive(Clone, Default)]
pub struct Tokenizer {
    loaded: Option<Arc<Loaded>>,
}

struct Loaded {
    name: String,
    codec: Codec,
}

impl Tokenizer {
    /// No tokenizer: counts are estimates.
    pub fn none() -> Self {
        Tokenizer::default()
    }

    /// Loads a tokenizer.
    ///
    /// # Errors
    ///
    /// The file or id does not exist or is not a tokenizer, or goodput was built without the feature
    /// `tokenizers`.
    pub fn load(spec: &TokenizerSpec) -> Result<Self, TokenizerError> {
        let (name, codec) = match spec {
            TokenizerSpec::None => return Ok(Tokenizer::none()),
            TokenizerSpec::Embedded => ("embedded", Codec::embedded()?),
            TokenizerSpec::Named(name) => (name.as_str(), Codec::named(name)?),
        };
        Ok(Tokenizer {
            loaded: Some(Arc::new(Loaded {
                name: name.to_owned(),
                codec,
            })),
        })
    }

    /// `embedded`, or the path or id that it was loaded from; `None` without a tokenizer.
    pub fn name(&self) -> Option<&str> {
        self.loaded.as_ref().map(|loaded| loaded.name.as_str())
    }

    /// Codec of the tokenizer; `None` without one.
    pub fn codec(&self) -> Option<&Codec> {
        self.loaded.as_ref().map(|loaded| &loaded.codec)
    }

    /// Counts the tokens of a text, including the special tokens that the tokenizer puts around it if
    /// `add_special`.
    ///
    /// Without a tokenizer, or for a text that it cannot encode, the estimate is one token for every four
    /// bytes, rounded up.
    ///
    /// A text of more than 512 KiB is counted in pieces, because encoding takes a hundred times the memory
    /// of the text. A piece ends before a space where possible; the count may be off by one per piece.
    pub fn count(&self, text: &str, add_special: bool) -> TokenCount {
        if text.len() > COUNTED_WHOLE {
            return self.count_in_pieces(text);
        }
        let exact = self
            .codec()
            .and_then(|codec| codec.count(text, add_special).ok());
        match exact {
            Some(tokens) => TokenCount {
                tokens: tokens as u64,
                source: CountSource::Tokenizer,
            },
            None => TokenCount {
                tokens: text.len().div_ceil(BYTES_PER_TOKEN) as u64,
                source: CountSource::Estimate,
            },
        }
    }

    fn count_in_pieces(&self, mut text: &str) -> TokenCount {
        let mut whole = TokenCount {
            tokens: 0,
            source: CountSource::Tokenizer,
        };
        while !text.is_empty() {
            let end = PIECE.min(text.len());
            let end = (0..=end).rev().find(|at| text.is_char_boundary(*at));
            let end = end.unwrap_or(text.len());
            let space = text[..end].rfind(' ').filter(|at| *at > 0);
            let end = if end == text.len() {
                end
            } else {
                space.unwrap_or(end)
            };
            let counted = self.count(&text[..end], false);
            whole.tokens += counted.tokens;
            if counted.source == CountSource::Estimate {
                whole.source = counted.source;
            }
            text = &text[end..];
        }
        whole
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokenizer({})", self.name().unwrap_or("none"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", 0)]
    #[case("four", 1)]
    #[case("fives", 2)]
    #[case("né", 1)]
    fn without_a_tokenizer_counts_are_estimates(#[case] text: &str, #[case] tokens: u64) {
        let count = Tokenizer::none().count(text, true);
        assert_eq!(count.tokens, tokens);
        assert_eq!(count.source, CountSource::Estimate);
    }

    #[cfg(feature = "tokenizers")]
    #[test]
    fn the_default_counts_exactly() {
        let tokenizer = Tokenizer::load(&TokenizerSpec::default()).unwrap();
        let count = tokenizer.count("How long did the first token take?", true);
        assert_eq!(count.source, CountSource::Tokenizer);
        assert_eq!(tokenizer.name(), Some("embedded"));
        assert_eq!(format!("{:?}", tokenizer.clone()), "Tokenizer(embedded)");
    }

    #[cfg(not(feature = "tokenizers"))]
    #[test]
    fn without_the_feature_the_default_is_none() {
        let tokenizer = Tokenizer::load(&TokenizerSpec::default()).unwrap();
        assert_eq!(tokenizer.name(), None);
        let error = Tokenizer::load(&TokenizerSpec::Embedded).unwrap_err();
        assert!(error.to_string().contains("feature `tokenizers`"));
    }
}
