//! `goodput search`: the highest load at which the SLOs hold.

use super::{argv::Origins, serve};
use std::process::ExitCode;

/// A search; the flags of `goodput serve` say of which server, and with which requests.
#[derive(Debug, clap::Args)]
pub(super) struct Search {
    /// What to search for: rate or concurrency, with a range and a precision if they are known: "rate(1..64, within = 5%)".
    #[arg(long, value_name = "SEARCH")]
    find: String,
    #[command(flatten)]
    serve: serve::Serve,
}

/// The end of the long help.
pub(super) const EXAMPLES: &str = "\
Examples:
  The built-in simulation, without a server:
    goodput search --find rate --target \"sim(engine = linear, max_num_seqs = 4)\" --num-prompts 500 \\
      --goodput ttft:500 --slo \"goodput >= 90%\"

  A running server as a gate, which must take 12 requests per second:
    goodput search --find \"rate(1..64)\" --base-url http://127.0.0.1:8000 --num-prompts 500 \\
      --search-budget 20m --goodput ttft:500 --slo \"max_rate(goodput >= 90%) >= 12\"

Flags with WORD in their names: --help=WORD.";

pub(super) fn run(search: Search, origins: &Origins) -> ExitCode {
    let Search { find, mut serve } = search;
    let args = serve.args_mut();
    args.searches_for(find);
    serve::run_as(&serve, "goodput search", origins)
}
