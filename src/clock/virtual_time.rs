//! Virtual time: it stands still while anything can run, and jumps to the next deadline when
//! nothing can.
//!
//! tokio's paused clock does the same, but in steps of 1 ms and through a wheel of timers that is
//! made for real time. Here time is a number, and the runtime says when nothing can run: that is
//! when it is about to park its thread.

use super::{
    Nanos,
    sleepers::{Sleepers, Time},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// A virtual clock. Clones show the same time.
#[derive(Debug, Clone, Default)]
pub(super) struct Virtual(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    now: AtomicU64,
    sleepers: Sleepers,
}

impl Virtual {
    /// Jumps to the next deadline, and wakes all its sleepers.
    pub(super) fn advance(&self) {
        if let Some(next) = self.0.sleepers.first() {
            self.0.now.store(next.0, Ordering::Relaxed);
            self.0.sleepers.wake_due(next);
        }
    }
}

impl Time for Virtual {
    fn now(&self) -> Nanos {
        Nanos(self.0.now.load(Ordering::Relaxed))
    }

    fn sleepers(&self) -> &Sleepers {
        &self.0.sleepers
    }

    fn awaited(&self, _at: Nanos) {}
}

#[cfg(test)]
mod tests {
    use crate::clock::{Clock, Elapsed, Nanos, on_virtual_time};
    use proptest::prelude::*;
    use rstest::rstest;
    use std::{cell::RefCell, future::pending, time::Duration};

    fn run<T>(work: impl AsyncFnOnce(Clock) -> T) -> T {
        on_virtual_time(work).unwrap()
    }

    #[rstest]
    #[case::whole_milliseconds(50_000_000)]
    #[case::fractions_of_a_millisecond(5_300_000)]
    #[case::one_step(1)]
    #[case::an_hour(3_600_000_000_001)]
    fn a_sleep_takes_what_it_says(#[case] asked: u64) {
        let now = run(async |clock| {
            clock.sleep_until(Nanos(asked)).await;
            clock.now()
        });
        assert_eq!(now, Nanos(asked));
    }

    #[test]
    fn the_past_takes_no_time() {
        run(async |clock| {
            clock.sleep_until(Nanos(7_000)).await;
            clock.sleep_until(Nanos(3_000)).await;
            assert_eq!(clock.now(), Nanos(7_000));
        });
    }

    #[test]
    fn absolute_deadlines_do_not_drift() {
        let now = run(async |clock| {
            for step in 1..=1_000 {
                clock.sleep_until(Nanos(step * 5_300_000)).await;
            }
            clock.now()
        });
        assert_eq!(now, Nanos(5_300_000_000));
    }

    #[test]
    fn a_timeout_passes_at_its_deadline() {
        run(async |clock| {
            let late = clock.timeout_at(Nanos(2_500_000), pending::<()>()).await;
            assert_eq!((late, clock.now()), (Err(Elapsed), Nanos(2_500_000)));

            let at = Nanos(4_000_000);
            let tie = clock.timeout_at(at, clock.sleep_until(at)).await;
            assert_eq!((tie, clock.now()), (Ok(()), at));

            let never = clock.timeout_at(Nanos(u64::MAX), async { 7 }).await;
            assert_eq!(never, Ok(7));
        });
    }

    #[test]
    fn a_far_deadline_waits_like_any_other() {
        run(async |clock| {
            let far = clock.sleep_until(Nanos(u64::MAX));
            let day = Nanos(0).after(Duration::from_secs(86_400));
            assert_eq!(clock.timeout_at(day, far).await, Err(Elapsed));
            assert_eq!(clock.now(), day);
        });
    }

    proptest! {
        #[test]
        fn sleepers_wake_in_the_order_of_their_deadlines(deadlines in prop::collection::vec(0_u64..50_000_000, 1..40)) {
            let woken = RefCell::new(Vec::new());
            run(async |clock| {
                let (clock, woken) = (&clock, &woken);
                futures_util::future::join_all(deadlines.iter().map(|&at| async move {
                    clock.sleep_until(Nanos(at)).await;
                    woken.borrow_mut().push((at, clock.now()));
                }))
                .await;
            });
            let woken = woken.into_inner();
            prop_assert!(woken.is_sorted_by_key(|&(_, now)| now));
            for (at, now) in woken {
                prop_assert_eq!(now, Nanos(at));
            }
        }
    }
}
