//! Offered versus achieved arrivals.
//!
//! Lateness bounds how far a request is from its time, but at 2000 requests a second a client may send in clumps of
//! 20 ms and be late by 20 ms at most: another load altogether for a server that forms batches. So the gaps between
//! sends are compared with the planned ones, by the Kolmogorov–Smirnov distance.

use crate::{
    judge::{Finding, FindingKind, number},
    run::Run,
};

/// A gap counts as the planned one within this share of the mean planned gap…
const TOLERANCE: f64 = 0.5;

/// …or within this, ms, which no server's scheduler can notice.
const RESOLUTION_MS: f64 = 0.25;

/// The distance from which on the run is invalid: this share of the gaps is too short or too long.
const DISTANCE: f64 = 0.2;

/// The distance must also be unlikely by chance.
const SIGNIFICANCE: f64 = 0.01;

pub(super) fn arrivals(run: &Run) -> Option<Finding> {
    if !run.setup.open_loop {
        return None;
    }
    // Under a cap requests are sent when there is a slot; when they were taken up is the client's.
    let capped = run.setup.max_concurrency.is_some();
    let planned = run.records.iter().map(|record| record.intended);
    let achieved = run.records.iter().map(|record| {
        if capped {
            record.dispatched
        } else {
            record.sent
        }
    });
    let (planned, achieved) = (
        gaps_ms(planned.map(|at| at.as_millis_f64()).collect()),
        gaps_ms(achieved.map(|at| at.as_millis_f64()).collect()),
    );
    let mean = planned.iter().sum::<f64>() / planned.len().max(1) as f64;
    let tolerance = (TOLERANCE * mean).max(RESOLUTION_MS);
    let distance = distance(&planned, &achieved, tolerance);
    let p = p_value(distance, planned.len(), achieved.len());
    (distance > DISTANCE && p < SIGNIFICANCE).then(|| Finding {
        kind: FindingKind::Arrivals,
        message: format!(
            "the load was not the planned one: {} % of the gaps between requests were too short or \
             too long by more than {} ms, with {} ms between requests on average \
             (Kolmogorov–Smirnov distance, p < {SIGNIFICANCE}); the limit is {} %. Lower the rate, give this \
             machine less other work, or build with `--release`",
            number(distance * 100.0),
            number(tolerance),
            number(mean),
            DISTANCE * 100.0,
        ),
    })
}

/// Sorted gaps between neighbours in time.
fn gaps_ms(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    let mut gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_by(f64::total_cmp);
    gaps
}

/// The Kolmogorov–Smirnov distance of two sorted samples whose values may be off by a tolerance t:
/// the supremum over x of F(x − t) − G(x) and of G(x − t) − F(x), with F and G the shares of values
/// up to x. Without a tolerance it is the usual sup |F − G|.
fn distance(a: &[f64], b: &[f64], tolerance: f64) -> f64 {
    let share = |sample: &[f64], x: f64| {
        sample.partition_point(|value| *value <= x) as f64 / sample.len() as f64
    };
    let beyond = |f: &[f64], g: &[f64]| {
        f.iter()
            .map(|x| share(f, *x) - share(g, *x + tolerance))
            .fold(0.0, f64::max)
    };
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    beyond(a, b).max(beyond(b, a))
}

/// The probability of a distance at least this large between two samples of one distribution: Q((√n + 0.12 + 0.11 /
/// √n) · D) with n = n₁ n₂ / (n₁ + n₂) and Kolmogorov's Q.
///
/// Source: M. A. Stephens, *Use of the Kolmogorov–Smirnov, Cramér–von Mises and related statistics without extensive
/// tables*, J. R. Stat. Soc. B 32 (1970). Planned and achieved gaps belong together in pairs, which makes them more
/// similar than independent samples: the true probability is lower.
fn p_value(distance: f64, a: usize, b: usize) -> f64 {
    let (a, b) = (a as f64, b as f64);
    let root = (a * b / (a + b)).sqrt();
    kolmogorov((root + 0.12 + 0.11 / root) * distance)
}

