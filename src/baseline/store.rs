//! Store of baselines: `FOLDER/NAME/BENCH.json`.

use super::format::{File, FormatError};
use crate::{
    error::Error,
    files::{self, text},
    problem::Problem,
};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};
use xxhash_rust::xxh3::xxh3_64;

/// Name of the folder, next to the user's `Cargo.toml` or in the current folder.
pub const FOLDER: &str = "goodput-baselines";
/// Folder next to the baselines with a noise file per host.
const NOISE: &str = "noise";

/// Folder of baselines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// Uses this folder, which need not exist.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Store {
            folder: folder.into(),
        }
    }

    /// Path of a bench's file in a baseline.
    pub fn path(&self, baseline: &str, bench: &str) -> PathBuf {
        self.folder.join(baseline).join(file_name(bench))
    }

    /// Loads the stored runs of a bench; `None` if there are none.
    ///
    /// # Errors
    /// The file is unreadable.
    pub fn load(&self, baseline: &str, bench: &str) -> Result<Option<File>, Error> {
        let path = self.path(baseline, bench);
        match Store::read(&path) {
            Ok(file) => Ok(Some(file)),
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// The file is unreadable.
    pub fn read(path: &Path) -> Result<File, Error> {
        let text = text::read_own(path).map_err(Error::io(format!(
            "cannot read the baseline {}",
            path.display()
        )))?;
        File::read(&text).map_err(|e| unusable(path, &e))
    }

    /// Writes the file of a bench, completely or not at all.
    ///
    /// # Errors
    /// The error of the system.
    pub fn save(&self, baseline: &str, file: &File) -> Result<PathBuf, Error> {
        let path = self.path(baseline, &file.bench);
        let text = file.write();
        let written = files::replace(&path, |file| file.write_all(text.as_bytes()));
        written.map_err(Error::io(format!(
            "cannot write the baseline {}",
            path.display()
        )))?;
        Ok(path)
    }

    /// Lists the baselines with their files, both in the order of their names.
    ///
    /// # Errors
    /// The folder is unreadable. A folder that does not exist is empty.
    pub fn list(&self) -> Result<Vec<(String, Vec<PathBuf>)>, Error> {
        let failed = |source| Error::Io {
            what: format!("cannot read the folder {}", self.folder.display()),
            source,
        };
        let mut baselines = Vec::new();
        for folder in sorted(&self.folder).map_err(failed)? {
            let Some(name) = folder.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if !folder.is_dir() {
                continue;
            }
            let mut files = sorted(&folder).map_err(failed)?;
            files.retain(|file| file.extension().is_some_and(|kind| kind == "json"));
            // The noise files of hosts are here, too, and are not a baseline.
            if name != NOISE && !files.is_empty() {
                baselines.push((name.to_owned(), files));
            }
        }
        Ok(baselines)
    }

    /// Path of the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Path of the noise files.
    pub(super) fn noise_folder(&self) -> PathBuf {
        self.folder.join(NOISE)
    }
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}

pub(super) fn unusable(path: &Path, why: &FormatError) -> Error {
    let problem = Problem::new("baseline", path.display(), why.to_string());
    Error::Invalid(vec![problem])
}

/// Converts `a::b` to `a.b.json`. Characters that file names do not allow become hyphens, and then a hash
/// of the whole name keeps different benches apart.
fn file_name(bench: &str) -> String {
    let dotted = bench.replace("::", ".");
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let fits = dotted.len() <= 120 && !dotted.starts_with('.') && !bench.contains('.');
    if fits && !dotted.is_empty() && dotted.chars().all(allowed) {
        return format!("{dotted}.json");
    }
    let safe = |c: char| if allowed(c) { c } else { '-' };
    let safe: String = dotted.chars().take(100).map(safe).collect();
    let safe = safe.trim_start_matches('.');
    format!("{safe}-{:016x}.json", xxh3_64(bench.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("serve", "serve.json")]
    #[case("gates::long::chat", "gates.long.chat.json")]
    #[case("chat::case_1_slow", "chat.case_1_slow.json")]
    fn plain_names_stay_readable(#[case] bench: &str, #[case] name: &str) {
        assert_eq!(file_name(bench), name);
    }

    #[rstest]
    #[case("a b", "a-b")]
    #[case("a.b", "a::b")]
    #[case("a/b", "a\\b")]
    #[case("..", "")]
    #[case(&"x".repeat(200), &"x".repeat(201))]
    fn other_names_are_kept_apart_and_inside_of_the_folder(#[case] one: &str, #[case] other: &str) {
        let (one, other) = (file_name(one), file_name(other));
        assert_ne!(one, other);
        for name in [one, other] {
            assert!(name.len() < 130 && !name.starts_with('.'), "{name}");
            assert!(!name.contains(['/', '\\', ' ']), "{name}");
        }
    }
}
