//! Random plans against random servers with random faults, and the invariants that every run keeps.

use crate::{
    bench::{Bench, Control, conduct::Ended, line::Line},
    client::Dialer,
    clock::{Nanos, on_virtual_time},
    grammar::fault::{Fault, Kind, When},
    metrics::Tally,
    record::{CountSource, Phase, RequestError},
    report::{JsonOptions, Report, vllm_json},
    sim::{InProcess, SimServer},
    targets::Place,
};
use proptest::{prelude::*, test_runner::TestCaseError};
use std::{sync::Arc, time::Duration};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn any_kind() -> impl Strategy<Value = Kind> {
    let after = 0..6_u64;
    let span = || (0..700_u64).prop_map(ms);
    prop_oneof![
        Just(Kind::Refuse),
        span().prop_map(|time| Kind::SlowHeaders { time }),
        (prop::option::of(span()), after.clone())
            .prop_map(|(time, after)| Kind::Stall { time, after }),
        after.clone().prop_map(|after| Kind::Reset { after }),
        after.clone().prop_map(|after| Kind::Cut { after }),
        after.clone().prop_map(|after| Kind::EndEarly { after }),
        after
            .clone()
            .prop_map(|after| Kind::TruncatedUtf8 { after }),
        after.clone().prop_map(|after| Kind::ErrorEvent {
            after,
            message: None
        }),
        (400..600_u16, prop::option::of(Just("busy".to_owned()))).prop_map(|(code, body)| {
            Kind::Status {
                code,
                body,
                retry_after: Some(1),
            }
        }),
        Just(Kind::NoUsage),
        Just(Kind::NoDone),
        after.clone().prop_map(|after| Kind::Duplicate { after }),
        after.clone().prop_map(|after| Kind::RoleOnly { after }),
        after.clone().prop_map(|after| Kind::Empty { after }),
        after.prop_map(|after| Kind::UsageOnly { after }),
        (1..6_u64).prop_map(|tokens| Kind::TokensPerChunk { tokens }),
        Just(Kind::Crlf),
        (0..30_u64, 1..300_u64).prop_map(|(every, bytes)| Kind::Drip {
            every: ms(every),
            bytes
        }),
        Just(Kind::NoTokens),
    ]
}

fn any_when() -> impl Strategy<Value = When> {
    prop_oneof![
        Just(When::Always),
        (1..=100_u8).prop_map(|percent| When::Percent(f64::from(percent))),
        (0..40_u64, 1..40_u64).prop_map(|(from, more)| When::Requests {
            from,
            until: from + more
        }),
        (0..2_000_u64, 1..2_000_u64).prop_map(|(from, more)| When::Window {
            from: ms(from),
            until: ms(from + more)
        }),
    ]
}

/// Scripts and engines; all but the seed.
fn any_server() -> impl Strategy<Value = String> {
    let script = (0..80_u64, 0..200_u64).prop_map(|(prefill, share)| {
        format!(
            "ttft = lognormal(50ms, 20ms), itl = gamma(10ms, 5ms), prefill = {prefill}us, \
             slowdown = {}%",
            share as f64 / 10.0
        )
    });
    let times =
        Just("ttft = empirical(0ms, 33ms, 70ms), itl = empirical(0ms, 0ms, 21ms)".to_owned());
    let engine = (1..6_u64, 2..20_u64, 0..4_u64).prop_map(|(seqs, blocks, drafts)| {
        format!(
            "engine = linear, max_num_seqs = {seqs}, num_blocks = {blocks}, \
             num_speculative_tokens = {drafts}"
        )
    });
    prop_oneof![script, times, engine]
}

/// A random plan against a random server with random faults.
#[derive(Debug, Clone)]
struct Trial {
    server: String,
    burstiness: f64,
    faults: Vec<Fault>,
    requests: usize,
    output: u64,
    limit: usize,
    rate: f64,
    chat: bool,
    stream: bool,
    seed: u64,
}

fn any_trial() -> impl Strategy<Value = Trial> {
    let faults = prop::collection::vec((any_kind(), any_when()), 0..4);
    let rate = prop_oneof![Just(f64::INFINITY), 1.0..100.0];
    let burstiness = prop_oneof![Just(f64::INFINITY), 0.3..4.0];
    (
        (any_server(), burstiness, faults),
        1..40_usize,
        1..9_u64,
        1..8_usize,
        rate,
        any::<bool>(),
        prop::bool::weighted(0.8),
        0..1000_u64,
    )
        .prop_map(
            |((server, burstiness, faults), requests, output, limit, rate, chat, stream, seed)| {
                Trial {
                    server,
                    burstiness,
                    faults: faults
                        .into_iter()
                        .map(|(kind, when)| kind.when(when))
                        .collect(),
                    requests,
                    output,
                    limit,
                    rate,
                    chat,
                    stream,
                    seed,
                }
            },
        )
}

