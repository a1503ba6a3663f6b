use goodput::llm_bench;

#[llm_bench(requests = 600, on_inconclusive = "fail", slo = "goodput >= 95%, errors < 0.1%", goodput = "ttft:200")]
fn too_few_for_one_of_two() {}

#[llm_bench(on_inconclusive = "fail", slo = "p99(ttft) < 300ms")]
fn too_few_by_default() {}

#[llm_bench(requests = 100, max_extend = 2, confidence = 0.99, on_inconclusive = "fail", slo = "errors < 1%")]
fn too_few_even_extended() {}

#[llm_bench(requests = 100_000, on_inconclusive = "fail", slo = "errors <= 0%")]
fn never() {}

#[llm_bench(dataset = "random(output = 4)", requests = 50, on_inconclusive = "fail", slo = "p99.9(itl) < 1s")]
fn too_few_gaps() {}

const FEW: usize = 5;

// Only the run knows these.
#[llm_bench(requests = FEW, on_inconclusive = "fail", slo = "errors < 0.1%")]
fn a_constant() {}

// Passes as long as nothing is shown against it.
#[llm_bench(requests = 600, slo = "errors < 0.1%")]
fn not_asked_for() {}

fn main() {}
