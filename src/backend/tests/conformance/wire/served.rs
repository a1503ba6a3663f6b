//! A server that does what a test says, and requests that are sent to it.

use super::super::{
    all,
    answers::{Golden, answers},
    prompt,
};
use crate::{
    backend::{
        Backend,
        testing::{options, request},
    },
    client::{Body, Dialer, Driver, Ends, Envelope, Frontend, Timeouts},
    clock::{Clock, on_virtual_time},
    observer::Silent,
    plan::{Plan, Shape},
    record::Record,
    shard::Shard,
    sim::InProcess,
    stop::Stop,
};
use bytes::Bytes;
use hyper::{
    HeaderMap,
    header::{HOST, HeaderValue},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

pub(super) const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";

/// What a server does with a request.
#[derive(Clone)]
pub(super) enum Act {
    Write(Vec<u8>),
    /// Waits this number of milliseconds.
    Wait(u64),
    /// Reads what is left of the request's body.
    ReadBody,
    Close,
}

pub(super) use Act::{Close, ReadBody, Wait, Write};

pub(super) fn write(text: impl AsRef<[u8]>) -> Act {
    Write(text.as_ref().to_vec())
}

pub(super) fn chunk(data: &[u8], extension: &str) -> Vec<u8> {
    let size = format!("{:x}{extension}\r\n", data.len());
    [size.as_bytes(), data, b"\r\n"].concat()
}

pub(super) fn chunked(golden: &Golden, extension: &str) -> Vec<u8> {
    let events = golden.body.as_bytes().chunks(100);
    let chunks = events.flat_map(|event| chunk(event, extension));
    let head = format!("{HEAD}transfer-encoding: chunked\r\n\r\n");
    head.into_bytes().into_iter().chain(chunks).collect()
}

/// Serves connections whose `n`th request, counted over all of them, is answered by `acts(n)`. A request's
/// head is read before them, and its body as well unless they do.
pub(super) fn server(
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
pub(super) struct Stats {
    pub(super) connections: AtomicUsize,
    pub(super) requests: AtomicUsize,
    /// The bytes of each body that were read.
    pub(super) bodies: Mutex<Vec<usize>>,
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

pub(super) struct Outcome {
    pub(super) records: Vec<Record>,
    pub(super) stats: Arc<Stats>,
}

impl Outcome {
    pub(super) fn connections(&self) -> usize {
        self.stats.connections.load(Ordering::SeqCst)
    }
}

/// Sends two requests, one after the other.
pub(super) fn drive(
    backend: &Arc<dyn Backend>,
    stream: bool,
    acts: impl Fn(usize) -> Vec<Act> + Send + Sync + 'static,
) -> Outcome {
    drive_many(2, backend, stream, 0, acts)
}

/// Sends two requests that are longer by this number of bytes.
pub(super) fn drive_with(
    backend: &Arc<dyn Backend>,
    stream: bool,
    padding: usize,
    acts: impl Fn(usize) -> Vec<Act> + Send + Sync + 'static,
) -> Outcome {
    drive_many(2, backend, stream, padding, acts)
}

pub(super) fn drive_many(
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
        salt: None,
        warmup: Vec::new(),
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
            frontends: Frontend {
                dialer: Dialer::in_process(server(acts, clock.clone(), stats.clone())),
                envelope: Envelope {
                    path: backend.endpoint(stream).parse().unwrap(),
                    headers,
                },
            }
            .into(),
            clock: clock.clone(),
            backend: backend.clone(),
            stream,
            timeouts: Timeouts {
                between_tokens: Duration::from_secs(3),
                first_token: Duration::from_secs(5),
                ..Timeouts::default()
            },
            shard: Shard::WHOLE,
            start: None,
            max_concurrency: Some(1),
            max_sessions: None,
            open_loop: false,
            prewarm: 0,
            ends: Ends::default(),
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
pub(super) fn each(check: impl Fn(&Arc<dyn Backend>, &Golden)) {
    for backend in all() {
        for golden in answers(backend.name()) {
            check(&backend, &golden);
        }
    }
}

/// Both requests succeeded with this.
pub(super) fn succeeded(outcome: &Outcome, backend: &dyn Backend, golden: &Golden) {
    assert_eq!(outcome.records.len(), 2);
    for record in &outcome.records {
        assert_eq!(record.error, None, "{}", backend.name());
        assert_eq!(record.text, golden.text, "{}", backend.name());
        assert_eq!(record.events.len(), golden.events, "{}", backend.name());
    }
}

pub(super) fn marks_its_end(backend: &dyn Backend, golden: &Golden) -> bool {
    golden.stream && backend.streams() && backend.name() != "tensorrt-llm"
}
