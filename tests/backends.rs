//! Every backend against the simulated server, on virtual time: what was asked for is what is counted.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use goodput::{
    Bench, Error,
    backend::{Backend, WireOptions, by_name},
    client::{Body, Dialer, Driver, Ends, Envelope, Frontend, Timeouts},
    clock::{Nanos, on_virtual_time},
    grammar::{names::BACKENDS, sim::Script},
    observer::Silent,
    plan::{
        Audio, Base64, File, Media, MediaKind, MediaSource, Plan, PlannedRequest, Prompt, Shape,
    },
    record::{CountSource, Record, TokenCount},
    run::Task,
    shard::Shard,
    sim::{InProcess, SimServer},
    stop::Stop,
};
use hyper::{
    HeaderMap,
    header::{HeaderName, HeaderValue},
};
use rstest::rstest;
use std::sync::Arc;

/// Two seconds of silence: 16 kHz, 16 bits, mono.
fn wav() -> File {
    let mut wav = Vec::from(*b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(16_000_u32.to_le_bytes());
    wav.extend(32_000_u32.to_le_bytes());
    wav.extend(b"\x02\0\x10\0data\0\0\0\0");
    wav.resize(44 + 64_000, 0);
    File {
        name: "audio.wav".to_owned(),
        mime: "audio/wav".to_owned(),
        content: Base64::encode(&wav),
    }
}

/// A prompt of this kind, and its tokens as the server counts them: words, and 50 a second of sound.
fn prompt(shape: Shape) -> (Prompt, u64) {
    let text = || "one two three".to_owned();
    match shape {
        Shape::Text => (Prompt::Text(text()), 3),
        Shape::Tokens => (Prompt::Tokens(vec![1, 2, 3, 4]), 4),
        Shape::Messages => {
            let message = serde_json::json!({"role": "user", "content": text()});
            (Prompt::Messages(vec![message]), 3)
        }
        Shape::Media(kind) => {
            let source = match kind {
                MediaKind::Image => MediaSource::Inline(wav()),
                _ => MediaSource::Url("https://example.org/a".to_owned()),
            };
            let media = vec![Media { kind, source }];
            (
                Prompt::Media {
                    text: text(),
                    media,
                },
                3,
            )
        }
        Shape::Audio => {
            let audio = Audio {
                file: wav(),
                seconds: 2.0,
            };
            (Prompt::Audio(audio), 100)
        }
        Shape::Batch => (Prompt::Batch(vec![text(), text()]), 6),
        // The query stands with each document.
        Shape::Rerank => {
            let documents = vec![text(), text()];
            let query = "q".to_owned();
            (Prompt::Rerank { query, documents }, 8)
        }
    }
}

/// Sends these requests to a simulation that counts words.
fn drive(backend: &Arc<dyn Backend>, prompts: &[Prompt], stream: bool) -> Vec<Record> {
    let requests = prompts
        .iter()
        .enumerate()
        .map(|(index, prompt)| PlannedRequest {
            at: Nanos(0),
            prompt: prompt.clone(),
            input: TokenCount {
                tokens: 1,
                source: CountSource::Estimate,
            },
            output_tokens: index as u64 + 1,
            id: format!("r-{index}"),
            overrides: serde_json::Map::new(),
            structure: None,
            turn: None,
            class: None,
            client: None,
        });
    let plan = Plan {
        requests: requests.collect(),
        notes: Vec::new(),
        timed: false,
        salt: None,
        warmup: Vec::new(),
    };
    let stream = stream && backend.streams();
    let options = WireOptions {
        model: "m".to_owned(),
        stream,
        ignore_eos: backend.ignores_eos(),
        ..WireOptions::default()
    };
    let bodies: Vec<_> = plan
        .requests
        .iter()
        .map(|request| Body::from(backend.encode(request, &options).unwrap()))
        .collect();
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("localhost"));
    for &(name, value) in backend.headers() {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    let server = SimServer::new(Script::default());
    let server = server.count_tokens(|text: &str| text.split_whitespace().count() as u64);
    let delivery = on_virtual_time(async |clock| {
        let driver = Driver {
            frontends: Frontend {
                dialer: Dialer::in_process(InProcess::new(Arc::new(server), clock.clone())),
                envelope: Envelope {
                    path: backend.endpoint(stream).parse().unwrap(),
                    headers,
                },
            }
            .into(),
            clock,
            backend: backend.clone(),
            stream,
            timeouts: Timeouts::default(),
            shard: Shard::WHOLE,
            start: None,
            max_concurrency: None,
            max_sessions: None,
            open_loop: false,
            prewarm: 0,
            ends: Ends::default(),
            stop: Stop::never(),
            observer: Arc::new(Silent),
            probe: None,
        };
        driver.drive(&plan, &bodies).await
    });
    delivery.unwrap().records
}

#[test]
fn every_backend_is_answered_and_counts_what_was_asked() {
    for name in BACKENDS {
        let backend = by_name(name).unwrap();
        let taken = Shape::ALL.into_iter().filter(|shape| backend.takes(*shape));
        let (prompts, lengths): (Vec<Prompt>, Vec<u64>) = taken
            .map(prompt)
            .filter(|(prompt, _)| backend.refuses(prompt).is_none())
            .unzip();
        assert!(!prompts.is_empty(), "{name}");
        for stream in [true, false] {
            let records = drive(&backend, &prompts, stream);
            assert_eq!(records.len(), prompts.len());
            for (record, length) in records.iter().zip(&lengths) {
                let index = record.index as u64;
                assert_eq!(record.error, None, "{name} {index}");
                match backend.task() {
                    Task::Generate => generated(name, record, index + 1, stream),
                    Task::Pool => {
                        // After 50 ms, the time to the first token.
                        assert_eq!(record.answered, Some(Nanos(50_000_000)), "{name}");
                        assert!(record.events.is_empty() && record.output.tokens == 0);
                    }
                }
                // Beside a picture CLIP has no text, and VLM2Vec an instruction.
                let rewritten = name.ends_with("clip") || name.ends_with("vlm2vec");
                let counted = record.usage.and_then(|usage| usage.prompt_tokens);
                let untold = ["tensorrt-llm", "openai-audio", "tgi"].contains(name);
                if counted.is_some() || !untold {
                    assert!(
                        rewritten || counted == Some(*length),
                        "{name} {index} {counted:?}"
                    );
                }
            }
        }
    }
}

/// As many tokens as asked for, 10 ms each behind the first.
fn generated(name: &str, record: &Record, asked: u64, stream: bool) {
    assert_eq!(record.answered, None, "{name}");
    let last = Nanos(50_000_000 + (asked - 1) * 10_000_000);
    assert_eq!(record.events.last_at(), Some(last), "{name}");
    let streams = stream && by_name(name).unwrap().streams();
    let told = record
        .usage
        .is_some_and(|usage| usage.completion_tokens.is_some());
    if streams {
        assert_eq!(record.events.len() as u64, asked, "{name}");
        assert_eq!(record.events.first_at(), Some(Nanos(50_000_000)), "{name}");
    }
    if streams || told {
        assert_eq!(record.output.tokens, asked, "{name}");
    }
    assert_eq!(told, record.output.source == CountSource::Usage, "{name}");
    let counts: u64 = record
        .events
        .iter()
        .map(|event| u64::from(event.tokens))
        .sum();
    assert!(
        counts == asked || counts == 0,
        "{name}: {counts} of {asked}"
    );
    assert_eq!(
        record.text.split_whitespace().count() as u64,
        asked,
        "{name}"
    );
}

/// The whole way from settings to numbers, for all that take texts.
#[test]
fn every_backend_of_texts_is_measured() {
    for name in BACKENDS {
        let backend = by_name(name).unwrap();
        if !backend.takes(Shape::Text) {
            continue;
        }
        let report = Bench::new("all")
            .backend(*name)
            .target("sim(ttft = 50ms, itl = 10ms)")
            .dataset("random(input = 8, output = 5)")
            .requests(6)
            .max_concurrency(2)
            .run_blocking()
            .unwrap();
        let counts = report.metrics().counts;
        assert_eq!((counts.completed, counts.failed), (6, 0), "{report}");
        match backend.task() {
            Task::Generate => {
                assert_eq!(counts.output_tokens, 30, "{name}");
                assert_eq!(report.e2el().max, 90.0, "{name}");
            }
            Task::Pool => {
                assert_eq!((counts.output_tokens, counts.inputs), (0, 6), "{name}");
                assert_eq!(report.e2el().max, 50.0, "{name}");
                assert!(report.ttft().is_empty(), "{name}");
            }
        }
        assert!(
            !report.to_string().contains("estimates"),
            "{name}: {report}"
        );
    }
}

/// What goes wrong on the way is seen by every backend.
#[rstest]
#[case::cut("cut")]
#[case::reset("reset")]
#[case::error("error_event")]
#[case::nothing("no_tokens")]
#[case::busy("status(503)")]
fn every_backend_sees_what_goes_wrong(#[case] faults: &str) {
    for name in BACKENDS {
        if !by_name(name).unwrap().takes(Shape::Text) {
            continue;
        }
        let report = Bench::new("all")
            .backend(*name)
            .target("sim(ttft = 50ms, itl = 10ms)")
            .faults(faults)
            .tokenizer("none")
            .dataset("random(input = 8, output = 5)")
            .requests(3)
            .run_blocking()
            .unwrap();
        assert_eq!(report.metrics().counts.failed, 3, "{name}: {report}");
    }
}

/// Without usage the tokenizer counts, or the events do.
#[test]
fn every_backend_counts_without_usage() {
    for name in BACKENDS {
        let backend = by_name(name).unwrap();
        if !backend.takes(Shape::Text) || backend.task() == Task::Pool {
            continue;
        }
        let report = Bench::new("all")
            .backend(*name)
            .target("sim(ttft = 50ms, itl = 10ms)")
            .faults("no_usage")
            .dataset("random(input = 8, output = 5)")
            .requests(3)
            .run_blocking()
            .unwrap();
        let counts = report.metrics().counts;
        assert_eq!(
            (counts.completed, counts.output_tokens),
            (3, 15),
            "{name}: {report}"
        );
    }
}

#[rstest]
#[case::slo(
    "p99(ttft) < 1s, p99(e2el) < 1s",
    "",
    "limits ttft, which answers of the backend `openai-embeddings` do not have"
)]
#[case::output("throughput(output) > 1", "", "limits output throughput")]
#[case::goodput("", "tpot:20 e2el:100", "limits tpot, which answers")]
fn what_has_no_tokens_has_no_limits_on_them(
    #[case] slo: &str,
    #[case] goodput: &str,
    #[case] said: &str,
) {
    let mut bench = Bench::new("pool")
        .backend("openai-embeddings")
        .target("sim");
    if !slo.is_empty() {
        bench = bench.slo(slo);
    }
    if !goodput.is_empty() {
        bench = bench.goodput(goodput);
    }
    let error = bench.check().unwrap_err();
    let Error::Invalid(problems) = &error else {
        panic!("{error}");
    };
    assert_eq!(problems.len(), 1, "{error}");
    assert!(error.to_string().contains(said), "{error}");
}

