//! What the plan's tests share.

use serde_json::Value;
use std::{
    fs,
    ops::Deref,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A golden file of `fixtures/plan`.
pub(crate) fn golden(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(fixture(name)).unwrap()).unwrap()
}

/// The path of a file in `fixtures/plan`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/plan")
        .join(name)
}

/// A temporary folder for the files of a test.
pub(crate) struct Scratch(TempDir);

pub(crate) fn scratch() -> Scratch {
    Scratch(tempfile::tempdir().unwrap())
}

impl Scratch {
    /// Writes a file into it.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }
}

impl Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        self.0.path()
    }
}
