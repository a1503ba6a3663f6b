//! The Cargo workspace that a folder is in, and what the environment says of places.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// The workspace's folder: that with the lock file, else the crate's.
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
