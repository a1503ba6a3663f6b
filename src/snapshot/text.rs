//! Formats a snapshot: the load, counts, and the numbers, one per line.

use super::redact;
use crate::{
    metrics::{Metrics, Summary},
    report::Report,
    run::Run,
};
use std::{collections::BTreeMap, fmt::Write};

/// Heading of numbers with a tolerance, which follows.
pub(super) const WITHIN: &str = "within ";

const QUANTILES: [(&str, f64); 3] = [("p50", 50.0), ("p90", 90.0), ("p99", 99.0)];

/// Formats a snapshot. Without a tolerance every digit counts.
pub(super) fn text(report: &Report, tolerance: Option<f64>) -> String {
    let (run, metrics) = (report.run(), report.metrics());
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "{label:<15} {value}");
    };
    for (label, value) in asked(run) {
        line(label, &value);
    }
    for (label, count) in counts(metrics) {
        line(&label, &count.to_string());
    }
    let heading = match tolerance {
        // The tolerance as it was given: removes only the error of the division by 100.
        Some(share) => format!("{WITHIN}{} %", (share * 1e10).round() / 1e8),
        None => "exactly".to_owned(),
    };
    // Chance changes a p99 by more than any useful tolerance.
    let quantiles = if run.is_deterministic() {
        &QUANTILES[..]
    } else {
        &QUANTILES[..2]
    };
    let _ = write!(text, "{heading:<15} {:>10}", "mean");
    for (name, _) in quantiles {
        let _ = write!(text, " {name:>10}");
    }
    for (latency, summary) in metrics.usual() {
        let label = format!("{latency} ms");
        let _ = write!(text, "\n{label:<15}{}", statistics(summary, quantiles));
    }
    let throughput = &metrics.throughput;
    let single = [
        ("requests/s", throughput.requests),
        ("input tokens/s", throughput.input_tokens),
        ("output tokens/s", throughput.output_tokens),
        ("goodput", metrics.goodput.ratio),
    ];
    for (label, value) in single {
        let _ = write!(text, "\n{label:<15}{}", cell(value));
    }
    for class in &metrics.classes {
        for (latency, summary) in class.metrics.usual() {
            let label = format!("{} {latency} ms", class.name);
            let _ = write!(text, "\n{label:<15}{}", statistics(summary, quantiles));
        }
        let label = format!("{} goodput", class.name);
        let _ = write!(text, "\n{label:<15}{}", cell(class.metrics.goodput.ratio));
    }
    text
}

fn asked(run: &Run) -> Vec<(&'static str, String)> {
    let setup = &run.setup;
    let target = redact::target(&setup.target, setup.simulated);
    let mut load = format!("{} requests", setup.requests);
    if let Some(rate) = setup.rate {
        let _ = write!(load, ", {rate}/s, burstiness {}", setup.burstiness);
    }
    if let Some(most) = setup.max_concurrency {
        let _ = write!(load, ", {most} at a time");
    }
    let _ = write!(load, ", seed {}", setup.seed);
    let name = |name: &Option<String>| redact::name(name.as_deref().unwrap_or("none")).to_owned();
    vec![
        ("target", format!("{target}, {}", setup.backend)),
        ("model", name(&setup.model)),
        ("tokenizer", name(&setup.tokenizer)),
        ("load", load),
    ]
}

/// Counts, and errors by kind: their messages contain the server's text.
fn counts(metrics: &Metrics) -> Vec<(String, u64)> {
    let counts = &metrics.counts;
    let mut lines = vec![
        ("completed".to_owned(), counts.completed),
        ("failed".to_owned(), counts.failed),
    ];
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for group in &metrics.errors {
        *kinds.entry(&group.kind).or_default() += group.count;
    }
    lines.extend(
        kinds
            .into_iter()
            .map(|(kind, count)| (format!("  {kind}"), count)),
    );
    lines.push(("input tokens".to_owned(), counts.input_tokens));
    lines.push(("output tokens".to_owned(), counts.output_tokens));
    lines
}

fn statistics(summary: &Summary, quantiles: &[(&str, f64)]) -> String {
    let values = quantiles.iter().map(|(_, q)| summary.percentile(*q));
    std::iter::once(summary.mean)
        .chain(values)
        .map(cell)
        .collect()
}

fn cell(value: f64) -> String {
    if value.is_nan() {
        format!(" {:>10}", "-")
    } else {
        format!(" {value:>10.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::Criteria,
        report::testing::{failing_run, report},
    };

    #[test]
    fn everything_worth_reviewing_and_nothing_of_the_machine() {
        let mut run = failing_run();
        run.setup.model = Some("/home/me/models/secret".to_owned());
        let text = text(&report(run, Criteria::default()), Some(0.2));
        for word in ["localhost", "8000", "secret", "busy", "reset"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
        insta::assert_snapshot!(text);
    }
}
