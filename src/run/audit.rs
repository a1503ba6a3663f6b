//! What the client knows about itself and its machine.

use crate::record::Timestamps;
use serde::{Deserialize, Serialize};

/// What the client knows about itself. What a system does not tell, or an older version did not
/// ask, is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// Where receive times come from.
    pub timestamps: Timestamps,
    /// Connections opened.
    pub connections: u64,
    /// How the answers were read.
    #[serde(default)]
    pub reads: ReadAudit,
    /// How the client and its machine kept up; absent on virtual time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<WatchAudit>,
    /// Files and sockets that this process may have open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptors: Option<u64>,
    /// How long the resolver took for the host's name, ms. Once, before the run; absent for addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolve_ms: Option<f64>,
    /// Time to first token as the server counted it during the run, from its `/metrics`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_ttft: Option<ServerTtft>,
}

/// How answers were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadAudit {
    /// Reads whose time is the kernel's.
    pub by_kernel: u64,
    /// Reads whose time is the client's.
    pub at_read: u64,
    /// Kernel times that were not used, because the system's clock was set in between.
    pub clock_steps: u64,
    /// Token events that came in one read with the one before them.
    pub merged: u64,
    /// Those of them that had waited for the client for more than 1 ms: their own times are not known.
    pub merged_behind: u64,
    /// How long what the kernel had received waited for the client, ms: half of it at most.
    pub wait_p50_ms: f64,
    /// 99 % of it at most.
    pub wait_p99_ms: f64,
    /// All of it at most.
    pub wait_max_ms: f64,
}

/// How the client and its machine kept up. Shares are 0–1 of the run's time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct WatchAudit {
    /// How late the client's event loop took up what was due: half of the time at most, ms. A beat
    /// is due every 10 ms, and each that was missed counts.
    pub delay_p50_ms: f64,
    /// 99 % of the time at most, ms.
    pub delay_p99_ms: f64,
    /// At most, ms.
    pub delay_max_ms: f64,
    /// All pauses of 250 ms and more in which the client's thread did not run, ms.
    pub paused_ms: f64,
    /// The longest of them, ms.
    pub longest_pause_ms: f64,
    /// Processor time of the client's thread; the mean of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_share: Option<f64>,
    /// Time in which the client's thread could have run but had to wait for a processor; the mean of
    /// several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_wait_share: Option<f64>,
    /// How often the client's thread was put aside for another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preemptions: Option<u64>,
    /// Processor time of everything on this machine, of what it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy_share: Option<f64>,
    /// Processor time that the hypervisor gave to others although this machine wanted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steal_share: Option<f64>,
    /// Scheduling periods in which the container's CPU limit stopped its processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_share: Option<f64>,
}

/// Time to first token as a server counted it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ServerTtft {
    /// First tokens that it counted during the run, whoever asked.
    pub count: u64,
    /// Their mean, ms.
    pub mean_ms: f64,
}

impl ServerTtft {
    /// Of two runs together.
    pub(crate) fn plus(self, other: ServerTtft) -> ServerTtft {
        let count = self.count + other.count;
        let sum = |ttft: ServerTtft| ttft.mean_ms * ttft.count as f64;
        ServerTtft {
            count,
            mean_ms: (sum(self) + sum(other)) / count as f64,
        }
    }
}
