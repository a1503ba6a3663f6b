//! A trend as text.

use super::{
    Traced, Trend,
    bench::Bench,
    line::{Line, Shift},
};
use crate::report::sparkline;

/// The most runs of a sparkline.
pub(super) const WIDTH: usize = 40;

/// The most shifts of a line: the latest.
const SHIFTS: usize = 3;

/// Formats each bench: a heading, and a line for each number with its latest value, its runs and its shifts.
pub(crate) fn text(trend: &Trend) -> String {
    let benches: Vec<String> = trend.benches.iter().map(of_bench).collect();
    format!("{}\n\n{}", benches.join("\n\n"), chance(trend))
}

fn of_bench(traced: &Traced) -> String {
    let mut lines = vec![heading(&traced.bench)];
    let label = |line: &Line| match line.limit {
        Some(limit) => format!("{} (limit {})", line.name, line.unit.exact(limit)),
        None => line.name.clone(),
    };
    let longest = |width: fn(&str) -> usize, texts: &[String]| {
        texts.iter().map(|text| width(text)).max().unwrap_or(0)
    };
    let labels: Vec<String> = traced.lines.iter().map(label).collect();
    let sparks: Vec<String> = traced.lines.iter().map(spark).collect();
    let count = |text: &str| text.chars().count();
    let (wide, high) = (longest(count, &labels), longest(count, &sparks));
    for ((line, label), spark) in traced.lines.iter().zip(&labels).zip(&sparks) {
        let latest = latest(line);
        let row = format!(
            "  {} {label:<wide$}  {latest:>12}  {spark:<high$}  {}",
            mark(line),
            told(line, &traced.bench)
        );
        lines.push(row.trim_end().to_owned());
    }
    lines.join("\n")
}

/// `chat: 24 runs from 2026-11-07 to 2026-12-01; vllm, 600 requests at 10 req/s`
pub(super) fn heading(bench: &Bench) -> String {
    let (Some(first), Some(last)) = (bench.runs.first(), bench.runs.last()) else {
        return bench.name.clone();
    };
    let runs = match bench.runs.len() {
        1 => format!("1 run, {}", last.place()),
        count => format!("{count} runs from {} to {}", first.place(), last.place()),
    };
    let older = match bench.older {
        0 => String::new(),
        count => format!(", {count} older ones left out"),
    };
    let load = match bench.load.as_str() {
        "" => String::new(),
        load => format!("; {load}"),
    };
    format!("{}: {runs}{older}{load}", bench.name)
}

pub(super) fn latest(line: &Line) -> String {
    let latest = line.latest();
    latest.map_or("–".to_owned(), |value| line.unit.measured(value))
}

pub(super) fn spark(line: &Line) -> String {
    sparkline(&line.values, WIDTH)
}

/// How the latest shift changed the number: `✗` worse, `✓` better.
pub(super) fn mark(line: &Line) -> char {
    match line.shifts.last() {
        Some(shift) if shift.worse => '✗',
        Some(_) => '✓',
        None => ' ',
    }
}

/// The shifts in words, the latest first.
pub(super) fn told(line: &Line, bench: &Bench) -> String {
    let mut told: Vec<String> = line
        .shifts
        .iter()
        .rev()
        .take(SHIFTS)
        .map(|shift| of_shift(shift, line, bench))
        .collect();
    if let Some(more) = line.shifts.len().checked_sub(SHIFTS + 1) {
        told.push(format!("{} earlier shifts", more + 1));
    }
    told.join("; ")
}

/// `+12.4 % since 2026-11-20 (89abcde; before: 0123456): 210.0 → 236.0 ms`
fn of_shift(shift: &Shift, line: &Line, bench: &Bench) -> String {
    let change = match shift.change {
        Some(change) => format!("{:+.1} %", change * 100.0),
        None => "changed".to_owned(),
    };
    let (now, before) = (&bench.runs[shift.run], &bench.runs[shift.after_run]);
    let day = now.at.get(..10).unwrap_or(&now.at);
    let commits = match (now.commit(), before.commit()) {
        (Some(now), Some(before)) if now != before => format!(" ({before}..{now})"),
        (Some(now), _) => format!(" ({now})"),
        (None, _) => String::new(),
    };
    let [old, new] = [shift.before, shift.after].map(|level| line.unit.measured(level));
    format!("{change} since {day}{commits}: {old} → {new}")
}

/// How many shifts chance finds.
pub(super) fn chance(trend: &Trend) -> String {
    let noisy = trend.benches.iter().filter(|traced| !traced.bench.exact);
    let series: usize = noisy.map(|traced| traced.lines.len()).sum();
    if series == 0 {
        return "Simulated benches are exact: every difference of 1 % or more is a shift."
            .to_owned();
    }
    let series = match series {
        1 => "1 series".to_owned(),
        count => format!("{count} series"),
    };
    format!(
        "{series}. A shift is 1 % or more, needs three runs on both sides, and is found in about 1 of 100 series \
         without one (docs/trend.md)."
    )
}
