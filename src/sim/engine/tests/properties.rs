//! Properties of every engine, whatever jobs it gets.

use super::play::{Event, Played, arrivals, hashes, job, play};
use crate::{
    clock::Nanos,
    sim::engine::{Engine, EngineConfig, Job, Policy, Stall, StepCost},
};
use proptest::prelude::*;
use rstest::rstest;
use std::{collections::BTreeSet, time::Duration};

/// 10 ms a step, 100 µs a prefilled token, 50 µs a sequence, 1 µs a KV token.
const COST: StepCost = StepCost {
    t0: 10_000_000_000,
    tp: 100_000_000,
    td: 50_000_000,
    tk: 1_000_000,
};

fn config() -> EngineConfig {
    EngineConfig {
        cost: COST,
        ..EngineConfig::preset("linear").unwrap()
    }
}

fn at_once(config: EngineConfig, jobs: impl IntoIterator<Item = Job>) -> Played {
    let jobs = jobs.into_iter().map(|job| (Nanos(0), job));
    play(&mut Engine::new(config, 0), arrivals(jobs))
}

/// The order in which jobs first got tokens.
fn order(played: &Played) -> Vec<u64> {
    let mut seen = BTreeSet::new();
    let emissions = played.steps.iter().flat_map(|step| &step.emissions);
    let ids = emissions.map(|emission| emission.job.0);
    ids.filter(|id| seen.insert(*id)).collect()
}

#[test]
fn a_step_costs_what_the_formula_says() {
    let played = at_once(config(), [job(20, 3), job(30, 1)]);
    let nanos: Vec<_> = played
        .steps
        .iter()
        .map(|step| (step.ends - step.begins).as_nanos())
        .collect();
    // 50 prefilled tokens; then one sequence with a context of 21, and of 22.
    assert_eq!(nanos, [15_000_000, 10_071_000, 10_072_000]);
}

#[rstest]
#[case::nothing_shared(0, 64, 0)]
#[case::two_blocks(2, 64, 32)]
#[case::all_but_the_block_of_the_last_token(4, 64, 48)]
#[case::all_full_blocks(4, 65, 64)]
fn cached_tokens_are_not_computed(#[case] blocks: u64, #[case] prompt: u64, #[case] cached: u64) {
    let first = Job {
        block_hashes: hashes(1, blocks),
        ..job(64, 1)
    };
    let second = Job {
        block_hashes: hashes(1, blocks),
        ..job(prompt, 1)
    };
    let mut engine = Engine::new(config(), 0);
    let jobs = [(Nanos(0), first), (Nanos(1_000_000_000), second)];
    let played = play(&mut engine, arrivals(jobs));
    assert_eq!(played.steps[1].load.prefill_tokens, prompt - cached);
    let saved = u128::from(cached) * 100_000;
    let took = (played.steps[1].ends - played.steps[1].begins).as_nanos();
    assert_eq!(took, 10_000_000 + u128::from(prompt) * 100_000 - saved);
    let state = engine.state();
    assert_eq!(
        (state.prefix_queries, state.prefix_hits),
        (64 + prompt, cached)
    );
    assert_eq!(state.cached_prompt_tokens, cached);
}

#[test]
fn without_a_prefix_cache_all_is_computed() {
    let mut off = config();
    off.enable_prefix_caching = false;
    let same = || Job {
        block_hashes: hashes(1, 4),
        ..job(64, 1)
    };
    let played = at_once(off, [same(), same()]);
    assert_eq!(played.steps[0].load.prefill_tokens, 128);
}

#[test]
fn preempted_jobs_finish_with_all_their_tokens() {
    let jobs = || (0..4).map(|_| job(32, 60));
    let small = EngineConfig {
        num_blocks: 12,
        ..config()
    };
    let (roomy, tight) = (at_once(config(), jobs()), at_once(small, jobs()));
    assert_eq!(
        roomy.finished.values().map(|f| f.preemptions).sum::<u64>(),
        0
    );
    assert!(tight.finished.values().map(|f| f.preemptions).sum::<u64>() > 0);
    // The first is never the victim.
    assert_eq!(tight.finished.values().next().unwrap().preemptions, 0);
    assert_eq!(roomy.emitted, tight.emitted);
    assert!(tight.end > roomy.end);
}

