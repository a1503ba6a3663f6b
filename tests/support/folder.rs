//! A folder of a test's own, which goes with the test, also if the test fails.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::{
    ffi::OsStr,
    ops::Deref,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A folder that lives as long as this value.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _root: TempDir,
}

impl Folder {
    fn within(name: &str) -> (TempDir, PathBuf) {
        // On some systems the folder for temporary files is a link, and programs name where it leads.
        let plain = name.replace(|char: char| !char.is_ascii_alphanumeric(), "-");
        let root = tempfile::Builder::new().prefix(&plain).tempdir().unwrap();
        let path = root.path().canonicalize().unwrap();
        (root, path)
    }

    /// An empty folder, with this name in its own.
    pub fn new(name: &str) -> Self {
        let (root, path) = Self::within(name);
        Folder { path, _root: root }
    }

    /// A folder that is not there yet.
    pub fn missing(name: &str) -> Self {
        let (root, path) = Self::within(name);
        Folder {
            path: path.join("missing"),
            _root: root,
        }
    }
}

impl Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

impl AsRef<OsStr> for Folder {
    fn as_ref(&self) -> &OsStr {
        self.path.as_os_str()
    }
}
