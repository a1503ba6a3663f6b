//! The `goodput` command: `serve` measures a server, `latency` and `throughput` do it as vLLM's offline scripts, `search` finds
//! how much load it can take, `ab`
//! compares two, `merge` joins the shards of a run, `sweep` measures many combinations of settings, `run` runs a suite of benches,
//! `report` shows result files, `curve` what a server gives at each load, `sim` simulates a server.

mod ab;
mod apart;
mod argv;
mod baseline;
mod cluster;
mod curve;
mod groups;
mod latency;
mod live;
mod merge;
mod outputs;
mod progress;
mod report;
mod run;
mod save;
mod search;
mod serve;
mod settings;
mod sim;
mod sweep;
mod throughput;
mod words;

use crate::{exit_code, screen};
use clap::{Parser, Subcommand, error::ErrorKind};
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
    /// Exit code: 0 pass, or no verdict because no limits were set; 1 an SLO was missed, a baseline shows a
    /// regression, or more than 1 % of the requests failed (an SLO on `errors` replaces that limit); 2 unusable
    /// arguments or input; 3 inconclusive; 4 invalid: there is nothing to judge.
    #[command(
        allow_negative_numbers = true,
        args_override_self = true,
        mut_args = groups::grouped,
        after_help = groups::MORE,
        after_long_help = serve::EXAMPLES
    )]
    Serve(Box<serve::Serve>),
    /// Time one batch of requests again and again, with the output of `vllm bench latency`.
    ///
    /// The script times an engine of its own process; this times a server. Exit codes are those of `goodput serve`.
    #[command(
        allow_negative_numbers = true,
        args_override_self = true,
        mut_args = groups::grouped,
        after_help = groups::MORE,
        after_long_help = latency::EXAMPLES
    )]
    Latency(Box<latency::Latency>),
    /// Send all requests at once, with the output of `vllm bench throughput`.
    ///
    /// The script times an engine of its own process; this times a server. Exit codes are those of `goodput serve`.
    #[command(
        allow_negative_numbers = true,
        args_override_self = true,
        mut_args = groups::grouped,
        after_help = groups::MORE,
        after_long_help = throughput::EXAMPLES
    )]
    Throughput(Box<throughput::Throughput>),
    /// Search for the highest load at which the SLOs hold, with an interval.
    ///
    /// Exit codes are those of `goodput serve`; see docs/capacity.md.
    #[command(
        allow_negative_numbers = true,
        args_override_self = true,
        mut_args = groups::grouped,
        after_help = groups::MORE,
        after_long_help = search::EXAMPLES
    )]
    Search(Box<search::Search>),
    /// Run the benches of a suite file, `goodput.toml`.
    ///
    /// Its keys are those of the attribute `#[llm_bench]`; see docs/suites.md.
    ///
    /// Exit code: the worst of all benches, in this order: 2 unusable file, arguments or input; 1 a bench failed;
    /// 4 invalid; 3 inconclusive; 0 all benches pass, have no verdict, or are ignored.
    Run(run::Args),
    /// Compare two servers by pairs of runs, or measure how much the runs of one differ.
    ///
    /// Each pair sends the same requests at the same times to A and to B, in random order. Exit code: 0 B is
    /// not worse; 1 B is worse, an SLO was missed, or more than 1 % of B's requests failed; 2 unusable arguments
    /// or input; 3 inconclusive (only with --on-inconclusive fail); 4 invalid.
    #[command(
        allow_negative_numbers = true,
        args_override_self = true,
        mut_args = groups::grouped,
        after_help = groups::MORE,
        after_long_help = ab::EXAMPLES
    )]
    Ab(Box<ab::Ab>),
    /// Measure a server under each combination of settings.
    ///
    /// Settings come from --vary, from a file with lists (--config), or from the files of `vllm bench sweep serve`
    /// (--bench-params, --serve-params). All other flags are those of `goodput serve` and apply to every case. Each
    /// case has a result file, and all have a table. Exit code: the worst of all cases, in this order: 2 unusable
    /// arguments or files, and nothing was sent; 1 a case failed; 4 invalid; 3 inconclusive; 0 all cases pass or have
    /// no verdict.
    #[command(
        allow_negative_numbers = true,
        args_override_self = true,
        mut_args = sweep::arranged,
        after_help = groups::MORE,
        after_long_help = sweep::EXAMPLES
    )]
    Sweep(Box<sweep::Sweep>),
    /// Make one result of the files of all shards of a run.
    ///
    /// The result is that of `goodput serve`: table, verdict, files and exit code. A shard that is missing, there twice, torn,
    /// late or of another run makes the run invalid, by name; see docs/shards.md. Exit codes are those of `goodput serve`.
    #[command(after_long_help = merge::EXAMPLES)]
    Merge(merge::Args),
    /// Show saved baselines.
    Baseline(baseline::Args),
    /// Show result files again, of goodput and of other tools.
    ///
    /// Results of `goodput serve` and `vllm bench serve` look as they did at the end of the run. Metrics of
    /// sglang's bench_serving, guidellm and aiperf appear under vLLM's names, with a note where their
    /// definition differs; see docs/results.md. Exit code: 0, or 2 for an unreadable file.
    Report(report::Args),
    /// Show what a server gives at each load, and compare it with an earlier measurement.
    ///
    /// A curve is made of result files that differ in the load, of the folder of a sweep, of a run with a ramp, or of a search.
    /// Exit code: 0; 1 if --against shows that something got worse; 2 for unreadable files.
    Curve(curve::Args),
    /// Write the job that starts a run in several processes on Slurm, Kubernetes or MPI.
    ///
    /// The processes are `goodput serve --shard auto`, and `goodput merge` judges the run. Exit code: 0; with --submit that of
    /// the program that submits; 2 unusable arguments.
    #[command(after_long_help = cluster::EXAMPLES)]
    Cluster(Box<cluster::Args>),
    /// Serve a simulated model on a port, as a server for other tools.
    Sim(sim::Args),
}

