//! The lines about the client.

use super::{basis, classes, frontends, rounds, server, sessions, shards, structured};
use crate::{
    judge::number,
    metrics::Metrics,
    run::{Run, Timestamps},
};
use std::fmt::Display;

/// Labels and texts: latencies from plan and send where they differ, the client's line, and lines about what the
/// server reported.
pub(super) fn lines(run: &Run, metrics: &Metrics) -> Vec<(&'static str, String)> {
    let client = ("client", client(run, metrics));
    basis::lines(metrics)
        .into_iter()
        .chain(warm_up(run))
        .chain(classes::lines(metrics))
        .chain(sessions::lines(metrics))
        .chain(rounds::lines(metrics))
        .chain(structured::lines(metrics))
        .chain(frontends::lines(run))
        .chain([client])
        .chain(shards::line(run))
        .chain(server::lines(run, metrics))
        .collect()
}

/// Formats the lines under their labels; ends without a line break.
pub(crate) fn text<L: Display, T: Display>(lines: impl IntoIterator<Item = (L, T)>) -> String {
    let line = |(label, text)| format!("  {label:<11} {text}");
    lines.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

fn warm_up(run: &Run) -> Option<(&'static str, String)> {
    let warm_up = run.warm_up?;
    let failed = match warm_up.failed {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    let (requests, plural) = (
        warm_up.requests,
        if warm_up.requests == 1 { "" } else { "s" },
    );
    let seconds = number(warm_up.duration.as_secs_f64());
    Some((
        "warm-up",
        format!("{requests} request{plural} before the run, in {seconds} s{failed}"),
    ))
}

fn client(run: &Run, metrics: &Metrics) -> String {
    let audit = &run.audit;
    let times = match audit.timestamps {
        Timestamps::Kernel => "kernel timestamps",
        Timestamps::Monotonic => "own timestamps",
        Timestamps::Virtual if run.setup.simulated => "virtual time",
        // tokio's paused clock, which a service of the user's own waits by.
        Timestamps::Virtual => "virtual time in steps of 1 ms, rounded up (8.1 ms reads 9)",
    };
    let mut parts = vec![times.to_owned()];
    if audit.reads.by_kernel > 0 {
        let waited = audit.reads.wait_p99_ms;
        parts.push(format!("reads waited p99 {waited:.3} ms"));
    }
    let late = &metrics.gate.lateness;
    parts.push(if late.is_empty() {
        "no schedule to be late for".to_owned()
    } else {
        format!(
            "sent p99 {:.3} ms late ({:.3} at most)",
            late.percentile(99.0),
            late.max
        )
    });
    if let Some(watch) = &audit.watch {
        parts.push(format!("loop p99 {:.3} ms behind", watch.delay_p99_ms));
        if let Some(share) = watch.cpu_share {
            parts.push(format!("cpu {} %", number(share * 100.0)));
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        metrics::measure,
        report::testing::failing_run,
        run::{ServerTtft, WatchAudit},
    };

    #[test]
    fn a_live_run() {
        let mut run = failing_run();
        run.audit.timestamps = Timestamps::Kernel;
        run.audit.reads.by_kernel = 40;
        run.audit.reads.wait_p99_ms = 0.051;
        run.audit.watch = Some(WatchAudit {
            delay_p99_ms: 0.42,
            cpu_share: Some(0.123),
            ..WatchAudit::default()
        });
        run.audit.server_ttft = Some(ServerTtft {
            count: 9,
            mean_ms: 150.25,
        });
        let lines = lines(&run, &measure(&run, &[]));
        insta::assert_snapshot!(lines[0].1, @"kernel timestamps, reads waited p99 0.051 ms, sent p99 0.000 ms late (0.000 at most), loop p99 0.420 ms behind, cpu 12.30 %");
        insta::assert_snapshot!(lines[1].1, @"ttft 150.2 ms on average of 9 by its /metrics, 178.9 ms of 9 from sending here");
    }
}
