//! Load that slows tokens down while they are made.
//!
//! A drawn time is an amount of work: the nanoseconds that it takes alone. With `n` requests in flight
//! all of them advance at the speed `1 / f(n)`, `f` being the script's [`Slowdown`]. So one number, the
//! work done since the start, `W(t) = ∫ dt / f(n(t))`, says for all requests when their tokens are
//! ready. It is kept in whole 2⁻²⁰ ns and only changes its slope when a request comes or goes.

use crate::clock::{Clock, Nanos, Sleep};
use goodput_grammar::sim::Slowdown;
use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

/// Binary digits of a nanosecond of work.
const DIGITS: u32 = 20;

/// Work since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sim) struct Work(u128);

impl Work {
    pub(in crate::sim) fn after(self, span: Duration) -> Work {
        Work(self.0.saturating_add(span.as_nanos() << DIGITS))
    }
}

/// What the requests of a server share.
#[derive(Debug)]
pub(in crate::sim) struct Load {
    slowdown: Slowdown,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    in_flight: u64,
    /// The last time at which a request came or went, and the work done by then.
    at: Nanos,
    work: u128,
    /// The requests that wait, in the order in which they came. They are woken when a request leaves, because all are
    /// faster from then on. When one comes they notice it as they wake too early.
    waiting: BTreeMap<u64, Waker>,
    /// The number of requests that ever came.
    came: u64,
}

impl State {
    fn advance(&mut self, now: Nanos, slowdown: Slowdown) {
        let (factor, one) = slowdown.factor(self.in_flight);
        let nanos = u128::from(now.0.saturating_sub(self.at.0));
        self.work = self.work.saturating_add(((nanos * one) << DIGITS) / factor);
        self.at = self.at.max(now);
    }

    /// The time when this work is done if no request comes or goes, rounded up to a nanosecond.
    fn when(&self, target: Work, slowdown: Slowdown) -> Nanos {
        let (factor, one) = slowdown.factor(self.in_flight);
        let missing = target.0.saturating_sub(self.work);
        let nanos = missing.saturating_mul(factor).div_ceil(one << DIGITS);
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        Nanos(self.at.0.saturating_add(nanos))
    }
}

