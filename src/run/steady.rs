//! The steady part of a run: what is left once its ends are cut off.

use super::{GaugeSeries, Run};
use crate::clock::Nanos;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The steady part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steady {
    /// When it begins, since the start of the schedule.
    pub from: Nanos,
    /// When it ends; the end of the run if nothing is cut off there.
    pub to: Nanos,
    /// Requests that were cut off at the start.
    pub cut_start: usize,
    /// Requests that were cut off at the end.
    pub cut_end: usize,
    /// Whether the server had settled, if the run had to find that out; a run that had not is not cut at its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<bool>,
}

impl Run {
    /// The time that throughputs count by: that of the steady part, or of the whole run.
    pub fn measured_time(&self) -> Nanos {
        match self.steady {
            Some(steady) => Nanos(steady.to.0.saturating_sub(steady.from.0)),
            None => self.duration,
        }
    }

    /// The steady part as a run of its own, whose times count from its begin; the run itself if nothing is cut off.
    pub fn steady(&self) -> Cow<'_, Run> {
        let Some(steady) = self.steady else {
            return Cow::Borrowed(self);
        };
        let back = -steady.from.0.cast_signed();
        let mut part = Run {
            duration: self.measured_time(),
            records: self.records.iter().filter(|r| !r.cut).cloned().collect(),
            probes: self.probes.clone(),
            server: self.server.clone(),
            warm_up: self.warm_up,
            abandoned: self.abandoned.clone(),
            ..self.clone_without_requests()
        };
        part.setup.requests = part.records.len();
        for record in part.records.iter_mut().chain(&mut part.probes) {
            record.shift(back);
        }
        for change in &mut part.rate_changes {
            change.at = Nanos(change.at.0.saturating_sub(steady.from.0));
        }
        if let Some(gauges) = part.server.as_mut().and_then(|side| side.gauges.as_mut()) {
            gauges.keep(steady);
        }
        Cow::Owned(part)
    }
}

impl GaugeSeries {
    /// Keeps the samples of the steady part, whose times then count from its begin.
    fn keep(&mut self, steady: Steady) {
        let inside = steady.from..=steady.to;
        self.samples.retain(|sample| inside.contains(&sample.at));
        for sample in &mut self.samples {
            sample.at.0 -= steady.from.0;
        }
    }
}
