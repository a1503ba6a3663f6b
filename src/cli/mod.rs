//! The `goodput` command: `serve` measures a server, `ab` compares two, `run` runs a suite of benches,
//! `report` shows result files, `sim` is a server.

mod ab;
mod apart;
mod argv;
mod baseline;
mod outputs;
mod progress;
mod report;
mod run;
mod save;
mod serve;
mod settings;
mod sim;
mod words;

use crate::screen;
use clap::{Parser, Subcommand};
use std::{ffi::OsString, process::ExitCode, sync::OnceLock};

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
    /// Exit code: 0 pass or no verdict (nothing was demanded), 1 an SLO was missed, a baseline shows a
    /// regression, or more than 1 % of the requests failed (an SLO on `errors` replaces that limit), 2
    /// unusable arguments or input, 3 inconclusive, 4 invalid (nothing was measured that could be judged).
    #[command(allow_negative_numbers = true, args_override_self = true)]
    Serve(Box<serve::Serve>),
    /// Run the benches of a suite file, `goodput.toml`.
    ///
    /// Its keys are those of the attribute `#[llm_bench]`; see docs/suites.md.
    ///
    /// Exit code: the worst of the benches', 2 (unusable file, arguments or input) before 1 (a bench
    /// failed) before 4 (invalid) before 3 (inconclusive) before 0 (all pass, have no verdict, or are ignored).
    Run(run::Args),
    /// Compare two servers by pairs of runs, or measure how much the runs of one differ.
    ///
    /// Each pair sends the same requests at the same times to A and to B, in random order. Exit code:
    /// 0 B is not worse, 1 B is worse, an SLO was missed or more than 1 % of B's requests failed, 2 unusable arguments or input,
    /// 3 inconclusive (only with --on-inconclusive fail), 4 invalid.
    #[command(allow_negative_numbers = true, args_override_self = true)]
    Ab(Box<ab::Ab>),
    /// Show the baselines that were saved.
    Baseline(baseline::Args),
    /// Show result files again, of goodput and of other tools.
    ///
    /// Files of `goodput serve` and `vllm bench serve` look as they did when the run ended. The metrics of
    /// sglang's bench_serving, guidellm and aiperf are shown under vLLM's names, with a remark wherever they
    /// mean something else; see docs/results.md. Exit code: 0, or 2 for a file that cannot be read.
    Report(report::Args),
    /// Serve a simulated model on a port, for other tools to be pointed at.
    Sim(sim::Args),
}

/// A write beyond `ulimit -f` fails, instead of ending the process: then the result can still be kept elsewhere.
#[cfg(unix)]
fn let_long_files_fail() {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build();
    if let Ok(runtime) = runtime {
        let _guard = runtime.enter();
        // A handler stays for the life of the process, and there is nothing to do in it.
        let _ = signal(SignalKind::from_raw(
            nix::sys::signal::Signal::SIGXFSZ as i32,
        ));
    }
}

/// The command line of this process with its `--config` file, which is read once: it may be another file when the
/// run has ended.
static LINE: OnceLock<Vec<OsString>> = OnceLock::new();

fn line() -> &'static [OsString] {
    LINE.get().map_or(&[], Vec::as_slice)
}

/// Whether a line, whose words are separated by blanks, can be read; for fuzzing.
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzzed_line(text: &str) -> bool {
    let words = ["goodput", "serve"].into_iter().chain(text.split(' '));
    let Ok((line, _)) = argv::prepared(words.map(std::ffi::OsString::from)) else {
        return false;
    };
    Cli::try_parse_from(line).is_ok()
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let _shown = screen::open();
    #[cfg(unix)]
    let_long_files_fail();
    let args: Vec<OsString> = std::env::args_os().collect();
    if let Some(help) = argv::help(&args) {
        screen::out(help.trim_end());
        return ExitCode::SUCCESS;
    }
    let (args, origins) = match argv::prepared(args.into_iter()) {
        Ok(prepared) => prepared,
        Err(e) => {
            screen::error(&e);
            return ExitCode::from(e.exit_code());
        }
    };
    let cli = match Cli::try_parse_from(LINE.get_or_init(|| args)) {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are no errors and go to stdout.
            match e.use_stderr() {
                true => screen::err(e.to_string().trim_end()),
                false => drop(e.print()),
            }
            return ExitCode::from(if e.use_stderr() { 2 } else { 0 });
        }
    };
    match cli.command {
        Command::Serve(args) => serve::run(&args, &origins),
        Command::Run(args) => run::run(args),
        Command::Ab(args) => ab::run(&args, &origins),
        Command::Baseline(args) => baseline::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Sim(args) => sim::run(args),
    }
}
