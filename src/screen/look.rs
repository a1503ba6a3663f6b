//! Look of a report on a terminal: a coloured verdict, and lines wrapped at words. Pipes and files get the
//! plain text.
//!
//! Colours follow `NO_COLOR`, `CLICOLOR=0` and `CLICOLOR_FORCE=1`.

use anstyle::{AnsiColor, Style};
use std::io::IsTerminal;
use terminal_size::Width;
use textwrap::{Options, WordSeparator, WordSplitter};

/// Narrower terminals get lines of this width, because shorter ones are unreadable.
const NARROWEST: usize = 40;

/// How a stream shows text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    /// Number of columns of a terminal.
    width: Option<usize>,
    colour: bool,
}

/// Formats a report for stdout.
pub(super) fn on_stdout(text: &str) -> String {
    let stdout = std::io::stdout();
    let width = terminal_size::terminal_size_of(&stdout);
    Look::of(stdout.is_terminal(), width.map(|(Width(width), _)| width)).shown(text)
}

/// Formats a report for stderr.
pub(super) fn on_stderr(text: &str) -> String {
    let stderr = std::io::stderr();
    let width = terminal_size::terminal_size_of(&stderr);
    Look::of(stderr.is_terminal(), width.map(|(Width(width), _)| width)).shown(text)
}

impl Look {
    fn of(terminal: bool, width: Option<u16>) -> Self {
        let wanted = anstyle_query::clicolor() != Some(false)
            && terminal
            && anstyle_query::term_supports_ansi_color();
        Look {
            width: width
                .filter(|_| terminal)
                .map(|width| usize::from(width).max(NARROWEST)),
            colour: !anstyle_query::no_color() && (wanted || anstyle_query::clicolor_force()),
        }
    }

    fn shown(self, text: &str) -> String {
        let lines = text.lines().map(|line| {
            let line = match self.width {
                Some(width) => wrapped(line, width),
                None => line.to_owned(),
            };
            if self.colour { coloured(&line) } else { line }
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Wraps the lines of a report's body, which are indented: vLLM's table stays as vLLM prints it.
fn wrapped(line: &str, width: usize) -> String {
    if !line.starts_with("  ") || textwrap::core::display_width(line) <= width {
        return line.to_owned();
    }
    let indent = " ".repeat(hang(line));
    let options = Options::new(width)
        .subsequent_indent(&indent)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(line, options).join("\n")
}

/// Indentation of continuation lines: under the text behind a label, else a little to the right.
fn hang(line: &str) -> usize {
    const LABEL: usize = 14;
    let labelled = line.as_bytes().get(LABEL - 1) == Some(&b' ')
        && line.as_bytes().get(2) != Some(&b' ')
        && line[2..].find("  ").is_some_and(|gap| gap < LABEL);
    match line.len() - line.trim_start().len() {
        2 if labelled => LABEL,
        indent => indent + 2,
    }
}

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const OPEN: Style = AnsiColor::Yellow.on_default().bold();

/// Starts of lines with their styles.
const MARKS: &[(&str, &str, Style)] = &[
    ("  ", "✓", GOOD),
    ("  ", "✗", BAD),
    ("  ", "?", OPEN),
    ("    ", "fail:", BAD),
    ("    ", "invalid:", OPEN),
    ("  verdict     ", "PASS", GOOD),
    ("  verdict     ", "FAIL", BAD),
    ("  verdict     ", "INCONCLUSIVE", OPEN),
    ("  verdict     ", "INVALID", OPEN),
    ("  verdict     ", "no verdict", OPEN),
    ("  verdict     ", "open", OPEN),
    ("", "SIMULATED", OPEN),
];

fn coloured(line: &str) -> String {
    let found = MARKS.iter().find_map(|(before, mark, style)| {
        let rest = line.strip_prefix(before)?.strip_prefix(mark)?;
        Some(format!("{before}{style}{mark}{style:#}{rest}"))
    });
    found.unwrap_or_else(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const REPORT: &str = "\
============ Serving Benchmark Result ============
Error 0: a message of a server that is longer than the terminal
  target      http://localhost:8000, openai-chat, model m
  verdict     FAIL: 1 of 2 SLOs missed
  ✗ p99(ttft) = 476.2 ms [319.2, 1084.6], limit < 300 ms: 176.2 ms over
  ✓ errors = 0 %
    note: the client was slow";

    #[test]
    fn a_pipe_gets_the_text_as_it_is() {
        let look = Look {
            width: None,
            colour: false,
        };
        assert_eq!(look.shown(REPORT), REPORT);
    }

    #[test]
    fn lines_end_at_word_ends_and_vllms_stay() {
        let look = Look {
            width: Some(44),
            colour: false,
        };
        insta::assert_snapshot!(look.shown(REPORT), @r"
        ============ Serving Benchmark Result ============
        Error 0: a message of a server that is longer than the terminal
          target      http://localhost:8000,
                      openai-chat, model m
          verdict     FAIL: 1 of 2 SLOs missed
          ✗ p99(ttft) = 476.2 ms [319.2, 1084.6],
            limit < 300 ms: 176.2 ms over
          ✓ errors = 0 %
            note: the client was slow
        ");
    }

    #[rstest]
    #[case("  ✗ p99", "  \u{1b}[1m\u{1b}[31m✗\u{1b}[0m p99")]
    #[case("  verdict     PASS", "  verdict     \u{1b}[1m\u{1b}[32mPASS\u{1b}[0m")]
    #[case("SIMULATED: the", "\u{1b}[1m\u{1b}[33mSIMULATED\u{1b}[0m: the")]
    #[case("  target      PASS", "  target      PASS")]
    fn marks_and_verdicts_are_coloured(#[case] line: &str, #[case] shown: &str) {
        assert_eq!(coloured(line), shown);
    }
}
