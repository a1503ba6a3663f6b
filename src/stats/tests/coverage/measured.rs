//! Runs of a queue, their intervals, and how often and how narrowly these hold the truth.

use crate::stats::{Groups, Interval, Sample, Tail, quantile, ratio, share, testing::Queue};

pub(super) const ERROR: f64 = 0.05;
/// What an interval that is right 95 % of the time may cover, per cent.
pub(super) const BAND: std::ops::RangeInclusive<f64> = 93.0..=97.0;
/// A run carries a number whose mean or share has the variance of this number of independent values on its rarer
/// side.
pub(super) const CARRIES: f64 = 10.0;
pub(super) const SHARES: [f64; 3] = [0.5, 0.9, 0.99];
pub(super) const NUMBERS: [&str; 6] = ["mean", "p50", "p90", "p99", "goodput 90%", "goodput 99%"];

/// The numbers of a plan, from many runs.
pub(super) struct Truth {
    pub(super) mean: f64,
    pub(super) percentiles: [f64; 3],
    pub(super) good: [f64; 2],
}

pub(super) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

pub(super) fn truth(queue: &Queue, requests: usize, runs: u64) -> Truth {
    let all = sorted(
        (0..runs)
            .flat_map(|seed| queue.ttfts(requests, 1 << 40 | seed))
            .collect(),
    );
    let at = |share: f64| all[(share * all.len() as f64) as usize];
    let below = |level| all.partition_point(|v| *v <= level) as f64 / all.len() as f64;
    Truth {
        mean: all.iter().sum::<f64>() / all.len() as f64,
        percentiles: [at(0.5), at(0.9), at(0.99)],
        good: [below(at(0.9)), below(at(0.99))],
    }
}

/// One run.
pub(super) struct Drawn {
    pub(super) gaps: Vec<f64>,
    pub(super) ttfts: Vec<f64>,
    pub(super) sorted: Vec<f64>,
}

impl Drawn {
    pub(super) fn of(queue: &Queue, requests: usize, seed: u64) -> Self {
        let (gaps, ttfts) = queue.run(requests, seed);
        Drawn {
            gaps,
            sorted: sorted(ttfts.clone()),
            ttfts,
        }
    }

    pub(super) fn mean(&self) -> f64 {
        self.ttfts.iter().sum::<f64>() / self.ttfts.len() as f64
    }

    pub(super) fn below(&self, level: f64) -> f64 {
        self.sorted.partition_point(|v| *v <= level) as f64 / self.sorted.len() as f64
    }

    pub(super) fn mean_interval(&self, queue: &Queue, error: f64) -> Interval {
        let pairs: Vec<(f64, f64)> = self.ttfts.iter().map(|value| (*value, 1.0)).collect();
        let ratio = ratio(&pairs, queue.pace(&self.gaps), Tail::Above);
        ratio.unwrap().interval(error)
    }

    pub(super) fn percentile(&self, queue: &Queue, q: f64) -> Interval {
        let values = Groups::of_one(self.ttfts.clone());
        let sample = Sample {
            of_requests: &values,
            sorted: &self.sorted,
        };
        let value = self.at(q);
        quantile(sample, q, value, None, queue.pace(&self.gaps)).interval(ERROR)
    }

    pub(super) fn good(&self, queue: &Queue, limit: f64) -> Interval {
        let good = |v: &f64| f64::from(u8::from(*v <= limit));
        let good: Vec<f64> = self.ttfts.iter().map(good).collect();
        let strains: Vec<f64> = self.ttfts.iter().map(|v| v / limit).collect();
        let share = share(&good, Some(&strains), queue.pace(&self.gaps));
        share.unwrap().interval(ERROR)
    }

    pub(super) fn at(&self, q: f64) -> f64 {
        let place = q * (self.sorted.len() - 1) as f64;
        let (below, above) = (
            self.sorted[place as usize],
            self.sorted[place.ceil() as usize],
        );
        below + place.fract() * (above - below)
    }

    /// Intervals in the order of [`NUMBERS`], with what they should cover and with the number of the run.
    pub(super) fn intervals(&self, queue: &Queue, truth: &Truth) -> [(Interval, f64, f64); 6] {
        let [p50, p90, p99] = truth.percentiles;
        let percentile = |q, truth| (self.percentile(queue, q), truth, self.at(q));
        let good = |limit, truth| (self.good(queue, limit), truth, self.below(limit));
        [
            (self.mean_interval(queue, ERROR), truth.mean, self.mean()),
            percentile(0.5, p50),
            percentile(0.9, p90),
            percentile(0.99, p99),
            good(p90, truth.good[0]),
            good(p99, truth.good[1]),
        ]
    }
}

