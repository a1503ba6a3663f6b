//! Places of journals.

use crate::files;
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// Name of the folder in the folder of results.
const FOLDER: &str = "journals";

/// Where to put the journal of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file that the user named.
    #[cfg(feature = "cli")]
    File(PathBuf),
    /// A new file in this folder of results.
    Results(PathBuf),
}

impl Place {
    /// Checks before a run that the file can be created.
    ///
    /// # Errors
    /// It cannot, or the file is the journal of another run, which would be lost.
    #[cfg(feature = "cli")]
    pub(crate) fn check(&self) -> io::Result<()> {
        let Place::File(path) = self else {
            return Ok(());
        };
        files::check(path)?;
        match fs::metadata(path) {
            // A pipe may have no reader, and its contents would be gone after a kill.
            Ok(found) if !found.is_file() => Err(io::Error::other(
                "it is not a regular file. Choose another path",
            )),
            Ok(found) if found.is_file() && found.len() > 0 => Err(io::Error::other(
                "it exists, and may be the journal of a killed run. Look at it with `goodput report`, then \
                 remove it",
            )),
            _ => Ok(()),
        }
    }

    /// Place for the journal of a comparison's reference.
    pub(crate) fn of_reference(&self) -> Self {
        match self {
            #[cfg(feature = "cli")]
            Place::File(path) => {
                let mut name = path.file_stem().unwrap_or_default().to_owned();
                name.push("-a");
                if let Some(kind) = path.extension() {
                    name.push(".");
                    name.push(kind);
                }
                Place::File(path.with_file_name(name))
            }
            Place::Results(folder) => Place::Results(folder.clone()),
        }
    }

    /// Creates the file for a bench of this name.
    pub(super) fn make(&self, name: &str) -> io::Result<(PathBuf, File)> {
        let folder = match self {
            #[cfg(feature = "cli")]
            Place::File(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path)?;
                if matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)) {
                    return Err(io::Error::other("another run writes to it"));
                }
                return Ok((path.clone(), file));
            }
            Place::Results(folder) => folder.join(FOLDER),
        };
        fs::create_dir_all(&folder)?;
        let name = files::fitting(name);
        let process = std::process::id();
        for number in 0_u32.. {
            let path = folder.join(format!("{name}-{process}-{number}.jsonl"));
            match OpenOptions::new().create_new(true).append(true).open(&path) {
                Ok(file) => return Ok((path, file)),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Removes the folder after its last journal.
    pub(super) fn clean(&self) {
        #[cfg_attr(
            not(feature = "cli"),
            allow(irrefutable_let_patterns, reason = "there is one")
        )]
        if let Place::Results(folder) = self {
            let _ = fs::remove_dir(folder.join(FOLDER));
        }
    }

    /// Journals of killed runs in the folder of results.
    pub(crate) fn left(&self) -> Vec<PathBuf> {
        let folder = match self {
            Place::Results(folder) => folder.join(FOLDER),
            #[cfg(feature = "cli")]
            Place::File(_) => return Vec::new(),
        };
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut left: Vec<PathBuf> = files
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "jsonl") && is_left(path))
            .collect();
        left.sort();
        left
    }
}

/// Whether the journal's writer is gone: a running writer holds a lock.
fn is_left(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock_shared().is_ok())
}
