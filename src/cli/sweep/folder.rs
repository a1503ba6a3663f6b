//! The folder of a sweep's results, and what it knows about how they were measured.

use super::design::{Case, Layout};
use crate::{
    exit_code::{FAIL, INCONCLUSIVE, PASS},
    files,
    problem::Problem,
};
use serde::{Deserialize, Serialize};
use serde_json::{
    Map, Value,
    ser::{PrettyFormatter, Serializer},
};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Lists what was measured, a line of JSON for each case that has ended; the last line of a file counts. It is not called
/// `.json`, because people read all such files of the folder as results.
pub(super) const LOG: &str = "sweep.jsonl";

/// The folder of the journals of live runs, each removed when its case ends.
const JOURNALS: &str = "journals";

/// A case that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) case: String,
    /// The result file, below the folder.
    pub(super) file: String,
    /// Hash of all settings and of the plan.
    pub(super) settings: String,
    pub(super) verdict: String,
    pub(super) exit_code: u8,
    pub(super) took_s: f64,
}

impl Entry {
    /// Whether it says something about the server, so that the case has a result and need not run again.
    pub(super) fn is_measured(&self) -> bool {
        [PASS, FAIL, INCONCLUSIVE].contains(&self.exit_code) && self.verdict != "ignored"
    }
}

/// Where results are written.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) layout: Layout,
    ended: BTreeMap<String, Entry>,
}