#[test]
fn end_to_end_latency_is_limited_without_tokens() {
    let report = Bench::new("pool")
        .backend("vllm-pooling")
        .target("sim(ttft = 50ms)")
        .dataset("random(input = 8)")
        .requests(200)
        .slo("p50(e2el) < 60ms, errors < 10%")
        .goodput("e2el:60")
        .run_blocking()
        .unwrap();
    assert_eq!(report.verdict(), goodput::Verdict::Pass, "{report}");
    assert_eq!(report.metrics().goodput.ratio, 1.0);
}

#[rstest]
#[case::unasked("openai-audio", "text, which the backend `openai-audio` does not take")]
#[case::ranks("vllm-rerank", "text, which the backend `vllm-rerank` does not take")]
fn prompts_that_a_backend_does_not_take_are_refused_by_the_plan(
    #[case] backend: &str,
    #[case] said: &str,
) {
    let error = Bench::new("x")
        .backend(backend)
        .target("sim")
        .plan()
        .unwrap_err();
    assert!(error.to_string().contains(said), "{error}");
}

#[test]
fn going_on_after_the_end_is_refused_where_it_cannot_be_asked() {
    let bench = Bench::new("x")
        .backend("anthropic")
        .target("sim")
        .ignore_eos(true);
    let error = bench.check().unwrap_err().to_string();
    assert!(
        error.contains("is not supported by the backend `anthropic`"),
        "{error}"
    );
}
