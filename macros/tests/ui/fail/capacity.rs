//! Searches: what cannot be read, and capacities that are none.
use goodput::llm_bench;

#[llm_bench(search = "rates(1..64)", slo = "goodput >= 90%", goodput = "ttft:200")]
fn no_search() {}

#[llm_bench(search = "rate(5..2, within = 0%)", slo = "p99(ttft) < 1s")]
fn two_mistakes() {}

#[llm_bench(search = "concurrency(1.5..8)", search_budget = "2000", slo = "p99(ttft) < 1s")]
fn no_whole_number_and_no_budget() {}

#[llm_bench(slo = "max_rate() >= 12, max_concurrency(p99(ttft) < 1s) >= 2.5, max_rates >= 3")]
fn no_capacities() {}

#[llm_bench(slo = "queue_growth >= 2%, queue_growth(chat) < 2%")]
fn no_growth() {}

fn main() {}
