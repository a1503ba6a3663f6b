//! The `goodput` command: `serve` measures a server, `sim` is one.

mod argv;
mod baseline;
mod progress;
mod save;
mod serve;
mod sim;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// criterion for LLM inference servers: measures, judges, and exits non-zero when an SLO is missed.
#[derive(Debug, Parser)]
#[command(name = "goodput", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure a server, with the flags of `vllm bench serve`.
    ///
    /// Exit code: 0 pass, 1 an SLO was missed or a baseline shows a regression, 2 unusable arguments or input, 3 inconclusive,
    /// 4 invalid (nothing was measured that could be judged).
    #[command(allow_negative_numbers = true)]
    Serve(Box<serve::Args>),
    /// Show the baselines that were saved.
    Baseline(baseline::Args),
    /// Serve a simulated model on a port, for other tools to be pointed at.
    Sim(sim::Args),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(argv::normalised(std::env::args_os())) {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are no errors and go to stdout.
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { 2 } else { 0 });
        }
    };
    match cli.command {
        Command::Serve(args) => serve::run(*args),
        Command::Baseline(args) => baseline::run(&args),
        Command::Sim(args) => sim::run(args),
    }
}
