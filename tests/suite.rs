//! `goodput run`: suites as their users run them, and the examples of the documentation.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/pages.rs"]
mod pages;

use folder::Folder;
use goodput::exit_code::{FAIL, INVALID, PASS, UNUSABLE};
use pages::blocks;
use rstest::rstest;
use std::{
    path::Path,
    process::{Command, Output},
};

const SUITE: &str = "\
[defaults]
target = \"sim(ttft = normal(80ms, 20ms), itl = 5ms, seed = 1)\"
dataset = \"random(input = 32, output = 8)\"
rate = 20

[bench.chat]
backend = \"openai-chat\"
slo = \"p50(ttft) < 200ms\"

[bench.slow]
requests = 300
slo = \"p99(ttft) < 90ms\"

[bench.few]
requests = 20
slo = \"p50(ttft) < 82ms\"

[bench.cut]
faults = \"reset\"

[bench.live]
target = \"env:GOODPUT_TEST_NO_SUCH_SERVER\"
api_key = \"env:GOODPUT_TEST_NO_SUCH_KEY\"

[bench.later]
ignore = \"not yet\"
";

/// A folder of this test's own with this suite in it.
fn folder(name: &str, suite: &str) -> Folder {
    let folder = Folder::new(name);
    std::fs::write(folder.join("goodput.toml"), suite).unwrap();
    folder
}

fn run(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().unwrap()
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goodput"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOODPUT_")) {
        command.env_remove(name);
    }
    command.current_dir(folder).arg("run").args(args);
    command.env_remove("GITHUB_STEP_SUMMARY");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[rstest]
#[case::passes(&["chat", "live", "later"], 0, "3 benches: 1 pass, 2 ignored; 3 filtered out")]
#[case::misses(&["--exact", "slow"], 1, "1 bench: 1 fail (slow); 5 filtered out")]
#[case::undecided(&["chat", "few"], 3, "2 benches: 1 pass, 1 inconclusive (few); 4 filtered out")]
#[case::invalid(&["few", "cut"], 4, "2 benches: 1 inconclusive (few), 1 invalid (cut); 4 filtered out")]
#[case::worst(&["--skip", "live", "--include-ignored"], 1,
    "5 benches: 1 pass, 1 no verdict, 1 fail (slow), 1 inconclusive (few), 1 invalid (cut); 1 filtered out")]
#[case::only_ignored(&["--ignored"], 0, "1 bench: 1 no verdict; 5 filtered out")]
fn the_exit_code_is_the_worst(#[case] args: &[&str], #[case] code: i32, #[case] last: &str) {
    let name = args.join("_");
    let output = run(&folder(&name, SUITE), args);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{stdout}");
    let line = stdout.lines().last().unwrap();
    assert!(line.starts_with(&format!("{last}; finished in ")), "{line}");
}

/// One is much slower, which leaves its share to the one after it; a third has nothing to compare.
#[test]
fn benches_that_compare_share_the_chance_of_a_false_alarm() {
    let suite = r#"
[bench.first]
target = "sim(itl = 5ms)"
versus = "sim(itl = 5ms)"
pairs = 5
requests = 20

[bench.second]
target = "sim(itl = 9ms)"
versus = "sim(itl = 5ms)"
pairs = 5
requests = 20

[bench.third]
target = "sim(itl = 5ms)"
versus = "sim(itl = 5ms)"
pairs = 5
requests = 20

[bench.alone]
target = "sim(itl = 5ms)"
requests = 20
"#;
    let folder = folder("family", suite);
    let output = run(&folder, &[]);
    assert_eq!(output.status.code(), Some(FAIL.into()));
    let told = text(&output.stdout);
    let shares: Vec<&str> = told
        .lines()
        .filter_map(|line| {
            line.split_once("false alarms; this one has ")?
                .1
                .split_once(" %")
        })
        .map(|(share, _)| share)
        .collect();
    assert_eq!(shares, ["0.333", "0.333", "0.667"], "{told}");
    // The slower one says where from.
    assert!(told.contains("decoding: "), "{told}");
    let alone = run(&folder, &["second"]);
    assert!(!text(&alone.stdout).contains("false alarms; "));
}

