//! What goodput itself spends time on around a run: decoding, measuring, planning.
#![allow(clippy::expect_used, reason = "a bench that cannot go on fails")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use goodput::{
    Bench,
    backend::by_name,
    clock::Nanos,
    grammar::dataset::{Dataset, Random},
    metrics::measure,
    plan::{self, Arrivals, PlanSpec},
    record::Reply,
    tokenizer::{Tokenizer, TokenizerSpec},
};
use std::hint::black_box;

/// A captured stream cut into its events, as lone tokens arrive.
fn events(stream: &[u8]) -> Vec<&[u8]> {
    let mut events = Vec::new();
    let mut start = 0;
    for end in memchr::memmem::find_iter(stream, b"\n\n") {
        events.push(&stream[start..end + 2]);
        start = end + 2;
    }
    events
}

fn decode(c: &mut Criterion) {
    let captures: [(&str, &str, &[u8]); 4] = [
        (
            "vllm",
            "vllm-completions",
            include_bytes!("../fixtures/captures/vllm-completions-stream-usage.body"),
        ),
        (
            "openai-chat",
            "vllm-chat",
            include_bytes!("../fixtures/captures/vllm-chat-stream-usage.body"),
        ),
        (
            "openai-chat",
            "vllm-chat-logprobs",
            include_bytes!("../fixtures/captures/vllm-chat-stream-logprobs.body"),
        ),
        (
            "openai-chat",
            "llama-chat",
            include_bytes!("../fixtures/captures/llama-chat-stream-usage.body"),
        ),
    ];
    let mut group = c.benchmark_group("decode");
    for (backend, name, stream) in captures {
        let backend = by_name(backend).expect("a backend of goodput");
        let events = events(stream);
        group.throughput(Throughput::Elements(events.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut reply = Reply::default();
                let mut decoder = backend.decoder(true);
                for event in &events {
                    let decoded = decoder.data(Nanos(1), black_box(event), &mut reply);
                    decoded.expect("a captured event");
                }
                decoder.end(Nanos(1), &mut reply).expect("a whole stream");
                reply
            });
        });
    }
    group.finish();
}

fn measure_run(c: &mut Criterion) {
    let report = Bench::new("measured")
        .target("sim(ttft = 50ms, itl = 10ms)")
        .dataset("random(input = 8, output = 100)")
        .rate(100)
        .requests(100)
        .run_blocking()
        .expect("a simulated run");
    let mut run = report.run().clone();
    run.records = run.records.iter().cycle().take(10_000).cloned().collect();
    let tokens = run.records.iter().map(|r| r.events.len() as u64).sum();
    let mut group = c.benchmark_group("measure");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(tokens));
    group.bench_function("10,000 requests of 100 tokens", |b| {
        b.iter(|| measure(black_box(&run), &[]));
    });
    group.finish();
}

fn plan_random(c: &mut Criterion) {
    let tokenizer = Tokenizer::load(&TokenizerSpec::Embedded).expect("the embedded tokenizer");
    let arrivals = Arrivals {
        rate: 100.0,
        burstiness: 1.0,
        ramp: None,
        max_concurrency: None,
    };
    let mut group = c.benchmark_group("plan");
    group.sample_size(10);
    for (name, token_ids) in [("token ids", true), ("text", false)] {
        let dataset = Dataset::Random(Random {
            input: 1024,
            output: 128,
            token_ids,
            ..Random::default()
        });
        let spec = PlanSpec {
            dataset: &dataset,
            arrivals: &arrivals,
            duration: None,
            requests: 10_000,
            seed: 0,
            tokenizer: &tokenizer,
            takes: &[goodput::plan::Shape::Tokens],
            request_id_prefix: "bench-",
            unwanted: None,
        };
        group.throughput(Throughput::Elements(spec.requests as u64 * 1024));
        group.bench_function(name, |b| {
            b.iter_batched(
                || spec,
                |spec| plan::build(black_box(&spec)).expect("a plan"),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, decode, measure_run, plan_random);
criterion_main!(benches);
