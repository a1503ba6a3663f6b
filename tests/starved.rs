//! A client that is starved on purpose ends *invalid*, and never makes the server look slow: a busy
//! core, a tiny limit of descriptors, a stopped process, a name server that hardly answers. The stress
//! is far beyond any threshold, so that no luck with the machine's load decides.
#![cfg(all(feature = "cli", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/folder.rs"]
mod folder;
mod support;

use folder::Folder;
use goodput::exit_code::INVALID;
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rstest::rstest;
use serde_json::Value;
use std::{
    io::Write,
    net::UdpSocket,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use support::{RawServer, STREAM_HEAD, chunk, event};

/// One at a time: the others would be starved too.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server that is quick and even: two tokens, 20 ms apart. Counts the requests.
fn server() -> (RawServer, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = requests.clone();
    let server = RawServer::start(move |stream, _| {
        count.fetch_add(1, Ordering::SeqCst);
        let first = format!("{STREAM_HEAD}{}", chunk(&event("a", None)));
        let last = [
            chunk(&event("b", Some("length"))),
            chunk("data: [DONE]\n\n"),
            "0\r\n\r\n".to_owned(),
        ]
        .concat();
        thread::sleep(Duration::from_millis(20));
        let sent = stream.write_all(first.as_bytes());
        thread::sleep(Duration::from_millis(20));
        sent.and_then(|()| stream.write_all(last.as_bytes()))
            .is_ok()
    });
    (server, requests)
}

/// A measurement under way.
struct Measured {
    child: Child,
    folder: Folder,
}

/// How it ended.
struct Ended {
    code: Option<i32>,
    output: String,
    findings: Vec<String>,
    audit: Value,
}

impl Measured {
    /// `goodput serve` against a server, started through `launcher`, with an SLO that a quick server
    /// meets and a starved client would miss.
    fn start(name: &str, url: &str, launcher: &[&str], load: &[&str]) -> Self {
        let folder = Folder::new(name);
        let words = [launcher, &[env!("CARGO_BIN_EXE_goodput"), "serve"]].concat();
        let child = Command::new(words[0])
            .args(&words[1..])
            .args(["--base-url", url, "--model", "m", "--backend", "openai"])
            .args(["--random-input-len", "8", "--random-output-len", "2"])
            .args([
                "--slo",
                "p99(ttft) < 60ms, p99(e2el) < 90ms, errors < 1%, throughput(requests) > 1",
                // What matters is whether it is missed; 200 requests could not prove these limits.
                "--on-inconclusive",
                "warn",
            ])
            .args([
                "--disable-tqdm",
                "--save-result",
                "--result-filename",
                "result.json",
            ])
            .arg("--result-dir")
            .arg(&folder)
            .args(load)
            // A measurement lock of its own.
            .env("TMPDIR", &folder)
            .env_remove("OPENAI_API_KEY")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Measured { child, folder }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// The smallest share of a core that there is, as soon as others want it too.
    fn take_the_least_share(&self) {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let threads = threads.map(|thread| thread.unwrap().file_name());
        let mut renice = Command::new("renice");
        renice
            .args(["-n", "19", "-p"])
            .args(threads)
            .stdout(Stdio::null());
        assert!(renice.status().unwrap().success());
    }

    fn end(self) -> Ended {
        let output = self.child.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        let result = std::fs::read_to_string(self.folder.join("result.json"));
        let result = result.unwrap_or_else(|e| panic!("no result, {e}: {text}"));
        let result: Value = serde_json::from_str(&result).unwrap();
        let findings = result["goodput"]["findings"].as_array().unwrap();
        let kind = |finding: &Value| finding["kind"].as_str().unwrap().to_owned();
        Ended {
            code: output.status.code(),
            findings: findings.iter().map(kind).collect(),
            audit: result["goodput"]["audit"].clone(),
            output: text,
        }
    }
}

impl Ended {
    /// Invalid by one of these findings, and not a word on what a server missed.
    #[track_caller]
    fn assert_invalid(&self, kinds: &[&str]) {
        let output = &self.output;
        assert_eq!(self.code, Some(INVALID.into()), "{output}");
        let found = |kind: &&str| self.findings.iter().any(|found| found == kind);
        assert!(kinds.iter().any(found), "{output}");
        assert!(
            output.contains("INVALID") && output.contains("(not judged)"),
            "{output}"
        );
        assert!(
            !output.contains('✗') && !output.contains("FAIL"),
            "{output}"
        );
    }
}

/// Waits until the server has so many requests.
fn wait_for(requests: &AtomicUsize, count: usize) {
    let start = Instant::now();
    while requests.load(Ordering::SeqCst) < count {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "no requests came"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

/// Runs `work` in a thread that may use one core only; what it starts may not use another either.
fn on_one_core<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let pin = || {
        let me = Pid::from_raw(0);
        let allowed = sched_getaffinity(me).unwrap();
        let first = (0..CpuSet::count()).find(|cpu| allowed.is_set(*cpu).unwrap());
        let mut one = CpuSet::new();
        one.set(first.unwrap()).unwrap();
        sched_setaffinity(me, &one).unwrap();
        work()
    };
    thread::scope(|scope| scope.spawn(pin).join().unwrap())
}

/// Processes that use all of the core they are on.
struct Spinners(Vec<Child>);

impl Spinners {
    fn start(count: usize) -> Self {
        let spin = |_| {
            let mut shell = Command::new("sh");
            shell.args(["-c", "while :; do :; done"]).spawn().unwrap()
        };
        Spinners((0..count).map(spin).collect())
    }
}

impl Drop for Spinners {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

const OPEN: &[&str] = &["--num-prompts", "120", "--request-rate", "50"];
const CLOSED: &[&str] = &["--num-prompts", "200", "--max-concurrency", "4"];

#[rstest]
#[case::open_loop("busy-open", OPEN, &["late", "stopped"])]
#[case::closed_loop("busy-closed", CLOSED, &["slow_loop", "stopped"])]
#[ignore = "needs renice of util-linux"]
fn a_busy_core(#[case] name: &str, #[case] load: &[&str], #[case] kinds: &[&str]) {
    let _alone = alone();
    let (server, requests) = server();
    let ended = on_one_core(|| {
        let measured = Measured::start(name, &server.url, &["env"], load);
        wait_for(&requests, 10);
        measured.take_the_least_share();
        let spinners = Spinners::start(8);
        thread::sleep(Duration::from_millis(1200));
        drop(spinners);
        measured.end()
    });
    ended.assert_invalid(kinds);
    assert!(
        ended.findings.contains(&"starved".to_owned()),
        "{}",
        ended.output
    );
}

#[rstest]
#[case::open_loop("stopped-open", OPEN)]
#[case::closed_loop("stopped-closed", CLOSED)]
fn a_stopped_process(#[case] name: &str, #[case] load: &[&str]) {
    let _alone = alone();
    let (server, requests) = server();
    let measured = Measured::start(name, &server.url, &["env"], load);
    wait_for(&requests, 10);
    measured.signal(Signal::SIGSTOP);
    thread::sleep(Duration::from_millis(1200));
    measured.signal(Signal::SIGCONT);
    let ended = measured.end();
    ended.assert_invalid(&["stopped"]);
    let pause = ended.audit["watch"]["longest_pause_ms"].as_f64().unwrap();
    assert!((1000.0..5000.0).contains(&pause), "{pause}");
}

#[test]
fn a_tiny_limit_of_descriptors() {
    let _alone = alone();
    let (server, _) = server();
    let launcher = ["sh", "-c", "ulimit -n 40; exec \"$0\" \"$@\""];
    // 40 at a time, each for 40 ms: the plan does not show that.
    let load = ["--num-prompts", "200", "--request-rate", "1000"];
    let ended = Measured::start("descriptors", &server.url, &launcher, &load).end();
    ended.assert_invalid(&["client_limit"]);
    assert_eq!(ended.audit["descriptors"], 40);
    assert!(ended.output.contains("ulimit -n"), "{}", ended.output);
}

#[test]
fn a_plan_beyond_the_limit_of_descriptors_is_refused() {
    let _alone = alone();
    let (server, requests) = server();
    let launcher = ["sh", "-c", "ulimit -n 40; exec \"$0\" \"$@\""];
    let load = ["--num-prompts", "200"];
    let measured = Measured::start("refused", &server.url, &launcher, &load);
    let output = measured.child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("the run needs 200 connections"), "{told}");
    assert!(told.contains("`ulimit -n`"), "{told}");
    assert_eq!(requests.load(Ordering::SeqCst), 0);
}

#[test]
fn a_soft_limit_is_raised() {
    let _alone = alone();
    let (server, _) = server();
    let launcher = ["sh", "-c", "ulimit -S -n 40; exec \"$0\" \"$@\""];
    let load = ["--num-prompts", "200"];
    let ended = Measured::start("soft-limit", &server.url, &launcher, &load).end();
    assert!(
        !ended.findings.contains(&"client_limit".to_owned()),
        "{}",
        ended.output
    );
    assert!(ended.audit["descriptors"].as_u64().unwrap() > 200);
    assert!(
        ended
            .output
            .contains("Failed requests:                         0"),
        "{}",
        ended.output
    );
}

/// A name server that knows every name as 127.0.0.1, and takes its time.
struct SlowNameServer {
    folder: Folder,
}

impl SlowNameServer {
    const ADDRESS: &str = "127.0.0.77";
    const TAKES: Duration = Duration::from_millis(2_200);

    /// `None` where this user may not have one, as it needs a port below 1024, and a mount namespace
    /// that sends the client there.
    fn start() -> Option<Self> {
        let socket = UdpSocket::bind((Self::ADDRESS, 53)).ok()?;
        let mut unshare = Command::new("unshare");
        if !unshare.args(["-m", "true"]).status().ok()?.success() {
            return None;
        }
        thread::spawn(move || Self::answer(&socket));
        let folder = Folder::new("name-server");
        let resolver = format!("nameserver {}\noptions timeout:20\n", Self::ADDRESS);
        std::fs::write(folder.join("resolv.conf"), resolver).unwrap();
        std::fs::write(folder.join("nsswitch.conf"), "hosts: dns\n").unwrap();
        Some(SlowNameServer { folder })
    }

    /// Answers each question after a while: an address for one of kind A, nothing for any other.
    fn answer(socket: &UdpSocket) {
        let mut question = [0; 512];
        while let Ok((size, from)) = socket.recv_from(&mut question) {
            let mut answer = question[..size].to_vec();
            let name = answer[12..].iter().position(|byte| *byte == 0).unwrap();
            let kind = answer[12 + name + 2];
            // The question alone, without what may follow it.
            answer.truncate(12 + name + 5);
            // A response, no error, with as many answers.
            answer[2..4].copy_from_slice(&[0x81, 0x80]);
            answer[6..12].copy_from_slice(&[0, u8::from(kind == 1), 0, 0, 0, 0]);
            if kind == 1 {
                // The same name, A, IN, for 1 s, 4 bytes.
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
            }
            let socket = socket.try_clone().unwrap();
            thread::spawn(move || {
                thread::sleep(Self::TAKES);
                let _ = socket.send_to(&answer, from);
            });
        }
    }
}

#[test]
#[ignore = "needs unshare of util-linux, and a user who may use it"]
fn a_slow_name_server() {
    let _alone = alone();
    let Some(names) = SlowNameServer::start() else {
        eprintln!(
            "not tested: this user may not have a name server or a mount namespace of its own"
        );
        return;
    };
    let (server, requests) = server();
    let script = format!(
        "mount --bind '{0}/resolv.conf' /etc/resolv.conf && \
         mount --bind '{0}/nsswitch.conf' /etc/nsswitch.conf && exec \"$0\" \"$@\"",
        names.folder.display()
    );
    let launcher = ["unshare", "-m", "sh", "-c", &script];
    let url = server.url.replace("127.0.0.1", "slow.example");
    let load = ["--num-prompts", "20", "--request-rate", "50"];
    let ended = Measured::start("slow-name", &url, &launcher, &load).end();
    ended.assert_invalid(&["broken_dns"]);
    assert!(ended.audit["resolve_ms"].as_f64().unwrap() >= 2_200.0);
    assert_eq!(requests.load(Ordering::SeqCst), 20);
}

#[test]
fn what_the_resolver_took_is_noted_and_in_no_latency() {
    let _alone = alone();
    let (server, _) = server();
    let url = server.url.replace("127.0.0.1", "localhost");
    let load = ["--num-prompts", "4", "--max-concurrency", "2"];
    let named = Measured::start("named", &url, &["env"], &load).end();
    assert!(named.audit["resolve_ms"].as_f64().unwrap() > 0.0);
    let address = Measured::start("address", &server.url, &["env"], &load).end();
    assert_eq!(address.audit["resolve_ms"], Value::Null);
}
