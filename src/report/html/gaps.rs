//! Gaps between token events, and the stalls among them.

use super::{
    columns::{self, Column},
    exhibit::Shown,
    words::{cell, ms, whole},
};
use crate::{
    chart::{About, Axis, Form, Ink, Mark, Plot, Spread},
    page::{Cell, Figure},
    report::facts::Facts,
};

/// The number of bars from the shortest gap to the longest.
const BARS: usize = 40;

pub(super) fn figures(shown: &Shown<'_>) -> Vec<Figure> {
    let of: Vec<_> = shown
        .facts()
        .map(|(place, name, facts)| (place, name, facts, facts.histogram("itl")))
        .filter(|(.., gaps)| !gaps.is_empty())
        .collect();
    let ends = of.iter().flat_map(|(.., gaps)| gaps).map(|(ms, _)| *ms);
    let ends = ends
        .filter(|ms| *ms > 0.0)
        .fold(None, |ends: Option<(f64, f64)>, ms| {
            let (low, high) = ends.unwrap_or((ms, ms));
            Some((low.min(ms), high.max(ms)))
        });
    let Some((low, high)) = ends else {
        return Vec::new();
    };
    let mut marks = Vec::new();
    let mut ends: Vec<(f64, Cell)> = Vec::new();
    let mut counts: Vec<Column> = Vec::new();
    for (place, name, facts, gaps) in &of {
        let bars = bars(gaps, low, high);
        let (ink, form) = if shown.is_single() {
            (Ink::Series(0), Form::Bars(bars.clone()))
        } else {
            (Ink::Series(*place), outline(&bars))
        };
        marks.push(Mark::new(*name, ink, form));
        let shown_stalls = facts
            .stalls
            .filter(|stalls| shown.is_single() && stalls.over_ms < high);
        if let Some(stalls) = shown_stalls {
            let name = format!("stalls: above {}", ms(stalls.over_ms));
            let end = bars.last().map_or(high, |(_, end, _)| *end);
            marks.push(Mark::new(
                name,
                Ink::Bad,
                Form::Between(stalls.over_ms, end),
            ));
        }
        let name = if shown.is_single() { "gaps" } else { name };
        let of = bars
            .iter()
            .map(|(from, _, count)| (*from, whole(*count as u64)));
        counts.push((name.to_owned(), of.collect()));
        ends.extend(bars.iter().map(|(from, to, _)| (*from, cell(Some(*to)))));
    }
    if let Some(limit) = of.first().and_then(|(_, _, facts, _)| facts.limit("itl")) {
        marks.push(Mark::new(
            "limit of a good request",
            Ink::Limit,
            Form::Upright(limit),
        ));
    }
    ends.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    ends.dedup();
    let columns: Vec<Column> = [("up to, ms".to_owned(), ends)]
        .into_iter()
        .chain(counts)
        .collect();
    let said: Vec<String> = of
        .iter()
        .filter_map(|(_, name, facts, _)| stalls(name, facts))
        .collect();
    let title = "Gaps between token events".to_owned();
    vec![Figure {
        definition: format!(
            "ITL of all successful requests, pooled: gaps by their length, both on log scales. A stall is a gap of more than ten \
             times the median gap. {}",
            said.join(" ")
        ),
        drawing: Plot {
            about: About {
                id: format!("{}-gap-lengths", shown.id),
                description: format!("Gaps from {} to {}. {}", ms(low), ms(high), said.join(" ")),
                title: title.clone(),
            },
            x: Axis::new("gap, ms", Spread::Log),
            y: Axis::new("gaps", Spread::Log).showing(0.5),
            marks,
        }
        .draw(),
        numbers: Some(columns::table(&title, "above, ms", &columns)),
        title,
    }]
}

/// Counts of gaps in steps of equal ratio: above, up to, count.
fn bars(gaps: &[(f64, u64)], low: f64, high: f64) -> Vec<(f64, f64, f64)> {
    let width = ((high / low).ln() / BARS as f64).max(0.01);
    let mut counts = [0; BARS + 1];
    for (ms, count) in gaps {
        let at = ((ms.max(low) / low).ln() / width).floor();
        counts[(at.max(0.0) as usize).min(BARS)] += count;
    }
    // Ends as they are written: the bars of several results have the same.
    let end = |step: usize| rounded(low * (width * step as f64).exp());
    let bars = counts.iter().enumerate();
    bars.filter(|(_, count)| **count > 0)
        .map(|(step, count)| (end(step), end(step + 1), *count as f64))
        .collect()
}

/// Four significant digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// The tops of bars as a line, which leaves gaps where there are none.
fn outline(bars: &[(f64, f64, f64)]) -> Form {
    let mut points = Vec::new();
    let mut last = f64::NAN;
    for (from, to, count) in bars {
        if (from / last - 1.0).abs() > 1e-9 {
            points.push((*from, f64::NAN));
        }
        points.push(((from * to).sqrt(), *count));
        last = *to;
    }
    Form::Line(points)
}

fn stalls(name: &str, facts: &Facts) -> Option<String> {
    let stalls = facts.stalls?;
    let (of, no) = match name {
        "" => (String::new(), "No"),
        name => (format!("{name}: "), "no"),
    };
    Some(match stalls.gaps {
        0 => format!("{of}{no} gap was above {}.", ms(stalls.over_ms)),
        gaps => format!(
            "{of}{gaps} gaps of {} requests were above {}.",
            stalls.requests,
            ms(stalls.over_ms)
        ),
    })
}