impl Trial {
    fn bench(&self) -> Bench {
        Bench::new("trial")
            .target(format!("sim({}, seed = {})", self.server, self.seed))
            .backend(if self.chat { "openai-chat" } else { "openai" })
            .dataset(format!("random(input = 4, output = {})", self.output))
            .tokenizer("none")
            .requests(self.requests)
            .max_concurrency(self.limit)
            .rate(self.rate)
            .burstiness(self.burstiness)
            .stream(self.stream)
            .seed(self.seed)
            .first_token_timeout(ms(400))
            .between_tokens_timeout(ms(200))
            .total_timeout(ms(900))
            .faults(self.faults.clone())
    }

    /// The report, and the server as the run left it.
    fn run(&self) -> (Report, Arc<SimServer>) {
        let bench = self.bench().checked().unwrap();
        let place = bench.target.open().unwrap().place;
        let Place::Simulation(simulation) = &place else {
            panic!("{place:?}")
        };
        let prepared = bench.prepare(&place, None, &Control::default()).unwrap();
        let server = prepared.simulated(simulation).unwrap();
        let control = Control::default();
        let sent = on_virtual_time(async |clock| {
            let pipes = InProcess::new(server.clone(), clock.clone());
            let dialers = vec![Dialer::in_process(pipes)];
            let line = Line::new(&bench, &place, &prepared, &control, dialers, &clock);
            let sent = line.open(async |line, plan| line.send(plan).await).await;
            // An engine frees the blocks of a request when its step ends.
            clock.sleep_until(clock.now().after(ms(1_000))).await;
            sent
        });
        (
            bench.judge(Ended {
                run: sent.unwrap().unwrap().into_run(),
                numbers: Tally::default(),
                segments: 1,
                notes: Vec::new(),
                complaint: None,
                gate: None,
            }),
            server,
        )
    }

    /// How often this may have happened to one request at most.
    fn most(&self, is: fn(&Kind) -> bool) -> u64 {
        self.faults.iter().filter(|fault| is(&fault.kind)).count() as u64
    }
}

