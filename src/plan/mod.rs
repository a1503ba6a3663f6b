//! What will be asked and when, worked out before the first byte is sent.
//!
//! A plan is dataset × arrivals × seed. The same three give the same plan on every machine, and
//! with the same tokenizer the prompts and send times of `vllm bench serve` with that seed.

mod arrivals;
mod dataset;
mod describe;
mod error;
mod hash;
mod media;
mod numpy;
mod shape;
#[cfg(test)]
pub(crate) mod testing;

pub use arrivals::{Arrivals, RateChange, rate_changes, schedule};
pub use error::PlanError;
pub(crate) use hash::hash;
pub use media::{Base64, File, Media, MediaKind, MediaSource};
pub(crate) use numpy::PyRandom;
use numpy::RandomState;
pub use shape::Shape;

use crate::{clock::Nanos, record::TokenCount, tokenizer::Tokenizer};
use goodput_grammar::{
    bounds,
    dataset::{Dataset, Random},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::atomic::{AtomicBool, Ordering};

/// Every request of a run with its intended send time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The requests in send order.
    pub requests: Vec<PlannedRequest>,
    /// Remarks that the user should read, such as which lengths are estimates.
    pub notes: Vec<String>,
    /// Whether the times are those of a recorded trace rather than of arrivals.
    #[serde(default)]
    pub timed: bool,
}

impl Plan {
    /// All prompts have their lengths by the model's own tokenizer now.
    pub(crate) fn lengths_are_the_models(&mut self) {
        self.notes.retain(|note| !dataset::is_about_lengths(note));
    }
}

/// One request of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedRequest {
    /// Intended send time; 0 for all at an infinite rate.
    pub at: Nanos,
    /// What is asked.
    pub prompt: Prompt,
    /// Length of the prompt as the plan knows it.
    pub input: TokenCount,
    /// Output tokens to ask for.
    pub output_tokens: u64,
    /// Value of the `x-request-id` header.
    pub id: String,
    /// Fields of the body that only this request has, such as `tools`; they replace what the
    /// bench sets.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub overrides: Map<String, Value>,
}

impl PlannedRequest {
    /// The LoRA adapter that it asks for: the only reason for a request to name a model of its own.
    pub fn lora(&self) -> Option<&str> {
        self.overrides.get(LORA)?.as_str()
    }

    /// Asks for a LoRA adapter.
    pub(crate) fn ask_for_lora(&mut self, name: &str) {
        self.overrides.insert(LORA.to_owned(), name.into());
    }
}

/// Adapters are models on the wire.
const LORA: &str = "model";

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Text.
    Text(String),
    /// Token ids, for servers that take them (completions).
    Tokens(Vec<u32>),
    /// Ready chat messages, a JSON array.
    Messages(Vec<Value>),
    /// Text with pictures, films or sound.
    Media {
        /// The text; may be empty.
        text: String,
        /// The other parts, in order.
        media: Vec<Media>,
    },
    /// A recording to transcribe or translate.
    Audio(Audio),
    /// Several texts in one request, for embeddings and pooling.
    Batch(Vec<String>),
    /// Documents to be ranked by how well they answer a query.
    Rerank {
        /// The query.
        query: String,
        /// The documents.
        documents: Vec<String>,
    },
}

/// A recording to transcribe or translate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Audio {
    /// The file, usually WAV.
    pub file: File,
    /// How long it plays, in seconds.
    pub seconds: f64,
}

/// Everything that a plan follows from.
#[derive(Debug, Clone, Copy)]
pub struct PlanSpec<'a> {
    /// What is asked.
    pub dataset: &'a Dataset,
    /// When it is asked.
    pub arrivals: &'a Arrivals,
    /// How many requests; a dataset that must not repeat rows may have fewer.
    pub requests: usize,
    /// Of all draws, as `vllm bench serve --seed`.
    pub seed: u64,
    /// What prompts are made and counted with.
    pub tokenizer: &'a Tokenizer,
    /// Kinds of prompts that the backend takes, for datasets that can be sent as one or the other.
    pub takes: &'a [Shape],
    /// Put before a request's number to make its id.
    pub request_id_prefix: &'a str,
    /// Once another thread sets it, the making of the plan ends early, with an error.
    pub unwanted: Option<&'a AtomicBool>,
}

impl PlanSpec<'_> {
    /// Asked before each request that is made.
    fn go_on(&self) -> Result<(), PlanError> {
        match self.unwanted {
            Some(unwanted) if unwanted.load(Ordering::Relaxed) => {
                Err(PlanError::new("the plan is not wanted any more"))
            }
            _ => Ok(()),
        }
    }
}

