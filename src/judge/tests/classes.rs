//! Whether intervals of the worst class and of fairness hold what they promise.

use crate::{
    judge::Criteria,
    metrics::testing::{record, run_of},
    record::{Record, RequestError},
    run::Run,
};
use goodput_grammar::slo::parse;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, LogNormal};
use rand_pcg::Pcg64;
use rstest::rstest;

const RUNS: u64 = 400;

/// Requests in turn from each of the classes or clients.
fn run(names: &[&str], each: usize, mut one: impl FnMut(usize, &mut Record)) -> Run {
    let records = (0..each * names.len()).map(|index| {
        let mut record = record(index as u64 * 100, &[index as u64 * 100 + 10], 1);
        record.index = index;
        let name = index % names.len();
        record.class = Some(names[name].into());
        one(name, &mut record);
        record
    });
    let mut run = run_of(records.collect());
    run.setup.classes = names.iter().map(|name| (*name).to_owned()).collect();
    run
}

/// Per cent of the runs whose interval holds the truth.
fn covered(slo: &str, truth: f64, run: impl Fn(u64) -> Run) -> f64 {
    let criteria = Criteria {
        slos: parse(slo).unwrap(),
        ..Criteria::default()
    };
    let holds = |seed: u64| {
        let result = criteria.assess(&run(seed)).1.slos.remove(0);
        let interval = result.interval.unwrap();
        interval.low.is_none_or(|low| low <= truth)
            && interval.high.is_none_or(|high| truth <= high)
    };
    (0..RUNS).filter(|seed| holds(*seed)).count() as f64 * 100.0 / RUNS as f64
}

#[rstest]
#[case::one_is_worst([0.02, 0.02, 0.1], 0.1)]
#[case::all_are_alike([0.1, 0.1, 0.1], 0.1)]
fn the_worst_class_is_in_its_interval(#[case] shares: [f64; 3], #[case] truth: f64) {
    let of = |seed: u64| {
        let mut random = Pcg64::seed_from_u64(seed);
        run(&["a", "b", "c"], 150, |class, record| {
            if random.random::<f64>() < shares[class] {
                record.error = Some(RequestError::NoTokens);
            }
        })
    };
    let covered = covered("worst_class(errors) < 50%", truth, of);
    assert!(covered >= 94.0, "{covered}");
}

/// Clients whose requests are this many times as large as those of the first, of very different sizes.
#[rstest]
#[case::unequal(&[1.0, 2.0, 4.0])]
#[case::nearly_equal(&[1.0, 1.2, 0.9, 1.0])]
#[case::equal(&[1.0, 1.0])]
fn fairness_is_in_its_interval(#[case] sizes: &[f64]) {
    let sum: f64 = sizes.iter().sum();
    let squares: f64 = sizes.iter().map(|size| size * size).sum();
    let truth = sum * sum / (sizes.len() as f64 * squares);
    let of = |seed: u64| {
        let mut random = Pcg64::seed_from_u64(seed);
        let size = LogNormal::new(5.0, 0.8).unwrap();
        run(
            &["a", "b", "c", "d"][..sizes.len()],
            100,
            |client, record| {
                record.input.tokens = 0;
                record.output.tokens = (sizes[client] * size.sample(&mut random)) as u64;
            },
        )
    };
    let covered = covered("jain(tokens) >= 0.1", truth, of);
    assert!(covered >= 93.0, "{covered}");
}
