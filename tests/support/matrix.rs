//! One fault against one backend, on virtual time: every request must be accounted for exactly once.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "the test and the bench each use a part"
)]

use goodput::{
    backend::{Backend, WireOptions, by_name},
    client::{Body, Dialer, Driver, Ends, Envelope, Frontend, Timeouts},
    clock::{Nanos, on_virtual_time},
    grammar::{fault, sim::Script},
    observer::Silent,
    plan::{Audio, Base64, File, Media, MediaSource, Plan, PlannedRequest, Prompt, Shape},
    record::{CountSource, Record, Task, TokenCount},
    shard::Shard,
    sim::{InProcess, SimServer},
    stop::Stop,
};
use hyper::{
    HeaderMap,
    header::{HOST, HeaderName, HeaderValue},
};
use std::{sync::Arc, time::Duration};

/// Every kind of fault, and what becomes of the answers that it hits.
pub const FAULTS: [(&str, Hit); 24] = [
    // Hits connections, and most requests need no new one.
    ("refuse", Hit::Varies),
    ("slow_headers(20ms)", Hit::Succeeds),
    ("stall(20ms, after = 1)", Hit::Succeeds),
    ("stall(after = 1)", Hit::Fails),
    ("reset(after = 1)", Hit::Fails),
    ("reset(after = 0)", Hit::Fails),
    ("cut(after = 1)", Hit::Fails),
    ("end_early(after = 1)", Hit::Varies),
    ("truncated_utf8(after = 1)", Hit::Succeeds),
    ("error_event(after = 1)", Hit::Fails),
    ("status(429, retry_after = 1)", Hit::Fails),
    ("status(503, body = 'busy')", Hit::Fails),
    ("no_usage", Hit::Succeeds),
    ("wrong_usage(7)", Hit::Succeeds),
    ("no_done", Hit::Varies),
    ("duplicate(after = 1)", Hit::Succeeds),
    ("role_only(after = 1)", Hit::Succeeds),
    ("empty(after = 1)", Hit::Succeeds),
    ("usage_only(after = 1)", Hit::Succeeds),
    ("tokens_per_chunk(2)", Hit::Succeeds),
    ("crlf", Hit::Succeeds),
    ("drip(1ms, bytes = 40)", Hit::Succeeds),
    ("invalid_answer", Hit::Succeeds),
    ("no_tokens", Hit::Fails),
];

/// What becomes of an answer with a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    Succeeds,
    Fails,
    /// By dialect: whether the end of an answer is marked, and by what.
    Varies,
}

const TOKENS: u64 = 2;

fn prompt(shape: Shape) -> Prompt {
    let text = || "one two three".to_owned();
    let file = || File {
        name: "audio.wav".to_owned(),
        mime: "audio/wav".to_owned(),
        content: Base64::encode(b"RIFF"),
    };
    match shape {
        Shape::Text => Prompt::Text(text()),
        Shape::Tokens => Prompt::Tokens(vec![1, 2, 3]),
        Shape::Messages => {
            Prompt::Messages(vec![serde_json::json!({"role": "user", "content": text()})])
        }
        Shape::Media(kind) => Prompt::Media {
            text: text(),
            media: vec![Media {
                kind,
                source: MediaSource::Inline(file()),
            }],
        },
        Shape::Audio => Prompt::Audio(Audio {
            file: file(),
            seconds: 2.0,
        }),
        Shape::Batch => Prompt::Batch(vec![text(), text()]),
        Shape::Rerank => Prompt::Rerank {
            query: "q".to_owned(),
            documents: vec![text(), text()],
        },
    }
}

fn plan(backend: &dyn Backend, requests: usize) -> Plan {
    let shape = Shape::ALL.into_iter().find(|shape| backend.takes(*shape));
    let prompt = prompt(shape.unwrap());
    let request = |index: usize| PlannedRequest {
        at: Nanos(index as u64 * 3_000_000),
        prompt: prompt.clone(),
        input: TokenCount {
            tokens: 3,
            source: CountSource::Estimate,
        },
        output_tokens: TOKENS,
        id: format!("r-{index}"),
        overrides: serde_json::Map::new(),
        structure: None,
        turn: None,
        class: None,
        client: None,
    };
    Plan {
        requests: (0..requests).map(request).collect(),
        notes: Vec::new(),
        timed: false,
        salt: None,
        warmup: Vec::new(),
    }
}

