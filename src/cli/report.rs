//! `goodput report`: shows result files again.

use crate::results;
use clap::ValueEnum;
use std::{path::PathBuf, process::ExitCode};

/// Arguments of `goodput report`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Result files: a JSON document, or one a line as `--append-result` writes them.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How they are shown.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
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
    match results::read_all(&args.files) {
        Ok(readings) => {
            println!(
                "{}",
                match args.format {
                    Format::Text => results::text(&readings),
                    Format::Markdown => results::markdown(&readings),
                    Format::Json => results::json(&readings),
                }
            );
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::from(e.exit_code())
        }
    }
}
