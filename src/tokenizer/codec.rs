//! Exact encoding and decoding with a `tokenizer.json`, as Hugging Face's fast tokenizers do it.

use super::{TokenizerError, local, locate, special};
use crate::files::text;
use std::{fmt, path::Path};
use tokenizers::PostProcessor;

/// Encodes text into token ids and back.
///
/// Results agree with Hugging Face's `PreTrainedTokenizerFast` on the same files. If Python code changes a
/// tokenizer after loading it (such as a class that adds its own BOS token), goodput follows its
/// `tokenizer.json`.
pub struct Codec {
    inner: tokenizers::Tokenizer,
    special_ids: Vec<u32>,
    splits_before_spaces: bool,
    spells_bytes: bool,
}

impl Codec {
    /// The embedded tokenizer; see `src/tokenizer/embedded/README.md`.
    pub(super) fn embedded() -> Result<Self, TokenizerError> {
        let bytes = include_bytes!("embedded/tokenizer.json");
        Codec::new(bytes, None, "the embedded tokenizer")
    }

    pub(super) fn named(name: &str) -> Result<Self, TokenizerError> {
        let path = locate::tokenizer_json(name, &locate::caches(|key| std::env::var_os(key)))?;
        let place = format!("tokenizer `{}`", path.display());
        let text = text::read(&path)
            .map_err(|error| TokenizerError::new(format!("{place} cannot be read: {error}")))?;
        Codec::new(text.as_bytes(), path.parent(), &place)
    }

    pub(super) fn new(
        bytes: &[u8],
        folder: Option<&Path>,
        place: &str,
    ) -> Result<Self, TokenizerError> {
        let unreadable = |error: tokenizers::Error| {
            TokenizerError::new(format!(
                "{place} is not a tokenizer that can be read: {error}. It must be a \
                 `tokenizer.json` of Hugging Face's tokenizers"
            ))
        };
        let mut inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(unreadable)?;
        // A file may enable truncation or padding; like Hugging Face's `encode`, a benchmark must not.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(unreadable)?;
        let special_ids = special::ids(&inner, folder)?;
        Ok(Codec {
            special_ids,
            splits_before_spaces: local::splits_before_spaces(&inner),
            spells_bytes: local::spells_bytes(&inner),
            inner,
        })
    }

    /// Size of the vocabulary without added tokens (Hugging Face's `vocab_size`).
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(false)
    }

    /// Ids of special tokens, ascending (Hugging Face's `all_special_ids`): those in
    /// `tokenizer_config.json` or `special_tokens_map.json` next to the tokenizer, else the added tokens
    /// marked special.
    pub fn special_ids(&self) -> &[u32] {
        &self.special_ids
    }

    /// All ids of the vocabulary, including added tokens, ascending.
    pub fn all_ids(&self) -> Vec<u32> {
        let mut ids: Vec<u32> = self.inner.get_vocab(true).into_values().collect();
        ids.sort_unstable();
        ids
    }

    /// Ids of all added tokens that are marked special, ascending: more than
    /// [`special_ids`](Self::special_ids) where a model has placeholders for media.
    pub fn special_added_ids(&self) -> Vec<u32> {
        let added = self.inner.get_added_tokens_decoder();
        let mut ids: Vec<u32> = added
            .iter()
            .filter(|(_, token)| token.special)
            .map(|(&id, _)| id)
            .collect();
        ids.sort_unstable();
        ids
    }

    /// Number of special tokens that encoding puts around one text (`num_special_tokens_to_add`).
    pub fn special_tokens_to_add(&self) -> usize {
        self.inner
            .get_post_processor()
            .map_or(0, |processor| processor.added_tokens(false))
    }

    /// Encodes a text.
    ///
    /// # Errors
    ///
    /// The tokenizer has no token for a part of the text, not even an unknown token.
    pub fn encode(&self, text: &str, add_special: bool) -> Result<Vec<u32>, TokenizerError> {
        self.inner
            .encode_fast(text, add_special)
            .map(|encoding| encoding.get_ids().to_vec())
            .map_err(|error| {
                let start: String = text.chars().take(40).collect();
                TokenizerError::new(format!("the text {start:?} cannot be tokenized: {error}"))
            })
    }

    /// Encodes a long text, piece by piece if the tokenizer allows it, which takes a hundredth of the memory.
    ///
    /// # Errors
    ///
    /// Those of [`encode`](Self::encode).
    pub(crate) fn encode_long(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        if !self.splits_before_spaces {
            return self.encode(text, false);
        }
        let mut ids = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(cut(rest));
            ids.extend(self.encode(piece, false)?);
            rest = behind;
        }
        Ok(ids)
    }

    /// Number of ids of a text. A long text is counted piece by piece if the tokenizer allows it, which
    /// takes a hundredth of the memory.
    ///
    /// # Errors
    ///
    /// Those of [`encode`](Self::encode).
    pub fn count(&self, text: &str, add_special: bool) -> Result<usize, TokenizerError> {
        if text.len() <= PIECE || !self.splits_before_spaces {
            return Ok(self.encode(text, add_special)?.len());
        }
        let mut tokens = if add_special {
            self.special_tokens_to_add()
        } else {
            0
        };
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(cut(rest));
            tokens += self.encode(piece, false)?.len();
            rest = behind;
        }
        Ok(tokens)
    }

    /// Decodes ids; keeps special tokens, skips unknown ids.
    ///
    /// # Errors
    ///
    /// The tokenizer's decoder failed.
    pub fn decode(&self, ids: &[u32]) -> Result<String, TokenizerError> {
        self.inner
            .decode(ids, false)
            .map_err(|error| TokenizerError::new(format!("token ids cannot be decoded: {error}")))
    }

    /// Whether a text may be split before any space that follows another character, and encoded piece by
    /// piece.
    pub(super) fn splits_before_spaces(&self) -> bool {
        self.splits_before_spaces
    }

    /// Whether the text of ids is the concatenation of their [`bytes`](Self::bytes).
    pub(super) fn spells_bytes(&self) -> bool {
        self.spells_bytes
    }

    /// Bytes of a token, which need not be whole characters; empty for an unknown one.
    pub(super) fn bytes(&self, id: u32) -> Vec<u8> {
        local::bytes(&self.inner, id)
    }
}

