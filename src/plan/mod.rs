//! Plans: what a run sends and when, computed before the first byte is sent.
//!
//! A plan is dataset × arrivals × seed. The same three give the same plan on every machine, and with the
//! same tokenizer the prompts and send times of `vllm bench serve` with that seed.

mod arrivals;
mod dataset;
mod describe;
mod error;
mod hash;
mod media;
mod numpy;
mod salt;
mod session;
mod shape;
mod share;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use arrivals::rate_at;
pub use arrivals::{Arrivals, RateChange, rate_changes, schedule};
#[cfg(feature = "cli")]
pub(crate) use dataset::described;
pub use error::PlanError;
pub(crate) use hash::hash;
pub use media::{Base64, File, Media, MediaKind, MediaSource};
pub(crate) use numpy::PyRandom;
use numpy::RandomState;
pub use salt::Salt;
pub use session::Turn;
pub use shape::Shape;

use crate::{clock::Nanos, record::TokenCount, structure::Asked, tokenizer::Tokenizer};
use goodput_grammar::{
    bounds,
    dataset::{Dataset, Random},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// Requests of a run with their intended send times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The requests in send order.
    pub requests: Vec<PlannedRequest>,
    /// Remarks for the user, such as which lengths are estimates.
    pub notes: Vec<String>,
    /// Whether the times are those of a recorded trace rather than of arrivals.
    #[serde(default)]
    pub timed: bool,
    /// What stands before every prompt when it is sent. The hash leaves it out, so that runs with different salt are runs
    /// of the same plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<Salt>,
    /// Requests of the dataset that are sent before the others, all at once. They count in no number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warmup: Vec<PlannedRequest>,
}

impl Plan {
    /// The requests that are sent before the others, as a plan of their own.
    pub(crate) fn to_warm_up(&self) -> Plan {
        Plan {
            requests: self.warmup.clone(),
            notes: Vec::new(),
            timed: false,
            salt: self.salt.clone(),
            warmup: Vec::new(),
        }
    }

    /// Notes that all prompts now have their lengths by the model's own tokenizer.
    pub(crate) fn lengths_are_the_models(&mut self) {
        self.notes.retain(|note| !dataset::is_about_lengths(note));
    }
}

/// One request of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedRequest {
    /// Intended send time; 0 for all at an infinite rate. For a turn that waits for others, when its session arrives.
    pub at: Nanos,
    /// Content of the request.
    pub prompt: Prompt,
    /// Length of the prompt as the plan knows it.
    pub input: TokenCount,
    /// Output tokens to ask for.
    pub output_tokens: u64,
    /// Value of the `x-request-id` header.
    pub id: String,
    /// Fields of the body that only this request has, such as `tools`; they replace the bench's own fields.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub overrides: Map<String, Value>,
    /// The structure that the answer must have; `None` for a free answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structure: Option<Box<Asked>>,
    /// Place in a session of several requests; `None` for a request that waits for no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Box<Turn>>,
    /// Name of its class, in a mix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Box<str>>,
    /// Name of the client that it is from, if the dataset says so (field `client`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Box<str>>,
}

impl PlannedRequest {
    /// LoRA adapter of the request: the only reason for a request to name its own model.
    pub fn lora(&self) -> Option<&str> {
        self.overrides.get(LORA)?.as_str()
    }

    /// Sets a LoRA adapter.
    pub(crate) fn ask_for_lora(&mut self, name: &str) {
        self.overrides.insert(LORA.to_owned(), name.into());
    }
}

/// The field that names an adapter: on the wire, adapters are models.
const LORA: &str = "model";

/// Content of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Text.
    Text(String),
    /// Token ids, for servers that accept them (completions).
    Tokens(Vec<u32>),
    /// Ready chat messages, a JSON array.
    Messages(Vec<Value>),
    /// Text with pictures, videos or sound.
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
    /// Documents to rank by how well they answer a query.
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
    /// Duration in seconds.
    pub seconds: f64,
}

