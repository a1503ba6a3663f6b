//! How runs end when somebody ends them: by signals, by dropping them, by killing the process; and what is waited
//! for meanwhile.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(all(unix, feature = "cli"))]

#[path = "support/example.rs"]
mod example;
#[path = "support/folder.rs"]
mod folder;
mod support;

use folder::Folder;
use goodput::{
    Bench, Error, ServerProcess,
    bench::Control,
    exit_code::{INVALID, PASS},
    observer::Silent,
    stop::Stop,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rstest::rstest;
use std::{
    fs::{self, File},
    io::{PipeReader, PipeWriter, Read, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use support::{
    RawServer,
    program::{
        DEADLINE, Program, good_server, goodput, has_measured, long_run, program, quiet, read,
        until,
    },
};

fn is_partial(folder: &Path) {
    let result: serde_json::Value =
        serde_json::from_str(&read(&folder.join("partial.json"))).unwrap();
    assert_eq!(result["goodput"]["partial"], true);
    assert!(result["completed"].as_u64().unwrap() > 0);
    let junit = read(&folder.join("junit.xml"));
    roxmltree::Document::parse(&junit).unwrap();
    assert!(junit.contains("was stopped"), "{junit}");
}

#[rstest]
#[case::ctrl_c(Signal::SIGINT)]
#[case::terminate(Signal::SIGTERM)]
#[case::hang_up(Signal::SIGHUP)]
fn a_signal_keeps_what_was_measured(#[case] signal: Signal) {
    let folder = Folder::new(signal.as_str());
    let server = good_server();
    let mut command = goodput(&folder);
    long_run(&mut command, &server.url);
    let mut program = Program::start(&mut command);
    has_measured(&server);
    program.signal(signal);
    assert_eq!(program.ended().code(), Some(INVALID.into()));
    let table = read(&folder.join("stdout"));
    assert!(table.contains("Serving Benchmark Result"), "{table}");
    is_partial(&folder);
}

/// The reader of stderr has died, as has that of stdout: `2>&1 | tee log` after Ctrl-C.
#[rstest]
#[case::stderr(false)]
#[case::both(true)]
fn a_signal_is_heard_when_nobody_reads_any_more(#[case] stdout_too: bool) {
    let folder = Folder::new(&format!("unread-{stdout_too}"));
    let server = good_server();
    let mut command = goodput(&folder);
    long_run(&mut command, &server.url);
    command.stderr(Stdio::piped());
    if stdout_too {
        command.stdout(Stdio::piped());
    }
    let mut program = Program::start(&mut command);
    drop((program.0.stderr.take(), program.0.stdout.take()));
    has_measured(&server);
    program.signal(Signal::SIGINT);
    assert_eq!(program.ended().code(), Some(INVALID.into()));
    is_partial(&folder);
}

/// A pipe that is full, and whose reader only holds it open: as a terminal after Ctrl-S.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut filler = writer.try_clone().unwrap();
    // Ends with the reader.
    thread::spawn(move || while filler.write_all(&[b'x'; 4096]).is_ok() {});
    thread::sleep(Duration::from_millis(100));
    (reader, writer)
}

/// The run is measured, ended, and in its files, whatever the screen does.
#[rstest]
#[case::stderr(&["--message-format", "human"], false)]
#[case::both(&["--message-format", "human"], true)]
#[case::events(&["--message-format", "json"], true)]
fn a_screen_that_stands_still_holds_up_no_signal(#[case] format: &[&str], #[case] both: bool) {
    let folder = Folder::new(&format!("still-{}-{both}", format[1]));
    let server = good_server();
    let mut command = goodput(&folder);
    long_run(&mut command, &server.url);
    command.args(format);
    let (_reader, writer) = full_pipe();
    if both {
        command.stdout(writer.try_clone().unwrap());
    }
    command.stderr(writer);
    let mut program = Program::start(&mut command);
    // Longer than what is told once a second takes.
    until("requests are answered", || {
        server.answered.load(Ordering::SeqCst) >= 250
    });
    program.signal(Signal::SIGTERM);
    let began = Instant::now();
    assert_eq!(program.ended().code(), Some(INVALID.into()));
    assert!(began.elapsed() < Duration::from_secs(30));
    is_partial(&folder);
}

/// Without a signal the report waits for its reader, as that of any program does.
#[test]
fn a_late_reader_gets_all_of_the_report() {
    let folder = Folder::new("late");
    let server = good_server();
    let mut command = goodput(&folder);
    command
        .args(["serve", "--base-url", &server.url, "--model", "m"])
        .args(["--num-prompts", "4", "--random-input-len", "4"])
        .args(["--prompt-token-ids", "--output", "junit=junit.xml"]);
    let (mut reader, writer) = full_pipe();
    command.stdout(writer);
    let mut program = Program::start(&mut command);
    // The pipe's other writer is this process, through the command.
    drop(command);
    until("the files are there", || {
        read(&folder.join("junit.xml")).contains("</testsuites>")
    });
    thread::sleep(Duration::from_secs(2));
    assert!(program.0.try_wait().unwrap().is_none());
    let mut shown = Vec::new();
    let mut piece = [0; 4096];
    let began = Instant::now();
    while !String::from_utf8_lossy(&shown).contains("verdict") {
        assert!(began.elapsed() < DEADLINE);
        let read = reader.read(&mut piece).unwrap();
        shown.extend(piece[..read].iter().filter(|byte| **byte != b'x'));
    }
    drop(reader);
    assert_eq!(program.ended().code(), Some(PASS.into()));
}

/// `nohup goodput … &`, and the terminal goes.
#[cfg(target_os = "linux")]
#[test]
fn an_ignored_hang_up_stays_ignored() {
    let folder = Folder::new("nohup");
    let server = good_server();
    let mut command = Command::new("sh");
    quiet(&mut command, &folder);
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]);
    command.arg(env!("CARGO_BIN_EXE_goodput"));
    long_run(&mut command, &server.url);
    let mut program = Program::start(&mut command);
    has_measured(&server);
    program.signal(Signal::SIGHUP);
    thread::sleep(Duration::from_millis(300));
    assert!(program.0.try_wait().unwrap().is_none());
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended().code(), Some(INVALID.into()));
}

