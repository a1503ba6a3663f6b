//! `/metrics` against what clients and the engine know.

use crate::{get, post, server, simulate, simulated::Simulated};
use goodput::{
    clock::{Clock, Nanos},
    grammar::sim::parse,
    sim::SimServer,
};
use proptest::prelude::*;
use serde_json::json;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The samples of a page by name and labels, without the labels that all have.
fn samples(page: &str) -> BTreeMap<String, f64> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let name = name
                .replace("engine=\"0\",", "")
                .replace(",model_name=\"simulated\"", "")
                .replace("{model_name=\"simulated\"}", "")
                .replace("{model_name=\"simulated\",", "{");
            (name, value.parse().unwrap())
        })
        .collect()
}

async fn scrape(server: &Simulated, clock: &Clock) -> BTreeMap<String, f64> {
    samples(&get(server, clock, "/metrics").await.text())
}

/// HELP and TYPE lines, and the labels of each series without their values, but with buckets.
fn described(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for line in page.lines() {
        let (name, rest) = match line.strip_prefix("# ") {
            Some(line) => {
                let (kind, line) = line.split_once(' ').unwrap();
                let (name, rest) = line.split_once(' ').unwrap();
                (name, format!("{kind} {rest}"))
            }
            None => {
                let Some((name, labels)) = line.split_once('{') else {
                    continue;
                };
                let labels = labels.rsplit_once('}').unwrap().0;
                let each = labels.split("\",").map(|label| {
                    let (key, value) = label.split_once('=').unwrap();
                    match key {
                        "le" | "finished_reason" => format!("{key}={value}"),
                        _ => key.to_owned(),
                    }
                });
                (name, each.collect::<Vec<_>>().join(","))
            }
        };
        all.entry(name.to_owned()).or_default().insert(rest);
    }
    all
}

/// Of the series whose form does not depend on the configuration.
#[test]
fn names_help_labels_and_buckets_are_vllms() {
    let recorded = described(include_str!("../../fixtures/captures/vllm-metrics.body"));
    // 128 blocks of 16 are the 2048 tokens of the recorded server.
    let script = parse("engine = linear, num_blocks = 128").unwrap();
    let page = simulate(SimServer::new(script), async |server, clock| {
        let answered = get(server, &clock, "/metrics").await;
        let kind = &answered.headers["content-type"];
        assert_eq!(kind, "text/plain; version=1.0.0; charset=utf-8");
        answered.text()
    });
    let found = described(&page);
    assert!(found.len() > 50, "{page}");
    for (name, lines) in found {
        if name != "vllm:cache_config_info" {
            assert_eq!(Some(&lines), recorded.get(&name), "{name}");
        }
    }
}

/// What clients know of their own tokens.
#[derive(Default)]
struct Ledger {
    tokens: u64,
    prompt_tokens: u64,
    first_tokens: u64,
    ttft: Duration,
    gaps: u64,
    gap_time: Duration,
    complete: u64,
    left: u64,
}

#[derive(Debug, Clone)]
struct Client {
    arrival: u64,
    prompt: u64,
    tokens: u64,
    /// After this many tokens it leaves.
    patience: u64,
}

fn clients() -> impl Strategy<Value = Vec<Client>> {
    let client = (0..400_u64, 1..60_u64, 1..30_u64, 1..60_u64);
    let client = client.prop_map(|(arrival, prompt, tokens, patience)| Client {
        // Off the steps' ends, so that nothing happens at the same time.
        arrival: arrival * 1_000_000 + 300_000,
        prompt,
        tokens,
        patience,
    });
    prop::collection::vec(client, 1..12)
}

