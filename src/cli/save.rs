//! Writes result files.

use crate::{error::Error, files, screen};
use jiff::Zoned;
use serde::Serialize;
use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// How to put a result into its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// Appends a line.
    Append,
    /// Replaces the file: the user chose its name.
    Replace,
    /// Writes a new file next to an existing one: the name is goodput's, and another run may use it.
    Add,
}

impl How {
    /// How to put a result into a file whose name is `chosen` by the user, or made by goodput.
    pub(super) fn of(append: bool, chosen: bool) -> Self {
        match (append, chosen) {
            (true, _) => How::Append,
            (false, true) => How::Replace,
            (false, false) => How::Add,
        }
    }
}

/// Writes a result, says where it is, and returns its path. If that fails, the result goes to the temporary folder.
pub(super) fn keep(path: &Path, result: &impl Serialize, how: How) -> Result<PathBuf, Error> {
    let source = match write(path, result, how) {
        Ok(path) => {
            screen::err(format!("result saved as {}", path.display()));
            return Ok(path);
        }
        Err(e) => e,
    };
    let kept = match rescue(result) {
        Ok(kept) => format!("it was kept in {}", kept.display()),
        Err(e) => format!("it cannot be kept in the temporary folder either: {e}"),
    };
    Err(Error::Io {
        what: format!("cannot write the result to {}; {kept}", path.display()),
        source,
    })
}

/// `%Y%m%d-%H%M%S`, vLLM's form of the date.
pub(super) fn date(time: &Zoned) -> String {
    time.strftime("%Y%m%d-%H%M%S").to_string()
}

/// A time as Python's `isoformat` writes it.
pub(super) fn iso(time: &Zoned) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

/// Writes a result and returns its path.
pub(super) fn write(path: &Path, result: &impl Serialize, how: How) -> io::Result<PathBuf> {
    match how {
        How::Append => files::append(path, &serde_json::to_string(result)?)?,
        How::Replace => files::replace(path, |file| {
            let mut file = BufWriter::new(file);
            serde_json::to_writer(&mut file, result)?;
            file.flush()
        })?,
        How::Add => return files::add(path, &serde_json::to_vec(result)?),
    }
    Ok(path.to_owned())
}

/// Writes a result to the temporary folder, after writing to the wanted place failed.
pub(super) fn rescue(result: &impl Serialize) -> io::Result<PathBuf> {
    files::rescue("goodput-result-", ".json", &serde_json::to_vec(result)?)
}

/// Variable that asks for records in PyTorch's benchmark format next to each result file, as in vLLM.
const FOR_PYTORCH: &str = "SAVE_TO_PYTORCH_BENCHMARK_FORMAT";

/// Whether the environment asks for records in PyTorch's benchmark format.
pub(in crate::cli) fn for_pytorch() -> bool {
    std::env::var_os(FOR_PYTORCH).is_some_and(|value| !value.is_empty())
}
