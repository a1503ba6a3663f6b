//! How long the rest of a sweep takes.

use crate::plan::Plan;
use std::time::Duration;

/// How much a case has to do, in the unit of its kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Work {
    /// An open loop: the seconds over which its requests are due.
    Due(f64),
    /// A closed loop: the output tokens that each of its clients waits for.
    Waits(f64),
}

impl Work {
    /// The work of a plan with at most this number of requests in flight.
    pub(crate) fn of(plan: &Plan, max_concurrency: Option<usize>) -> Self {
        let due = plan.requests.iter().map(|request| request.at.0).max();
        let due = due.unwrap_or_default() as f64 / 1e9;
        if due > 0.0 {
            return Work::Due(due);
        }
        let requests = plan.requests.len().max(1);
        let clients = max_concurrency.unwrap_or(requests).clamp(1, requests);
        let tokens: u64 = plan.requests.iter().map(|r| r.output_tokens).sum();
        Work::Waits(tokens as f64 / clients as f64)
    }
}

/// Estimates the time left from the cases that have ended: each kind takes as much time for its work as its cases so far.
#[derive(Debug, Default)]
pub(crate) struct Left {
    ended: Vec<(Work, Duration)>,
}

impl Left {
    /// A case has ended after this time.
    pub(crate) fn ended(&mut self, work: Work, took: Duration) {
        self.ended.push((work, took));
    }

    /// The time for the cases that are left; `None` before a case of their kind has ended.
    pub(crate) fn estimate(&self, rest: &[Work]) -> Option<Duration> {
        let kinds: [fn(&Work) -> Option<f64>; 2] = [
            |work| match work {
                Work::Due(seconds) => Some(*seconds),
                Work::Waits(_) => None,
            },
            |work| match work {
                Work::Waits(tokens) => Some(*tokens),
                Work::Due(_) => None,
            },
        ];
        let mut seconds = 0.0;
        for kind in kinds {
            let to_do: f64 = rest.iter().filter_map(kind).sum();
            if to_do == 0.0 {
                continue;
            }
            let of_kind = || {
                self.ended
                    .iter()
                    .filter_map(|(work, took)| Some((kind(work)?, took)))
            };
            let done: f64 = of_kind().map(|(done, _)| done).sum();
            let took: f64 = of_kind().map(|(_, took)| took.as_secs_f64()).sum();
            if done == 0.0 {
                return None;
            }
            seconds += to_do * took / done;
        }
        Duration::try_from_secs_f64(seconds).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_take_as_long_for_their_work_as_those_of_their_kind() {
        let mut left = Left::default();
        assert_eq!(left.estimate(&[Work::Waits(1.0)]), None);
        left.ended(Work::Waits(100.0), Duration::from_secs(10));
        left.ended(Work::Waits(300.0), Duration::from_secs(30));
        let rest = [Work::Waits(200.0), Work::Waits(50.0)];
        assert_eq!(left.estimate(&rest), Some(Duration::from_secs(25)));
        assert_eq!(left.estimate(&[Work::Due(5.0)]), None);
        left.ended(Work::Due(10.0), Duration::from_secs(11));
        let mixed = [Work::Due(20.0), Work::Waits(10.0)];
        assert_eq!(left.estimate(&mixed), Some(Duration::from_secs(23)));
        assert_eq!(left.estimate(&[]), Some(Duration::ZERO));
    }
}
