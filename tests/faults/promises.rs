//! Random plans against servers with random faults: the promises that every run keeps.

use super::ms;
use goodput::{
    Bench, Report,
    clock::Nanos,
    grammar::fault::{Fault, Kind, When},
    record::{CountSource, Phase, RequestError},
};
use proptest::prelude::*;
use std::time::Duration;

fn any_kind() -> impl Strategy<Value = Kind> {
    let after = 0..6_u64;
    let span = || (0..700_u64).prop_map(ms);
    prop_oneof![
        Just(Kind::Refuse),
        span().prop_map(Kind::SlowHeaders),
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
        (1..6_u64).prop_map(Kind::TokensPerChunk),
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

/// A random plan against a server with random faults.
#[derive(Debug, Clone)]
struct Trial {
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
    (
        faults,
        1..40_usize,
        1..9_u64,
        1..8_usize,
        rate,
        any::<bool>(),
        prop::bool::weighted(0.8),
        0..1000_u64,
    )
        .prop_map(
            |(faults, requests, output, limit, rate, chat, stream, seed)| Trial {
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
            },
        )
}

impl Trial {
    fn run(&self) -> Report {
        Bench::new("trial")
            .target(format!(
                "sim(ttft = lognormal(50ms, 20ms), itl = gamma(10ms, 5ms), seed = {})",
                self.seed
            ))
            .backend(if self.chat { "openai-chat" } else { "openai" })
            .dataset(format!("random(input = 4, output = {})", self.output))
            .tokenizer("none")
            .requests(self.requests)
            .max_concurrency(self.limit)
            .rate(self.rate)
            .stream(self.stream)
            .seed(self.seed)
            .first_token_timeout(ms(400))
            .between_tokens_timeout(ms(200))
            .total_timeout(ms(900))
            .faults(self.faults.clone())
            .run_blocking()
            .unwrap()
    }

    /// How often this may have happened to one request at most.
    fn most(&self, is: fn(&Kind) -> bool) -> u64 {
        self.faults.iter().filter(|fault| is(&fault.kind)).count() as u64
    }
}

/// The text of so many tokens of the simulation.
fn text_of(tokens: u64) -> String {
    const WORDS: &str = " the of and to in for is on that by this with you it not are";
    WORDS
        .split_inclusive(' ')
        .take(tokens as usize + 1)
        .collect::<String>()
        .trim_end()
        .to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn nothing_that_goes_wrong_breaks_a_promise(trial in any_trial()) {
        let report = trial.run();
        let run = report.run();

        // Every request is accounted for exactly once.
        let indices: Vec<usize> = run.records.iter().map(|record| record.index).collect();
        prop_assert_eq!(indices, (0..trial.requests).collect::<Vec<_>>());
        prop_assert_eq!(report.completed() + report.failed(), trial.requests as u64);

        // Never more at a time than allowed, failures included.
        let mut edges: Vec<(Nanos, i64)> = run.records.iter()
            .flat_map(|record| [(record.sent, 1), (record.end, -1)])
            .collect();
        edges.sort();
        let mut at_once = 0;
        for (_, step) in edges {
            at_once += step;
            prop_assert!(at_once <= trial.limit as i64);
        }

        let copies = trial.most(|kind| matches!(kind, Kind::Duplicate { .. }));
        let empty = trial.most(|kind| matches!(kind, Kind::Empty { .. }));
        for record in &run.records {
            // What was received is what was sent, up to the point where it broke.
            prop_assert!(record.events.len() as u64 <= trial.output + copies + empty);
            let words = record.text.split_whitespace().count() as u64;
            prop_assert!(words <= trial.output * (1 + copies), "{:?}", record.text);
            if copies == 0 && !record.text.contains('\u{fffd}') {
                prop_assert!(text_of(trial.output).starts_with(&record.text), "{:?}", record.text);
            }
            if record.ok() && record.output.source == CountSource::Usage {
                prop_assert!(record.output.tokens <= trial.output);
            }

            // Time goes forward, and limits are kept to the microsecond that time has for a step.
            let step = Duration::from_micros(1);
            let times = [record.intended, record.dispatched, record.sent].into_iter()
                .chain(record.head)
                .chain(record.events.iter().map(|event| event.at))
                .chain([record.end]);
            prop_assert!(times.is_sorted(), "{record:?}");
            prop_assert!(record.end - record.sent <= ms(900) + step);
            if let Some(RequestError::Timeout { phase, limit_ms }) = &record.error {
                let since = match phase {
                    Phase::Connect => unreachable!("pipes connect at once"),
                    Phase::FirstToken | Phase::Total => record.sent,
                    // The last read may have brought a part of an event only.
                    Phase::BetweenTokens => Nanos(record.end.0 - limit_ms * 1_000_000).max(record.events[0].at),
                };
                let over = record.end - since;
                prop_assert!(over >= ms(*limit_ms) && over <= ms(*limit_ms) + step, "{record:?}");
            }
        }

        // What lies between the first token and the last is the gaps, nothing else.
        let latency = &report.metrics().latency;
        let total = |summary: &goodput::metrics::Summary| match summary.count {
            0 => 0.0,
            count => summary.mean * count as f64,
        };
        let decode = total(&latency.e2el) - total(&latency.ttft);
        prop_assert!((decode - total(&latency.itl)).abs() < 1e-6 * (1.0 + decode), "{latency:?}");

        // Same seed, same bytes.
        let again = trial.run();
        prop_assert_eq!(
            serde_json::to_string(run).unwrap(),
            serde_json::to_string(again.run()).unwrap()
        );
    }
}
