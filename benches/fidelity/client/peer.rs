//! Other people's clients.

use crate::machine::Fallible;
use std::{
    env,
    path::{Path, PathBuf},
};

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PeerKind {
    /// `vllm bench serve`, in Python.
    Vllm,
    /// vLLM's client in Rust.
    VllmBench,
    Guidellm,
    Aiperf,
    Oha,
}

impl PeerKind {
    pub(crate) const ALL: [PeerKind; 5] = [
        PeerKind::Vllm,
        PeerKind::VllmBench,
        PeerKind::Guidellm,
        PeerKind::Aiperf,
        PeerKind::Oha,
    ];

    /// Its program.
    pub(crate) fn program(self) -> &'static str {
        match self {
            PeerKind::Vllm => "vllm",
            PeerKind::VllmBench => "vllm-bench",
            PeerKind::Guidellm => "guidellm",
            PeerKind::Aiperf => "aiperf",
            PeerKind::Oha => "oha",
        }
    }

    /// What the table calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            PeerKind::Vllm => "vllm bench serve",
            other => other.program(),
        }
    }
}

/// One that is installed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Peer {
    pub(crate) kind: PeerKind,
    pub(crate) program: PathBuf,
    /// A folder with a tokenizer, without which most of them do not start.
    pub(crate) tokenizer: Option<PathBuf>,
}

impl Peer {
    pub(super) fn tokenizer(&self) -> Fallible<&Path> {
        let missing = || format!("{} needs --tokenizer, a folder", self.kind.program());
        Ok(self.tokenizer.as_deref().ok_or_else(missing)?)
    }
}

/// `NAME=PATH`, `NAME` of a program on the search path, or `installed` for all that are there.
pub(crate) fn read(text: &str) -> Fallible<Vec<(PeerKind, PathBuf)>> {
    if text == "installed" {
        let found = PeerKind::ALL.map(|kind| Some((kind, on_path(kind.program())?)));
        return Ok(found.into_iter().flatten().collect());
    }
    let (name, path) = match text.split_once('=') {
        Some((name, path)) => (name, Some(PathBuf::from(path))),
        None => (text, None),
    };
    let kind = PeerKind::ALL
        .into_iter()
        .find(|kind| kind.program() == name);
    let names = PeerKind::ALL.map(PeerKind::program).join(", ");
    let kind =
        kind.ok_or_else(|| format!("--peer {text}: there is no adapter for it, only for {names}"))?;
    let path = path.or_else(|| on_path(name));
    let path = path.ok_or_else(|| format!("--peer {text}: not found. Write {name}=PATH"))?;
    Ok(vec![(kind, path)])
}

fn on_path(program: &str) -> Option<PathBuf> {
    let paths = env::var_os("PATH")?;
    let mut candidates = env::split_paths(&paths).map(|folder| folder.join(program));
    candidates.find(|path| path.is_file())
}
