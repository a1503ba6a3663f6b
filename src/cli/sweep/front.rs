//! What a sweep says: a line for each case with the time left, and the table at the end.

use super::{design::Case, member::Sweeping};
use crate::{
    cli::curve,
    exit_code::worst,
    grammar::slo::{Latency, Part, Stat, Subject, Throughput},
    judge::number,
    outputs::Session,
    report::{Curves, Measure, Outcome, tally, worst_exit_code},
    runner::{Done, Front},
    stop::Stop,
    sweep::{Left, Work},
};
use serde_json::Value;
use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

/// The words of a sweep.
pub(super) struct SweepWords<'a> {
    pub(super) of: &'a Sweeping,
    /// Cases in the order in which they are measured.
    pub(super) order: Vec<&'a Case>,
    /// Cases that an earlier sweep has measured.
    pub(super) kept: usize,
    pub(super) ended: Cell<usize>,
    pub(super) left: RefCell<Left>,
    /// Curves to compare with.
    pub(super) against: Option<Curves>,
    pub(super) stop: Stop,
}

impl Front for SweepWords<'_> {
    fn ended(&self, session: &Session, done: &Done) {
        let place = self.ended.get();
        self.ended.set(place + 1);
        let outcome = &done.outcome;
        let mut left = self.left.borrow_mut();
        if let (Some(case), Some(_)) = (self.order.get(place), &outcome.measured) {
            left.ended(case.of.work, outcome.took);
        }
        let rest = self.order.get(place + 1..).unwrap_or_default();
        let works: Vec<Work> = rest.iter().map(|case| case.of.work).collect();
        let all = self.order.len() + self.kept;
        let mut line = format!(
            "[{}/{all}] {}: {}",
            self.kept + place + 1,
            outcome.name,
            outcome.word()
        );
        for part in numbers(outcome) {
            line += &format!(", {part}");
        }
        let is_last = rest.is_empty() || self.stop.is_requested();
        if let (Some(time), false) = (left.estimate(&works), is_last) {
            line += &format!("; about {} left", span(time));
        }
        if let Some(change) = &done.change {
            line += &format!("\n  previous    {change}");
        }
        for reason in outcome.reason().lines() {
            line += &format!("\n  {reason}");
        }
        session.say(line);
    }

    fn all_ended(&self, session: &Session, took: Duration) {
        let kept = self.of.kept.borrow();
        session.say(format!("\n{}", kept.table().text()));
        let curves = kept.curves();
        for line in curves.sentences() {
            session.say(line);
        }
        if let Some(stored) = &self.against {
            let compared = curve::compare(&curves, stored);
            session.say(curve::changed(&curves, &compared, "").trim_end());
        }
        session.say(format!("results are in {}", self.of.folder.path.display()));
        session.say(last_line(&kept.verdicts(), self.kept, took));
    }

    fn exit_code(&self, outcomes: &[Outcome], written: bool) -> u8 {
        // A case of before may have failed, too.
        let kept = self.of.kept.borrow();
        let compared = self.against.as_ref().map(|stored| {
            let compared = curve::compare(&kept.curves(), stored);
            curve::exit_code(&compared)
        });
        worst(
            kept.exit_codes()
                .chain([worst_exit_code(outcomes, written)])
                .chain(compared),
        )
    }
}

/// The numbers of a case that people look at first.
fn numbers(outcome: &Outcome) -> Vec<String> {
    let Some(measured) = &outcome.measured else {
        return Vec::new();
    };
    let failed = measured.counts.failed;
    let failed = (failed > 0).then(|| format!("{failed} failed"));
    let shown = |(subject, label): (Subject, &str)| {
        let of = |measure: &&Measure| measure.subject == subject && measure.part == Part::ALL;
        let measure = measured.measures.iter().find(of)?;
        Some(format!(
            "{label}{} {}",
            number(measure.value),
            measure.unit()
        ))
    };
    let subjects = [
        (Subject::Throughput(Throughput::Requests), ""),
        (Subject::Throughput(Throughput::Output), ""),
        (
            Subject::Latency(Stat::Percentile(99.0), Latency::Ttft),
            "p99 TTFT ",
        ),
    ];
    failed
        .into_iter()
        .chain(subjects.into_iter().filter_map(shown))
        .collect()
}

/// A time of which seconds matter only if it is short.
fn span(time: Duration) -> String {
    match time.as_secs() {
        0 => "1 s".to_owned(),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}

/// `12 cases: 11 pass, 1 fail (bench_io8x4_mc1_np10); 3 of before; finished in 2.31s`
fn last_line(verdicts: &[(String, String)], kept: usize, took: Duration) -> String {
    let noun = if verdicts.len() == 1 { "case" } else { "cases" };
    let before = match kept {
        0 => String::new(),
        count => format!("; {count} measured before"),
    };
    format!(
        "{} {noun}: {}{before}; finished in {:.2}s",
        verdicts.len(),
        tally(verdicts),
        took.as_secs_f64()
    )
}

/// The cases of a sweep that is only shown.
pub(super) fn shown(cases: &[&Case], kept: impl Fn(&Case) -> bool) -> String {
    let line = |case: &&Case| {
        let settings = case.of.point.iter().map(|(key, value)| {
            let value = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            format!("{key}={value}")
        });
        let settings = settings.collect::<Vec<_>>().join(", ");
        let requests = case.of.requests;
        let kept = if kept(case) { "; measured before" } else { "" };
        format!("{}: {requests} requests; {settings}{kept}\n", case.file)
    };
    let lines: String = cases.iter().map(line).collect();
    format!("{lines}{} cases", cases.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0.2, "1 s")]
    #[case(59.9, "59 s")]
    #[case(150.0, "3 min")]
    #[case(9000.0, "2.5 h")]
    fn times_are_as_exact_as_they_are_known(#[case] seconds: f64, #[case] text: &str) {
        assert_eq!(span(Duration::from_secs_f64(seconds)), text);
    }

    #[test]
    fn the_last_line_counts_and_names() {
        let verdicts = [
            ("a", "pass"),
            ("b", "fail"),
            ("c", "no verdict"),
            ("d", "error"),
            ("e", "pass"),
        ];
        let verdicts = verdicts.map(|(name, verdict)| (name.to_owned(), verdict.to_owned()));
        assert_eq!(
            last_line(&verdicts, 2, Duration::from_millis(1500)),
            "5 cases: 2 pass, 1 no verdict, 1 fail (b), 1 error (d); 2 measured before; finished in 1.50s"
        );
    }
}
