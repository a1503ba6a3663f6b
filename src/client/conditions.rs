//! States of a run in which nothing more is sent, watched while it goes on.

use crate::{clock::Nanos, run::EndReason};
use goodput_grammar::stop_if::StopIf;
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// The share of errors is that of this number of the last requests, and of no fewer than `ENOUGH_ENDED`.
const LAST: usize = 100;
const ENOUGH_ENDED: usize = 20;

/// A run is looked at for saturation from this number of requests on, and then each time that it has become a tenth longer:
/// more looks would only find more luck.
const ENOUGH_BEGUN: f64 = 80.0;
const LONGER: f64 = 1.1;
/// The run is cut into eighths, of which the first two count as its start.
const EIGHTHS: usize = 8;
const START: usize = 2;
/// How many times as many requests are in flight in the last eighth as in the third, and how many at least.
const GROWTH: f64 = 2.0;
const MANY: f64 = 16.0;

/// What is watched, for all threads of a run.
#[derive(Debug)]
pub struct Conditions {
    states: Vec<StopIf>,
    seen: Mutex<Seen>,
    over: watch::Sender<Option<EndReason>>,
}

#[derive(Debug)]
struct Seen {
    in_flight: u64,
    begun: f64,
    look_at: f64,
    /// When the last requests ended, whether they failed.
    failed: VecDeque<bool>,
    /// At each change: the time, and the requests in flight integrated up to it, in request-seconds. `None`
    /// unless saturation is watched for.
    areas: Option<Vec<(f64, f64)>>,
}

impl Conditions {
    /// Watches for these states.
    pub fn new(states: Vec<StopIf>) -> Self {
        let areas = states.contains(&StopIf::Saturated).then(Vec::new);
        Conditions {
            states,
            seen: Mutex::new(Seen {
                in_flight: 0,
                begun: 0.0,
                look_at: ENOUGH_BEGUN,
                failed: VecDeque::new(),
                areas,
            }),
            over: watch::Sender::new(None),
        }
    }

    /// Notes that a request was taken up.
    pub(super) fn begins(&self, now: Nanos) {
        let mut seen = self.seen();
        seen.moves(now, 1);
        seen.begun += 1.0;
        for state in &self.states {
            let holds = match *state {
                StopIf::InFlight(most) => {
                    let in_flight = seen.in_flight;
                    (in_flight > most).then_some(EndReason::InFlight { in_flight })
                }
                StopIf::Saturated if seen.begun >= seen.look_at => {
                    seen.look_at = (seen.begun * LONGER).ceil();
                    seen.saturated()
                }
                StopIf::Saturated | StopIf::Errors(_) => None,
            };
            self.end(holds);
        }
    }

    /// Notes the end of a request; `failed` is `None` if it was cancelled.
    pub(super) fn ends(&self, now: Nanos, failed: Option<bool>) {
        let mut seen = self.seen();
        seen.moves(now, -1);
        let Some(failed) = failed else {
            return;
        };
        if seen.failed.len() == LAST {
            seen.failed.pop_front();
        }
        seen.failed.push_back(failed);
        let (count, of) = (
            seen.failed.iter().filter(|failed| **failed).count(),
            seen.failed.len(),
        );
        for state in &self.states {
            if let StopIf::Errors(share) = *state
                && of >= ENOUGH_ENDED
                && count as f64 > share * of as f64
            {
                let (failed, of) = (count as u64, of as u64);
                self.end(Some(EndReason::Errors { failed, of }));
            }
        }
    }

    /// Returns once one of the states holds.
    pub(super) async fn held(&self) -> EndReason {
        let mut over = self.over.subscribe();
        loop {
            if let Some(why) = *over.borrow_and_update() {
                return why;
            }
            // This owns the sender, so it is not gone.
            let _ = over.changed().await;
        }
    }

