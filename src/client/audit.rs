//! Converts the client's logs into a run's audit.

use super::{ReadLog, WatchLog};
use crate::{
    histogram::LatencyHistogram,
    run::{ReadAudit, WatchAudit},
};

impl From<&ReadLog> for ReadAudit {
    fn from(log: &ReadLog) -> Self {
        ReadAudit {
            by_kernel: log.by_kernel,
            at_read: log.at_read,
            clock_steps: log.clock_steps,
            merged: log.merged,
            merged_behind: log.merged_behind,
            wait_p50_ms: behind(&log.waits, 50.0),
            wait_p99_ms: behind(&log.waits, 99.0),
            wait_max_ms: behind(&log.waits, 100.0),
        }
    }
}

impl From<&WatchLog> for WatchAudit {
    fn from(log: &WatchLog) -> Self {
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let system = &log.system;
        let watched = log.watched.as_nanos() as u64;
        WatchAudit {
            delay_p50_ms: behind(&log.delays, 50.0),
            delay_p99_ms: behind(&log.delays, 99.0),
            delay_max_ms: behind(&log.delays, 100.0),
            paused_ms: log.paused.as_secs_f64() * 1e3,
            longest_pause_ms: log.longest_pause.as_secs_f64() * 1e3,
            cpu_share: system.thread_ns.and_then(|ns| share(ns, watched)),
            cpu_wait_share: system.thread_wait_ns.and_then(|ns| share(ns, watched)),
            preemptions: system.preemptions,
            busy_share: system.cpu.and_then(|cpu| share(cpu.busy, cpu.all)),
            steal_share: system.cpu.and_then(|cpu| share(cpu.steal, cpu.all)),
            throttled_share: system
                .quota
                .and_then(|quota| share(quota.throttled, quota.periods)),
        }
    }
}

/// How far the client was behind, ms; 0 if it never was.
fn behind(seen: &LatencyHistogram, q: f64) -> f64 {
    match seen.count() {
        0 => 0.0,
        _ => seen.percentile_ms(q),
    }
}
