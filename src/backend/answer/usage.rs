//! The `usage` object of OpenAI-style answers.

use super::json::{count, lenient};
use crate::record::Usage;
use serde::Deserialize;

/// The object `usage` on the wire. Every key may be missing, null, or not a count, and is then ignored.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(in crate::backend) struct UsageObject {
    #[serde(deserialize_with = "count")]
    prompt_tokens: Option<u64>,
    #[serde(deserialize_with = "count")]
    completion_tokens: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(deserialize_with = "lenient")]
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    #[serde(deserialize_with = "count")]
    cached_tokens: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    #[serde(deserialize_with = "count")]
    reasoning_tokens: Option<u64>,
}

impl From<UsageObject> for Usage {
    fn from(wire: UsageObject) -> Usage {
        Usage {
            prompt_tokens: wire.prompt_tokens,
            completion_tokens: wire.completion_tokens,
            cached_tokens: wire.prompt_tokens_details.and_then(|d| d.cached_tokens),
            reasoning_tokens: wire
                .completion_tokens_details
                .and_then(|d| d.reasoning_tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::vllm(
        r#"{"prompt_tokens":21,"total_tokens":37,"completion_tokens":16,"prompt_tokens_details":null,
            "completion_tokens_details":{"reasoning_tokens":3}}"#,
        [Some(21), Some(16), None, Some(3)]
    )]
    #[case::llama(
        r#"{"completion_tokens":24,"prompt_tokens":29,"total_tokens":53,
            "prompt_tokens_details":{"cached_tokens":24}}"#,
        [Some(29), Some(24), Some(24), None]
    )]
    #[case::nulls(r#"{"prompt_tokens":null,"prompt_tokens_details":{}}"#, [None; 4])]
    #[case::whole_floats(r#"{"prompt_tokens":21.0,"completion_tokens":4.0}"#, [Some(21), Some(4), None, None])]
    #[case::no_counts(
        r#"{"prompt_tokens":-3,"completion_tokens":"4","prompt_tokens_details":7,
            "completion_tokens_details":{"reasoning_tokens":1.5}}"#,
        [None; 4]
    )]
    #[case::nothing("{}", [None; 4])]
    fn from_the_wire(#[case] json: &str, #[case] expected: [Option<u64>; 4]) {
        let usage = Usage::from(serde_json::from_str::<UsageObject>(json).unwrap());
        let found = [
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.cached_tokens,
            usage.reasoning_tokens,
        ];
        assert_eq!(found, expected);
    }
}
