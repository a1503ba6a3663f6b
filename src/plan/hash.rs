//! A plan's identity.

use super::{Plan, PlannedRequest, Prompt};
use xxhash_rust::xxh3::Xxh3;

/// Raised when the encoding below changes, so that hashes of two versions never meet.
const ENCODING: &[u8] = b"goodput plan 1";

impl Plan {
    /// 32 hexadecimal digits that two plans share if and only if they ask the same at the same
    /// times: the xxh3-128 of their content. Request ids and notes do not count, nor do input
    /// lengths, which follow from the prompts.
    ///
    /// The hashed bytes are `goodput plan 1`, the number of requests, then for each request its
    /// `at` in nanoseconds, its output tokens, and its prompt: a kind byte (0 text, 1 token ids,
    /// 2 messages), a length, and as many UTF-8 bytes, 32-bit ids, or JSON texts that have their
    /// own length first. All numbers are little-endian, lengths and times with 64 bits.
    pub fn hash(&self) -> String {
        hash(&[&self.requests])
    }
}

/// The hash of a plan that has these requests, one part after the other.
pub(crate) fn hash(parts: &[&[PlannedRequest]]) -> String {
    let mut hasher = Xxh3::new();
    hasher.update(ENCODING);
    let count: usize = parts.iter().map(|part| part.len()).sum();
    number(&mut hasher, count as u64);
    for request in parts.iter().copied().flatten() {
        number(&mut hasher, request.at.0);
        number(&mut hasher, request.output_tokens);
        match &request.prompt {
            Prompt::Text(text) => {
                hasher.update(&[0]);
                bytes(&mut hasher, text.as_bytes());
            }
            Prompt::Tokens(ids) => {
                hasher.update(&[1]);
                number(&mut hasher, ids.len() as u64);
                for id in ids {
                    hasher.update(&id.to_le_bytes());
                }
            }
            Prompt::Messages(messages) => {
                hasher.update(&[2]);
                number(&mut hasher, messages.len() as u64);
                for message in messages {
                    bytes(&mut hasher, message.to_string().as_bytes());
                }
            }
        }
    }
    format!("{:032x}", hasher.digest128())
}

fn number(hasher: &mut Xxh3, value: u64) {
    hasher.update(&value.to_le_bytes());
}

fn bytes(hasher: &mut Xxh3, bytes: &[u8]) {
    number(hasher, bytes.len() as u64);
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Nanos,
        plan::PlannedRequest,
        record::{CountSource, TokenCount},
    };
    use rstest::rstest;
    use serde_json::json;
    use xxhash_rust::xxh3::xxh3_128;

    fn plan(prompts: impl IntoIterator<Item = Prompt>) -> Plan {
        let requests = prompts.into_iter().map(|prompt| PlannedRequest {
            at: Nanos(7),
            prompt,
            input: TokenCount {
                tokens: 1,
                source: CountSource::Estimate,
            },
            output_tokens: 9,
            id: "a".into(),
        });
        Plan {
            requests: requests.collect(),
            notes: Vec::new(),
        }
    }

    fn text(text: &str) -> Prompt {
        Prompt::Text(text.into())
    }

    #[test]
    fn the_encoding_is_the_documented_one() {
        let mut bytes = b"goodput plan 1".to_vec();
        for number in [1, 7, 9] {
            bytes.extend(u64::to_le_bytes(number));
        }
        bytes.push(0);
        bytes.extend(u64::to_le_bytes(2));
        bytes.extend(b"hi");
        let expected = format!("{:032x}", xxh3_128(&bytes));
        assert_eq!(plan([text("hi")]).hash(), expected);
    }

    #[test]
    fn hashes_do_not_change_between_versions() {
        let messages = vec![json!({"role": "user", "content": "hi"})];
        let plan = plan([
            text("hi"),
            Prompt::Tokens(vec![1, 2, 70_000]),
            Prompt::Messages(messages),
        ]);
        insta::assert_snapshot!(plan.hash(), @"b3c75b1224261e8685e4b3223196ed80");
    }

    #[rstest]
    #[case::boundaries(plan([text("ab"), text("c")]), plan([text("a"), text("bc")]))]
    #[case::kinds(plan([text("")]), plan([Prompt::Tokens(Vec::new())]))]
    #[case::order(plan([text("a"), text("b")]), plan([text("b"), text("a")]))]
    #[case::time(plan([text("a")]), later(plan([text("a")])))]
    #[case::output(plan([text("a")]), longer(plan([text("a")])))]
    fn what_is_sent_counts(#[case] one: Plan, #[case] other: Plan) {
        assert_ne!(one.hash(), other.hash());
    }

    fn later(mut plan: Plan) -> Plan {
        plan.requests[0].at = Nanos(8);
        plan
    }

    fn longer(mut plan: Plan) -> Plan {
        plan.requests[0].output_tokens += 1;
        plan
    }

    #[test]
    fn names_and_notes_do_not_count() {
        let mut renamed = plan([text("a")]);
        renamed.requests[0].id = "another".into();
        renamed.notes.push("a note".into());
        assert_eq!(renamed.hash(), plan([text("a")]).hash());
    }
}
