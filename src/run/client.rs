//! What a client notes about itself: how it read, and how it and its machine kept up.

use serde::{Deserialize, Serialize};

/// How the client read the answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadAudit {
    /// Reads with a kernel time.
    pub by_kernel: u64,
    /// Reads with the client's own time.
    pub at_read: u64,
    /// Kernel times that were discarded because the system's clock was set in between.
    pub clock_steps: u64,
    /// Token events that came in one read with the previous event.
    pub merged: u64,
    /// Merged events that had waited for the client for more than 1 ms: their own times are unknown.
    pub merged_behind: u64,
    /// Median time between the kernel's receiving data and the client's reading it, ms.
    pub wait_p50_ms: f64,
    /// 99th percentile of that wait, ms.
    pub wait_p99_ms: f64,
    /// Maximum of that wait, ms.
    pub wait_max_ms: f64,
}

/// How the client and its machine kept up. Shares are 0–1 of the run's time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct WatchAudit {
    /// Median delay of the client's event loop, ms: the loop is due every 10 ms, and each missed beat
    /// counts.
    pub delay_p50_ms: f64,
    /// 99th percentile of the event loop's delay, ms.
    pub delay_p99_ms: f64,
    /// Maximum delay of the event loop, ms.
    pub delay_max_ms: f64,
    /// Total of all pauses of 250 ms or more in which the client's thread did not run, ms.
    pub paused_ms: f64,
    /// Longest such pause, ms.
    pub longest_pause_ms: f64,
    /// Processor time of the client's thread; the mean if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_share: Option<f64>,
    /// Time in which the client's thread could have run but waited for a processor; the mean if there are
    /// several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_wait_share: Option<f64>,
    /// How often the system took the processor from the client's thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preemptions: Option<u64>,
    /// Processor time of all processes on this machine, as a share of all its processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy_share: Option<f64>,
    /// Processor time that the hypervisor gave to others although this machine needed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steal_share: Option<f64>,
    /// Scheduling periods in which the container's CPU limit stopped its processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_share: Option<f64>,
}
