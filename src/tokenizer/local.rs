//! Finds out which tokenizers give the same result for a text piece by piece.

use tokenizers::{
    DecoderWrapper, ModelWrapper, NormalizerWrapper, PreTokenizerWrapper, SplitDelimiterBehavior,
    Tokenizer,
    pre_tokenizers::split::{Split, SplitPattern},
};

/// What a run of spaces matches when nothing else does.
const SPACES: &str = r"\s+";

/// Alternatives of the patterns by which byte-level models split texts: those of GPT-2 and its successors.
///
/// No match of any of them continues from another character into a space; none looks back; and the only one
/// that looks ahead, from spaces, is decided by the next character.
const ALTERNATIVES: [&str; 27] = [
    SPACES,
    r"\s+(?!\S)",
    r"\s*[\r\n]+",
    r"'s",
    r"'t",
    r"'re",
    r"'ve",
    r"'m",
    r"'ll",
    r"'d",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)",
    r" ?\p{L}+",
    r" ?\p{N}+",
    r" ?[^\s\p{L}\p{N}]+",
    r" ?[^\s\p{L}\p{N}]+[\r\n]*",
    r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
    r" ?[\p{P}\p{S}]+[\r\n]*",
    r"\p{N}",
    r"\p{N}{1,3}",
    r"[一-龥぀-ゟ゠-ヿ]+",
    r"[^\r\n\p{L}\p{N}]?\p{L}+",
    r"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+",
    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"##,
    concat!(
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    ),
    concat!(
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    ),
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
];

/// Whether a text may be split before any space that follows another character, and encoded piece by piece.
///
/// Then nothing spans such a place: no added token, since none contains a space or takes those around it;
/// no normalization, since a space composes with nothing before it; no word, since the patterns end one
/// there; and merges stay in a word.
pub(super) fn splits_before_spaces(tokenizer: &Tokenizer) -> bool {
    let added = tokenizer.get_added_tokens_decoder();
    let ModelWrapper::BPE(model) = tokenizer.get_model() else {
        return false;
    };
    added
        .values()
        .all(|token| !token.lstrip && !token.rstrip && !token.content.contains(' '))
        && tokenizer.get_normalizer().is_none_or(composes)
        && model.dropout.is_none()
        && tokenizer
            .get_pre_tokenizer()
            .is_some_and(ends_words_at_spaces)
}

fn composes(normalizer: &NormalizerWrapper) -> bool {
    match normalizer {
        NormalizerWrapper::NFC(_) => true,
        NormalizerWrapper::Sequence(sequence) => sequence.as_ref().iter().all(composes),
        _ => false,
    }
}

fn ends_words_at_spaces(pre_tokenizer: &PreTokenizerWrapper) -> bool {
    let steps = match pre_tokenizer {
        PreTokenizerWrapper::Sequence(sequence) => sequence.as_ref(),
        single => std::slice::from_ref(single),
    };
    for step in steps {
        match step {
            // No spaces remain after it.
            PreTokenizerWrapper::ByteLevel(bytes) => return bytes.use_regex,
            PreTokenizerWrapper::Split(split) => match ends_at_spaces(split) {
                Some(true) => return true,
                Some(false) => {}
                None => return false,
            },
            _ => return false,
        }
    }
    false
}

/// Whether words certainly end at spaces; `None` if they may continue over them.
fn ends_at_spaces(split: &Split) -> Option<bool> {
    let SplitPattern::Regex(pattern) = &split.pattern else {
        return None;
    };
    if split.invert || split.behavior != SplitDelimiterBehavior::Isolated {
        return None;
    }
    let pattern = pattern.replace('\r', r"\r").replace('\n', r"\n");
    alternatives(&pattern).map(|taken| taken.contains(&SPACES))
}

/// Alternatives of a pattern, if it consists of known ones only.
fn alternatives(pattern: &str) -> Option<Vec<&'static str>> {
    let mut taken = Vec::new();
    let mut rest = Some(pattern);
    while let Some(from) = rest {
        let (alternative, after) = ALTERNATIVES.iter().find_map(|&alternative| {
            let after = from.strip_prefix(alternative)?;
            let ends = after.is_empty() || after.starts_with('|');
            ends.then_some((alternative, after))
        })?;
        taken.push(alternative);
        rest = after.strip_prefix('|');
    }
    Some(taken)
}

/// Bytes of a token, if the text of tokens is the concatenation of their bytes.
pub(super) fn bytes(tokenizer: &Tokenizer, id: u32) -> Vec<u8> {
    let token = tokenizer
        .get_added_vocabulary()
        .simple_id_to_token(id)
        .or_else(|| tokenizer.id_to_token(id))
        .unwrap_or_default();
    let bytes: Option<Vec<u8>> = token.chars().map(byte).collect();
    // An added token may be plain text.
    bytes.unwrap_or_else(|| token.into_bytes())
}

/// Whether the text of tokens is the concatenation of their [`bytes`].
pub(super) fn spells_bytes(tokenizer: &Tokenizer) -> bool {
    matches!(tokenizer.get_decoder(), Some(DecoderWrapper::ByteLevel(_)))
}

