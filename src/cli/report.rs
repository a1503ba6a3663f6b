//! `goodput report`: shows result files again; without files, what the benches left that were run last.

use super::{argv::Origins, words::Words};
use crate::{history, report::worst, results, screen};
use clap::ValueEnum;
use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The exit code of unusable input.
const UNUSABLE: u8 = 2;

/// Arguments of `goodput report`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Result files: a JSON document, or one a line as `--append-result` writes them. Without any, the benches
    /// of the newest `cargo test`, `cargo nextest run`, `cargo bench` or `goodput run`; the exit code is the
    /// worst of theirs.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How they are shown.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Fail (1) for what is not a plain pass: undecided, no stored baseline, a simulation that no target named,
    /// nothing demanded.
    #[arg(long, conflicts_with = "files")]
    strict: bool,
    /// The folder that benches left their results in. Default: GOODPUT_RESULTS, else `goodput` in the target
    /// folder of the Cargo project that this folder is in.
    #[arg(long, value_name = "DIR", conflicts_with = "files")]
    results: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// As `goodput serve` prints a run.
    #[default]
    Text,
    /// One table with a column for each result.
    Markdown,
    /// Each as a line of JSON under the keys of vLLM.
    Json,
}

pub(super) fn run(args: &Args) -> ExitCode {
    if args.files.is_empty() {
        return ExitCode::from(newest(args));
    }
    match results::read_all(&args.files) {
        Ok((readings, left_out)) => {
            // A file shows what `goodput serve` said of the run.
            let words = Words {
                origins: &Origins::default(),
                target: "--base-url",
                versus: "--a",
            };
            for problem in left_out {
                screen::err(format_args!("note: left out {problem}"));
            }
            screen::out(match args.format {
                Format::Text => words.say(&results::text(&readings)),
                Format::Markdown => results::markdown(&readings),
                Format::Json => results::json(&readings),
            });
            ExitCode::SUCCESS
        }
        Err(e) => {
            screen::error(&e);
            ExitCode::from(e.exit_code())
        }
    }
}

/// Shows what the newest invocation left; the worst of its exit codes.
fn newest(args: &Args) -> u8 {
    let here = env::current_dir().unwrap_or_default();
    let Some(folder) = history::of_command(args.results.as_deref(), &here) else {
        screen::error(format_args!(
            "{} is in no Cargo project, so there are no results of benches here. Name result files, or the \
             folder that benches left their results in with --results or GOODPUT_RESULTS",
            here.display()
        ));
        return UNUSABLE;
    };
    let project = history::project(args.results.as_deref(), &here);
    let (newest, problems) = match history::newest(&folder, project.as_deref()) {
        Ok(read) => read,
        Err(problem) => {
            screen::error(&problem);
            return UNUSABLE;
        }
    };
    for problem in &problems {
        screen::error(problem);
    }
    let unusable = (!problems.is_empty()).then_some(UNUSABLE);
    let Some(newest) = newest else {
        screen::error(nothing(&folder));
        return UNUSABLE;
    };
    screen::out(match args.format {
        Format::Text => history::text(&newest, args.strict),
        Format::Markdown => history::markdown(&newest, args.strict),
        Format::Json => history::json(&newest, args.strict),
    });
    let codes = newest
        .benches
        .iter()
        .map(|bench| bench.exit_code(args.strict));
    worst(codes.chain(unusable))
}

fn nothing(folder: &Path) -> String {
    format!(
        "no bench has left a result in {}. Run `cargo test`, `cargo nextest run` or `cargo bench`, or name the folder \
         with --results",
        folder.display()
    )
}
