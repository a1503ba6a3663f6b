//! One bench on several engines: a table of their numbers, and which differences are shown.

use super::columns::aligned;
use crate::{
    judge::{Unit, number},
    stats::{Interval, compare::Conclusion},
};
use serde::Serialize;
use std::fmt::{self, Write};

/// The numbers of one bench on several engines. `Lineup::of` makes it of reports.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lineup {
    /// Name of the bench.
    pub bench: String,
    /// Names of the engines; the others are compared with the first.
    pub engines: Vec<String>,
    /// Confidence of each interval, above 0 and below 1.
    pub confidence: f64,
    /// A row for each number.
    pub rows: Vec<LineupRow>,
    /// Where the evidence comes from, and what could not be compared, in sentences.
    pub notes: Vec<String>,
    /// Engines that have no column, because there is no run on them.
    pub missing: Vec<MissingEngine>,
}

/// An engine that a bench has not run on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingEngine {
    /// Name of the engine.
    pub engine: String,
    /// Why there is no run, such as an error; empty if the engine's bench was ignored without a reason.
    pub why: String,
}

impl fmt::Display for MissingEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` has no column: {}", self.engine, self.why)
    }
}

/// One number of all engines.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LineupRow {
    /// The number, as SLOs name it; `1 - errors` is the share of requests that succeed.
    pub number: String,
    /// Unit of its values.
    pub unit: Unit,
    /// A cell for each engine, in their order.
    pub cells: Vec<LineupCell>,
}

/// One number of one engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct LineupCell {
    /// The value; `None` if the run does not have the number.
    pub value: Option<f64>,
    /// Where the engine's number lies, if the run can say.
    pub interval: Option<Interval>,
    /// Relative change from the first engine: 0.1 is 10 % more.
    pub change: Option<f64>,
    /// What the change means. `None` for the first engine, and for numbers that are shown and not compared.
    pub conclusion: Option<Conclusion>,
}

impl LineupCell {
    /// `12.10 ms [11.90, 12.30], +8.1 % worse`
    pub(super) fn text(&self, unit: Unit) -> String {
        let Some(value) = self.value else {
            return "–".to_owned();
        };
        let mut text = unit.measured(value);
        if let Some(interval) = &self.interval {
            text += &unit.interval(interval);
        }
        let word = match self.conclusion {
            Some(Conclusion::Worse) => "worse",
            Some(Conclusion::Better) => "better",
            Some(Conclusion::Same) => "the same",
            Some(Conclusion::Inconclusive) | None => return text,
        };
        let change = self.change.unwrap_or_default() * 100.0;
        if change == 0.0 {
            return format!("{text}, {word}");
        }
        let sign = if change > 0.0 { "+" } else { "" };
        let _ = write!(text, ", {sign}{} % {word}", number(change));
        text
    }
}

/// The table as text.
impl fmt::Display for Lineup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = std::iter::once(self.bench.clone()).chain(self.engines.iter().cloned());
        let mut lines: Vec<Vec<String>> = vec![head.collect()];
        for row in &self.rows {
            let cells = row.cells.iter().map(|cell| cell.text(row.unit));
            lines.push(std::iter::once(row.number.clone()).chain(cells).collect());
        }
        for line in aligned(&lines) {
            writeln!(f, "  {line}")?;
        }
        for missing in &self.missing {
            writeln!(f, "  {missing}")?;
        }
        for note in &self.notes {
            writeln!(f, "  {note}")?;
        }
        Ok(())
    }
}