#[test]
fn a_missing_server_is_invalid_where_live_is_required() {
    let folder = folder("live", SUITE);
    let output = command(&folder, &["live"])
        .env("GOODPUT_REQUIRE_LIVE", "1")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(INVALID.into()));
    let stdout = text(&output.stdout);
    assert!(
        stdout.contains("1 error (live)") && stdout.contains("NO_SUCH_SERVER"),
        "{stdout}"
    );
}

#[test]
fn a_key_that_is_not_set_is_said_before_anything_is_sent() {
    let suite = "[bench.a]\ntarget = \"http://127.0.0.1:9\"\napi_key = \"env:GOODPUT_NO_KEY\"\nmodel = \"m\"\n";
    let output = run(&folder("key", suite), &[]);
    assert_eq!(output.status.code(), Some(UNUSABLE.into()));
    let told = "the environment variable GOODPUT_NO_KEY is not set";
    let stdout = text(&output.stdout);
    assert!(stdout.contains(told), "{stdout}");
}

#[test]
fn names_are_listed_in_the_files_order() {
    let output = run(&folder("list", SUITE), &["--list", "--skip", "cut"]);
    assert_eq!(
        text(&output.stdout),
        "chat: benchmark\nslow: benchmark\nfew: benchmark\nlive: benchmark\nlater: benchmark\n"
    );
}

#[rstest]
#[case::typo(SUITE, &["caht"], "FILTER = caht: no bench has such a name. There are: chat, slow")]
#[case::mistake("[bench.a]\nrate = 0\n", &[], "goodput.toml:2: bench.a.rate = 0: must be above 0")]
#[case::no_file(SUITE, &["--suite", "none.toml"], "none.toml: cannot be read")]
#[case::no_folder(SUITE, &["--suite", "none/goodput.toml"], "has no such folder")]
fn what_cannot_be_run_exits_2(#[case] suite: &str, #[case] args: &[&str], #[case] told: &str) {
    let output = run(&folder(&format!("bad-{}", told.len()), suite), args);
    assert_eq!(output.status.code(), Some(UNUSABLE.into()));
    let stderr = text(&output.stderr);
    assert!(stderr.contains(told), "{stderr}");
    assert!(output.stdout.is_empty());
}

/// Paths in the file are the file's, paths on the command line are the user's.
#[test]
fn paths_are_taken_from_where_they_are_written() {
    let suite =
        "[bench.a]\ntarget = \"sim\"\ndataset = \"custom('prompts.jsonl')\"\nrequests = 2\n";
    let parent = Folder::new("paths");
    let folder = parent.join("suite");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("goodput.toml"), suite).unwrap();
    let row = "{\"prompt\": \"a b c\", \"output_tokens\": 4}\n";
    std::fs::write(folder.join("prompts.jsonl"), row.repeat(2)).unwrap();
    let args = [
        "--suite",
        "suite/goodput.toml",
        "--output",
        "junit=junit.xml",
    ];
    let output = run(&parent, &args);
    assert_eq!(
        output.status.code(),
        Some(PASS.into()),
        "{}",
        text(&output.stdout)
    );
    let xml = std::fs::read_to_string(parent.join("junit.xml")).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let case = document.descendants().find(|n| n.has_tag_name("testcase"));
    assert_eq!(
        case.unwrap().attribute("classname"),
        Some("suite/goodput.toml")
    );
}

