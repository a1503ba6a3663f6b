//! `prefix_repetition(prefix = 256, suffix = 256, prefixes = 10, output = 128)`: some prefixes,
//! each with many suffixes, for a server's prefix cache.
//!
//! As in vLLM, ids come from numpy's legacy stream over the whole vocabulary, special ones too;
//! prefix and suffix are brought to their lengths one by one, and the joint is not looked at.
//! Every prefix has the same number of requests: what is left over is not asked. The order is
//! CPython's shuffle. Arrivals go on drawing from the stream where the prompts have left it.

use super::{Sample, Samples, arrange, fit::Fit, words};
use crate::{
    plan::{PlanError, PlanSpec, Prompt, numpy::RandomState},
    tokenizer::Memo,
};
use goodput_grammar::dataset::PrefixRepetition;

pub(super) fn sample(set: &PrefixRepetition, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let each = spec.requests / set.prefixes.max(1);
    let mut mistakes = Vec::new();
    if each == 0 {
        mistakes.push(format!(
            "`prefix_repetition(prefixes = {})` is more than the {} requests; ask for as many requests at \
             least, or for fewer prefixes",
            set.prefixes, spec.requests
        ));
    }
    if set.prefix + set.suffix == 0 {
        mistakes.push(
            "`prefix_repetition(prefix = 0)` and `prefix_repetition(suffix = 0)` together ask for empty \
             prompts; give one of them a length"
                .into(),
        );
    }
    PlanError::check(mistakes)?;

    let mut random = RandomState::new(spec.seed);
    let mut samples = Samples::default();
    match spec.tokenizer.codec() {
        Some(codec) => {
            let mut memo = Memo::new(codec);
            let mut surplus = 0;
            let mut exactly = |memo: &mut Memo<'_>, length: usize| {
                let drawn: Vec<u32> = (0..length)
                    .map(|_| random.below(codec.vocab_size()) as u32)
                    .collect();
                let fit = Fit::new(drawn, length).finish(memo, &mut random)?;
                surplus += fit.ids.len() as i64 - length as i64;
                Ok::<Vec<u32>, PlanError>(fit.ids)
            };
            for _ in 0..set.prefixes {
                let prefix = exactly(&mut memo, set.prefix)?;
                for _ in 0..each {
                    spec.go_on()?;
                    let mut ids = prefix.clone();
                    ids.extend(exactly(&mut memo, set.suffix)?);
                    push(&mut samples, set, memo.decode(&ids)?, ids.len(), spec);
                }
            }
            samples.tell_surplus(surplus);
            samples.tell_tokenizer(spec);
        }
        None => {
            let mut draw = |length: usize| words::draw(length, &mut random);
            for _ in 0..set.prefixes {
                let prefix = draw(set.prefix);
                for _ in 0..each {
                    spec.go_on()?;
                    let mut words = prefix.clone();
                    words.extend(draw(set.suffix));
                    push(&mut samples, set, words.join(" "), words.len(), spec);
                }
            }
            samples.tell_words();
        }
    }
    arrange(&mut samples.rows, set.keep_order, spec.seed);
    let (planned, wanted) = (samples.rows.len(), spec.requests);
    if planned < wanted {
        samples.notes.push(format!(
            "{planned} requests are planned, not {wanted}: each of the {} prefixes has {each}",
            set.prefixes
        ));
    }
    samples.legacy = Some(random);
    Ok(samples)
}

fn push(
    samples: &mut Samples,
    set: &PrefixRepetition,
    text: String,
    length: usize,
    spec: &PlanSpec<'_>,
) {
    let input = super::counted(length, spec);
    samples
        .rows
        .push(Sample::new(Prompt::Text(text), input, set.output as u64));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plan::dataset::tests::draw, tokenizer::Tokenizer};
    use goodput_grammar::dataset::Dataset;

    #[cfg(feature = "tokenizers")]
    #[test]
    fn prompts_and_the_stream_after_them_agree_with_vllm() {
        use crate::plan::dataset::testing;
        for (case, samples) in testing::check("prefix_repetition") {
            let mut random = samples.legacy.unwrap();
            for gap in case["gaps"].as_array().unwrap() {
                let (gap, drawn) = (gap.as_f64().unwrap(), 0.1 * random.gamma(1.0));
                assert!((gap - drawn).abs() <= 1e-15, "{gap} {drawn}");
            }
        }
    }

    #[test]
    fn what_is_left_over_is_not_asked() {
        let set = PrefixRepetition {
            prefixes: 3,
            prefix: 4,
            suffix: 2,
            ..PrefixRepetition::default()
        };
        let dataset = Dataset::PrefixRepetition(set);
        let samples = draw(&dataset, 8, 1, &Tokenizer::none()).unwrap();
        assert_eq!(samples.rows.len(), 6);
        assert!(
            samples
                .notes
                .iter()
                .any(|note| note.contains("6 requests are planned, not 8"))
        );
        let error = draw(&dataset, 2, 1, &Tokenizer::none()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("(prefixes = 3)` is more than the 2 requests"),
            "{error}"
        );
    }
}
