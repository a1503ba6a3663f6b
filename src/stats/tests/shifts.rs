//! How often a history without a shift is said to have one, and how often a shift is found.

use crate::stats::shift::Search;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal, StudentT};
use rand_pcg::Pcg64;
use rstest::rstest;

/// What differs from run to run, with a standard deviation of 1 where there is one.
#[derive(Debug, Clone, Copy)]
enum Noise {
    /// Independent and normal.
    Normal,
    /// Independent, Student's t with three degrees of freedom.
    HeavyTails,
    /// Independent, the exponential of a normal number.
    Lognormal,
    /// Normal, each run correlated with the one before.
    Drifting(f64),
    /// Independent and normal, on a straight line that rises by 1 over the whole history.
    Trend,
}

impl Noise {
    const ALL: [(&'static str, Noise); 7] = [
        ("normal", Noise::Normal),
        ("heavy tails (t, 3 degrees)", Noise::HeavyTails),
        ("lognormal (σ = 1)", Noise::Lognormal),
        ("drifting, 0.3", Noise::Drifting(0.3)),
        ("drifting, 0.6", Noise::Drifting(0.6)),
        ("drifting, 0.9", Noise::Drifting(0.9)),
        ("normal, a steady rise of 1 σ in all", Noise::Trend),
    ];

    fn series(self, runs: usize, seed: u64) -> Vec<f64> {
        let mut random = Pcg64::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut last = StandardNormal.sample(&mut random);
        let mut next = |run: usize| -> f64 {
            let normal: f64 = StandardNormal.sample(&mut random);
            match self {
                Noise::Normal => normal,
                Noise::HeavyTails => {
                    let heavy: f64 = StudentT::new(3.0).unwrap().sample(&mut random);
                    heavy / 3.0_f64.sqrt()
                }
                Noise::Lognormal => libm::exp(normal),
                Noise::Drifting(memory) => {
                    last = memory * last + (1.0 - memory * memory).sqrt() * normal;
                    last
                }
                Noise::Trend => normal + run as f64 / runs as f64,
            }
        };
        (0..runs).map(|run| 100.0 + next(run)).collect()
    }
}

/// Percent of histories that have at least one shift, and of those where the first is at most one run from `at`.
fn percent(
    search: &mut Search,
    histories: u64,
    noise: Noise,
    runs: usize,
    (at, size): (usize, f64),
) -> (f64, f64) {
    let (mut found, mut near) = (0, 0);
    for seed in 0..histories {
        let mut values = noise.series(runs, seed * 1_000 + runs as u64);
        values[at..].iter_mut().for_each(|value| *value += size);
        let shifts = search.shifts(&values);
        found += u64::from(!shifts.is_empty());
        near += u64::from(shifts.iter().any(|shift| shift.at.abs_diff(at) <= 1));
    }
    let share = |count: u64| count as f64 * 100.0 / histories as f64;
    (share(found), share(near))
}

/// 1 % with room for twice the scatter of 500 histories (0.45 points), and what docs/trend.md says of memory.
#[rstest]
#[case(Noise::Normal, 1.9)]
#[case(Noise::HeavyTails, 1.9)]
#[case(Noise::Drifting(0.3), 2.4)]
#[case(Noise::Drifting(0.6), 5.0)]
fn a_history_without_a_shift_has_none(#[case] noise: Noise, #[case] most: f64) {
    let mut search = Search::new(0.01);
    for runs in [10, 24] {
        let (alarms, _) = percent(&mut search, 500, noise, runs, (runs, 0.0));
        assert!(alarms <= most, "{alarms} % of {runs} runs");
    }
}

/// A history whose runs depend on each other needs its own chance: that of independent runs gives a false alarm in
/// 20 % and more at this memory (docs/trend.md).
#[test]
fn large_shifts_are_found() {
    let mut search = Search::new(0.01);
    for (runs, at, size, least) in [
        (24, 12, 4.0, 85.0),
        (24, 18, 4.5, 80.0),
        (24, 21, 6.0, 80.0),
    ] {
        let (found, near) = percent(&mut search, 200, Noise::Normal, runs, (at, size));
        assert!(found >= least, "{found} % of {size} at {at} of {runs}");
        assert!(near >= 0.9 * found, "{near} % at their place, {found} %");
    }
}

/// Any series has an answer, and a shift has enough runs on both sides.
#[test]
fn any_series_has_an_answer() {
    let mut random = Pcg64::seed_from_u64(5);
    let mut search = Search::new(0.5);
    for runs in (0..40).step_by(3) {
        let values: Vec<f64> = (0..runs).map(|_| random.random::<f64>().round()).collect();
        let shifts = search.shifts(&values);
        let at: Vec<usize> = shifts.iter().map(|shift| shift.at).collect();
        let ends = [vec![0], at, vec![runs]].concat();
        assert!(
            runs == 0 || ends.windows(2).all(|pair| pair[1] - pair[0] >= 3) || shifts.is_empty(),
            "{ends:?}"
        );
    }
}

/// `cargo test --release --all-features --lib -- --ignored --nocapture shift_table`
#[test]
#[ignore = "prints the tables of docs/trend.md; a minute in a release build"]
fn shift_table() {
    const HISTORIES: u64 = 4_000;
    let mut search = Search::new(0.01);
    println!("| noise | 10 runs | 20 runs | 50 runs |\n|---|---|---|---|");
    for (name, noise) in Noise::ALL {
        let cells = [10, 20, 50].map(|runs| {
            let (alarms, _) = percent(&mut search, HISTORIES, noise, runs, (runs, 0.0));
            format!(" {alarms:.1} |")
        });
        println!("| {name} |{}", cells.concat());
    }
    println!("\n| runs | the shift is after | 1 σ | 2 σ | 3 σ | 5 σ |\n|---|---|---|---|---|---|");
    for (runs, at) in [
        (10, [5, 7].as_slice()),
        (20, &[10, 15, 17]),
        (50, &[25, 38, 47]),
    ] {
        for at in at.iter().copied() {
            let cells = [1.0, 2.0, 3.0, 5.0].map(|size| {
                let shift = (at, size);
                let (found, near) = percent(&mut search, HISTORIES / 2, Noise::Normal, runs, shift);
                format!(" {found:.0} ({near:.0}) |")
            });
            println!("| {runs} | {at} |{}", cells.concat());
        }
    }
}
