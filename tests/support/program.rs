//! Programs that run next to a test, with a server that answers them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use super::{RawServer, good_stream};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Write,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Nothing here takes so long, however busy the machine is.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until something holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(
            began.elapsed() < DEADLINE,
            "{what}: not within {DEADLINE:?}"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

/// A program that is killed if the test ends before it.
pub struct Program(pub Child);

impl Program {
    pub fn start(command: &mut Command) -> Self {
        Program(command.spawn().unwrap())
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().cast_signed()), signal).unwrap();
    }

    pub fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        until("the program ends", || {
            status = self.0.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program with all signals as they are by default. Where the tests themselves were started in the background,
/// some are ignored, and it would inherit that.
pub fn program(path: impl AsRef<OsStr>) -> Command {
    if !cfg!(target_os = "linux") {
        return Command::new(path);
    }
    let mut command = Command::new("env");
    command.arg("--default-signal").arg(path);
    command
}

pub fn goodput(folder: &Path) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_goodput"));
    quiet(&mut command, folder);
    command
}

/// In its folder, with its output in files of it.
pub fn quiet(command: &mut Command, folder: &Path) {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOODPUT_")) {
        command.env_remove(name);
    }
    command
        .current_dir(folder)
        .env("TMPDIR", folder)
        .env_remove("NEXTEST")
        .env_remove("GITHUB_STEP_SUMMARY")
        .stdin(Stdio::null())
        .stdout(File::create(folder.join("stdout")).unwrap())
        .stderr(File::create(folder.join("stderr")).unwrap());
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Requests that go on for minutes.
pub fn long_run(command: &mut Command, url: &str) {
    command
        .args(["serve", "--base-url", url, "--model", "m", "--disable-tqdm"])
        .args(["--num-prompts", "10000", "--request-rate", "100"])
        .args(["--random-input-len", "4", "--prompt-token-ids"])
        .args(["--save-result", "--result-filename", "partial.json"])
        .args(["--output", "junit=junit.xml"]);
}

/// A server, and how many requests it has answered.
pub struct Server {
    pub url: String,
    pub answered: Arc<AtomicUsize>,
}

pub fn good_server() -> Server {
    let answered = Arc::new(AtomicUsize::new(0));
    let count = answered.clone();
    let server = RawServer::start(move |stream, _| {
        let sent = stream.write_all(good_stream().as_bytes()).is_ok();
        count.fetch_add(1, Ordering::SeqCst);
        sent
    });
    Server {
        url: server.url,
        answered,
    }
}

pub fn has_measured(server: &Server) {
    until("requests are answered", || {
        server.answered.load(Ordering::SeqCst) >= 20
    });
}
