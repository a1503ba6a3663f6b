//! The lines about answers with a structure.

use crate::{judge::number, metrics::Metrics};

/// Lines about the answers to requests for a structure; none for a run of free answers.
pub(super) fn lines(metrics: &Metrics) -> Vec<(&'static str, String)> {
    let Some(counted) = &metrics.structured else {
        return Vec::new();
    };
    let mut first = match counted.share {
        Some(share) => {
            let mut text = format!(
                "{} of {} checked answers are valid ({} %)",
                counted.valid,
                counted.checked,
                number(share * 100.0)
            );
            let others = [
                (counted.wrong, "wrong"),
                (
                    counted.refused,
                    "refused by the server because of the structure",
                ),
                (counted.failed, "failed otherwise"),
            ];
            for (count, how) in others.iter().filter(|(count, _)| *count > 0) {
                text += &format!(", {count} {how}");
                if *how == "wrong" && counted.cut > 0 {
                    text += &format!(
                        " ({} of them cut off at the largest number of tokens)",
                        counted.cut
                    );
                }
            }
            text
        }
        None => "no answer was checked".to_owned(),
    };
    let unchecked = counted.asked - counted.checked;
    if unchecked > 0 {
        first += &format!("; {unchecked} unchecked: goodput cannot check such a grammar or tag");
        let refused = counted.refused_in_all - counted.refused;
        if refused > 0 {
            first += &format!(
                ", and the server refused {refused} of these requests because of their structure"
            );
        }
    }
    let wrong = counted.first_wrong.as_ref();
    let wrong = wrong.map(|wrong| {
        format!(
            "the first wrong answer, of request {} ({}), {}; it begins {:?}",
            wrong.index, wrong.kind, wrong.why, wrong.answer
        )
    });
    [first]
        .into_iter()
        .chain(wrong)
        .map(|line| ("structure", line))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Structured, WrongAnswer, measure, testing::run_of};

    fn said(structured: Structured) -> String {
        let mut metrics = measure(&run_of(Vec::new()), &[]);
        metrics.structured = Some(structured);
        let lines: Vec<String> = lines(&metrics).into_iter().map(|(_, line)| line).collect();
        lines.join("\n")
    }

    fn counted() -> Structured {
        Structured {
            asked: 120,
            checked: 100,
            valid: 90,
            wrong: 6,
            cut: 4,
            refused: 3,
            failed: 1,
            share: Some(0.9),
            correct_percent: Some(95.0),
            refused_in_all: 5,
            first_wrong: Some(WrongAnswer {
                index: 7,
                kind: "json".to_owned(),
                why: "is not JSON: EOF while parsing a string at line 1 column 9".to_owned(),
                answer: "{\"name\": \"A".to_owned(),
            }),
        }
    }

    #[test]
    fn answers_refusals_and_failures_are_told_apart() {
        insta::assert_snapshot!(said(counted()));
    }

    #[test]
    fn what_is_not_checked_is_said() {
        let counted = Structured {
            asked: 8,
            checked: 0,
            valid: 0,
            wrong: 0,
            cut: 0,
            refused: 0,
            failed: 0,
            share: None,
            refused_in_all: 0,
            first_wrong: None,
            ..counted()
        };
        assert_eq!(
            said(counted),
            "no answer was checked; 8 unchecked: goodput cannot check such a grammar or tag"
        );
    }
}