/// A bench that was not reached is in the files, too.
#[test]
fn a_suite_that_is_ended_names_all_of_its_benches() {
    let folder = Folder::new("suite");
    let server = good_server();
    let suite = format!(
        "[defaults]\nmodel = \"m\"\ntarget = \"{}\"\nrate = 100.0\nrequests = 10000\ndataset = \"random(input = 4, output = 4)\"\n\
         [bench.first]\n[bench.second]\n",
        server.url
    );
    fs::write(folder.join("goodput.toml"), suite).unwrap();
    let mut command = goodput(&folder);
    command.args(["run", "--output", "junit=junit.xml"]);
    let mut program = Program::start(&mut command);
    has_measured(&server);
    program.signal(Signal::SIGTERM);
    let code = program.ended().code();
    assert_eq!(
        code,
        Some(INVALID.into()),
        "{}",
        read(&folder.join("stderr"))
    );
    let junit = read(&folder.join("junit.xml"));
    roxmltree::Document::parse(&junit).unwrap();
    for said in [
        "first",
        "was stopped after",
        "second",
        "waited for its turn",
    ] {
        assert!(junit.contains(said), "`{said}` is missing in {junit}");
    }
}

/// What can be known before it is: a kill cannot be heard.
#[test]
fn a_suite_that_is_killed_has_told_of_the_benches_before() {
    let folder = Folder::new("killed-suite");
    let server = good_server();
    let suite = format!(
        "[bench.first]\ntarget = \"sim\"\nrequests = 3\n\
         [bench.second]\nmodel = \"m\"\ntarget = \"{}\"\nrate = 100.0\nrequests = 10000\n\
         dataset = \"random(input = 4, output = 4)\"\n",
        server.url
    );
    fs::write(folder.join("goodput.toml"), suite).unwrap();
    fs::write(folder.join("summary.md"), "of another step\n").unwrap();
    let mut command = goodput(&folder);
    command.args(["run", "--output", "junit=junit.xml"]);
    command.env("GITHUB_STEP_SUMMARY", folder.join("summary.md"));
    let mut program = Program::start(&mut command);
    has_measured(&server);
    program.signal(Signal::SIGKILL);
    program.ended();
    let junit = read(&folder.join("junit.xml"));
    roxmltree::Document::parse(&junit).unwrap();
    assert!(
        junit.contains("\"first\"") && !junit.contains("second"),
        "{junit}"
    );
    let summary = read(&folder.join("summary.md"));
    assert!(
        summary.starts_with("of another step\n### goodput: 0 of 1 passed")
            && summary.contains("| first (simulated) |"),
        "{summary}"
    );
}

