//! `random(input = 1024, output = 128)`: synthetic prompts of a given length.
//!
//! The draws and their order are those of vLLM's `RandomDataset`, so the same seed and tokenizer
//! give the same prompts: from numpy's `default_rng(seed)` all input lengths, all output lengths
//! and all offsets, then the shared prefix, then what repairs need. The body of request *i* is a
//! run of consecutive ordinary token ids that starts at `offset_i + i`. As text, it is decoded and
//! encoded again until its length is right (see [`super::fit`]).
//!
//! Two things are ours. As token ids, prompts have their length by construction, so nothing is
//! decoded or repaired and the special tokens that a server puts around texts are not subtracted.
//! Without a tokenizer, prompts are words, one for every token, and lengths are estimates.

use super::{Sample, Samples, fit::Fit, fit::fit_all, words::WORDS};
use crate::{
    plan::{Codec, PlanError, PlanSpec, Prompt, numpy::Generator},
    record::{CountSource, TokenCount},
};
use goodput_grammar::dataset::Random;

pub(super) fn sample(random: &Random, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let mut mistakes = mistakes(random);
    match spec.tokenizer.codec() {
        None if random.token_ids => mistakes.push(
            "random prompts as token_ids need a tokenizer, which says what ids there are; name \
             one, or leave token_ids out"
                .into(),
        ),
        _ => {}
    }
    PlanError::check(mistakes)?;
    match spec.tokenizer.codec() {
        None => words(random, spec),
        Some(codec) if random.token_ids => token_ids(random, spec, codec),
        Some(codec) => texts(random, spec, codec),
    }
}

fn mistakes(random: &Random) -> Vec<String> {
    [
        ("input", random.input_range_ratio),
        ("output", random.output_range_ratio),
    ]
    .into_iter()
    .filter(|(_, ratio)| !(0.0..1.0).contains(ratio))
    .map(|(which, ratio)| {
        format!("the range ratio of the random {which} length is {ratio}; it must be in [0, 1)")
    })
    .collect()
}

/// The first draws: what every request asks for.
struct Draws {
    inputs: Vec<usize>,
    outputs: Vec<u64>,
    offsets: Vec<usize>,
}

impl Draws {
    /// `vocabulary` bounds the offsets; `special` tokens are subtracted from the input length.
    fn new(
        random: &Random,
        requests: usize,
        special: usize,
        vocabulary: usize,
        generator: &mut Generator,
    ) -> Result<Self, PlanError> {
        let (low, high) = range(
            random.input.saturating_sub(special),
            random.input_range_ratio,
        );
        if random.prefix as u64 + low < 1 {
            return Err(PlanError::new(format!(
                "random(input = {}) can leave a prompt without a token: the tokenizer adds \
                 {special} special tokens and the range ratio is {}; ask for a longer input or a \
                 prefix",
                random.input, random.input_range_ratio
            )));
        }
        let (short, long) = range(random.output, random.output_range_ratio);
        let (short, long) = (short.max(1), long.max(1));
        let mut draw = |low: u64, high: u64| -> Vec<u64> {
            (0..requests)
                .map(|_| generator.integer(low, high - low))
                .collect()
        };
        let indices = |drawn: Vec<u64>| drawn.into_iter().map(|drawn| drawn as usize).collect();
        Ok(Draws {
            inputs: indices(draw(low, high)),
            outputs: draw(short, long),
            offsets: indices(draw(0, (vocabulary as u64).saturating_sub(1))),
        })
    }
}

/// The inclusive range of a length that varies by a ratio.
fn range(length: usize, ratio: f64) -> (u64, u64) {
    let length = length as f64;
    let low = (length * (1.0 - ratio)).floor();
    let high = (length * (1.0 + ratio)).ceil();
    (low as u64, high as u64)
}

/// Token ids that stand for text, ascending.
fn ordinary(codec: &Codec) -> Result<Vec<u32>, PlanError> {
    let ids: Vec<u32> = (0..codec.vocab_size() as u32)
        .filter(|id| codec.special_ids().binary_search(id).is_err())
        .collect();
    if ids.is_empty() {
        return Err(PlanError::new(
            "the tokenizer has no token besides special ones, so there is nothing to make random \
             prompts of; name another tokenizer",
        ));
    }
    Ok(ids)
}

