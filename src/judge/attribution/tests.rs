//! Servers of which one phase got slower, on virtual time.

use super::{attribute, attribute_pairs};
use crate::{
    Bench,
    judge::Breakdown,
    stats::{compare::Rule, unpaired::Noise},
};

/// The assumption where the noise is not known.
const ASSUMED: Noise = Noise::Cv {
    cv: 0.04,
    freedom: f64::INFINITY,
};

fn bench(target: &str) -> Bench {
    Bench::new("attribution")
        .target(target)
        .dataset("random(input = 512, output = 32, range_ratio = 0.9)")
        .rate(20)
        .requests(320)
}

fn breakdown(bench: Bench) -> Breakdown {
    Breakdown::of(bench.run_blocking().unwrap().run())
}

fn between(old: Bench, new: Bench, noise: Noise) -> Vec<String> {
    let (old, new) = (breakdown(old), breakdown(new));
    attribute(&[&old.phases], &old, &new, noise, &Rule::default())
}

#[test]
fn slower_decoding() {
    let old = bench("sim(ttft = lognormal(50ms, 10ms), itl = 10ms)");
    let new = bench("sim(ttft = lognormal(50ms, 10ms), itl = 14ms)");
    insta::assert_snapshot!(between(old, new, ASSUMED).join("\n"));
}

#[test]
fn slower_prefill_is_told_by_long_prompts() {
    let old = bench("sim(ttft = lognormal(50ms, 5ms), itl = 10ms, prefill = 20us)");
    let new = bench("sim(ttft = lognormal(50ms, 5ms), itl = 10ms, prefill = 200us)");
    insta::assert_snapshot!(between(old, new, ASSUMED).join("\n"));
}

#[test]
fn a_server_that_gets_slow_in_the_middle() {
    let old = bench("sim(ttft = lognormal(50ms, 10ms), itl = 10ms)");
    let new = old.clone().faults("stall(200ms)@t:8s..60s");
    insta::assert_snapshot!(between(old, new, ASSUMED).join("\n"));
}

/// Longer answers keep the slots busy, so that requests wait for one.
#[test]
fn waiting_for_a_slot_is_no_phase_of_the_server() {
    let limited = |target: &str| bench(target).max_concurrency(8);
    let old = limited("sim(ttft = 20ms, itl = 2ms)");
    let new = limited("sim(ttft = 20ms, itl = 13ms)");
    insta::assert_snapshot!(between(old, new, ASSUMED).join("\n"));
}

/// A server that lets a proxy hold answers back says so by its own count.
#[test]
fn what_the_server_has_not_counted_is_outside_of_it() {
    let server = |ttft: &str, counted: f64| Breakdown {
        server_ttft_ms: Some(counted),
        ..breakdown(bench(&format!("sim(ttft = {ttft}, itl = 10ms)")))
    };
    let (old, new) = (server("50ms", 48.0), server("80ms", 51.0));
    let sentences = attribute(&[&old.phases], &old, &new, ASSUMED, &Rule::default());
    insta::assert_snapshot!(sentences.join("\n"));
}

/// Luck of requests is not a reason: 25 times the same server with other draws.
#[test]
fn nothing_is_told_of_a_server_that_has_not_changed() {
    let runs: Vec<Breakdown> = (0..5)
        .map(|seed| {
            let target = format!(
                "sim(ttft = lognormal(50ms, 30ms), itl = lognormal(10ms, 5ms), seed = {seed})"
            );
            breakdown(bench(&target).requests(160))
        })
        .collect();
    let mut told = Vec::new();
    for old in &runs {
        for new in &runs {
            let rule = Rule::default();
            told.extend(attribute(&[&old.phases], old, new, ASSUMED, &rule));
            // Nor of lengths and times, where all phases are said to have changed.
            for part in crate::judge::Part::ALL {
                told.extend(super::length::sentence(part, old, new, &rule));
                told.extend(super::since::sentence(part, old, new, &rule));
            }
        }
    }
    assert!(told.len() <= 1, "{told:#?}");
}

/// Five pairs of runs with their own luck. What decoding costs more is named, and long prompts are not.
#[test]
fn pairs_of_runs() {
    let run = |side: &str, seed: u64| {
        let target =
            format!("sim(ttft = lognormal(50ms, 10ms), {side}, noise = 2%, seed = {seed})");
        breakdown(bench(&target).seed(seed / 2))
    };
    let pair = |seed: u64| (run("itl = 10ms", 2 * seed), run("itl = 13ms", 2 * seed + 1));
    let pairs: Vec<_> = (0..5).map(pair).collect();
    let (a, b) = &pairs[0];
    let sentences = attribute_pairs(&pairs, a, b, &Rule::default());
    insta::assert_snapshot!(sentences.join("\n"));
    let same = |seed: u64| (run("itl = 10ms", 2 * seed), run("itl = 10ms", 2 * seed + 1));
    let same: Vec<_> = (0..5).map(same).collect();
    let (a, b) = &same[0];
    assert_eq!(attribute_pairs(&same, a, b, &Rule::default()), [""; 0]);
}
