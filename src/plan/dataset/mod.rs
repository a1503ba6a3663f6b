//! Datasets, where prompts come from: one a file.

mod agents;
mod bench_sets;
mod burstgpt;
mod complaints;
mod conversations;
mod custom;
mod custom_audio;
mod custom_image;
mod fields;
mod fit;
#[cfg(feature = "hf")]
mod hf;
#[cfg(not(feature = "hf"))]
#[path = "hf_absent.rs"]
mod hf;
mod lengths;
mod long_document_qa;
mod media;
mod mix;
mod noise;
mod prefix_repetition;
mod random;
mod random_mm;
mod rerank;
mod sharegpt;
mod sonnet;
mod sound;
mod structured;
mod table;
#[cfg(test)]
#[cfg(feature = "tokenizers")]
mod testing;
mod tokens;
mod trace;
mod trace_csv;
mod trace_event;
mod words;

#[cfg(feature = "cli")]
pub(crate) use conversations::described;

use super::{
    PlanError, PlanSpec, Prompt, Turn,
    numpy::{PyRandom, RandomState},
};
use crate::{
    clock::Nanos,
    record::{CountSource, TokenCount},
    structure::Asked,
};
use goodput_grammar::{bounds, dataset::Dataset};
use serde_json::{Map, Value};
use std::path::Path;

/// One request without its time and its name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) prompt: Prompt,
    pub(super) input: TokenCount,
    pub(super) output_tokens: u64,
    /// When it is sent, if the dataset says so.
    pub(super) at: Option<Nanos>,
    /// Fields of the body that only this request has.
    pub(super) overrides: Map<String, Value>,
    /// The structure that its answer must have.
    pub(super) structure: Option<Box<Asked>>,
    /// Place in a session. The turns of a session stand together.
    pub(super) turn: Option<Box<Turn>>,
    /// Name of its class, in a mix.
    pub(super) class: Option<Box<str>>,
    /// Name of the client that it is from, if the dataset says so.
    pub(super) client: Option<Box<str>>,
}

impl Sample {
    fn new(prompt: Prompt, input: TokenCount, output_tokens: u64) -> Self {
        Sample {
            prompt,
            input,
            output_tokens,
            at: None,
            overrides: Map::new(),
            structure: None,
            turn: None,
            class: None,
            client: None,
        }
    }
}

/// Requests in send order, and what the user should know about them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Samples {
    pub(super) rows: Vec<Sample>,
    pub(super) notes: Vec<String>,
    /// Requests that are sent before the others and count in no number.
    pub(super) warmup: Vec<Sample>,
    /// numpy's legacy stream where the dataset has drawn from it: arrivals go on from there.
    pub(super) legacy: Option<RandomState>,
}

const EMBEDDED: &str = "prompt lengths are in tokens of goodput's embedded tokenizer; name the model's \
                        tokenizer for lengths in its own tokens";

const ESTIMATED: &str = "there is no tokenizer: prompts are common words, one for every token, and their \
                         lengths are estimates";

/// Remarks that are no longer true of prompts with lengths by the model's own tokenizer.
pub(super) fn is_about_lengths(note: &str) -> bool {
    [EMBEDDED, ESTIMATED].contains(&note)
}

impl Samples {
    fn tell_surplus(&mut self, surplus: i64) {
        if surplus != 0 {
            self.notes.push(format!(
                "all prompts together have {} tokens {} than asked for: some texts do not encode \
                 to the tokens that they were made from",
                surplus.unsigned_abs(),
                if surplus > 0 { "more" } else { "fewer" },
            ));
        }
    }

    fn tell_tokenizer(&mut self, spec: &PlanSpec<'_>) {
        if spec.tokenizer.name() == Some("embedded") {
            self.notes.push(EMBEDDED.into());
        }
    }

    fn tell_words(&mut self) {
        self.notes.push(ESTIMATED.into());
    }

    fn tell_fewer(&mut self, wanted: usize) {
        let found = self.rows.len();
        if found < wanted {
            self.notes.push(format!(
                "{found} requests are planned, not {wanted}: the dataset has no more usable rows"
            ));
        }
    }
}

fn exactly(tokens: usize) -> TokenCount {
    TokenCount {
        tokens: tokens as u64,
        source: CountSource::Tokenizer,
    }
}

fn estimate(tokens: usize) -> TokenCount {
    TokenCount {
        tokens: tokens as u64,
        source: CountSource::Estimate,
    }
}