/// `length` consecutive ordinary ids from `start`, wrapping round.
fn run(ordinary: &[u32], start: usize, length: usize) -> impl Iterator<Item = u32> {
    let (before, from) = ordinary.split_at(start % ordinary.len());
    from.iter().chain(before).cycle().copied().take(length)
}

fn texts(random: &Random, spec: &PlanSpec<'_>, codec: &Codec) -> Result<Samples, PlanError> {
    let mut generator = Generator::new(spec.seed);
    let special = codec.special_tokens_to_add();
    let draws = Draws::new(
        random,
        spec.requests,
        special,
        codec.vocab_size(),
        &mut generator,
    )?;
    let ordinary = ordinary(codec)?;
    let prefix: Vec<u32> = (0..random.prefix)
        .map(|_| ordinary[generator.below(ordinary.len())])
        .collect();
    let prefix = Fit::new(prefix, random.prefix).finish(codec, &mut generator)?;
    let bodies = draws.inputs.iter().zip(&draws.offsets).enumerate();
    let fits = bodies.map(|(index, (&input, offset))| {
        let mut ids = prefix.ids.clone();
        ids.extend(run(&ordinary, offset + index, input));
        Fit::new(ids, random.prefix + input)
    });
    let fitted = fit_all(fits, codec, &mut generator)?;

    let surplus: i64 = fitted.iter().map(Fit::surplus).sum();
    let mut samples = Samples::default();
    for (fit, output_tokens) in fitted.into_iter().zip(draws.outputs) {
        samples.rows.push(Sample {
            input: exactly(fit.ids.len()),
            prompt: Prompt::Text(fit.text),
            output_tokens,
        });
    }
    if surplus != 0 {
        samples.notes.push(format!(
            "all prompts together have {} tokens {} than asked for: some texts do not encode to \
             the tokens they were made of",
            surplus.unsigned_abs(),
            if surplus > 0 { "more" } else { "fewer" },
        ));
    }
    if spec.tokenizer.name() == Some("embedded") {
        samples.notes.push(
            "prompt lengths are in tokens of goodput's embedded tokenizer; name the model's \
             tokenizer for lengths in its own tokens"
                .into(),
        );
    }
    Ok(samples)
}

fn token_ids(random: &Random, spec: &PlanSpec<'_>, codec: &Codec) -> Result<Samples, PlanError> {
    let mut generator = Generator::new(spec.seed);
    let draws = Draws::new(random, spec.requests, 0, codec.vocab_size(), &mut generator)?;
    let ordinary = ordinary(codec)?;
    let prefix: Vec<u32> = (0..random.prefix)
        .map(|_| ordinary[generator.below(ordinary.len())])
        .collect();
    let mut samples = Samples::default();
    for (index, &input) in draws.inputs.iter().enumerate() {
        let mut ids = prefix.clone();
        ids.extend(run(&ordinary, draws.offsets[index] + index, input));
        samples.rows.push(Sample {
            input: exactly(ids.len()),
            prompt: Prompt::Tokens(ids),
            output_tokens: draws.outputs[index],
        });
    }
    Ok(samples)
}

fn words(random: &Random, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let mut generator = Generator::new(spec.seed);
    let draws = Draws::new(random, spec.requests, 0, WORDS.len(), &mut generator)?;
    let mut draw = |words: usize| -> Vec<&str> {
        (0..words)
            .map(|_| WORDS[generator.below(WORDS.len())])
            .collect()
    };
    let prefix = draw(random.prefix);
    let mut samples = Samples::default();
    for (&input, output_tokens) in draws.inputs.iter().zip(draws.outputs) {
        let mut words = prefix.clone();
        words.extend(draw(input));
        samples.rows.push(Sample {
            prompt: Prompt::Text(words.join(" ")),
            input: TokenCount {
                tokens: words.len() as u64,
                source: CountSource::Estimate,
            },
            output_tokens,
        });
    }
    samples.notes.push(
        "there is no tokenizer: prompts are common words, one for every token, and their lengths \
         are estimates"
            .into(),
    );
    Ok(samples)
}

fn exactly(tokens: usize) -> TokenCount {
    TokenCount {
        tokens: tokens as u64,
        source: CountSource::Tokenizer,
    }
}
