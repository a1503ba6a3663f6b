//! Output on stdout and stderr. A screen that is closed or full never costs a run. Text from servers, files
//! and names is shown as plain text: it moves no cursor, gives no command to the CI that reads the log, and
//! reveals no credential.

mod look;
mod stream;

use crate::redact;
use std::{fmt::Display, io, thread};
use stream::{Stream, Worth};

static OUT: Stream = Stream::new(|| Box::new(io::stdout()));
static ERR: Stream = Stream::new(|| Box::new(io::stderr()));

/// The screen of a command; dropping it waits until everything is shown.
#[must_use]
pub(crate) struct Shown(());

/// Starts threads that write to stdout and stderr from now on, so that a blocked screen delays at most the
/// end of this process, and not even that once a signal has come. A process that is not goodput's, such as
/// that of a test, writes directly: nothing would wait for the threads at its end.
pub(crate) fn open() -> Shown {
    for (name, stream) in [("goodput stdout", &OUT), ("goodput stderr", &ERR)] {
        stream.open();
        let spawned = thread::Builder::new().name(name.to_owned());
        if spawned.spawn(|| stream.serve()).is_err() {
            // There is nothing to wait for yet.
            stream.close();
        }
    }
    Shown(())
}

impl Drop for Shown {
    fn drop(&mut self) {
        OUT.close();
        let lost = OUT.lost() + ERR.lost();
        if lost > 0 {
            error(format_args!(
                "{lost} texts are lost, because stdout or stderr was not read for too long"
            ));
        }
        ERR.close();
    }
}

/// Stops waiting for a blocked screen, because the run should stop.
pub(crate) fn hurry() {
    OUT.hurry();
    ERR.hurry();
}

/// Writes a line to stdout.
pub(crate) fn out(text: impl Display) {
    OUT.put(for_stdout(&text.to_string()) + "\n", Worth::Awaited);
}

/// Writes a text for a program or a file to stdout, as it is. The caller has made sure that it has no credentials.
#[cfg(feature = "cli")]
pub(crate) fn document(text: &str) {
    OUT.put(text.trim_end().to_owned() + "\n", Worth::Awaited);
}

/// Writes a line to stderr.
pub(crate) fn err(text: impl Display) {
    ERR.put(for_stderr(text), Worth::Awaited);
}

/// Writes a line to stderr, from a thread that must not wait for a reader.
pub(crate) fn tell(text: impl Display) {
    ERR.put(for_stderr(text), Worth::Told);
}

/// Writes progress to stderr, unless the screen is blocked.
#[cfg(feature = "cli")]
pub(crate) fn pass(text: impl Display) {
    ERR.put(for_stderr(text), Worth::Passing);
}

/// Writes a frame with cursor movements to stderr; the `last` one is never left out.
#[cfg(feature = "cli")]
pub(crate) fn draw(frame: String, last: bool) {
    ERR.put(frame, if last { Worth::Told } else { Worth::Passing });
}

/// Writes a line for programs to stdout. A line that `passes` is left out while the reader is behind.
pub(crate) fn event(line: &str, passes: bool) {
    let worth = if passes {
        Worth::Passing
    } else {
        Worth::Awaited
    };
    OUT.put(format!("{line}\n"), worth);
}

fn for_stderr(text: impl Display) -> String {
    look::on_stderr(&shown(&text.to_string())) + "\n"
}

/// Writes an error to stderr.
pub(crate) fn error(why: impl Display) {
    err(format_args!("error: {why}"));
}

/// Formats a text for stdout: with colour and wrapped on a terminal.
pub(crate) fn for_stdout(text: &str) -> String {
    look::on_stdout(&shown(text))
}

/// Makes a text safe to show.
pub(crate) fn shown(text: &str) -> String {
    let redacted = redact::text(text);
    let mut shown = String::with_capacity(redacted.len());
    for (number, line) in redacted.split('\n').enumerate() {
        if number > 0 {
            shown.push('\n');
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        let line: String = line.chars().map(plain).collect();
        shown.push_str(&without_commands(&line));
    }
    shown
}

/// Replaces a control character by a symbol.
fn plain(c: char) -> char {
    match c {
        '\t' => c,
        c if acts(c) => '\u{fffd}',
        c => c,
    }
}

/// Whether a terminal acts on a character instead of showing it: a control character, or one that reverses
/// the direction of the following text.
pub(crate) fn acts(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

/// Disables CI commands: `::error::` at the start of a line (GitHub), `##[…]` and `##vso[…]` anywhere
/// (Azure), and TeamCity's.
fn without_commands(line: &str) -> String {
    let start = line.trim_start();
    let line = match start.strip_prefix("::") {
        Some(rest) => format!("{}:\\:{rest}", &line[..line.len() - start.len()]),
        None => line.to_owned(),
    };
    ["##[", "##vso[", "##teamcity["]
        .iter()
        .fold(line, |line, command| {
            line.replace(command, &format!("#\\{}", &command[1..]))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("a\u{1b}[31mb\u{9b}c\u{7}d", "a\u{fffd}[31mb\u{fffd}c\u{fffd}d")]
    #[case("a\r\nb\tc\rd", "a\nb\tc\u{fffd}d")]
    #[case("a\u{202e}b", "a\u{fffd}b")]
    #[case("x\n  ::error file=a::b ::c", "x\n  :\\:error file=a::b ::c")]
    #[case("##[group]a ##vso[task]b", "#\\#[group]a #\\#vso[task]b")]
    #[case("p99(ttft) = 3 ms: a::b", "p99(ttft) = 3 ms: a::b")]
    #[case("sent --api-key Fr7dK to it", "sent --api-key *** to it")]
    fn a_text_is_text(#[case] text: &str, #[case] as_shown: &str) {
        assert_eq!(shown(text), as_shown);
    }

    #[test]
    fn reports_are_shown_as_they_are() {
        use crate::{
            judge::Criteria,
            report::{
                VllmOptions,
                testing::{failing_run, report},
                vllm_table,
            },
        };
        let report = report(failing_run(), Criteria::default());
        let table = vllm_table(report.run(), report.metrics(), &VllmOptions::default());
        for text in [table, report.to_string()] {
            assert_eq!(shown(&text), text);
        }
    }
}
