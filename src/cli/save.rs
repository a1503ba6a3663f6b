//! Writes result files.

use crate::files;
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
