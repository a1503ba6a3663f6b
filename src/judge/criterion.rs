//! An SLO as a search asks it of each trial.

use super::{
    estimate::counted,
    statistic::{Spread, spread},
};
use crate::{
    metrics::{Basis, definition, is_checked, is_good, is_valid, limit_ratio},
    record::Record,
    run::Run,
    stats::search::{Early, Reading},
};
use goodput_grammar::{
    goodput::RequestLimit,
    slo::{Class, Op, Slo, Subject},
};

/// An SLO that holds at a low load and breaks at a high one.
///
/// `p99(ttft) < 200ms` says that at most 1 % of the TTFTs are 200 ms or more, `goodput >= 90%` that at most 10 % of the
/// requests are bad. So each is a share of values that are beyond a limit, except for a mean. A failed request has one value,
/// and that is beyond.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Criterion {
    slo: Slo,
    limits: Vec<RequestLimit>,
}

/// What one request says.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Said {
    /// Values beyond the limit.
    pub(crate) beyond: f64,
    /// All of them.
    pub(crate) values: f64,
    /// The sum of all values.
    sum: f64,
    /// The largest, as a multiple of the limit.
    pub(crate) limit_ratio: f64,
}

impl Criterion {
    /// The SLO with the limits on each request.
    ///
    /// # Errors
    /// Why a search cannot look for where it breaks.
    pub(crate) fn new(slo: &Slo, limits: &[RequestLimit]) -> Result<Self, &'static str> {
        match slo.subject {
            _ if slo.part.class == Class::Worst => {
                return Err("is about whichever class is worst. Limit each class");
            }
            Subject::Goodput | Subject::Errors | Subject::Valid => {}
            Subject::Latency(stat, _) => match spread(stat) {
                Spread::OfValues => {}
                Spread::OfRank(percent) if percent > 0.0 && percent < 100.0 => {}
                _ => {
                    return Err(
                        "is a number that hardly depends on the load alone. Limit a mean or a percentile",
                    );
                }
            },
            _ => {
                return Err(
                    "does not break as the load grows. Limit a latency, goodput, errors or valid",
                );
            }
        }
        if matches!(slo.subject, Subject::Latency(..)) && !matches!(slo.op, Op::Lt | Op::Le) {
            return Err("does not break as the load grows. Limit it from above");
        }
        let criterion = Criterion {
            slo: slo.clone(),
            limits: limits.to_vec(),
        };
        match criterion.allowed() {
            Some(share) if share <= 0.0 || share >= 1.0 => Err(
                "allows nothing or everything, so no trial shows where it breaks. Allow a share, such as `goodput >= 99%`",
            ),
            _ => Ok(criterion),
        }
    }

    pub(crate) fn slo(&self) -> &Slo {
        &self.slo
    }

    /// The share of values that may be beyond; `None` for a mean.
    pub(crate) fn allowed(&self) -> Option<f64> {
        // Rounded, because 1 - 0.9 is not a tenth to the last digit.
        let rest = |share: f64| libm::round((1.0 - share) * 1e12) / 1e12;
        match self.slo.subject {
            Subject::Errors => Some(self.slo.limit),
            Subject::Latency(stat, _) => match spread(stat) {
                Spread::OfRank(percent) => Some(rest(percent / 100.0)),
                _ => None,
            },
            _ => Some(rest(self.slo.limit)),
        }
    }

    /// Watches this criterion in a short trial of this number of requests.
    pub(crate) fn early(&self, requests: usize) -> Early {
        Early::new(requests, self.allowed())
    }

    /// What a request says; `None` if the criterion is not about it. `run` is the run so far, without its requests.
    pub(crate) fn said(&self, run: &Run, basis: Basis, record: &Record) -> Option<Said> {
        if !run.is_part(self.slo.part, record) {
            return None;
        }
        let one = |beyond: bool, limit_ratio: f64| Said {
            beyond: f64::from(u8::from(beyond)),
            values: 1.0,
            sum: 0.0,
            limit_ratio,
        };
        let failed = one(true, f64::INFINITY);
        match self.slo.subject {
            Subject::Errors if record.ok() => Some(one(false, 0.0)),
            Subject::Valid if !is_checked(record) => None,
            Subject::Valid if is_valid(record) => Some(one(false, 0.0)),
            _ if !record.ok() => Some(failed),
            Subject::Goodput => {
                let ratio = limit_ratio(record, basis, &self.limits).unwrap_or(0.0);
                Some(one(!is_good(record, basis, &self.limits), ratio))
            }
            Subject::Latency(_, latency) => {
                let values = (definition(latency).values)(record, basis);
                let limit = self.slo.limit;
                let beyond = |value: &&f64| match self.slo.op {
                    Op::Le => **value > limit,
                    _ => **value >= limit,
                };
                let largest = values.iter().copied().fold(0.0, f64::max);
                (!values.is_empty()).then(|| Said {
                    beyond: values.iter().filter(beyond).count() as f64,
                    values: values.len() as f64,
                    sum: values.iter().sum(),
                    limit_ratio: largest / limit,
                })
            }
            _ => Some(failed),
        }
    }

    /// What a whole trial says.
    pub(crate) fn reading(&self, load: f64, run: &Run) -> Option<Reading> {
        let basis = Basis::of_gate(run);
        let said: Vec<Said> = counted(run)
            .filter_map(|record| self.said(run, basis, record))
            .collect();
        match self.allowed() {
            Some(allowed) => {
                let values = said.iter().map(|said| (said.beyond, said.values));
                Reading::beyond(load, &values.collect::<Vec<_>>(), allowed)
            }
            None => {
                let values = said.iter().filter(|said| said.limit_ratio.is_finite());
                let values = values.map(|said| (said.sum, said.values));
                Reading::level(load, &values.collect::<Vec<_>>(), self.slo.limit)
            }
        }
    }
}
