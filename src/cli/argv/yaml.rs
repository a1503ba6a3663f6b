//! Files of flags: YAML, as Python's reader has it.

use serde::de::DeserializeOwned;
use serde_saphyr::{DuplicateKeyPolicy, NonFiniteFloatPolicy};

/// Parses a mapping of flags to values, of which `example` is one. An error shows none of the file's lines, which may contain
/// keys.
pub(in crate::cli) fn mapping<T: DeserializeOwned>(text: &str, example: &str) -> Result<T, String> {
    let options = serde_saphyr::options! {
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        duplicate_keys: DuplicateKeyPolicy::LastWins,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|e| {
        let place = e.location().map_or_else(String::new, |at| {
            format!(" (line {}, column {})", at.line(), at.column())
        });
        format!(
            "is not a YAML mapping of flags to values{place}. Write one flag a line, such as `{example}`"
        )
    })
}
