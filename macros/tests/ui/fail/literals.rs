//! Literals of the wrong kind or with the wrong words in them: all at once, each at its place.
use goodput::llm_bench;

#[llm_bench(
    backend = "openai_chat",
    target = "localhost:8000",
    endpoint = "v1/completions",
    dataset = "randm(input = 256)",
    rate = "10",
    burstiness = 0,
    max_concurrency = 0,
    requests = 10.5,
    seed = -1,
    goodput = "ttfb:200 itl:20",
    slo = "p101(ttft) < 300ms, goodput >= 95, errors > 1%",
    stream = 1,
    extra_body = "",
    structured_output = "choice(yes, yes)",
    structured_output_ratio = 1.5,
    headers = ["X-Team"],
    total_timeout = 30,
    ready_timeout = "30",
    ignore = 5
)]
fn wrong() {}

#[llm_bench(structured_output = "regex(a(b)", structured_output_ratio = -1)]
fn unstructured() {}

#[llm_bench(ramp = "linear 0..10", target = "http://user:password@host")]
fn wrong_too() {}

macro_rules! bench {
    ($rate:expr) => {
        #[llm_bench(rate = $rate)]
        fn from_a_macro() {}
    };
}
bench!(0);

fn main() {}
