//! The golden answers of every backend through the measured client, in HTTP as it is written out there:
//! what counts as an answer, when it is over, and whether its connection is used again.

use super::{all, answers::Golden, prompt};
use crate::{
    backend::{
        Backend,
        conformance::answers::answers,
        fixtures::{options, request},
    },
    client::{Body, Dialer, Driver, Envelope, Timeouts},
    clock::{Clock, Nanos, on_virtual_time},
    observer::Silent,
    plan::{Plan, Shape},
    record::{Phase, Record, RequestError, Task},
    sim::InProcess,
    stop::Stop,
};
use bytes::Bytes;
use hyper::{
    HeaderMap,
    header::{HOST, HeaderValue},
};
use rstest::rstest;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";

/// What a server does with a request.
#[derive(Clone)]
enum Act {
    Write(Vec<u8>),
    /// Waits so many milliseconds.
    Wait(u64),
    /// Reads what is left of the request's body.
    ReadBody,
    Close,
}

use Act::{Close, ReadBody, Wait, Write};

fn write(text: impl AsRef<[u8]>) -> Act {
    Write(text.as_ref().to_vec())
}

fn chunk(data: &[u8], extension: &str) -> Vec<u8> {
    let size = format!("{:x}{extension}\r\n", data.len());
    [size.as_bytes(), data, b"\r\n"].concat()
}

fn chunked(golden: &Golden, extension: &str) -> Vec<u8> {
    let events = golden.body.as_bytes().chunks(100);
    let chunks = events.flat_map(|event| chunk(event, extension));
    let head = format!("{HEAD}transfer-encoding: chunked\r\n\r\n");
    head.into_bytes().into_iter().chain(chunks).collect()
}

/// Serves connections whose `n`th request, counted over all of them, is answered by `acts(n)`. A request's
/// head is read before them, and its body as well unless they do.
fn server(
    acts: impl Fn(usize) -> Vec<Act> + Send + Sync + 'static,
    clock: Clock,
    stats: Arc<Stats>,
) -> InProcess {
    let acts = Arc::new(acts);
    InProcess::serving(Arc::new(move |io| {
        let (acts, clock, stats) = (acts.clone(), clock.clone(), stats.clone());
        Box::pin(async move {
            stats.connections.fetch_add(1, Ordering::SeqCst);
            serve(io, &*acts, &clock, &stats).await;
        })
    }))
}

/// What a server saw.
#[derive(Default)]
struct Stats {
    connections: AtomicUsize,
    requests: AtomicUsize,
    /// Bodies, as far as they were read.
    bodies: Mutex<Vec<usize>>,
}

async fn serve(
    mut io: DuplexStream,
    acts: &(dyn Fn(usize) -> Vec<Act> + Send + Sync),
    clock: &Clock,
    stats: &Stats,
) {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match io.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let head = String::from_utf8(head).unwrap();
        assert!(
            head.starts_with("POST "),
            "a request in the middle of another: {head}"
        );
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        let number = stats.requests.fetch_add(1, Ordering::SeqCst);
        let acts = acts(number);
        let mut body = vec![0; length];
        if !acts.iter().any(|act| matches!(act, ReadBody | Close)) {
            io.read_exact(&mut body).await.unwrap();
        }
        for act in acts {
            match act {
                Write(bytes) => {
                    if io.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Wait(ms) => {
                    clock
                        .sleep_until(clock.now().after(Duration::from_millis(ms)))
                        .await
                }
                ReadBody => match io.read_exact(&mut body).await {
                    Ok(read) => stats.bodies.lock().unwrap().push(read),
                    Err(_) => return,
                },
                Close => return,
            }
        }
    }
}

struct Outcome {
    records: Vec<Record>,
    stats: Arc<Stats>,
}

impl Outcome {
    fn connections(&self) -> usize {
        self.stats.connections.load(Ordering::SeqCst)
    }
}

/// Sends two requests, one after the other.
fn drive(
    backend: &Arc<dyn Backend>,
    stream: bool,
    acts: impl Fn(usize) -> Vec<Act> + Send + Sync + 'static,
) -> Outcome {
    drive_many(2, backend, stream, 0, acts)
}

/// Sends two requests that are longer by so many bytes.
fn drive_with(
    backend: &Arc<dyn Backend>,
    stream: bool,
    padding: usize,
    acts: impl Fn(usize) -> Vec<Act> + Send + Sync + 'static,
) -> Outcome {
    drive_many(2, backend, stream, padding, acts)
}

