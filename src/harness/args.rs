//! The command line of a benchmark binary: what cargo, nextest and IDEs pass to libtest.

use crate::{
    baseline::{Against, Reader, Settings},
    outputs::{Format, MessageFormat},
    runner::{Ignored, Selection},
};
use lexopt::{Arg, Parser, ValueExt};
use std::ffi::OsString;

/// The settings of the command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Args {
    /// The benches to run.
    pub(super) selection: Selection,
    /// Print names instead of running.
    pub(super) list: bool,
    /// Print help instead of running.
    pub(super) help: bool,
    /// Print only the summary line.
    pub(super) quiet: bool,
    /// Files to write, `FORMAT=PATH`.
    pub(super) outputs: Vec<String>,
    /// Format of stdout.
    pub(super) format: MessageFormat,
    /// Which baselines runs are compared with and saved as.
    pub(super) baselines: Settings,
}

/// What `--help` prints.
pub(super) fn help() -> String {
    HELP.replace("FORMATS", &Format::list())
}

const HELP: &str = "\
Usage: cargo bench --bench TARGET -- [OPTIONS] [FILTER]...

Runs the benches whose name contains a FILTER; all without one.

Options:
      --exact             Filters are whole names
      --skip FILTER       Leave out benches whose name contains FILTER
      --list              Print names instead of running
      --ignored           Run only ignored benches
      --include-ignored   Run ignored benches too
      --baseline NAME     Compare runs with this baseline; a bench without one there counts as new
      --baseline-strict NAME
                          The same; a bench without one there fails
      --save-baseline NAME
                          Save runs as this baseline
      --baseline-dir FOLDER
                          Folder of baselines (default: goodput-baselines next to Cargo.toml)
  -q, --quiet             Print only the summary line
      --output FORMAT=PATH
                          Write a file; may be repeated. Also read from GOODPUT_OUTPUT,
                          separated by commas. Formats: FORMATS
      --message-format FORMAT
                          human, or json: events on stdout, a line each, the rest on stderr
  -h, --help              Print this

Accepted because cargo, nextest and IDEs pass them, without effect here:
  --bench --test --nocapture --no-capture --show-output --color --format
  --test-threads --logfile --report-time --ensure-time --shuffle -Z

Exit code: 0 when all pass, 101 when one fails, 2 for unusable arguments, 4 when Ctrl-C, SIGTERM or SIGHUP
ended the run early: the report and the files have what was measured until then.
";

impl Args {
    pub(super) fn parse<I>(args: I) -> Result<Args, lexopt::Error>
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let mut parsed = Args::default();
        parsed.baselines.reader = Reader::Benches;
        let mut parser = Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Value(filter) => parsed.selection.filters.push(filter.string()?),
                Arg::Long("exact") => parsed.selection.exact = true,
                Arg::Long("skip") => parsed.selection.skip.push(parser.value()?.string()?),
                Arg::Long("list") => parsed.list = true,
                Arg::Long("ignored") => parsed.selection.ignored = Ignored::Only,
                Arg::Long("include-ignored") => parsed.selection.ignored = Ignored::Included,
                Arg::Long("output") => parsed.outputs.push(parser.value()?.string()?),
                Arg::Long("message-format") => {
                    let format = parser.value()?.string()?;
                    let format = MessageFormat::parse(&format);
                    parsed.format = format.map_err(|e| lexopt::Error::Custom(e.into()))?;
                }
                Arg::Long("save-baseline") => {
                    parsed.baselines.save = Some(parser.value()?.string()?);
                }
                Arg::Long(flag @ ("baseline" | "baseline-strict")) => {
                    let strict = flag == "baseline-strict";
                    let name = parser.value()?.string()?;
                    parsed.baselines.against = Some(Against { name, strict });
                }
                Arg::Long("baseline-dir") => {
                    parsed.baselines.folder = Some(parser.value()?.into());
                }
                Arg::Long("help") | Arg::Short('h') => parsed.help = true,
                Arg::Long("quiet") | Arg::Short('q') => parsed.quiet = true,
                Arg::Long(
                    "bench" | "test" | "nocapture" | "no-capture" | "show-output" | "report-time"
                    | "ensure-time" | "shuffle",
                ) => {}
                Arg::Long("color" | "format" | "test-threads" | "logfile" | "shuffle-seed")
                | Arg::Short('Z') => {
                    parser.value()?;
                }
                other => return Err(other.unexpected()),
            }
        }
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit_code::{INVALID, PASS, TESTS_FAILED, UNUSABLE};
    use rstest::rstest;

    #[rstest]
    #[case::no_filter(&[], "a::chat", false, true)]
    #[case::part(&["chat"], "a::chat_long", false, true)]
    #[case::exact_part(&["--exact", "chat"], "a::chat", false, false)]
    #[case::exact(&["--exact", "a::chat", "--nocapture"], "a::chat", false, true)]
    #[case::skip(&["--skip", "long"], "a::chat_long", false, false)]
    #[case::exact_skip(&["--exact", "--skip", "chat"], "chat_long", false, true)]
    #[case::only_ignored(&["--ignored"], "chat", false, false)]
    #[case::ignored(&["--ignored"], "chat", true, true)]
    #[case::two_filters(&["x", "chat"], "chat", false, true)]
    fn selection(
        #[case] args: &[&str],
        #[case] name: &str,
        #[case] ignored: bool,
        #[case] selected: bool,
    ) {
        let args = Args::parse(args).unwrap();
        assert_eq!(args.selection.selects(name, ignored), selected);
    }

    #[rstest]
    #[case::nextest_list(&["--list", "--format", "terse"])]
    #[case::nextest_run(&["--exact", "chat", "--nocapture", "--bench"])]
    #[case::ide(&["--format=json", "-Z", "unstable-options", "--show-output"])]
    #[case::cargo_test(&["--test-threads=2", "--color", "always"])]
    fn what_runners_pass_is_accepted(#[case] args: &[&str]) {
        Args::parse(args).unwrap();
    }

    #[test]
    fn help_has_the_exit_codes() {
        let codes = format!(
            "Exit code: {PASS} when all pass, {TESTS_FAILED} when one fails, {UNUSABLE} for unusable arguments, \
             {INVALID} when"
        );
        assert!(help().contains(&codes), "{}", help());
    }

    #[test]
    fn a_run_is_compared_and_saved() {
        let args = [
            "--save-baseline",
            "new",
            "--baseline=main",
            "--baseline-dir",
            "b",
        ];
        let baselines = Args::parse(args).unwrap().baselines;
        assert_eq!(baselines.save.as_deref(), Some("new"));
        let against = baselines.against.unwrap();
        assert_eq!((against.name.as_str(), against.strict), ("main", false));
        assert_eq!(baselines.folder, Some("b".into()));
        let strict = Args::parse(["--baseline-strict", "main"])
            .unwrap()
            .baselines;
        assert!(strict.against.unwrap().strict);
    }

    #[test]
    fn unknown_arguments_are_errors() {
        assert!(Args::parse(["--save-everything"]).is_err());
    }
}
