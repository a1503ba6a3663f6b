//! The JSON of OpenAI-style answers: the parts that are read.
//!
//! One set of types serves chat and completions, streamed and whole. Values of which only the text or the truth
//! matters stay raw: they are borrowed, so that a token without escapes costs no allocation, and a field of an
//! unexpected type does not make an answer unreadable.

use super::{
    json::{lenient, present, string},
    usage::UsageObject,
};
use crate::record::{Channel, ServerTimes};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// A stream event, or a whole answer.
#[derive(Debug, Deserialize)]
pub(in crate::backend) struct Chunk<'a> {
    #[serde(borrow, default)]
    pub(in crate::backend) choices: Choices<'a>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::backend) usage: Option<UsageObject>,
    #[serde(borrow)]
    pub(in crate::backend) error: Option<&'a RawValue>,
    /// vLLM's own times, with the last event.
    #[serde(borrow)]
    metrics: Option<&'a RawValue>,
}

impl Chunk<'_> {
    /// Takes the server's own times of the request, if there are any. As in vLLM's client, anything but a number is
    /// ignored.
    pub(in crate::backend) fn server_times(&self, told: &mut ServerTimes) {
        #[derive(Deserialize)]
        struct Told<'a> {
            #[serde(borrow)]
            queue_time_ms: Option<&'a RawValue>,
            #[serde(borrow)]
            time_to_first_token_ms: Option<&'a RawValue>,
        }
        let Some(metrics) = self.metrics else { return };
        let Ok(times) = serde_json::from_str::<Told<'_>>(metrics.get()) else {
            return;
        };
        let number = |raw: Option<&RawValue>| serde_json::from_str::<f64>(raw?.get()).ok();
        *told = ServerTimes {
            queue_ms: number(times.queue_time_ms),
            ttft_ms: number(times.time_to_first_token_ms),
        };
    }
}

/// One choice of a [`Chunk`].
#[derive(Debug, Deserialize)]
pub(in crate::backend) struct Choice<'a> {
    #[serde(borrow)]
    index: Option<&'a RawValue>,
    /// The text of completions.
    #[serde(borrow)]
    pub(in crate::backend) text: Option<&'a RawValue>,
    /// The message of chat, streamed.
    #[serde(borrow)]
    delta: Option<Message<'a>>,
    /// The message of chat, whole.
    #[serde(borrow)]
    message: Option<Message<'a>>,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    token_ids: Option<&'a RawValue>,
    #[serde(borrow)]
    logprobs: Option<&'a RawValue>,
}

/// A chat message, or its new part.
#[derive(Debug, Deserialize)]
pub(in crate::backend) struct Message<'a> {
    /// Whether there is a `role` key, whatever its value.
    #[serde(rename = "role", default, deserialize_with = "present")]
    pub(in crate::backend) has_role: bool,
    #[serde(borrow)]
    pub(in crate::backend) content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(in crate::backend) reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(in crate::backend) reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(in crate::backend) tool_calls: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(in crate::backend) function_call: Option<&'a RawValue>,
}

/// What a dialect reads from a choice.
#[derive(Debug, Default, PartialEq)]
pub(in crate::backend) struct Piece<'a> {
    /// The channel of the text, if the choice moves the token clock.
    pub(in crate::backend) channel: Option<Channel>,
    pub(in crate::backend) text: Option<Cow<'a, str>>,
    pub(in crate::backend) reasoning: Option<Cow<'a, str>>,
}

/// How a dialect reads a choice.
pub(in crate::backend) type ReadChoice = for<'a> fn(&Choice<'a>) -> Piece<'a>;

impl<'a> Choice<'a> {
    /// The chat message in it.
    pub(in crate::backend) fn message(&self) -> Option<&Message<'a>> {
        self.delta.as_ref().or(self.message.as_ref())
    }

    /// `finish_reason`, unless it is null or empty: some servers write an empty one until the last.
    pub(in crate::backend) fn finish(&self) -> Option<Cow<'a, str>> {
        string(self.finish_reason?).filter(|reason| !reason.is_empty())
    }

    /// Returns whether the choice is of the answer that is measured: of several the one with index 0.
    fn is_first(&self) -> bool {
        is_first(self.index)
    }

    /// The number of tokens in the choice, if it says so: the length of `token_ids`, else that of the
    /// log-probabilities (`content` in chat, `tokens` in completions).
    pub(in crate::backend) fn tokens(&self) -> Option<u64> {
        #[derive(Deserialize)]
        struct Logprobs {
            content: Option<Length>,
            tokens: Option<Length>,
        }
        let ids = || length(self.token_ids?);
        let logprobs = || {
            let logprobs = serde_json::from_str::<Logprobs>(self.logprobs?.get()).ok()?;
            logprobs
                .content
                .or(logprobs.tokens)
                .map(|Length(length)| length)
        };
        ids().or_else(logprobs).filter(|length| *length > 0)
    }
}

