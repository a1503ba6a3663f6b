//! What is left of a run that was killed, and how it is shown.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(all(unix, feature = "cli"))]

mod support;

use nix::sys::signal::Signal;
use std::{
    fs,
    path::{Path, PathBuf},
};
use support::program::{
    Program, folder, good_server, goodput, has_measured, long_run, read, until,
};

/// The journals in a folder of results.
fn journals(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder.join("journals")).into_iter().flatten();
    files.map(|file| file.unwrap().path()).collect()
}

/// `goodput report FILE`: its exit code, stdout and stderr.
fn report(folder: &Path, file: &Path) -> (Option<i32>, String, String) {
    let status = Program::start(goodput(folder).arg("report").arg(file)).ended();
    let [out, err] = ["stdout", "stderr"].map(|name| read(&folder.join(name)));
    (status.code(), out, err)
}

/// Nothing can be done about SIGKILL but to have written before it.
#[test]
fn a_killed_run_is_shown_as_far_as_it_came() {
    let folder = folder("killed");
    let results = folder.join("results");
    let server = good_server();
    let mut command = goodput(&folder);
    long_run(&mut command, &server.url);
    command.env("OPENAI_API_KEY", "Qx7-journal-key");
    command.args(["--results", "results"]);
    let mut program = Program::start(&mut command);
    has_measured(&server);
    // Synced each half second.
    until("the journal has requests", || {
        journals(&results)
            .first()
            .is_some_and(|journal| read(journal).lines().count() > 20)
    });
    program.signal(Signal::SIGKILL);
    program.ended();
    let [journal] = &journals(&results)[..] else {
        panic!("{:?}", journals(&results))
    };
    let text = read(journal);
    // The kill may have torn the last line.
    let text = &text[..=text.rfind('\n').unwrap()];
    assert!(!text.contains("Qx7-journal-key") && !text.contains("\"prompt\""));
    let (code, shown, told) = report(&folder, journal);
    assert_eq!(code, Some(0), "{told}");
    let requests = text.lines().count() - 1;
    let successful = shown
        .lines()
        .find(|line| line.starts_with("Successful requests:"))
        .unwrap();
    assert!(
        successful.trim_end().ends_with(&format!(" {requests}")),
        "{successful}"
    );
    assert!(
        shown.contains(&format!("was stopped after {requests} of 10000")),
        "{shown}"
    );

    // A line that was torn in two, and a gap.
    fs::write(
        journal,
        format!("{text}{{\"left_out\":7}}\n{{\"index\": 4, \"inte"),
    )
    .unwrap();
    let (code, again, told) = report(&folder, journal);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(again, shown);
    for part in [
        "left out",
        "7 requests that had ended",
        &format!("at line {}", requests + 3),
    ] {
        assert!(told.contains(part), "`{part}` is missing in {told}");
    }
}

/// With a report there is no need for it.
#[test]
fn a_good_end_leaves_no_journal_and_the_next_run_tells_of_one_that_was_left() {
    let folder = folder("ended");
    let results = folder.join("results");
    let server = good_server();
    let run = || {
        let mut command = goodput(&folder);
        command
            .args([
                "serve",
                "--base-url",
                &server.url,
                "--model",
                "m",
                "--disable-tqdm",
            ])
            .args([
                "--num-prompts",
                "5",
                "--random-input-len",
                "4",
                "--prompt-token-ids",
            ])
            .args(["--results", "results"]);
        assert_eq!(Program::start(&mut command).ended().code(), Some(0));
        read(&folder.join("stderr"))
    };
    let said = run();
    assert!(!said.contains("goodput report"), "{said}");
    assert_eq!(journals(&results), Vec::<PathBuf>::new());
    fs::create_dir_all(results.join("journals")).unwrap();
    let left = results.join("journals/serve-1-0.jsonl");
    fs::write(&left, "{}\n").unwrap();
    let said = run();
    assert!(
        said.contains("`goodput report ") && said.contains("serve-1-0.jsonl"),
        "{said}"
    );
    assert_eq!(journals(&results), [left]);
}
