use super::{recording::Measured, *};
use proptest::prelude::*;
use std::collections::BTreeSet;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn spans(script: &Script, ordinal: u64, count: usize) -> Vec<Duration> {
    let mut spans = Latencies::read(script).unwrap().spans(ordinal, 7, Nanos(0));
    (0..count).map(|_| spans.next()).collect()
}

fn noisy(seed: u64) -> Script {
    Script {
        ttft: Distribution::Exponential(ms(50)),
        itl: Distribution::Gamma(ms(10), ms(3)),
        seed,
        ..Script::default()
    }
}

#[test]
fn requests_and_seeds_draw_differently() {
    let first = |seed, ordinal| spans(&noisy(seed), ordinal, 1);
    assert_ne!(first(1, 0), first(1, 1));
    assert_ne!(first(1, 0), first(2, 0));
}

#[test]
fn luck_is_the_servers_not_the_requests() {
    let lucky = |seed| Script {
        noise: 0.04,
        seed,
        ..Script::default()
    };
    let factors: Vec<f64> = (0..2_000).map(|seed| luck(&lucky(seed)).ln()).collect();
    let mean = factors.iter().sum::<f64>() / 2_000.0;
    let squares: f64 = factors.iter().map(|f| (f - mean).powi(2)).sum();
    // Four standard errors each.
    assert!(mean.abs() < 0.0036, "{mean}");
    assert!(((squares / 2_000.0).sqrt() - 0.04).abs() < 0.0026);
    let of = |ordinal| spans(&lucky(5), ordinal, 3);
    let expected = ms(10).mul_f64(luck(&lucky(5)));
    assert_eq!(of(0), of(1));
    assert!(of(0)[1].abs_diff(expected) <= Duration::from_nanos(1));
}

#[test]
fn each_token_of_the_prompt_takes_its_time() {
    let script = Script {
        prefill: Duration::from_micros(300),
        ..Script::default()
    };
    // 50 ms, and 7 tokens of 300 µs.
    assert_eq!(
        spans(&script, 0, 3),
        [Duration::from_micros(52_100), ms(10), ms(10)]
    );
    let endless = Script {
        prefill: Duration::MAX,
        ..Script::default()
    };
    assert!(spans(&endless, 0, 1)[0] > Duration::from_nanos(u64::MAX));
}

/// Three requests, whose gaps tell whose they are.
fn recorded(paired: bool) -> Latencies {
    let measured = |ttft, gaps: &[u64]| Measured {
        ttft: ms(ttft),
        gaps: gaps.iter().copied().map(ms).collect(),
    };
    let recorded = Arc::new(Recorded {
        requests: vec![
            measured(100, &[11, 12, 13]),
            measured(200, &[]),
            measured(300, &[31, 32]),
        ],
        with_gaps: vec![0, 2],
    });
    Latencies {
        ttft: Source::Recorded(recorded.clone()),
        itl: Source::Recorded(recorded),
        paired,
        ..Latencies::read(&Script::default()).unwrap()
    }
}

fn drawn(latencies: &Latencies, ordinal: u64) -> (u128, Vec<u128>) {
    let mut spans = latencies.spans(ordinal, 7, Nanos(0));
    let mut next = || spans.next().as_millis();
    (next(), (0..12).map(|_| next()).collect())
}

#[test]
fn gaps_come_in_the_order_in_which_they_were_measured() {
    let latencies = recorded(true);
    let mut ttfts = BTreeSet::new();
    for ordinal in 0..100 {
        let (ttft, gaps) = drawn(&latencies, ordinal);
        ttfts.insert(ttft);
        // Slow requests are slow all the way.
        match ttft {
            100 => assert_eq!(gaps[..3], [11, 12, 13]),
            300 => assert_eq!(gaps[..2], [31, 32]),
            _ => assert!(matches!(gaps[0], 11 | 31)),
        }
        let mut rest = gaps.as_slice();
        while let [first, ..] = rest {
            let whole: &[u128] = if *first == 11 {
                &[11, 12, 13]
            } else {
                &[31, 32]
            };
            let (these, others) = rest.split_at(whole.len().min(rest.len()));
            assert!(whole.starts_with(these), "{gaps:?}");
            rest = others;
        }
    }
    assert_eq!(ttfts, [100, 200, 300].into());
}

#[test]
fn two_recordings_are_drawn_apart() {
    let latencies = recorded(false);
    let mixed = (0..100).map(|ordinal| drawn(&latencies, ordinal));
    let mixed = mixed.filter(|(ttft, gaps)| *ttft == 100 && gaps[0] == 31);
    // 1 in 3 of one, and 1 in 2 of the other.
    assert!((8..26).contains(&mixed.count()));
}

/// 30,000 gaps, of which each recorded one is a fifth: within 4 standard errors, 0.9 %.
#[test]
fn long_answers_draw_every_gap_equally_often() {
    let mut spans = recorded(true).spans(3, 7, Nanos(0));
    spans.next();
    let mut counts = BTreeMap::new();
    for _ in 0..30_000 {
        *counts.entry(spans.next().as_millis()).or_insert(0_u64) += 1;
    }
    assert_eq!(counts.len(), 5);
    for count in counts.values() {
        assert!((5_700..=6_300).contains(count), "{counts:?}");
    }
}

#[test]
fn what_is_wrong_with_a_file_names_the_field_and_the_file() {
    let file = |path: &str| Distribution::Empirical(Recording::File(path.to_owned()));
    let script = Script {
        ttft: file("no/such.json"),
        itl: file("no/such/either.json"),
        ..Script::default()
    };
    let problems = Latencies::read(&script).unwrap_err();
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let folder = std::env::current_dir().unwrap();
    let folder = folder.display();
    let why = format!("there is no such file in {folder}, from which relative paths are taken");
    let expected = [
        format!("ttft = empirical(\"no/such.json\"): {why}"),
        format!("itl = empirical(\"no/such/either.json\"): {why}"),
    ];
    assert_eq!(said, expected);
}

proptest! {
    #[test]
    fn the_same_request_draws_the_same_times(seed: u64, ordinal: u64) {
        prop_assert_eq!(spans(&noisy(seed), ordinal, 8), spans(&noisy(seed), ordinal, 8));
    }
}
