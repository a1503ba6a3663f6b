//! Runs Chromium through Node.

use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What a script of this folder says, which is asked with this value. Screenshots go to `folder`, or to the one that
/// `GOODPUT_TEST_SHOTS` names.
pub(crate) fn ask(script: &str, folder: &Path, mut asked: Value) -> Value {
    let modules = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .unwrap()
        .join("browser");
    let shots =
        std::env::var_os("GOODPUT_TEST_SHOTS").map_or_else(|| folder.to_owned(), PathBuf::from);
    asked["modules"] = modules.to_str().unwrap().into();
    asked["shots"] = shots.to_str().unwrap().into();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/browser/{script}"));
    let output = Command::new("timeout")
        .args(["180", "node"])
        .arg(script)
        .arg(asked.to_string())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}