/// Number of bytes of a text to count at once.
const PIECE: usize = 64 << 10;

/// End of the first piece of a text: before a space that follows another character.
fn cut(text: &str) -> usize {
    let may_cut = |space: &usize| {
        let before = text[..*space].chars().next_back();
        before.is_some_and(|before| !before.is_whitespace())
    };
    let within = 0..=PIECE.min(text.len());
    let most = within
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0);
    let last = memchr::memrchr_iter(b' ', &text.as_bytes()[..most]).find(may_cut);
    let next = || {
        let spaces = memchr::memchr_iter(b' ', &text.as_bytes()[most..]);
        spaces.map(|space| most + space).find(may_cut)
    };
    last.or_else(next).unwrap_or(text.len())
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codec")
            .field("vocab_size", &self.vocab_size())
            .field("special_ids", &self.special_ids)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static EMBEDDED: LazyLock<Codec> = LazyLock::new(|| Codec::embedded().unwrap());

    #[test]
    fn the_embedded_tokenizer_is_small_and_has_one_special_token() {
        assert_eq!(EMBEDDED.vocab_size(), 4096);
        assert_eq!(EMBEDDED.special_ids(), [0]);
        assert_eq!(EMBEDDED.special_tokens_to_add(), 0);
        assert_eq!(EMBEDDED.decode(&[0]).unwrap(), "<|endoftext|>");
        assert_eq!(EMBEDDED.encode("<|endoftext|>", false).unwrap(), [0]);
    }

    #[test]
    fn english_takes_about_one_token_a_word() {
        let text = "The server answers each request as soon as it can";
        let tokens = EMBEDDED.encode(text, false).unwrap().len();
        assert!((9..=16).contains(&tokens), "{tokens}");
    }

    #[test]
    fn a_file_that_is_no_tokenizer_is_named() {
        let folder = crate::plan::testing::scratch();
        let path = folder.file("tokenizer.json", "{\"model\": ");
        let error = Codec::named(path.to_str().unwrap())
            .unwrap_err()
            .to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
        assert!(error.contains("EOF"), "{error}");
        assert!(error.contains("must be a `tokenizer.json`"), "{error}");
    }

    #[test]
    fn padding_and_truncation_of_the_file_are_ignored() {
        let mut inner = EMBEDDED.inner.clone();
        inner
            .with_truncation(Some(tokenizers::TruncationParams {
                max_length: 2,
                ..Default::default()
            }))
            .unwrap();
        let json = inner.to_string(false).unwrap();
        let codec = Codec::new(json.as_bytes(), None, "test").unwrap();
        let text = "more than two tokens of text";
        let ids = codec.encode(text, true).unwrap();
        assert_eq!(codec.decode(&ids).unwrap(), text);
    }

    #[test]
    fn a_long_text_is_counted_as_it_is_encoded() {
        for text in [
            "a few words  and\n spaces é ",
            "no_space_at_all",
            "tab\tand  two",
            " ",
        ] {
            let long = text.repeat(200_000 / text.len());
            for add_special in [false, true] {
                let encoded = EMBEDDED.encode(&long, add_special).unwrap().len();
                assert_eq!(
                    EMBEDDED.count(&long, add_special).unwrap(),
                    encoded,
                    "{text:?}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn every_text_survives_a_round_trip(text in "\\PC{0,60}") {
            let ids = EMBEDDED.encode(&text, true).unwrap();
            prop_assert_eq!(EMBEDDED.decode(&ids).unwrap(), text);
        }
    }
}
