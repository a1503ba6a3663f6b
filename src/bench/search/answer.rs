//! What a search has found, and what it says on the way.

use super::hunt::Hunt;
use crate::{
    grammar::search::Over,
    judge::{self, Bound, Capacity, Finding, FindingKind, Stopped, Trial, TrialSide},
    targets::Place,
};

/// What happens by chance less often than this is worth a note.
const UNLIKELY: f64 = 0.001;

impl Hunt<'_> {
    pub(super) fn capacity(&mut self, stopped: Stopped, confidence: f64) -> Capacity {
        let whole = |load: f64| match self.over {
            // What holds up to 7.6 holds at 7.
            Over::Concurrency => libm::floor(load),
            Over::Rate => load,
        };
        let value = self.search.estimate().map(whole);
        let loads = || self.trials.iter().map(|trial| trial.point.load);
        let bound = match stopped {
            Stopped::HighestHolds => loads().reduce(f64::max).map(Bound::AtLeast),
            Stopped::LowestFails => loads().reduce(f64::min).map(Bound::Below),
            _ => None,
        };
        let of = |side: TrialSide| {
            let trials = self.trials.iter().filter(move |trial| trial.side == side);
            trials.map(|trial| trial.point.load)
        };
        let middle = self.search.estimate();
        let below = |load: &f64| middle.is_none_or(|middle| *load <= middle);
        let above = |load: &f64| middle.is_none_or(|middle| *load >= middle);
        Capacity {
            over: self.over.into(),
            slos: self
                .criteria
                .iter()
                .map(|criterion| criterion.slo().to_string())
                .collect(),
            value,
            interval: self.search.interval().map(whole),
            confidence,
            bound,
            passing: of(TrialSide::Holds).filter(below).reduce(f64::max),
            failing: of(TrialSide::Fails).filter(above).reduce(f64::min),
            stopped,
            requests: self.requests,
            seconds: self.took.as_secs_f64(),
            trials: self.trials.clone(),
        }
    }

    /// What speaks against the trials' being runs of the same server.
    pub(super) fn contradictions(&self) -> Vec<Finding> {
        let mut said = Vec::new();
        if self.search.by_chance() < UNLIKELY {
            said.push(
                "the trials differ by far more than the requests within them explain: the server or its machine was faster in \
                 some than in others, or the SLOs do not break as the load grows. The interval is wider for it; search again \
                 on an idle machine"
                    .to_owned(),
            );
        }
        if let Some(trend) = self.search.trend().filter(|trend| trend.abs() < UNLIKELY) {
            let way = if trend > 0.0 { "slower" } else { "faster" };
            said.push(format!(
                "the server became {way} from trial to trial, so its capacity changed, too: warm it up, or find out what fills up"
            ));
        }
        let kind = FindingKind::Scatter;
        said.into_iter()
            .map(|message| Finding { kind, message })
            .collect()
    }

    /// Says how the search goes, where that takes a while.
    pub(super) fn tell(&self, last: &Trial) {
        if matches!(self.place, Place::Simulation(_)) {
            return;
        }
        let side = match last.side {
            TrialSide::Holds => "holds",
            TrialSide::Fails => "fails",
        };
        let so_far = self.search.estimate().map_or_else(String::new, |value| {
            let interval = self.search.interval();
            let end = |end: Option<f64>| end.map_or_else(|| "?".to_owned(), judge::number);
            format!(
                "; so far {} [{}, {}]",
                judge::number(value),
                end(interval.low),
                end(interval.high)
            )
        });
        self.control.observer.says(&format!(
            "trial {} at {} {} {side}, {} requests in all{so_far}",
            self.trials.len(),
            self.over.name(),
            judge::number(last.point.load),
            self.requests,
        ));
    }
}