/// Lets a write beyond `ulimit -f` fail, instead of ending the process: the result can then go elsewhere.
#[cfg(unix)]
fn let_long_files_fail() {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build();
    if let Ok(runtime) = runtime {
        let _guard = runtime.enter();
        // The handler lasts as long as the process and has nothing to do.
        let _ = signal(SignalKind::from_raw(
            nix::sys::signal::Signal::SIGXFSZ as i32,
        ));
    }
}

/// Command line of this process, with its `--config` file. The file is read once, because it may change
/// during the run.
static LINE: OnceLock<Vec<OsString>> = OnceLock::new();

fn line() -> &'static [OsString] {
    LINE.get().map_or(&[], Vec::as_slice)
}

/// Whether a line, whose words are separated by blanks, can be parsed; for fuzzing.
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzzed_line(text: &str) -> bool {
    let words = ["goodput", "serve"].into_iter().chain(text.split(' '));
    let Ok((line, _)) = argv::prepared(words.map(std::ffi::OsString::from)) else {
        return false;
    };
    Cli::try_parse_from(line).is_ok()
}

/// Reads a text as each of the files of a sweep; for fuzzing.
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzzed_sweep(text: &str) {
    sweep::fuzzed(text);
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
            // Help and version are not errors and go to stdout.
            if e.use_stderr() {
                screen::err(e.to_string().trim_end());
                if e.kind() == ErrorKind::InvalidSubcommand
                    && line().get(1).is_some_and(|word| word == "bench")
                {
                    screen::err("hint: `vllm bench serve …` is `goodput serve …`");
                }
            } else {
                drop(e.print())
            }
            return ExitCode::from(if e.use_stderr() {
                exit_code::UNUSABLE
            } else {
                exit_code::PASS
            });
        }
    };
    match cli.command {
        Command::Serve(args) => serve::run(&args, &origins),
        Command::Latency(args) => latency::run(*args, &origins),
        Command::Throughput(args) => throughput::run(*args, &origins),
        Command::Search(args) => search::run(*args, &origins),
        Command::Run(args) => run::run(args),
        Command::Ab(args) => ab::run(&args, &origins),
        Command::Sweep(args) => sweep::run(&args),
        Command::Merge(args) => merge::run(&args),
        Command::Baseline(args) => baseline::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Curve(args) => curve::run(&args),
        Command::Cluster(args) => cluster::run(&args),
        Command::Sim(args) => sim::run(args),
    }
}