/// What the pages show is a suite, and their commands are commands.
#[test]
fn the_suite_of_the_documentation_is_one() {
    let [suite, engines, sweep] = blocks("suites.md", "toml").try_into().unwrap();
    let of_engines = run(&self::folder("docs-engines", &engines), &["--list"]);
    let names = text(&of_engines.stdout);
    assert!(names.contains("chat@tgi: benchmark"), "{names}");
    let of_sweep = run(&self::folder("docs-sweep", &sweep), &[]);
    let mut tables = blocks("suites.md", "text").into_iter();
    let table = tables.find(|block| block.starts_with("chat\n")).unwrap();
    assert!(text(&of_sweep.stdout).contains(&table), "{of_sweep:?}");
    let folder = folder("docs", &suite);
    std::fs::create_dir_all(folder.join("nightly")).unwrap();
    std::fs::write(folder.join("nightly/goodput.toml"), &suite).unwrap();
    let shells = [blocks("suites.md", "sh"), blocks("ci.md", "sh")].concat();
    let workflows = blocks("ci.md", "yaml").concat();
    let lines = shells.iter().flat_map(|block| block.lines());
    let commands: Vec<&str> = lines
        .chain(workflows.lines())
        .filter_map(|line| {
            line.trim_start_matches(['-', ' '])
                .strip_prefix("goodput run")
                .or_else(|| line.split("run: goodput run").nth(1))
        })
        .collect();
    assert!(commands.len() >= 9, "{commands:?}");
    for line in commands {
        let words = line.split(['#', '|']).next().unwrap().split_whitespace();
        let args: Vec<&str> = words
            .chain(["--list"])
            .filter(|word| *word != "--list")
            .collect();
        let output = run(&folder, &[&args[..], &["--list"]].concat());
        assert_eq!(
            output.status.code(),
            Some(PASS.into()),
            "{line}: {}",
            text(&output.stderr)
        );
    }
}

/// Every bench on two engines, one of which is slower: a table after each, in the text and in the job's summary.
#[test]
fn engines_are_lined_up() {
    let suite = "\
[engine.first]
target = \"sim(ttft = normal(80ms, 20ms))\"

[engine.second]
target = \"sim(ttft = normal(120ms, 20ms))\"
backend = \"sglang\"

[bench.chat]
dataset = \"random(input = 32, output = 8)\"
rate = 20
slo = \"p50(ttft) < 500ms\"

[bench.long]
dataset = \"random(input = 32, output = 32)\"
rate = 20
";
    let folder = folder("engines", suite);
    let ran = run(&folder, &["--output", "markdown=summary.md"]);
    let out = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(i32::from(PASS)), "{out}");
    let place = |what: &str| out.find(what).unwrap_or_else(|| panic!("{what} in {out}"));
    assert!(
        place("chat@second") < place("compared with `first`"),
        "{out}"
    );
    assert!(
        place("compared with `first`") < place("long@first"),
        "{out}"
    );
    assert!(out.contains("% worse"), "{out}");
    let summary = std::fs::read_to_string(folder.join("summary.md")).unwrap();
    assert!(
        summary.contains("#### chat") && summary.contains("| | first | second |"),
        "{summary}"
    );
    // One engine alone has nothing to be compared with.
    let alone = text(&run(&folder, &["chat@first"]).stdout);
    assert!(!alone.contains("compared with"), "{alone}");
}

/// One server of several does not answer: the others keep their columns, the table names it, and the exit code is its own.
#[rstest]
#[case::of_three(
    "[engine.down]\ntarget = \"http://127.0.0.1:1\"\n[engine.first]\ntarget = \"sim\"\n[engine.second]\ntarget = \"sim\"\n",
    "| | first | second |"
)]
#[case::of_two(
    "[engine.first]\ntarget = \"sim\"\n[engine.down]\ntarget = \"http://127.0.0.1:1\"\n",
    "| | first |"
)]
fn an_engine_that_is_down_takes_nothing_from_the_others(#[case] engines: &str, #[case] head: &str) {
    let bench = "[bench.chat]\ndataset = \"mix(a(random(input = 8, output = 4)), b(random(input = 8, output = 4)))\"\n\
                 rate = 20\nslo = \"errors < 5%\"\n";
    let folder = folder("engine-down", &format!("{engines}{bench}"));
    let ran = run(&folder, &["--output", "markdown=summary.md"]);
    let out = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(i32::from(INVALID)), "{out}");
    assert!(
        out.contains("`down` has no column: cannot connect to http://127.0.0.1:1"),
        "{out}"
    );
    assert!(out.contains("  mean(ttft, a) "), "{out}");
    let summary = std::fs::read_to_string(folder.join("summary.md")).unwrap();
    assert!(summary.contains(head), "{summary}");
    assert!(summary.contains("has no column"), "{summary}");
}
