//! Cargo's target folder, as the command finds it from a folder.

use super::workspace::{root, variable};
use serde_json::Value;
use std::{
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

/// Cargo answers from one file; on a machine that is this slow the usual place is good enough.
const PATIENCE: Duration = Duration::from_secs(5);

/// The target folder of the Cargo project that a folder is in; none outside of Cargo.
pub(super) fn target_folder(home: &Path) -> Option<PathBuf> {
    let home = std::path::absolute(home).ok()?;
    let root = root(&home)?;
    let usual = || root.join("target");
    // Cargo itself takes a relative one from the current folder.
    let named = variable("CARGO_TARGET_DIR").and_then(|target| std::path::absolute(target).ok());
    Some(named.or_else(|| told_by_cargo(&home)).unwrap_or_else(usual))
}

/// Cargo's configuration may put it anywhere.
fn told_by_cargo(home: &Path) -> Option<PathBuf> {
    let cargo = variable("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdout = cargo.stdout.take()?;
    let (tell, told) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        let read = stdout.read_to_end(&mut text).map(|_| text);
        // Nobody listens any more when it took too long.
        let _ = tell.send(read);
    });
    let text = told.recv_timeout(PATIENCE);
    if text.is_err() {
        // It may have just ended by itself.
        let _ = cargo.kill();
    }
    let _ = (cargo.wait(), reader.join());
    let metadata: Value = serde_json::from_slice(&text.ok()?.ok()?).ok()?;
    Some(metadata.get("target_directory")?.as_str()?.into())
}
