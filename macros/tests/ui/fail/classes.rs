use goodput::llm_bench;

#[llm_bench(dataset = "mix(chat(random), batch(random))", goodput = "ttft:200", slo = "goodput(chta) >= 90%")]
fn unknown_class() {}

#[llm_bench(slo = "p99(ttft, chat) < 1s, worst_class(errors) < 1%")]
fn no_classes() {}

#[llm_bench(dataset = "mix(chat(random, weight = 0), chat(randm), ttft(random), batch(random, priority = high))")]
fn what_is_wrong_with_a_mix() {}

#[llm_bench(dataset = "mix(chat(random, weight = 0))")]
fn weights_of_nothing() {}

#[llm_bench(
    dataset = "mix(chat(random, weight = 99), batch(random))",
    requests = 1000,
    on_inconclusive = "fail",
    slo = "errors(batch) < 5%, errors(chat) < 5%"
)]
fn too_few_of_a_class() {}

#[llm_bench(dataset = "mix(chat(random), batch(random, weight = 0))", slo = "errors(batch) < 5%", on_inconclusive = "fail")]
fn a_class_without_requests() {}

#[llm_bench(slo = "jain(tokens) >= 0.9")]
fn no_clients() {}

fn main() {}
