//! The backends against recorded answers of real servers.

// Clippy sees tests only in functions marked as such, not in their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod oracle;
mod reframe;
mod replay;

use goodput::{
    backend::{by_name, error_body, sse::SseDecoder},
    clock::Nanos,
    record::{Reply, RequestError},
};
use proptest::{prelude::*, sample::select};
use rstest::rstest;
use std::{fmt::Write, fs, path::PathBuf};

/// Streams that a backend decodes.
const STREAMS: &[&str] = &[
    "llama-chat-stream",
    "llama-chat-stream-usage",
    "llama-completions-stream",
    "llama-err-badmodel",
    "vllm-chat-json-schema-stream",
    "vllm-chat-reasoning-stream",
    "vllm-chat-stream",
    "vllm-chat-stream-len1",
    "vllm-chat-stream-logprobs",
    "vllm-chat-stream-n2",
    "vllm-chat-stream-usage",
    "vllm-chat-tool-named-stream",
    "vllm-completions-stream",
    "vllm-completions-stream-interval4",
    "vllm-completions-stream-logprobs",
    "vllm-completions-stream-usage",
    "vllm-completions-tokenids",
];

/// Answers in one piece.
const WHOLE: &[&str] = &[
    "llama-chat-nostream",
    "vllm-chat-nostream",
    "vllm-completions-nostream",
];

/// Streams of other dialects.
const FOREIGN: &[&str] = &[
    "llama-native-completion-stream",
    "vllm-anthropic-stream",
    "vllm-responses-stream",
];

fn fixture(file: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    fs::read(path.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

fn body(name: &str) -> Vec<u8> {
    fixture(&format!("{name}.body"))
}

/// A wrong model name, too, was sent to a chat endpoint.
fn is_chat(name: &str) -> bool {
    !name.contains("completions")
}

/// Decodes reads, each with its time.
fn decode<'a>(
    name: &str,
    reads: impl IntoIterator<Item = (u64, &'a [u8])>,
) -> (Reply, Result<(), RequestError>) {
    let backend = if is_chat(name) { "openai-chat" } else { "vllm" };
    let stream = !WHOLE.contains(&name);
    let mut decoder = by_name(backend).expect(backend).decoder(stream);
    let mut reply = Reply::default();
    let mut last = 0;
    for (at, bytes) in reads {
        last = at;
        if let Err(error) = decoder.data(Nanos(at), bytes, &mut reply) {
            return (reply, Err(error));
        }
    }
    let result = decoder.end(Nanos(last), &mut reply);
    (reply, result)
}

fn decode_whole(name: &str, body: &[u8]) -> Reply {
    let (reply, result) = decode(name, [(1, body)]);
    assert_eq!(result, Ok(()), "{name}");
    reply
}

/// Cuts a body at positions that are given as shares of its length.
fn cut<'a>(body: &'a [u8], shares: &[f64]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = shares
        .iter()
        .map(|share| (share * body.len() as f64) as usize)
        .collect();
    places.extend([0, body.len()]);
    places.sort_unstable();
    places.windows(2).map(|w| &body[w[0]..w[1]]).collect()
}

fn shares() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.0..1.0_f64, 0..40)
}

#[test]
fn captures_decode_to_what_they_say() {
    for name in STREAMS {
        let body = body(name);
        let reply = decode_whole(name, &body);
        let expected = oracle::read(&String::from_utf8(body).unwrap(), is_chat(name));
        assert_eq!(oracle::of(&reply), expected, "{name}");
        // Where every event says how many tokens it brings, they add up to what usage says.
        let counts = reply.events.iter().map(|event| u64::from(event.tokens));
        if let Some(usage) = reply.usage
            && counts.clone().all(|tokens| tokens > 0)
        {
            assert_eq!(Some(counts.sum()), usage.completion_tokens, "{name}");
        }
    }
}

#[test]
fn summary_of_all_captures() {
    let mut summary = String::new();
    for name in STREAMS.iter().chain(WHOLE) {
        let reply = decode_whole(name, &body(name));
        let channels: Vec<_> = reply.events.iter().map(|event| event.channel).collect();
        let runs: Vec<_> = channels
            .chunk_by(|a, b| a == b)
            .map(|run| format!("{} {:?}", run.len(), run[0]))
            .collect();
        let tokens: Vec<_> = reply.events.iter().map(|event| event.tokens).collect();
        writeln!(summary, "{name}").unwrap();
        writeln!(summary, "  events    {}", runs.join(", ")).unwrap();
        if tokens.iter().any(|tokens| *tokens > 0) {
            writeln!(summary, "  tokens    {tokens:?}").unwrap();
        }
        writeln!(summary, "  text      {:?}", reply.text).unwrap();
        if !reply.reasoning.is_empty() {
            writeln!(summary, "  reasoning {:?}", reply.reasoning).unwrap();
        }
        if let Some(usage) = reply.usage {
            let counts = [
                ("prompt", usage.prompt_tokens),
                ("completion", usage.completion_tokens),
                ("cached", usage.cached_tokens),
                ("reasoning", usage.reasoning_tokens),
            ];
            let counts = counts.map(|(key, count)| count.map(|count| format!(" {key} {count}")));
            let counts: String = counts.into_iter().flatten().collect();
            writeln!(summary, "  usage    {counts}").unwrap();
        }
        let finish = reply.finish.as_deref().unwrap_or("nothing");
        writeln!(summary, "  end       {finish}, done {}", reply.done).unwrap();
    }
    insta::assert_snapshot!(summary);
}

