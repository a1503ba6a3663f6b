//! Curves as text, Markdown and CSV, and what has changed between two of them.

use super::{columns::aligned, comparison::percent};
use crate::{
    judge::{Change, Curve, CurvePoint, Load, Unit, number, together},
    stats::{
        Knee,
        compare::{Conclusion, Rule},
    },
};
use serde::Serialize;
use std::fmt::Write;

/// What has changed between a stored curve and a new one. `CurveComparison::of` makes it of both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CurveComparison {
    /// What the loads are.
    pub over: Load,
    /// The numbers at each load that both curves have.
    pub points: Vec<PointChange>,
    /// Loads of the new curve that the stored one does not have.
    pub alone: Vec<f64>,
    /// The mean of the output tokens per second over the tokens per second for a user that both frontiers have.
    pub frontier: Option<Change>,
    /// The highest load at which the SLOs hold, if both are of searches.
    pub capacity: Option<Change>,
    /// When a difference counts, over all numbers together.
    pub rule: Rule,
    /// Where the noise comes from, in a sentence.
    pub source: String,
}

/// What has changed at one load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PointChange {
    /// Requests per second, or requests in flight.
    pub load: f64,
    /// The numbers.
    pub changes: Vec<Change>,
}

impl CurveComparison {
    /// Worse if anything is, else better if anything is, else the same if all is.
    pub fn conclusion(&self) -> Conclusion {
        together(self.all().map(|(_, change)| change))
    }

    /// All changes, those of a point with its load.
    fn all(&self) -> impl Iterator<Item = (Option<f64>, &Change)> {
        let of_points = self.points.iter().flat_map(|point| {
            let load = Some(point.load);
            point.changes.iter().map(move |change| (load, change))
        });
        let whole = self.frontier.iter().chain(&self.capacity);
        of_points.chain(whole.map(|change| (None, change)))
    }

    /// A line for each change that is shown, and what follows from all; without indentation.
    pub fn lines(&self) -> Vec<String> {
        let shown = |change: &Change| match change.conclusion {
            Conclusion::Worse => Some("WORSE"),
            Conclusion::Better => Some("better"),
            Conclusion::Same | Conclusion::Inconclusive => None,
        };
        let mut rows = Vec::new();
        for (load, change) in self.all().filter(|(_, change)| change.gated) {
            // The whole is always shown.
            let word = match (shown(change), load) {
                (Some(word), _) => word,
                (None, Some(_)) => continue,
                (None, None) if change.conclusion == Conclusion::Same => "same",
                (None, None) => "no change shown",
            };
            let at = load.map_or_else(String::new, |load| {
                format!("{} {}", self.over.name(), self::load(self.over, load))
            });
            rows.push(vec![
                at,
                change.subject.clone(),
                change.unit.measured(change.a),
                "→".to_owned(),
                change.unit.measured(change.b),
                percent(change.statistics.change),
                word.to_owned(),
            ]);
        }
        let mut lines = aligned(&rows);
        lines.push(self.sentence());
        lines
    }

    /// What follows, in a sentence or two.
    fn sentence(&self) -> String {
        let gated = || {
            self.points
                .iter()
                .flat_map(|point| &point.changes)
                .filter(|change| change.gated)
        };
        let count = |conclusion| {
            gated()
                .filter(|change| change.conclusion == conclusion)
                .count()
        };
        let worst_points = |conclusion| {
            let has = |point: &&PointChange| {
                let mut gated = point.changes.iter().filter(|change| change.gated);
                gated.any(|change| change.conclusion == conclusion)
            };
            self.points.iter().filter(has).count()
        };
        let mut text = match self.points.len() {
            0 => "The curves have no load in common".to_owned(),
            points => format!(
                "{} of {points} {} got worse, {} better; of {} numbers {} are the same and {} undecided",
                worst_points(Conclusion::Worse),
                if points == 1 { "point" } else { "points" },
                worst_points(Conclusion::Better),
                gated().count(),
                count(Conclusion::Same),
                count(Conclusion::Inconclusive),
            ),
        };
        if !self.alone.is_empty() {
            let loads: Vec<String> = self
                .alone
                .iter()
                .map(|load| self::load(self.over, *load))
                .collect();
            let _ = write!(
                text,
                ". Not compared, because the stored curve does not have them: {}",
                loads.join(", ")
            );
        }
        let finest = gated()
            .filter(|change| change.unit != Unit::Ratio)
            .filter_map(|change| change.statistics.detectable)
            .reduce(f64::min);
        if let Some(least) = finest.filter(|least| *least > 0.0) {
            let _ = write!(
                text,
                ". A worsening would most likely have been shown from {} % on",
                number(least * 100.0)
            );
        }
        let _ = write!(
            text,
            ". All numbers together share an error of {} %; {}",
            number(self.rule.error * 100.0),
            self.source
        );
        text
    }
}

