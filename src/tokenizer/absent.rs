//! Codec of a goodput that was built without tokenizers.

use super::TokenizerError;
use crate::feature::needed;

/// Encodes and decodes; has no values without the feature `tokenizers`.
#[derive(Debug)]
pub enum Codec {}

impl Codec {
    pub(super) fn embedded() -> Result<Self, TokenizerError> {
        Err(TokenizerError::new(concat!(
            "the embedded tokenizer ",
            needed!("tokenizers"),
            ", or use tokenizer `none`"
        )))
    }

    pub(super) fn named(name: &str) -> Result<Self, TokenizerError> {
        let needed = needed!("tokenizers");
        Err(TokenizerError::new(format!(
            "tokenizer `{name}` {needed}, or use tokenizer `none`"
        )))
    }

    /// Size of the vocabulary.
    pub fn vocab_size(&self) -> usize {
        match *self {}
    }

    /// Ids of special tokens.
    pub fn special_ids(&self) -> &[u32] {
        match *self {}
    }

    /// All ids.
    pub fn all_ids(&self) -> Vec<u32> {
        match *self {}
    }

    /// Ids of added tokens that are special.
    pub fn special_added_ids(&self) -> Vec<u32> {
        match *self {}
    }

    /// Special tokens around a text.
    pub fn special_tokens_to_add(&self) -> usize {
        match *self {}
    }

    /// Number of ids of a text.
    pub fn count(&self, _text: &str, _add_special: bool) -> Result<usize, TokenizerError> {
        match *self {}
    }

    /// Ids of a long text.
    pub(crate) fn encode_long(&self, _text: &str) -> Result<Vec<u32>, TokenizerError> {
        match *self {}
    }

    /// Ids of a text.
    pub fn encode(&self, _text: &str, _add_special: bool) -> Result<Vec<u32>, TokenizerError> {
        match *self {}
    }

    /// Text of ids.
    pub fn decode(&self, _ids: &[u32]) -> Result<String, TokenizerError> {
        match *self {}
    }

    pub(super) fn splits_before_spaces(&self) -> bool {
        match *self {}
    }

    pub(super) fn spells_bytes(&self) -> bool {
        match *self {}
    }

    pub(super) fn bytes(&self, _id: u32) -> Vec<u8> {
        match *self {}
    }
}