/// `goodput::main!()` does as the command.
#[test]
fn a_benchmark_target_is_ended_by_signals() {
    let folder = Folder::new("target");
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let server = RawServer::start(move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
        thread::sleep(DEADLINE);
        false
    });
    let mut command = program(example::example("gates"));
    quiet(&mut command, &folder);
    command.env("GATES_URL", &server.url);
    command.args(["live", "--nocapture"]);
    let mut program = Program::start(&mut command);
    until("a request is under way", || {
        asked.load(Ordering::SeqCst) > 0
    });
    program.signal(Signal::SIGTERM);
    let code = program.ended().code();
    assert_eq!(
        code,
        Some(INVALID.into()),
        "{}",
        read(&folder.join("stderr"))
    );
    let said = read(&folder.join("stdout"));
    assert!(said.contains("was stopped after 0 of 5"), "{said}");
}

/// What a run may wait for before it measures.
#[derive(Clone, Copy)]
enum Wait {
    Lock,
    Ready,
    Model,
    Prewarm,
    Start,
    Dataset,
    Prompts,
}

#[rstest]
#[case::lock(Wait::Lock, "waits for the measurement lock")]
#[case::ready(Wait::Ready, "to be ready; the last attempt")]
#[case::model(Wait::Model, "waiting for http")]
#[case::prewarm(Wait::Prewarm, "")]
#[case::start(Wait::Start, "")]
#[case::dataset(Wait::Dataset, "")]
#[case::prompts(Wait::Prompts, "")]
fn whatever_is_waited_for_ends_with_a_signal(#[case] wait: Wait, #[case] said: &str) {
    let folder = Folder::new(&format!("wait-{}", wait as u8));
    // Takes connections, and answers nobody.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let uid = nix::unistd::getuid();
    let lock = File::create(folder.join(format!("goodput-{uid}-measurement.lock")));
    let lock = lock.unwrap();
    let mut command = goodput(&folder);
    match wait {
        Wait::Lock | Wait::Ready => {
            let bench = format!(
                "[bench.chat]\nmodel = \"m\"\ntarget = \"{url}\"\nready_timeout = \"1h\"\n"
            );
            fs::write(folder.join("goodput.toml"), bench).unwrap();
            command.arg("run");
            if let Wait::Lock = wait {
                lock.lock().unwrap();
            }
        }
        Wait::Model => {
            command.args(["serve", "--base-url", &url]);
        }
        Wait::Prewarm => {
            let tls = url.replace("http:", "https:");
            command.args(["serve", "--base-url", &tls, "--model", "m"]);
        }
        // Nobody writes to it.
        Wait::Dataset => {
            nix::unistd::mkfifo(&folder.join("rows.jsonl"), nix::sys::stat::Mode::S_IRWXU).unwrap();
            command
                .args(["serve", "--base-url", &url, "--model", "m"])
                .args(["--dataset-name", "custom", "--dataset-path", "rows.jsonl"]);
        }
        // Minutes.
        Wait::Prompts => {
            command
                .args(["serve", "--base-url", &url, "--model", "m"])
                .args(["--num-prompts", "300000", "--random-input-len", "512"]);
        }
        Wait::Start => {
            command
                .args([
                    "ab",
                    "--a-command",
                    "sleep 1000",
                    "--b-command",
                    "sleep 1000",
                ])
                .args(["--num-prompts", "1"]);
        }
    }
    let mut program = Program::start(&mut command);
    let stderr = folder.join("stderr");
    match said {
        // It has nothing to say, or only much later.
        "" => thread::sleep(Duration::from_secs(1)),
        said => until(said, || read(&stderr).contains(said)),
    }
    program.signal(Signal::SIGTERM);
    let began = Instant::now();
    assert_eq!(
        program.ended().code(),
        Some(INVALID.into()),
        "{}",
        read(&stderr)
    );
    assert!(began.elapsed() < Duration::from_secs(20));
    let all = read(&stderr) + &read(&folder.join("stdout"));
    assert!(all.contains("the run was stopped while it"), "{all}");
}

