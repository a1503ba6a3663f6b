//! Answers to requests for a structure.

use crate::{
    record::{Record, RequestError},
    run::Run,
    structure::{Answered, Validity},
};
use serde::Serialize;

/// How requests for a structure were answered. Requests that were cancelled are left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Structured {
    /// Requests that asked for a structure.
    pub asked: u64,
    /// Requests, of these, whose answers goodput can check: not for a grammar.
    pub checked: u64,
    /// Answers that have their structure.
    pub valid: u64,
    /// Answers that were checked and do not have it.
    pub wrong: u64,
    /// Wrong answers that ended at their largest number of tokens, and may have been right so far.
    pub cut: u64,
    /// Requests, of the checked ones, that the server refused because of their structure: by status 400 or 422 and an error
    /// about that.
    pub refused: u64,
    /// Requests, of the checked ones, that failed for another reason.
    pub failed: u64,
    /// `valid / checked`, 0–1: requests that failed or were refused are not valid. `None` if nothing was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// vLLM's `correct_rate(%)`, 0–100, whose checks are weaker: JSON of any schema, a regular expression that matches the
    /// beginning. It counts all requests of the dataset, also those that the ratio leaves out. `None` where the script
    /// checks nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correct_percent: Option<f64>,
    /// Refusals in all, also of requests whose answers would not be checked.
    pub refused_in_all: u64,
    /// The first wrong answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_wrong: Option<WrongAnswer>,
}

/// An answer without its structure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WrongAnswer {
    /// Position in the plan.
    pub index: usize,
    /// The structure's word, such as `json`.
    pub kind: String,
    /// What is wrong, as the end of a sentence about the answer.
    pub why: String,
    /// The beginning of the answer.
    pub answer: String,
}

/// Characters of a wrong answer that are shown.
const SHOWN: usize = 60;

impl Structured {
    /// Counts the answers of a run; `None` if no request has a structure.
    pub(super) fn of(run: &Run) -> Option<Self> {
        let records = || {
            let cancelled = |record: &&Record| record.error != Some(RequestError::Cancelled);
            let structured = |record: &'_ Record| record.structure.is_some();
            run.records
                .iter()
                .filter(cancelled)
                .filter(move |record| structured(record))
        };
        let count = |is: &dyn Fn(&Record, &Answered) -> bool| {
            let both = records().filter_map(|record| Some((record, record.structure.as_deref()?)));
            both.filter(|(record, answered)| answered.sent && is(record, answered))
                .count() as u64
        };
        let wrong = |answered: &Answered| matches!(answered.validity, Some(Validity::Wrong(_)));
        let checked = count(&|_, answered| answered.checked);
        let valid = count(&|_, answered| answered.validity == Some(Validity::Valid));
        let scored: Vec<bool> = records()
            .filter_map(|record| record.structure.as_deref()?.correct)
            .collect();
        let correct = scored.iter().filter(|correct| **correct).count();
        records().next()?;
        Some(Structured {
            asked: count(&|_, _| true),
            checked,
            valid,
            wrong: count(&|_, answered| wrong(answered)),
            cut: count(&|record, answered| wrong(answered) && is_cut(record)),
            refused: count(&|record, answered| answered.checked && is_refused(record)),
            failed: count(&|record, answered| {
                answered.checked && !record.ok() && !is_refused(record)
            }),
            refused_in_all: count(&|record, _| is_refused(record)),
            share: (checked > 0).then(|| valid as f64 / checked as f64),
            correct_percent: (!scored.is_empty())
                .then(|| correct as f64 / scored.len() as f64 * 100.0),
            first_wrong: records().find_map(|record| {
                let answered = record.structure.as_deref()?;
                match &answered.validity {
                    Some(Validity::Wrong(why)) => Some(WrongAnswer {
                        index: record.index,
                        kind: answered.kind.clone(),
                        why: why.clone(),
                        answer: record.text.chars().take(SHOWN).collect(),
                    }),
                    _ => None,
                }
            }),
        })
    }
}

/// Returns whether a request asked for a structure that goodput can check, so that it counts for `valid`.
pub(crate) fn is_checked(record: &Record) -> bool {
    let answered = record.structure.as_deref();
    answered.is_some_and(|answered| answered.sent && answered.checked)
}

