//! What is wrong with a dataset file, row by row.

use crate::{files::text, paths::looked_in, plan::PlanError};
use std::{
    io,
    path::{Path, PathBuf},
};

/// More than these would be noise: the first ones show what is wrong.
const SHOWN: usize = 10;

/// Mistakes in a file, gathered so that they are reported at once.
pub(super) struct Complaints {
    file: PathBuf,
    sentences: Vec<String>,
    more: usize,
}

impl Complaints {
    pub(super) fn about(file: &Path) -> Self {
        Complaints {
            file: file.to_owned(),
            sentences: Vec::new(),
            more: 0,
        }
    }

    /// `place` is a line or a row, such as `line 3`.
    pub(super) fn add(&mut self, place: &str, what: &str) {
        if self.sentences.len() < SHOWN {
            let file = self.file.display();
            self.sentences
                .push(format!("dataset `{file}`, {place}: {what}"));
        } else {
            self.more += 1;
        }
    }

    /// Whether more would not be shown.
    #[cfg(feature = "hf")]
    pub(super) fn full(&self) -> bool {
        self.sentences.len() == SHOWN
    }

    /// An error if there is anything to complain about.
    pub(super) fn check(mut self) -> Result<(), PlanError> {
        if self.more > 0 {
            let file = self.file.display();
            self.sentences.push(format!(
                "dataset `{file}`: {} more such mistakes",
                self.more
            ));
        }
        PlanError::check(self.sentences)
    }
}

/// One mistake of the file as a whole.
pub(super) fn whole_file(file: &Path, what: impl std::fmt::Display) -> PlanError {
    PlanError::new(format!("dataset `{}`: {what}", file.display()))
}

/// The text of a dataset file.
pub(super) fn read(file: &Path) -> Result<String, PlanError> {
    text::read(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => whole_file(file, format!("no such file{}", looked_in(file))),
        _ => whole_file(file, format!("cannot be read: {error}")),
    })
}

/// What serde_json says, without its position.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((reason, _)) => reason.to_owned(),
        None => text,
    }
}
