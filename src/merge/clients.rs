//! What the clients of a run note about themselves.
//!
//! Each shard is judged by itself: one client of many that was late would not show in numbers of all. Of what was measured
//! the whole run has the worst shard's value, so that no percentile is made of percentiles.

use super::wrong::name;
use crate::{
    judge::{Criteria, Finding, FindingKind, number, of_client},
    metrics::Metrics,
    record::Timestamps,
    run::{Audit, ReadAudit, Run, ShardStart, WatchAudit},
};

/// Findings of all clients, by kind, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<(FindingKind, Vec<(ShardStart, String)>)>);

impl Findings {
    /// Adds what is to be said of a shard.
    pub(super) fn add(
        &mut self,
        start: &ShardStart,
        run: &Run,
        metrics: &Metrics,
        criteria: &Criteria,
    ) {
        let late = &metrics.gate.lateness;
        let found = of_client(run, metrics, criteria).into_iter();
        let found = found.map(|finding| (finding.kind, finding.message));
        let off = (!late.is_empty())
            .then(|| off(start, late.percentile(99.0), criteria))
            .flatten();
        for (kind, message) in found.chain(off) {
            let said = (start.clone(), message);
            match self.0.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, all)) => all.push(said),
                None => self.0.push((kind, vec![said])),
            }
        }
    }

    /// One finding of each kind: that of the first shard which has it, with the number of others.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        let finding = |(kind, said): (FindingKind, Vec<(ShardStart, String)>)| {
            let others = said.len().saturating_sub(1);
            let (start, message) = said.into_iter().next()?;
            let who = name(&start);
            let others = match others {
                0 => String::new(),
                1 => " (and another shard likewise)".to_owned(),
                others => format!(" (and {others} other shards likewise)"),
            };
            Some(Finding {
                kind,
                message: format!("{who}: {message}{others}"),
            })
        };
        self.0.into_iter().filter_map(finding).collect()
    }
}

/// The start of a shard is known to its bound only, and to this its requests may be late in addition.
fn off(start: &ShardStart, late: f64, criteria: &Criteria) -> Option<(FindingKind, String)> {
    let bound = start.bound_ms?;
    let limit = criteria.max_lateness_p99.as_secs_f64() * 1e3;
    (late + bound > limit && late <= limit).then(|| {
        let message = format!(
            "its start is known to ± {} ms, and it took requests up {} ms late at the 99th percentile; together this is above \
             the limit of {limit} ms. Use a faster network for the rendezvous, or raise --max-lateness",
            number(bound),
            number(late),
        );
        (FindingKind::Shard, message)
    })
}

/// The audit of two clients as one: sums of what was counted, and the worse of what was measured.
pub(super) fn worse(one: Audit, other: Audit) -> Audit {
    Audit {
        timestamps: match (one.timestamps, other.timestamps) {
            (Timestamps::Kernel, _) | (_, Timestamps::Kernel) => Timestamps::Kernel,
            (one, _) => one,
        },
        connections: one.connections.saturating_add(other.connections),
        reads: reads(one.reads, other.reads),
        watch: match (one.watch, other.watch) {
            (Some(one), Some(other)) => Some(watch(one, other)),
            (one, other) => one.or(other),
        },
        descriptors: one.descriptors.into_iter().chain(other.descriptors).min(),
        resolve_ms: max(one.resolve_ms, other.resolve_ms),
        server_ttft: one.server_ttft.or(other.server_ttft),
        shard: None,
        shards: Vec::new(),
    }
}

fn reads(one: ReadAudit, other: ReadAudit) -> ReadAudit {
    ReadAudit {
        by_kernel: one.by_kernel.saturating_add(other.by_kernel),
        at_read: one.at_read.saturating_add(other.at_read),
        clock_steps: one.clock_steps.saturating_add(other.clock_steps),
        merged: one.merged.saturating_add(other.merged),
        merged_behind: one.merged_behind.saturating_add(other.merged_behind),
        wait_p50_ms: one.wait_p50_ms.max(other.wait_p50_ms),
        wait_p99_ms: one.wait_p99_ms.max(other.wait_p99_ms),
        wait_max_ms: one.wait_max_ms.max(other.wait_max_ms),
    }
}

fn watch(one: WatchAudit, other: WatchAudit) -> WatchAudit {
    WatchAudit {
        delay_p50_ms: one.delay_p50_ms.max(other.delay_p50_ms),
        delay_p99_ms: one.delay_p99_ms.max(other.delay_p99_ms),
        delay_max_ms: one.delay_max_ms.max(other.delay_max_ms),
        paused_ms: one.paused_ms.max(other.paused_ms),
        longest_pause_ms: one.longest_pause_ms.max(other.longest_pause_ms),
        cpu_share: max(one.cpu_share, other.cpu_share),
        cpu_wait_share: max(one.cpu_wait_share, other.cpu_wait_share),
        preemptions: match (one.preemptions, other.preemptions) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        },
        busy_share: max(one.busy_share, other.busy_share),
        steal_share: max(one.steal_share, other.steal_share),
        throttled_share: max(one.throttled_share, other.throttled_share),
    }
}

fn max(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}
