//! Finds the special tokens of a tokenizer.

use super::TokenizerError;
use crate::files::text;
use serde_json::{Map, Value};
use std::{io, path::Path};
use tokenizers::Tokenizer;

/// Hugging Face's names for single special tokens.
const SINGLE: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
];

/// Hugging Face's names for further special tokens: a list, or an object.
const SEVERAL: [&str; 2] = ["additional_special_tokens", "extra_special_tokens"];

/// Ids of all special tokens, ascending.
pub(super) fn ids(
    tokenizer: &Tokenizer,
    folder: Option<&Path>,
) -> Result<Vec<u32>, TokenizerError> {
    let mut named = Vec::new();
    if let Some(folder) = folder {
        let config = settings(&folder.join("tokenizer_config.json"))?;
        let map = settings(&folder.join("special_tokens_map.json"))?;
        let field = |key: &str| config.get(key).or_else(|| map.get(key));
        let single = SINGLE.iter().filter_map(|key| field(key));
        let several = SEVERAL
            .iter()
            .filter_map(|key| field(key))
            .flat_map(members);
        named.extend(single.chain(several).filter_map(content).map(str::to_owned));
    }
    let mut ids: Vec<u32> = if named.is_empty() {
        tokenizer
            .get_added_tokens_decoder()
            .into_iter()
            .filter_map(|(id, token)| token.special.then_some(id))
            .collect()
    } else {
        named
            .iter()
            .filter_map(|token| tokenizer.token_to_id(token))
            .collect()
    };
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn members(several: &Value) -> Vec<&Value> {
    match several {
        Value::Array(list) => list.iter().collect(),
        Value::Object(named) => named.values().collect(),
        _ => Vec::new(),
    }
}

/// Text of a token, which is a string or an object that contains it.
fn content(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token.get("content")?.as_str())
}

/// Reads a JSON object from a file; empty if there is no such file.
fn settings(path: &Path) -> Result<Map<String, Value>, TokenizerError> {
    let wrong = |why: String| TokenizerError::new(format!("`{}`: {why}", path.display()));
    let text = match text::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Map::new()),
        Err(error) => return Err(wrong(format!("cannot be read: {error}"))),
    };
    serde_json::from_str(&text).map_err(|error| wrong(format!("is not a JSON object: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::scratch;
    use rstest::rstest;

    fn embedded() -> Tokenizer {
        Tokenizer::from_bytes(include_bytes!("embedded/tokenizer.json")).unwrap()
    }

    #[rstest]
    #[case::strings(r#"{"eos_token": "the", "bos_token": null}"#, &["the"])]
    #[case::objects(r#"{"pad_token": {"content": "the", "lstrip": false}}"#, &["the"])]
    #[case::list(r#"{"additional_special_tokens": ["for", {"content": "and"}]}"#, &["for", "and"])]
    #[case::object(r#"{"extra_special_tokens": {"image_token": "for"}}"#, &["for"])]
    #[case::names_none(r#"{"model_max_length": 8192}"#, &["<|endoftext|>"])]
    fn config_names_the_special_tokens(#[case] config: &str, #[case] tokens: &[&str]) {
        let folder = scratch();
        folder.file("tokenizer_config.json", config);
        let tokenizer = embedded();
        let mut expected: Vec<u32> = tokens
            .iter()
            .map(|token| tokenizer.token_to_id(token).unwrap())
            .collect();
        expected.sort_unstable();
        assert_eq!(ids(&tokenizer, Some(&folder)).unwrap(), expected);
    }

    #[test]
    fn the_map_fills_what_the_config_leaves_open() {
        let folder = scratch();
        folder.file("tokenizer_config.json", r#"{"eos_token": "the"}"#);
        let map = r#"{"eos_token": "and", "bos_token": "for"}"#;
        folder.file("special_tokens_map.json", map);
        let tokenizer = embedded();
        let found = ids(&tokenizer, Some(&folder)).unwrap();
        assert_eq!(found.len(), 2);
        assert!(!found.contains(&tokenizer.token_to_id("and").unwrap()));
    }

    #[test]
    fn a_broken_config_is_named() {
        let folder = scratch();
        folder.file("tokenizer_config.json", "[]");
        let error = ids(&embedded(), Some(&folder)).unwrap_err().to_string();
        assert!(
            error.contains("tokenizer_config.json`: is not a JSON object"),
            "{error}"
        );
    }
}
