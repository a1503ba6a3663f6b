//! Pauses of the client: the process was stopped, the machine suspended, or the thread got no processor.

use crate::{
    judge::{Finding, FindingKind, number},
    run::Run,
};

/// A single pause of this length invalidates any run, ms.
const LONG_MS: f64 = 1000.0;

/// The share of the run from which on all pauses together invalidate it: they alone then make up a 99th percentile.
const SHARE: f64 = 0.01;

pub(super) fn pauses(run: &Run) -> Option<Finding> {
    let watch = run.audit.watch?;
    if watch.paused_ms <= 0.0 {
        return None;
    }
    let share = watch.paused_ms / run.duration.as_millis_f64().max(watch.paused_ms);
    let kind = if watch.longest_pause_ms >= LONG_MS || share > SHARE {
        FindingKind::Stopped
    } else {
        FindingKind::Paused
    };
    Some(Finding {
        kind,
        message: format!(
            "the client did not run for {} ms in one piece ({} ms in all, {} % of the run): its \
             process was stopped, the machine was suspended, or other processes had all of its \
             processor time. A pause of {} s, or {} % of the run, makes it invalid. Leave the \
             process alone and give the machine less other work",
            number(watch.longest_pause_ms),
            number(watch.paused_ms),
            number(share * 100.0),
            LONG_MS / 1e3,
            SHARE * 100.0,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::testing::watched, *};
    use rstest::rstest;

    #[rstest]
    #[case::none(0.0, 0.0, 10, None)]
    #[case::short_run(300.0, 300.0, 10, Some(FindingKind::Stopped))]
    #[case::long_run(300.0, 300.0, 60, Some(FindingKind::Paused))]
    #[case::several(300.0, 900.0, 60, Some(FindingKind::Stopped))]
    #[case::long_pause(1000.0, 1000.0, 3600, Some(FindingKind::Stopped))]
    fn what_share_of_the_run_matters(
        #[case] longest: f64,
        #[case] all: f64,
        #[case] seconds: u64,
        #[case] expected: Option<FindingKind>,
    ) {
        let mut run = watched(|watch| {
            watch.longest_pause_ms = longest;
            watch.paused_ms = all;
        });
        run.duration.0 = seconds * 1_000_000_000;
        assert_eq!(pauses(&run).map(|finding| finding.kind), expected);
    }

    #[test]
    fn the_sentence() {
        let run = watched(|watch| {
            watch.longest_pause_ms = 2012.3;
            watch.paused_ms = 2312.9;
        });
        insta::assert_snapshot!(pauses(&run).unwrap().message, @"the client did not run for 2012.3 ms in one piece (2312.9 ms in all, 23.13 % of the run): its process was stopped, the machine was suspended, or other processes had all of its processor time. A pause of 1 s, or 1 % of the run, makes it invalid. Leave the process alone and give the machine less other work");
    }
}
