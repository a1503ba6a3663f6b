//! The clients under test: each is told a load and says what it saw.

mod bare;
mod goodput;
mod vllm;
mod vllm_json;

pub(crate) use goodput::command as goodput_command;

use crate::{launch::Launch, machine::Fallible, points::Point, trace::Trace};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Put before a request's number in `x-request-id` by all clients.
pub(crate) const ID_PREFIX: &str = "r-";

/// The core that clients run on, and the server's.
pub(crate) const CLIENT_CORE: usize = 0;
pub(crate) const SERVER_CORE: usize = 1;

/// One load as a client is told it.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub(crate) port: u16,
    pub(crate) point: &'a Point,
    pub(crate) dataset: &'a Path,
    /// For the client's files.
    pub(crate) folder: &'a Path,
}

/// A client.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Client {
    Goodput,
    Bare,
    /// `vllm bench serve`, and the tokenizer it insists on.
    Vllm {
        program: PathBuf,
        tokenizer: PathBuf,
    },
}

impl Client {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Client::Goodput => "goodput",
            Client::Bare => "bare",
            Client::Vllm { .. } => "vllm bench",
        }
    }

    /// Runs the client to its end.
    pub(crate) fn run(&self, order: &Order<'_>) -> Fallible<(Vec<Trace>, Launch)> {
        match self {
            Client::Goodput => goodput::run(order),
            Client::Bare => bare::run(order),
            Client::Vllm { program, tokenizer } => vllm::run(program, tokenizer, order),
        }
    }
}

/// Starts a program on the clients' core, waits for it and says what it used. Any of `good` is an
/// exit code of success.
pub(crate) fn launch(folder: &Path, good: &[i32], command: &[String]) -> Fallible<Launch> {
    let output = folder.join("output.txt");
    let launched = Command::new(std::env::current_exe()?)
        .arg("launch")
        .arg(CLIENT_CORE.to_string())
        .arg(&output)
        .args(command)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if !launched.status.success() {
        return Err("the launcher failed".into());
    }
    let launch: Launch = serde_json::from_slice(&launched.stdout)?;
    match launch.exit_code {
        Some(code) if good.contains(&code) => Ok(launch),
        code => Err(format!(
            "{command:?} ended with {code:?}:\n{}",
            std::fs::read_to_string(&output)?
        )
        .into()),
    }
}