/// Makes a plan.
///
/// # Errors
///
/// There is nothing to send, the arrivals have no schedule, the dataset's file cannot be used, or
/// the backend does not take the prompts. All that can be known at once is told at once.
pub fn build(spec: &PlanSpec<'_>) -> Result<Plan, PlanError> {
    let mut mistakes = spec.arrivals.mistakes();
    if spec.requests == 0 {
        mistakes.push("the plan has 0 requests; ask for 1 at least".into());
    }
    let ids = matches!(
        spec.dataset,
        Dataset::Random(Random {
            token_ids: true,
            ..
        })
    );
    if ids && !spec.takes.contains(&Shape::Tokens) {
        mistakes.push(
            "the dataset makes prompts of token ids, which this backend does not take; leave \
             `random(token_ids)` out, or use a completions backend"
                .into(),
        );
    }
    PlanError::check(mistakes)?;

    let samples = dataset::sample(spec)?;
    let random = samples
        .legacy
        .unwrap_or_else(|| RandomState::new(spec.seed));
    let times = arrivals::schedule_from(spec.arrivals, samples.rows.len(), random);
    let timed = samples.rows.iter().any(|sample| sample.at.is_some());
    let requests: Vec<PlannedRequest> = samples
        .rows
        .into_iter()
        .zip(times)
        .enumerate()
        .map(|(index, (sample, at))| PlannedRequest {
            at: sample.at.unwrap_or(at),
            prompt: sample.prompt,
            input: sample.input,
            output_tokens: sample.output_tokens,
            id: format!("{}{index}", spec.request_id_prefix),
            overrides: sample.overrides,
        })
        .collect();
    if let Some(late) = requests
        .iter()
        .find(|request| request.at > Nanos(0).after(bounds::SPAN))
    {
        let days = late.at.as_secs_f64() / 86_400.0;
        return Err(PlanError::new(format!(
            "request `{}` is due after {days:.0} days; a plan lasts 365 days at most. Raise the rate, or ask for \
             fewer requests; the times of a trace are multiplied by \
             `timed_trace(sec_multiplier)`",
            late.id
        )));
    }
    Ok(Plan {
        requests,
        notes: samples.notes,
        timed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::TokenizerSpec;

    const STEADY: Arrivals = Arrivals {
        rate: 10.0,
        burstiness: 1.0,
        ramp: None,
        max_concurrency: Some(8),
    };

    fn random(random: Random) -> Dataset {
        Dataset::Random(Random {
            input: 12,
            output: 3,
            ..random
        })
    }

    fn spec<'a>(
        dataset: &'a Dataset,
        arrivals: &'a Arrivals,
        tokenizer: &'a Tokenizer,
    ) -> PlanSpec<'a> {
        PlanSpec {
            dataset,
            arrivals,
            requests: 7,
            seed: 0,
            tokenizer,
            takes: &[Shape::Text],
            request_id_prefix: "bench-",
            unwanted: None,
        }
    }

    #[test]
    fn a_plan_joins_prompts_times_and_names() {
        let (dataset, tokenizer) = (random(Random::default()), Tokenizer::none());
        let plan = build(&spec(&dataset, &STEADY, &tokenizer)).unwrap();
        assert_eq!(plan.requests.len(), 7);
        assert_eq!(plan.requests[6].id, "bench-6");
        let times: Vec<Nanos> = plan.requests.iter().map(|request| request.at).collect();
        assert_eq!(times, schedule(&STEADY, 7, 0));
    }

    #[test]
    fn a_plan_is_a_value_of_its_spec() {
        let (dataset, tokenizer) = (random(Random::default()), Tokenizer::none());
        let one = spec(&dataset, &STEADY, &tokenizer);
        let other = PlanSpec { seed: 1, ..one };
        assert_eq!(build(&one).unwrap(), build(&one).unwrap());
        assert_ne!(build(&one).unwrap().hash(), build(&other).unwrap().hash());
    }

    /// Each loop asks, as each may be the one that takes minutes.
    #[test]
    fn a_plan_that_is_not_wanted_ends() {
        let ids = Random {
            token_ids: true,
            ..Random::default()
        };
        for tokenizer in [
            Tokenizer::none(),
            Tokenizer::load(&TokenizerSpec::default()).unwrap(),
        ] {
            for random in [Random::default(), ids.clone()] {
                if random.token_ids && tokenizer.codec().is_none() {
                    continue;
                }
                let dataset = self::tests::random(random);
                let unwanted = AtomicBool::new(true);
                let error = build(&PlanSpec {
                    unwanted: Some(&unwanted),
                    takes: &[Shape::Text, Shape::Tokens],
                    ..spec(&dataset, &STEADY, &tokenizer)
                });
                assert_eq!(
                    error.unwrap_err().to_string(),
                    "the plan is not wanted any more"
                );
            }
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let dataset = random(Random {
            token_ids: true,
            ..Random::default()
        });
        let tokenizer = Tokenizer::none();
        let arrivals = Arrivals {
            rate: -1.0,
            burstiness: 0.0,
            ..STEADY
        };
        let error = build(&PlanSpec {
            requests: 0,
            ..spec(&dataset, &arrivals, &tokenizer)
        })
        .unwrap_err();
        assert_eq!(error.sentences().len(), 4);
        for part in ["burstiness", "rate is -1", "0 requests", "token_ids"] {
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn an_error_can_cross_threads() {
        fn crosses<T: Send + Sync + std::error::Error>() {}
        crosses::<PlanError>();
    }
}
