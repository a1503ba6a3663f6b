//! The latencies that limits name: each defined once. Code that shows, limits or compares all of them asks here for
//! every one of [`Latency::ALL`].

use super::{
    Metrics, Summary,
    latency::ttfat_ms,
    request::{Basis, RequestTimes, gaps, millis},
};
use crate::record::Record;
use goodput_grammar::slo::Latency;

/// What a latency is.
pub(crate) struct Definition {
    /// The meaning in words, without a full stop.
    pub(crate) meaning: &'static str,
    /// Whether it counts from the start of a request, so that it matters whether that is the planned time.
    pub(crate) from_start: bool,
    /// Whether answers without tokens lack it.
    pub(crate) of_tokens: bool,
    /// Whether every report has it; else those where an SLO limits it.
    pub(crate) usual: bool,
    /// The values of a request in milliseconds: one, or one for each gap; none where it has none.
    pub(crate) values: fn(&Record, Basis) -> Vec<f64>,
    /// The sample that limits are compared with.
    sample: fn(&Metrics) -> &Summary,
}

/// The definition of a latency.
pub(crate) fn definition(latency: Latency) -> Definition {
    match latency {
        Latency::Ttft => Definition {
            meaning: "Time to first token",
            from_start: true,
            of_tokens: true,
            usual: true,
            values: |record, basis| one(times(record, basis, |t| t.ttft().map(millis))),
            sample: |metrics| &metrics.gate.ttft,
        },
        Latency::Ttfat => Definition {
            meaning: "Time to first token of the answer",
            from_start: true,
            of_tokens: true,
            usual: false,
            values: |record, basis| one(ttfat_ms(record, basis)),
            sample: |metrics| &metrics.gate.ttfat,
        },
        Latency::Tpot => Definition {
            meaning: "Time per output token after the first",
            from_start: false,
            of_tokens: true,
            usual: true,
            values: |record, basis| one(times(record, basis, |t| t.tpot_ms())),
            sample: |metrics| &metrics.latency.tpot,
        },
        Latency::Itl => Definition {
            meaning: "Gaps between token events",
            from_start: false,
            of_tokens: true,
            usual: true,
            values: |record, _| gaps(record).map(millis).collect(),
            sample: |metrics| &metrics.latency.itl,
        },
        Latency::E2el => Definition {
            meaning: "End-to-end latency",
            from_start: true,
            of_tokens: false,
            usual: true,
            values: |record, basis| one(times(record, basis, |t| Some(millis(t.e2el())))),
            sample: |metrics| &metrics.gate.e2el,
        },
        Latency::SessionE2el => Definition {
            meaning: "End-to-end latency of a session, think time left out",
            from_start: false,
            of_tokens: false,
            usual: false,
            values: |record, _| one(record.session_e2el.map(|took| took.as_secs_f64() * 1e3)),
            sample: |metrics| &metrics.gate.session_e2el,
        },
        Latency::RoundE2el => Definition {
            meaning: "Time of a whole round",
            from_start: false,
            of_tokens: false,
            usual: false,
            values: |record, _| one(record.round_e2el.map(|took| took.as_secs_f64() * 1e3)),
            sample: |metrics| &metrics.gate.round_e2el,
        },
    }
}

fn one(value: Option<f64>) -> Vec<f64> {
    value.into_iter().collect()
}

fn times(
    record: &Record,
    basis: Basis,
    value: impl Fn(&RequestTimes) -> Option<f64>,
) -> Option<f64> {
    value(&RequestTimes::of(record, basis)?)
}

impl Metrics {
    /// The sample that a limit on `latency` is compared with.
    pub fn gate(&self, latency: Latency) -> &Summary {
        (definition(latency).sample)(self)
    }

    /// The latencies that every report has, each with its sample.
    pub(crate) fn usual(&self) -> impl Iterator<Item = (Latency, &Summary)> {
        let usual = Latency::ALL
            .iter()
            .filter(|latency| definition(**latency).usual);
        usual.map(|latency| (*latency, self.gate(*latency)))
    }
}
