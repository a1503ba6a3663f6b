//! What a bench's own function says: a demand that only the bench itself knows.

use serde::{Deserialize, Serialize};

/// The answer of a bench's own function to its report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FunctionCheck {
    /// The function has not been called: it gets the report after the run, unless the run is invalid.
    Pending,
    /// The function accepts the run.
    Holds,
    /// The function panicked or returned an error, with this text.
    Missed(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::{Criteria, Judgement, Verdict},
        metrics::testing::{record, run_of},
    };
    use goodput_grammar::slo::{Latency, Op, Slo, Stat, Subject};
    use rstest::rstest;

    /// The TTFT of the one request, 10 ms, is at most this.
    fn ttft(at_most: f64) -> Vec<Slo> {
        vec![Slo::new(
            Subject::Latency(Stat::Max, Latency::Ttft),
            Op::Le,
            at_most,
        )]
    }

    fn judged(slos: Vec<Slo>, function: bool) -> Judgement {
        let criteria = Criteria {
            slos,
            function,
            ..Criteria::default()
        };
        let run = run_of(vec![record(0, &[10, 20], 2)]);
        criteria.assess(&run).1
    }

    #[rstest]
    #[case::alone(vec![], Ok(()), Verdict::Pass)]
    #[case::against_it(vec![], Err("too slow".to_owned()), Verdict::Fail)]
    #[case::beside_an_slo(ttft(10.0), Ok(()), Verdict::Pass)]
    #[case::cannot_save_a_missed_slo(ttft(9.0), Ok(()), Verdict::Fail)]
    #[case::overrules_an_slo(ttft(10.0), Err("too slow".to_owned()), Verdict::Fail)]
    fn a_function_is_a_demand(
        #[case] slos: Vec<Slo>,
        #[case] said: Result<(), String>,
        #[case] verdict: Verdict,
    ) {
        let judgement = judged(slos, true);
        assert_eq!(judgement.function, Some(FunctionCheck::Pending));
        let judgement = judgement.answered(&said);
        assert_eq!(judgement.verdict, verdict);
        let stored = serde_json::to_string(&judgement).unwrap();
        let read: Judgement = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, judgement);
    }

    #[test]
    fn a_function_that_demands_nothing_proves_nothing() {
        let judgement = judged(vec![], false).answered(&Ok(()));
        assert_eq!(
            (judgement.verdict, &judgement.function),
            (Verdict::NoVerdict, &None)
        );
        let judgement = judgement.answered(&Err("no".to_owned()));
        assert_eq!(judgement.verdict, Verdict::Fail);
    }
}