/// A server that does not mind SIGTERM, and whose workers do not either.
const STUBBORN: &str =
    "sh -c 'trap \"\" TERM; sleep 1000 & echo $! > worker; echo $$ > server; sleep 1000'";

fn pid(path: &Path) -> Pid {
    let mut pid = None;
    until("the server starts", || {
        pid = read(path).trim().parse().ok().map(Pid::from_raw);
        pid.is_some()
    });
    pid.unwrap()
}

/// A process that has ended and that nobody has asked about has no use for its port either.
fn lives(pid: Pid) -> bool {
    let stat = read(Path::new(&format!("/proc/{pid}/stat")));
    let state = stat.rsplit(") ").next().unwrap_or_default();
    kill(pid, None).is_ok() && !state.starts_with('Z')
}

#[rstest]
#[case::killed(Signal::SIGKILL)]
#[case::aborted(Signal::SIGABRT)]
#[case::quit(Signal::SIGQUIT)]
fn a_server_dies_with_us(#[case] signal: Signal) {
    let folder = Folder::new(&format!("dies-{signal}"));
    let mut command = goodput(&folder);
    command.args(["ab", "--a-command", STUBBORN, "--b-command", STUBBORN]);
    let mut program = Program::start(&mut command);
    let (server, worker) = (pid(&folder.join("server")), pid(&folder.join("worker")));
    assert!(lives(server) && lives(worker));
    program.signal(signal);
    program.ended();
    until("the server and its worker are gone", || {
        !lives(server) && !lives(worker)
    });
}

/// Run by the next test in a process of libtest, as plain `cargo test` has it.
#[test]
#[ignore = "run by another test"]
fn starts_a_server_and_waits_for_it() {
    let bench = Bench::new("starts").target(ServerProcess::new(STUBBORN));
    bench
        .model("m")
        .exclusive(false)
        .run_blocking()
        .unwrap_err();
}

/// Its signals are as libtest leaves them, and nobody stops anything in good order.
#[rstest]
#[case::killed(Signal::SIGKILL)]
#[case::ctrl_c(Signal::SIGINT)]
#[case::terminated(Signal::SIGTERM)]
fn a_server_dies_with_the_process_of_a_test(#[case] signal: Signal) {
    let folder = Folder::new(&format!("test-dies-{signal}"));
    let mut command = program(std::env::current_exe().unwrap());
    quiet(&mut command, &folder);
    command.args(["--exact", "starts_a_server_and_waits_for_it", "--ignored"]);
    let mut program = Program::start(&mut command);
    let (server, worker) = (pid(&folder.join("server")), pid(&folder.join("worker")));
    assert!(lives(server) && lives(worker));
    program.signal(signal);
    program.ended();
    until("the server and its worker are gone", || {
        !lives(server) && !lives(worker)
    });
}

