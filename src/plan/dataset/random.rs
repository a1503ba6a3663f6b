//! `random(input = 1024, output = 128)`: synthetic prompts of a given length.
//!
//! The draws and their order are those of vLLM's `RandomDataset`, so the same seed and tokenizer
//! give the same prompts: from numpy's `default_rng(seed)` all input lengths, all output lengths
//! and all offsets, then the shared prefix, then what repairs need. As text, a body is decoded and
//! encoded again until its length is right (see [`super::fit`]).
//!
//! Some things are ours. As token ids, prompts have their length by construction, so nothing is
//! decoded or repaired and the special tokens that a server puts around texts are not subtracted.
//! Without a tokenizer, prompts are words, one for every token, and lengths are estimates. And a
//! picture may go with every prompt.

use super::{
    Sample, Samples, estimate, exactly,
    fit::{Fit, fit_all},
    lengths::{Draws, Lengths, ordinary, run},
    media::Shelf,
    words::WORDS,
};
use crate::{
    plan::{Media, MediaKind, PlanError, PlanSpec, Prompt, numpy::Generator},
    tokenizer::{Codec, Memo},
};
use goodput_grammar::dataset::Random;
use std::path::Path;

pub(super) fn sample(random: &Random, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let lengths = Lengths {
        input: random.input,
        output: random.output,
        input_range_ratio: random.input_range_ratio,
        output_range_ratio: random.output_range_ratio,
    };
    let mut mistakes = lengths.mistakes();
    mistakes.extend(conflicts(random));
    if random.token_ids && spec.tokenizer.codec().is_none() {
        mistakes.push(
            "`random(token_ids)` needs a tokenizer, which defines the ids; name one, or leave it \
             out"
            .into(),
        );
    }
    PlanError::check(mistakes)?;
    let image = match &random.image_url {
        Some(image) => Some(picture(image)?),
        None => None,
    };
    let mut samples = match spec.tokenizer.codec() {
        None => words(random, lengths, spec)?,
        Some(codec) if random.token_ids => token_ids(random, lengths, spec, codec)?,
        Some(codec) => {
            let special = codec.special_ids();
            Text {
                lengths,
                prefix: random.prefix,
                requests: spec.requests,
            }
            .samples(codec, special, &mut Generator::new(spec.seed), spec)?
        }
    };
    if let Some(image) = image {
        show(&mut samples, &image);
    }
    if random.batch > 1 {
        samples.rows = batches(samples.rows, random.batch);
    }
    Ok(samples)
}

fn picture(reference: &str) -> Result<Media, PlanError> {
    Shelf::new(Path::new(""))
        .media(reference, MediaKind::Image)
        .map_err(|why| PlanError::new(format!("`random(image_url)`: {why}")))
}

/// Settings that cannot go together.
fn conflicts(random: &Random) -> Vec<String> {
    let kinds = [
        ("`random(token_ids)`", random.token_ids),
        ("`random(batch)`", random.batch > 1),
        ("`random(image_url)`", random.image_url.is_some()),
    ];
    let asked: Vec<&str> = kinds
        .iter()
        .filter(|(_, asked)| *asked)
        .map(|(name, _)| *name)
        .collect();
    match asked[..] {
        [] | [_] => Vec::new(),
        _ => vec![format!(
            "prompts cannot have {} at once; keep one of them",
            asked.join(" and ")
        )],
    }
}

/// Adds one picture to every text.
fn show(samples: &mut Samples, image: &Media) {
    for row in &mut samples.rows {
        if let Prompt::Text(text) = &mut row.prompt {
            row.prompt = Prompt::Media {
                text: std::mem::take(text),
                media: vec![image.clone()],
            };
        }
    }
}

/// Several texts a request. As in vLLM they ask for no output.
fn batches(rows: Vec<Sample>, size: usize) -> Vec<Sample> {
    rows.chunks(size)
        .map(|rows| {
            let texts = rows.iter().filter_map(|row| match &row.prompt {
                Prompt::Text(text) => Some(text.clone()),
                _ => None,
            });
            let mut input = rows[0].input;
            input.tokens = rows.iter().map(|row| row.input.tokens).sum();
            Sample::new(Prompt::Batch(texts.collect()), input, 0)
        })
        .collect()
}

/// Random texts, as they are drawn for several datasets.
pub(super) struct Text {
    pub(super) lengths: Lengths,
    pub(super) prefix: usize,
    pub(super) requests: usize,
}

impl Text {
    /// `special` tokens are in no text.
    pub(super) fn samples(
        &self,
        codec: &Codec,
        special: &[u32],
        generator: &mut Generator,
        spec: &PlanSpec<'_>,
    ) -> Result<Samples, PlanError> {
        let around = codec.special_tokens_to_add();
        self.lengths.check(self.prefix, around)?;
        let draws = Draws::new(
            self.lengths,
            self.requests,
            around,
            codec.vocab_size(),
            generator,
        );
        let begin = Beginning::new(self.prefix, codec, special, generator)?;
        let start = |index: usize| spec.go_on().map(|()| begin.fit(index, &draws));
        let fitted = fit_all(self.requests, start, codec, generator)?;

        let mut samples = Samples::default();
        samples.tell_surplus(fitted.iter().map(|fitted| fitted.surplus).sum());
        for (fitted, output_tokens) in fitted.into_iter().zip(draws.outputs) {
            let (input, prompt) = (exactly(fitted.tokens), Prompt::Text(fitted.text));
            samples.rows.push(Sample::new(prompt, input, output_tokens));
        }
        samples.tell_tokenizer(spec);
        Ok(samples)
    }
}

