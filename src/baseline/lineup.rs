//! Compares runs of one bench on several engines, each with the first.
//!
//! A run stands for its engine like one stored run of a baseline stands for its server: how much runs differ by
//! themselves is an assumption, and on the simulation nothing is left to chance. The comparisons share the error.

use super::{
    digest::Digest,
    gated::{self, Seen},
    noise::Source,
};
use crate::{
    grammar::class::ClassName,
    judge::{Change, Compared, Verdict},
    report::{Lineup, LineupCell, LineupRow, Report},
    stats::compare::Rule,
};
use std::collections::BTreeSet;

impl Lineup {
    /// Compares reports of one bench on several engines, each with its name; the others are compared with the first.
    /// `error` is the probability of a false difference in the whole table: 0.01 is that of comparisons elsewhere.
    ///
    /// Numbers of an invalid run are left out. Reports of different plans are compared, with a note.
    ///
    /// ```
    /// use goodput::{Bench, Lineup};
    ///
    /// let bench = |target| Bench::new("chat").target(target).rate(20).requests(200);
    /// let first = bench("sim(ttft = 80ms)").run_blocking()?;
    /// let second = bench("sim(ttft = 100ms)").run_blocking()?;
    ///
    /// let lineup = Lineup::of("chat", &[("first", &first), ("second", &second)], 0.01);
    /// println!("{lineup}");
    /// let p50 = lineup.rows.iter().find(|row| row.number == "p50(ttft)").unwrap();
    /// assert_eq!(p50.cells[1].change, Some(0.25));
    /// # Ok::<(), goodput::Error>(())
    /// ```
    pub fn of(bench: &str, reports: &[(&str, &Report)], error: f64) -> Self {
        let members: Vec<Member<'_>> = reports
            .iter()
            .map(|(name, report)| Member::of(name, report))
            .collect();
        let limited = reports
            .iter()
            .all(|(_, report)| !report.criteria().limits.is_empty());
        let open_loop = reports
            .iter()
            .all(|(_, report)| report.run().setup.open_loop);
        let rule = Rule {
            error: error / reports.len().saturating_sub(1).max(1) as f64,
            ..Rule::default()
        };
        let plans: BTreeSet<&str> = reports
            .iter()
            .map(|(_, report)| report.run().setup.plan_hash.as_str())
            .collect();
        let deterministic = reports
            .iter()
            .all(|(_, report)| report.run().is_deterministic());
        let source = Source::without_file(deterministic && plans.len() == 1, 1);
        let mut notes: Vec<String> = members.iter().filter_map(Member::complaint).collect();
        if plans.len() > 1 {
            notes.push(
                "the engines were sent different plans, for example because their tokenizers differ: set `tokenizer`"
                    .to_owned(),
            );
        }
        if reports.len() > 1 {
            let against = reports.first().map_or("", |(name, _)| name);
            notes.push(format!(
                "compared with `{against}`; {}. A difference in words is shown, the others are not",
                source.assumption()
            ));
        }
        let shared = Compared::all(limited, open_loop, &classes(reports));
        let changes: Vec<Vec<Change>> = members
            .iter()
            .skip(1)
            .map(|member| match (members.first(), member.valid) {
                (Some(first), true) if first.valid => {
                    let seen = shared
                        .iter()
                        .filter_map(|metric| seen(*metric, first, member, &source));
                    gated::changes(seen.collect(), &rule)
                }
                _ => Vec::new(),
            })
            .collect();
        let rows = shared.iter().map(|metric| LineupRow {
            number: metric.name(),
            unit: metric.unit(),
            cells: members
                .iter()
                .enumerate()
                .map(|(place, member)| {
                    let of_engine = place.checked_sub(1).and_then(|place| changes.get(place));
                    let name = metric.name();
                    let change =
                        of_engine.and_then(|all| all.iter().find(|change| change.subject == name));
                    member.cell(metric, change)
                })
                .collect(),
        });
        Lineup {
            bench: bench.to_owned(),
            engines: reports.iter().map(|(name, _)| (*name).to_owned()).collect(),
            confidence: reports
                .first()
                .map_or(0.95, |(_, report)| report.criteria().confidence),
            rows: rows.collect(),
            notes,
            missing: Vec::new(),
        }
    }
}

/// The classes that all runs have, in the order of the first.
fn classes(reports: &[(&str, &Report)]) -> Vec<ClassName> {
    let of = |report: &Report| -> Vec<ClassName> { report.run().classes().collect() };
    let all: Vec<Vec<ClassName>> = reports.iter().map(|(_, report)| of(report)).collect();
    let Some(first) = all.first() else {
        return Vec::new();
    };
    let shared = first
        .iter()
        .filter(|class| all.iter().all(|own| own.contains(class)));
    shared.copied().collect()
}

