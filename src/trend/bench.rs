//! A bench's runs of one load.

use crate::{history::PastLoad, history::PastNumber, judge::number};

/// The most runs of a trend: the latest.
pub(super) const MOST: usize = 200;

/// A bench with one load.
#[derive(Debug)]
pub(super) struct Bench {
    /// The full name, such as `app slo::chat`.
    pub(super) name: String,
    /// The load in words.
    pub(super) load: String,
    /// Whether equal servers give equal numbers: simulations.
    pub(super) exact: bool,
    /// Oldest first.
    pub(super) runs: Vec<Run>,
    /// The number of older runs that are left out.
    pub(super) older: usize,
}

/// A run.
#[derive(Debug)]
pub(super) struct Run {
    /// When it ended; texts that sort as the times do.
    pub(super) at: String,
    pub(super) commit: Option<String>,
    pub(super) outcome: Option<String>,
    pub(super) numbers: Vec<PastNumber>,
}

impl Run {
    /// The day of the run, and its commit if it is known: `2026-12-01 (0123456)`.
    pub(super) fn place(&self) -> String {
        let day = self.at.get(..10).unwrap_or(&self.at);
        match self.commit() {
            Some(commit) => format!("{day} ({commit})"),
            None => day.to_owned(),
        }
    }

    /// The first characters of the commit.
    pub(super) fn commit(&self) -> Option<&str> {
        let commit = self.commit.as_deref()?;
        Some(commit.get(..7).unwrap_or(commit))
    }
}

/// Collects runs into benches, in the order in which benches and loads first appear.
#[derive(Debug, Default)]
pub(super) struct Benches(Vec<(PastLoad, Bench)>);

impl Benches {
    pub(super) fn add(&mut self, name: &str, load: PastLoad, run: Run) {
        let same = |(other, bench): &&mut (PastLoad, Bench)| bench.name == name && *other == load;
        if let Some((_, bench)) = self.0.iter_mut().find(same) {
            bench.runs.push(run);
            return;
        }
        let bench = Bench {
            name: name.to_owned(),
            load: words(&load),
            exact: load.exact,
            runs: vec![run],
            older: 0,
        };
        self.0.push((load, bench));
    }

    /// The benches with their latest runs, oldest first.
    pub(super) fn finish(self) -> Vec<Bench> {
        let mut benches: Vec<Bench> = self.0.into_iter().map(|(_, bench)| bench).collect();
        for bench in &mut benches {
            bench.runs.sort_by(|one, other| one.at.cmp(&other.at));
            bench.older = bench.runs.len().saturating_sub(MOST);
            bench.runs.drain(..bench.older);
        }
        benches
    }
}

fn words(load: &PastLoad) -> String {
    let requests = load.requests.map(|requests| match load.rate {
        Some(rate) => format!("{requests} requests at {} req/s", number(rate)),
        None => format!("{requests} requests"),
    });
    let at_once = load.max_concurrency;
    let at_once = at_once.map(|at_once| format!("at most {at_once} at a time"));
    let simulated = load.exact.then(|| "simulated".to_owned());
    let parts = [
        load.backend.clone(),
        load.model.clone(),
        load.dataset.clone(),
        requests,
        at_once,
        simulated,
    ];
    let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(at: &str) -> Run {
        Run {
            at: at.to_owned(),
            commit: Some("0123456789".to_owned()),
            outcome: None,
            numbers: Vec::new(),
        }
    }

    #[test]
    fn each_load_is_a_history_of_its_own() {
        let load = |rate| PastLoad {
            rate: Some(rate),
            requests: Some(600),
            backend: Some("vllm".to_owned()),
            ..PastLoad::default()
        };
        let mut benches = Benches::default();
        for (rate, at) in [
            (10.0, "2026-12-02"),
            (20.0, "2026-12-01"),
            (10.0, "2026-12-01"),
        ] {
            benches.add("chat", load(rate), run(at));
        }
        let benches = benches.finish();
        assert_eq!(benches.len(), 2);
        assert_eq!(benches[0].load, "vllm, 600 requests at 10.00 req/s");
        let places: Vec<String> = benches[0].runs.iter().map(Run::place).collect();
        assert_eq!(places, ["2026-12-01 (0123456)", "2026-12-02 (0123456)"]);
    }

    #[test]
    fn the_latest_runs_are_kept() {
        let mut benches = Benches::default();
        for day in 0..MOST + 3 {
            benches.add("chat", PastLoad::default(), run(&format!("{day:010}")));
        }
        let bench = &benches.finish()[0];
        assert_eq!((bench.runs.len(), bench.older), (MOST, 3));
        assert_eq!(bench.runs[0].at, "0000000003");
    }
}