/// One client's stream, noted in the ledger as it comes.
async fn talk(server: &Simulated, clock: &Clock, client: &Client, ledger: &RefCell<Ledger>) {
    clock.sleep_until(Nanos(client.arrival)).await;
    let prompt: Vec<u64> = (0..client.prompt).collect();
    let config = server.server().engine().unwrap();
    let job = goodput::sim::engine::Job {
        prompt_tokens: prompt.len() as u64,
        max_output: client.tokens,
        ..goodput::sim::engine::Job::default()
    };
    let mut ticket = config.submit(clock, clock.now(), job).unwrap();
    let mut got = 0;
    let mut last = None;
    while let Some((at, tokens)) = ticket.next().await {
        let mut ledger = ledger.borrow_mut();
        got += tokens;
        ledger.tokens += tokens;
        match last.replace(at) {
            None => {
                ledger.prompt_tokens += client.prompt;
                ledger.first_tokens += 1;
                ledger.ttft += at - Nanos(client.arrival);
            }
            Some(before) => {
                ledger.gaps += 1;
                ledger.gap_time += at - before;
            }
        }
        if got >= client.tokens {
            ledger.complete += 1;
            return;
        }
        if got >= client.patience {
            ledger.left += 1;
            return;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Few slots and blocks, so that jobs wait and are preempted; drafts, so that steps give several
    /// tokens; clients that leave.
    #[test]
    fn the_page_says_what_clients_and_engine_know(clients in clients(), looks in prop::collection::vec(0..900_u64, 1..8)) {
        let script = parse(
            "engine = linear, max_num_seqs = 4, num_blocks = 12, max_num_batched_tokens = 40, \
             num_speculative_tokens = 2, acceptance = 0.6",
        ).unwrap();
        simulate(SimServer::new(script), async |server, clock| {
            let ledger = RefCell::new(Ledger::default());
            let talking = futures_util::future::join_all(clients.iter().map(|client| talk(server, &clock, client, &ledger)));
            let looking = async {
                let mut looks = looks.clone();
                looks.sort_unstable();
                for look in looks {
                    clock.sleep_until(Nanos(look * 1_000_000 + 700_000)).await;
                    check(server, &clock, &ledger).await;
                }
            };
            tokio::join!(talking, looking);
            clock.sleep_until(Nanos(clock.now().0 + 100_000_000)).await;
            let page = check(server, &clock, &ledger).await;
            let state = server.server().engine().unwrap().state();
            assert_eq!((state.running, state.waiting, state.blocks_used), (0, 0, 0));
            assert_eq!(page["vllm:spec_decode_num_draft_tokens_total"], state.drafted_tokens as f64);
            assert_eq!(page["vllm:iteration_tokens_total_count"], state.steps as f64);
            // The engine also counts what a step makes for those who leave during it.
            if ledger.borrow().left == 0 {
                assert_eq!(page["vllm:generation_tokens_total"], state.generation_tokens as f64);
                assert_eq!(page["vllm:prompt_tokens_total"], state.prompt_tokens as f64);
                assert_eq!(page["vllm:spec_decode_num_accepted_tokens_total"], state.accepted_tokens as f64);
            }
        });
    }
}

async fn check(
    server: &Simulated,
    clock: &Clock,
    ledger: &RefCell<Ledger>,
) -> BTreeMap<String, f64> {
    let page = scrape(server, clock).await;
    let state = server.server().engine().unwrap().state();
    let ledger = ledger.borrow();
    let seconds = |name: &str, time: Duration| {
        let found = page[name];
        assert!(
            (found - time.as_secs_f64()).abs() < 1e-6,
            "{name}: {found} {time:?}"
        );
    };
    for (name, value) in [
        ("vllm:num_requests_running", state.running),
        ("vllm:num_requests_waiting", state.waiting),
        ("vllm:num_preemptions_total", state.preemptions),
        ("vllm:prefix_cache_queries_total", state.prefix_queries),
        ("vllm:prefix_cache_hits_total", state.prefix_hits),
        (
            "vllm:prompt_tokens_cached_total",
            state.cached_prompt_tokens,
        ),
        ("vllm:prompt_tokens_total", ledger.prompt_tokens),
        ("vllm:generation_tokens_total", ledger.tokens),
        (
            "vllm:time_to_first_token_seconds_count",
            ledger.first_tokens,
        ),
        ("vllm:inter_token_latency_seconds_count", ledger.gaps),
        (
            "vllm:iteration_tokens_total_sum",
            ledger.tokens + ledger.prompt_tokens,
        ),
        (
            "vllm:request_success_total{finished_reason=\"length\"}",
            ledger.complete,
        ),
        (
            "vllm:request_success_total{finished_reason=\"abort\"}",
            ledger.left,
        ),
        ("vllm:e2e_request_latency_seconds_count", ledger.complete),
    ] {
        assert_eq!(page[name], value as f64, "{name}");
    }
    assert_eq!(page["vllm:kv_cache_usage_perc"], state.kv_usage());
    seconds("vllm:time_to_first_token_seconds_sum", ledger.ttft);
    seconds("vllm:inter_token_latency_seconds_sum", ledger.gap_time);
    let spans = |names: &[&str]| -> f64 {
        names
            .iter()
            .map(|name| page[&format!("vllm:{name}_seconds_sum")])
            .sum()
    };
    let e2e = spans(&["e2e_request_latency"]);
    for parts in [
        &["request_queue_time", "request_inference_time"][..],
        &[
            "request_queue_time",
            "request_prefill_time",
            "request_decode_time",
        ],
    ] {
        assert!((spans(parts) - e2e).abs() < 1e-6);
    }
    page
}

/// Four tokens at 50, 60, 70 and 80 ms.
#[test]
fn a_script_follows_its_requests() {
    simulate(server(""), async |server, clock| {
        let body = json!({"prompt": [1, 2, 3], "max_tokens": 4, "stream": true});
        let asking = post(server, &clock, "/v1/completions", &body);
        let looking = async {
            let mut seen = Vec::new();
            for millis in [20, 55, 75, 90] {
                clock.sleep_until(Nanos(millis * 1_000_000)).await;
                let page = scrape(server, &clock).await;
                seen.push([
                    page["vllm:num_requests_running"],
                    page["vllm:prompt_tokens_total"],
                    page["vllm:generation_tokens_total"],
                    page["vllm:request_success_total{finished_reason=\"length\"}"],
                ]);
            }
            seen
        };
        let (_, seen) = tokio::join!(asking, looking);
        let expected = [
            [1.0, 0.0, 0.0, 0.0],
            [1.0, 3.0, 1.0, 0.0],
            [1.0, 3.0, 3.0, 0.0],
            [0.0, 3.0, 4.0, 1.0],
        ];
        assert_eq!(seen, expected);

        let whole = json!({"prompt": [1, 2, 3], "max_tokens": 4});
        post(server, &clock, "/v1/completions", &whole)
            .await
            .unwrap();
        let page = scrape(server, &clock).await;
        assert_eq!(page["vllm:inter_token_latency_seconds_count"], 6.0);
        assert_eq!(page["vllm:inter_token_latency_seconds_sum"], 0.06);
        assert_eq!(page["vllm:request_time_per_output_token_seconds_sum"], 0.02);
    });
}

#[test]
fn a_client_that_leaves_is_an_abort() {
    simulate(server("reset(after = 2)"), async |server, clock| {
        let body = json!({"prompt": "x", "max_tokens": 4, "stream": true});
        post(server, &clock, "/v1/completions", &body)
            .await
            .unwrap();
        clock.sleep_until(Nanos(clock.now().0 + 1_000_000)).await;
        let page = scrape(server, &clock).await;
        assert_eq!(page["vllm:num_requests_running"], 0.0);
        assert_eq!(
            page["vllm:request_success_total{finished_reason=\"abort\"}"],
            1.0
        );
    });
}

#[test]
fn adapters_are_named_while_they_work() {
    let script = parse("engine = linear, lora_modules = \"sql chat\", max_loras = 1").unwrap();
    simulate(SimServer::new(script), async |server, clock| {
        let ask = async |model: &str| {
            let body = json!({"model": model, "prompt": "x", "max_tokens": 4});
            post(server, &clock, "/v1/completions", &body)
                .await
                .unwrap()
                .status
        };
        let looking = async {
            clock.sleep_until(Nanos(15_000_000)).await;
            let page = get(server, &clock, "/metrics").await.text();
            assert!(page.contains(
                "vllm:lora_requests_info{max_lora=\"1\",running_lora_adapters=\"sql\",waiting_lora_adapters=\"chat\"}"
            ), "{page}");
        };
        let (sql, chat, ()) = tokio::join!(ask("sql"), ask("chat"), looking);
        assert_eq!((sql, chat), (200, 200));
    });
}