/// The text of this number of tokens of the simulation.
fn text_of(tokens: u64) -> String {
    const WORDS: &str = " the of and to in for is on that by this with you it not are";
    WORDS
        .split_inclusive(' ')
        .take(tokens as usize + 1)
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// The result file, without the day on which it was made.
fn result(report: &Report) -> String {
    let options = JsonOptions {
        detailed: true,
        ..JsonOptions::default()
    };
    let result = vllm_json(report.run(), report.metrics(), report.judgement(), &options);
    serde_json::to_string(&result).unwrap()
}

/// What every run keeps.
fn check(trial: &Trial) -> Result<(), TestCaseError> {
    let (report, server) = trial.run();
    let run = report.run();

    // Every request is accounted for exactly once.
    let indices: Vec<usize> = run.records.iter().map(|record| record.index).collect();
    prop_assert_eq!(indices, (0..trial.requests).collect::<Vec<_>>());
    prop_assert_eq!(report.completed() + report.failed(), trial.requests as u64);

    // Never more at a time than allowed, failures included.
    let mut edges: Vec<(Nanos, i64)> = run
        .records
        .iter()
        .flat_map(|record| [(record.sent, 1_i64), (record.end, -1)])
        .collect();
    edges.sort();
    let (mut at_once, mut last, mut area) = (0, Nanos(0), 0);
    for (at, step) in edges {
        area += at_once as u128 * (at - last).as_nanos();
        last = at;
        at_once += step;
        prop_assert!(at_once <= trial.limit as i64);
    }

    // Little's law, on both sides of the connection and to the nanosecond: the time that requests were in flight
    // is what they took. What a server never accepted took no time.
    let took: u128 = run
        .records
        .iter()
        .map(|record| (record.end - record.sent).as_nanos())
        .sum();
    prop_assert_eq!(area, took);
    // A drip goes on after the answer has said its end, which is where the request ends.
    let served = server.time_in_flight().as_nanos();
    let drips = trial.most(|kind| matches!(kind, Kind::Drip { .. })) > 0;
    prop_assert!(served == took || drips && served > took, "{served} {took}");
    prop_assert_eq!(server.in_flight(), 0);

    let copies = trial.most(|kind| matches!(kind, Kind::Duplicate { .. }));
    let empty = trial.most(|kind| matches!(kind, Kind::Empty { .. }));
    let mut delivered = 0;
    for record in &run.records {
        // The time between the first token and the last consists of the gaps, nothing else.
        if let (Some(first), Some(last)) = (record.events.first_at(), record.events.last_at()) {
            let gaps: Duration = crate::metrics::gaps(record).sum();
            let (latency, ttft) = (last - record.sent, first - record.sent);
            prop_assert_eq!(latency - ttft, gaps);
        }
        // What was received is what was sent, up to the point where it broke.
        prop_assert!(record.events.len() as u64 <= trial.output + copies + empty);
        // A character that was cut is not a word.
        let words = record
            .text
            .split_whitespace()
            .filter(|word| *word != "\u{fffd}");
        let words = words.count() as u64;
        prop_assert!(words <= trial.output * (1 + copies), "{:?}", record.text);
        delivered += words;
        // A success has every token, once.
        if record.ok() && copies == 0 {
            prop_assert_eq!(words, trial.output, "{:?}", record.text);
        }
        if copies == 0 && !record.text.contains('\u{fffd}') {
            prop_assert!(
                text_of(trial.output).starts_with(&record.text),
                "{:?}",
                record.text
            );
        }
        if record.ok() && record.output.source == CountSource::Usage {
            prop_assert!(record.output.tokens <= trial.output);
        }

        // Time goes forward, and limits are kept to the nanosecond.
        let step = Duration::ZERO;
        prop_assert!(record.dispatched <= record.sent);
        let times = [record.intended, record.sent]
            .into_iter()
            .chain(record.head)
            .chain(record.events.iter().map(|event| event.at))
            .chain([record.end]);
        prop_assert!(times.is_sorted(), "{record:?}");
        prop_assert!(record.end - record.sent <= ms(900) + step);
        if let Some(RequestError::Timeout { phase, limit_ms }) = &record.error {
            let since = match phase {
                Phase::Connect => unreachable!("pipes connect at once"),
                Phase::FirstToken | Phase::Total => record.sent,
                Phase::BetweenTokens => Nanos(record.end.0 - limit_ms * 1_000_000)
                    .max(record.events.first_at().unwrap()),
            };
            let over = record.end - since;
            prop_assert!(
                over >= ms(*limit_ms) && over <= ms(*limit_ms) + step,
                "{record:?}"
            );
        }
    }

    // What an engine made was delivered, or destroyed by a fault, or made for a client that gave up.
    if let Some(engine) = server.engine() {
        let state = engine.state();
        prop_assert_eq!((state.running, state.waiting, state.blocks_used), (0, 0, 0));
        prop_assert_eq!(state.finished + state.cancelled, state.submitted);
        if copies == 0 {
            prop_assert!(delivered <= state.generation_tokens);
            // A request that was sent again had its answer made twice at most.
            let again = run.records.iter().filter(|record| record.retried).count() as u64;
            if report.failed() == 0 {
                prop_assert!(state.generation_tokens <= delivered + again * trial.output);
            }
        }
    }

    // Same seed, same bytes.
    let (again, _) = trial.run();
    prop_assert_eq!(
        serde_json::to_string(run).unwrap(),
        serde_json::to_string(again.run()).unwrap()
    );
    prop_assert_eq!(result(&report), result(&again));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn nothing_that_goes_wrong_breaks_a_promise(trial in any_trial()) {
        check(&trial)?;
    }
}

/// An answer that is lost before its first byte on a connection that was used before is asked for again: the engine
/// makes it twice.
#[test]
fn an_answer_that_was_made_twice_is_delivered_once() {
    let trial = Trial {
        server: "engine = linear, max_num_seqs = 1, num_blocks = 8".to_owned(),
        burstiness: 1.0,
        faults: vec![Kind::Reset { after: 0 }.when(When::Requests { from: 3, until: 4 })],
        requests: 8,
        output: 2,
        limit: 1,
        rate: f64::INFINITY,
        chat: false,
        stream: false,
        seed: 1,
    };
    check(&trial).unwrap();
    let (report, server) = trial.run();
    assert_eq!((report.completed(), report.failed()), (8, 0));
    assert_eq!(server.engine().unwrap().state().generation_tokens, 9 * 2);
}
