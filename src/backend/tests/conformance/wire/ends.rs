//! When an answer is over, whatever its body does then.

use super::{
    super::answers::Golden,
    served::{
        Act, Close, HEAD, ReadBody, Wait, chunk, chunked, drive, drive_many, each, marks_its_end,
        succeeded, write,
    },
};
use crate::{
    clock::Nanos,
    record::{Phase, RequestError, Task},
};
use rstest::rstest;
use std::time::Duration;

/// The end was said; that the body stays open, or breaks off, changes nothing.
#[rstest]
#[case::held(vec![Wait(3_600_000)])]
#[case::closed(vec![Close])]
#[case::pings((0..200).flat_map(|_| [Wait(400), write(chunk(b": ping\n\n", ""))]).collect())]
fn a_body_that_does_not_end(#[case] then: Vec<Act>) {
    each(|backend, golden| {
        let (answer, then) = (chunked(golden, ""), then.clone());
        let outcome = drive(backend, golden.stream, move |_| {
            let acts = [ReadBody, write(&answer)];
            acts.into_iter().chain(then.clone()).collect()
        });
        let name = backend.name();
        if !marks_its_end(&**backend, golden) {
            let error = &outcome.records[0].error;
            return assert!(error.is_some(), "{name}: {error:?}");
        }
        succeeded(&outcome, &**backend, golden);
        // The request is over when it said so, and its connection is not used again.
        assert_eq!(outcome.connections(), 2, "{name}");
        for record in &outcome.records {
            assert_eq!(record.end, record.events.last_at().unwrap(), "{name}");
        }
        let waited = outcome.records[1].sent - outcome.records[0].end;
        assert!(waited <= Duration::from_millis(100), "{name}: {waited:?}");
    });
}

/// A server that never ends its bodies holds up the next request once, not each of them; and its connections
/// are kept again once it ends its bodies.
#[test]
fn bodies_that_stay_open_hold_up_no_queue() {
    each(|backend, golden| {
        if !marks_its_end(&**backend, golden) {
            return;
        }
        let answer = chunked(golden, "");
        let outcome = drive_many(9, backend, golden.stream, 0, move |number| {
            let then = match number {
                0..4 => vec![Wait(3_600_000)],
                _ => vec![Wait(20), write("0\r\n\r\n")],
            };
            let acts = [ReadBody, Wait(50), write(&answer)];
            acts.into_iter().chain(then).collect()
        });
        let name = backend.name();
        assert_eq!(outcome.records.len(), 9);
        let pairs = outcome.records.windows(2);
        let waits: Vec<_> = pairs
            .map(|pair| (pair[1].sent - pair[0].end).as_millis())
            .collect();
        // The fifth body is the first that ends; by then the next request is on its way.
        assert_eq!(waits[..5], [100, 0, 0, 0, 0], "{name}");
        assert_eq!(waits[6..], [20, 20], "{name}");
        let connected = outcome.records.iter().map(|r| r.connected.is_some());
        let connected: Vec<bool> = connected.collect();
        assert_eq!(connected[..5], [true; 5], "{name}");
        assert_eq!(connected[7..], [false; 2], "{name}");
    });
}

/// A body that ends a little later than its content keeps its connection, and its request is over with the
/// content.
#[test]
fn a_late_end_of_the_body_keeps_the_connection() {
    each(|backend, golden| {
        let answer = chunked(golden, "");
        let outcome = drive(backend, golden.stream, move |_| {
            vec![write(&answer), Wait(20), write("0\r\n\r\n")]
        });
        succeeded(&outcome, &**backend, golden);
        assert_eq!(outcome.connections(), 1, "{}", backend.name());
        let record = &outcome.records[1];
        let late = if marks_its_end(&**backend, golden) {
            0
        } else {
            20
        };
        let took = (record.end - record.sent).as_millis();
        assert_eq!(took, late, "{}", backend.name());
    });
}

/// Heartbeats fill the silence of a server that is stuck.
#[test]
fn heartbeats_hide_no_stall() {
    each(|backend, golden| {
        if !golden.stream || !backend.streams() || backend.name() == "ollama" {
            return;
        }
        let half = golden.body.len() / 2;
        let cut = golden.body[..half].rfind("\n\n").unwrap() + 2;
        let begun = Golden {
            body: &golden.body[..cut],
            ..*golden
        };
        let answer = chunked(&begun, "");
        let outcome = drive(backend, true, move |_| {
            let beats = (0..200).flat_map(|_| [Wait(400), write(chunk(b": ping\n\n", ""))]);
            let acts = [ReadBody, write(&answer)];
            acts.into_iter().chain(beats).chain([Close]).collect()
        });
        let name = backend.name();
        let record = &outcome.records[0];
        let Some(RequestError::Timeout { phase, limit_ms }) = &record.error else {
            panic!("{name}: {:?}", record.error);
        };
        assert!(
            matches!(phase, Phase::BetweenTokens | Phase::FirstToken),
            "{name}"
        );
        let took = record.end - record.events.last_at().unwrap_or(record.sent);
        assert_eq!(took, Duration::from_millis(*limit_ms), "{name}");
    });
}

/// Answers without end stop at their bounds, whatever repeats in them.
#[rstest]
#[case::line(b"data: ", b"x")]
#[case::comment(b": ", b"x")]
#[case::object(b"{\"data\":[", b"1,")]
#[case::extension(b"\r\n5;", b"x")]
fn an_answer_without_end_is_cut(#[case] head: &'static [u8], #[case] unit: &'static [u8]) {
    each(|backend, golden| {
        // Vectors may be large: one backend for all of them.
        if backend.task() == Task::Pool && backend.name() != "vllm-pooling" {
            return;
        }
        let start = format!("{HEAD}transfer-encoding: chunked\r\n\r\n");
        let raw = head.starts_with(b"\r\n");
        let outcome = drive(backend, golden.stream, move |_| {
            let piece = unit.repeat((64 << 10) / unit.len());
            let more = if raw {
                piece.clone()
            } else {
                chunk(&piece, "")
            };
            let first = if raw {
                head[2..].to_vec()
            } else {
                chunk(head, "")
            };
            let acts = [ReadBody, write(&start), write(first)];
            acts.into_iter().chain(vec![write(more); 1200]).collect()
        });
        let error = outcome.records[0].error.as_ref().unwrap().to_string();
        assert!(
            error.starts_with("unreadable answer: "),
            "{}: {error}",
            backend.name()
        );
        assert_eq!(
            outcome.records[0].end,
            Nanos(0),
            "{}: {error}",
            backend.name()
        );
    });
}
