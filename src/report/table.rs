//! The table that `vllm bench serve` prints.

use super::{decoding, vllm::VllmOptions};
use crate::{
    metrics::{Metrics, one_line},
    record::{Record, RequestError},
    run::{Run, Task},
};
use std::fmt::Display;

const WIDTH: usize = 50;

/// vLLM lists so many failures above its table.
const FAILURES: usize = 10;

/// The table of `vllm bench serve` 0.33, line for line, its list of
/// failures above it included. Ends without a line break.
///
/// Differences: a failure is one line without control characters, as servers wrote it; failures are
/// listed above answers without tokens too.
pub fn vllm_table(run: &Run, metrics: &Metrics, options: &VllmOptions) -> String {
    let mut lines = failures(run);
    let mut table = Table { lines: &mut lines };
    let (counts, throughput, peaks) = (&metrics.counts, &metrics.throughput, &metrics.peaks);
    table.title(" Serving Benchmark Result ", '=');
    table.whole("Successful requests:", counts.completed);
    table.whole("Failed requests:", counts.failed);
    if let Some(most) = run.setup.max_concurrency {
        table.whole("Maximum request concurrency:", most);
    }
    if let Some(rate) = run.setup.rate {
        table.number("Request rate configured (RPS):", rate);
    }
    table.number("Benchmark duration (s):", run.duration.as_secs_f64());
    table.whole("Total input tokens:", counts.input_tokens);
    let generates = run.setup.task == Task::Generate;
    if generates && options.tokenizer_known {
        table.whole("Total generated tokens:", counts.output_tokens);
    }
    table.number("Request throughput (req/s):", throughput.requests);
    if !generates {
        table.number("Input throughput (inputs/s):", throughput.inputs);
    }
    if generates && options.goodput_given {
        table.number("Request goodput (req/s):", metrics.goodput.requests_per_s);
    }
    if generates && options.tokenizer_known {
        table.number("Output token throughput (tok/s):", throughput.output_tokens);
        let peak = peaks.output_tokens_per_s as f64;
        table.number("Peak output token throughput (tok/s):", peak);
    }
    if generates {
        let peak = peaks.concurrent_requests as f64;
        table.number("Peak concurrent requests:", peak);
    }
    if generates && throughput.rtfx > 0.0 {
        table.number("RTFx (Inverse Real-Time Factor):", throughput.rtfx);
    }
    if options.tokenizer_known {
        table.number("Total token throughput (tok/s):", throughput.total_tokens);
    }
    decoding::table_probes(&mut table, metrics);
    for metric in options.metrics(run) {
        let (summary, label) = (metric.of(metrics), metric.label());
        table.title(metric.title(), '-');
        table.number(&format!("Mean {label} (ms):"), summary.mean);
        table.number(&format!("Median {label} (ms):"), summary.median);
        for (name, percentile) in options.percentiles() {
            let value = summary.percentile(percentile);
            table.number(&format!("P{name} {label} (ms):"), value);
        }
    }
    decoding::table_decoding(&mut table, run);
    table.title("", '=');
    lines.join("\n")
}

fn failures(run: &Run) -> Vec<String> {
    let failed =
        |record: &&Record| record.error.is_some() && record.error != Some(RequestError::Cancelled);
    let errors = run
        .records
        .iter()
        .filter(failed)
        .filter_map(|r| r.error.as_ref());
    let mut lines: Vec<String> = errors
        .take(FAILURES)
        .enumerate()
        .map(|(position, error)| format!("Error {position}: {}", one_line(&error.to_string())))
        .collect();
    if !lines.is_empty() {
        let head = "Failed requests during benchmark run detected (capping to 10):";
        lines.insert(0, head.to_owned());
    }
    lines
}

/// Lines under construction.
pub(super) struct Table<'a> {
    lines: &'a mut Vec<String>,
}

impl Table<'_> {
    pub(super) fn title(&mut self, title: &str, fill: char) {
        // Python puts the odd character of a centred text to its right, as `format!` does.
        let missing = WIDTH.saturating_sub(title.chars().count());
        let side = |n| fill.to_string().repeat(n);
        let (left, right) = (side(missing / 2), side(missing - missing / 2));
        self.lines.push(format!("{left}{title}{right}"));
    }

    pub(super) fn whole(&mut self, label: &str, value: impl Display) {
        let value = value.to_string();
        self.lines.push(format!("{label:<40} {value:<10}"));
    }

    pub(super) fn line(&mut self, text: &str) {
        self.lines.push(text.to_owned());
    }

    pub(super) fn number(&mut self, label: &str, value: f64) {
        self.lines.push(format!("{label:<40} {value:<10.2}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        metrics::{golden::Golden, measure, testing::run_of},
        report::testing::options,
    };
    use rstest::rstest;

    #[rstest]
    #[case("three_requests")]
    #[case("open_loop_with_failures")]
    #[case("closed_loop")]
    #[case("all_failed")]
    #[case("no_tokenizer")]
    #[case("ramp")]
    #[case("embeddings")]
    #[case("rerank")]
    #[case("audio")]
    #[case("spec_decode")]
    #[case("no_drafts")]
    #[case("diffusion")]
    #[case("probes")]
    #[case("probes_of_vectors")]
    #[case("failed_probes")]
    fn every_line_is_vllms(#[case] name: &str) {
        let golden = Golden::read(name);
        let run = golden.run();
        let metrics = measure(&run, &golden.limits());
        let table = vllm_table(&run, &metrics, &options(&golden));
        let mut ours: Vec<_> = table.lines().map(Golden::plain_error).collect();
        if run.setup.task == Task::Pool {
            // vLLM does not say what went wrong.
            ours.retain(|line| {
                !line.starts_with("Failed requests during") && !line.starts_with("Error")
            });
        }
        assert_eq!(ours, golden.table);
    }

    #[test]
    fn the_default_table() {
        let run = run_of(vec![]);
        let table = vllm_table(&run, &measure(&run, &[]), &VllmOptions::default());
        // Spaces at line ends, which vLLM prints, do not survive editors.
        let table: Vec<_> = table.lines().map(str::trim_end).collect();
        insta::assert_snapshot!(table.join("\n"));
    }
}
