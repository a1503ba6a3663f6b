//! How much is asked, and when.

use super::Bench;
use crate::{plan::Arrivals, setting::Setting};
use goodput_grammar::{dataset::Dataset, ramp::Ramp};

impl Bench {
    /// Requests per second. Default: infinite, all at once.
    pub fn rate(mut self, per_second: impl Into<f64>) -> Self {
        self.rate = per_second.into();
        self
    }

    /// Gamma shape of the gaps between requests: 1 (the default) is Poisson, below is burstier,
    /// infinite is a constant gap.
    pub fn burstiness(mut self, shape: impl Into<f64>) -> Self {
        self.burstiness = shape.into();
        self
    }

    /// A rising rate, `"linear 1..10"` or `"exponential 1..16"` requests per second.
    pub fn ramp(mut self, ramp: impl Setting<Ramp>) -> Self {
        self.ramp = self.set("ramp", ramp).or(self.ramp);
        self
    }

    /// Requests in flight at most. Alone it is a closed loop; with a rate it is a cap whose
    /// waiting time counts.
    pub fn max_concurrency(mut self, requests: usize) -> Self {
        self.max_concurrency = Some(requests);
        self
    }

    /// Threads that send, each with a part of the plan and of `max_concurrency`. Default 1, which is
    /// good for tens of thousands of events a second; on virtual time there is never more.
    pub fn workers(mut self, threads: usize) -> Self {
        self.workers = threads;
        self
    }

    /// Requests to send. Default 100.
    pub fn requests(mut self, count: usize) -> Self {
        self.requests = count;
        self
    }

    /// Seed of prompts and arrivals. Default 0. The same seed gives the same plan.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Whether requests are sent at the times of a recorded trace.
    pub(crate) fn replays(&self) -> bool {
        matches!(&self.dataset, Dataset::TimedTrace(trace) if trace.self_timed)
    }

    /// Whether requests have times of their own.
    pub(crate) fn open_loop(&self) -> bool {
        self.replays() || self.arrivals().open_loop()
    }

    pub(crate) fn arrivals(&self) -> Arrivals {
        Arrivals {
            rate: self.rate,
            burstiness: self.burstiness,
            ramp: self.ramp,
            max_concurrency: self.max_concurrency,
        }
    }
}
