//! The text that questions and answers are cut from.

use crate::{
    plan::{
        PlanError, PlanSpec,
        dataset::complaints::{self, Complaints},
    },
    tokenizer::Codec,
};
use std::path::Path;

/// Bytes of all text files together. A book has about a million.
const LARGEST: usize = 64 << 20;

/// Bytes that stand for a token where there is no tokenizer.
const BYTES: usize = 4;

/// A text, in tokens.
pub(super) enum Text<'a> {
    /// Tokens of the tokenizer.
    Tokens { codec: &'a Codec, ids: Vec<u32> },
    /// Without a tokenizer: where pieces of about four bytes end.
    Pieces { text: String, ends: Vec<usize> },
}

impl<'a> Text<'a> {
    /// Reads the files one after the other. Their paths are relative to the folder of `object`; a file that is not there is
    /// looked for in the working folder, where vLLM's script looks.
    pub(super) fn read(
        object: &Path,
        files: &[String],
        spec: &PlanSpec<'a>,
    ) -> Result<Self, PlanError> {
        let mut complaints = Complaints::about(object);
        let mut texts = Vec::new();
        for (place, file) in files.iter().enumerate() {
            let next_to_it = object.parent().unwrap_or(Path::new("")).join(file);
            let path = if !next_to_it.exists() && Path::new(file).exists() {
                Path::new(file)
            } else {
                &next_to_it
            };
            match complaints::read(path) {
                // As Python reads lines.
                Ok(text) => texts.push(text.replace("\r\n", "\n").replace('\r', "\n")),
                Err(error) => {
                    complaints.add(&format!("field `text_files[{place}]`"), &error.to_string());
                }
            }
        }
        let bytes: usize = texts.iter().map(String::len).sum();
        if bytes > LARGEST {
            let what =
                format!("the files have {bytes} bytes together; write files of at most {LARGEST}");
            complaints.add("field `text_files`", &what);
        }
        complaints.check()?;
        Ok(match spec.tokenizer.codec() {
            Some(codec) => {
                let mut ids = Vec::new();
                for text in &texts {
                    ids.extend(codec.encode_long(text)?);
                }
                Text::Tokens { codec, ids }
            }
            None => {
                let text = texts.concat();
                let mut ends: Vec<usize> = Vec::new();
                for (start, char) in text.char_indices() {
                    let begin = ends.last().copied().unwrap_or(0);
                    if start + char.len_utf8() - begin >= BYTES {
                        ends.push(start + char.len_utf8());
                    }
                }
                Text::Pieces { text, ends }
            }
        })
    }

    /// Number of tokens.
    pub(super) fn len(&self) -> usize {
        match self {
            Text::Tokens { ids, .. } => ids.len(),
            Text::Pieces { ends, .. } => ends.len(),
        }
    }

    /// Tokens as a text; `None` if there are not as many.
    pub(super) fn cut(&self, from: usize, count: usize) -> Option<Result<String, PlanError>> {
        let to = from.checked_add(count)?;
        match self {
            Text::Tokens { codec, ids } => {
                Some(codec.decode(ids.get(from..to)?).map_err(PlanError::from))
            }
            Text::Pieces { text, ends } => {
                let end = |pieces: usize| match pieces.checked_sub(1) {
                    None => Some(0),
                    Some(last) => ends.get(last).copied(),
                };
                Some(Ok(text[end(from)?..end(to)?].to_owned()))
            }
        }
    }

    /// Tokens of another text.
    pub(super) fn count(&self, other: &str) -> Result<usize, PlanError> {
        match self {
            Text::Tokens { codec, .. } => codec.count(other, false).map_err(PlanError::from),
            Text::Pieces { .. } => Ok(other.len().div_ceil(BYTES)),
        }
    }
}
