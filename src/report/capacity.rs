//! What a search found, as text and as Markdown.

use super::columns::aligned;
use crate::{
    grammar::slo,
    judge::{Capacity, Trial, TrialSide, Unit, number},
};
use std::fmt::Write;

/// The answer, what it took, and the trials; each line indented.
pub(super) fn lines(capacity: &Capacity) -> Vec<String> {
    let mut lines = vec![
        format!("  capacity    {}", capacity.sentence()),
        format!("  search      {}", capacity.effort()),
    ];
    let rows = aligned(&rows(capacity));
    lines.extend(rows.iter().map(|row| format!("    {row}")));
    lines
}

/// The answer and the trials in GitHub's Markdown.
pub(super) fn markdown(capacity: &Capacity) -> String {
    let mut text = format!("{}\n\n{}\n\n", capacity.sentence(), capacity.effort());
    let rows = rows(capacity);
    for (index, row) in rows.iter().enumerate() {
        let _ = writeln!(text, "| {} |", row.join(" | "));
        if index == 0 {
            let _ = writeln!(text, "|{}", "---:|".repeat(row.len()));
        }
    }
    text.push('\n');
    text
}

/// A heading and a row for each trial, by load.
fn rows(capacity: &Capacity) -> Vec<Vec<String>> {
    let numbers: Vec<String> = capacity
        .slos
        .iter()
        .map(|slo| slo.split(' ').next().unwrap_or(slo).to_owned())
        .collect();
    let mut head = vec![capacity.over.name().to_owned(), "requests".to_owned()];
    head.extend(numbers);
    head.extend(["TTFT p50, ms", "TPOT p50, ms", "out, tok/s", ""].map(str::to_owned));
    let mut trials: Vec<&Trial> = capacity.trials.iter().collect();
    trials.sort_by(|a, b| a.point.load.total_cmp(&b.point.load));
    let rows = trials.into_iter().map(|trial| row(capacity, trial));
    std::iter::once(head).chain(rows).collect()
}

fn row(capacity: &Capacity, trial: &Trial) -> Vec<String> {
    let any = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
    let mut row = vec![number(trial.point.load), trial.point.requests.to_string()];
    row.extend(
        capacity
            .slos
            .iter()
            .zip(&trial.numbers)
            .map(|(slo, value)| {
                let subject = slo::parse(slo)
                    .ok()
                    .and_then(|slos| Some(slos.first()?.subject));
                match (subject, value) {
                    (Some(subject), Some(value)) => Unit::of(&subject).measured(*value),
                    _ => any(*value),
                }
            }),
    );
    row.extend([
        any(trial.point.median_ttft_ms),
        any(trial.point.median_tpot_ms),
    ]);
    row.push(number(trial.point.output_throughput));
    let side = match trial.side {
        TrialSide::Holds => "holds",
        TrialSide::Fails => "fails",
    };
    let queue = if trial.kept_up {
        ""
    } else {
        ", the queue grows"
    };
    let short = if trial.short { ", short" } else { "" };
    row.push(format!("{side}{queue}{short}"));
    row
}
