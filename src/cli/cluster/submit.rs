//! Submits a job.

use crate::error::Error;
use std::{
    io::Write,
    process::{Command, Stdio},
};

/// Runs a script with the system's shell, and returns its exit code.
pub(super) fn script(text: &str) -> Result<u8, Error> {
    fed(Command::new("sh"), text)
}

/// Runs a program with a text as its input, and returns its exit code.
pub(super) fn fed(mut command: Command, text: &str) -> Result<u8, Error> {
    let name = command.get_program().display().to_string();
    let failed = || Error::io(format!("cannot run `{name}`, which submits the job"));
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(failed())?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes()).map_err(failed())?;
    }
    let status = child.wait().map_err(failed())?;
    // A program that was ended by a signal has no code.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.unwrap_or(u8::MAX))
}
