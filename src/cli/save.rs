//! Writing result files.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
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
pub(super) fn write(path: &Path, json: &str, append: bool) -> io::Result<()> {
    if !append {
        return fs::write(path, json);
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    if file.metadata()?.len() > 0 {
        file.write_all(b"\n")?;
    }
    file.write_all(json.as_bytes())
}

/// Where a result goes that could not be written where it was wanted.
pub(super) fn rescue(json: &str) -> io::Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("goodput-result-{}.json", std::process::id()));
    fs::write(&path, json)?;
    Ok(path)
}
