//! What is left of a run that was killed, and how it is shown.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(all(unix, feature = "cli"))]

#[path = "support/folder.rs"]
mod folder;
mod support;

use folder::Folder;
use goodput::exit_code::{PASS, UNUSABLE};
use nix::sys::signal::Signal;
use rstest::rstest;
use std::{
    fs,
    path::{Path, PathBuf},
};
use support::program::{Program, good_server, goodput, has_measured, long_run, read, until};

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
    let folder = Folder::new("killed");
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
    assert_eq!(code, Some(PASS.into()), "{told}");
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
    assert_eq!(code, Some(PASS.into()), "{told}");
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
    let folder = Folder::new("ended");
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
        assert_eq!(
            Program::start(&mut command).ended().code(),
            Some(PASS.into())
        );
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

/// What a comparison measures, in either of its forms. One run of a pair lasts seconds.
fn comparison(folder: &Path, flags: &[&str], pairs: &str, requests: &str, rate: &str) -> Program {
    let mut command = goodput(folder);
    command
        .args(["ab", "--model", "m", "--disable-tqdm", "--prompt-token-ids"])
        .args(["--pairs", pairs, "--num-prompts", requests])
        .args(["--request-rate", rate, "--random-input-len", "4"])
        .args(flags);
    Program::start(&mut command)
}

#[rstest]
#[case::two("two", false, &["--results", "results"], ["results/journals/ab-a-", "results/journals/ab-b-"])]
#[case::one_with_itself("one", true, &["--results", "results"], ["results/journals/ab-a-", "results/journals/ab-b-"])]
#[case::in_a_file("file", false, &["--journal", "deep.down.jsonl"], ["deep.down-a.jsonl", "deep.down.jsonl"])]
fn a_killed_comparison_is_shown_server_by_server(
    #[case] name: &str,
    #[case] with_itself: bool,
    #[case] to: &[&str],
    #[case] names: [&str; 2],
) {
    let folder = Folder::new(&format!("compared-{name}"));
    let (a, b) = (good_server(), good_server());
    let mut flags = vec!["--a", &a.url];
    if with_itself {
        flags.push("--aa")
    } else {
        flags.extend(["--b", &b.url])
    }
    flags.extend(to);
    let mut program = comparison(&folder, &flags, "16", "200", "100");
    let journals = || -> Vec<PathBuf> {
        let inside = if folder.join("results").exists() {
            folder.join("results/journals")
        } else {
            folder.to_path_buf()
        };
        let files = fs::read_dir(inside).into_iter().flatten();
        let mut files: Vec<PathBuf> = files
            .map(|file| file.unwrap().path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"))
            .collect();
        files.sort();
        files
    };
    until("both journals have requests", || {
        let found = journals();
        found.len() == 2 && found.iter().all(|file| read(file).lines().count() > 20)
    });
    program.signal(Signal::SIGKILL);
    program.ended();
    for (journal, (name, url)) in journals().iter().zip(names.iter().zip([&a.url, &b.url])) {
        let path = journal.strip_prefix(&folder).unwrap().to_str().unwrap();
        assert!(path.starts_with(name), "{path}");
        let text = read(journal);
        let requests = text.matches('\n').count() - 1;
        let (code, shown, told) = report(&folder, journal);
        assert_eq!(code, Some(PASS.into()), "{told}");
        let said = format!("was stopped after {requests} of 3200");
        assert!(shown.contains(&said), "`{said}` is missing in {shown}");
        let heading = text.lines().next().unwrap();
        assert!(with_itself || heading.contains(url.as_str()), "{heading}");
    }
}

#[rstest]
#[case::two("two", false)]
#[case::one_with_itself("one", true)]
fn a_comparison_that_ends_leaves_no_journal(#[case] name: &str, #[case] with_itself: bool) {
    let folder = Folder::new(&format!("compared-well-{name}"));
    let (a, b) = (good_server(), good_server());
    let mut flags = vec!["--a", &a.url, "--journal", "j", "--results", "results"];
    if with_itself {
        flags.push("--aa")
    } else {
        flags.extend(["--b", &b.url])
    }
    let mut program = comparison(&folder, &flags, "3", "8", "inf");
    let code = program.ended().code();
    assert!(
        matches!(code, Some(0 | 1)),
        "{}",
        read(&folder.join("stderr"))
    );
    assert!(!folder.join("j").exists() && !folder.join("j-a").exists());
    assert_eq!(journals(&folder.join("results")), Vec::<PathBuf>::new());
}

/// It would hold nothing after a kill, and to open a pipe may last for ever.
#[rstest]
#[case("pipe")]
#[case("/dev/null")]
fn a_journal_is_a_file(#[case] name: &str) {
    let folder = Folder::new(&format!("no-file-{}", name.len()));
    nix::unistd::mkfifo(&folder.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let server = good_server();
    let mut command = goodput(&folder);
    long_run(&mut command, &server.url);
    let mut program = Program::start(command.args(["--journal", name]));
    assert_eq!(program.ended().code(), Some(UNUSABLE.into()));
    let told = read(&folder.join("stderr"));
    assert!(told.contains("it is not a regular file"), "{told}");
}

/// Either may be that of a run that was killed.
#[rstest]
#[case("j.jsonl")]
#[case("j-a.jsonl")]
fn a_journal_that_is_there_is_not_written_over(#[case] taken: &str) {
    let folder = Folder::new(&format!("taken-{taken}"));
    let server = good_server();
    fs::write(folder.join(taken), "{}\n").unwrap();
    let flags = [
        "--a",
        &server.url,
        "--b",
        &server.url,
        "--journal",
        "j.jsonl",
    ];
    let mut program = comparison(&folder, &flags, "3", "8", "inf");
    assert_eq!(program.ended().code(), Some(UNUSABLE.into()));
    let told = read(&folder.join("stderr"));
    assert!(told.contains(taken) && told.contains("--journal"), "{told}");
    assert_eq!(read(&folder.join(taken)), "{}\n");
}
