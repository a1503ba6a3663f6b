//! Encodes and decodes many texts that share most of their parts.

use super::{Codec, TokenizerError};
use std::collections::HashMap;

/// Longer pieces are not remembered: they rarely come again, and could fill the memory.
const LONGEST_PIECE: usize = 512;

/// A [`Codec`] that remembers parts of texts, for one thread, with the same results.
pub(crate) struct Memo<'a> {
    codec: &'a Codec,
    /// Bytes of the tokens so far, by id.
    spelled: Vec<Option<Box<[u8]>>>,
    encoded: HashMap<Box<str>, Box<[u32]>>,
}

impl<'a> Memo<'a> {
    pub(crate) fn new(codec: &'a Codec) -> Self {
        Memo {
            codec,
            spelled: Vec::new(),
            encoded: HashMap::new(),
        }
    }

    pub(crate) fn codec(&self) -> &'a Codec {
        self.codec
    }

    /// [`Codec::encode`], without special tokens around the text.
    pub(crate) fn encode(&mut self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        if !self.codec.splits_before_spaces() {
            return self.codec.encode(text, false);
        }
        let mut ids = Vec::new();
        for piece in pieces(text) {
            if let Some(known) = self.encoded.get(piece) {
                ids.extend_from_slice(known);
                continue;
            }
            let new = self.codec.encode(piece, false)?;
            ids.extend_from_slice(&new);
            if piece.len() <= LONGEST_PIECE {
                self.encoded.insert(piece.into(), new.into());
            }
        }
        Ok(ids)
    }

    /// [`Codec::decode`].
    pub(crate) fn decode(&mut self, ids: &[u32]) -> Result<String, TokenizerError> {
        if !self.codec.spells_bytes() {
            return self.codec.decode(ids);
        }
        let mut bytes = Vec::new();
        for &id in ids {
            bytes.extend_from_slice(self.spell(id));
        }
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned()))
    }

    fn spell(&mut self, id: u32) -> &[u8] {
        let index = id as usize;
        if index >= self.spelled.len() {
            self.spelled.resize(index + 1, None);
        }
        self.spelled[index].get_or_insert_with(|| self.codec.bytes(id).into())
    }
}

/// Splits a text before every space that follows another character.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    memchr::memchr_iter(b' ', text.as_bytes())
        .filter(|&space| {
            let before = text[..space].chars().next_back();
            before.is_some_and(|before| !before.is_whitespace())
        })
        .chain([text.len()])
        .map(move |end| &text[std::mem::replace(&mut start, end)..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", &[""])]
    #[case("one", &["one"])]
    #[case(" one two", &[" one", " two"])]
    #[case("a  b\n c ", &["a", "  b\n c", " "])]
    #[case("é\u{3000} 中 ", &["é\u{3000} 中", " "])]
    fn a_piece_starts_with_a_space_after_something_else(
        #[case] text: &str,
        #[case] expected: &[&str],
    ) {
        assert_eq!(pieces(text).collect::<Vec<_>>(), expected);
    }

    #[cfg(feature = "tokenizers")]
    mod with_a_tokenizer {
        use super::*;
        use crate::tokenizer::local::testing::LOCAL;
        use proptest::{collection::vec, prelude::*, sample::select};

        const PARTS: [&str; 38] = [
            " ",
            " ",
            " ",
            "  ",
            "\n",
            "\r\n",
            "\t",
            "\u{b}",
            "\u{85}",
            "\u{a0}",
            "\u{3000}",
            "\u{2000}",
            "a",
            "the",
            " the",
            "Ab",
            "ABC",
            "ǅ",
            "é",
            "e\u{301}",
            "\u{301}",
            "中文",
            "ん",
            "1",
            "12345",
            "²",
            "'",
            "'s",
            "'LL",
            "!",
            "...",
            "(x",
            "/",
            "\u{1}",
            "\u{fffd}",
            "<|endoftext|>",
            "<|",
            "|>",
        ];

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(64))]

            #[test]
            fn encoding_is_the_codecs(texts in vec(vec(select(&PARTS[..]), 0..30), 1..4)) {
                for (name, codec) in LOCAL.iter() {
                    let mut memo = Memo::new(codec);
                    for text in &texts {
                        let text = text.concat();
                        let ids = codec.encode(&text, false).unwrap();
                        for _ in 0..2 {
                            prop_assert_eq!(memo.encode(&text).unwrap(), &ids[..], "{}", name);
                        }
                    }
                }
            }

            #[test]
            fn decoding_is_the_codecs(ids in vec(0u32..4200, 0..30)) {
                for (name, codec) in LOCAL.iter() {
                    let mut memo = Memo::new(codec);
                    for ids in [&ids[..], &ids[ids.len() / 2..]] {
                        let text = memo.decode(ids).unwrap();
                        prop_assert_eq!(text, codec.decode(ids).unwrap(), "{}", name);
                    }
                }
            }
        }
    }
}
