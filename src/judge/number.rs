//! Numbers of a run with their uncertainty, as comparisons with other runs store them.

use super::{
    compared::{Compared, Measured},
    reading::standard_error,
    slo::value,
};
use crate::{
    metrics::{Basis, Metrics, limit_ratio},
    run::Run,
    stats::unpaired::Reading,
};
use goodput_grammar::{
    class::ClassName,
    slo::{Part, Subject},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All numbers that runs are compared by, under their names in SLOs.
pub(crate) fn numbers(run: &Run, metrics: &Metrics) -> BTreeMap<String, Number> {
    let limited = !metrics.goodput.limits.is_empty();
    let classes: Vec<ClassName> = run.classes().collect();
    let parts: BTreeMap<ClassName, Run> = classes
        .iter()
        .map(|class| (*class, run.part(Part::of_class(*class))))
        .collect();
    let all = Compared::all(limited, run.setup.open_loop, &classes).into_iter();
    all.filter_map(|metric| {
        let part = metric.class.and_then(|class| parts.get(&class));
        let number = Number::of(
            metric.measured,
            part.unwrap_or(run),
            metric.of_class(metrics)?,
        )?;
        Some((metric.name(), number))
    })
    .collect()
}

/// A number of a run with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// Value in the unit of its SLO: ms, a ratio 0–1, or per second.
    pub value: f64,
    /// For a share: the number of requests that it is a share of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// Standard error of the value's logarithm: nearly the relative standard error of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
    /// For a share: its relative change when all times change by one per cent, in per cent. 0 means that no
    /// request is close to a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<f64>,
    /// Degrees of freedom of that error; absent if the error already includes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freedom: Option<f64>,
}

impl Number {
    fn of(measured: Measured, run: &Run, metrics: &Metrics) -> Option<Self> {
        let (subject, turned) = match measured {
            Measured::Number(subject) => (subject, false),
            Measured::Succeeded => (Subject::Errors, true),
        };
        let turn = |value: f64| if turned { 1.0 - value } else { value };
        let sure = standard_error(&subject, run, metrics, turn)?;
        let counts = &metrics.counts;
        Some(Number {
            // The stored value, so that equal runs stay equal.
            value: rounded(turn(value(&subject, metrics).ok()?)),
            of: match subject {
                Subject::Goodput => Some(metrics.goodput.counted),
                Subject::Errors => Some(counts.completed + counts.failed),
                _ => None,
            },
            sensitivity: match subject {
                Subject::Goodput => Some(sensitivity(run, metrics)),
                Subject::Errors => Some(0.0),
                _ => None,
            },
            error: sure.error,
            freedom: sure.freedom.is_finite().then_some(sure.freedom),
        })
    }

    /// Converts the number for a comparison. A share counts half a request more on either side, so that
    /// none and all also have ratios.
    pub(crate) fn reading(&self) -> Reading {
        let value = match self.of {
            Some(of) => (self.value * of as f64 + 0.5) / (of as f64 + 1.0),
            None => self.value,
        };
        Reading {
            value,
            error: self.error,
            freedom: self.freedom.unwrap_or(f64::INFINITY),
            counted: self.of.is_some(),
        }
    }
}

/// Step for the sensitivity: 10 % faster or slower.
const STEP: f64 = 1.1;

/// How strongly goodput falls with slowness: the change of its logarithm over that of all times.
fn sensitivity(run: &Run, metrics: &Metrics) -> f64 {
    let (basis, limits) = (Basis::of_gate(run), &metrics.goodput.limits);
    let good = run.records.iter().filter(|record| record.ok());
    let limit_ratios: Vec<f64> = good
        .map(|record| limit_ratio(record, basis, limits).unwrap_or(0.0))
        .collect();
    let within = |slower: f64| {
        let good = limit_ratios
            .iter()
            .filter(|limit_ratio| **limit_ratio * slower <= 1.0);
        good.count() as f64 + 0.5
    };
    libm::log(within(1.0 / STEP) / within(STEP)) / (2.0 * libm::log(STEP))
}

/// Rounds to eight digits. Infinite values and NaN stay.
pub(crate) fn rounded(number: f64) -> f64 {
    format!("{number:.7e}").parse().unwrap_or(number)
}
