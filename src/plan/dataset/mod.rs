//! What is asked, one dataset a file.

mod complaints;
mod custom;
mod fit;
mod random;
mod sharegpt;
mod words;

use super::{PlanError, PlanSpec, Prompt, numpy::PyRandom};
use crate::record::TokenCount;
use goodput_grammar::dataset::Dataset;

/// One request without its time and its name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) prompt: Prompt,
    pub(super) input: TokenCount,
    pub(super) output_tokens: u64,
}

/// Requests in send order, and what the user should know about them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Samples {
    pub(super) rows: Vec<Sample>,
    pub(super) notes: Vec<String>,
}

/// The requests of a dataset.
pub(super) fn sample(spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    match spec.dataset {
        Dataset::Random(random) => random::sample(random, spec),
        Dataset::Custom(custom) => custom::sample(custom, spec),
        Dataset::ShareGpt(sharegpt) => sharegpt::sample(sharegpt, spec),
    }
}

/// CPython's seeded shuffle, as vLLM does it when a file is loaded.
fn arrange<T>(rows: &mut [T], keep_order: bool, seed: u64) {
    if !keep_order {
        PyRandom::new(seed).shuffle(rows);
    }
}

/// Repeats rows, drawn with replacement, until there are enough; or says how many are missing.
fn oversample(samples: &mut Samples, no_oversample: bool, spec: &PlanSpec<'_>) {
    let (found, wanted) = (samples.rows.len(), spec.requests);
    if found >= wanted {
        return;
    }
    if no_oversample {
        samples.notes.push(format!(
            "{found} requests are planned, not {wanted}: the dataset has no more usable rows"
        ));
        return;
    }
    let mut random = PyRandom::new(spec.seed);
    for _ in found..wanted {
        let row = samples.rows[random.below(found)].clone();
        samples.rows.push(row);
    }
    samples.notes.push(format!(
        "{} of {wanted} requests repeat others, as the dataset has only {found} usable rows; a \
         server with a prefix cache answers repeats faster",
        wanted - found
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Arrivals, Tokenizer};
    use goodput_grammar::dataset::Random;

    pub(super) const AT_ONCE: Arrivals = Arrivals {
        rate: f64::INFINITY,
        burstiness: 1.0,
        ramp: None,
        max_concurrency: None,
    };

    /// Samples of a dataset; token ids are welcome.
    pub(super) fn draw(
        dataset: &Dataset,
        requests: usize,
        seed: u64,
        tokenizer: &Tokenizer,
    ) -> Result<Samples, PlanError> {
        sample(&PlanSpec {
            dataset,
            arrivals: &AT_ONCE,
            requests,
            seed,
            tokenizer,
            takes_token_ids: true,
            request_id_prefix: "",
        })
    }

    #[test]
    fn samples_depend_on_the_seed_alone() {
        let dataset = Dataset::Random(Random {
            input: 20,
            ..Random::default()
        });
        let of = |seed| draw(&dataset, 5, seed, &Tokenizer::none()).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }
}