#[rstest]
#[case("vllm-err-404", "Not Found")]
#[case(
    "vllm-err-badmodel",
    "The model `nope` does not exist. Valid aliases: tiny."
)]
#[case(
    "vllm-err-malformed",
    "1 validation error:\n  {'type': 'json_invalid', 'loc': 'body.35', 'msg': 'JSON decode error', \
     'input': '<dict of 0 items>', 'ctx': {'error': \"Expecting ':' delimiter\"}}"
)]
#[case(
    "vllm-err-toolong",
    "This model's maximum context length is 2048 tokens. However, your prompt contains at least 2049 \
     input tokens, which exceeds this limit even without any output tokens. Please reduce the length \
     of the input prompt. (parameter=input_tokens, value=2049)"
)]
#[case("llama-err-404", "File Not Found")]
fn error_answers_give_their_message(#[case] name: &str, #[case] expected: &str) {
    assert_eq!(error_body(&body(name)), expected);
}

#[test]
fn every_event_of_other_dialects_is_json() {
    for name in FOREIGN {
        let body = body(name);
        let mut named = 0;
        let mut events = Vec::new();
        let mut decoder = SseDecoder::default();
        let mut visit = |event: goodput::backend::sse::Event<'_>| {
            named += usize::from(!event.name.is_empty());
            events.push(serde_json::from_slice::<serde_json::Value>(event.data));
            Ok(())
        };
        for read in body.chunks(97) {
            decoder.feed(Nanos(1), read, &mut visit).unwrap();
        }
        decoder.finish(&mut visit).unwrap();
        let text = String::from_utf8_lossy(&body);
        assert_eq!(events.len(), text.matches("data: ").count(), "{name}");
        assert_eq!(named, text.matches("event: ").count(), "{name}");
        for event in events {
            assert!(event.unwrap().is_object(), "{name}");
        }
    }
}

/// The reads as the kernel delivered them give each token the time that the recorder noted for the
/// line.
#[rstest]
#[case::merged_tokens("vllm-completions-stream")]
#[case::chat("vllm-chat-stream")]
#[case::two_events_a_read("llama-chat-stream-usage")]
fn token_times_are_those_of_the_recording(#[case] name: &str) {
    let reads = replay::reads(
        &fixture(&format!("{name}.http")),
        &fixture(&format!("{name}.recv.tsv")),
    );
    let joined: Vec<u8> = reads.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    assert_eq!(joined, body(name));
    let (reply, result) = decode(name, reads.iter().map(|(at, bytes)| (*at, &bytes[..])));
    assert_eq!(result, Ok(()));
    let lines = fixture(&format!("{name}.lines.tsv"));
    let expected = replay::token_times(&String::from_utf8(lines).unwrap());
    let times: Vec<u64> = reply.events.iter().map(|event| event.at.0).collect();
    assert_eq!(times, expected);
}

#[test]
fn any_prefix_is_complete_or_an_honest_failure() {
    for name in STREAMS {
        let body = body(name);
        // Every length for the shortest, else a step that meets every part of a line.
        let step = if body.len() < 1100 { 1 } else { 7 };
        for length in (0..body.len()).step_by(step) {
            let (reply, result) = decode(name, [(1, &body[..length])]);
            let place = format!("{name} cut at {length}");
            match result {
                Ok(()) => {
                    assert!(reply.finish.is_some() || reply.usage.is_some(), "{place}");
                    assert!(!reply.events.is_empty(), "{place}");
                }
                Err(RequestError::Truncated { .. }) => assert!(!reply.done, "{place}"),
                // Less than a field name is no sign of an event stream.
                Err(RequestError::Malformed { .. } | RequestError::Foreign { .. }) => {
                    assert!(length < 4, "{place}");
                }
                Err(error) => panic!("{place}: {error}"),
            }
        }
    }
}

#[test]
fn bytes_may_come_one_by_one() {
    for name in STREAMS.iter().chain(WHOLE) {
        let body = body(name);
        let (reply, result) = decode(name, body.chunks(1).map(|byte| (1, byte)));
        assert_eq!(
            (reply, result),
            (decode_whole(name, &body), Ok(())),
            "{name}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn any_split_gives_the_same_reply(
        name in select(STREAMS),
        shares in shares(),
    ) {
        let body = body(name);
        let (reply, result) = decode(name, cut(&body, &shares).into_iter().map(|read| (1, read)));
        prop_assert_eq!((reply, result), (decode_whole(name, &body), Ok(())));
    }

    #[test]
    fn any_legal_framing_gives_the_same_reply(
        name in select(STREAMS),
        framing in reframe::framing(),
        shares in shares(),
    ) {
        let body = body(name);
        let reframed = framing.apply(&String::from_utf8(body.clone()).unwrap()).bytes;
        let reads = cut(&reframed, &shares).into_iter().map(|read| (1, read));
        prop_assert_eq!(decode(name, reads), (decode_whole(name, &body), Ok(())));
    }

    #[test]
    fn events_have_the_time_of_the_read_that_ends_their_data(
        name in select(STREAMS),
        framing in reframe::framing(),
        shares in shares(),
    ) {
        let reframed = framing.apply(&String::from_utf8(body(name)).unwrap());
        let reads = cut(&reframed.bytes, &shares);
        let mut times = Vec::new();
        let mut visit = |event: goodput::backend::sse::Event<'_>| {
            times.push(event.at.0 as usize);
            Ok(())
        };
        let mut decoder = SseDecoder::default();
        for (index, read) in reads.iter().enumerate() {
            decoder.feed(Nanos(index as u64), read, &mut visit).unwrap();
        }
        decoder.finish(&mut visit).unwrap();
        let read_of = |place: usize| {
            let ends = reads.iter().scan(0, |end, read| {
                *end += read.len();
                Some(*end)
            });
            ends.take_while(|end| *end <= place).count()
        };
        let expected: Vec<_> = reframed.data_ends.iter().map(|end| read_of(end - 1)).collect();
        prop_assert_eq!(times, expected);
    }
}