/// Inputs of a plan.
#[derive(Debug, Clone, Copy)]
pub struct PlanSpec<'a> {
    /// Dataset of the prompts.
    pub dataset: &'a Dataset,
    /// Arrival process.
    pub arrivals: &'a Arrivals,
    /// Number of requests; a dataset that must not repeat rows may have fewer.
    pub requests: usize,
    /// How long requests are due. What the times of a trace or of a ramp put after it is left out.
    pub duration: Option<Duration>,
    /// Seed of all draws, as in `vllm bench serve --seed`.
    pub seed: u64,
    /// Tokenizer that makes and counts prompts.
    pub tokenizer: &'a Tokenizer,
    /// Kinds of prompts that the backend accepts, for datasets that have a choice.
    pub takes: &'a [Shape],
    /// Prefix of request ids; the request's number follows.
    pub request_id_prefix: &'a str,
    /// Once another thread sets it, `build` ends early with an error.
    pub unwanted: Option<&'a AtomicBool>,
}

impl PlanSpec<'_> {
    /// Checks before each request whether to go on.
    fn go_on(&self) -> Result<(), PlanError> {
        match self.unwanted {
            Some(unwanted) if unwanted.load(Ordering::Relaxed) => {
                Err(PlanError::new("the run ended before the plan was ready"))
            }
            _ => Ok(()),
        }
    }
}

/// Makes a plan.
///
/// # Errors
///
/// There is nothing to send, the arrivals have no schedule, the dataset's file is unusable, or the backend
/// does not accept the prompts. The error lists all problems that are known at once.
pub fn build(spec: &PlanSpec<'_>) -> Result<Plan, PlanError> {
    let mut mistakes = spec.arrivals.mistakes();
    if spec.requests == 0 {
        mistakes.push("the plan has 0 requests; ask for at least 1".into());
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
    let sessions = session::numbers(samples.rows.iter().map(|row| row.turn.as_deref()));
    let arrive = sessions.last().map_or(0, |last| last + 1);
    let times = arrivals::schedule_from(spec.arrivals, arrive, random);
    let timed = samples.rows.iter().any(|sample| sample.at.is_some());
    let until = spec
        .duration
        .map_or(Nanos(u64::MAX), |span| Nanos(0).after(span));
    let requests: Vec<PlannedRequest> = samples
        .rows
        .into_iter()
        .zip(sessions)
        .enumerate()
        .map(|(index, (sample, session))| PlannedRequest {
            at: sample.at.unwrap_or(times[session]),
            prompt: sample.prompt,
            input: sample.input,
            output_tokens: sample.output_tokens,
            id: format!("{}{index}", spec.request_id_prefix),
            overrides: sample.overrides,
            structure: sample.structure,
            turn: sample.turn.map(|mut turn| {
                turn.id.session = session;
                turn
            }),
            class: sample.class,
            client: sample.client,
        })
        .filter(|request| request.at <= until)
        .collect();
    if requests.is_empty() {
        return Err(PlanError::new(
            "no request is due before the duration is over. Write a longer time",
        ));
    }
    if let Some(late) = requests
        .iter()
        .find(|request| request.at > Nanos(0).after(bounds::SPAN))
    {
        let days = late.at.as_secs_f64() / 86_400.0;
        return Err(PlanError::new(format!(
            "request `{}` is due after {days:.0} days; a plan lasts 365 days at most. Raise the rate, or ask for \
             fewer requests; the times of a trace are multiplied by \
             `timed_trace(sec_multiplier)` and `agents(time_scale)`",
            late.id
        )));
    }
    let warmup = samples.warmup.into_iter().map(|sample| PlannedRequest {
        at: Nanos(0),
        prompt: sample.prompt,
        input: sample.input,
        output_tokens: sample.output_tokens,
        // Only measured requests have ids.
        id: String::new(),
        overrides: sample.overrides,
        structure: sample.structure,
        turn: None,
        class: None,
        client: None,
    });
    Ok(Plan {
        requests,
        notes: samples.notes,
        timed,
        salt: None,
        warmup: warmup.collect(),
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
            duration: None,
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
                    "the run ended before the plan was ready"
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
