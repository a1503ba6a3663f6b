//! How many requests a bench plans that says how long it lasts, and what cannot last.

use super::{Bench, checked::Checked, parts::Load};
use crate::{
    grammar::{
        bounds,
        cut::{Cut, leaves_nothing},
        duration,
        slo::Subject,
        stop_if::StopIf,
    },
    judge::{Finding, FindingKind},
    problem::Problem,
    run::{EndReason, Run},
};
use std::time::Duration;

/// Requests a second that the plan of a closed loop has for each client.
const FOR_EACH_CLIENT: f64 = 10.0;
/// The fewest and the most requests of such a plan.
const CLOSED: (f64, f64) = (1_000.0, 100_000.0);

impl Load {
    /// The number of requests to plan: those that the bench says, and no more than its duration has.
    pub(crate) fn planned(&self) -> usize {
        let Some(span) = self.duration else {
            return self.requests;
        };
        let within = self.within(span);
        if self.counted {
            self.requests.min(within)
        } else {
            within
        }
    }

    /// The requests that are due in this time, or as many as there may be.
    fn within(&self, span: Duration) -> usize {
        let seconds = span.as_secs_f64();
        let requests = if self.replays() {
            bounds::REQUESTS as f64
        } else if let Some(ramp) = self.ramp {
            (seconds * ramp.mean_rate()).ceil()
        } else if self.rate.is_finite() {
            // What multiplying has taken from a whole number is given back.
            (seconds * self.rate + 1e-9).floor()
        } else {
            let clients = self.max_concurrency.unwrap_or(1) as f64;
            let (least, most) = CLOSED;
            (FOR_EACH_CLIENT * clients * seconds).clamp(least, most)
        };
        requests as usize
    }

    /// The time in which requests are due, where the settings show it.
    fn lasts(&self) -> Option<Duration> {
        let paced = self.rate.is_finite() && !self.replays();
        let by_rate =
            paced.then(|| Duration::try_from_secs_f64(self.requests as f64 / self.rate).ok());
        let ends = [self.duration, by_rate.flatten()];
        ends.into_iter().flatten().min()
    }

    /// Whether requests are sent until a time is over, whatever the plan has left.
    pub(super) fn until(&self) -> Option<Duration> {
        let closed = self.rate.is_infinite() && self.ramp.is_none() && !self.replays();
        self.duration.filter(|_| closed)
    }
}

impl Checked {
    /// A note if the plan of a closed loop was over before its time.
    pub(super) fn note_on_plan(&self, run: &Run) -> Option<Finding> {
        let (span, ending) = self.load.until().zip(run.ending)?;
        (ending.why == EndReason::Plan && !run.partial).then(|| Finding {
            kind: FindingKind::ShortPlan,
            message: format!(
                "the plan of {} requests was sent after {:.1} s of {}. Set `requests` for a longer one",
                self.load.requests,
                ending.at.as_secs_f64(),
                duration::format(span)
            ),
        })
    }
}

impl Bench {
    /// The bench with the number of requests that its duration has.
    pub(super) fn lasting(mut self) -> Self {
        if self.load.duration.is_some() {
            self.load.requests = self.load.planned();
            self.load.counted = true;
        }
        self
    }

    /// Checks that the ends that are cut off leave something to measure, in one piece.
    pub(super) fn check_cuts(&self, problems: &mut Vec<Problem>) {
        let Load {
            cut_start, cut_end, ..
        } = self.load;
        let Some((field, cut)) = cut_start
            .map(|cut| ("cut_start", cut))
            .or(cut_end.map(|cut| ("cut_end", cut)))
        else {
            return;
        };
        if cut_end == Some(Cut::Auto) {
            let fix = "finds where a run has settled, which is at its start. Write a time or a number of requests";
            problems.push(Problem::new("cut_end", "auto", fix));
        }
        let (lasts, requests) = (self.load.lasts(), self.load.requests as u64);
        if let Some(fix) = leaves_nothing(cut_start, cut_end, lasts, Some(requests)) {
            problems.push(Problem::new(field, cut, fix));
        }
        if self.load.dataset.has_sessions() {
            let fix = "does not go with sessions, which would be torn apart. Leave it out";
            problems.push(Problem::new(field, cut, fix));
        }
        for other in self.pieces() {
            let fix = format!(
                "cannot be given together with `{other}`, which sends several plans that each start and end. Remove one"
            );
            problems.push(Problem::new(field, cut, fix));
        }
    }

    /// Checks what ends a run by its state.
    pub(super) fn check_stops(&self, problems: &mut Vec<Problem>) {
        let states = &self.load.stop_if;
        let Some(first) = states.first() else {
            return;
        };
        for other in self.pieces() {
            let fix = format!(
                "cannot be given together with `{other}`, whose plans have to be sent as a whole. Remove one"
            );
            problems.push(Problem::new("stop_if", first, fix));
        }
        let paced = self.load.rate.is_finite() || self.load.ramp.is_some() || self.load.replays();
        if states.contains(&StopIf::Saturated) && !paced {
            let fix = "needs a `rate`: without one the client decides how many requests are in flight. Set `rate`, or leave \
                       it out";
            problems.push(Problem::new("stop_if", StopIf::Saturated, fix));
        }
    }

    /// Checks that a drift is one of a run in one piece.
    pub(super) fn check_drift(&self, problems: &mut Vec<Problem>) {
        let drifts = self
            .demands
            .slo
            .iter()
            .filter(|slo| matches!(slo.subject, Subject::Drift(_)));
        for slo in drifts {
            for other in self.pieces() {
                let fix = format!(
                    "is about one run in one piece, and `{other}` sends several plans, each to a server that has drained. \
                     Remove one"
                );
                problems.push(Problem::new("slo", slo, fix));
            }
        }
    }

    /// Settings that send several plans one after the other.
    fn pieces(&self) -> impl Iterator<Item = &'static str> {
        let several = [
            ("rounds", self.load.rounds > 1),
            ("max_extend", self.demands.max_extend > 1),
            ("versus", self.demands.versus.is_some()),
        ];
        several
            .into_iter()
            .filter_map(|(name, several)| several.then_some(name))
    }

    /// Checks what goes with a duration.
    pub(super) fn check_duration(&self, problems: &mut Vec<Problem>) {
        let Some(span) = self.load.duration else {
            return;
        };
        let mut add = |fix: String| {
            problems.push(Problem::new("duration", duration::format(span), fix));
        };
        if span.is_zero() {
            // The bounds say so.
            return;
        }
        if self.load.dataset.has_sessions() {
            add(
                "does not go with sessions, which end when they are over. Set `requests`"
                    .to_owned(),
            );
            return;
        }
        if self.load.until().is_none() {
            if self.load.requests == 0 {
                add(format!(
                    "is over before the first request is due, at {} a second. Write a longer time, or a higher rate",
                    self.load.rate
                ));
            }
            return;
        }
        if self.load.max_concurrency.is_none() {
            add(
                "needs a `rate`, a `ramp` or `max_concurrency`: without any of them all requests are sent at once"
                    .to_owned(),
            );
        }
        for other in self.pieces() {
            add(format!(
                "cannot be given together with `{other}` without a `rate`: the same plan has to be sent each time. Remove \
                 one, or set `requests`"
            ));
        }
    }
}
