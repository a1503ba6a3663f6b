//! `goodput curve`: what a server gives at each load.

use crate::{
    baseline::compare_curves,
    error::Error,
    exit_code::{FAIL, PASS},
    files::text,
    problem::Problem,
    report::{CurveComparison, CurveOf, Curves},
    results, screen,
    stats::compare::{Conclusion, Rule},
};
use clap::ValueEnum;
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Arguments of `goodput curve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Result files, or folders with them, such as that of a sweep.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Compare with the curves of these files or folders: which points got worse, corrected for their number.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    against: Vec<PathBuf>,
    /// Format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// A table for each curve.
    #[default]
    Text,
    /// The same for GitHub.
    Markdown,
    /// The points with all their numbers, to compare with later.
    Json,
}

pub(super) fn run(args: &Args) -> ExitCode {
    match show(args) {
        Ok(code) => ExitCode::from(code),
        Err(e) => {
            screen::error(&e);
            ExitCode::from(e.exit_code())
        }
    }
}

fn show(args: &Args) -> Result<u8, Error> {
    let read = (curves(&args.paths), stored(&args.against));
    let (curves, stored) = match read {
        (Ok(curves), Ok(stored)) => (curves, stored),
        (Err(mut problems), Err(others)) => {
            problems.extend(others);
            return Err(Error::Invalid(problems));
        }
        (Err(problems), _) | (_, Err(problems)) => return Err(Error::Invalid(problems)),
    };
    let comparisons = stored.map(|stored| compare(&curves, &stored));
    screen::out(match args.format {
        Format::Text => {
            let compared = comparisons.iter().map(|all| changed(&curves, all, "\n"));
            curves.text() + &compared.collect::<String>()
        }
        Format::Markdown => {
            let compared = comparisons
                .iter()
                .map(|all| format!("\n```text{}```\n", changed(&curves, all, "\n")));
            curves.markdown() + &compared.collect::<String>()
        }
        Format::Json => {
            let mut whole = json!(curves);
            let each = whole.get_mut("curves").and_then(|each| each.as_array_mut());
            for (value, of) in each.into_iter().flatten().zip(&curves.curves) {
                value["knee"] = json!(of.curve.knee());
                value["frontier"] = json!(of.curve.frontier());
            }
            if let Some(comparisons) = &comparisons {
                whole["compared"] = json!(comparisons);
            }
            whole.to_string()
        }
    });
    Ok(comparisons.map_or(PASS, |all| exit_code(&all)))
}

/// Compares curves with stored ones, at the error of comparisons elsewhere.
pub(super) fn compare(curves: &Curves, stored: &Curves) -> Vec<Option<CurveComparison>> {
    compare_curves(curves, stored, Rule::default().error)
}

/// Exit code 1 if anything got worse.
pub(super) fn exit_code(comparisons: &[Option<CurveComparison>]) -> u8 {
    let mut all = comparisons.iter().flatten();
    if all.any(|comparison| comparison.conclusion() == Conclusion::Worse) {
        FAIL
    } else {
        PASS
    }
}

/// What has changed, curve by curve, after `before`.
pub(super) fn changed(
    curves: &Curves,
    comparisons: &[Option<CurveComparison>],
    before: &str,
) -> String {
    let mut text = before.to_owned();
    for (name, comparison) in curves.names().iter().zip(comparisons) {
        let head = if name.is_empty() { "" } else { ": " };
        text += &format!("compared with the stored curve{head}{name}\n");
        match comparison {
            Some(comparison) => {
                for line in comparison.lines() {
                    text += &format!("  {line}\n");
                }
            }
            None => text += "  no stored curve has these settings\n",
        }
    }
    text
}

/// The curves to compare with; `None` if there are no paths.
///
/// # Errors
/// Unreadable files, and files without a curve.
pub(super) fn stored(paths: &[PathBuf]) -> Result<Option<Curves>, Vec<Problem>> {
    if paths.is_empty() {
        return Ok(None);
    }
    curves(paths).map(Some)
}

/// Reads curves from files and folders.
fn curves(paths: &[PathBuf]) -> Result<Curves, Vec<Problem>> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        let read = if path.is_dir() {
            of_folder(path)
        } else {
            of_file(path)
        };
        match read {
            Ok(curves) if curves.is_empty() => {
                let message = "has no result with a load: a rate, a number of requests in flight, a ramp or a search";
                problems.push(Problem::new("PATH", path.display(), message));
            }
            Ok(curves) => found.extend(curves),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(Curves::gather(found))
    } else {
        Err(problems)
    }
}

/// The curves of a folder: the file in which a sweep keeps them, or all results.
fn of_folder(folder: &Path) -> Result<Vec<CurveOf>, Problem> {
    let kept = ["curve.json", "summary/curve.json"];
    if let Some(kept) = kept
        .iter()
        .map(|kept| folder.join(kept))
        .find(|kept| kept.is_file())
    {
        return of_file(&kept);
    }
    let unreadable = |e| Problem::new("PATH", folder.display(), format!("cannot be read: {e}"));
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|end| end == "json") {
            files.push(path);
        }
    }
    files.sort();
    // Other JSON files may lie there.
    let read = files.iter().filter_map(|file| of_file(file).ok());
    Ok(read.flatten().collect())
}

/// The curves of a file: of `goodput curve --format json`, or of results.
fn of_file(path: &Path) -> Result<Vec<CurveOf>, Problem> {
    let shown = path.display();
    let read = text::read(path)
        .map_err(|e| Problem::new("PATH", &shown, format!("cannot be read: {e}")))?;
    let document = serde_json::from_str(&read).unwrap_or_default();
    if Curves::is_one(&document) {
        let curves = Curves::parse(&read).map_err(|why| Problem::new("PATH", &shown, why))?;
        return Ok(curves.curves);
    }
    let mut left_out = Vec::new();
    let readings = results::parse(&shown.to_string(), &read, &mut left_out)?;
    for problem in left_out {
        screen::err(format_args!("note: left out {problem}"));
    }
    Ok(readings
        .iter()
        .filter_map(|reading| reading.curve())
        .collect())
}
