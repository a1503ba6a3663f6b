//! The scripted model: how long the tokens of a request take.

mod load;
mod recording;

pub(super) use load::{Load, Share, Work};

use super::wear::Wear;
use crate::{clock::Nanos, problem::Problem, sampler::Sampler};
use goodput_grammar::sim::{Distribution, Recording, Script};
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution as _, StandardNormal};
use rand_pcg::Pcg64Mcg;
use recording::Recorded;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A script that is ready to be drawn from: its files are read.
#[derive(Debug)]
pub(super) struct Latencies {
    seed: u64,
    ttft: Source,
    itl: Source,
    /// Both come from the same recorded requests.
    paired: bool,
    prefill: Duration,
    load: Option<Arc<Load>>,
    /// The factor by which all times are longer than the script says.
    luck: f64,
    wear: Wear,
}

/// Where times come from.
#[derive(Debug, Clone)]
enum Source {
    Drawn(Sampler),
    Recorded(Arc<Recorded>),
}

impl Latencies {
    /// Reads a script and its files.
    ///
    /// # Errors
    /// The problems with the files that the script names.
    pub(super) fn read(script: &Script) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut files = BTreeMap::new();
        let mut source = |field: &str, distribution: &Distribution, needs_gaps: bool| {
            let path = match Sampler::new(distribution) {
                Ok(sampler) => return Source::Drawn(sampler),
                Err(path) => path,
            };
            let read = || Recorded::read(path).map(Arc::new);
            let recorded = files.entry(path.to_owned()).or_insert_with(read).clone();
            let usable = recorded.and_then(|recorded| match recorded.with_gaps.as_slice() {
                [] if needs_gaps => Err("the file has no gap between tokens: no answer has two \
                                         token events; record longer answers, streamed"
                    .to_owned()),
                _ => Ok(recorded),
            });
            match usable {
                Ok(recorded) => Source::Recorded(recorded),
                Err(why) => {
                    problems.push(Problem::new(field, distribution, why));
                    Source::Drawn(Sampler::Constant(Duration::ZERO))
                }
            }
        };
        let latencies = Latencies {
            seed: script.seed,
            ttft: source("ttft", &script.ttft, false),
            itl: source("itl", &script.itl, true),
            paired: script.ttft == script.itl
                && matches!(script.ttft, Distribution::Empirical(Recording::File(_))),
            prefill: script.prefill,
            load: script
                .slowdown
                .map(|slowdown| Arc::new(Load::new(slowdown))),
            luck: luck(script),
            wear: Wear::of(script),
        };
        if problems.is_empty() {
            Ok(latencies)
        } else {
            Err(problems)
        }
    }

    /// The times of the tokens of the `ordinal`th request, which arrived at `arrival` and whose prompt has this number of
    /// tokens.
    pub(super) fn spans(&self, ordinal: u64, prompt_tokens: u64, arrival: Nanos) -> Spans {
        // Hashed, because generators whose seeds are neighbours start out alike.
        let seed = xxh3_64_with_seed(&ordinal.to_le_bytes(), self.seed);
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut request = None;
        let ttft = match &self.ttft {
            Source::Drawn(sampler) => sampler.draw(&mut rng),
            Source::Recorded(recorded) => {
                let drawn = rng.random_range(..recorded.requests.len());
                request = self.paired.then_some(drawn);
                recorded.requests[drawn].ttft
            }
        };
        let prefill = self.prefill.as_nanos().saturating_mul(prompt_tokens.into());
        let prefill = Duration::from_nanos(u64::try_from(prefill).unwrap_or(u64::MAX));
        Spans {
            first: Some(ttft.saturating_add(prefill)),
            itl: match &self.itl {
                Source::Drawn(sampler) => Gaps::Drawn(sampler.clone()),
                Source::Recorded(recorded) => Gaps::Recorded {
                    recorded: recorded.clone(),
                    request,
                    next: 0,
                },
            },
            rng,
            stretch: self.luck * self.wear.factor(arrival),
        }
    }

    /// What the requests share, if load slows them down.
    pub(super) fn load(&self) -> Option<&Arc<Load>> {
        self.load.as_ref()
    }
}

/// The factor by which everything takes longer at this server: lognormal, with the script's noise as its coefficient
/// of variation, drawn from its seed.
pub(super) fn luck(script: &Script) -> f64 {
    if script.noise <= 0.0 {
        return 1.0;
    }
    // Hashed, because generators whose seeds are neighbours start out alike.
    let seed = xxh3_64_with_seed(b"luck", script.seed);
    let z: f64 = StandardNormal.sample(&mut Pcg64Mcg::seed_from_u64(seed));
    libm::exp(libm::log1p(script.noise * script.noise).sqrt() * z)
}

/// The time to a request's first token, and then the gaps between its tokens, without end.
#[derive(Debug)]
pub(super) struct Spans {
    first: Option<Duration>,
    itl: Gaps,
    rng: Pcg64Mcg,
    /// The factor by which each time is longer than drawn.
    stretch: f64,
}

#[derive(Debug)]
enum Gaps {
    Drawn(Sampler),
    /// The times of one recorded request in their order, then those of another.
    Recorded {
        recorded: Arc<Recorded>,
        request: Option<usize>,
        next: usize,
    },
}

impl Spans {
    pub(super) fn next(&mut self) -> Duration {
        let span = match self.first.take() {
            Some(first) => first,
            None => self.itl.next(&mut self.rng),
        };
        match self.stretch {
            1.0 => span,
            // A time that is longer than a `Duration` holds never ends.
            stretch => {
                Duration::try_from_secs_f64(span.as_secs_f64() * stretch).unwrap_or(Duration::MAX)
            }
        }
    }
}

impl Gaps {
    fn next(&mut self, rng: &mut Pcg64Mcg) -> Duration {
        match self {
            Gaps::Drawn(sampler) => sampler.draw(rng),
            Gaps::Recorded {
                recorded,
                request,
                next,
            } => loop {
                let current =
                    request.and_then(|request| recorded.requests[request].gaps.get(*next));
                if let Some(gap) = current {
                    *next += 1;
                    return *gap;
                }
                // Not empty, or the file was refused.
                let drawn = rng.random_range(..recorded.with_gaps.len());
                (*request, *next) = (Some(recorded.with_gaps[drawn]), 0);
            },
        }
    }
}

#[cfg(test)]
mod tests;
