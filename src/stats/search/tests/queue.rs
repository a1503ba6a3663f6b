//! Queues whose capacity is known.

use rand::SeedableRng;
use rand_distr::{Distribution, Exp1, LogNormal};
use rand_pcg::Pcg64;

/// How long services take; their mean is 1.
#[derive(Debug, Clone, Copy)]
pub(super) enum Service {
    Exponential,
    Constant,
    /// Lognormal with this coefficient of variation.
    Lognormal(f64),
}

/// A queue of which `share` of the requests may wait longer than `limit`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Queue {
    pub(super) name: &'static str,
    pub(super) servers: usize,
    pub(super) service: Service,
    pub(super) limit: f64,
    pub(super) share: f64,
}

impl Queue {
    /// The waits of the first requests of an empty queue, with Poisson arrivals.
    pub(super) fn waits(&self, rate: f64, requests: usize, seed: u64) -> Vec<f64> {
        let mut rng = Pcg64::seed_from_u64(seed);
        let lognormal = match self.service {
            Service::Lognormal(spread) => {
                let variance = libm::log1p(spread * spread);
                LogNormal::new(-0.5 * variance, variance.sqrt()).ok()
            }
            Service::Exponential | Service::Constant => None,
        };
        let mut free = vec![0.0_f64; self.servers];
        let mut now = 0.0;
        let wait = |_| {
            let gap: f64 = Exp1.sample(&mut rng);
            now += gap / rate;
            let first = (0..free.len()).min_by(|a, b| free[*a].total_cmp(&free[*b]));
            let first = first.unwrap_or(0);
            let begins = now.max(free[first]);
            let takes = match (&self.service, &lognormal) {
                (Service::Exponential, _) => Exp1.sample(&mut rng),
                (_, Some(lognormal)) => lognormal.sample(&mut rng),
                (_, None) => 1.0,
            };
            free[first] = begins + takes;
            begins - now
        };
        (0..requests).map(wait).collect()
    }

    /// The highest rate that keeps the share: by Erlang's formula C for M/M/k, else by 10^7 requests a rate.
    pub(super) fn capacity(&self) -> f64 {
        let most = self.servers as f64;
        let beyond = |rate: f64| match self.service {
            Service::Exponential => self.erlang(rate),
            _ => {
                const REQUESTS: usize = 10_000_000;
                let waits = self.waits(rate, REQUESTS, 7);
                let beyond = waits.iter().filter(|wait| **wait > self.limit);
                beyond.count() as f64 / REQUESTS as f64
            }
        };
        let rounds = match self.service {
            Service::Exponential => 60,
            _ => 10,
        };
        let (mut low, mut high) = (0.2 * most, most);
        for _ in 0..rounds {
            let middle = 0.5 * (low + high);
            if beyond(middle) > self.share {
                high = middle;
            } else {
                low = middle;
            }
        }
        0.5 * (low + high)
    }

    /// The share of waits beyond the limit: C(k, λ) e^(−(k − λ) limit).
    fn erlang(&self, rate: f64) -> f64 {
        let servers = self.servers as f64;
        let (mut term, mut sum) = (1.0, 1.0);
        for busy in 1..self.servers {
            term *= rate / busy as f64;
            sum += term;
        }
        let all = term * rate / servers * servers / (servers - rate);
        all / (sum + all) * libm::exp(-(servers - rate) * self.limit)
    }
}
