//! Finds the Cargo workspace around a folder, and reads paths from the environment.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// Folder of the workspace: the one with the lock file, else the crate's.
pub(super) fn root(folder: &Path) -> Option<PathBuf> {
    let holds = |name: &'static str| move |folder: &&Path| folder.join(name).is_file();
    let manifest = folder.ancestors().find(holds("Cargo.toml"))?;
    let locked = manifest.ancestors().find(holds("Cargo.lock"));
    Some(locked.unwrap_or(manifest).to_owned())
}

pub(super) fn variable(name: impl AsRef<OsStr>) -> Option<PathBuf> {
    let value = env::var_os(name)?;
    (!value.is_empty()).then(|| value.into())
}