#[test]
fn chunks_bound_the_longest_step() {
    let jobs = || {
        let long = (1..6).map(|index| (Nanos(index * 100_000_000), job(2_000, 1)));
        arrivals([(Nanos(0), job(10, 200))].into_iter().chain(long))
    };
    let longest = |config: EngineConfig| {
        let played = play(&mut Engine::new(config, 0), jobs());
        let steps = played.steps.iter();
        steps.map(|step| (step.ends - step.begins).as_nanos()).max()
    };
    let chunked = |budget| EngineConfig {
        max_num_batched_tokens: budget,
        cost: StepCost { tk: 0, ..COST },
        ..config()
    };
    // A step of 128 tokens: one decodes, the others are prefill.
    assert_eq!(
        longest(chunked(128)),
        Some(10_000_000 + 127 * 100_000 + 50_000)
    );
    let whole = EngineConfig {
        enable_chunked_prefill: false,
        ..chunked(2_050)
    };
    assert_eq!(longest(whole), Some(10_000_000 + 2_000 * 100_000 + 50_000));
}

#[test]
fn drafts_make_bursts() {
    let sure = EngineConfig {
        num_speculative_tokens: 3,
        acceptance: 1.0,
        ..config()
    };
    let bursts = |config| -> Vec<u64> {
        let played = at_once(config, [job(10, 11)]);
        let emissions = played.steps.iter().flat_map(|step| &step.emissions);
        emissions.map(|emission| emission.tokens).collect()
    };
    // The last draft is left out, because only two tokens are wanted.
    assert_eq!(bursts(sure.clone()), [1, 4, 4, 2]);
    let never = EngineConfig {
        acceptance: 0.0,
        ..sure
    };
    assert_eq!(bursts(never), [1; 11]);
}

#[test]
fn a_job_whose_adapter_has_no_slot_lets_others_pass() {
    let with = |lora| Job { lora, ..job(16, 5) };
    let played = at_once(config(), [Some(0), Some(1), None, Some(0)].map(with));
    assert_eq!(order(&played), [0, 2, 3, 1]);
    let two = EngineConfig {
        max_loras: 2,
        ..config()
    };
    let played = at_once(two, [Some(0), Some(1), None, Some(0)].map(with));
    assert_eq!(order(&played), [0, 1, 2, 3]);
}

#[rstest]
#[case(Policy::Fcfs, [0, 1, 2, 3])]
#[case(Policy::Priority, [3, 0, 2, 1])]
fn the_policy_says_who_is_next(#[case] scheduling_policy: Policy, #[case] expected: [u64; 4]) {
    let config = EngineConfig {
        scheduling_policy,
        max_num_seqs: 1,
        ..config()
    };
    let jobs = [0, 7, 0, -1].map(|priority| Job {
        priority,
        ..job(16, 2)
    });
    assert_eq!(order(&at_once(config, jobs)), expected);
}

#[test]
fn a_cancelled_job_leaves_at_the_end_of_the_step() {
    let mut engine = Engine::new(config(), 0);
    let events = vec![
        (Nanos(0), Event::Arrival(job(32, 100))),
        (Nanos(0), Event::Arrival(job(32, 100))),
        (Nanos(35_000_000), Event::Cancellation(0)),
        (Nanos(35_000_000), Event::Cancellation(1)),
    ];
    let played = play(&mut engine, events);
    assert_eq!(played.steps.len(), 3);
    assert_eq!(played.end, played.steps[2].ends);
    let state = engine.state();
    assert_eq!(
        (state.cancelled, state.finished, state.blocks_used),
        (2, 0, 0)
    );
}

fn any_config() -> impl Strategy<Value = EngineConfig> {
    (
        (1..6_u64, 1..64_u64, 1..8_u64, 1..40_u64, 1..3_u64),
        (any::<bool>(), any::<bool>(), any::<bool>()),
        (0..4_u64, 0.0..=1.0_f64),
    )
        .prop_map(
            |(numbers, flags, (num_speculative_tokens, acceptance))| EngineConfig {
                max_num_seqs: numbers.0,
                max_num_batched_tokens: numbers.1,
                block_size: numbers.2,
                num_blocks: numbers.3,
                max_loras: numbers.4,
                enable_prefix_caching: flags.0,
                enable_chunked_prefill: flags.1,
                scheduling_policy: if flags.2 {
                    Policy::Priority
                } else {
                    Policy::Fcfs
                },
                num_speculative_tokens,
                acceptance,
                ..config()
            },
        )
}

/// A job, when it arrives, and how long after that it is given up.
#[derive(Debug, Clone)]
struct Client {
    at: u64,
    job: Job,
    patience: Option<u64>,
}

