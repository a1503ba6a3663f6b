//! Flags that say how requests get to the server.

use crate::bench::Bench;
use clap::ArgAction;

/// How requests get to the server.
#[derive(Debug, clap::Args)]
pub(super) struct Connections {
    /// Which of several URLs gets a request: round-robin, least-in-flight, or session, which keeps a session at one URL.
    #[arg(long, value_name = "POLICY", default_value = "round-robin")]
    balance: String,
    /// Local addresses that connections leave from, in turn: each has about 28,000 ports for each URL.
    #[arg(long, num_args = 1.., action = ArgAction::Set, value_name = "ADDRESS")]
    bind: Vec<String>,
}

impl Connections {
    pub(super) fn apply(&self, bench: Bench) -> Bench {
        bench.balance(self.balance.as_str()).bind(self.bind.clone())
    }
}
