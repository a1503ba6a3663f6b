//! Lines that people must see although a test runner hides the output of tests that pass.

use crate::{
    report::{Caveat, End, Outcome},
    screen,
};

/// Prints one line past the output capture of `cargo test` if a bench was ignored, or if its pass is not a plain one.
pub(super) fn print(outcome: &Outcome) {
    if let Some(line) = line(outcome) {
        screen::err(format_args!("goodput: {}: {line}", outcome.name));
    }
}

fn line(outcome: &Outcome) -> Option<String> {
    if let End::Ignored(why) = &outcome.end {
        return Some(format!("ignored: {why}"));
    }
    let caveats: Vec<&str> = outcome.caveats().iter().map(message).collect();
    if caveats.is_empty() {
        return None;
    }
    let caveats = caveats.join("; ").replace('\n', " ");
    Some(match outcome.word().as_str() {
        "pass" => format!("pass, but {caveats}"),
        word => format!("{word}: {caveats}"),
    })
}

fn message(caveat: &Caveat) -> &str {
    &caveat.message
}
