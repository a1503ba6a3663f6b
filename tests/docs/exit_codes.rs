//! Pages and help name the exit codes that the constants have.

use super::{help, root};
use goodput::exit_code::{FAIL, INCONCLUSIVE, INVALID, PASS, UNUSABLE};
use std::fs;

/// Each code, and the word that every text uses for it.
const CODES: [(u8, &str); 5] = [
    (PASS, "pass"),
    (FAIL, "fail"),
    (UNUSABLE, "unusable"),
    (INCONCLUSIVE, "inconclusive"),
    (INVALID, "invalid"),
];

#[test]
fn tables_have_each_code_with_its_meaning() {
    for page in ["docs/ci.md", "README.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let (_, section) = text.split_once("## Exit codes\n").unwrap();
        let rows = section.lines().filter(|line| line.starts_with("| "));
        let rows: Vec<&str> = rows.skip(1).take(CODES.len()).collect();
        for (row, (code, word)) in rows.iter().zip(CODES) {
            let start = format!("| {code} | {word}");
            assert!(row.starts_with(&start), "{page}: {row} is not {start}");
        }
    }
}

#[test]
fn pages_name_the_worst_code_first() {
    let order = [UNUSABLE, FAIL, INVALID, INCONCLUSIVE, PASS].map(|code| code.to_string());
    let text = fs::read_to_string(root().join("docs/ci.md")).unwrap();
    assert!(text.contains(&format!("in this order: {}.", order.join(", "))));
}

#[test]
fn one_line_of_the_page_on_vllm_has_all_codes() {
    let text = fs::read_to_string(root().join("docs/vllm.md")).unwrap();
    let line = text
        .lines()
        .find(|line| line.contains("The exit code is a verdict"));
    let line = line.unwrap();
    for (code, word) in CODES {
        assert!(line.contains(&format!("{code} {word}")), "{line}");
    }
}

#[test]
fn help_names_each_code() {
    for command in ["serve", "ab", "run"] {
        let (_, text) = help::help(&[command, "--help"]);
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        let (_, codes) = text.split_once("Exit code: ").unwrap();
        let of_command = |code: u8, word: &str| match (command, code) {
            // They say what passes and what fails in words of their own.
            (_, PASS | FAIL) => codes.contains(&format!("{code} ")),
            _ => codes.contains(&format!("{code} {word}")),
        };
        for (code, word) in CODES {
            assert!(of_command(code, word), "{command}: {code} {word}: {codes}");
        }
    }
}
