//! `sonnet("sonnet.txt", input = 550, output = 150, prefix = 200)`: lines of a text of yours.
//!
//! The rule is that of older versions of vLLM, which has dropped it: as many lines as fit into the input on
//! average, of which the first, about as many as make up the prefix, are always the same; the
//! others are CPython's `choices`. A prompt that came out too long is drawn again.

use super::{Sample, Samples, complaints};
use crate::plan::{PlanError, PlanSpec, Prompt, numpy::PyRandom};
use goodput_grammar::dataset::Sonnet;

const START: &str = "Pick as many lines as you can from these poem lines:\n";

/// The number of draws in a row after which prompts of that length are given up: none exists.
const TRIES: usize = 1000;

pub(super) fn sample(sonnet: &Sonnet, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let text = complaints::read(&sonnet.path)?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    if text.trim().is_empty() {
        return Err(complaints::whole_file(
            &sonnet.path,
            "is empty; it needs lines of text",
        ));
    }
    let count = |text: &str| spec.tokenizer.count(text, true).tokens;
    let start = count(START);
    if (sonnet.input as u64) <= start {
        return Err(PlanError::new(format!(
            "`sonnet(input = {})` has no room for a line: the words before them take {start} tokens; \
             ask for a longer input",
            sonnet.input
        )));
    }
    let mean = lines.iter().map(|line| count(line)).sum::<u64>() as f64 / lines.len() as f64;
    let fitting = |tokens: usize| {
        let lines = (tokens as f64 - start as f64) / mean;
        lines.round_ties_even().max(0.0) as usize
    };
    let same = fitting(sonnet.prefix);
    let drawn = fitting(sonnet.input).saturating_sub(same);
    let mut prefix = START.to_owned();
    prefix.extend(lines.iter().take(same).copied());

    let mut random = PyRandom::new(spec.seed);
    let mut samples = Samples::default();
    let mut tries = 0;
    while samples.rows.len() < spec.requests {
        spec.go_on()?;
        let mut prompt = prefix.clone();
        let choices = random.choices(lines.len(), drawn);
        prompt.extend(choices.into_iter().map(|line| lines[line]));
        let input = spec.tokenizer.count(&prompt, true);
        if input.tokens <= sonnet.input as u64 {
            tries = 0;
            let output = sonnet.output as u64;
            samples
                .rows
                .push(Sample::new(Prompt::Text(prompt), input, output));
        } else if tries == TRIES {
            return Err(complaints::whole_file(
                &sonnet.path,
                format!(
                    "{drawn} of its lines behind a prefix of {same} hardly ever fit into {} \
                     tokens; ask for a longer `sonnet(input)` or a shorter `sonnet(prefix)`, or use a text whose \
                     lines are about as long as each other",
                    sonnet.input
                ),
            ));
        } else {
            tries += 1;
        }
    }
    Ok(samples)
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
    fn lines_agree_with_those_of_cpython() {
        crate::plan::dataset::testing::check("sonnet");
    }

    #[test]
    fn prompts_are_no_longer_than_asked_and_start_alike() {
        let dataset = Dataset::Sonnet(Sonnet {
            path: fixture("datasets/sonnet.txt"),
            input: 100,
            prefix: 50,
            output: 3,
        });
        let samples = draw(&dataset, 20, 3, &Tokenizer::none()).unwrap();
        let start = format!("{START}From fairest creatures we desire increase,\n");
        for row in &samples.rows {
            assert!(row.input.tokens <= 100);
            assert!(matches!(&row.prompt, Prompt::Text(text) if text.starts_with(&start)));
        }
    }

    #[rstest]
    #[case(" \n", 100, "is empty")]
    #[case("a line\n", 5, "has no room for a line")]
    #[case(&"x\n".repeat(99).replacen("x", &"very ".repeat(80), 1), 60, "hardly ever fit")]
    fn what_cannot_be_drawn_is_refused(
        #[case] content: &str,
        #[case] input: usize,
        #[case] said: &str,
    ) {
        let folder = scratch();
        let path = folder.file("poem.txt", content);
        let dataset = Dataset::Sonnet(Sonnet {
            path,
            input,
            prefix: 20,
            output: 1,
        });
        let error = draw(&dataset, 1, 0, &Tokenizer::none()).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}
