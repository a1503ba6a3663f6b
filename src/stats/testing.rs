//! A queue for tests: FIFO with slots, Poisson or bursty arrivals, a steady or a rising load, on a server that may
//! drift or stall. It is less real than a server, but fast: thousands of runs a second.

use super::Pace;
use rand::SeedableRng;
use rand_distr::{Distribution, Gamma, LogNormal, StandardNormal};
use rand_pcg::Pcg64;

/// What arrives and how fast it is served. The mean service takes 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Queue {
    /// Utilisation at the first and the last request.
    pub(crate) load: (f64, f64),
    /// Gamma shape of the gaps between arrivals.
    pub(crate) burstiness: f64,
    pub(crate) slots: usize,
    /// Coefficient of variation of the service.
    pub(crate) spread: f64,
    /// The factor by which each service is longer than it should be.
    pub(crate) slowness: f64,
    /// The server's speed drifts: the standard deviation of the logarithm of a factor which is an autoregression of
    /// 0.97 from request to request.
    pub(crate) drift: f64,
    /// The share of requests that stall: their service takes five times as long.
    pub(crate) stalls: f64,
    /// A run is slower or faster as a whole by a factor whose logarithm has this standard deviation.
    pub(crate) level: f64,
}

/// Correlation of the speeds of neighbouring requests.
const DRIFTING: f64 = 0.97;

impl Queue {
    /// Four slots, lognormal service (CV 0.5), Poisson arrivals.
    pub(crate) const fn steady(load: f64) -> Self {
        Queue {
            load: (load, load),
            burstiness: 1.0,
            slots: 4,
            spread: 0.5,
            slowness: 1.0,
            drift: 0.0,
            stalls: 0.0,
            level: 0.0,
        }
    }

    fn is_steady(&self) -> bool {
        self.load.0 == self.load.1
    }

    /// What the plan decides about a run with these gaps.
    pub(crate) fn pace<'a>(&self, gaps: &'a [f64]) -> Pace<'a> {
        if self.is_steady() {
            Pace::Gaps(gaps)
        } else {
            Pace::Ramp
        }
    }

    /// The times to first token of a run's requests.
    pub(crate) fn ttfts(&self, requests: usize, seed: u64) -> Vec<f64> {
        self.run(requests, seed).1
    }

    /// The gaps before a run's requests and their times to first token: the wait and a fifth of the
    /// service. A steady schedule is stretched to its exact rate, as the plan does.
    pub(crate) fn run(&self, requests: usize, seed: u64) -> (Vec<f64>, Vec<f64>) {
        let mut random = Pcg64::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let gap = Gamma::new(self.burstiness, 1.0 / self.burstiness).unwrap();
        let mut now = 0.0;
        let mut arrivals: Vec<f64> = (0..requests)
            .map(|index| {
                let progress = index as f64 / (requests - 1) as f64;
                let load = self.load.0 + (self.load.1 - self.load.0) * progress;
                now += gap.sample(&mut random) / (load * self.slots as f64);
                now
            })
            .collect();
        if self.is_steady() {
            let stretch = requests as f64 / (self.load.0 * self.slots as f64) / now;
            arrivals.iter_mut().for_each(|at| *at *= stretch);
        }
        let variance = (1.0 + self.spread * self.spread).ln();
        let service = LogNormal::new(-variance / 2.0, variance.sqrt()).unwrap();
        let mut free = vec![0.0_f64; self.slots];
        // Separate draws, so that a server without drift and stalls keeps its runs.
        let mut luck = Pcg64::seed_from_u64(seed.wrapping_mul(0xd1b5_4a32_d192_ed03));
        let mut normal = || -> f64 { StandardNormal.sample(&mut luck) };
        let level = libm::exp(self.level * normal());
        let mut speed = normal();
        let mut factor = || {
            let now = libm::exp(self.drift * speed);
            speed = DRIFTING * speed + (1.0 - DRIFTING * DRIFTING).sqrt() * normal();
            // Happens in this share of the values of a normal deviate.
            let stalls =
                self.stalls > 0.0 && libm::erfc(normal().abs() / 2.0_f64.sqrt()) < self.stalls;
            level * now * if stalls { 5.0 } else { 1.0 }
        };
        let serve = |at: f64| {
            let slot = (0..free.len()).min_by(|a, b| free[*a].total_cmp(&free[*b]));
            let slot = &mut free[slot.unwrap()];
            let start = at.max(*slot);
            let takes = service.sample(&mut random) * self.slowness * factor();
            *slot = start + takes;
            start - at + 0.2 * takes
        };
        let before = std::iter::once(0.0).chain(arrivals.iter().copied());
        let gaps = arrivals.iter().zip(before).map(|(at, before)| at - before);
        (gaps.collect(), arrivals.into_iter().map(serve).collect())
    }
}