/// What became of the intervals of a number.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Coverage {
    /// They held the truth, per cent.
    pub(super) covered: f64,
    /// They had no upper end, per cent.
    pub(super) open: f64,
    /// Independent values that a run is worth, by how much runs differ, on the rarer side of the number.
    pub(super) carried: f64,
    /// The mean width of those that have two ends.
    pub(super) width: f64,
    /// The width of an interval by one who knows the process: how far 95 % of runs are off, 3.92 standard deviations.
    pub(super) oracle: f64,
}

/// The coverage of each number.
pub(super) fn measured(queue: &Queue, requests: usize, runs: u64, truths: u64) -> [Coverage; 6] {
    let truth = truth(queue, requests, truths);
    let mut counts = [(0, 0); 6];
    // Of those with two ends: how many, and their widths; of the runs' numbers: sum and sum of squares.
    let mut widths = [(0_u32, 0.0); 6];
    let mut values = [(0.0, 0.0); 6];
    // Of the mean and of the shares below the percentiles: sum of squares of what a run is off by.
    let mut off = [0.0; 4];
    let mut spread = 0.0;
    for seed in 0..runs {
        let run = Drawn::of(queue, requests, seed);
        for (number, (interval, truth, value)) in
            run.intervals(queue, &truth).into_iter().enumerate()
        {
            let interval = interval.around(value);
            counts[number].0 += u32::from(interval.contains(truth));
            counts[number].1 += u32::from(interval.high.is_none());
            if let Some((low, high)) = interval.low.zip(interval.high) {
                widths[number].0 += 1;
                widths[number].1 += high - low;
            }
            values[number].0 += value;
            values[number].1 += value * value;
        }
        let square = |x: f64| x * x;
        off[0] += square(run.mean() - truth.mean);
        for (off, (level, share)) in off[1..]
            .iter_mut()
            .zip(truth.percentiles.iter().zip(SHARES))
        {
            *off += square(run.below(*level) - share);
        }
        let squares = run.ttfts.iter().map(|value| square(value - truth.mean));
        spread += squares.sum::<f64>() / requests as f64;
    }
    let mean = 0.5 * spread / off[0];
    let rarer = |place: usize| {
        let share = SHARES[place];
        share * (1.0 - share) * (1.0 - share) * runs as f64 / off[place + 1]
    };
    let carried = [mean, rarer(0), rarer(1), rarer(2), rarer(1), rarer(2)];
    let percent = |count: u32| f64::from(count) * 100.0 / runs as f64;
    std::array::from_fn(|number| Coverage {
        covered: percent(counts[number].0),
        open: percent(counts[number].1),
        carried: carried[number],
        width: widths[number].1 / f64::from(widths[number].0),
        oracle: {
            let (sum, squares) = values[number];
            let mean = sum / runs as f64;
            3.92 * (squares / runs as f64 - mean * mean).max(0.0).sqrt()
        },
    })
}

impl Coverage {
    /// Whether it is in the band, give or take this number of points. Where a run does not carry the number, it is
    /// refused or open towards one side, and nothing but too little is wrong.
    pub(super) fn holds(&self, points: f64) -> bool {
        let enough = self.covered >= BAND.start() - points;
        enough && (self.carried < CARRIES || self.covered <= BAND.end() + points)
    }
}

pub(super) const NO_QUEUE: Queue = Queue {
    slots: 16,
    ..Queue::steady(0.05)
};
pub(super) const BURSTY: Queue = Queue {
    burstiness: 0.25,
    ..Queue::steady(0.7)
};
pub(super) const RISING: Queue = Queue {
    load: (0.3, 0.9),
    ..Queue::steady(0.0)
};

/// Requests that differ by 2 %, on a server whose speed drifts by 4 %.
pub(super) const DRIFTING: Queue = Queue {
    spread: 0.02,
    drift: 0.04,
    ..NO_QUEUE
};
/// Requests that differ by a tenth do not show the drift one by one.
pub(super) const HIDDEN_DRIFT: Queue = Queue {
    spread: 0.1,
    ..DRIFTING
};
pub(super) const STALLING: Queue = Queue {
    spread: 0.05,
    stalls: 0.02,
    ..NO_QUEUE
};
/// As wide as an interval may be on average, where a run carries the number.
pub(super) const WIDEST: f64 = 1.5;

impl Coverage {
    /// How many times as wide as the oracle's intervals are.
    pub(super) fn wide(&self) -> f64 {
        self.width / self.oracle
    }
}