/// Returns whether an answer has its structure.
pub(crate) fn is_valid(record: &Record) -> bool {
    let answered = record.structure.as_deref();
    answered.is_some_and(|answered| answered.validity == Some(Validity::Valid))
}

/// Returns whether a server refused a request because of its structure, and not because of anything else.
pub fn is_refused(record: &Record) -> bool {
    const WORDS: [&str; 10] = [
        "schema",
        "grammar",
        "regex",
        "choice",
        "structured",
        "structural",
        "guided",
        "response_format",
        "output_config",
        "text.format",
    ];
    let asked = record
        .structure
        .as_deref()
        .is_some_and(|answered| answered.sent);
    match &record.error {
        Some(RequestError::Status {
            status: 400 | 422,
            body,
        }) => {
            let body = body.to_lowercase();
            asked && WORDS.iter().any(|word| body.contains(word))
        }
        _ => false,
    }
}

/// Returns whether an answer ended because it had as many tokens as it may have, by each dialect's word for that.
fn is_cut(record: &Record) -> bool {
    let finish = record.finish.as_deref();
    finish.is_some_and(|finish| ["length", "max_tokens", "limit", "incomplete"].contains(&finish))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{
        measure,
        testing::{record, run_of},
    };
    use rstest::rstest;

    fn answered(validity: Option<Validity>, checked: bool) -> Record {
        let mut record = record(0, &[10, 20], 2);
        record.structure = Some(Box::new(Answered {
            kind: "json".to_owned(),
            sent: true,
            checked,
            validity,
            correct: checked.then_some(true),
            expected: None,
        }));
        record
    }

    fn failed(status: u16, body: &str) -> Record {
        let mut record = answered(None, true);
        record.structure.as_mut().unwrap().correct = Some(false);
        record.error = Some(RequestError::Status {
            status,
            body: body.to_owned(),
        });
        record
    }

    #[test]
    fn failures_and_refusals_are_not_valid_and_are_told_apart() {
        let wrong = || answered(Some(Validity::Wrong("is not JSON".to_owned())), true);
        let mut cut = wrong();
        cut.finish = Some("length".to_owned());
        let mut left_out = answered(None, true);
        left_out.structure.as_mut().unwrap().sent = false;
        let mut cancelled = answered(None, true);
        cancelled.error = Some(RequestError::Cancelled);
        let mut records = vec![
            answered(Some(Validity::Valid), true),
            cut,
            wrong(),
            failed(400, "Failed to transform json SCHEMA into a grammar"),
            failed(400, "the prompt is too long"),
            failed(503, "schema"),
            answered(None, false),
            left_out,
            cancelled,
        ];
        for (index, record) in records.iter_mut().enumerate() {
            record.index = index;
        }
        let counted = measure(&run_of(records), &[]).structured.unwrap();
        let of = |n: u64| n;
        assert_eq!(
            (
                counted.asked,
                counted.checked,
                counted.valid,
                counted.wrong,
                counted.cut
            ),
            (of(7), of(6), of(1), of(2), of(1))
        );
        assert_eq!((counted.refused, counted.failed), (1, 2));
        assert_eq!(counted.share, Some(1.0 / 6.0));
        // Correct are the valid one, both wrong ones and the one left out; the others are not.
        assert_eq!(counted.correct_percent, Some(4.0 / 7.0 * 100.0));
        assert_eq!(counted.first_wrong.unwrap().index, 1);
    }

    #[rstest]
    #[case::vllm(
        400,
        "The provided JSON schema contains features not supported by xgrammar.",
        true
    )]
    #[case::llama(400, "failed to parse grammar", true)]
    #[case::tgi(422, "Input validation error: grammar is not valid", true)]
    #[case::length(400, "maximum context length is 2048 tokens", false)]
    #[case::engine(500, "grammar", false)]
    fn refusals_are_recognised(#[case] status: u16, #[case] body: &str, #[case] refused: bool) {
        assert_eq!(is_refused(&failed(status, body)), refused);
    }

    #[test]
    fn free_answers_have_no_structure() {
        assert_eq!(
            measure(&run_of(vec![record(0, &[10], 1)]), &[]).structured,
            None
        );
    }
}