fn drive_many(
    count: usize,
    backend: &Arc<dyn Backend>,
    stream: bool,
    padding: usize,
    acts: impl Fn(usize) -> Vec<Act> + Send + Sync + 'static,
) -> Outcome {
    let shape = Shape::ALL
        .into_iter()
        .find(|shape| backend.takes(*shape))
        .unwrap();
    let request = request(prompt(shape));
    let body = backend.encode(&request, &options(stream)).unwrap();
    let body = [&body[..], &b" ".repeat(padding)].concat();
    let plan = Plan {
        timed: false,
        requests: vec![request; count],
        notes: Vec::new(),
    };
    let bodies = vec![Body::from(Bytes::from(body)); count];
    let stats = Arc::new(Stats::default());
    let headers: HeaderMap = [(HOST, HeaderValue::from_static("localhost"))]
        .into_iter()
        .collect();
    let records = on_virtual_time(async |clock| {
        let driver = Driver {
            dialer: Dialer::in_process(server(acts, clock.clone(), stats.clone())),
            clock: clock.clone(),
            envelope: Envelope {
                path: backend.endpoint(stream).parse().unwrap(),
                headers,
            },
            backend: backend.clone(),
            stream,
            timeouts: Timeouts {
                between_tokens: Duration::from_secs(3),
                first_token: Duration::from_secs(5),
                ..Timeouts::default()
            },
            max_concurrency: Some(1),
            open_loop: false,
            prewarm: 0,
            stop: Stop::never(),
            observer: Arc::new(Silent),
            probe: None,
        };
        driver.drive(&plan, &bodies).await.records
    });
    Outcome {
        records: records.unwrap(),
        stats,
    }
}

/// Every golden answer of every backend.
fn each(check: impl Fn(&Arc<dyn Backend>, &Golden)) {
    for backend in all() {
        for golden in answers(backend.name()) {
            check(&backend, &golden);
        }
    }
}

/// Both requests succeeded with this.
fn succeeded(outcome: &Outcome, backend: &dyn Backend, golden: &Golden) {
    assert_eq!(outcome.records.len(), 2);
    for record in &outcome.records {
        assert_eq!(record.error, None, "{}", backend.name());
        assert_eq!(record.text, golden.text, "{}", backend.name());
        assert_eq!(record.events.len(), golden.events, "{}", backend.name());
    }
}

fn marks_its_end(backend: &dyn Backend, golden: &Golden) -> bool {
    golden.stream && backend.streams() && backend.name() != "tensorrt-llm"
}

#[rstest]
#[case::plain("", "0\r\n\r\n", 1)]
#[case::long_extension(
    ";chunk-signature=0123456789abcdef0123456789abcdef0123456789abcdef",
    "0;last\r\n\r\n",
    1
)]
#[case::trailers("", "0\r\nx-checksum: 12\r\nx-time: 5\r\n\r\n", 1)]
#[case::bytes_behind_it("", "0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 2)]
fn chunks(#[case] extension: &'static str, #[case] end: &'static str, #[case] connections: usize) {
    each(|backend, golden| {
        let answer = [&chunked(golden, extension)[..], end.as_bytes()].concat();
        let outcome = drive(backend, golden.stream, move |_| vec![write(&answer)]);
        succeeded(&outcome, &**backend, golden);
        assert_eq!(outcome.connections(), connections, "{}", backend.name());
    });
}

#[rstest]
#[case::length("HTTP/1.1 200 OK\r\ncontent-length: LENGTH\r\n\r\n", 1)]
#[case::interim(
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: LENGTH\r\n\r\n",
    1
)]
#[case::old_and_kept(
    "HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: LENGTH\r\n\r\n",
    1
)]
#[case::old("HTTP/1.0 200 OK\r\ncontent-length: LENGTH\r\n\r\n", 2)]
#[case::closing(
    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: LENGTH\r\n\r\n",
    2
)]
#[case::identity(
    "HTTP/1.1 200 OK\r\ncontent-encoding: identity\r\ncontent-length: LENGTH\r\n\r\n",
    1
)]
fn heads(#[case] head: &'static str, #[case] connections: usize) {
    each(|backend, golden| {
        let head = head.replace("LENGTH", &golden.body.len().to_string());
        let answer = head + golden.body;
        let outcome = drive(backend, golden.stream, move |_| vec![write(&answer)]);
        succeeded(&outcome, &**backend, golden);
        assert_eq!(outcome.connections(), connections, "{}", backend.name());
    });
}

