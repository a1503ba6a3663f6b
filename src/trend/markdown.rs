//! A trend as Markdown.

use super::{
    Trend,
    text::{chance, heading, latest, mark, spark, told},
};
use crate::report::plain;
use std::fmt::Write;

/// Formats a table for each bench, with a row for each number.
pub(crate) fn markdown(trend: &Trend) -> String {
    let mut text = "### goodput: trend\n".to_owned();
    for traced in &trend.benches {
        let _ = write!(
            text,
            "\n{}\n\n| | number | limit | latest | runs | shifts |\n|---|---|---:|---:|---|---|\n",
            plain(&heading(&traced.bench))
        );
        for line in &traced.lines {
            let limit = line.limit.map(|limit| line.unit.exact(limit));
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | `{}` | {} |",
                mark(line).to_string().trim(),
                plain(&line.name),
                limit.unwrap_or_default(),
                latest(line),
                spark(line),
                plain(&told(line, &traced.bench)),
            );
        }
    }
    let _ = write!(text, "\n{}\n", plain(&chance(trend)));
    text
}
