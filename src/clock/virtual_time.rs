//! tokio's paused clock, dilated.
//!
//! tokio's timers have steps of 1 ms, paused or not. One tokio millisecond therefore stands for one
//! virtual microsecond, so that a gap of 5.3 ms takes 5.3 ms.

use super::Nanos;
use std::{future::pending, time::Duration};
use tokio::time::Instant;

/// tokio time per virtual time.
const DILATION: u32 = 1_000;

/// A virtual clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Virtual {
    origin: Instant,
    dilation: u32,
}

impl Virtual {
    pub(super) fn new() -> Self {
        Virtual {
            origin: Instant::now(),
            dilation: DILATION,
        }
    }

    /// tokio's time as it is, for the sake of code that sleeps by it.
    pub(super) fn undilated() -> Self {
        Virtual {
            dilation: 1,
            ..Virtual::new()
        }
    }

    pub(super) fn now(&self) -> Nanos {
        let nanos = self.origin.elapsed().as_nanos() / u128::from(self.dilation);
        Nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    pub(super) async fn sleep_until(&self, at: Nanos) {
        if self.now() >= at {
            return;
        }
        let deadline = Duration::from_nanos(at.0)
            .checked_mul(self.dilation)
            .and_then(|dilated| self.origin.checked_add(dilated));
        match deadline {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            // Further away than the clock can express: it never comes.
            None => pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::clock::{Clock, Elapsed, Nanos, runtime_virtual};
    use proptest::prelude::*;
    use rstest::rstest;
    use std::{cell::RefCell, future::pending, time::Duration};

    fn run<T>(work: impl AsyncFnOnce(Clock) -> T) -> T {
        runtime_virtual()
            .unwrap()
            .block_on(async { work(Clock::virtual_time()).await })
    }

    #[rstest]
    #[case::whole_milliseconds(50_000_000, 50_000_000)]
    #[case::fractions_of_a_millisecond(5_300_000, 5_300_000)]
    #[case::one_step(1_000, 1_000)]
    #[case::rounded_up_to_the_step(1_001, 2_000)]
    #[case::an_hour(3_600_000_000_001, 3_600_000_001_000)]
    fn a_sleep_takes_what_it_says(#[case] asked: u64, #[case] taken: u64) {
        let now = run(async |clock| {
            clock.sleep_until(Nanos(asked)).await;
            clock.now()
        });
        assert_eq!(now, Nanos(taken));
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
                prop_assert_eq!(now, Nanos(at.div_ceil(1_000) * 1_000));
            }
        }
    }
}
