//! What all engines need: a server, the command, and results.

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Nothing here takes so long, however busy the machine is.
pub(crate) const DEADLINE: Duration = Duration::from_secs(180);

/// Requests of a run, and shards that send them.
pub(crate) const REQUESTS: usize = 60;
pub(crate) const SHARDS: usize = 4;

/// The command, without what a user's environment sets for it or for the tests.
pub(crate) fn goodput() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goodput"));
    clean(&mut command);
    command
}

/// Removes variables that would name shards or change the command.
pub(crate) fn clean(command: &mut Command) {
    let of_engines = [
        "GOODPUT_",
        "SLURM_",
        "OMPI_",
        "PMI",
        "SGE_",
        "JOB_COMPLETION_",
        "RANK",
        "WORLD_SIZE",
    ];
    for (name, _) in std::env::vars() {
        if of_engines.iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
        .env_remove("NEXTEST")
        .env_remove("GITHUB_STEP_SUMMARY");
}

/// Flags of a run that takes about two seconds.
pub(crate) fn load(url: &str) -> Vec<String> {
    let flags = format!(
        "--base-url {url} --backend openai-chat --model m --request-rate 30 --num-prompts {REQUESTS} --random-input-len 8 \
         --random-output-len 8 --disable-tqdm --no-align-prompts --max-lateness 10s"
    );
    let mut flags: Vec<String> = flags.split_whitespace().map(str::to_owned).collect();
    flags.extend(["--slo", "errors < 20%", "--on-inconclusive", "pass"].map(str::to_owned));
    flags
}

/// A process that ends with the test.
pub(crate) struct Owned(pub(crate) Child);

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A simulated server on a port.
pub(crate) struct Sim {
    pub(crate) url: String,
    _process: Owned,
}

impl Sim {
    pub(crate) fn start() -> Self {
        Self::started(goodput(), "127.0.0.1")
    }

    /// A server that this command starts, at an address.
    pub(crate) fn started(mut command: Command, host: &str) -> Self {
        command
            .args([
                "sim", "--host", host, "--port", "0", "--ttft", "20ms", "--itl", "2ms",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http"));
        Sim {
            url: url.unwrap().to_owned(),
            _process: Owned(process),
        }
    }
}

impl Sim {
    /// Waits until the server has answered something, so that the run has begun.
    pub(crate) fn until_asked(&self) {
        until("the run begins", || self.tokens() > 0.0);
    }

    /// Tokens that the server has generated, by its `/metrics`.
    fn tokens(&self) -> f64 {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        let request =
            format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        let counts = page
            .lines()
            .filter(|line| line.starts_with("vllm:generation_tokens"));
        let counts = counts.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        counts.sum()
    }
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(
            began.elapsed() < DEADLINE,
            "{what}: not within {DEADLINE:?}"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

/// The output of a command that must end.
pub(crate) fn ended(command: &mut Command) -> Output {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut owned = Owned(command.spawn().unwrap());
    let streams = (
        owned.0.stdout.take().unwrap(),
        owned.0.stderr.take().unwrap(),
    );
    let read = |mut stream: Box<dyn std::io::Read + Send>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).map(|_| bytes)
        })
    };
    let (stdout, stderr) = (read(Box::new(streams.0)), read(Box::new(streams.1)));
    let mut status = None;
    until("a command ends", || {
        status = owned.0.try_wait().unwrap();
        status.is_some()
    });
    Output {
        status: status.unwrap(),
        stdout: stdout.join().unwrap().unwrap(),
        stderr: stderr.join().unwrap().unwrap(),
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Checks that a merged result has every request once, and returns it.
pub(crate) fn whole(file: &Path) -> Value {
    let result: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(result["completed"], REQUESTS, "{result}");
    assert_eq!(result["goodput"]["requests"]["failed"], 0);
    result
}
