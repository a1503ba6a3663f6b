//! What is demanded of a run, as its shards store it: in the languages of the attribute.

use crate::{
    grammar::{Mistake, cut, goodput, slo},
    judge::{Criteria, Expect, OnInconclusive},
};
use cut::Cut;
use serde::{Deserialize, Serialize};
use std::{fmt::Display, time::Duration};

/// What is demanded of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Judged {
    limits: String,
    slos: String,
    max_lateness_ms: f64,
    confidence: f64,
    on_inconclusive: OnInconclusive,
    expect: Expect,
    cut_start: Option<String>,
    cut_end: Option<String>,
}

impl Judged {
    pub(super) fn of(criteria: &Criteria, cuts: (Option<Cut>, Option<Cut>)) -> Self {
        Judged {
            limits: joined(&criteria.limits, " "),
            slos: joined(&criteria.slos, ", "),
            max_lateness_ms: criteria.max_lateness_p99.as_secs_f64() * 1e3,
            confidence: criteria.confidence,
            on_inconclusive: criteria.on_inconclusive,
            expect: criteria.expect,
            cut_start: cuts.0.map(|cut| cut.to_string()),
            cut_end: cuts.1.map(|cut| cut.to_string()),
        }
    }

    /// The criteria.
    ///
    /// # Errors
    /// The texts are not of the languages, which a file of goodput never has.
    pub(super) fn criteria(&self) -> Result<Criteria, String> {
        let list = |text: &str| !text.is_empty();
        let all = |mistakes: Vec<Mistake>| joined(&mistakes, "; ");
        let limits = Some(&*self.limits).filter(|text| list(text));
        let slos = Some(&*self.slos).filter(|text| list(text));
        let lateness = Duration::try_from_secs_f64(self.max_lateness_ms / 1e3);
        Ok(Criteria {
            limits: limits.map_or(Ok(Vec::new()), goodput::parse).map_err(all)?,
            slos: slos.map_or(Ok(Vec::new()), slo::parse).map_err(all)?,
            max_lateness_p99: lateness.map_err(|e| format!("`max_lateness_ms`: {e}"))?,
            confidence: self.confidence,
            on_inconclusive: self.on_inconclusive,
            expect: self.expect,
            complaint: None,
            function: false,
        })
    }

    /// What is cut off at the start and at the end.
    ///
    /// # Errors
    /// The same as those of [`criteria`](Self::criteria).
    pub(super) fn cuts(&self) -> Result<(Option<Cut>, Option<Cut>), String> {
        let start = self.cut_start.as_deref().map(cut::parse).transpose();
        let end = self.cut_end.as_deref().map(cut::parse_end).transpose();
        Ok((start.map_err(|m| m.0)?, end.map_err(|m| m.0)?))
    }
}

fn joined(values: &[impl Display], separator: &str) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    texts.join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_demanded_comes_back() {
        let criteria = Criteria {
            limits: goodput::parse("ttft:200 tpot:50.5 chat=e2el:3s")
                .unwrap_or_else(|_| goodput::parse("ttft:200 tpot:50.5").unwrap()),
            slos: slo::parse(
                "p99.9(ttft) < 300ms, goodput >= 95.5%, errors < 1%, throughput(output) > 1000",
            )
            .unwrap(),
            max_lateness_p99: Duration::from_micros(12_500),
            confidence: 0.9,
            on_inconclusive: OnInconclusive::Pass,
            expect: Expect::Fail,
            ..Criteria::default()
        };
        let cuts = (
            Some(cut::parse("auto").unwrap()),
            Some(cut::parse_end("50 requests").unwrap()),
        );
        let stored = serde_json::to_string(&Judged::of(&criteria, cuts)).unwrap();
        let read: Judged = serde_json::from_str(&stored).unwrap();
        assert_eq!(read.criteria().unwrap(), criteria);
        assert_eq!(read.cuts().unwrap(), cuts);
    }
}
