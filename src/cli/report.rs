//! `goodput report`: shows result files again; without files, the newest results of benches.

use super::{argv::Origins, words::Words};
use crate::{
    exit_code::{PASS, UNUSABLE, worst},
    history,
    problem::Problem,
    results, screen,
    trend::{self, Trend},
};
use clap::ValueEnum;
use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Arguments of `goodput report`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Result files: one JSON document, or one per line as `--append-result` writes them. Without files,
    /// the benches of the newest `cargo test`, `cargo nextest run`, `cargo bench` or `goodput run`; the
    /// exit code is then the worst of theirs.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Exit with 1 unless every bench passed plainly: undecided benches, missing baselines, simulations
    /// instead of a target, and benches without limits fail.
    #[arg(long, conflicts_with = "files")]
    strict: bool,
    /// Folder with the results of benches. Default: GOODPUT_RESULTS, else `goodput` in the target folder of
    /// the current Cargo project.
    #[arg(long, value_name = "DIR", conflicts_with = "files")]
    results: Option<PathBuf>,
    /// Show how the numbers of benches changed over their runs, and since when: of the runs that benches have kept in the
    /// folder of --results, of the result files in FOLDER, or of a file that --append-result has written.
    #[arg(long, value_name = "FOLDER|FILE", num_args = 0..=1, conflicts_with_all = ["files", "strict"])]
    history: Option<Option<PathBuf>>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// Like the output of `goodput serve`.
    #[default]
    Text,
    /// One table with a column per result.
    Markdown,
    /// A page with charts; several results share them.
    Html,
    /// One line of JSON per result, with vLLM's keys.
    Json,
}

pub(super) fn run(args: &Args) -> ExitCode {
    if let Some(path) = &args.history {
        return ExitCode::from(trend(args, path.as_deref()));
    }
    if args.files.is_empty() {
        return ExitCode::from(newest(args));
    }
    match results::read_all(&args.files) {
        Ok((readings, left_out)) => {
            // A file shows the words of `goodput serve`, which wrote it.
            let words = Words {
                origins: &Origins::default(),
                target: "--base-url",
                versus: "--a",
                ramp: "--ramp-up-strategy",
            };
            for problem in left_out {
                screen::err(format_args!("note: left out {problem}"));
            }
            screen::out(match args.format {
                Format::Text => words.say(&results::text(&readings)),
                Format::Markdown => results::markdown(&readings),
                Format::Html => results::html(&readings),
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

/// Shows the trend of benches.
fn trend(args: &Args, path: Option<&Path>) -> u8 {
    let read = match path {
        Some(path) if path.is_dir() => trend::of_folder(path, None),
        Some(path) => trend::of_file(path),
        None => {
            let Some((folder, project)) = kept(args) else {
                return UNUSABLE;
            };
            trend::of_folder(&folder, project.as_deref())
        }
    };
    let (trend, notes): (Trend, Vec<Problem>) = match read {
        Ok(read) => read,
        Err(problems) => {
            for problem in problems {
                screen::error(problem);
            }
            return UNUSABLE;
        }
    };
    for note in notes {
        screen::err(format_args!("note: left out {note}"));
    }
    screen::out(match args.format {
        Format::Text => trend::text(&trend),
        Format::Markdown => trend::markdown(&trend),
        Format::Html => trend::html(&trend),
        Format::Json => trend::json(&trend),
    });
    PASS
}

/// The folder with the results of benches, and the project whose benches to look for; `None` after an error.
fn kept(args: &Args) -> Option<(PathBuf, Option<PathBuf>)> {
    let here = env::current_dir().unwrap_or_default();
    let Some(folder) = history::of_command(args.results.as_deref(), &here) else {
        screen::error(format_args!(
            "{} is not in a Cargo project, so goodput cannot find the results of benches. Name result \
             files, or the folder with the results with --results or GOODPUT_RESULTS",
            here.display()
        ));
        return None;
    };
    let project = history::project(args.results.as_deref(), &here);
    Some((folder, project))
}

/// Shows the newest invocation; returns the worst of its exit codes.
fn newest(args: &Args) -> u8 {
    let Some((folder, project)) = kept(args) else {
        return UNUSABLE;
    };
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
        Format::Html => history::html(&newest, args.strict),
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
        "{} has no result of a bench. Run `cargo test`, `cargo nextest run` or `cargo bench`, or name the folder \
         with --results",
        folder.display()
    )
}