/// What texts are made of.
pub(super) struct Beginning {
    ordinary: Vec<u32>,
    length: usize,
    prefix: Vec<u32>,
}

impl Beginning {
    /// Draws the prefix.
    pub(super) fn new(
        length: usize,
        codec: &Codec,
        special: &[u32],
        generator: &mut Generator,
    ) -> Result<Self, PlanError> {
        let ordinary = ordinary(codec, special)?;
        let drawn: Vec<u32> = (0..length)
            .map(|_| ordinary[generator.below(ordinary.len())])
            .collect();
        let prefix = Fit::new(drawn, length).finish(&mut Memo::new(codec), generator)?;
        Ok(Beginning {
            ordinary,
            length,
            prefix: prefix.ids,
        })
    }

    /// The start of a text.
    pub(super) fn fit(&self, index: usize, draws: &Draws) -> Fit {
        let input = draws.inputs[index];
        let mut ids = self.prefix.clone();
        ids.extend(run(&self.ordinary, draws.offsets[index] + index, input));
        Fit::new(ids, self.length + input)
    }
}

fn token_ids(
    random: &Random,
    lengths: Lengths,
    spec: &PlanSpec<'_>,
    codec: &Codec,
) -> Result<Samples, PlanError> {
    let mut generator = Generator::new(spec.seed);
    lengths.check(random.prefix, 0)?;
    let draws = Draws::new(
        lengths,
        spec.requests,
        0,
        codec.vocab_size(),
        &mut generator,
    );
    let ordinary = ordinary(codec, codec.special_ids())?;
    let prefix: Vec<u32> = (0..random.prefix)
        .map(|_| ordinary[generator.below(ordinary.len())])
        .collect();
    let mut samples = Samples::default();
    for (index, &input) in draws.inputs.iter().enumerate() {
        spec.go_on()?;
        let mut ids = prefix.clone();
        ids.extend(run(&ordinary, draws.offsets[index] + index, input));
        let length = exactly(ids.len());
        samples.rows.push(Sample::new(
            Prompt::Tokens(ids),
            length,
            draws.outputs[index],
        ));
    }
    Ok(samples)
}

fn words(random: &Random, lengths: Lengths, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let mut generator = Generator::new(spec.seed);
    lengths.check(random.prefix, 0)?;
    let draws = Draws::new(lengths, spec.requests, 0, WORDS.len(), &mut generator);
    let mut draw = |words: usize| -> Vec<&str> {
        (0..words)
            .map(|_| WORDS[generator.below(WORDS.len())])
            .collect()
    };
    let prefix = draw(random.prefix);
    let mut samples = Samples::default();
    for (&input, output_tokens) in draws.inputs.iter().zip(draws.outputs) {
        spec.go_on()?;
        let mut words = prefix.clone();
        words.extend(draw(input));
        samples.rows.push(Sample::new(
            Prompt::Text(words.join(" ")),
            estimate(words.len()),
            output_tokens,
        ));
    }
    samples.tell_words();
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::CountSource;
    use crate::{plan::dataset::tests::draw, tokenizer::Tokenizer};
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

    #[test]
    fn one_picture_goes_with_every_text() {
        let random = Random {
            image_url: Some("https://example.org/a.png".into()),
            ..small()
        };
        let samples = draw(&Dataset::Random(random), 3, 0, &Tokenizer::none()).unwrap();
        for row in &samples.rows {
            let Prompt::Media { text, media } = &row.prompt else {
                panic!("{row:?}");
            };
            assert_eq!(text.split(' ').count(), 20);
            assert_eq!(media[0].source.url(), "https://example.org/a.png");
        }
    }

    #[rstest]
    #[case(Random { batch: 2, token_ids: true, ..small() }, "`random(token_ids)` and `random(batch)` at once")]
    #[case(Random { image_url: Some("gone.png".into()), ..small() }, "gone.png` cannot be read")]
    #[case(Random { input_range_ratio: 1.0, ..small() }, "input length is 1;")]
    #[case(Random { output_range_ratio: -0.1, ..small() }, "output length is -0.1;")]
    #[case(Random { input_range_ratio: f64::NAN, ..small() }, "input length is NaN;")]
    #[case(Random { input: 0, ..small() }, "random(input = 0)")]
    #[case(Random { token_ids: true, ..small() }, "`random(token_ids)` needs a tokenizer")]
    fn what_cannot_be_drawn_is_refused(#[case] random: Random, #[case] part: &str) {
        let error = refused(random);
        assert!(error.contains(part), "{error}");
    }

    #[cfg(feature = "tokenizers")]
    mod with_a_tokenizer {
        use super::*;
        use crate::{plan::testing::golden, tokenizer::TokenizerSpec};
        use proptest::prelude::*;
        use std::sync::LazyLock;

        static EMBEDDED: LazyLock<Tokenizer> =
            LazyLock::new(|| Tokenizer::load(&TokenizerSpec::Embedded).unwrap());

        #[test]
        fn batches_agree_with_vllm() {
            crate::plan::dataset::testing::check("random");
        }

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
                    ..Random::default()
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
