//! Files of shards: real ones, and longer ones made of them.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader, BufWriter, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const SHARDS: usize = 4;
/// Requests that are sent.
pub(super) const SENT: usize = 2_000;
/// Tokens a second: few enough for any machine.
const TOKENS: usize = 10_000;

pub(super) fn goodput(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goodput"));
    command.args(arguments);
    command
}

/// A simulated server; it ends with this value.
struct Sim(Child);

impl Sim {
    fn start() -> (Self, String) {
        let mut child = goodput(&["sim", "--port", "0", "--ttft", "5ms", "--itl", "1ms"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http"));
        (Sim(child), url.unwrap().to_owned())
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGINT);
        let _ = self.0.wait();
    }
}

/// The files of real shards.
pub(super) struct Sent {
    files: Vec<PathBuf>,
    /// How long their plan is, in nanoseconds.
    lasts: u64,
}

impl Sent {
    /// Sends requests for answers of this number of tokens.
    pub(super) fn by_shards(tokens: usize, folder: &Path) -> Self {
        let rate = (TOKENS / tokens).max(1);
        let (_sim, url) = Sim::start();
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let rendezvous = port.local_addr().unwrap().to_string();
        drop(port);
        let shards: Vec<Child> = (0..SHARDS)
            .map(|index| {
                goodput(&["serve", "--base-url", &url, "--rendezvous", &rendezvous])
                    .args(["--shard", &format!("{index}/{SHARDS}")])
                    .args(["--num-prompts", &SENT.to_string()])
                    .args(["--request-rate", &rate.to_string()])
                    .args(["--random-input-len", "16"])
                    .args(["--random-output-len", &tokens.to_string()])
                    .args(["--goodput", "ttft:10000", "--slo", "goodput >= 50%"])
                    .current_dir(folder)
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for mut shard in shards {
            assert!(shard.wait().unwrap().success());
        }
        let file = |index| folder.join(format!("shard-{index}-of-{SHARDS}.json"));
        Sent {
            files: (0..SHARDS).map(file).collect(),
            lasts: SENT as u64 * 1_000_000_000 / rate as u64,
        }
    }

    /// The files with their requests again and again, and their size in bytes.
    pub(super) fn longer(&self, folder: &Path, times: usize) -> (Vec<PathBuf>, u64) {
        let file = |shard: &PathBuf| {
            let path = folder.join("longer").join(shard.file_name().unwrap());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            self.repeated(shard, &path, times);
            path
        };
        let files: Vec<PathBuf> = self.files.iter().map(file).collect();
        let sizes = files.iter().map(|file| fs::metadata(file).unwrap().len());
        let bytes = sizes.sum();
        (files, bytes)
    }

    fn repeated(&self, from: &Path, to: &Path, times: usize) {
        let lines = BufReader::new(File::open(from).unwrap()).lines();
        let mut lines = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        let mut heading = lines.next().unwrap();
        let requests: Vec<Value> = lines.collect();
        // A plan of this length has this mean.
        let more = self.lasts * (times as u64 - 1);
        let run = &mut heading["run"];
        run["duration"] = json!(run["duration"].as_u64().unwrap() + more);
        run["setup"]["requests"] = json!(requests.len() * times);
        run["setup"]["bench"]["load"]["requests"] = json!(SENT * times);
        run["audit"]["shard"]["planned"] = json!(SENT * times);
        heading["shown"]["num_prompts"] = json!(SENT * times);
        heading["requests"] = json!(requests.len() * times);
        let mut file = BufWriter::new(File::create(to).unwrap());
        writeln!(file, "{heading}").unwrap();
        for time in 0..times {
            for request in &requests {
                let mut request = request.clone();
                request["i"] = json!(request["i"].as_u64().unwrap() + (time * SENT) as u64);
                let later = self.lasts * time as u64;
                request["t"][0] = json!(request["t"][0].as_u64().unwrap() + later);
                writeln!(file, "{request}").unwrap();
            }
        }
        file.flush().unwrap();
    }
}