/// A table of the points, and what they say together; each line indented.
pub(super) fn curve_text(curve: &Curve) -> String {
    let mut text: String = aligned(&rows(curve))
        .iter()
        .map(|row| format!("  {row}\n"))
        .collect();
    for line in sentences(curve) {
        let _ = writeln!(text, "  {line}");
    }
    text
}

/// The same in GitHub's Markdown.
pub(super) fn curve_markdown(curve: &Curve) -> String {
    let mut text = String::new();
    for (place, row) in rows(curve).iter().enumerate() {
        let _ = writeln!(text, "| {} |", row.join(" | "));
        if place == 0 {
            let _ = writeln!(text, "|{}", "---:|".repeat(row.len()));
        }
    }
    text.push('\n');
    for line in sentences(curve) {
        let _ = writeln!(text, "* {line}");
    }
    text
}

/// What the points say together.
pub(super) fn sentences(curve: &Curve) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(knee) = curve.knee() {
        said.push(knee_sentence(curve.over, &knee));
    }
    let line = curve.frontier_line();
    if let [first, .., last] = line.as_slice() {
        said.push(format!(
            "frontier: {} points, from {} tok/s per user at {} tok/s in all to {} at {}",
            line.len(),
            number(first.0),
            number(first.1),
            number(last.0),
            number(last.1)
        ));
    }
    if let Some(capacity) = curve.capacity {
        said.push(format!(
            "capacity: {} {}",
            curve.over.name(),
            number(capacity.value)
        ));
    }
    said
}

fn knee_sentence(over: Load, knee: &Knee) -> String {
    let name = over.name();
    let at = load(over, knee.load);
    match (knee.after, knee.before) {
        (_, None) => {
            format!("knee: not reached; throughput still grows as fast as the time at {name} {at}")
        }
        (None, Some(before)) => format!(
            "knee: at {name} {at}, the lowest that cannot be excluded, or below; surely below {}",
            load(over, before)
        ),
        (Some(after), Some(before)) => format!(
            "knee: at {name} {at}, surely between {} and {}; more load costs more time than it brings throughput",
            load(over, after),
            load(over, before)
        ),
    }
}

/// A load: a number of requests in flight is whole.
fn load(over: Load, load: f64) -> String {
    match over {
        Load::Concurrency => load.to_string(),
        Load::Rate => number(load),
    }
}

/// A heading and a row for each point.
fn rows(curve: &Curve) -> Vec<Vec<String>> {
    let limited = curve.points.iter().any(|point| point.goodput.is_some());
    let failed = curve.points.iter().any(|point| point.errors > 0.0);
    let knee = curve.knee().filter(|knee| knee.before.is_some());
    let on = curve.frontier();
    let mut head = vec![
        curve.over.name(),
        "requests",
        "req/s",
        "tok/s",
        "tok/s per user",
    ];
    head.extend(limited.then_some("goodput"));
    head.extend(failed.then_some("errors"));
    head.extend([
        "TTFT p50", "TTFT p99", "TPOT p50", "E2EL p50", "E2EL p99", "",
    ]);
    let head = head.into_iter().map(str::to_owned).collect();
    let any = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
    let row = |(place, point): (usize, &CurvePoint)| {
        let share = |value: Option<f64>| {
            value.map_or_else(|| "-".to_owned(), |value| Unit::Ratio.measured(value))
        };
        let mut row = vec![
            self::load(curve.over, point.load),
            point.requests.to_string(),
            number(point.request_throughput),
            number(point.output_throughput),
            any(point.per_user()),
        ];
        row.extend(limited.then(|| share(point.goodput)));
        row.extend(failed.then(|| share(Some(point.errors))));
        row.extend([
            any(point.median_ttft_ms),
            any(point.p99_ttft_ms),
            any(point.median_tpot_ms),
            any(point.median_e2el_ms),
            any(point.p99_e2el_ms),
        ]);
        let is_knee = knee.is_some_and(|knee| knee.load == point.load);
        let marks = [(is_knee, "knee"), (on.contains(&place), "frontier")];
        let marks = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark);
        row.push(marks.collect::<Vec<_>>().join(", "));
        row
    };
    std::iter::once(head)
        .chain(curve.points.iter().enumerate().map(row))
        .collect()
}
