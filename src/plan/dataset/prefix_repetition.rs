//! `prefix_repetition(prefix = 256, suffix = 256, prefixes = 10, output = 128)`: some prefixes,
//! each with many suffixes, for a server's prefix cache.
//!
//! As in vLLM, ids come from numpy's legacy stream over the whole vocabulary, special ones too;
//! prefix and suffix are brought to their lengths one by one, and the joint is not looked at.
//! Every prefix has the same number of requests: what is left over is not asked. The order is
//! CPython's shuffle. Arrivals go on drawing from the stream where the prompts have left it.
//!
//! With `zipf` the prefix of each request is drawn, as a few system prompts or documents have most of the traffic; this is
//! goodput's own.

use super::{Sample, Samples, arrange, fit::Fit, words};
use crate::{
    plan::{PlanError, PlanSpec, Prompt, numpy::RandomState},
    tokenizer::Memo,
};
use goodput_grammar::dataset::PrefixRepetition;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

pub(super) fn sample(set: &PrefixRepetition, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let drawn = (set.zipf > 0.0).then(|| popular(set, spec));
    let each = spec.requests / set.prefixes.max(1);
    let count = |prefix: usize| match &drawn {
        Some(drawn) => drawn.iter().filter(|drawn| **drawn == prefix).count(),
        None => each,
    };
    let mut mistakes = Vec::new();
    if each == 0 && drawn.is_none() {
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
            for number in 0..set.prefixes {
                let prefix = exactly(&mut memo, set.prefix)?;
                for _ in 0..count(number) {
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
            for number in 0..set.prefixes {
                let prefix = draw(set.prefix);
                for _ in 0..count(number) {
                    spec.go_on()?;
                    let mut words = prefix.clone();
                    words.extend(draw(set.suffix));
                    push(&mut samples, set, words.join(" "), words.len(), spec);
                }
            }
            samples.tell_words();
        }
    }
    match &drawn {
        Some(drawn) if !set.keep_order => samples.rows = in_order(samples.rows, drawn),
        Some(_) => {}
        None => arrange(&mut samples.rows, set.keep_order, spec.seed),
    }
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

/// The prefix of each request, drawn by its popularity.
fn popular(set: &PrefixRepetition, spec: &PlanSpec<'_>) -> Vec<usize> {
    let mut total = 0.0;
    let cumulative: Vec<f64> = (1..=set.prefixes)
        .map(|rank| {
            total += libm::pow(rank as f64, -set.zipf);
            total
        })
        .collect();
    let mut random = Pcg64Mcg::seed_from_u64(spec.seed);
    (0..spec.requests)
        .map(|_| {
            let drawn = random.random::<f64>() * total;
            let place = cumulative.partition_point(|below| *below <= drawn);
            place.min(set.prefixes - 1)
        })
        .collect()
}

/// Rows that stand together by prefix, in the order in which prefixes were drawn.
fn in_order(rows: Vec<Sample>, drawn: &[usize]) -> Vec<Sample> {
    let mut places: Vec<usize> = (0..drawn.len()).collect();
    places.sort_by_key(|place| drawn[*place]);
    let mut rows: Vec<(usize, Sample)> = places.into_iter().zip(rows).collect();
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
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

    #[test]
    fn popular_prefixes_have_most_requests() {
        let of = |zipf: f64, keep_order: bool| {
            let set = PrefixRepetition {
                prefixes: 50,
                prefix: 4,
                suffix: 1,
                zipf,
                keep_order,
                ..PrefixRepetition::default()
            };
            let samples =
                draw(&Dataset::PrefixRepetition(set), 2000, 3, &Tokenizer::none()).unwrap();
            let prefix = |row: &Sample| match &row.prompt {
                Prompt::Text(text) => text.rsplit_once(' ').unwrap().0.to_owned(),
                other => panic!("{other:?}"),
            };
            samples.rows.iter().map(prefix).collect::<Vec<_>>()
        };
        let mut shares = std::collections::BTreeMap::new();
        let prefixes = of(1.0, false);
        assert_eq!(prefixes.len(), 2000);
        for prefix in &prefixes {
            *shares.entry(prefix).or_insert(0) += 1;
        }
        let mut counts: Vec<i32> = shares.into_values().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        // 1 / H(50) = 22.2 % of the requests, and half as many.
        assert!((400..490).contains(&counts[0]), "{counts:?}");
        assert!((180..265).contains(&counts[1]), "{counts:?}");
        // The same requests, but those of a prefix together.
        let together = of(1.0, true);
        let changes = together
            .windows(2)
            .filter(|pair| pair[0] != pair[1])
            .count();
        assert!(changes < 50, "{changes}");
        let (mut one, mut other) = (prefixes, together);
        one.sort();
        other.sort();
        assert_eq!(one, other);
    }
}
