//! What happens, as lines of JSON for programs that follow along.

use super::{Caveat, Lineup, Measure, Outcome};
use crate::{judge::Verdict, redact, screen};
use serde::Serialize;
use serde_json::{Value, json};

/// The version of the events' form. It rises when a reader of the older form would be misled.
pub const EVENTS: u32 = 1;

/// One event; serialised, it is an object whose key `event` says which.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// The first line: `{"event": "run-started", "schema": 1, "version": "0.1.0", "benches": 2}`.
    RunStarted {
        /// [`EVENTS`].
        schema: u32,
        /// The version of goodput.
        version: &'static str,
        /// The number of benches that take part.
        benches: usize,
    },
    /// `bench-started`
    BenchStarted {
        /// The bench's name.
        bench: String,
    },
    /// `progress`, about once a second of real time while requests end.
    Progress {
        /// The bench's name.
        bench: String,
        /// Requests that were sent so far.
        sent: u64,
        /// Requests that succeeded so far.
        completed: u64,
        /// Requests that failed so far.
        failed: u64,
    },
    /// `bench-finished`
    BenchFinished(Box<Finished>),
    /// The last line: `{"event": "run-finished", "passed": 1, "no_verdict": 0, "failed": 1, "ignored": 0,
    /// "exit_code": 1}`.
    RunFinished {
        /// Benches that passed.
        passed: usize,
        /// Benches without a demand.
        no_verdict: usize,
        /// Benches that neither passed nor were ignored.
        failed: usize,
        /// Benches that do not apply here.
        ignored: usize,
        /// The process's exit code.
        exit_code: u8,
    },
}

/// The end of a bench.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finished {
    /// The bench's name.
    pub bench: String,
    /// The outcome: `pass`, `no_verdict`, `fail`, `inconclusive`, `invalid`, `error` (no report) or `ignored`.
    pub outcome: String,
    /// Why it did not pass; empty if it did.
    pub reason: String,
    /// Seconds of real time.
    pub took_s: f64,
    /// The run's own verdict, with the bench's function; `outcome` also has the effect of `#[should_panic]`.
    pub verdict: Option<Verdict>,
    /// What the run did not prove, if it passed: an undecided SLO, for example.
    pub caveats: Vec<Caveat>,
    /// Notes on how the run was made.
    pub notes: Vec<String>,
    /// The numbers: `{"ttft-p99": {"value": 52.3, "unit": "ms", "low": 50.1, "high": null}}`
    pub measures: Value,
    /// The key `goodput` of a result file, with its own `schema`; null without a report.
    pub report: Option<Value>,
    /// The numbers of all engines next to each other, after the last engine of a bench.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lineup: Option<Lineup>,
}

impl Event {
    /// `run-started` with this number of benches.
    pub fn run_started(benches: usize) -> Self {
        Event::RunStarted {
            schema: EVENTS,
            version: env!("CARGO_PKG_VERSION"),
            benches,
        }
    }

    /// The event as a line of JSON, without the line's end. Characters that would move a terminal's cursor or turn
    /// its text around are written as `\u009b`.
    pub fn line(&self) -> String {
        // Maps with text as keys and finite or null numbers always have a form in JSON.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        redact::answer(&mut line);
        let mut safe = String::with_capacity(line.len());
        for c in line.chars() {
            if screen::acts(c) {
                // All such characters stand in texts, and have one unit in UTF-16.
                safe += &format!("\\u{:04x}", u32::from(c))
            } else {
                safe.push(c)
            }
        }
        safe
    }

    /// `bench-finished` with this outcome.
    pub fn finished(outcome: &Outcome) -> Self {
        let measured = outcome.measured.as_ref();
        let measures = measured.into_iter().flat_map(|m| &m.measures);
        Event::BenchFinished(Box::new(Finished {
            bench: outcome.name.clone(),
            outcome: outcome.word().replace(' ', "_"),
            reason: outcome.reason().to_owned(),
            took_s: outcome.took.as_secs_f64(),
            verdict: measured.map(|m| m.verdict),
            caveats: outcome.caveats().to_vec(),
            notes: measured.map(|m| m.notes.clone()).unwrap_or_default(),
            measures: measures
                .map(measure)
                .collect::<serde_json::Map<_, _>>()
                .into(),
            report: measured.map(|m| m.facts.clone()),
            lineup: outcome.lineup.clone(),
        }))
    }

    /// `run-finished` with these outcomes.
    pub fn run_finished(outcomes: &[Outcome], exit_code: u8) -> Self {
        let count = |word: &str| outcomes.iter().filter(|o| o.word() == word).count();
        let (passed, ignored) = (count("pass"), count("ignored"));
        let no_verdict = count("no verdict");
        Event::RunFinished {
            passed,
            no_verdict,
            failed: outcomes.len() - passed - no_verdict - ignored,
            ignored,
            exit_code,
        }
    }
}

fn measure(measure: &Measure) -> (String, Value) {
    let (low, high) = measure.interval.map_or((None, None), |i| (i.low, i.high));
    let value = json!({
        "value": measure.value,
        "unit": measure.unit(),
        "low": low,
        "high": high,
    });
    (measure.slug(), value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{outcome, outcomes};

    #[test]
    fn every_event_is_a_line() {
        let outcomes = outcomes();
        let mut invalid = Event::finished(&outcome("invalid"));
        if let Event::BenchFinished(finished) = &mut invalid {
            // Has a snapshot of its own.
            assert_eq!(finished.report.take().unwrap()["schema"], 1);
        }
        let events = [
            Event::run_started(2),
            Event::BenchStarted {
                bench: "chat".to_owned(),
            },
            Event::Progress {
                bench: "chat".to_owned(),
                sent: 9,
                completed: 7,
                failed: 1,
            },
            invalid,
            Event::finished(&outcome("unreachable")),
            Event::run_finished(&outcomes, 1),
        ];
        let lines: Vec<_> = events.iter().map(Event::line).collect();
        assert!(lines.iter().all(|line| !line.contains('\n')));
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_line_moves_no_cursor_and_turns_no_text() {
        let bench = "a\u{1b}[31m\u{9b}2J\u{202e}b\u{7f}\t\u{2069}é".to_owned();
        let event = Event::BenchStarted {
            bench: bench.clone(),
        };
        let line = event.line();
        assert!(!line.contains(screen::acts), "{line:?}");
        assert!(line.contains("\\u009b2J\\u202eb"), "{line}");
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["bench"], bench);
    }

    #[test]
    fn numbers_have_units_and_intervals() {
        let Event::BenchFinished(finished) = Event::finished(&outcome("fail")) else {
            unreachable!()
        };
        let goodput = &finished.measures["goodput"];
        assert_eq!(goodput["unit"], "ratio");
        assert!(goodput["low"].as_f64() < goodput["value"].as_f64());
        assert!(finished.measures["ttft-p50"]["low"].is_null());
    }
}
