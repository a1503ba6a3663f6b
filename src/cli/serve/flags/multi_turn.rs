//! Flags of vLLM's `benchmark_serving_multi_turn.py` that are neither vLLM's for other benchmarks nor other names of them.

use crate::{bench::Bench, feature::needed, problem::Problem};
use std::path::PathBuf;

/// Files and limits of runs of conversations. docs/multi_turn.md compares them with the script.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli::serve) struct MultiTurnFlags {
    /// File of conversations, or of how to make them. Sends all of them to a chat endpoint, in the file's order, with one
    /// client unless --num-clients or a rate is given, and prints a summary like vLLM's multi-turn script.
    #[arg(long, short = 'i', value_name = "FILE", conflicts_with_all = ["dataset_path"])]
    pub(super) input_file: Option<PathBuf>,
    /// Write the conversations with the server's answers, as JSON.
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(in crate::cli::serve) output_file: Option<PathBuf>,
    /// Write a row with the script's keys for each request, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli::serve) stats_json_output: Option<PathBuf>,
    /// Write the script's workbook, statistics_N_clients__DATE.xlsx, to --result-dir or the working folder.
    #[arg(long, short = 'e')]
    pub(in crate::cli::serve) excel_output: bool,
    /// Requests at the start that the summary leaves out, in percent; several give several summaries.
    #[arg(long, value_name = "LIST", default_value = "0%")]
    warmup_percentages: String,
    /// Output tokens of a request at least; below --limit-max-tokens, the model decides.
    #[arg(long, allow_negative_numbers = true, default_value_t = 0)]
    limit_min_tokens: i64,
    /// Output tokens of a request at most, for all requests. Default: the length of the answer in the file.
    #[arg(long, allow_negative_numbers = true, default_value_t = 0)]
    limit_max_tokens: i64,
    /// Limit on a whole request in seconds, like --total-timeout.
    #[arg(long, value_name = "SECONDS")]
    request_timeout_sec: Option<u64>,
    /// Which conversation goes on next: the one that has waited longest (round_robin).
    #[arg(long, default_value = "round_robin")]
    conversation_sampling: String,
    /// Add the time between turns to the summary.
    #[arg(long, short = 'v')]
    pub(in crate::cli::serve) verbose: bool,
}

impl MultiTurnFlags {
    /// Whether the results have the script's form.
    pub(in crate::cli::serve) fn summarises(&self) -> bool {
        self.input_file.is_some() || self.stats_json_output.is_some() || self.excel_output
    }

    /// Output tokens that --limit-max-tokens sets for all requests.
    pub(super) fn output(&self) -> Option<usize> {
        usize::try_from(self.limit_max_tokens)
            .ok()
            .filter(|most| *most > 0)
    }

    /// Names and values of the limits on tokens, if there are any.
    pub(in crate::cli::serve) fn limits(&self) -> Vec<(String, String)> {
        let limits = [
            ("min_tokens", self.limit_min_tokens),
            ("max_tokens", self.limit_max_tokens),
        ];
        let set = limits.into_iter().filter(|(_, limit)| *limit > 0);
        set.map(|(name, limit)| (name.to_owned(), limit.to_string()))
            .collect()
    }

    /// Shares of requests that the summaries leave out.
    pub(in crate::cli::serve) fn warmup(&self, problems: &mut Vec<Problem>) -> Vec<f64> {
        let mut shares = Vec::new();
        for text in self.warmup_percentages.split(',') {
            let percent = text.trim().trim_end_matches('%').trim().parse::<f64>();
            match percent {
                Ok(percent) if (0.0..100.0).contains(&percent) => shares.push(percent / 100.0),
                _ => problems.push(Problem::new(
                    "--warmup-percentages",
                    text,
                    "must be percentages of at least 0 and below 100, such as 0%,50%",
                )),
            }
        }
        shares
    }

    /// Sets what the flags say about requests.
    pub(super) fn apply(&self, mut bench: Bench, problems: &mut Vec<Problem>) -> Bench {
        self.warmup(problems);
        if self.excel_output && !cfg!(feature = "xlsx") {
            problems.push(Problem::new("--excel-output", "(set)", needed!("xlsx")));
        }
        if self.conversation_sampling != "round_robin" {
            problems.push(Problem::new(
                "--conversation-sampling",
                &self.conversation_sampling,
                "goodput sends the turn that has waited longest, which is round_robin. Leave the flag out",
            ));
        }
        if let Some(seconds) = self.request_timeout_sec {
            if seconds == 0 {
                let fix = "must be at least 1";
                problems.push(Problem::new("--request-timeout-sec", seconds, fix));
            }
            bench = bench.total_timeout(format!("{seconds}s").as_str());
        }
        let (least, most) = (self.limit_min_tokens, self.limit_max_tokens);
        let limits = format!("{least} {most}");
        let flags = "--limit-min-tokens --limit-max-tokens";
        if least < 0 || most < 0 {
            let fix = "no limit has no flag. Leave both out and add --extra-body '{\"max_tokens\": null, \"ignore_eos\": false}'";
            problems.push(Problem::new(flags, limits, fix));
        } else if (least == 0) != (most == 0) {
            problems.push(Problem::new(flags, limits, "set both of them, or none"));
        } else if least > most {
            let fix = "the smaller number must come first: lower --limit-min-tokens";
            problems.push(Problem::new(flags, limits, fix));
        } else if least < most {
            let body = format!("{{\"min_tokens\": {least}}}");
            bench = bench.ignore_eos(false).extra_body(body.as_str());
        }
        bench
    }
}
