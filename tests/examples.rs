//! Every bench that README, pages, rustdoc and examples show can be proved by its requests, and passes on a good server:
//! the simulation. A suite demands proof, so benches of the attribute run as suites, by the same keys.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/pages.rs"]
mod pages;

use folder::Folder;
use goodput::exit_code::PASS;
use pages::blocks;
use rstest::rstest;
use std::{
    fmt::Write,
    fs,
    path::Path,
    process::{Command, Output},
};

fn source(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// What stands in each `#[llm_bench(…)]` of a text that is to pass.
fn attributes(text: &str) -> Vec<String> {
    let plain: Vec<&str> = text
        .lines()
        .map(|line| line.trim_start().trim_start_matches(['/', '!']))
        .collect();
    let plain = plain.join("\n");
    let begins = plain.split("#[llm_bench(").skip(1);
    begins
        .filter_map(|rest| {
            let end = rest.find(")]\n").or_else(|| rest.find(")]"))?;
            let (settings, after) = rest.split_at(end);
            let function = after.split("fn ").next().unwrap();
            let fails = function.contains("should_panic") || settings.contains("fails by design");
            (!fails).then(|| settings.to_owned())
        })
        .collect()
}

/// The settings at commas that are in no quotes and no parentheses; comments left out.
fn split(settings: &str) -> Vec<String> {
    let (mut pieces, mut piece) = (Vec::new(), String::new());
    let (mut quoted, mut depth) = (false, 0);
    for line in settings.lines() {
        let mut chars = line.chars().peekable();
        while let Some(char) = chars.next() {
            match char {
                '/' if !quoted && chars.peek() == Some(&'/') => break,
                '"' => quoted = !quoted,
                '(' | '[' if !quoted => depth += 1,
                ')' | ']' if !quoted => depth -= 1,
                ',' if !quoted && depth == 0 => {
                    pieces.push(std::mem::take(&mut piece));
                    continue;
                }
                _ => {}
            }
            piece.push(char);
        }
    }
    pieces.push(piece);
    let pieces = pieces.iter().map(|piece| piece.trim().to_owned());
    pieces.filter(|piece| !piece.is_empty()).collect()
}

/// A bench's settings as a suite has them, on the simulation; `None` if only Rust knows a value.
fn suite_lines(settings: &str) -> Option<String> {
    let mut lines = String::new();
    for setting in split(settings) {
        let (key, value) = setting.split_once('=').unwrap_or((&setting, "true"));
        let (key, value) = (key.trim(), value.trim());
        match key {
            "snapshot" => continue,
            "on_inconclusive" => return None,
            _ => {}
        }
        if !value.starts_with(['"', '[', 't', 'f']) && value.parse::<f64>().is_err() {
            return None;
        }
        writeln!(lines, "{key} = {}", on_the_simulation(value)).unwrap();
    }
    Some(lines)
}

/// Servers that are named by the environment.
fn on_the_simulation(text: &str) -> String {
    [
        "LLM_URL",
        "OLD_URL",
        "NEW_URL",
        "GATES_URL",
        "GOODPUT_SUITE_URL",
    ]
    .iter()
    .fold(text.to_owned(), |text, name| {
        text.replace(&format!("\"env:{name}\""), "\"sim\"")
    })
}

fn goodput(folder: &Path, args: &[String]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goodput"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOODPUT_")) {
        command.env_remove(name);
    }
    command.current_dir(folder).args(args);
    command
        .env("LLM_KEY", "key")
        .env_remove("GITHUB_STEP_SUMMARY");
    command.output().unwrap()
}

fn passes(folder: &Path, args: &[String], shown: &str) {
    let output = goodput(folder, args);
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert_eq!(output.status.code(), Some(PASS.into()), "{shown}\n{told}");
    assert!(
        !told.contains("can only fail, never pass"),
        "{shown}\n{told}"
    );
}

fn suite_passes(name: &str, suite: &str) {
    let folder = Folder::new(name);
    fs::write(folder.join("goodput.toml"), suite).unwrap();
    passes(&folder, &["run".to_owned()], suite);
}

#[rstest]
#[case("README.md", 3)]
#[case("docs/verdicts.md", 1)]
#[case("docs/snapshots.md", 2)]
#[case("src/lib.rs", 1)]
#[case("src/main_macro.rs", 1)]
#[case("macros/src/llm_bench.md", 1)]
#[case("examples/gates.rs", 3)]
#[case("examples/suite/tests/slo.rs", 5)]
#[case("examples/suite/benches/gates.rs", 3)]
fn benches_of_the_attribute_pass(#[case] file: &str, #[case] at_least: usize) {
    let benches: Vec<String> = attributes(&source(file))
        .iter()
        .filter_map(|settings| suite_lines(settings))
        .collect();
    assert!(benches.len() >= at_least, "{benches:#?}");
    let mut suite = String::new();
    for (place, lines) in benches.iter().enumerate() {
        write!(suite, "[bench.b{place}]\n{lines}\n").unwrap();
    }
    suite_passes(file, &suite);
}

#[rstest]
#[case("../README.md")]
#[case("suites.md")]
fn suites_pass(#[case] page: &str) {
    let suites = blocks(page, "toml");
    let suites = suites.iter().filter(|block| block.contains("[bench."));
    assert!(suites.clone().count() > 0);
    for suite in suites {
        suite_passes(page, &on_the_simulation(suite));
    }
}

/// The words of a command, as a shell reads them.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for char in line.chars() {
        match char {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().unwrap().push(char),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn commands_on_the_simulation_pass() {
    let shells = blocks("../README.md", "sh").join("\n");
    let lines = shells.lines().filter_map(|line| {
        let at = line.find("serve --target \"sim(")?;
        Some(&line[at..])
    });
    let commands: Vec<Vec<String>> = lines.map(words).collect();
    assert!(!commands.is_empty());
    for command in commands {
        passes(&Folder::new("commands"), &command, &command.join(" "));
    }
}
