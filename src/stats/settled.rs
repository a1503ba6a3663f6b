//! Where a series has settled, by MSER-5.
//!
//! The values are put into batches of five. The transient ends at the batch from which on the standard error of the mean of
//! all that follow is smallest: cutting more of a transient lowers their scatter, cutting more than it leaves fewer. A
//! minimum in the second half means that the series is too short to say.
//!
//! Sources: K. P. White, *An effective truncation heuristic for bias reduction in simulation output*, Simulation 69 (1997);
//! K. P. White, M. J. Cobb and S. C. Spratt, *A comparison of five steady-state truncation heuristics for simulation*,
//! WSC (2000), for batches of five; K. Hoad, S. Robinson and R. Davies, *Automating warm-up length estimation*, Journal of
//! the Operational Research Society 61 (2010), which found it the best of 44 methods to automate.

/// Values in a batch.
const BATCH: usize = 5;
/// Fewer batches show nothing.
const FEWEST: usize = 10;

/// The number of values at the start that are before the series has settled. `None` if it has not settled in its first
/// half, or is too short.
pub fn settled(series: &[f64]) -> Option<usize> {
    let batches: Vec<f64> = series
        .chunks_exact(BATCH)
        .map(|batch| batch.iter().sum::<f64>() / BATCH as f64)
        .collect();
    if batches.len() < FEWEST {
        return None;
    }
    // From the last batch backwards, with the mean and the sum of squares around it of all that follow (Welford 1962).
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    let mut best = (f64::INFINITY, batches.len());
    for (place, value) in batches.iter().enumerate().rev() {
        count += 1.0;
        let off = value - mean;
        mean += off / count;
        squares += off * (value - mean);
        let error = squares / (count * count);
        // The last few always agree. Of equal ones the earliest counts.
        if count >= BATCH as f64 && error <= best.0 {
            best = (error, place);
        }
    }
    (best.1 <= batches.len() / 2).then_some(best.1 * BATCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::Queue;

    /// Independent values around 1, and at first more.
    fn cold(requests: usize, lasts: usize, factor: f64, seed: u64) -> Vec<f64> {
        let queue = Queue {
            slots: 16,
            ..Queue::steady(0.05)
        };
        let mut values = queue.ttfts(requests, seed);
        for (index, value) in values.iter_mut().take(lasts).enumerate() {
            *value *= 1.0 + (factor - 1.0) * (1.0 - index as f64 / lasts as f64);
        }
        values
    }

    #[test]
    fn a_step_is_found_where_it_is() {
        let series: Vec<f64> = (0..400)
            .map(|i| if i < 100 { 9.0 } else { 1.0 + f64::from(i % 3) })
            .collect();
        assert_eq!(settled(&series), Some(100));
    }

    #[test]
    fn a_constant_has_settled_at_once() {
        assert_eq!(settled(&[2.0; 100]), Some(0));
    }

    #[test]
    fn what_never_settles_has_no_place() {
        let rising: Vec<f64> = (0..400).map(f64::from).collect();
        assert_eq!(settled(&rising), None);
        assert_eq!(settled(&[1.0; 49]), None);
    }

    /// What is left of a transient of which the times fall from three times to once within 200 of 1,000 requests: the
    /// mean, which is 20 % too high where nothing is cut, is within 3 % of its value in nine runs of ten.
    #[test]
    fn most_of_a_transient_is_cut() {
        let close = (0..100).filter(|seed| {
            let values = cold(1_000, 200, 3.0, *seed);
            let Some(from) = settled(&values) else {
                return false;
            };
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let truth = mean(&cold(1_000, 0, 1.0, *seed)[200..]);
            (mean(&values[from..]) / truth - 1.0).abs() < 0.03
        });
        assert!(close.count() >= 90);
    }

    /// `cargo test --release --all-features --lib -- --ignored --nocapture settled_table`
    #[test]
    #[ignore = "prints a table of docs/long_runs.md"]
    fn settled_table() {
        const RUNS: u64 = 1_000;
        println!(
            "| load | transient | cut, in transients | settled late | mean off before | mean off after | within 3 % |"
        );
        println!("|---|---|---|---|---|---|---|");
        let still = Queue {
            slots: 16,
            ..Queue::steady(0.05)
        };
        for (name, queue) in [
            ("no queue", still),
            (
                "stalls",
                Queue {
                    stalls: 0.02,
                    ..still
                },
            ),
            ("ρ = 0.5", Queue::steady(0.5)),
            ("ρ = 0.8", Queue::steady(0.8)),
        ] {
            for (factor, lasts) in [(1.0, 0), (1.5, 200), (3.0, 200), (3.0, 400)] {
                let (mut cuts, mut late, mut before, mut after, mut near) = (0.0, 0, 0.0, 0.0, 0);
                for seed in 0..RUNS {
                    let plain = queue.ttfts(2_000, seed);
                    let mut values = plain.clone();
                    for (index, value) in values.iter_mut().take(lasts).enumerate() {
                        *value *= 1.0 + (factor - 1.0) * (1.0 - index as f64 / lasts as f64);
                    }
                    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
                    let truth = mean(&plain[lasts..]);
                    before += (mean(&values) / truth - 1.0) / RUNS as f64;
                    match settled(&values) {
                        Some(from) => {
                            let off = mean(&values[from..]) / truth - 1.0;
                            cuts += from as f64;
                            after += off;
                            near += u64::from(off.abs() < 0.03);
                        }
                        None => late += 1,
                    }
                }
                let found = (RUNS - late) as f64;
                let cut = match lasts {
                    0 => format!("{:.0} requests", cuts / found),
                    lasts => format!("{:.2}", cuts / found / lasts as f64),
                };
                let transient = match lasts {
                    0 => "none".to_owned(),
                    lasts => format!("{factor}× for {lasts} of 2,000"),
                };
                println!(
                    "| {name} | {transient} | {cut} | {:.1} % | {:+.1} % | {:+.1} % | {:.1} % |",
                    late as f64 * 100.0 / RUNS as f64,
                    before * 100.0,
                    after / found * 100.0,
                    near as f64 * 100.0 / RUNS as f64
                );
            }
        }
    }
}
