//! A server that the bench starts and stops.

use super::{Endpoint, Guard, Opened, Origin, Place, Target, TargetError};
use crate::inspect::Inspector;
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A command that serves a model, such as `vllm serve MODEL --port {port}`.
///
/// It is started for the bench and waited for until its ready path answers 200; its output goes to
/// a log file, whose end is shown when it fails. After the run its whole process group is stopped.
///
/// ```no_run
/// use goodput::{Bench, ServerProcess};
///
/// let server = ServerProcess::new("vllm serve Qwen/Qwen3-0.6B --port {port}");
/// let report = Bench::new("chat").target(server).run_blocking()?;
/// # Ok::<(), goodput::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ServerProcess {
    command: String,
    port: Option<u16>,
    ready_path: String,
    ready_timeout: Duration,
    stop_timeout: Duration,
    environment: Vec<(String, String)>,
    log: Option<PathBuf>,
}

impl ServerProcess {
    /// A command line, split as a shell splits words but run without a shell. `{port}` becomes a
    /// free port, or the one set with [`port`](Self::port).
    pub fn new(command: impl Into<String>) -> Self {
        ServerProcess {
            command: command.into(),
            port: None,
            ready_path: "/health".to_owned(),
            ready_timeout: Duration::from_secs(300),
            stop_timeout: Duration::from_secs(10),
            environment: Vec::new(),
            log: None,
        }
    }

    /// A fixed port instead of a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The path that answers 200 once the server is ready. Default `/health`.
    #[must_use]
    pub fn ready_path(mut self, path: impl Into<String>) -> Self {
        self.ready_path = path.into();
        self
    }

    /// How long it may take to become ready. Default 300 s.
    #[must_use]
    pub fn ready_timeout(mut self, limit: Duration) -> Self {
        self.ready_timeout = limit;
        self
    }

    /// An environment variable of the process.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Where its output goes. Default: a file in the system's temporary folder.
    #[must_use]
    pub fn log(mut self, path: impl Into<PathBuf>) -> Self {
        self.log = Some(path.into());
        self
    }

    fn spawn(&self, port: u16, log: &Path) -> Result<Running, TargetError> {
        let words = split_words(&self.command).map_err(TargetError::Failed)?;
        let mut words = words.iter().map(|w| w.replace("{port}", &port.to_string()));
        let Some(program) = words.next() else {
            return Err(TargetError::Failed(
                "the server command is empty. Write it like `vllm serve MODEL --port {port}`"
                    .into(),
            ));
        };
        let output = File::create(log).and_then(|file| Ok((file.try_clone()?, file)));
        let (out, err) = output.map_err(|e| {
            TargetError::Failed(format!(
                "cannot write the server's log {}: {e}. Choose another with `.log(path)`",
                log.display()
            ))
        })?;
        let mut command = Command::new(&program);
        command
            .args(words)
            .envs(self.environment.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().map_err(|e| {
            TargetError::Failed(format!(
                "cannot start `{program}`: {e}. Is it installed and on PATH?"
            ))
        })?;
        Ok(Running {
            child,
            stop_timeout: self.stop_timeout,
        })
    }
}

impl Target for ServerProcess {
    fn describe(&self) -> String {
        self.command.clone()
    }

    fn in_turn(&self) -> bool {
        true
    }

    fn open(&self) -> Result<Opened, TargetError> {
        let port = match self.port {
            Some(port) => port,
            None => free_port().map_err(|e| TargetError::Failed(format!("no free port: {e}")))?,
        };
        let log = self.log.clone().unwrap_or_else(|| {
            let name = format!("goodput-server-{}-{port}.log", std::process::id());
            std::env::temp_dir().join(name)
        });
        let endpoint = Endpoint::Url(Origin {
            https: false,
            host: Ipv4Addr::LOCALHOST.to_string(),
            port,
            prefix: String::new(),
        });
        let mut server = self.spawn(port, &log)?;
        let inspector = Inspector::new(&endpoint, false).map_err(TargetError::Failed)?;
        let deadline = Instant::now() + self.ready_timeout;
        loop {
            if let Ok(Some(status)) = server.child.try_wait() {
                return Err(TargetError::Failed(format!(
                    "`{}` ended before it was ready ({status}). The end of its log {}:\n{}",
                    self.command,
                    log.display(),
                    tail(&log)
                )));
            }
            if inspector.answers_ok(&self.ready_path) {
                break;
            }
            if Instant::now() >= deadline {
                return Err(TargetError::Failed(format!(
                    "`{}` did not answer 200 on {} within {} s. The end of its log {}:\n{}",
                    self.command,
                    self.ready_path,
                    self.ready_timeout.as_secs(),
                    log.display(),
                    tail(&log)
                )));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(Opened {
            place: Place::Endpoint(endpoint),
            guard: None,
        }
        .with_guard(server))
    }
}

/// A started server; dropping it stops its process group.
struct Running {
    child: Child,
    stop_timeout: Duration,
}

impl Guard for Running {}

impl Running {
    #[cfg(unix)]
    fn signal(&self, signal: nix::sys::signal::Signal) {
        if let Ok(group) = i32::try_from(self.child.id()) {
            // The group may be gone already; then there is nothing to stop.
            let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(group), signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        #[cfg(unix)]
        {
            use nix::sys::signal::Signal;
            self.signal(Signal::SIGTERM);
            let deadline = Instant::now() + self.stop_timeout;
            while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(20));
            }
            // Children of the server that ignored the first signal.
            self.signal(Signal::SIGKILL);
        }
        // Either may fail when the process has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// The last 2 KiB of a log.
fn tail(path: &Path) -> String {
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(2048)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_else(|e| format!("(cannot be read: {e})"))
}

fn split_words(line: &str) -> Result<Vec<String>, String> {
    shell_words::split(line)
        .map_err(|_| format!("the server command `{line}` has an open quote. Close it"))
}