impl Load {
    pub(in crate::sim) fn new(slowdown: Slowdown) -> Self {
        Load {
            slowdown,
            state: Mutex::new(State {
                in_flight: 0,
                at: Nanos(0),
                work: 0,
                waiting: BTreeMap::new(),
                came: 0,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request in flight, until this is dropped.
#[derive(Debug)]
pub(in crate::sim) struct Share {
    load: Arc<Load>,
    clock: Clock,
    /// The number of requests that came before.
    ordinal: u64,
    wait: Option<Sleep>,
}

impl Share {
    pub(in crate::sim) fn new(load: Arc<Load>, clock: Clock) -> Self {
        let ordinal = {
            let mut state = load.state();
            state.advance(clock.now(), load.slowdown);
            state.in_flight += 1;
            state.came += 1;
            state.came - 1
        };
        Share {
            load,
            clock,
            ordinal,
            wait: None,
        }
    }

    /// The work done by now.
    pub(in crate::sim) fn done(&self) -> Work {
        let mut state = self.load.state();
        state.advance(self.clock.now(), self.load.slowdown);
        Work(state.work)
    }

    /// Waits until this work is done; gives the time when it was.
    pub(in crate::sim) fn poll_reach(&mut self, target: Work, cx: &mut Context<'_>) -> Poll<Nanos> {
        loop {
            let at = {
                let mut state = self.load.state();
                let at = state.when(target, self.load.slowdown);
                if at <= self.clock.now() {
                    state.waiting.remove(&self.ordinal);
                    return Poll::Ready(at);
                }
                state.waiting.insert(self.ordinal, cx.waker().clone());
                at
            };
            let wait = self.wait.get_or_insert_with(|| self.clock.sleep_until(at));
            if wait.at() != at {
                wait.reset(at);
            }
            ready!(Pin::new(wait).poll(cx));
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.load.state();
            state.advance(self.clock.now(), self.load.slowdown);
            state.in_flight -= 1;
            state.waiting.remove(&self.ordinal);
            std::mem::take(&mut state.waiting)
        };
        for waker in waiting.into_values() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::on_virtual_time;
    use goodput_grammar::sim::parse_slowdown;
    use proptest::prelude::*;
    use std::future::poll_fn;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn load(slowdown: &str) -> Arc<Load> {
        Arc::new(Load::new(parse_slowdown(slowdown).unwrap()))
    }

    /// When each of these requests, given by its arrival and its work, is through.
    fn through(slowdown: &str, requests: &[(u64, Duration)]) -> Vec<u64> {
        on_virtual_time(async |clock| {
            let load = load(slowdown);
            let mut all = tokio::task::JoinSet::new();
            for (index, &(at, work)) in requests.iter().enumerate() {
                let (clock, load) = (clock.clone(), load.clone());
                all.spawn(async move {
                    clock.sleep_until(Nanos(at)).await;
                    let mut share = Share::new(load, clock);
                    let target = share.done().after(work);
                    let end = poll_fn(|cx| share.poll_reach(target, cx)).await;
                    (index, end.0)
                });
            }
            let mut ends = all.join_all().await;
            ends.sort_unstable();
            ends.into_iter().map(|(_, end)| end).collect()
        })
        .unwrap()
    }

    #[test]
    fn a_constant_load_multiplies() {
        assert_eq!(through("50%", &[(7_000, ms(10))]), [10_007_000]);
        let four = [(0, ms(10)); 4];
        assert_eq!(through("50%", &four), [25_000_000; 4]);
        assert_eq!(through("1.5x@4", &four), [15_000_000; 4]);
        assert_eq!(through("0%", &four), [10_000_000; 4]);
    }

    /// At 100 %, two take twice as long. The first is alone for 4 ms, then has 6 ms of work left; the
    /// second brings 2 ms, which take until 8 ms; the last 4 ms the first is alone again.
    #[test]
    fn load_acts_while_a_token_is_made() {
        let ends = through("100%", &[(0, ms(10)), (4_000_000, ms(2))]);
        assert_eq!(ends, [12_000_000, 8_000_000]);
    }

    #[test]
    fn what_never_ends_does_not_overflow() {
        let load = load("1000x@1000001");
        let mut state = load.state();
        state.in_flight = u64::MAX;
        state.advance(Nanos(u64::MAX), load.slowdown);
        let never = Work(state.work).after(Duration::MAX);
        assert_eq!(state.when(never, load.slowdown), Nanos(u64::MAX));
    }

    /// The same times, worked out event by event with rational numbers instead of one integral.
    fn expected(percent: u64, requests: &[(u64, u64)]) -> Vec<f64> {
        let mut left: Vec<f64> = requests.iter().map(|(_, work)| *work as f64).collect();
        let mut ends = vec![f64::NAN; requests.len()];
        let mut now = 0.0;
        loop {
            let here = |i: usize| requests[i].0 as f64 <= now && ends[i].is_nan();
            let active: Vec<usize> = (0..requests.len()).filter(|&i| here(i)).collect();
            let others = active.len().saturating_sub(1) as f64;
            let factor = 1.0 + others * percent as f64 / 100.0;
            let next_arrival = requests.iter().map(|(at, _)| *at as f64);
            let next_arrival = next_arrival
                .filter(|at| *at > now)
                .fold(f64::INFINITY, f64::min);
            let first = active
                .iter()
                .copied()
                .min_by(|a, b| left[*a].total_cmp(&left[*b]));
            let end = first.map_or(f64::INFINITY, |i| now + left[i] * factor);
            let next = end.min(next_arrival);
            if next.is_infinite() {
                return ends;
            }
            for &i in &active {
                left[i] -= (next - now) / factor;
            }
            if let Some(i) = first.filter(|_| end <= next_arrival) {
                ends[i] = end;
            }
            now = next;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_load_gives_what_a_simulation_of_events_gives(
            percent in 0..300_u64,
            requests in prop::collection::vec((0..50_000_u64, 1..50_000_u64), 1..12),
        ) {
            let nanos: Vec<(u64, Duration)> = requests
                .iter()
                .map(|(at, work)| (*at, Duration::from_nanos(*work)))
                .collect();
            let found = through(&format!("{percent}%"), &nanos);
            for (found, expected) in found.iter().zip(expected(percent, &requests)) {
                // Each departure is seen at a whole nanosecond, up to 1 ns late.
                let error = *found as f64 - expected;
                prop_assert!((-0.01..=50.0).contains(&error), "{found} for {expected} ns");
            }
        }
    }
}
