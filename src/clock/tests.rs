//! Waits on the real clock.

use crate::clock::{Clock, Elapsed, Nanos, on_real_time};
use rstest::rstest;
use std::{
    future::{pending, poll_fn},
    task::Poll,
    time::Duration,
};

fn run<T>(work: impl AsyncFnOnce(Clock) -> T) -> T {
    on_real_time(work).unwrap()
}

#[rstest]
#[case::below_a_millisecond(300)]
#[case::between_milliseconds(5_300)]
fn a_sleep_never_ends_early(#[case] micros: u64) {
    run(async |clock| {
        let at = clock.now().after(Duration::from_micros(micros));
        clock.sleep_until(at).await;
        assert!(clock.now() >= at);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn sleepers_wake_in_the_order_of_their_deadlines() {
    use futures_util::future::join_all;
    use std::cell::RefCell;

    let woken = RefCell::new(Vec::new());
    run(async |clock| {
        let start = clock.now();
        let (clock, woken) = (&clock, &woken);
        // Coprime with 50, so every tenth of a millisecond comes up once, far from in order.
        join_all((0..50_u64).map(|i| i * 17 % 50).map(|place| async move {
            let at = start.after(Duration::from_micros(5_000 + place * 100));
            clock.sleep_until(at).await;
            assert!(clock.now() >= at);
            woken.borrow_mut().push(place);
        }))
        .await;
    });
    assert_eq!(woken.into_inner(), (0..50).collect::<Vec<_>>());
}

#[test]
fn a_dropped_sleep_does_not_hold_up_the_others() {
    run(async |clock| {
        let start = clock.now();
        let soon = start.after(Duration::from_millis(2));
        let later = start.after(Duration::from_millis(6));
        let mut dropped = Box::pin(clock.sleep_until(soon));
        let mut kept = Box::pin(clock.sleep_until(later));
        poll_fn(|cx| {
            // Both wait now, unless the machine is so slow that their time has come.
            let _ = (dropped.as_mut().poll(cx), kept.as_mut().poll(cx));
            Poll::Ready(())
        })
        .await;
        drop(dropped);
        kept.await;
        assert!(clock.now() >= later);
    });
}

#[test]
fn a_waker_that_changed_is_the_one_that_is_woken() {
    run(async |clock| {
        let at = clock.now().after(Duration::from_millis(3));
        let waiting = clock.clone();
        let mut sleep = Box::pin(async move { waiting.sleep_until(at).await });
        // Polled once in this task, then moved to another.
        let pending = poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx).is_pending())).await;
        assert!(pending);
        tokio::spawn(sleep).await.unwrap();
        assert!(clock.now() >= at);
    });
}

#[test]
fn a_timeout_ends_work_that_never_does() {
    run(async |clock| {
        let at = clock.now().after(Duration::from_millis(2));
        assert_eq!(clock.timeout_at(at, pending::<()>()).await, Err(Elapsed));
        assert!(clock.now() >= at);
        assert_eq!(clock.timeout_at(Nanos(0), async { 1 }).await, Ok(1));
    });
}