fn headers(backend: &dyn Backend) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_static("localhost"));
    for &(name, value) in backend.headers() {
        let name = HeaderName::from_static(name);
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

/// Sends so many requests of this backend to a server with this fault in every other answer, by chance,
/// and checks that each is accounted for. Gives how many succeeded.
pub fn account(name: &str, fault: &str, hit: Hit, requests: usize) -> usize {
    let backend = by_name(name).unwrap();
    let stream = backend.streams();
    let options = WireOptions {
        model: "m".to_owned(),
        stream,
        ignore_eos: backend.ignores_eos(),
        // Long vectors would be most of the work.
        extra_body: match backend.task() {
            Task::Pool => [("dimensions".to_owned(), 4.into())].into_iter().collect(),
            Task::Generate => serde_json::Map::new(),
        },
        ..WireOptions::default()
    };
    let plan = plan(&*backend, requests);
    let body = backend.encode(&plan.requests[0], &options).unwrap();
    let bodies = vec![Body::from(body); requests];
    let script = Script {
        faults: fault::parse(&format!("{fault}@50%")).unwrap(),
        ..Script::default()
    };
    let server = SimServer::new(script);
    let server = server.count_tokens(|text: &str| text.split_whitespace().count() as u64);
    let server = Arc::new(server);
    let records = on_virtual_time(async |clock| {
        let driver = Driver {
            frontends: Frontend {
                dialer: Dialer::in_process(InProcess::new(server.clone(), clock.clone())),
                envelope: Envelope {
                    path: backend.endpoint(stream).parse().unwrap(),
                    headers: headers(&*backend),
                },
            }
            .into(),
            clock: clock.clone(),
            backend: backend.clone(),
            stream,
            timeouts: Timeouts {
                first_token: Duration::from_secs(1),
                between_tokens: Duration::from_millis(500),
                ..Timeouts::default()
            },
            shard: Shard::WHOLE,
            start: None,
            max_concurrency: None,
            max_sessions: None,
            open_loop: true,
            prewarm: 0,
            ends: Ends::default(),
            stop: Stop::never(),
            observer: Arc::new(Silent),
            probe: None,
        };
        let records = driver.drive(&plan, &bodies).await.records;
        // The server hears of the last clients that left.
        clock
            .sleep_until(clock.now().after(Duration::from_secs(1)))
            .await;
        records
    })
    .unwrap();
    let case = format!("{name}, {fault}");
    assert!(
        records.iter().map(|record| record.index).eq(0..requests),
        "{case}"
    );
    assert_eq!(server.in_flight(), 0, "{case}");
    for record in &records {
        // Where nothing marks the end of a stream, one that ends early looks complete.
        let endless = name == "tensorrt-llm" && fault.starts_with("end_early");
        check(record, !endless, &case);
    }
    let ok = records.iter().filter(|record| record.ok()).count();
    match hit {
        Hit::Succeeds => assert_eq!(ok, requests, "{case}: {:?}", error(&records)),
        // About half of them: who is hit fails, and nobody else.
        Hit::Fails => {
            let share = ok as f64 / requests as f64;
            assert!(
                (0.25..0.75).contains(&share),
                "{case}: {share} {:?}",
                error(&records)
            );
        }
        Hit::Varies => {}
    }
    ok
}

fn error(records: &[Record]) -> Option<String> {
    records
        .iter()
        .find_map(|record| Some(record.error.as_ref()?.to_string()))
}

/// A record is a success with an answer or a failure with a reason, and its times are in order.
fn check(record: &Record, whole: bool, case: &str) {
    let times = [record.intended, record.dispatched, record.sent]
        .into_iter()
        .chain(record.head)
        .chain(record.events.iter().map(|event| event.at))
        .chain([record.end]);
    assert!(times.is_sorted(), "{case}: {record:?}");
    if record.ok() {
        assert_eq!(record.status, Some(200), "{case}");
        let answered = record.answered.is_some() || !record.events.is_empty();
        assert!(answered, "{case}: {record:?}");
        let words = record
            .text
            .split_whitespace()
            .filter(|word| *word != "\u{fffd}")
            .count();
        let enough = record.answered.is_some() || words as u64 >= TOKENS;
        assert!(enough || !whole, "{case}: {:?}", record.text);
    }
}
