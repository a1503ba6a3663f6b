//! `spec_bench("question.jsonl")` and `speed_bench("folder")`: questions for speculative decoding.
//!
//! A row of Spec-Bench has `turns`, one of SPEED-Bench `messages`; the first of them is asked.
//! Both may be held to one `category`. vLLM does not pass its seed on to them, so the shuffle and
//! the repeated rows are those of seed 0, whatever the plan's seed is.

use super::{Sample, Samples, arrange, complaints, fields::lines, oversample};
use crate::plan::{PlanError, PlanSpec, Prompt};
use goodput_grammar::dataset::{SpecBench, SpeedBench};
use std::path::Path;

const SEED: u64 = 0;

pub(super) fn spec_bench(set: &SpecBench, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let questions = Questions {
        path: &set.path,
        need: "`turns`",
        question: &["turns", "0"],
        category: set.category.as_deref(),
    };
    let order = (set.keep_order, set.no_oversample);
    questions.samples(set.output, order, spec)
}

pub(super) fn speed_bench(set: &SpeedBench, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    if !set.path.is_dir() {
        return Err(complaints::whole_file(
            &set.path,
            "is not a folder; SPEED-Bench is a folder with a `.jsonl` file for each subset, which \
             the `prepare.py` of its authors (NVIDIA-NeMo/Skills) writes",
        ));
    }
    let path = set.path.join(format!("{}.jsonl", set.subset));
    let questions = Questions {
        path: &path,
        need: "`messages`",
        question: &["messages", "0", "content"],
        category: set.category.as_deref(),
    };
    let order = (set.keep_order, set.no_oversample);
    questions.samples(set.output, order, spec)
}

/// Where questions stand.
struct Questions<'a> {
    path: &'a Path,
    need: &'a str,
    question: &'a [&'a str],
    category: Option<&'a str>,
}

impl Questions<'_> {
    fn samples(
        &self,
        output: usize,
        (keep_order, no_oversample): (bool, bool),
        spec: &PlanSpec<'_>,
    ) -> Result<Samples, PlanError> {
        let mut questions = self.load()?;
        arrange(&mut questions, keep_order, SEED);
        questions.truncate(spec.requests);
        let mut samples = Samples::default();
        for question in questions {
            spec.go_on()?;
            let input = spec.tokenizer.count(&question, true);
            let prompt = Prompt::Text(question);
            samples.rows.push(Sample::new(prompt, input, output as u64));
        }
        oversample(&mut samples, no_oversample, spec.requests, SEED)?;
        Ok(samples)
    }

    fn load(&self) -> Result<Vec<String>, PlanError> {
        let mut categories = Vec::new();
        let questions = lines(self.path, self.need, |mut fields| {
            if let Some(wanted) = self.category {
                let category = fields.text("category");
                if category.as_deref() != Some(wanted) {
                    return fields.done(category).map(|category| {
                        if !categories.contains(&category) {
                            categories.push(category);
                        }
                        None
                    });
                }
            }
            let question = fields.text_at(self.question);
            fields.done(question).map(Some)
        });
        match (self.category, categories.is_empty()) {
            (Some(wanted), false) if questions.is_err() => {
                let all = categories.join(", ");
                let what = format!("has no row of the category `{wanted}`; it has {all}");
                Err(complaints::whole_file(self.path, what))
            }
            _ => questions,
        }
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
    #[rstest]
    #[case("spec_bench")]
    #[case("speed_bench")]
    fn questions_agree_with_vllm(#[case] name: &str) {
        crate::plan::dataset::testing::check(name);
    }

    fn refused(dataset: &Dataset) -> String {
        let error = draw(dataset, 1, 0, &Tokenizer::none()).unwrap_err();
        error.to_string()
    }

    #[rstest]
    #[case(
        r#"{"category": "qa"}"#,
        "line 1: field `turns` is missing; the row has `category`"
    )]
    #[case(r#"{"turns": []}"#, "line 1: field `turns[0]` is missing")]
    #[case(
        r#"{"turns": "hi"}"#,
        "line 1: field `turns` is a string, not an array"
    )]
    #[case(
        r#"{"turns": [1]}"#,
        "line 1: field `turns[0]` is a number, not a string"
    )]
    fn bad_rows_are_told_by_line_and_field(#[case] content: &str, #[case] said: &str) {
        let folder = scratch();
        let set = SpecBench {
            path: folder.file("question.jsonl", content),
            ..SpecBench::default()
        };
        let error = refused(&Dataset::SpecBench(set));
        assert!(error.contains(said), "{error}");
    }

    #[test]
    fn a_category_that_is_not_there_is_told_from_those_that_are() {
        let set = SpecBench {
            path: fixture("datasets/spec_bench.jsonl"),
            category: Some("maths".into()),
            ..SpecBench::default()
        };
        let error = refused(&Dataset::SpecBench(set));
        assert!(
            error.ends_with("category `maths`; it has writing, math, qa"),
            "{error}"
        );
    }

    #[test]
    fn speed_bench_is_a_folder_with_a_file_for_each_subset() {
        let folder = scratch();
        let of = |path: std::path::PathBuf| {
            refused(&Dataset::SpeedBench(SpeedBench {
                path,
                ..SpeedBench::default()
            }))
        };
        assert!(of(folder.file("a.jsonl", "")).contains("is not a folder"));
        let error = of(folder.to_owned());
        assert!(
            error.contains("qualitative.jsonl`: no such file"),
            "{error}"
        );
        folder.file("qualitative.jsonl", r#"{"messages": [{"role": "user"}]}"#);
        let error = of(folder.to_owned());
        assert!(
            error.contains("field `messages[0].content` is missing"),
            "{error}"
        );
    }
}
