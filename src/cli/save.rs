//! Writing result files.

use crate::files;
use serde::Serialize;
use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// How a result goes into its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// As one more line.
    Append,
    /// In place of what was there: somebody chose the name.
    Replace,
    /// Next to what was there: nobody chose the name, and another run may have it.
    Add,
}

/// Writes a result and says where it is.
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

/// Where a result goes that could not be written where it was wanted.
pub(super) fn rescue(result: &impl Serialize) -> io::Result<PathBuf> {
    files::rescue("goodput-result-", ".json", &serde_json::to_vec(result)?)
}
