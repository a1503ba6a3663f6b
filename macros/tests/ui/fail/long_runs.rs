//! Long runs: what leaves nothing to measure, or never happens.
use goodput::llm_bench;

#[llm_bench(rate = 1, duration = "0s")]
fn no_time() {}

#[llm_bench(rate = 1, duration = "30s", cut_start = "20s", cut_end = "10s")]
fn cut_as_long_as_the_run() {}

#[llm_bench(rate = 10, requests = 100, cut_start = "10s")]
fn cut_as_long_as_its_requests() {}

#[llm_bench(requests = 100, cut_end = "100 requests")]
fn cut_of_all_requests() {}

#[llm_bench(cut_end = "auto", stop_if = "errors > 100%, slow")]
fn unreadable() {}

#[llm_bench(slo = "drift(p50(ttft)) < 5%, drift(max(ttft)) < 5%/h")]
fn no_drifts() {}

fn main() {}
