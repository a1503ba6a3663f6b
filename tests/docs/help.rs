//! What the command prints about itself.

use std::process::Command;

/// The help of the command and of each subcommand, by the words that print it.
pub(super) fn of_all() -> Vec<(String, String)> {
    let first = help(&["--help"]);
    let commands = first.1.lines().skip_while(|line| *line != "Commands:");
    let commands: Vec<String> = commands
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .map(str::to_owned)
        .collect();
    assert!(commands.len() > 5, "{commands:?}");
    let each = commands.iter().map(|command| match command.as_str() {
        "serve" => help(&["serve", "--help=all"]),
        other => help(&[other, "--help"]),
    });
    std::iter::once(first.clone()).chain(each).collect()
}

pub(super) fn help(words: &[&str]) -> (String, String) {
    let program = env!("CARGO_BIN_EXE_goodput");
    let printed = Command::new(program).args(words).output().unwrap();
    assert!(printed.status.success(), "{words:?}: {printed:?}");
    let text = String::from_utf8(printed.stdout).unwrap();
    (format!("goodput {}", words.join(" ")), text)
}
