//! Audit: how the client and its machine performed.

use super::{ReadAudit, ShardAudit, ShardStart, WatchAudit};
use crate::record::Timestamps;
use serde::{Deserialize, Serialize};

/// How the client and its machine performed. Values are absent if the system does not provide them, or an
/// older version of goodput did not store them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// Source of receive times.
    pub timestamps: Timestamps,
    /// Number of connections opened.
    pub connections: u64,
    /// How the client read the answers.
    #[serde(default)]
    pub reads: ReadAudit,
    /// How the client and its machine kept up; `None` on virtual time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<WatchAudit>,
    /// Number of files and sockets that this process may open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptors: Option<u64>,
    /// Time to resolve the host's name, ms, once before the run; `None` for addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolve_ms: Option<f64>,
    /// Time to first token as the server counted it during the run, from its `/metrics`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_ttft: Option<ServerTtft>,
    /// How it started, if the run is one shard of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Box<ShardStart>>,
    /// How each shard performed, if several sent the run. The values above are then sums of what was counted, and those
    /// of the worst shard of what was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<ShardAudit>,
}

/// Time to first token as a server counted it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ServerTtft {
    /// First tokens that the server counted during the run, for all its clients.
    pub count: u64,
    /// Mean time to first token, ms.
    pub mean_ms: f64,
}

impl ServerTtft {
    /// Combines two runs.
    pub(crate) fn plus(self, other: ServerTtft) -> ServerTtft {
        let count = self.count + other.count;
        let sum = |ttft: ServerTtft| ttft.mean_ms * ttft.count as f64;
        ServerTtft {
            count,
            mean_ms: (sum(self) + sum(other)) / count as f64,
        }
    }
}
