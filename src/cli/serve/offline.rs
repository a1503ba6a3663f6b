//! Commands that stand for one of vLLM's offline scripts: their lines above the table, and a result file of their own.

use crate::{
    cli::{
        argv,
        save::{self, for_pytorch},
    },
    error::Error,
    files,
    problem::Problem,
    report::{self, Offline, Report},
};
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use std::{
    io,
    path::{Path, PathBuf},
};

/// The script that a command stands for, with its own output.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Script {
    pub(in crate::cli) kind: Offline,
    /// `--output-json`
    pub(in crate::cli) json: Option<PathBuf>,
}

impl Script {
    /// The lines that the script prints.
    pub(super) fn lines(&self, report: &Report) -> String {
        self.kind.lines(report.run(), report.metrics())
    }

    /// The files that it writes.
    fn files(&self) -> impl Iterator<Item = PathBuf> {
        let json = self.json.iter().cloned();
        let records = self.json.iter().filter(|_| for_pytorch());
        json.chain(records.map(|path| report::pytorch_file(path)))
    }

    /// The file that a flag names.
    pub(super) fn named(&self) -> Option<(&'static str, &Path)> {
        Some(("--output-json", self.json.as_deref()?))
    }

    /// Checks whether the files can be written.
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        problems.extend(self.files().filter_map(|path| {
            let e = files::check(&path).err()?;
            let message = format!("cannot be written: {e}. Choose another path");
            Some(Problem::new("--output-json", path.display(), message))
        }));
    }

    /// Writes the files. `model` is the model's id.
    pub(super) fn save(&self, model: &str, report: &Report) -> Result<(), Error> {
        let Some(path) = &self.json else {
            return Ok(());
        };
        let json = self.kind.json(report.run(), report.metrics(), model);
        // As Python's `json.dump(…, indent=4)`.
        let write = |file: &mut std::fs::File| {
            let formatter = PrettyFormatter::with_indent(b"    ");
            let mut serializer = Serializer::with_formatter(file, formatter);
            json.serialize(&mut serializer).map_err(io::Error::from)
        };
        let what = format!("cannot write {}", path.display());
        files::replace(path, write).map_err(Error::io(what))?;
        if !for_pytorch() {
            return Ok(());
        }
        let path = report::pytorch_file(path);
        let settings = argv::settings(crate::cli::line());
        let records = self.kind.pytorch_records(&json, model, settings);
        let what = format!("cannot write the records for PyTorch to {}", path.display());
        save::write(&path, &records, save::How::Replace)
            .map(drop)
            .map_err(Error::io(what))
    }
}
