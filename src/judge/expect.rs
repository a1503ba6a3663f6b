//! What a run is expected to do. A gate is useful only if it can fail, and a bench can show that.

use goodput_grammar::{Mistake, names::EXPECT};
use serde::{Deserialize, Serialize};

/// What a run is expected to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Nothing speaks against the run.
    #[default]
    Pass,
    /// The run misses an SLO, or a comparison shows that it is worse. A server that is down, requests that fail
    /// beyond the floor, and a bench function that fails do not count.
    Fail,
}

impl Expect {
    /// Reads `pass` or `fail`.
    ///
    /// # Errors
    /// The text is any other word.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        match text {
            "pass" => Ok(Expect::Pass),
            "fail" => Ok(Expect::Fail),
            _ => Err(Mistake::unknown("answer", text, EXPECT)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::Criteria,
        metrics::testing::{record, run_of},
        record::RequestError,
        run::Run,
    };
    use goodput_grammar::slo::{Latency, Op, Slo, Stat, Subject};
    use rstest::rstest;

    /// A hundred requests with a TTFT of 10 ms, the first of which fail.
    fn run(failed: usize) -> Run {
        let records = (0..100).map(|index| {
            let mut record = record(index * 100, &[index * 100 + 10, index * 100 + 12], 3);
            record.index = index as usize;
            record.error = ((index as usize) < failed).then_some(RequestError::Truncated {
                message: "reset".to_owned(),
            });
            record
        });
        run_of(records.collect())
    }

    fn ttft(at_most: f64) -> Slo {
        Slo::new(Subject::Latency(Stat::Max, Latency::Ttft), Op::Le, at_most)
    }

    fn errors(at_most: f64) -> Slo {
        Slo::new(Subject::Errors, Op::Le, at_most)
    }

    #[rstest]
    #[case::missed(run(0), vec![ttft(9.0)], true)]
    #[case::met(run(0), vec![ttft(10.0)], false)]
    #[case::nothing_demanded(run(0), vec![], false)]
    #[case::server_down(run(100), vec![ttft(9.0)], false)]
    #[case::floor_alone(run(50), vec![ttft(10.0)], false)]
    #[case::floor_too(run(50), vec![ttft(9.0)], false)]
    #[case::failures_as_expected(run(90), vec![errors(0.1)], true)]
    fn a_gate_that_must_fail_fails_by_its_demands(
        #[case] run: Run,
        #[case] slos: Vec<Slo>,
        #[case] holds: bool,
    ) {
        let criteria = Criteria {
            slos,
            expect: Expect::Fail,
            ..Criteria::default()
        };
        let judgement = criteria.assess(&run).1;
        assert_eq!(judgement.holds(), holds, "{judgement:#?}");
        // What its function has against it is never expected.
        assert!(!judgement.answered(&Err("odd".to_owned())).holds());
    }
}
