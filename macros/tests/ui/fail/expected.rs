//! What a bench must do, and where goodput is.
use goodput::llm_bench;

#[llm_bench(expect = "failure")]
fn unknown() {}

#[llm_bench(slo = "max(ttft) < 1ms", expect = "fail")]
#[should_panic]
fn twice() {}

#[llm_bench(crate)]
fn no_path() {}

#[llm_bench(crate = 7)]
fn no_path_either() {}

#[llm_bench(crate = missing::goodput)]
fn nowhere() {}

fn main() {}