macro_rules! sample {
    ($($(#[$doc:meta])* $name:literal => $Dataset:ident, $samples:path;)*) => {
        /// The requests of a dataset.
        pub(super) fn sample(spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
            match spec.dataset {
                $(Dataset::$Dataset(dataset) => $samples(dataset, spec),)*
            }
        }
    };
}
goodput_grammar::with_datasets!(sample);

/// A length that was made to be so: exact with a tokenizer.
fn counted(tokens: usize, spec: &PlanSpec<'_>) -> TokenCount {
    match spec.tokenizer.codec() {
        Some(_) => exactly(tokens),
        None => estimate(tokens),
    }
}

/// Whether made-up prompts of these lengths can be held in memory together.
fn fits_memory(path: &Path, lengths: impl Iterator<Item = u64>) -> Result<(), PlanError> {
    let tokens: f64 = lengths.map(|length| length as f64).sum();
    if tokens <= bounds::TOKENS {
        Ok(())
    } else {
        Err(complaints::whole_file(
            path,
            format!(
                "asks for {tokens:.3e} tokens in all prompts; a run may have {:.0e}. Ask for fewer requests",
                bounds::TOKENS
            ),
        ))
    }
}

/// CPython's seeded shuffle, as vLLM does it when a file is loaded.
fn arrange<T>(rows: &mut [T], keep_order: bool, seed: u64) {
    if !keep_order {
        PyRandom::new(seed).shuffle(rows);
    }
}

/// Bytes of texts that a plan may hold.
const LARGEST_PLAN: usize = 4 << 30;

/// Repeats rows, drawn with replacement, until there are enough; or says how many are missing.
///
/// # Errors
/// The repeated texts would fill the memory.
fn oversample(
    samples: &mut Samples,
    no_oversample: bool,
    wanted: usize,
    seed: u64,
) -> Result<(), PlanError> {
    let found = samples.rows.len();
    if found >= wanted {
        return Ok(());
    }
    if no_oversample {
        samples.tell_fewer(wanted);
        return Ok(());
    }
    let bytes: usize = samples.rows.iter().map(|row| bytes(&row.prompt)).sum();
    let planned = bytes as f64 / found.max(1) as f64 * wanted as f64;
    if planned > LARGEST_PLAN as f64 {
        return Err(PlanError::new(format!(
            "the dataset's {found} rows have {bytes} bytes of text, and {wanted} requests made \
             from them would have {planned:.0}; a plan may have {LARGEST_PLAN}. Ask for fewer \
             requests"
        )));
    }
    let mut random = PyRandom::new(seed);
    for _ in found..wanted {
        let row = samples.rows[random.below(found)].clone();
        samples.rows.push(row);
    }
    samples.notes.push(format!(
        "{} of {wanted} requests repeat others, as the dataset has only {found} usable rows; a \
         server with a prefix cache answers repeats faster",
        wanted - found
    ));
    Ok(())
}

/// About the bytes of a prompt's texts. Files are shared by the requests that show them.
fn bytes(prompt: &Prompt) -> usize {
    match prompt {
        Prompt::Text(text) | Prompt::Media { text, .. } => text.len(),
        Prompt::Messages(messages) => messages.iter().map(|m| m.to_string().len()).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{Arrivals, Shape},
        tokenizer::Tokenizer,
    };
    use goodput_grammar::dataset::Random;

    pub(super) const AT_ONCE: Arrivals = Arrivals {
        rate: f64::INFINITY,
        burstiness: 1.0,
        ramp: None,
        max_concurrency: None,
    };

    /// Samples of a dataset; all kinds of prompts but recordings are welcome.
    pub(super) fn draw(
        dataset: &Dataset,
        requests: usize,
        seed: u64,
        tokenizer: &Tokenizer,
    ) -> Result<Samples, PlanError> {
        let takes = Shape::ALL
            .into_iter()
            .filter(|&shape| shape != Shape::Audio);
        draw_for(
            dataset,
            requests,
            seed,
            tokenizer,
            &takes.collect::<Vec<_>>(),
        )
    }

    pub(super) fn draw_for(
        dataset: &Dataset,
        requests: usize,
        seed: u64,
        tokenizer: &Tokenizer,
        takes: &[Shape],
    ) -> Result<Samples, PlanError> {
        sample(&PlanSpec {
            dataset,
            arrivals: &AT_ONCE,
            duration: None,
            requests,
            seed,
            tokenizer,
            takes,
            request_id_prefix: "",
            unwanted: None,
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
