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

use super::{
    Sample, Samples,
    fit::{Fit, fit_all},
    words::WORDS,
};
use crate::{
    plan::{Codec, Memo, PlanError, PlanSpec, Prompt, numpy::Generator},
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
    let prefix = Fit::new(prefix, random.prefix).finish(&mut Memo::new(codec), &mut generator)?;
    let start = |index: usize| {
        let input = draws.inputs[index];
        let mut ids = prefix.ids.clone();
        ids.extend(run(&ordinary, draws.offsets[index] + index, input));
        Fit::new(ids, random.prefix + input)
    };
    let fitted = fit_all(spec.requests, start, codec, &mut generator)?;

    let surplus: i64 = fitted.iter().map(|fitted| fitted.surplus).sum();
    let mut samples = Samples::default();
    for (fitted, output_tokens) in fitted.into_iter().zip(draws.outputs) {
        samples.rows.push(Sample {
            input: exactly(fitted.tokens),
            prompt: Prompt::Text(fitted.text),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Tokenizer, dataset::tests::draw};
    use goodput_grammar::dataset::Dataset;
    use rstest::rstest;

    fn small() -> Random {
        Random {
            input: 20,
            output: 5,
            ..Random::default()
        }
    }

    fn refused(random: Random) -> String {
        draw(&Dataset::Random(random), 3, 0, &Tokenizer::none())
            .unwrap_err()
            .to_string()
    }

    #[rstest]
    #[case::fixed(0.0, [1024; 4], [128; 4], [42749, 32011, 25688, 13558])]
    #[case::varied(
        0.3,
        [1240, 1109, 1031, 882],
        [113, 92, 94, 90],
        [8808, 40872, 32637, 45872]
    )]
    fn the_published_lengths_hold(
        #[case] ratio: f64,
        #[case] inputs: [usize; 4],
        #[case] outputs: [u64; 4],
        #[case] offsets: [usize; 4],
    ) {
        let random = Random {
            input_range_ratio: ratio,
            output_range_ratio: ratio,
            ..Random::default()
        };
        let draws = Draws::new(&random, 4, 0, 50257, &mut Generator::new(0)).unwrap();
        assert_eq!(draws.inputs, inputs);
        assert_eq!(draws.outputs, outputs);
        assert_eq!(draws.offsets, offsets);
    }

    #[test]
    fn special_tokens_shorten_the_input_only() {
        let draws = Draws::new(&small(), 2, 3, 100, &mut Generator::new(0)).unwrap();
        assert_eq!(draws.inputs, [17, 17]);
        assert_eq!(draws.outputs, [5, 5]);
        assert!(Draws::new(&small(), 2, 20, 100, &mut Generator::new(0)).is_err());
    }

    #[test]
    fn a_run_wraps_round() {
        let taken: Vec<u32> = run(&[3, 5, 8], 4, 5).collect();
        assert_eq!(taken, [5, 8, 3, 5, 8]);
    }

    #[test]
    fn words_stand_for_tokens_where_there_is_no_tokenizer() {
        let random = Random {
            prefix: 4,
            ..small()
        };
        let samples = draw(&Dataset::Random(random), 3, 1, &Tokenizer::none()).unwrap();
        let mut starts = Vec::new();
        for row in &samples.rows {
            let Prompt::Text(text) = &row.prompt else {
                panic!("{row:?}");
            };
            assert_eq!(text.split(' ').count(), 24);
            assert_eq!(row.input.tokens, 24);
            assert_eq!(row.input.source, CountSource::Estimate);
            starts.push(text.split(' ').take(4).collect::<Vec<_>>());
        }
        assert!(starts.windows(2).all(|pair| pair[0] == pair[1]));
        assert!(
            samples.notes[0].contains("estimates"),
            "{:?}",
            samples.notes
        );
    }

    #[rstest]
    #[case(Random { input_range_ratio: 1.0, ..small() }, "input length is 1;")]
    #[case(Random { output_range_ratio: -0.1, ..small() }, "output length is -0.1;")]
    #[case(Random { input_range_ratio: f64::NAN, ..small() }, "input length is NaN;")]
    #[case(Random { input: 0, ..small() }, "random(input = 0)")]
    #[case(Random { token_ids: true, ..small() }, "need a tokenizer")]
    fn what_cannot_be_drawn_is_refused(#[case] random: Random, #[case] part: &str) {
        let error = refused(random);
        assert!(error.contains(part), "{error}");
    }

    #[cfg(feature = "tokenizers")]
    mod with_a_tokenizer {
        use super::*;
        use crate::plan::{TokenizerSpec, testing::golden};
        use proptest::prelude::*;
        use std::sync::LazyLock;

        static EMBEDDED: LazyLock<Tokenizer> =
            LazyLock::new(|| Tokenizer::load(&TokenizerSpec::Embedded).unwrap());

        #[test]
        fn prompts_agree_with_vllm() {
            for case in golden("prompts.json")["random"].as_array().unwrap() {
                let number = |key: &str| case[key].as_u64().unwrap_or_default() as usize;
                let ratio = |of: &str| {
                    let ratio = &case["range_ratio"];
                    ratio.as_f64().or(ratio[of].as_f64()).unwrap_or_default()
                };
                let random = Random {
                    input: number("input_len"),
                    output: number("output_len"),
                    input_range_ratio: ratio("input"),
                    output_range_ratio: ratio("output"),
                    prefix: number("prefix_len"),
                    token_ids: false,
                };
                let seed = case["seed"].as_u64().unwrap();
                let dataset = Dataset::Random(random);
                let samples = draw(&dataset, number("requests"), seed, &EMBEDDED).unwrap();
                let expected = case["samples"].as_array().unwrap();
                assert_eq!(samples.rows.len(), expected.len());
                for (row, expected) in samples.rows.iter().zip(expected) {
                    let text = expected[0].as_str().unwrap().to_owned();
                    assert_eq!(row.prompt, Prompt::Text(text));
                    assert_eq!(row.input.tokens, expected[1].as_u64().unwrap());
                    assert_eq!(row.output_tokens, expected[2].as_u64().unwrap());
                }
            }
        }

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(24))]

            #[test]
            fn token_ids_have_their_length_by_construction(
                seed: u64, input in 1usize..300, prefix in 0usize..40,
            ) {
                let random = Random { input, prefix, token_ids: true, ..small() };
                let samples = draw(&Dataset::Random(random), 3, seed, &EMBEDDED).unwrap();
                let mut prefixes = Vec::new();
                for row in &samples.rows {
                    let Prompt::Tokens(ids) = &row.prompt else {
                        panic!("{row:?}");
                    };
                    prop_assert_eq!(ids.len(), prefix + input);
                    prop_assert_eq!(row.input.tokens, ids.len() as u64);
                    prop_assert!(ids.iter().all(|&id| id != 0 && id < 4096));
                    prefixes.push(&ids[..prefix]);
                }
                prop_assert!(prefixes.windows(2).all(|pair| pair[0] == pair[1]));
            }

            #[test]
            fn the_length_of_a_text_is_what_it_encodes_to(seed: u64, input in 1usize..120) {
                let random = Random { input, ..small() };
                let samples = draw(&Dataset::Random(random), 4, seed, &EMBEDDED).unwrap();
                for row in &samples.rows {
                    let Prompt::Text(text) = &row.prompt else {
                        panic!("{row:?}");
                    };
                    prop_assert_eq!(EMBEDDED.count(text, false), row.input);
                }
            }
        }
    }
}
