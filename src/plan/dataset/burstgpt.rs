//! `burstgpt("BurstGPT_1.csv")`: lengths of recorded requests, drawn as vLLM draws them.
//!
//! Rows of the model `GPT-4` with an answer are taken in the order of pandas' `sample`: the start
//! of a permutation by numpy's legacy stream, or single draws when more are asked for than there
//! are. The prompt of request *i* is the ids *i*, *i* + 1, …, wrapping round. The recorded times
//! are not used: `timed_trace` replays them.

use super::{
    Sample, Samples,
    complaints::{self, Complaints},
    fits_memory, table, words,
};
use crate::plan::{PlanError, PlanSpec, Prompt, numpy::RandomState};
use goodput_grammar::dataset::BurstGpt;
use std::path::Path;

const MODEL: &str = "GPT-4";

/// Tokens that were asked and answered.
#[derive(Debug, Clone, Copy)]
struct Row {
    request: usize,
    response: u64,
}

pub(super) fn sample(burstgpt: &BurstGpt, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let rows = load(&burstgpt.path)?;
    let mut random = RandomState::new(spec.seed);
    let drawn: Vec<usize> = if spec.requests <= rows.len() {
        random.permutation(rows.len())[..spec.requests].to_vec()
    } else {
        (0..spec.requests)
            .map(|_| random.below(rows.len()))
            .collect()
    };
    let lengths = drawn.iter().map(|row| rows[*row].request as u64);
    fits_memory(&burstgpt.path, lengths)?;
    let mut samples = Samples::default();
    for (index, row) in drawn.into_iter().enumerate() {
        spec.go_on()?;
        let Row { request, response } = rows[row];
        let text = match spec.tokenizer.codec() {
            Some(codec) => {
                let vocabulary = codec.vocab_size();
                let ids = (index..index + request).map(|id| (id % vocabulary) as u32);
                codec.decode(&ids.collect::<Vec<_>>())?
            }
            None => words::run(index, request),
        };
        let input = super::counted(request, spec);
        samples
            .rows
            .push(Sample::new(Prompt::Text(text), input, response));
    }
    match spec.tokenizer.codec() {
        Some(_) => samples.tell_tokenizer(spec),
        None => samples.tell_words(),
    }
    Ok(samples)
}

fn load(path: &Path) -> Result<Vec<Row>, PlanError> {
    let text = complaints::read(path)?;
    let table = table::read(path, &text, &["Model", "Request tokens", "Response tokens"])?;
    let mut complaints = Complaints::about(path);
    let mut rows = Vec::new();
    for line in table {
        let [model, request, response] = line.cells;
        if model != MODEL {
            continue;
        }
        let request = table::whole("Request tokens", request);
        let response = table::whole("Response tokens", response);
        match (request, response) {
            (Ok(request), Ok(response)) if response > 0 => rows.push(Row {
                request: request as usize,
                response,
            }),
            (Ok(_), Ok(_)) => {}
            (request, response) => {
                for mistake in [request.err(), response.err()].into_iter().flatten() {
                    complaints.add(&line.place, &mistake);
                }
            }
        }
    }
    complaints.check()?;
    if rows.is_empty() {
        Err(complaints::whole_file(
            path,
            format!("has no row of the model `{MODEL}` with `Response tokens` above 0"),
        ))
    } else {
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{
            dataset::tests::draw,
            testing::{fixture, scratch},
        },
        tokenizer::Tokenizer,
    };
    use goodput_grammar::dataset::Dataset;
    use rstest::rstest;

    #[cfg(feature = "tokenizers")]
    #[test]
    fn lengths_and_prompts_agree_with_vllm() {
        crate::plan::dataset::testing::check("burstgpt");
    }

    #[test]
    fn without_a_tokenizer_lengths_are_the_same() {
        let path = fixture("datasets/burstgpt.csv");
        let dataset = Dataset::BurstGpt(BurstGpt { path });
        let samples = draw(&dataset, 3, 0, &Tokenizer::none()).unwrap();
        for row in samples.rows {
            let Prompt::Text(text) = row.prompt else {
                panic!("a text");
            };
            assert_eq!(text.split(' ').count() as u64, row.input.tokens);
        }
    }

    #[rstest]
    #[case("", "is empty")]
    #[case("Timestamp,Model,Request tokens\n", "has no column `Response tokens`")]
    #[case(
        "Model,Request tokens,Response tokens\nGPT-4,x,3\n",
        "line 2: column `Request tokens` is `x`, not a whole number"
    )]
    #[case(
        "Model,Request tokens,Response tokens\nGPT-4,3\n",
        "line 2: has 2 columns, not 3 as the header"
    )]
    #[case(
        "Model,Request tokens,Response tokens\nChatGPT,3,4\nGPT-4,3,0\n",
        "has no row of the model `GPT-4`"
    )]
    fn bad_files_are_told_by_line(#[case] content: &str, #[case] said: &str) {
        let folder = scratch();
        let path = folder.file("trace.csv", content);
        let dataset = Dataset::BurstGpt(BurstGpt { path });
        let error = draw(&dataset, 1, 0, &Tokenizer::none()).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}
