//! Flags of what is asked of a server beside the requests.

use crate::bench::Bench;

/// What is asked of the server beside the requests.
#[derive(Debug, clap::Args)]
pub(super) struct ServerFlags {
    /// Probes per second beside the requests: each a short prompt for one token, to see how long the
    /// server makes others wait.
    #[arg(long, default_value_t = 0.0)]
    probe_request_rate: f64,
    /// Read the server's /metrics so often during the run, such as 1s, for a series of its requests
    /// running and waiting, its KV memory and preemptions.
    #[arg(long)]
    server_metrics_interval: Option<String>,
    /// Leave synthetic prompts as the tokenizer here makes them, even if the server's counts other lengths.
    #[arg(long)]
    no_align_prompts: bool,
}

impl ServerFlags {
    pub(super) fn apply(&self, bench: Bench) -> Bench {
        let bench = bench
            .probe_rate(self.probe_request_rate)
            .align_prompts(!self.no_align_prompts);
        match &self.server_metrics_interval {
            Some(every) => bench.server_metrics_interval(every),
            None => bench,
        }
    }
}
