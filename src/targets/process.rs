//! Servers that the bench starts and stops.

#[cfg(unix)]
use super::group::Group;
use super::{Guard, Opened, Place, Target, TargetError};
use crate::{
    address::{Endpoint, Origin},
    inspect::Inspector,
    lock::{own_file, own_path},
    observer::{Observer, Silent},
    redact,
    stop::Stop,
};
use std::{
    fmt,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

/// Time limit of one attempt to reach a starting server.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// Wait before the first message about a slow server.
const SAY_AFTER: Duration = Duration::from_secs(5);
const SAY_EVERY: Duration = Duration::from_secs(30);

/// A command that serves a model, such as `vllm serve MODEL --port {port}`.
///
/// The bench starts the command and waits until the ready path answers 200. The server's output goes to a
/// log file; if the server fails, the error shows the end of that file. After the run the bench stops the
/// whole process group: SIGTERM, and SIGKILL 10 s later for the rest. A server that ends during the run
/// fails the bench.
///
/// On Unix the group also ends one second after this process, however that ends: by a panic, an abort, or
/// SIGKILL. Processes that the server moved to another group or session are out of reach. Windows has no
/// such groups: there the bench ends only the command's own process after the run, and that process
/// survives if this one is killed.
///
/// ```no_run
/// use goodput::{Bench, ServerProcess};
///
/// let server = ServerProcess::new("vllm serve Qwen/Qwen3-0.6B --port {port}");
/// let report = Bench::new("chat").target(server).run_blocking()?;
/// # Ok::<(), goodput::Error>(())
/// ```
#[derive(Clone)]
pub struct ServerProcess {
    command: String,
    port: Option<u16>,
    ready_path: String,
    ready_timeout: Duration,
    stop_timeout: Duration,
    environment: Vec<(String, String)>,
    log: Option<PathBuf>,
}

impl fmt::Debug for ServerProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self
            .environment
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        f.debug_struct("ServerProcess")
            .field("command", &redact::text(&self.command))
            .field("port", &self.port)
            .field("ready_path", &self.ready_path)
            .field("ready_timeout", &self.ready_timeout)
            .field("stop_timeout", &self.stop_timeout)
            .field("environment", &names)
            .field("log", &self.log)
            .finish()
    }
}

impl ServerProcess {
    /// Sets the command line, split as a shell splits words but run without a shell. `{port}` becomes a
    /// free port, or the one set with [`port`](Self::port).
    pub fn new(command: impl Into<String>) -> Self {
        let command = command.into();
        redact::learn_words(&split_words(&command).unwrap_or_default());
        ServerProcess {
            command,
            port: None,
            ready_path: "/health".to_owned(),
            ready_timeout: Duration::from_secs(300),
            stop_timeout: Duration::from_secs(10),
            environment: Vec::new(),
            log: None,
        }
    }

    /// Uses a fixed port instead of a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Sets the path that answers 200 once the server is ready. Default `/health`.
    #[must_use]
    pub fn ready_path(mut self, path: impl Into<String>) -> Self {
        self.ready_path = path.into();
        self
    }

    /// Limits the time until the server is ready. Default 300 s.
    #[must_use]
    pub fn ready_timeout(mut self, limit: Duration) -> Self {
        self.ready_timeout = limit;
        self
    }