/// Q(λ) = 2 Σ (−1)^(j−1) exp(−2 j² λ²).
fn kolmogorov(lambda: f64) -> f64 {
    if lambda < 0.2 || lambda.is_nan() {
        // The sum converges slowly there, to 1.
        return 1.0;
    }
    let terms = (1..=100).map(|j| {
        let sign = if j % 2 == 1 { 2.0 } else { -2.0 };
        let j = f64::from(j);
        sign * libm::exp(-2.0 * j * j * lambda * lambda)
    });
    terms.sum::<f64>().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::{super::testing::quiet, *};
    use crate::clock::Nanos;
    use proptest::prelude::*;
    use rstest::rstest;

    /// Requests every 0.5 ms on average, sent when `sent` says so; times in µs.
    fn fast(planned: impl Fn(u64) -> u64, sent: impl Fn(u64) -> u64) -> Run {
        let mut run = quiet();
        let one = run.records[0].clone();
        run.records = (0..1000)
            .map(|index| {
                let mut record = one.clone();
                record.index = index as usize;
                record.intended = Nanos(planned(index) * 1000);
                record.dispatched = Nanos(sent(planned(index)) * 1000);
                record.sent = record.dispatched;
                record
            })
            .collect();
        run
    }

    fn steady(index: u64) -> u64 {
        index * 500
    }

    /// Gaps of all sizes up to 1 ms.
    fn uneven(index: u64) -> u64 {
        steady(index) + index * 7919 % 500
    }

    #[rstest]
    #[case::on_time(|at: u64| at, None)]
    #[case::all_late(|at: u64| at + 20_000, None)]
    #[case::jitter(|at: u64| at + at * 31 % 100, None)]
    #[case::clumps(|at: u64| at.next_multiple_of(20_000), Some(FindingKind::Arrivals))]
    fn clumps_are_another_load(
        #[case] sent: fn(u64) -> u64,
        #[case] expected: Option<FindingKind>,
    ) {
        for planned in [steady, uneven] {
            let found = arrivals(&fast(planned, sent));
            assert_eq!(found.map(|finding| finding.kind), expected);
        }
    }

    #[test]
    fn a_closed_loop_has_no_plan_to_miss_and_a_cap_is_not_the_clients_fault() {
        let mut run = fast(steady, |at| at.next_multiple_of(20_000));
        run.setup.open_loop = false;
        assert_eq!(arrivals(&run), None);
        run.setup.open_loop = true;
        run.setup.max_concurrency = Some(8);
        for record in &mut run.records {
            record.dispatched = record.intended;
        }
        assert_eq!(arrivals(&run), None);
    }

    #[test]
    fn so_few_requests_prove_nothing() {
        let mut run = fast(steady, |at| at.next_multiple_of(20_000));
        run.records.truncate(2);
        assert_eq!(arrivals(&run), None);
        run.records.clear();
        assert_eq!(arrivals(&run), None);
    }

    #[test]
    fn the_sentence() {
        let run = fast(uneven, |at| at.next_multiple_of(20_000));
        insta::assert_snapshot!(arrivals(&run).unwrap().message, @"the load was not the planned one: 97.50 % of the gaps between requests were too short or too long by more than 0.250 ms, with 0.500 ms between requests on average (Kolmogorov–Smirnov distance, p < 0.01); the limit is 20 %. Lower the rate, give this machine less other work, or build with `--release`");
    }

    /// The critical values that every table has.
    #[rstest]
    #[case(1.2238, 0.10)]
    #[case(1.3581, 0.05)]
    #[case(1.6276, 0.01)]
    #[case(1.9495, 0.001)]
    #[case(0.1, 1.0)]
    fn critical_values(#[case] lambda: f64, #[case] p: f64) {
        assert!((kolmogorov(lambda) / p - 1.0).abs() < 1e-3);
    }

    #[test]
    fn a_distance_of_few_values_is_chance() {
        assert!(p_value(0.4, 8, 8) > 0.3);
        assert!(p_value(0.2, 1000, 1000) < 1e-9);
        assert_eq!(p_value(0.5, 0, 0), 1.0);
    }

    proptest! {
        #[test]
        fn the_distance_is_the_definition(
            mut a in prop::collection::vec(0.0..10.0_f64, 1..40),
            mut b in prop::collection::vec(0.0..10.0_f64, 1..40),
            tolerance in 0.0..2.0_f64,
        ) {
            a.sort_by(f64::total_cmp);
            b.sort_by(f64::total_cmp);
            let share = |sample: &[f64], x: f64| {
                sample.iter().filter(|value| **value <= x).count() as f64 / sample.len() as f64
            };
            // Steps can only be where a value, or a value and the tolerance, is.
            let steps = a.iter().chain(&b).flat_map(|x| [*x, *x + tolerance]);
            let exact = steps
                .flat_map(|x| {
                    let ab = share(&a, x - tolerance) - share(&b, x);
                    [ab, share(&b, x - tolerance) - share(&a, x)]
                })
                .fold(0.0, f64::max);
            let found = distance(&a, &b, tolerance);
            // x + t − t need not be x, so a single value may fall on the other side.
            let one = 1.0 / a.len().min(b.len()) as f64;
            prop_assert!((found - exact).abs() <= one + 1e-9, "{found} {exact}");
            prop_assert!(found <= distance(&a, &b, 0.0) + 1e-9);
            prop_assert_eq!(distance(&a, &a, tolerance), 0.0);
        }
    }
}
