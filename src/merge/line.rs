//! A request as a line of a shard's file: a JSON object without what goes without saying.
//!
//! A usual request of 8 tokens takes about 150 bytes, and each further token 7: its time is the distance from the one
//! before, packed as in memory.

use crate::{
    clock::Nanos,
    record::{
        CountSource, Events, Record, RequestError, ServerTimes, Timestamps, TokenCount, TurnId,
        Usage,
    },
    structure::Answered,
};
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use integer_encoding::VarInt;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Token counts of a server: prompt, completion, cached, reasoning.
type Counts = (Option<u64>, Option<u64>, Option<u64>, Option<u64>);

/// A request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line<'a> {
    /// Place in the plan.
    i: usize,
    /// When it was intended; then how much later each is than the one before: dispatched, sent, end, ns.
    t: (u64, i64, i64, i64),
    /// Connected, since it was sent, ns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<i64>,
    /// Head, since it was sent, ns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    h: Option<i64>,
    /// Answered without tokens, since it was sent, ns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    a: Option<i64>,
    #[serde(default = "usual_status", skip_serializing_if = "is_usual_status")]
    status: Option<u16>,
    #[serde(default = "usual_times", skip_serializing_if = "is_usual_times")]
    timestamps: Option<Timestamps>,
    /// Token events: the first since it was sent, then packed, in base64.
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    e: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "is_default")]
    retried: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frontend: Option<u32>,
    #[serde(default, skip_serializing_if = "is_default")]
    asked: u64,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    inputs: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    audio_seconds: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lora: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    class: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    structure: Option<Box<Answered>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    turn: Option<Box<TurnId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session_e2el: Option<Nanos>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    round_e2el: Option<Nanos>,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    text: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    reasoning: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finish: Option<String>,
    /// The server's counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    u: Option<Counts>,
    #[serde(default, skip_serializing_if = "ServerTimes::is_empty")]
    server_times: ServerTimes,
    /// Prompt tokens, unless they are the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input: Option<TokenCount>,
    /// Generated tokens, unless they are the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<TokenCount>,
    #[serde(default, skip_serializing_if = "is_default")]
    cut: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<RequestError>,
}

#[expect(clippy::unnecessary_wraps, reason = "serde asks for the field's type")]
fn usual_status() -> Option<u16> {
    Some(200)
}

#[expect(clippy::ref_option, reason = "serde asks for it")]
fn is_usual_status(status: &Option<u16>) -> bool {
    *status == usual_status()
}

#[expect(clippy::unnecessary_wraps, reason = "serde asks for the field's type")]
fn usual_times() -> Option<Timestamps> {
    Some(Timestamps::Kernel)
}

#[expect(clippy::ref_option, reason = "serde asks for it")]
fn is_usual_times(times: &Option<Timestamps>) -> bool {
    *times == usual_times()
}

fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_one(value: &u64) -> bool {
    *value == 1
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn between(earlier: Nanos, later: Nanos) -> i64 {
    later.0.wrapping_sub(earlier.0).cast_signed()
}

fn from(earlier: Nanos, span: i64) -> Nanos {
    Nanos(earlier.0.wrapping_add_signed(span))
}

/// The count that need not be stored, because the server's is the same.
fn told(count: Option<u64>) -> Option<TokenCount> {
    Some(TokenCount {
        tokens: count?,
        source: CountSource::Usage,
    })
}

impl<'a> Line<'a> {
    /// The line of a request; without what was answered unless `texts`.
    pub(super) fn of(record: &'a Record, texts: bool) -> Self {
        let sent = record.sent;
        let since = |at: Option<Nanos>| at.map(|at| between(sent, at));
        let text = |text: &'a str| Cow::Borrowed(if texts { text } else { "" });
        let usage = record.usage;
        let (prompt, completion) = (
            usage.and_then(|usage| usage.prompt_tokens),
            usage.and_then(|usage| usage.completion_tokens),
        );
        let counted = |count, told: Option<TokenCount>| Some(count).filter(|_| Some(count) != told);
        Line {
            i: record.index,
            t: (
                record.intended.0,
                between(record.intended, record.dispatched),
                between(record.dispatched, sent),
                between(sent, record.end),
            ),
            c: since(record.connected),
            h: since(record.head),
            a: since(record.answered),
            status: record.status,
            timestamps: record.timestamps,
            e: Cow::Owned(packed(&record.events, sent)),
            retried: record.retried,
            frontend: record.frontend,
            asked: record.asked,
            inputs: record.inputs,
            audio_seconds: record.audio_seconds,
            lora: record.lora.clone(),
            class: record.class.clone(),
            client: record.client.clone(),
            structure: record.structure.clone(),
            turn: record.turn.clone(),
            session_e2el: record.session_e2el,
            round_e2el: record.round_e2el,
            text: text(&record.text),
            reasoning: text(&record.reasoning),
            finish: record.finish.clone(),
            u: usage.map(|usage| {
                (
                    usage.prompt_tokens,
                    usage.completion_tokens,
                    usage.cached_tokens,
                    usage.reasoning_tokens,
                )
            }),
            server_times: record.server_times,
            input: counted(record.input, told(prompt)),
            output: counted(record.output, told(completion)),
            cut: record.cut,
            error: record.error.clone(),
        }
    }

    /// The request. `None` if the line contradicts itself.
    pub(super) fn record(self) -> Option<Record> {
        let intended = Nanos(self.t.0);
        let dispatched = from(intended, self.t.1);
        let sent = from(dispatched, self.t.2);
        let at = |since: Option<i64>| since.map(|since| from(sent, since));
        let usage = self.u.map(|(prompt, completion, cached, reasoning)| Usage {
            prompt_tokens: prompt,
            completion_tokens: completion,
            cached_tokens: cached,
            reasoning_tokens: reasoning,
        });
        let prompt = told(usage.and_then(|usage| usage.prompt_tokens));
        let completion = told(usage.and_then(|usage| usage.completion_tokens));
        Some(Record {
            index: self.i,
            intended,
            dispatched,
            sent,
            connected: at(self.c),
            head: at(self.h),
            end: from(sent, self.t.3),
            status: self.status,
            timestamps: self.timestamps,
            retried: self.retried,
            frontend: self.frontend,
            events: unpacked(&self.e, sent)?,
            answered: at(self.a),
            asked: self.asked,
            inputs: self.inputs,
            audio_seconds: self.audio_seconds,
            lora: self.lora,
            class: self.class,
            client: self.client,
            structure: self.structure,
            turn: self.turn,
            session_e2el: self.session_e2el,
            round_e2el: self.round_e2el,
            text: self.text.into_owned(),
            reasoning: self.reasoning.into_owned(),
            finish: self.finish,
            usage,
            server_times: self.server_times,
            input: self.input.or(prompt)?,
            output: self.output.or(completion)?,
            cut: self.cut,
            error: self.error,
        })
    }
}

fn packed(events: &Events, sent: Nanos) -> String {
    let Some(first) = events.first_at() else {
        return String::new();
    };
    let mut bytes = between(sent, first).encode_var_vec();
    bytes.extend_from_slice(events.packed());
    BASE64_STANDARD_NO_PAD.encode(bytes)
}

fn unpacked(text: &str, sent: Nanos) -> Option<Events> {
    if text.is_empty() {
        return Some(Events::default());
    }
    let mut bytes = BASE64_STANDARD_NO_PAD.decode(text).ok()?;
    let (first, size) = i64::decode_var(&bytes)?;
    bytes.drain(..size);
    Events::unpacked(from(sent, first), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Channel, TokenEvent};
    use proptest::prelude::*;

    fn any_record() -> impl Strategy<Value = Record> {
        let event = (0..u64::MAX, 0..9_u32).prop_map(|(at, tokens)| TokenEvent {
            at: Nanos(at),
            tokens,
            channel: Channel::Answer,
        });
        let events = prop::collection::vec(event, 0..20);
        let times = prop::collection::vec(prop_oneof![0..u64::MAX, 0..10_000_000_000_u64], 4);
        let maybe = || prop::option::of(0..5_000_000_000_u64);
        let count = |tokens| {
            prop_oneof![Just(CountSource::Usage), Just(CountSource::Estimate)]
                .prop_map(move |source| TokenCount { tokens, source })
        };
        let counts = (0..3_u64, 0..3_u64)
            .prop_flat_map(move |(input, output)| (count(input), count(output)));
        let usage = prop::option::of((prop::option::of(0..3_u64), prop::option::of(0..3_u64)));
        (
            (0..usize::MAX, times, maybe(), maybe(), maybe(), events),
            (
                counts,
                usage,
                "[a\"\\\\é]{0,4}",
                any::<bool>(),
                prop::option::of(0..600_u16),
            ),
        )
            .prop_map(
                |(
                    (index, times, connected, head, answered, events),
                    ((input, output), usage, text, failed, status),
                )| Record {
                    index,
                    intended: Nanos(times[0]),
                    dispatched: Nanos(times[1]),
                    sent: Nanos(times[2]),
                    end: Nanos(times[3]),
                    connected: connected.map(Nanos),
                    head: head.map(Nanos),
                    answered: answered.map(Nanos),
                    events: events.into_iter().collect(),
                    input,
                    output,
                    usage: usage.map(|(prompt, completion)| Usage {
                        prompt_tokens: prompt,
                        completion_tokens: completion,
                        ..Usage::default()
                    }),
                    reasoning: text.clone(),
                    finish: Some(text.clone()).filter(|text| !text.is_empty()),
                    class: (text.len() > 2).then(|| text.as_str().into()),
                    turn: failed.then(|| {
                        Box::new(TurnId {
                            session: 3,
                            name: text.clone(),
                            number: 1,
                        })
                    }),
                    error: failed.then(|| RequestError::Server {
                        message: text.clone(),
                    }),
                    retried: failed,
                    frontend: failed.then_some(2),
                    cut: failed,
                    inputs: 1 + u64::from(failed),
                    text,
                    status,
                    timestamps: failed.then_some(Timestamps::Monotonic),
                    ..crate::metrics::testing::record(0, &[], 0)
                },
            )
    }

    proptest! {
        #[test]
        fn a_line_is_its_request(record in any_record()) {
            let text = serde_json::to_string(&Line::of(&record, true)).unwrap();
            let line: Line<'_> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(line.record().unwrap(), record);
        }

        #[test]
        fn any_line_is_answered(text in "[\\[{}\\],:\"ite0-9a-]{0,60}") {
            if let Ok(line) = serde_json::from_str::<Line<'_>>(&text) {
                let _ = line.record();
            }
        }
    }

    #[test]
    fn events_that_contradict_themselves_are_refused() {
        assert!(unpacked("AAAA", Nanos(5)).is_some());
        for text in ["!", "/w", "AAA//w"] {
            assert_eq!(unpacked(text, Nanos(5)), None, "{text}");
        }
    }

    #[test]
    fn answers_stay_on_their_machine_unless_they_are_wanted() {
        let mut record = crate::metrics::testing::record(0, &[10, 20], 2);
        "the answer".clone_into(&mut record.text);
        let text = serde_json::to_string(&Line::of(&record, false)).unwrap();
        assert!(!text.contains("answer"), "{text}");
    }
}