/// A server that stands still takes no SIGTERM, and neither does its worker.
#[rstest]
#[case::after_a_signal(Signal::SIGTERM)]
#[case::after_a_kill(Signal::SIGKILL)]
fn a_server_that_was_stopped_dies_as_well(#[case] signal: Signal) {
    let folder = Folder::new(&format!("stopped-{signal}"));
    let mut command = goodput(&folder);
    command.args(["ab", "--a-command", STUBBORN, "--b-command", STUBBORN]);
    let mut program = Program::start(&mut command);
    let (server, worker) = (pid(&folder.join("server")), pid(&folder.join("worker")));
    for process in [server, worker] {
        kill(process, Signal::SIGSTOP).unwrap();
    }
    program.signal(signal);
    program.ended();
    until("the server and its worker are gone", || {
        !lives(server) && !lives(worker)
    });
}

/// The first signal waits for the server to stop; the second does not.
#[rstest]
#[case::ctrl_c(Signal::SIGINT, 130)]
#[case::terminate(Signal::SIGTERM, 143)]
#[case::hang_up(Signal::SIGHUP, 129)]
fn a_second_signal_quits_at_once_and_takes_the_server_along(
    #[case] signal: Signal,
    #[case] code: i32,
) {
    let folder = Folder::new(&format!("second-{signal}"));
    let mut command = goodput(&folder);
    command.args(["ab", "--a-command", STUBBORN, "--b-command", STUBBORN]);
    let mut program = Program::start(&mut command);
    let (server, worker) = (pid(&folder.join("server")), pid(&folder.join("worker")));
    program.signal(signal);
    until("the first is heard", || {
        read(&folder.join("stderr")).contains("ending the run")
    });
    program.signal(signal);
    assert_eq!(program.ended().code(), Some(code));
    until("the server and its worker are gone", || {
        !lives(server) && !lives(worker)
    });
}

/// `goodput serve --workers 4` where there is not enough of something for four.
#[test]
fn a_worker_that_cannot_start_starves_nobody() {
    let folder = Folder::new("workers");
    let server = good_server();
    // The least that suffices for one worker depends on the machine; in between some of four fail.
    for limit in (14..34).step_by(2) {
        let mut command = Command::new("sh");
        quiet(&mut command, &folder);
        let script = format!("ulimit -n {limit}; exec \"$@\"");
        command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_goodput")]);
        command
            .args(["serve", "--base-url", &server.url, "--model", "m"])
            .args(["--num-prompts", "8", "--workers", "4"])
            .args(["--random-input-len", "4", "--prompt-token-ids"]);
        // It ends: how depends on what was missing.
        Program::start(&mut command).ended();
    }
}

/// Nobody waits for it any more.
#[test]
fn a_run_whose_future_is_dropped_ends() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let bench = Bench::new("dropped")
        .target(url)
        .model("any")
        .requests(1)
        .exclusive(false);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let asked = thread::spawn(move || {
        // The probe, and what is asked of the server itself, come before the request.
        for mut stream in listener.incoming().map(Result::unwrap) {
            let mut head = [0; 4];
            let waits = stream.read(&mut head).unwrap();
            if waits == 4 && head == *b"POST" {
                return stream;
            }
        }
        unreachable!()
    });
    let mut stream = runtime.block_on(async {
        let mut run = Box::pin(bench.run());
        let began = Instant::now();
        while !asked.is_finished() {
            assert!(began.elapsed() < DEADLINE);
            let a_moment = Duration::from_millis(50);
            assert!(tokio::time::timeout(a_moment, &mut run).await.is_err());
        }
        drop(run);
        asked.join().unwrap()
    });
    // The request is cancelled, which closes its connection.
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
}

/// One [`Control`] for callers with a runtime and without.
#[tokio::test]
async fn a_run_may_be_ended_before_it_begins() {
    let (stopper, stop) = Stop::pair();
    stopper.stop();
    let control = Control {
        stop,
        observer: Arc::new(Silent),
    };
    let bench = Bench::new("ended");
    let error = bench.clone().run_with(control.clone()).await.unwrap_err();
    assert!(matches!(error, Error::Ended(_)), "{error}");
    let error = bench.run_blocking_with(control).unwrap_err();
    assert!(matches!(error, Error::Ended(_)), "{error}");
    assert_eq!(error.exit_code(), 4);
}
