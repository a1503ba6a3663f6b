//! The clients under test: each gets a load and reports what it saw.

mod aiperf;
mod bare;
mod goodput;
mod guidellm;
mod oha;
mod peer;
mod vllm;
mod vllm_json;
mod watcher;

pub(crate) use goodput::command as goodput_command;
pub(crate) use peer::{Peer, PeerKind, read as read_peer};

use crate::{launch::Launch, machine::Fallible, points::Point, spread::Spread, trace::Trace};
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Put before a request's number in `x-request-id` by all clients that send the bench's schedule.
pub(crate) const ID_PREFIX: &str = "r-";

/// The server's core. Clients have the first one, or with several workers all others.
pub(crate) const SERVER_CORE: usize = 1;

/// One load as a client gets it.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub(crate) port: u16,
    pub(crate) point: &'a Point,
    pub(crate) dataset: &'a Path,
    /// For the client's files.
    pub(crate) folder: &'a Path,
}

impl Order<'_> {
    /// The cores of a client that has one thread, or whose number of threads cannot be set.
    pub(crate) fn cores(&self) -> &'static [usize] {
        &[0]
    }
}

/// What a client says of a run.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Every token of each request that succeeded.
    Tokens(Vec<Trace>),
    /// The first token of each.
    FirstTokens(Vec<Trace>),
    /// Percentiles of the time to the first token, in microseconds.
    Summary { completed: usize, ttft: Spread },
}

impl Seen {
    /// Requests that the client calls successes.
    pub(crate) fn completed(&self) -> usize {
        match self {
            Seen::Tokens(traces) | Seen::FirstTokens(traces) => traces.len(),
            Seen::Summary { completed, .. } => *completed,
        }
    }
}

/// A client.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Client {
    Goodput {
        workers: usize,
        /// Whether it writes down finished requests meanwhile.
        journal: bool,
        /// Whether it serves a page meanwhile, which is watched.
        live: bool,
    },
    Bare,
    Peer(Peer),
}

impl Client {
    pub(crate) fn name(&self) -> String {
        match self {
            Client::Goodput { workers: 1, .. } => "goodput".to_owned(),
            Client::Goodput { workers, .. } => format!("goodput ×{workers}"),
            Client::Bare => "bare".to_owned(),
            Client::Peer(peer) => peer.kind.name().to_owned(),
        }
    }

    /// Whether it sends at the times, and by the names, that the bench knows.
    pub(crate) fn follows_schedule(&self) -> bool {
        match self {
            Client::Goodput { .. } | Client::Bare => true,
            Client::Peer(peer) => peer.kind == PeerKind::Vllm,
        }
    }

    /// Runs the client to its end.
    pub(crate) fn run(&self, order: &Order<'_>) -> Fallible<(Seen, Launch)> {
        match self {
            Client::Goodput {
                workers,
                journal,
                live,
            } => goodput::run(*workers, *journal, *live, order),
            Client::Bare => bare::run(order),
            Client::Peer(peer) => match peer.kind {
                PeerKind::Vllm | PeerKind::VllmBench => vllm::run(peer, order),
                PeerKind::Guidellm => guidellm::run(peer, order),
                PeerKind::Aiperf => aiperf::run(peer, order),
                PeerKind::Oha => oha::run(peer, order),
            },
        }
    }
}

/// Starts a program on the cores, waits for it and says what it used. Any of `good` is an exit code of
/// success.
pub(crate) fn launch(
    folder: &Path,
    cores: &[usize],
    good: &[i32],
    command: &[String],
) -> Fallible<Launch> {
    let output = folder.join("output.txt");
    let cores: Vec<String> = cores.iter().map(usize::to_string).collect();
    let launched = Command::new(std::env::current_exe()?)
        .arg("launch")
        .arg(cores.join(","))
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