/// Returns whether this is the index of the first of several answers, or no index at all.
pub(in crate::backend) fn is_first(index: Option<&RawValue>) -> bool {
    let index = index.and_then(|raw| raw.get().parse().ok());
    index.is_none_or(|index: f64| index == 0.0)
}

/// The length of an array; `None` if the value is not one.
pub(in crate::backend) fn length(value: &RawValue) -> Option<u64> {
    let Length(length) = serde_json::from_str(value.get()).ok()?;
    Some(length)
}

/// Whether Python would call the value true, which is how vLLM's client decides.
pub(in crate::backend) fn truthy(value: &&RawValue) -> bool {
    match value.get().as_bytes() {
        b"null" | b"false" | b"0" | b"\"\"" => false,
        [b'[', inner @ .., b']'] | [b'{', inner @ .., b'}'] => !inner.trim_ascii().is_empty(),
        _ => true,
    }
}

/// The choices of an event: the first answer's, and whether there are others.
#[derive(Debug, Default)]
pub(in crate::backend) struct Choices<'a> {
    pub(super) first: Option<Choice<'a>>,
    pub(super) others: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for Choices<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ChoicesVisitor;

        impl<'de> Visitor<'de> for ChoicesVisitor {
            type Value = Choices<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_unit<E>(self) -> Result<Choices<'de>, E> {
                Ok(Choices::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Choices<'de>, A::Error> {
                let mut choices = Choices::default();
                while let Some(choice) = seq.next_element::<Choice<'de>>()? {
                    if choices.first.is_none() && choice.is_first() {
                        choices.first = Some(choice)
                    } else {
                        choices.others = true
                    }
                }
                Ok(choices)
            }
        }

        deserializer.deserialize_any(ChoicesVisitor)
    }
}

/// The length of an array.
struct Length(u64);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LengthVisitor;

        impl<'de> Visitor<'de> for LengthVisitor {
            type Value = Length;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Length, A::Error> {
                let mut length = 0;
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    length += 1;
                }
                Ok(Length(length))
            }
        }

        deserializer.deserialize_seq(LengthVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("null", false)]
    #[case("false", false)]
    #[case("0", false)]
    #[case("\"\"", false)]
    #[case("[]", false)]
    #[case("{ }", false)]
    #[case("\" \"", true)]
    #[case("[{}]", true)]
    #[case(r#"{"name":""}"#, true)]
    #[case("1", true)]
    fn truth_is_pythons(#[case] json: &str, #[case] expected: bool) {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        assert_eq!(truthy(&raw), expected);
    }

    /// The cases of vLLM's own test, and more.
    #[rstest]
    #[case::both(r#"{"metrics":{"queue_time_ms":0.0,"time_to_first_token_ms":1250}}"#, (Some(0.0), Some(1250.0)))]
    #[case::one(r#"{"metrics":{"time_to_first_token_ms":1.5,"queue_time_ms":null}}"#, (None, Some(1.5)))]
    #[case::no_numbers(r#"{"metrics":{"queue_time_ms":true,"time_to_first_token_ms":"3"}}"#, (None, None))]
    #[case::null(r#"{"metrics":null}"#, (None, None))]
    #[case::no_object(r#"{"metrics":"invalid"}"#, (None, None))]
    #[case::none("{}", (None, None))]
    fn the_servers_own_times(#[case] json: &str, #[case] expected: (Option<f64>, Option<f64>)) {
        let chunk: Chunk<'_> = serde_json::from_str(json).unwrap();
        let mut told = ServerTimes::default();
        chunk.server_times(&mut told);
        assert_eq!((told.queue_ms, told.ttft_ms), expected);
    }

    #[rstest]
    #[case::ids_first(r#"{"token_ids":[1,2,3],"logprobs":{"content":[{}]}}"#, Some(3))]
    #[case::chat(
        r#"{"token_ids":null,"logprobs":{"content":[{"top":[1,2]},{}]}}"#,
        Some(2)
    )]
    #[case::completions(r#"{"logprobs":{"tokens":["a"],"token_logprobs":[-1.0]}}"#, Some(1))]
    #[case::null(r#"{"logprobs":null}"#, None)]
    #[case::empty(r#"{"token_ids":[]}"#, None)]
    #[case::odd(r#"{"token_ids":{"a":1},"logprobs":[0.5]}"#, None)]
    fn token_counts(#[case] json: &str, #[case] expected: Option<u64>) {
        let choice: Choice<'_> = serde_json::from_str(json).unwrap();
        assert_eq!(choice.tokens(), expected);
    }

    #[rstest]
    #[case(r#"{"choices":[{"text":"a"},{"text":"b"}]}"#, Some("\"a\""))]
    #[case(r#"{"choices":[]}"#, None)]
    #[case(r#"{"choices":null}"#, None)]
    #[case("{}", None)]
    fn only_the_first_choice_counts(#[case] json: &str, #[case] expected: Option<&str>) {
        let chunk: Chunk<'_> = serde_json::from_str(json).unwrap();
        let text = chunk.choices.first.and_then(|choice| choice.text);
        assert_eq!(text.map(RawValue::get), expected);
    }
}
