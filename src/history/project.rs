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

/// Cargo answers from one file; on a machine that is slower than this the default is good enough.
const PATIENCE: Duration = Duration::from_secs(5);

/// Target folder of the Cargo project around a folder; `None` outside of Cargo projects.
pub(super) fn target_folder(home: &Path) -> Option<PathBuf> {
    let home = std::path::absolute(home).ok()?;
    let root = root(&home)?;
    let usual = || root.join("target");
    // Cargo resolves a relative path from the current folder.
    let named = variable("CARGO_TARGET_DIR").and_then(|target| std::path::absolute(target).ok());
    Some(named.or_else(|| told_by_cargo(&home)).unwrap_or_else(usual))
}

/// Asks Cargo, whose configuration may set any folder.
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
        // After the time limit, the receiver is gone.
        let _ = tell.send(read);
    });
    let text = told.recv_timeout(PATIENCE);
    if text.is_err() {
        // Cargo may have just ended.
        let _ = cargo.kill();
    }
    let _ = (cargo.wait(), reader.join());
    let metadata: Value = serde_json::from_slice(&text.ok()?.ok()?).ok()?;
    Some(metadata.get("target_directory")?.as_str()?.into())
}
