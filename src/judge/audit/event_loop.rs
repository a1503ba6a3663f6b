//! How late the client's event loop handled what was due.

use crate::{
    judge::{Criteria, Finding, FindingKind, number},
    run::{Run, Timestamps},
};

/// The finding on a slow event loop. The limit is that of lateness, [`Criteria::max_lateness_p99`]: in open loop the
/// two are the same thing, seen by the requests and by a steady beat.
///
/// It invalidates a run only where nothing else would show the delay: receive times are late themselves when the
/// kernel gives none, and a closed loop (or a cap) sends its next request late, which looks like a slow server's
/// throughput.
pub(super) fn event_loop(run: &Run, criteria: &Criteria) -> Option<Finding> {
    let watch = run.audit.watch?;
    let limit = criteria.max_lateness_p99.as_secs_f64() * 1e3;
    if watch.delay_p99_ms <= limit {
        return None;
    }
    let setup = &run.setup;
    let (kind, consequence) = if run.audit.timestamps != Timestamps::Kernel {
        let why = "Receive times are the client's own here, so latencies are too long by that";
        (FindingKind::SlowLoop, why)
    } else if !setup.open_loop || setup.max_concurrency.is_some() {
        let why = "The next request then waits for the client, so throughput is the client's own";
        (FindingKind::SlowLoop, why)
    } else {
        let why = "Receive times are the kernel's and are not affected";
        (FindingKind::LoopDelay, why)
    };
    Some(Finding {
        kind,
        message: format!(
            "the client's event loop was {} ms behind at the 99th percentile of the time ({} ms at \
             most), the limit is {limit} ms. {consequence}. Lower the load, give this machine less \
             other work, build with `--release`, or raise `max_lateness`",
            number(watch.delay_p99_ms),
            number(watch.delay_max_ms),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::testing::watched, *};
    use rstest::rstest;
    use std::time::Duration;

    fn slow() -> Run {
        watched(|watch| {
            watch.delay_p99_ms = 41.5;
            watch.delay_max_ms = 80.0;
        })
    }

    fn kind(run: &Run, limit_ms: u64) -> Option<FindingKind> {
        let criteria = Criteria {
            max_lateness_p99: Duration::from_millis(limit_ms),
            ..Criteria::default()
        };
        event_loop(run, &criteria).map(|finding| finding.kind)
    }

    #[rstest]
    #[case::open_loop(Timestamps::Kernel, true, None, FindingKind::LoopDelay)]
    #[case::own_times(Timestamps::Monotonic, true, None, FindingKind::SlowLoop)]
    #[case::closed_loop(Timestamps::Kernel, false, Some(4), FindingKind::SlowLoop)]
    #[case::capped(Timestamps::Kernel, true, Some(4), FindingKind::SlowLoop)]
    fn it_invalidates_what_it_would_falsify(
        #[case] timestamps: Timestamps,
        #[case] open_loop: bool,
        #[case] max_concurrency: Option<usize>,
        #[case] expected: FindingKind,
    ) {
        let mut run = slow();
        run.audit.timestamps = timestamps;
        run.setup.open_loop = open_loop;
        run.setup.max_concurrency = max_concurrency;
        assert_eq!(kind(&run, 25), Some(expected));
        assert_eq!(kind(&run, 42), None);
    }

    #[test]
    fn the_sentence() {
        let mut run = slow();
        run.audit.timestamps = Timestamps::Monotonic;
        let finding = event_loop(&run, &Criteria::default());
        insta::assert_snapshot!(finding.unwrap().message, @"the client's event loop was 41.50 ms behind at the 99th percentile of the time (80.00 ms at most), the limit is 25 ms. Receive times are the client's own here, so latencies are too long by that. Lower the load, give this machine less other work, build with `--release`, or raise `max_lateness`");
    }
}
