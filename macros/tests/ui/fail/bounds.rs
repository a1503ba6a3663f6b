//! Numbers that no run can have.
use goodput::llm_bench;

#[llm_bench(requests = 99_999_999_999)]
fn requests() {}

#[llm_bench(workers = 100_000, warmups = 18446744073709551615, max_concurrency = 99999999999999999999999)]
fn threads() {}

#[llm_bench(rate = 1e300, burstiness = 1e-300)]
fn rates() {}

#[llm_bench(ramp = "linear 1..1e12")]
fn ramp() {}

#[llm_bench(total_timeout = "99999999999h")]
fn spans() {}

#[llm_bench(dataset = "random(input = 99999999999)")]
fn prompts() {}

#[llm_bench(target = "sim(ttft = 99999999999h)")]
fn simulation() {}

#[llm_bench(seed = 18446744073709551615)]
fn a_seed_may_be_any_number() {}

fn main() {}