fn any_client() -> impl Strategy<Value = Client> {
    let span = || 0..300_000_000_u64;
    let stall = (0..20_u64, span().prop_map(Duration::from_nanos));
    let stall = stall.prop_map(|(after, time)| Stall {
        after,
        time: Some(time),
    });
    let stalls = prop::option::weighted(0.2, prop::collection::vec(stall, 1..3));
    let job = (
        (1..40_u64, 1..20_u64, 0..3_u64, 0..40_u64),
        -2..3_i64,
        prop::option::of(0..3_usize),
        stalls,
    );
    let job = job.prop_map(
        |((prompt_tokens, max_output, text, blocks), priority, lora, stalls)| Job {
            prompt_tokens,
            block_hashes: hashes(text, blocks),
            max_output,
            priority,
            lora,
            stalls: stalls.unwrap_or_default(),
        },
    );
    let patience = prop::option::weighted(0.3, span());
    (0..100_000_000_u64, job, patience).prop_map(|(at, job, patience)| Client { at, job, patience })
}

/// Clients in order of arrival.
fn any_clients() -> impl Strategy<Value = Vec<Client>> {
    prop::collection::vec(any_client(), 1..30).prop_map(|mut clients| {
        clients.sort_by_key(|client| client.at);
        clients
    })
}

fn events(clients: &[Client]) -> Vec<(Nanos, Event)> {
    let mut events = Vec::new();
    for (index, client) in clients.iter().enumerate() {
        events.push((Nanos(client.at), Event::Arrival(client.job.clone())));
        if let Some(patience) = client.patience {
            events.push((Nanos(client.at + patience), Event::Cancellation(index)));
        }
    }
    events.sort_by_key(|(at, _)| *at);
    events
}

proptest! {
    #[test]
    fn blocks_slots_and_tokens_are_conserved(
        config in any_config(),
        clients in any_clients(),
    ) {
        let mut engine = Engine::new(config.clone(), 3);
        let played = play(&mut engine, events(&clients));
        let stalls = clients.iter().any(|client| !client.job.stalls.is_empty());
        let mut before = 0;
        for (step, state) in played.steps.iter().zip(&played.states) {
            // Blocks that were taken away are not given to newcomers in the same step.
            prop_assert!(step.preempted.is_empty() || stalls || state.running < before);
            before = state.running;
            prop_assert!(state.blocks_used <= config.num_blocks);
            prop_assert!(state.running <= config.max_num_seqs);
            let load = step.load;
            let tokens = load.prefill_tokens + load.drafted_tokens + load.decode_seqs;
            prop_assert!(tokens >= 1 && tokens <= config.max_num_batched_tokens);
            // Each running job holds a block at least.
            prop_assert!(state.running == 0 || state.blocks_used >= 1);
        }
        let end = engine.state();
        prop_assert_eq!((end.running, end.waiting, end.blocks_used), (0, 0, 0));

        for (Client { job, patience, .. }, id) in clients.iter().zip(&played.jobs) {
            let fits = job.prompt_tokens + job.max_output <= config.max_model_len();
            prop_assert_eq!(id.is_some(), fits);
            let Some(id) = id else { continue };
            let emitted = played.emitted.get(id).copied().unwrap_or(0);
            let done = played.finished.get(id);
            prop_assert!(emitted <= job.max_output);
            prop_assert_eq!(done.is_some(), emitted == job.max_output);
            prop_assert!(done.is_some() || patience.is_some());
            if let Some(done) = done {
                prop_assert_eq!(done.output_tokens, job.max_output);
                prop_assert!(done.submitted <= done.scheduled && done.scheduled < done.first_token);
                prop_assert!(done.first_token <= done.finished);
                prop_assert!(done.cached_tokens < job.prompt_tokens);
            }
        }
        prop_assert_eq!(end.finished + end.cancelled, end.submitted);
        prop_assert_eq!(end.generation_tokens, played.emitted.values().sum::<u64>());
        let preempted: usize = played.steps.iter().map(|step| step.preempted.len()).sum();
        // A job that is preempted behind stalled jobs may be given up before the next step reports it.
        prop_assert!(preempted as u64 <= end.preemptions);
        prop_assert!(stalls || preempted as u64 == end.preemptions);
    }

    #[test]
    fn adapters_keep_to_their_slots(
        config in any_config(),
        clients in any_clients(),
    ) {
        let played = play(&mut Engine::new(config.clone(), 3), events(&clients));
        for step in &played.steps {
            let adapters: BTreeSet<usize> = step.emissions.iter().filter_map(|emission| {
                let index = played.jobs.iter().position(|id| *id == Some(emission.job))?;
                clients[index].job.lora
            }).collect();
            prop_assert!(adapters.len() as u64 <= config.max_loras);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_steps(
        config in any_config(),
        clients in any_clients(),
        seed: u64,
    ) {
        let run = || play(&mut Engine::new(config.clone(), seed), events(&clients));
        prop_assert_eq!(run(), run());
    }
}