    /// Sets an environment variable of the process.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        // Masks the value where the server's log shows it.
        redact::named(&name, &value);
        self.environment.push((name, value));
        self
    }

    /// Sets the file for the server's output. Default: a file in the system's temporary folder that only
    /// this user can read, and that the bench removes with the server unless the server failed.
    #[must_use]
    pub fn log(mut self, path: impl Into<PathBuf>) -> Self {
        self.log = Some(path.into());
        self
    }

    fn spawn(&self, port: u16, log: Log) -> Result<Running, TargetError> {
        let words = split_words(&self.command).map_err(TargetError::Unreadable)?;
        let mut words = words.iter().map(|w| w.replace("{port}", &port.to_string()));
        let Some(program) = words.next() else {
            return Err(TargetError::Unreadable(
                "the server command is empty. Write it like `vllm serve MODEL --port {port}`"
                    .into(),
            ));
        };
        let output = log.open().and_then(|file| Ok((file.try_clone()?, file)));
        let (out, err) = output.map_err(|e| {
            TargetError::Failed(format!(
                "cannot write the server's log {}: {e}. {}",
                log.path.display(),
                if log.ours {
                    "Let TMPDIR name another folder"
                } else {
                    "Choose another with `.log(path)`"
                }
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
        let group = {
            let group = Group::new().map_err(|e| {
                TargetError::Failed(format!(
                    "cannot start /bin/sh, which ends the server when this process is killed: {e}"
                ))
            })?;
            group.takes(&mut command);
            group
        };
        let child = command.spawn().map_err(|e| {
            TargetError::Failed(format!(
                "cannot start `{program}`: {e}. Is it installed and on PATH?"
            ))
        })?;
        Ok(Running {
            child,
            #[cfg(unix)]
            group,
            stop_timeout: self.stop_timeout,
            log,
        })
    }

    fn log_file(&self, port: u16) -> Log {
        match &self.log {
            Some(path) => Log {
                path: path.clone(),
                ours: false,
            },
            None => {
                let name = format!("server-{}-{port}.log", std::process::id());
                Log {
                    path: own_path(&name),
                    ours: true,
                }
            }
        }
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
        self.open_until(&Stop::never(), &Silent)
    }

    fn open_until(&self, stop: &Stop, observer: &dyn Observer) -> Result<Opened, TargetError> {
        let port = match self.port {
            Some(port) => port,
            None => free_port().map_err(|e| TargetError::Failed(format!("no free port: {e}")))?,
        };
        let endpoint = Endpoint::Url(Origin {
            https: false,
            host: Ipv4Addr::LOCALHOST.to_string(),
            port,
            prefix: String::new(),
        });
        let mut server = self.spawn(port, self.log_file(port))?;
        match self.wait_for(&mut server, &endpoint, stop, observer) {
            Ok(()) => Ok(Opened {
                place: Place::Endpoint(endpoint),
                guard: None,
            }
            .with_guard(server)),
            Err(TargetError::Failed(why)) => {
                let log = server.log.path.display().to_string();
                let end = tail(&server.log.path);
                // The error names the log, so it stays.
                server.log.ours = false;
                Err(TargetError::Failed(format!(
                    "{why} The end of its log {log}:\n{end}"
                )))
            }
            Err(other) => Err(other),
        }
    }
}

impl ServerProcess {
    /// Waits until the server answers; an error that blames the server does not contain its log yet.
    fn wait_for(
        &self,
        server: &mut Running,
        endpoint: &Endpoint,
        stop: &Stop,
        observer: &dyn Observer,
    ) -> Result<(), TargetError> {
        let inspector = Inspector::new(endpoint, false).map_err(TargetError::Failed)?;
        let inspector = inspector.attended(stop.clone(), Arc::new(Unheard));
        let began = Instant::now();
        let mut say_at = SAY_AFTER;
        loop {
            if let Ok(Some(status)) = server.child.try_wait() {
                return Err(TargetError::Failed(format!(
                    "`{}` ended before it was ready ({status}).",
                    self.command
                )));
            }
            let left = self.ready_timeout.saturating_sub(began.elapsed());
            if inspector.answers_ok(&self.ready_path, left.min(ATTEMPT)) {
                return Ok(());
            }
            if stop.pause(left.min(PAUSE)) {
                return Err(TargetError::Ended);
            }
            if left.is_zero() {
                return Err(TargetError::Failed(format!(
                    "`{}` did not answer 200 on {} within {} s.",
                    self.command,
                    self.ready_path,
                    self.ready_timeout.as_secs_f64()
                )));
            }
            if began.elapsed() >= say_at {
                say_at += SAY_EVERY;
                observer.says(&format!(
                    "waits up to {} s for the server that it started to answer 200 on {endpoint}{}; its \
                     log: {}",
                    self.ready_timeout.as_secs_f64(),
                    self.ready_path,
                    server.log.path.display()
                ));
            }
        }
    }
}

/// Ignores the failures of attempts, which are normal while the server starts.
struct Unheard;

impl Observer for Unheard {
    fn says(&self, _line: &str) {}
}

/// File for a server's output.
struct Log {
    path: PathBuf,
    /// The default path; the file goes with the server.
    ours: bool,
}

impl Log {
    /// The default file is in a folder where other users may write, and only its owner may read it.
    fn open(&self) -> io::Result<File> {
        if self.ours {
            let file = own_file(&self.path)?;
            file.set_len(0)?;
            Ok(file)
        } else {
            File::create(&self.path)
        }
    }
}

/// A started server; dropping it stops its process group.
struct Running {
    child: Child,
    #[cfg(unix)]
    group: Group,
    #[cfg_attr(
        not(unix),
        expect(dead_code, reason = "only a signal leaves the server time to end")
    )]
    stop_timeout: Duration,
    log: Log,
}

impl Guard for Running {
    #[cfg(unix)]
    fn process_group(&self) -> Option<u32> {
        Some(self.group.id())
    }

    fn close(mut self: Box<Self>) -> Result<(), String> {
        match self.child.try_wait() {
            Ok(Some(status)) => {
                let log = self.log.path.clone();
                self.log.ours = false;
                Err(format!(
                    "the server ended during the run ({status}). The end of its log {}:\n{}",
                    log.display(),
                    tail(&log)
                ))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        #[cfg(unix)]
        {
            use nix::sys::signal::Signal;
            self.group.signal(Signal::SIGTERM);
            // A stopped process would not receive the first signal.
            self.group.signal(Signal::SIGCONT);
            let deadline = Instant::now() + self.stop_timeout;
            while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(20));
            }
            // For children of the server that ignored the first signal.
            self.group.signal(Signal::SIGKILL);
        }
        // Either fails if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if self.log.ours {
            // A file that cannot be removed stays.
            let _ = fs::remove_file(&self.log.path);
        }
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
