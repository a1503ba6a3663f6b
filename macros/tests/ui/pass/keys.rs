//! Every key, with literals and with expressions.
#![deny(warnings)]

use goodput::{Simulation, llm_bench};
use std::time::Duration;

const RATE: f64 = 3.5;
const LIMITS: &str = "ttft:200";

fn key() -> String {
    "key".to_owned()
}

#[llm_bench(
    backend = "openai-chat",
    target = "sim(ttft = 5ms, itl = 1ms)",
    faults = "tokens_per_chunk(2)@req:3, crlf",
    endpoint = "/v1/chat/completions",
    model = "m",
    tokenizer = "embedded",
    dataset = "random(input = 16, output = 8)",
    rate = 10,
    burstiness = "inf",
    max_concurrency = 8,
    workers = 2,
    requests = 20,
    seed = 7,
    goodput = "ttft:200 tpot:50ms",
    slo = "p99(ttft) < 300ms, goodput >= 95%, errors < 1%",
    confidence = 0.99,
    max_extend = 3,
    on_inconclusive = "warn",
    expect = "pass",
    baseline = "main",
    require_baseline = false,
    versus = "sim(itl = 2ms)",
    pairs = 5,
    noise_threshold = 0.1,
    false_alarms = 0.05,
    stream,
    ignore_eos = true,
    structured_output = "choice(yes, no)",
    structured_output_ratio = 0.5,
    extra_body = r#"{"temperature": 0}"#,
    headers = ["X-Team: search", "X-Run: 1"],
    api_key = key(),
    request_id_prefix = "n-",
    warmups = 2,
    prewarm,
    align_prompts = false,
    probe_rate = 5,
    server_metrics_interval = "100ms",
    ready_timeout = "1s",
    connect_timeout = "1s",
    first_token_timeout = "1s",
    between_tokens_timeout = "1s",
    total_timeout = "1s",
    insecure = false,
    exclusive = false,
    max_lateness = "25ms",
    crate = ::goodput,
    // Another value needs the library's feature `insta`.
    snapshot = false,
    ignore = "every key"
)]
fn literals() {}

#[llm_bench(
    backend = concat!("open", "ai"),
    target = Simulation::default(),
    versus = Simulation::new().itl("2ms"),
    ramp = "linear 1..10",
    logprobs = 1 + 1,
    baseline,
    goodput = LIMITS,
    headers = vec![format!("X-Key: {}", key())],
    requests = usize::from(3_u8),
    stream = !cfg!(windows),
    total_timeout = Duration::from_secs(30),
)]
fn expressions() {}

#[llm_bench(rate = RATE, headers = "X-Team: search", api_key = "EMPTY")]
fn more_expressions() {}

macro_rules! bench {
    ($name:ident, $rate:expr, $limits:literal) => {
        #[llm_bench(rate = $rate, goodput = $limits)]
        fn $name() {}
    };
}
bench!(from_a_macro, 10, "ttft:5");

fn main() {}
