//! Connections that are used again, and requests that are sent again.

use super::served::{
    Act, Close, HEAD, ReadBody, Wait, chunk, chunked, drive, drive_with, each, succeeded, write,
};
use rstest::rstest;
use std::time::Duration;

/// An idle connection dies in the moment in which it is used again.
#[test]
fn a_request_on_a_dead_connection_is_sent_once_more() {
    each(|backend, golden| {
        let answer = [&chunked(golden, "")[..], b"0\r\n\r\n"].concat();
        let outcome = drive(backend, golden.stream, move |number| match number {
            1 => vec![Wait(30), Close],
            _ => vec![write(&answer)],
        });
        succeeded(&outcome, &**backend, golden);
        let name = backend.name();
        let [first, second] = &outcome.records[..] else {
            panic!("{name}")
        };
        assert_eq!((first.retried, second.retried), (false, true), "{name}");
        // The time of the first sending counts.
        assert!(
            second.end - second.sent >= Duration::from_millis(30),
            "{name}"
        );
        assert_eq!(outcome.connections(), 2, "{name}");
    });
}

/// What dies on a new connection, twice, or after the first byte, has failed.
#[rstest]
#[case::fresh(0, vec![Close], false, "before an answer came")]
#[case::twice(1, vec![Close], true, "before an answer came")]
#[case::inside(1, vec![ReadBody, Act::Write(b"HTT".to_vec()), Close], false, "inside the head")]
fn nothing_is_sent_a_third_time(
    #[case] from: usize,
    #[case] acts: Vec<Act>,
    #[case] retried: bool,
    #[case] told: &str,
) {
    each(|backend, golden| {
        let (answer, acts) = (
            [&chunked(golden, "")[..], b"0\r\n\r\n"].concat(),
            acts.clone(),
        );
        let outcome = drive(backend, golden.stream, move |number| {
            if number >= from {
                acts.clone()
            } else {
                vec![write(&answer)]
            }
        });
        let record = &outcome.records[from];
        assert_eq!(record.retried, retried, "{}", backend.name());
        let error = record.error.as_ref().unwrap().to_string();
        assert!(error.contains(told), "{}: {error}", backend.name());
    });
}

/// More than the pipes hold, so that the request is still going out.
const LARGE: usize = 1 << 20;

/// Gateways begin their answer before they have the whole request.
#[test]
fn the_rest_of_a_request_goes_out_while_its_answer_comes() {
    each(|backend, golden| {
        let (head, tail) = (
            format!("{HEAD}transfer-encoding: chunked\r\n\r\n"),
            [&chunk(golden.body.as_bytes(), "")[..], b"0\r\n\r\n"].concat(),
        );
        let outcome = drive_with(backend, golden.stream, LARGE, move |_| {
            vec![write(&head), ReadBody, write(&tail)]
        });
        succeeded(&outcome, &**backend, golden);
        assert_eq!(outcome.connections(), 1, "{}", backend.name());
        let bodies = outcome.stats.bodies.lock().unwrap().clone();
        assert!(
            bodies.len() == 2 && bodies.iter().all(|read| *read > LARGE),
            "{bodies:?}"
        );
    });
}

/// A connection on which a request is still going out must not carry another.
#[rstest]
#[case::success(None)]
#[case::refusal(Some("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig"))]
fn a_connection_that_was_sent_half_a_request_is_not_used_again(
    #[case] refusal: Option<&'static str>,
) {
    each(|backend, golden| {
        let answer = match refusal {
            Some(refusal) => refusal.as_bytes().to_vec(),
            None => [&chunked(golden, "")[..], b"0\r\n\r\n"].concat(),
        };
        let outcome = drive_with(backend, golden.stream, LARGE, move |_| {
            vec![write(&answer), Wait(200), ReadBody]
        });
        assert_eq!(outcome.connections(), 2, "{}", backend.name());
        if refusal.is_none() {
            succeeded(&outcome, &**backend, golden);
        }
    });
}
