//! `goodput throughput`: all requests at once, as `vllm bench throughput`.

use super::{argv::Origins, serve};
use crate::report::Offline;
use std::{path::PathBuf, process::ExitCode};

/// Requests that saturate a server; the flags of `goodput serve` say which and how.
#[derive(Debug, clap::Args)]
pub(super) struct Throughput {
    /// File for the result, with the keys of `vllm bench throughput`.
    #[arg(long)]
    output_json: Option<PathBuf>,
    #[command(flatten)]
    serve: serve::Serve,
}

/// The end of the long help.
pub(super) const EXAMPLES: &str = "\
Examples:
  A running server as a gate:
    goodput throughput --base-url http://127.0.0.1:8000 --input-len 256 --output-len 64 --num-prompts 500 \\
      --slo \"throughput(output) > 1000\"

Flags with WORD in their names: --help=WORD.";

pub(super) fn run(mut throughput: Throughput, origins: &Origins) -> ExitCode {
    throughput.serve.args_mut().script = Some(serve::Script {
        kind: Offline::Throughput,
        json: throughput.output_json,
    });
    serve::run_as(&throughput.serve, "goodput throughput", origins)
}