#[test]
fn until_the_connection_closes() {
    each(|backend, golden| {
        let answer = format!("{HEAD}\r\n{}", golden.body);
        let outcome = drive(backend, golden.stream, move |_| {
            vec![ReadBody, write(&answer), Close]
        });
        succeeded(&outcome, &**backend, golden);
    });
}

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
        let late = match marks_its_end(&**backend, golden) {
            true => 0,
            false => 20,
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

#[rstest]
#[case::gzip(
    "content-encoding: gzip\r\ncontent-length: 4",
    "content-encoding: gzip"
)]
#[case::zstd(
    "content-encoding: ZStd\r\ncontent-length: 4",
    "content-encoding: ZStd"
)]
#[case::twice(
    "content-encoding: identity\r\ncontent-encoding: br, gzip\r\ncontent-length: 4",
    "content-encoding: identity, br, gzip"
)]
#[case::on_the_way("transfer-encoding: gzip", "transfer-encoding: gzip")]
#[case::in_chunks("transfer-encoding: gzip, chunked", "transfer-encoding: gzip, chunked")]
#[case::in_two_lines(
    "Transfer-Encoding: deflate\r\nTransfer-Encoding: Chunked",
    "transfer-encoding: deflate, Chunked"
)]
fn what_is_compressed_is_named(#[case] coded: &'static str, #[case] told: &str) {
    each(|backend, golden| {
        for status in ["200 OK", "500 Oops"] {
            let body = b"4\r\n\x1f\x08\x01\x02\r\n0\r\n\r\n";
            let body = if coded.contains("hunked") {
                &body[..]
            } else {
                &body[3..7]
            };
            let head = format!("HTTP/1.1 {status}\r\n{coded}\r\n\r\n");
            let answer = [head.as_bytes(), body].concat();
            let outcome = drive(backend, golden.stream, move |_| {
                vec![ReadBody, write(&answer), Close]
            });
            let error = outcome.records[0].error.as_ref().unwrap();
            assert!(error.to_string().contains(told), "{error}");
            assert_eq!(error.hint().is_some(), status != "200 OK", "{error}");
        }
    });
}

/// What does not change the body is no compression.
#[rstest]
#[case("transfer-encoding: identity, chunked")]
#[case("transfer-encoding: Chunked\r\ncontent-encoding: Identity")]
#[case("transfer-encoding: chunked\r\ncontent-encoding: ")]
fn what_is_only_framed_is_read(#[case] framed: &'static str) {
    each(|backend, golden| {
        let body = chunk(golden.body.as_bytes(), "");
        let head = format!("HTTP/1.1 200 OK\r\n{framed}\r\n\r\n");
        let answer = [head.as_bytes(), &body, b"0\r\n\r\n"].concat();
        let outcome = drive(backend, golden.stream, move |_| vec![write(&answer)]);
        succeeded(&outcome, &**backend, golden);
    });
}

#[rstest]
#[case::permanent(308)]
#[case::other(302)]
fn redirects_are_told_and_not_followed(#[case] status: u16) {
    each(|backend, golden| {
        let answer = format!(
            "HTTP/1.1 {status} R\r\nlocation: https://me:SECRET@other.example/x?key=SECRET\r\ncontent-length: 0\r\n\r\n"
        );
        let outcome = drive(backend, golden.stream, move |_| vec![write(&answer)]);
        let error = outcome.records[0].error.as_ref().unwrap().to_string();
        let told =
            error.contains(&status.to_string()) && error.contains("https://***@other.example/x.");
        assert!(told && !error.contains("SECRET"), "{error}");
        assert_eq!(outcome.connections(), 1);
    });
}

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
        let outcome = drive(backend, golden.stream, move |number| match number >= from {
            true => acts.clone(),
            false => vec![write(&answer)],
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

#[rstest]
#[case::tls(b"\x15\x03\x01\x00\x02\x02\x46", "https://")]
#[case::http2(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "HTTP/2")]
#[case::ssh(b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP")]
#[case::endless_size(
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "hexadecimal"
)]
fn what_is_not_this_protocol_is_named(#[case] bytes: &'static [u8], #[case] told: &str) {
    each(|backend, golden| {
        let outcome = drive(backend, golden.stream, move |_| vec![write(bytes)]);
        let error = outcome.records[0].error.as_ref().unwrap().to_string();
        assert!(error.contains(told), "{}: {error}", backend.name());
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
            let more = match raw {
                true => piece.clone(),
                false => chunk(&piece, ""),
            };
            let first = match raw {
                true => head[2..].to_vec(),
                false => chunk(head, ""),
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