/// The run of one engine.
struct Member<'a> {
    name: &'a str,
    report: &'a Report,
    digest: Digest,
    valid: bool,
}

impl<'a> Member<'a> {
    fn of(name: &'a str, report: &'a Report) -> Self {
        let limits = &report.criteria().limits;
        let (run, metrics) = (report.run(), report.metrics());
        Member {
            name,
            report,
            digest: Digest::of(run, metrics, limits, run.setup.requests),
            valid: report.verdict() != Verdict::Invalid,
        }
    }

    fn complaint(&self) -> Option<String> {
        let why = || {
            format!(
                "the run on `{}` is invalid and says nothing about it",
                self.name
            )
        };
        (!self.valid).then(why)
    }

    fn cell(&self, metric: &Compared, change: Option<&Change>) -> LineupCell {
        let metrics = self.report.metrics();
        let Some(value) = metric
            .shown(metrics)
            .filter(|value| self.valid && value.is_finite())
        else {
            return LineupCell::default();
        };
        LineupCell {
            value: Some(value),
            interval: metric.interval(
                self.report.run(),
                metrics,
                self.report.criteria().confidence,
            ),
            change: change
                .filter(|change| change.a != 0.0)
                .map(|change| change.b / change.a - 1.0),
            conclusion: change
                .filter(|change| change.gated)
                .map(|change| change.conclusion),
        }
    }
}

fn seen(
    metric: Compared,
    first: &Member<'_>,
    other: &Member<'_>,
    source: &Source<'_>,
) -> Option<Seen> {
    let name = metric.name();
    let (before, now) = (
        first.digest.numbers.get(&name)?,
        other.digest.numbers.get(&name)?,
    );
    let sensitivity = before
        .sensitivity
        .unwrap_or(1.0)
        .max(now.sensitivity.unwrap_or(1.0));
    Some(Seen {
        metric,
        stored: vec![before.reading()],
        now: now.reading(),
        noise: source.noise(&name, sensitivity),
        values: (vec![before.value], now.value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bench::Bench, stats::compare::Conclusion};

    fn bench(target: &str, backend: &str) -> Bench {
        Bench::new("chat")
            .target(target)
            .backend(backend)
            .dataset("random(input = 32, output = 8)")
            .rate(20)
            .goodput("ttft:120")
    }

    /// The first engine twice, one that is slower to begin, and one that is broken.
    fn lineup() -> Lineup {
        let same = "sim(ttft = normal(80ms, 20ms), itl = 5ms)";
        let slower = "sim(ttft = normal(110ms, 20ms), itl = 5ms)";
        let reports = [
            bench(same, "openai"),
            bench(same, "sglang"),
            bench(slower, "tgi"),
            bench(same, "llama.cpp").faults("status(503)"),
        ]
        .map(|bench| bench.run_blocking().unwrap());
        let names = ["vllm", "sglang", "tgi", "broken"];
        let named: Vec<(&str, &Report)> = names.into_iter().zip(&reports).collect();
        Lineup::of("chat", &named, 0.01)
    }

    #[test]
    fn what_is_shown_is_said() {
        let lineup = lineup();
        insta::assert_snapshot!("lineup", format!("{lineup}\n{}", lineup.markdown()));
    }

    #[test]
    fn only_the_slower_engine_differs() {
        let lineup = lineup();
        let conclusions = |engine: usize| -> Vec<Conclusion> {
            let cells = lineup.rows.iter().map(|row| row.cells[engine]);
            cells.filter_map(|cell| cell.conclusion).collect()
        };
        assert_eq!(conclusions(0), []);
        assert!(
            conclusions(1)
                .iter()
                .all(|conclusion| *conclusion == Conclusion::Same)
        );
        let ttft = &lineup
            .rows
            .iter()
            .find(|row| row.number == "p50(ttft)")
            .unwrap()
            .cells[2];
        assert_eq!(ttft.conclusion, Some(Conclusion::Worse));
        assert!((0.2..0.6).contains(&ttft.change.unwrap()), "{ttft:?}");
        assert!(lineup.rows.iter().all(|row| row.cells[3].value.is_none()));
        let stored = serde_json::to_value(&lineup).unwrap();
        assert_eq!(stored["engines"][1], "sglang");
        assert_eq!(stored["rows"][0]["cells"][2]["conclusion"], "worse");
    }
}
