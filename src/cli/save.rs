//! Writing result files.

use serde::Serialize;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Makes the folder and tries to write into it, so that a run is not lost at its end.
pub(super) fn check_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let probe = folder.join(format!(".goodput-{}", std::process::id()));
    File::create(&probe)?;
    fs::remove_file(&probe)
}

/// Writes a result: a file of its own, or one more line of an existing one.
pub(super) fn write(path: &Path, result: &impl Serialize, append: bool) -> io::Result<()> {
    let mut file = match append {
        true => OpenOptions::new().create(true).append(true).open(path)?,
        false => File::create(path)?,
    };
    if append && file.metadata()?.len() > 0 {
        file.write_all(b"\n")?;
    }
    let mut file = BufWriter::new(file);
    serde_json::to_writer(&mut file, result)?;
    file.flush()
}

/// Where a result goes that could not be written where it was wanted.
pub(super) fn rescue(result: &impl Serialize) -> io::Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("goodput-result-{}.json", std::process::id()));
    write(&path, result, false)?;
    Ok(path)
}
