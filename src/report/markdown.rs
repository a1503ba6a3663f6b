//! Markdown for the summary of a CI job: one table of all benches, and what speaks against those that
//! did not pass.

use super::{CaveatKind, Lineup, Outcome, capacity};
use crate::{
    judge::{Verdict, number},
    stats::compare::Conclusion,
};
use std::fmt::Write;

/// A heading, a table with a row for each bench, and for each that did not pass its evidence.
pub fn markdown(outcomes: &[Outcome]) -> String {
    let passed = outcomes.iter().filter(|o| o.word() == "pass").count();
    let ignored = outcomes.iter().filter(|o| o.word() == "ignored").count();
    let mut text = format!("### goodput: {passed} of {} passed", outcomes.len());
    let no_verdict = outcomes.iter().filter(|o| o.word() == "no verdict").count();
    if no_verdict > 0 {
        let _ = write!(text, ", {no_verdict} without a verdict");
    }
    if ignored > 0 {
        let _ = write!(text, ", {ignored} ignored");
    }
    text += "\n\n| bench | verdict | TTFT p50 / p99, ms | TPOT p50 / p99, ms | output, tok/s | goodput | requests |\n\
             |---|---|---:|---:|---:|---:|---:|\n";
    for outcome in outcomes {
        text += &row(outcome);
    }
    for lineup in outcomes
        .iter()
        .filter_map(|outcome| outcome.lineup.as_ref())
    {
        text += &lineup.markdown();
    }
    for outcome in outcomes {
        let measured = outcome.measured.as_ref();
        if let Some(found) = measured.and_then(|measured| measured.capacity.as_ref()) {
            let _ = write!(
                text,
                "\n#### {}\n\n{}",
                plain(&outcome.name),
                capacity::markdown(found)
            );
        }
    }
    for outcome in outcomes
        .iter()
        .filter(|outcome| !outcome.reason().is_empty())
    {
        text += &details(outcome);
    }
    text
}

impl Lineup {
    /// The table in GitHub's Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("\n#### {}\n\n| |", plain(&self.bench));
        for engine in &self.engines {
            let _ = write!(text, " {} |", plain(engine));
        }
        text += "\n|---|";
        text += &"---:|".repeat(self.engines.len());
        text.push('\n');
        for row in &self.rows {
            let _ = write!(text, "| {} |", plain(&row.number));
            for cell in &row.cells {
                let strong = matches!(
                    cell.conclusion,
                    Some(Conclusion::Worse | Conclusion::Better)
                );
                let mark = if strong { "**" } else { "" };
                let _ = write!(text, " {mark}{}{mark} |", cell.text(row.unit));
            }
            text.push('\n');
        }
        text.push('\n');
        let missing = self.missing.iter().map(ToString::to_string);
        for note in missing.chain(self.notes.iter().cloned()) {
            let _ = writeln!(text, "{}\n", plain(&note));
        }
        text
    }
}

fn row(outcome: &Outcome) -> String {
    let measured = outcome.measured.as_ref();
    let value = |slug: &str| {
        let measure = measured?.measures.iter().find(|m| m.slug() == slug)?;
        Some(measure.value)
    };
    let cell = |slug: &str, scale: f64| value(slug).map_or("–".to_owned(), |v| number(v * scale));
    let pair = |name: &str| {
        let [low, high] = ["p50", "p99"].map(|stat| cell(&format!("{name}-{stat}"), 1.0));
        format!("{low} / {high}")
    };
    let simulated = measured.is_some_and(|m| m.setup.simulated);
    let requests = measured.map_or("–".to_owned(), |m| {
        format!("{} ok, {} failed", m.counts.completed, m.counts.failed)
    });
    format!(
        "| {}{} | {} {} | {} | {} | {} | {} | {requests} |\n",
        plain(&outcome.name),
        if simulated { " (simulated)" } else { "" },
        sign(outcome),
        word(outcome),
        pair("ttft"),
        pair("tpot"),
        cell("throughput-output", 1.0),
        match value("goodput") {
            Some(_) => cell("goodput", 100.0) + " %",
            None => "–".to_owned(),
        },
    )
}

fn details(outcome: &Outcome) -> String {
    let mut text = format!(
        "\n<details{}><summary>{} <b>{}</b>: {}</summary>\n\n",
        if outcome.is_ok() { "" } else { " open" },
        sign(outcome),
        plain(&outcome.name),
        outcome.word(),
    );
    let block = match &outcome.measured {
        // The evidence has all reasons of the verdict.
        Some(measured) if measured.verdict != Verdict::Pass => measured.evidence.clone(),
        Some(measured) => format!("{}\n{}", outcome.reason(), measured.evidence),
        None => outcome.reason().to_owned(),
    };
    // Longer than any fence inside, so that no text of a server gets out.
    let fence = "`".repeat(longest_run(&block, '`').max(2) + 1);
    let _ = write!(
        text,
        "{fence}text\n{}\n{fence}\n\n</details>\n",
        block.trim_matches('\n')
    );
    text
}

/// How the bench ended, and what a pass did not prove.
fn word(outcome: &Outcome) -> String {
    // Without a demand there is no verdict, and the word says so.
    let caveats = outcome.caveats().iter().map(|caveat| caveat.kind);
    let caveats = caveats
        .filter(|kind| *kind != CaveatKind::NoDemand)
        .map(CaveatKind::slug);
    let told: Vec<_> = std::iter::once(outcome.word())
        .chain(caveats.map(str::to_owned))
        .collect();
    told.join(", ")
}

pub(super) fn sign(outcome: &Outcome) -> &'static str {
    match outcome.word().as_str() {
        "pass" => "✅",
        "no verdict" => "⚪",
        "ignored" => "⏭️",
        "inconclusive" => "❔",
        "invalid" | "error" => "⚠️",
        _ => "❌",
    }
}

/// Text that is nothing but text in a cell of a table.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' => plain.push(' '),
            '<' => plain += "&lt;",
            '&' => plain += "&amp;",
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' => plain.extend(['\\', c]),
            c => plain.push(c),
        }
    }
    plain
}

fn longest_run(text: &str, of: char) -> usize {
    let runs = text.split(|c| c != of).map(str::len);
    runs.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        End,
        testing::{outcome, outcomes},
    };

    #[test]
    fn a_table_and_what_speaks_against() {
        insta::assert_snapshot!(markdown(&outcomes()));
    }

    #[test]
    fn what_servers_send_stays_in_its_block() {
        let mut outcome = outcome("unreachable");
        outcome.name = "a|b<script>".to_owned();
        outcome.end = End::Broken("it said:\n````\n# Heading".to_owned(), 4);
        let text = markdown(&[outcome]);
        assert!(text.contains("| a\\|b&lt;script> |"), "{text}");
        let fences = text.lines().filter(|line| line.starts_with("`````"));
        assert_eq!(fences.count(), 2, "{text}");
    }
}
