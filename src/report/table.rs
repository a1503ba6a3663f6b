//! The table that `vllm bench serve` prints, made from the values of its result file.

use super::{
    failures::first_errors,
    json::{JsonOptions, vllm_keys},
    vllm::{VllmMetric, VllmOptions},
};
use crate::{metrics::Metrics, run::Run};
use serde_json::{Map, Value};

const WIDTH: usize = 50;

/// The table of `vllm bench serve` 0.33, line for line, with its list of failures above. Without a trailing newline.
///
/// It is made of the values of the result file, and of nothing else. So `goodput report` shows of a file what was printed for the
/// run.
///
/// Differences: a failure is one line without control characters, as servers wrote it; failures are listed above
/// answers without tokens too.
pub fn vllm_table(run: &Run, metrics: &Metrics, options: &VllmOptions) -> String {
    let json = JsonOptions {
        tokenizer_id: options.tokenizer_id(run),
        vllm: options.clone(),
        ..JsonOptions::default()
    };
    let values = vllm_keys(run, metrics, &json).values();
    let lines = lines(&values, Some(metrics.counts.failed));
    table(&first_errors(run), &lines)
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Line {
    /// A section's title.
    Title(&'static str),
    /// A label that belongs to the lines below it.
    Head(&'static str),
    /// A label, without its colon, and a number as it is shown.
    Value(String, String),
}

/// The failures and the lines as one text.
pub(crate) fn table(failures: &[String], lines: &[Line]) -> String {
    let mut text = Vec::new();
    if !failures.is_empty() {
        text.push("Failed requests during benchmark run detected (capping to 10):".to_owned());
    }
    let failures = failures.iter().enumerate();
    text.extend(failures.map(|(position, error)| format!("Error {position}: {error}")));
    text.push(centred(" Serving Benchmark Result ", '='));
    text.extend(lines.iter().map(|line| match line {
        Line::Title(title) => centred(title, '-'),
        Line::Head(label) => format!("{label}:"),
        Line::Value(label, value) => format!("{:<40} {value:<10}", format!("{label}:")),
    }));
    text.push(centred("", '='));
    text.join("\n")
}

fn centred(title: &str, fill: char) -> String {
    // Python puts the odd character of a centred text to its right, as `format!` does.
    let missing = WIDTH.saturating_sub(title.chars().count());
    let side = |n| fill.to_string().repeat(n);
    let (left, right) = (side(missing / 2), side(missing - missing / 2));
    format!("{left}{title}{right}")
}

/// The table's lines of a result. A value that the result lacks has no line. `failed` is the number of failed
/// requests where the result lacks it, as vLLM's results of answers without tokens do.
pub(crate) fn lines(values: &Map<String, Value>, failed: Option<u64>) -> Vec<Line> {
    let mut lines = Lines {
        values,
        lines: Vec::new(),
    };
    let has = |key: &str| values.get(key).is_some_and(|value| !value.is_null());
    let counts_tokens = values.get("tokenizer_id") != Some(&Value::Null);
    let generates = has("total_output_tokens");
    lines.whole("Successful requests", "completed");
    match failed {
        Some(failed) if !has("failed") => lines.push("Failed requests", failed.to_string()),
        _ => lines.whole("Failed requests", "failed"),
    }
    lines.whole("Maximum request concurrency", "max_concurrency");
    lines.number("Request rate configured (RPS)", "request_rate");
    lines.number("Benchmark duration (s)", "duration");
    lines.whole("Total input tokens", "total_input_tokens");
    if counts_tokens {
        lines.whole("Total generated tokens", "total_output_tokens");
    }
    lines.number("Request throughput (req/s)", "request_throughput");
    lines.number("Input throughput (inputs/s)", "input_sequence_throughput");
    if generates {
        lines.number("Request goodput (req/s)", "request_goodput");
    }
    if counts_tokens {
        lines.number("Output token throughput (tok/s)", "output_throughput");
        lines.number(
            "Peak output token throughput (tok/s)",
            "max_output_tokens_per_s",
        );
    }
    lines.number("Peak concurrent requests", "max_concurrent_requests");
    if values.get("rtfx").and_then(Value::as_f64) > Some(0.0) {
        lines.number("RTFx (Inverse Real-Time Factor)", "rtfx");
    }
    if counts_tokens {
        lines.number("Total token throughput (tok/s)", "total_token_throughput");
    }
    probes(&mut lines, has("probe_completed"));
    VllmMetric::ALL
        .into_iter()
        .for_each(|metric| latency(&mut lines, metric));
    decoding(&mut lines);
    lines.lines
}

fn probes(lines: &mut Lines<'_>, any: bool) {
    if any {
        lines.lines.push(Line::Title("Probe Requests"));
    }
    lines.whole("Probe requests completed", "probe_completed");
    lines.whole("Probe requests failed", "probe_failed");
    lines.number("Median probe E2EL (ms)", "probe_median_e2el_ms");
    lines.number("P99 probe E2EL (ms)", "probe_p99_e2el_ms");
    lines.number("Max probe E2EL (ms)", "probe_max_e2el_ms");
}

/// The section of a latency, with the percentiles that the result has in their order.
fn latency(lines: &mut Lines<'_>, metric: VllmMetric) {
    let (name, label) = (metric.name(), metric.label());
    let key = |statistic: &str| format!("{statistic}_{name}_ms");
    let shown = ["mean", "median"].map(key);
    if !shown.iter().any(|key| lines.values.contains_key(key)) {
        return;
    }
    lines.lines.push(Line::Title(metric.title()));
    let [mean, median] = shown;
    lines.number(&format!("Mean {label} (ms)"), &mean);
    lines.number(&format!("Median {label} (ms)"), &median);
    let values = lines.values;
    for (key, percentile) in values
        .keys()
        .filter_map(|k| Some((k, percentile(k, name)?)))
    {
        lines.number(&format!("P{percentile} {label} (ms)"), key);
    }
}

/// `99.9` of `p99.9_ttft_ms`.
fn percentile<'k>(key: &'k str, metric: &str) -> Option<&'k str> {
    let statistic = key.strip_suffix("_ms")?.strip_suffix(metric)?;
    let percentile = statistic.strip_suffix('_')?.strip_prefix('p')?;
    percentile.parse::<f64>().is_ok().then_some(percentile)
}

/// The last block: of diffusion, or else of speculation.
fn decoding(lines: &mut Lines<'_>) {
    let has = |key: &str| lines.values.contains_key(key);
    if has("diffusion_committed_throughput") {
        lines.lines.push(Line::Title("Diffusion Decoding"));
        lines.number(
            "Committed throughput (tok/s)",
            "diffusion_committed_throughput",
        );
        lines.number("Denoising steps per canvas", "diffusion_steps_per_canvas");
        lines.number(
            "Committed per denoising step",
            "diffusion_committed_per_step",
        );
        lines.whole("Committed tokens", "diffusion_committed_tokens");
        lines.whole("Denoising steps", "diffusion_denoising_steps");
        lines.whole("Canvas positions evaluated", "diffusion_canvas_positions");
    } else if has("spec_decode_acceptance_rate") {
        lines.lines.push(Line::Title("Speculative Decoding"));
        lines.number("Acceptance rate (%)", "spec_decode_acceptance_rate");
        lines.number("Acceptance length", "spec_decode_acceptance_length");
        lines.whole("Drafts", "spec_decode_num_drafts");
        lines.whole("Draft tokens", "spec_decode_draft_tokens");
        lines.whole("Accepted tokens", "spec_decode_accepted_tokens");
        let at = lines
            .values
            .get("spec_decode_per_position_acceptance_rates");
        let at = at.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if !at.is_empty() {
            lines.lines.push(Line::Head("Per-position acceptance (%)"));
        }
        for (place, rate) in at.iter().filter_map(Value::as_f64).enumerate() {
            lines.push(&format!("  Position {place}"), decimals(rate * 100.0));
        }
    }
}

struct Lines<'a> {
    values: &'a Map<String, Value>,
    lines: Vec<Line>,
}

impl Lines<'_> {
    fn push(&mut self, label: &str, value: String) {
        self.lines.push(Line::Value(label.to_owned(), value));
    }

    /// A whole number as it stands in the result.
    fn whole(&mut self, label: &str, key: &str) {
        if let Some(Value::Number(number)) = self.values.get(key) {
            self.push(label, number.to_string());
        }
    }

    fn number(&mut self, label: &str, key: &str) {
        if let Some(number) = self.values.get(key).and_then(Value::as_f64) {
            self.push(label, decimals(number));
        }
    }
}

fn decimals(number: f64) -> String {
    format!("{number:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        metrics::{
            measure,
            testing::{golden::Golden, run_of},
        },
        report::testing::options,
        run::Task,
    };
    use rstest::rstest;
    use std::path::PathBuf;

    #[rstest]
    fn every_line_is_vllms(#[files("fixtures/metrics/*.json")] path: PathBuf) {
        let golden = Golden::at(&path);
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