impl Folder {
    /// The folder with what its log says, if there is one.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(super) fn read(path: PathBuf, layout: Layout) -> Result<Self, Problem> {
        let log = path.join(LOG);
        let none = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
        let ended = match fs::read_to_string(&log) {
            Ok(text) => entries(&text),
            Err(e) if none.contains(&e.kind()) => BTreeMap::new(),
            Err(e) => {
                let message = format!("cannot be read: {e}. Choose another folder");
                return Err(problem(&log, message));
            }
        };
        Ok(Folder {
            path,
            layout,
            ended,
        })
    }

    /// Checks that results of these cases can be written. Without `resume` there must be none.
    ///
    /// # Errors
    /// The folder has results that would be overwritten, or cannot be written to.
    pub(super) fn check(&self, resume: bool, cases: &[Case]) -> Result<(), Vec<Problem>> {
        if !resume && self.path.join(LOG).exists() {
            let message =
                "has the results of a sweep. Go on with it by --resume, or choose another folder";
            return Err(vec![problem(&self.path, message.to_owned())]);
        }
        // What others have measured is not overwritten.
        let foreign = |case: &&Case| {
            let known = self.ended.contains_key(&case.file);
            !known && self.path.join(&case.file).exists()
        };
        let foreign = cases.iter().filter(foreign).map(|case| {
            let message = "exists, and this sweep has not measured it. Move it away, or choose another folder";
            problem(&self.path.join(&case.file), message.to_owned())
        });
        // Systems allow 255 bytes.
        let long = |part: &str| part.len() > 255;
        let long = cases.iter().filter(|case| case.file.split('/').any(long));
        let long = long.map(|case| {
            let message =
                "its name is too long for a file. Name the combination by _benchmark_name";
            problem(Path::new(&case.file), message.to_owned())
        });
        let mut problems: Vec<Problem> = foreign.chain(long).collect();
        // Makes no folder, as nothing may be measured.
        let here = |path: &Path| path.as_os_str().is_empty() || path.exists();
        let existing = self.path.ancestors().find(|path| here(path));
        let existing = existing.filter(|path| !path.as_os_str().is_empty());
        if let Err(e) = files::check_folder(existing.unwrap_or(Path::new("."))) {
            let message = format!("cannot be written to: {e}. Choose another folder");
            problems.push(problem(&self.path, message));
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    /// The result of a case that need not run again, and how it ended.
    pub(super) fn kept(&self, case: &Case) -> Option<(Entry, Map<String, Value>)> {
        let entry = self.ended.get(&case.file)?;
        if !entry.is_measured() || entry.settings != case.of.settings {
            return None;
        }
        let text = fs::read_to_string(self.path.join(&case.file)).ok()?;
        Some((entry.clone(), serde_json::from_str(&text).ok()?))
    }

    /// Removes what an earlier run of the case has left, so that a failure leaves no old numbers.
    pub(super) fn clear(&self, file: &str) {
        for file in [file.to_owned(), failure(file)] {
            // There may be none.
            let _ = fs::remove_file(self.path.join(file));
        }
    }

    /// The journal of a case. What a killed run of the case has left goes, because it is measured once more.
    pub(super) fn journal(&self, case: &str) -> PathBuf {
        let folder = self.path.join(JOURNALS);
        let path = folder.join(format!("{}.jsonl", files::fitting(case)));
        // The run says what is wrong with the folder.
        let _ = fs::create_dir_all(&folder);
        let _ = fs::remove_file(&path);
        path
    }

    /// Removes the folder of journals, if no killed run has left one.
    pub(super) fn clean(&self) {
        let _ = fs::remove_dir(self.path.join(JOURNALS));
    }

    /// Writes down that a case has ended.
    pub(super) fn note(&self, entry: &Entry) -> io::Result<()> {
        files::append(&self.path.join(LOG), &serde_json::to_string(entry)?)
    }

    /// Writes a JSON file, as vLLM's sweeps or its benchmark do.
    pub(super) fn write(&self, file: &str, value: &impl Serialize) -> io::Result<()> {
        files::replace(&self.path.join(file), |out| match self.layout {
            Layout::Flat => serde_json::to_writer(out, value).map_err(io::Error::from),
            Layout::Vllm => {
                // As Python's `json.dump(…, indent=4)`.
                let formatter = PrettyFormatter::with_indent(b"    ");
                let mut serializer = Serializer::with_formatter(out, formatter);
                value.serialize(&mut serializer).map_err(io::Error::from)
            }
        })
    }

    /// Writes a text.
    pub(super) fn write_text(&self, file: &str, text: &str) -> io::Result<()> {
        files::replace(&self.path.join(file), |out| {
            io::Write::write_all(out, text.as_bytes())
        })
    }
}

fn problem(path: &Path, message: String) -> Problem {
    Problem::new("--output-dir", path.display(), message)
}

/// vLLM's file for a run that failed.
pub(super) fn failure(file: &str) -> String {
    format!("{}.failure.json", file.trim_end_matches(".json"))
}

/// The last line of each file. A line that a killed process has cut does not count.
fn entries(text: &str) -> BTreeMap<String, Entry> {
    let read = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Entry>(line).ok());
    read.map(|entry| (entry.file.clone(), entry)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(file: &str, verdict: &str, exit_code: u8) -> Entry {
        Entry {
            case: "a".into(),
            file: file.into(),
            settings: "00".into(),
            verdict: verdict.into(),
            exit_code,
            took_s: 1.5,
        }
    }

    #[test]
    fn the_last_whole_line_of_a_file_counts() {
        let lines = [
            entry("a.json", "invalid", 4),
            entry("b.json", "pass", 0),
            entry("a.json", "fail", 1),
        ];
        let lines = lines.map(|entry| serde_json::to_string(&entry).unwrap());
        let text = format!("{}\n{{\"case\": \"c\", \"fi", lines.join("\n"));
        let read = entries(&text);
        assert_eq!(read.len(), 2);
        assert!(read["a.json"].is_measured() && read["b.json"].is_measured());
    }

    #[test]
    fn only_what_says_something_about_the_server_is_measured() {
        let codes = [(0, true), (1, true), (3, true), (4, false), (2, false)];
        for (code, measured) in codes {
            assert_eq!(entry("a.json", "x", code).is_measured(), measured, "{code}");
        }
        assert!(!entry("a.json", "ignored", 0).is_measured());
    }
}
