//! Keeps the files of one command apart: an output is neither an input nor another output.

use crate::{error::Error, files, problem::Problem};
use std::path::{Path, PathBuf};

/// Files so far, each with the flag that names it.
#[derive(Debug, Default)]
pub(super) struct Files {
    named: Vec<(&'static str, PathBuf)>,
    problems: Vec<Problem>,
}

impl Files {
    /// Adds a file that the command reads.
    pub(super) fn read(&mut self, flag: &'static str, path: &Path) {
        self.named.push((flag, path.to_owned()));
    }

    /// Adds a file that the command writes.
    pub(super) fn write(&mut self, flag: &'static str, path: &Path) {
        let other = self
            .named
            .iter()
            .find(|(_, other)| files::same(other, path));
        if let Some((other, _)) = other {
            let message = format!(
                "is also the file of {other}, which it would overwrite. Choose another path"
            );
            self.problems
                .push(Problem::new(flag, path.display(), message));
        }
        self.named.push((flag, path.to_owned()));
    }

    /// # Errors
    /// [`Error::Invalid`] with each file that has two uses.
    pub(super) fn checked(self) -> Result<(), Error> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self.problems))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_use() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mut files = Files::default();
        files.read("--dataset-path", &at("in.jsonl"));
        files.write("--output", &at("a"));
        files.write("--export-requests", &at("b"));
        files.write("--output", Path::new("/dev/null"));
        files.write("--journal", Path::new("/dev/null"));
        assert!(files.problems.is_empty());
        files.write("--result-filename", &at("./in.jsonl"));
        files.write("--journal", &at("a"));
        let error = files.checked().unwrap_err().to_string();
        assert!(
            error.contains("is also the file of --dataset-path"),
            "{error}"
        );
        assert!(error.contains("is also the file of --output"), "{error}");
    }
}