/// Byte of a character in GPT-2's alphabet: printable characters are their own bytes, and the characters
/// from U+0100 are the others, in order.
fn byte(character: char) -> Option<u8> {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    match u8::try_from(character) {
        Ok(byte) => printable(byte).then_some(byte),
        Err(_) => {
            let index = u32::from(character) - 0x100;
            (0..=u8::MAX)
                .filter(|&byte| !printable(byte))
                .nth(index as usize)
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    use crate::tokenizer::Codec;
    use serde_json::{Value, json};
    use std::sync::LazyLock;

    /// The embedded tokenizer with parts of its description replaced.
    pub(in crate::tokenizer) fn with(changes: Value) -> Codec {
        let bytes = include_bytes!("embedded/tokenizer.json");
        let mut description: Value = serde_json::from_slice(bytes).unwrap();
        let Value::Object(changes) = changes else {
            panic!("{changes}");
        };
        for (key, value) in changes {
            *description.pointer_mut(&format!("/{key}")).unwrap() = value;
        }
        let bytes = serde_json::to_vec(&description).unwrap();
        Codec::new(&bytes, None, "test").unwrap()
    }

    pub(super) fn split(pattern: &str) -> Value {
        json!({
            "type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false,
        })
    }

    pub(super) fn byte_level(use_regex: bool, add_prefix_space: bool) -> Value {
        json!({
            "type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": true,
            "use_regex": use_regex,
        })
    }

    fn splits(patterns: &[&str]) -> Value {
        let mut steps: Vec<Value> = patterns.iter().map(|pattern| split(pattern)).collect();
        steps.push(byte_level(false, false));
        json!({"type": "Sequence", "pretokenizers": steps})
    }

    const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    const QWEN: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    const O200K: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    const DEEPSEEK: [&str; 3] = [
        r"\p{N}{1,3}",
        r"[一-龥぀-ゟ゠-ヿ]+",
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
    ];

    /// Tokenizers that can be used piece by piece, by name: the embedded vocabulary with the ways
    /// in which common models split texts.
    pub(in crate::tokenizer) static LOCAL: LazyLock<Vec<(&str, Codec)>> = LazyLock::new(|| {
        let nfc = json!({"type": "NFC"});
        let none = json!({"type": "Sequence", "normalizers": []});
        vec![
            ("embedded", with(json!({}))),
            (
                "gpt-2",
                with(json!({"pre_tokenizer": byte_level(true, false)})),
            ),
            (
                "roberta",
                with(json!({"pre_tokenizer": byte_level(true, true)})),
            ),
            (
                "llama 3",
                with(json!({"pre_tokenizer": splits(&[LLAMA_3])})),
            ),
            (
                "qwen",
                with(json!({"pre_tokenizer": splits(&[QWEN]), "normalizer": nfc})),
            ),
            ("o200k", with(json!({"pre_tokenizer": splits(&[O200K])}))),
            ("tekken", with(json!({"pre_tokenizer": splits(&[TEKKEN])}))),
            (
                "deepseek",
                with(json!({"pre_tokenizer": splits(&DEEPSEEK), "normalizer": none})),
            ),
        ]
    });
}

#[cfg(test)]
mod tests {
    use super::{testing::*, *};
    use rstest::rstest;
    use serde_json::{Value, json};

    #[test]
    fn common_models_are_known() {
        for (name, codec) in LOCAL.iter() {
            assert!(codec.splits_before_spaces(), "{name}");
            assert!(codec.spells_bytes(), "{name}");
        }
    }

    fn added(key: &str, value: Value) -> Value {
        let mut token = json!({
            "id": 4096, "content": "<x>", "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true,
        });
        token[key] = value;
        json!({"added_tokens": [token]})
    }

    #[rstest]
    #[case::whole_text(json!({"pre_tokenizer": null}))]
    #[case::bytes_only(json!({"pre_tokenizer": byte_level(false, false)}))]
    #[case::unknown_pattern(json!({"pre_tokenizer": split(r"\p{L}+ \p{L}+|\s+")}))]
    #[case::more_than_a_known_pattern(json!({"pre_tokenizer": split(r"\p{N}+|\s+")}))]
    #[case::no_end_at_spaces(json!({"pre_tokenizer": split(r"\p{N}{1,3}")}))]
    #[case::no_spaces_left(json!({"pre_tokenizer": {
        "type": "Sequence", "pretokenizers": [byte_level(false, false), split(r" ?\p{L}+|\s+")],
    }}))]
    #[case::another_way_to_split(json!({"pre_tokenizer": {"type": "WhitespaceSplit"}}))]
    #[case::spaces_normalized(json!({
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "_"},
    }))]
    #[case::dropout(json!({"model/dropout": 0.1}))]
    #[case::added_token_that_takes_spaces_before(added("lstrip", true.into()))]
    #[case::added_token_that_takes_spaces_after(added("rstrip", true.into()))]
    #[case::added_token_with_a_space(added("content", "two words".into()))]
    fn others_are_not_taken_apart(#[case] changes: Value) {
        assert!(!with(changes).splits_before_spaces());
    }

    #[test]
    fn a_pattern_consists_of_known_alternatives_or_is_unknown() {
        let taken = alternatives(r" ?\p{L}+|'s|\s+(?!\S)|\s+").unwrap();
        assert_eq!(taken, [r" ?\p{L}+", "'s", r"\s+(?!\S)", r"\s+"]);
        for unknown in ["", r"\s", r"\s+|", r"\s+x", r"\s+||\s+"] {
            assert_eq!(alternatives(unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn the_alphabet_has_every_byte_once() {
        let mut bytes: Vec<u8> = ('\0'..='\u{200}').filter_map(byte).collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=u8::MAX).collect::<Vec<_>>());
    }
}