    /// Ends the run. The first reason counts.
    pub fn end(&self, why: Option<EndReason>) {
        if why.is_some() {
            self.over.send_if_modified(|over| {
                let first = over.is_none();
                *over = over.or(why);
                first
            });
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Notes that this number of requests more or fewer are in flight from now on.
    fn moves(&mut self, now: Nanos, change: i64) {
        if let Some(areas) = &mut self.areas {
            let now = now.as_secs_f64();
            let (before, area) = areas.last().copied().unwrap_or((now, 0.0));
            // Threads may come a little late.
            let now = now.max(before);
            areas.push((now, area + self.in_flight as f64 * (now - before)));
        }
        self.in_flight = self.in_flight.saturating_add_signed(change);
    }

    /// The requests in flight on average between two times.
    fn mean(areas: &[(f64, f64)], from: f64, to: f64) -> f64 {
        let area = |time: f64| {
            let after = areas.partition_point(|(at, _)| *at <= time);
            let Some((at, area)) = after.checked_sub(1).map(|before| areas[before]) else {
                return 0.0;
            };
            match areas.get(after) {
                Some((next, next_area)) => area + (next_area - area) * (time - at) / (next - at),
                None => area,
            }
        };
        (area(to) - area(from)) / (to - from)
    }

    /// Whether the requests in flight grew from each eighth of the run to the next, its start left out, and more than
    /// doubled.
    fn saturated(&self) -> Option<EndReason> {
        let areas = self.areas.as_deref()?;
        let (begin, end) = (areas.first()?.0, areas.last()?.0);
        if end <= begin {
            return None;
        }
        let at = |eighth: usize| begin + (end - begin) * eighth as f64 / EIGHTHS as f64;
        let means: Vec<f64> = (START..EIGHTHS)
            .map(|eighth| Self::mean(areas, at(eighth), at(eighth + 1)))
            .collect();
        let (early, late) = (*means.first()?, *means.last()?);
        let grows = means.is_sorted_by(|a, b| a < b) && late > GROWTH * early && late >= MANY;
        grows.then_some(EndReason::Saturated { early, late })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::Queue;

    const fn ms(ms: u64) -> Nanos {
        Nanos(ms * 1_000_000)
    }

    fn over(conditions: &Conditions) -> Option<EndReason> {
        *conditions.over.borrow()
    }

    #[test]
    fn errors_are_those_of_the_last_requests() {
        let conditions = Conditions::new(vec![StopIf::Errors(0.2)]);
        // A hundred good ones, then failures: the 21st of the last hundred ends the run.
        for index in 0..100 {
            conditions.begins(ms(index));
            conditions.ends(ms(index), Some(false));
        }
        for index in 0..20 {
            conditions.begins(ms(100 + index));
            conditions.ends(ms(100 + index), Some(true));
            assert_eq!(over(&conditions), None);
        }
        conditions.ends(ms(200), Some(true));
        assert_eq!(
            over(&conditions),
            Some(EndReason::Errors {
                failed: 21,
                of: 100
            })
        );
    }

    #[test]
    fn a_few_errors_at_the_start_end_nothing() {
        let conditions = Conditions::new(vec![StopIf::Errors(0.2)]);
        for index in 0..19 {
            conditions.ends(ms(index), Some(true));
        }
        conditions.ends(ms(20), None);
        assert_eq!(over(&conditions), None);
        conditions.ends(ms(21), Some(true));
        assert_eq!(
            over(&conditions),
            Some(EndReason::Errors { failed: 20, of: 20 })
        );
    }

    #[test]
    fn what_is_in_flight_has_begun_and_not_ended() {
        let conditions = Conditions::new(vec![StopIf::InFlight(2)]);
        conditions.begins(ms(0));
        conditions.begins(ms(1));
        conditions.ends(ms(2), Some(false));
        conditions.begins(ms(3));
        assert_eq!(over(&conditions), None);
        conditions.begins(ms(4));
        assert_eq!(
            over(&conditions),
            Some(EndReason::InFlight { in_flight: 3 })
        );
    }

    /// When the run of a queue was ended, as the share of its requests that had begun; `None` if it was not.
    fn ended_at(load: f64, requests: usize, seed: u64) -> Option<f64> {
        let (gaps, waits) = Queue::steady(load).run(requests, seed);
        let mut now = 0.0;
        let mut changes: Vec<(f64, bool)> = Vec::new();
        for (gap, wait) in gaps.iter().zip(&waits) {
            now += gap;
            changes.extend([(now, true), (now + wait, false)]);
        }
        changes.sort_by(|a, b| a.0.total_cmp(&b.0));
        let conditions = Conditions::new(vec![StopIf::Saturated]);
        let mut begun = 0;
        for (at, begins) in changes {
            let at = Nanos::from_secs_f64(at);
            if begins {
                begun += 1;
                conditions.begins(at);
            } else {
                conditions.ends(at, Some(false));
            }
            if over(&conditions).is_some() {
                return Some(begun as f64 / requests as f64);
            }
        }
        None
    }

    #[test]
    fn an_overload_is_found_and_a_busy_server_is_not_accused() {
        let ended = |load| {
            (0..50)
                .filter(|seed| ended_at(load, 2_000, *seed).is_some())
                .count()
        };
        assert_eq!(ended(0.7), 0);
        assert!(ended(0.9) <= 2, "{}", ended(0.9));
        assert!(ended(1.2) >= 49, "{}", ended(1.2));
    }

    /// `cargo test --release --all-features --lib -- --ignored --nocapture saturated_table`
    #[test]
    #[ignore = "prints a table of docs/long_runs.md"]
    fn saturated_table() {
        const RUNS: u64 = 300;
        println!("| load | 500 requests | 2,000 | 10,000 |");
        println!("|---|---|---|---|");
        for load in [0.5, 0.7, 0.8, 0.9, 0.95, 1.05, 1.1, 1.2, 1.5, 2.0] {
            let cells = [500, 2_000, 10_000].map(|requests| {
                let ended: Vec<f64> = (0..RUNS)
                    .filter_map(|seed| ended_at(load, requests, seed))
                    .collect();
                let share = ended.len() as f64 * 100.0 / RUNS as f64;
                let at = ended.iter().sum::<f64>() / ended.len().max(1) as f64 * 100.0;
                if load > 1.0 {
                    format!(" {share:.1} %, after {at:.0} % of the run |")
                } else {
                    format!(" {share:.1} % |")
                }
            });
            println!("| {load} |{}", cells.concat());
        }
    }
}
