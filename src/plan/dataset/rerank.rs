//! `random-rerank(input = 1024, batch = 1)`: one query for all, and random documents to score.
//!
//! The draws and their order are those of vLLM's `RandomDatasetForReranking`: length and offset of
//! the query, then those of all documents, then what repairs need. A reranker reads query and
//! document as one text, so that half of the length goes to each, less a separator. The number of
//! requests counts documents, as in vLLM: with a `batch` there are fewer requests.

use super::{
    Sample, Samples,
    fit::fit_all,
    lengths::{Draws, Lengths},
    random::Beginning,
    words::{self, WORDS},
};
use crate::plan::{PlanError, PlanSpec, Prompt, numpy::Generator};
use goodput_grammar::dataset::RandomRerank;

pub(super) fn sample(rerank: &RandomRerank, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let lengths = |input: usize| Lengths {
        input,
        output: 0,
        input_range_ratio: rerank.range_ratio,
        output_range_ratio: 0.0,
    };
    PlanError::check(mistakes(rerank, spec.requests))?;

    let codec = spec.tokenizer.codec();
    let around = codec.map_or(0, |codec| codec.special_tokens_to_add());
    let vocabulary = codec.map_or(WORDS.len(), |codec| codec.vocab_size());
    let mut generator = Generator::new(spec.seed);
    let separator = usize::from(!rerank.no_reranker);
    let asked = if rerank.no_reranker {
        rerank.input
    } else {
        rerank.input / 2 - separator
    };
    let query = Draws::new(lengths(asked), 1, around, vocabulary, &mut generator);
    // Where the query is embedded by itself it takes the place of a document.
    let (count, batch, asked) = if rerank.no_reranker {
        (spec.requests - 1, rerank.batch - 1, rerank.input)
    } else {
        let rest = rerank.input.saturating_sub(query.inputs[0] + separator);
        (spec.requests, rerank.batch, rest)
    };
    let mut draws = Draws::new(lengths(asked), count, around, vocabulary, &mut generator);
    draws.inputs.insert(0, query.inputs[0]);
    draws.offsets.insert(0, query.offsets[0]);

    let mut samples = Samples::default();
    let texts: Vec<(String, usize)> = match codec {
        Some(codec) => {
            let begin = Beginning::new(0, codec, codec.special_ids(), &mut generator)?;
            let start = |index: usize| spec.go_on().map(|()| begin.fit(index, &draws));
            let fitted = fit_all(count + 1, start, codec, &mut generator)?;
            samples.tell_surplus(fitted.iter().map(|fitted| fitted.surplus).sum());
            samples.tell_tokenizer(spec);
            let texts = fitted.into_iter();
            texts.map(|fitted| (fitted.text, fitted.tokens)).collect()
        }
        None => {
            samples.tell_words();
            let lengths = draws.inputs.iter().zip(&draws.offsets);
            let texts = lengths.map(|(&length, &offset)| (words::run(offset, length), length));
            texts.collect()
        }
    };
    let Some(((query, query_length), documents)) = texts.split_first() else {
        return Ok(samples);
    };
    for documents in documents.chunks(batch) {
        let read: usize = documents.iter().map(|(_, length)| length).sum();
        let asked = if rerank.no_reranker {
            *query_length
        } else {
            (query_length + separator) * documents.len()
        };
        let prompt = Prompt::Rerank {
            query: query.clone(),
            documents: documents.iter().map(|(text, _)| text.clone()).collect(),
        };
        let input = super::counted(asked + read, spec);
        samples.rows.push(Sample::new(prompt, input, 0));
    }
    Ok(samples)
}

fn mistakes(rerank: &RandomRerank, requests: usize) -> Vec<String> {
    let mut mistakes = Vec::new();
    if !(0.0..1.0).contains(&rerank.range_ratio) {
        mistakes.push(format!(
            "the range ratio of random-rerank is {}; it must be in [0, 1)",
            rerank.range_ratio
        ));
    }
    if rerank.input < 4 {
        mistakes.push(format!(
            "`random-rerank(input = {})` leaves no token for the query or a document; ask for 4 at \
             least",
            rerank.input
        ));
    }
    if rerank.no_reranker && (requests < 2 || rerank.batch < 2) {
        mistakes.push(format!(
            "`random-rerank(no_reranker)` counts the query as one of the batch, so the requests \
             ({requests}) and the batch ({}) must be 2 at least",
            rerank.batch
        ));
    }
    mistakes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plan::dataset::tests::draw, tokenizer::Tokenizer};
    use goodput_grammar::dataset::Dataset;
    use rstest::rstest;

    #[cfg(feature = "tokenizers")]
    #[test]
    fn queries_and_documents_agree_with_vllm() {
        crate::plan::dataset::testing::check("random-rerank");
    }

    #[test]
    fn words_stand_for_tokens_where_there_is_no_tokenizer() {
        let rerank = RandomRerank {
            input: 20,
            batch: 2,
            ..RandomRerank::default()
        };
        let samples = draw(&Dataset::RandomRerank(rerank), 5, 0, &Tokenizer::none()).unwrap();
        let documents: Vec<usize> = samples
            .rows
            .iter()
            .map(|row| match &row.prompt {
                Prompt::Rerank { query, documents } => {
                    assert_eq!(query.split(' ').count(), 9);
                    assert_eq!(documents[0].split(' ').count(), 10);
                    documents.len()
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(documents, [2, 2, 1]);
        assert_eq!(samples.rows[0].input.tokens, 2 * (9 + 1) + 2 * 10);
    }

    #[rstest]
    #[case(RandomRerank { range_ratio: 1.0, ..RandomRerank::default() }, "range ratio")]
    #[case(RandomRerank { input: 3, ..RandomRerank::default() }, "input = 3")]
    #[case(RandomRerank { no_reranker: true, ..RandomRerank::default() }, "the batch (1)")]
    fn what_cannot_be_drawn_is_refused(#[case] rerank: RandomRerank, #[case] part: &str) {
        let error = draw(&Dataset::RandomRerank(rerank), 5, 0, &Tokenizer::none()).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}
