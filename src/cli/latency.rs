//! `goodput latency`: the time of one batch, as `vllm bench latency`.

use super::{argv::Origins, serve};
use crate::{error::Error, problem::Problem, report::Offline};
use std::{path::PathBuf, process::ExitCode};

/// A batch that is sent again and again; the flags of `goodput serve` say to which server.
#[derive(Debug, clap::Args)]
pub(super) struct Latency {
    /// Requests of the batch, all sent at once.
    #[arg(long, default_value_t = 8)]
    batch_size: usize,
    /// Generated sequences for each prompt; 1.
    #[arg(long, default_value_t = 1)]
    n: usize,
    /// Batches before the timed ones.
    #[arg(long, default_value_t = 10)]
    num_iters_warmup: usize,
    /// Timed batches.
    #[arg(long, default_value_t = 30)]
    num_iters: usize,
    /// File for the latencies, with the keys of `vllm bench latency`.
    #[arg(long)]
    output_json: Option<PathBuf>,
    #[command(flatten)]
    serve: serve::Serve,
}

/// The end of the long help.
pub(super) const EXAMPLES: &str = "\
Examples:
  A running server as a gate:
    goodput latency --base-url http://127.0.0.1:8000 --batch-size 8 --input-len 32 --output-len 128 \\
      --slo \"p90(round_e2el) < 2s\"

Flags with WORD in their names: --help=WORD.";

pub(super) fn run(mut latency: Latency, origins: &Origins) -> ExitCode {
    let problems = latency.problems();
    let serve = &mut latency.serve;
    let args = serve.args_mut();
    args.num_prompts = latency.batch_size;
    args.default_lengths(32, 128);
    args.send_rounds(latency.num_iters_warmup, latency.num_iters);
    args.script = Some(serve::Script {
        kind: Offline::Latency,
        json: latency.output_json,
    });
    if problems.is_empty() {
        serve::run_as(serve, "goodput latency", origins)
    } else {
        serve::exit_code(Err(Error::Invalid(problems)))
    }
}

impl Latency {
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let least = [
            ("--batch-size", self.batch_size),
            ("--num-iters", self.num_iters),
        ];
        let zeros = least.iter().filter(|(_, number)| *number == 0);
        problems.extend(zeros.map(|(flag, _)| Problem::new(*flag, 0, "must be at least 1")));
        if self.n != 1 {
            let fix = "asks for several answers to a prompt, which goodput does not measure. Leave it out";
            problems.push(Problem::new("--n", self.n, fix));
        }
        problems.extend(self.serve.sets_load("--batch-size"));
        problems
    }
}
