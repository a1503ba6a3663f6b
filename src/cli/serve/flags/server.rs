//! Flags of what goodput asks a server in addition to the requests.

use crate::bench::Bench;

/// What goodput asks the server in addition to the requests.
#[derive(Debug, clap::Args)]
pub(super) struct ServerFlags {
    /// Probes per second, in addition to the requests: each is a short prompt for one token and shows how
    /// long the server makes others wait.
    #[arg(long, default_value_t = 0.0)]
    probe_request_rate: f64,
    /// Interval between reads of the server's /metrics during the run, such as 1s: a series of its
    /// requests running and waiting, its KV memory and preemptions.
    #[arg(long)]
    server_metrics_interval: Option<String>,
}

impl ServerFlags {
    pub(super) fn apply(&self, bench: Bench) -> Bench {
        let bench = bench.probe_rate(self.probe_request_rate);
        match &self.server_metrics_interval {
            Some(every) => bench.server_metrics_interval(every),
            None => bench,
        }
    }
}
