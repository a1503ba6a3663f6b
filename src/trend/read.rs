//! Where runs come from.

use super::{Trend, bench::Benches, kept, results as files};
use crate::{history, problem::Problem, results};
use std::{fs, path::Path, path::PathBuf};

/// Reads the runs in a folder: of benches that kept theirs there, those of `project` if it has any, else of the result
/// files in it. Also returns notes about what is left out.
///
/// # Errors
/// Nothing there is readable as a run.
pub(crate) fn of_folder(
    folder: &Path,
    project: Option<&Path>,
) -> Result<(Trend, Vec<Problem>), Vec<Problem>> {
    let place = || folder.display().to_string();
    let refused = |why: String| vec![Problem::new(place(), "", why)];
    let past = history::past(folder).map_err(|e| refused(format!("cannot be read: {e}")))?;
    let (mut past, notes) = past;
    if past.is_empty() && notes.is_empty() {
        let paths = result_files(folder).map_err(|e| refused(format!("cannot be read: {e}")))?;
        if paths.is_empty() {
            return Err(refused(
                "has neither kept runs nor result files (`.json`, `.jsonl`)".to_owned(),
            ));
        }
        return of_files(&paths);
    }
    if let Some(project) = project
        && past.iter().any(|past| kept::is_of(&past.bench, project))
    {
        past.retain(|past| kept::is_of(&past.bench, project));
    }
    let mut benches = Benches::default();
    for past in past {
        kept::add(past, &mut benches);
    }
    Ok((Trend::of(benches.finish()), notes))
}

/// Reads the runs in a result file, such as one that `--append-result` has written.
///
/// # Errors
/// No run is readable.
pub(crate) fn of_file(path: &Path) -> Result<(Trend, Vec<Problem>), Vec<Problem>> {
    of_files(&[path.to_owned()])
}

/// Reads the runs in result files. Those that are not results are left out, if others are.
fn of_files(paths: &[PathBuf]) -> Result<(Trend, Vec<Problem>), Vec<Problem>> {
    let (mut benches, mut notes, mut runs) = (Benches::default(), Vec::new(), 0);
    for path in paths {
        let mut left_out = Vec::new();
        match results::read(path, &mut left_out) {
            Ok(readings) => {
                for reading in &readings {
                    match files::add(reading, &mut benches) {
                        Ok(()) => runs += 1,
                        Err(why) => notes.push(Problem::new(reading.place(), "", why)),
                    }
                }
            }
            Err(problem) => notes.push(problem),
        }
        notes.extend(left_out);
    }
    if runs == 0 {
        return Err(notes);
    }
    Ok((Trend::of(benches.finish()), notes))
}

fn result_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    let is_result = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let kind = name.ends_with(".json") || name.ends_with(".jsonl");
        kind && !name.ends_with(".pytorch.json") && path.is_file()
    };
    paths.retain(is_result);
    paths.sort();
    Ok(paths)
}
