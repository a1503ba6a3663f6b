//! The flags of `goodput sweep` itself. All others are those of `goodput serve`.

use crate::cli::{groups, serve};
use clap::Arg;
use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

/// What varies; the flags of `goodput serve` apply to every case.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Sweep {
    #[command(flatten)]
    pub(super) own: Own,
    #[command(flatten)]
    pub(super) serve: serve::Serve,
}

/// What varies, in which order, and where results go.
#[derive(Debug, clap::Args)]
pub(super) struct Own {
    /// Measure each of these values of a flag: max-concurrency=1,4,16, or a JSON array; repeatable, for all
    /// combinations.
    #[arg(long, value_name = "FLAG=VALUES")]
    pub(super) vary: Vec<String>,
    /// File of `vllm bench sweep serve` with the flags of each case, as JSON. Results have vLLM's folders.
    #[arg(long, value_name = "FILE")]
    pub(super) bench_params: Option<PathBuf>,
    /// File with the flags of each server that --serve-cmd starts, as JSON; each case runs on each of them.
    #[arg(long, value_name = "FILE")]
    pub(super) serve_params: Option<PathBuf>,
    /// Measure the benches of a suite file that have a sweep, instead of flags; docs/suites.md has its tables.
    #[arg(long, value_name = "FILE")]
    pub(super) suite: Option<PathBuf>,
    /// Command that starts the server, such as "vllm serve MODEL --port 8000"; {port} is a free port.
    #[arg(long, value_name = "COMMAND")]
    pub(super) serve_cmd: Option<String>,
    /// Flags of every case as a command, "vllm bench serve --model MODEL"; the flags of this line win.
    #[arg(long, value_name = "COMMAND")]
    pub(super) bench_cmd: Option<String>,
    /// Command to run after each case on a started server, instead of resetting vLLM's caches.
    #[arg(long, value_name = "COMMAND")]
    pub(super) after_bench_cmd: Option<String>,
    /// Keep only combinations whose values are equal: a flag of the server and one of the case, such as
    /// max_num_seqs=max_concurrency; separated by commas.
    #[arg(
        long,
        value_name = "PAIRS",
        default_value = "",
        hide_default_value = true
    )]
    pub(super) link_vars: String,
    /// Seconds that a started server has until it answers 200 on /health.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(super) server_ready_timeout: u64,
    /// Show what started servers print. Default: it goes to files in the folder of results.
    #[arg(long)]
    pub(super) show_stdout: bool,
    /// Folder of results.
    #[arg(long, short = 'o', value_name = "DIR", default_value = "results")]
    pub(super) output_dir: PathBuf,
    /// Subfolder for the results. Default: none; with vLLM's files the time of the start.
    #[arg(long, short = 'e', value_name = "NAME")]
    pub(super) experiment_name: Option<String>,
    /// Runs of each case. Default: 1; with vLLM's files 3.
    #[arg(long)]
    pub(super) num_runs: Option<usize>,
    /// Requests to send before each case that count in no number.
    #[arg(long, default_value_t = 0)]
    pub(super) warmup_num_prompts: usize,
    /// Measure in random order, of which a number makes another: --shuffle=7.
    #[arg(long, value_name = "SEED", num_args = 0..=1, require_equals = true, default_missing_value = "0")]
    pub(super) shuffle: Option<u64>,
    /// Go on with a sweep in its folder: cases that are measured and have not changed are kept.
    #[arg(long)]
    pub(super) resume: bool,
    /// Compare what the server gives at each load with the folder of an earlier sweep, or another file of `goodput curve`;
    /// exit with 1 if a point got worse.
    #[arg(long, value_name = "PATH")]
    pub(super) against: Option<PathBuf>,
    /// Accepted: a failing case never ends the sweep.
    #[arg(long)]
    pub(super) continue_on_error: bool,
}

/// Flags of `goodput serve` that mean something else here, with whether they have a value.
const BOTH: [(&str, bool); 2] = [("config", true), ("dry-run", false)];

/// Puts a flag under its heading, with its meaning here.
pub(in crate::cli) fn arranged(arg: Arg) -> Arg {
    let arg = groups::grouped(arg);
    match arg.get_id().as_str() {
        // -o and -e are those of `vllm bench sweep serve`.
        "output_file" | "excel_output" => arg.short(None),
        "config" => arg.help(
            "Take flags from a YAML file. A list is a value for each case; input_output and concurrency_prompts are \
             lists of pairs",
        ),
        "dry_run" => arg.help("Print the cases and send nothing"),
        _ => arg,
    }
}

/// The words of a line that are flags of `goodput serve`.
pub(super) fn of_serve(line: &[OsString]) -> Vec<OsString> {
    let own = <Own as clap::Args>::augment_args(clap::Command::new("sweep"));
    let takes = |arg: &Arg| {
        let values = arg.get_num_args().map_or(1, |range| range.min_values());
        arg.get_action().takes_values() && values > 0
    };
    // Whether the word is ours, and whether the next one is its value.
    let ours = |word: &OsStr| -> Option<bool> {
        let text = word.to_str()?;
        if let Some(long) = text.strip_prefix("--") {
            let (name, attached) = match long.split_once('=') {
                Some((name, _)) => (name, true),
                None => (long, false),
            };
            let of_both = BOTH.iter().find(|(other, _)| *other == name);
            let takes = match of_both {
                Some((_, takes)) => *takes,
                None => takes(
                    own.get_arguments()
                        .find(|arg| arg.get_long() == Some(name))?,
                ),
            };
            return Some(takes && !attached);
        }
        let mut letters = text.strip_prefix('-')?.chars();
        let letter = letters.next()?;
        let arg = own
            .get_arguments()
            .find(|arg| arg.get_short() == Some(letter))?;
        Some(takes(arg) && letters.next().is_none())
    };
    let mut left = Vec::new();
    let mut words = line.iter();
    while let Some(word) = words.next() {
        match ours(word) {
            Some(true) => drop(words.next()),
            Some(false) => {}
            None => left.push(word.clone()),
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("--config c.yaml --max-concurrency 4", "--max-concurrency 4")]
    #[case(
        "--seed 1 --config=c.yaml --resume -o out --base-url http://h",
        "--seed 1 --base-url http://h"
    )]
    #[case("-oout -e name -m model --shuffle --num-runs 2 -n 5", "-m model -n 5")]
    #[case(
        "--shuffle=7 --vary rate=1,2 --vary=seed=1 --dry-run --slo x",
        "--slo x"
    )]
    fn what_is_not_ours_is_of_every_case(#[case] line: &str, #[case] left: &str) {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let left: Vec<OsString> = left.split(' ').map(OsString::from).collect();
        assert_eq!(of_serve(&words), left);
    }
}
