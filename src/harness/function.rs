//! The bench of a function, in its turn.

use super::{
    nextest,
    registry::{Case, Entry},
};
use crate::{
    baseline::Settings,
    bench::{Bench, Control},
    error::Error,
    history::{BenchId, of_bench},
    journal::Place,
    judge::Verdict,
    observer::Silent,
    redact,
    report::{End, Measured, Outcome, Report},
    runner::{Candidate, Given, Panic, Ran, said},
    targets::live_is_required,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

/// The bench of a function.
pub(super) struct Function<'a> {
    pub(super) entry: &'a Entry,
    /// The baselines that its run is compared with and saved as.
    baselines: &'a Settings,
    /// How it ended, before `#[should_panic]` was applied.
    pub(super) unmarked: Option<Outcome>,
    /// The panic of the function.
    pub(super) panic: Option<Panic>,
}

impl<'a> Function<'a> {
    pub(super) fn new(entry: &'a Entry, baselines: &'a Settings) -> Self {
        Function {
            entry,
            baselines,
            unmarked: None,
            panic: None,
        }
    }

    /// Runs the bench under its test's name, and calls its function.
    fn run(
        &self,
        case: Case,
        share: f64,
        control: Control,
    ) -> (Result<Report, Error>, Option<Panic>) {
        let Case { bench, check } = case;
        let mut report = match self
            .at_home(bench)
            .sharing(share)
            .run_blocking_with(control)
        {
            Ok(report) => report,
            Err(e) => return (Err(e), None),
        };
        let mut panic = None;
        // An invalid run has no numbers that a function could judge.
        if report.verdict() != Verdict::Invalid {
            let said = match catch_unwind(AssertUnwindSafe(|| check(&report))) {
                Ok(said) => said.map_err(|why| {
                    redact::text(&format!("the bench's function returned an error: {why}"))
                }),
                Err(thrown) => {
                    let said = of_panic(&thrown);
                    panic = Some(thrown);
                    Err(said)
                }
            };
            report = report.answered(&said);
        }
        (Ok(report), panic)
    }

    /// Baselines lie in the crate of the bench, whatever the runner's folder, and different binaries of a crate may
    /// have benches of one name.
    fn at_home(&self, bench: Bench) -> Bench {
        let entry = self.entry;
        let settings = Settings {
            home: Some(entry.home()),
            entry: Some(format!("{}::{}", entry.module, entry.name)),
            ..self.baselines.clone()
        };
        bench
            .named(entry.path())
            .baselines(settings)
            .journaled(of_bench(&entry.home()).map(Place::Results))
    }
}

impl Candidate for Function<'_> {
    fn name(&self) -> String {
        self.entry.path()
    }

    fn group(&self) -> String {
        self.entry.binary()
    }

    fn id(&self) -> BenchId {
        self.entry.id()
    }

    fn ignored(&self) -> Option<&str> {
        self.entry.ignore
    }

    fn compares(&self) -> bool {
        self.entry.compares(self.baselines)
    }

    fn measure(&mut self, given: Given) -> Ran {
        let started = Instant::now();
        let control = Control {
            stop: given.stop.clone(),
            observer: given.follower.unwrap_or_else(|| Arc::new(Silent)),
        };
        let mut advice = None;
        // The code that makes the bench is the user's, too.
        let ran = catch_unwind(AssertUnwindSafe(|| {
            let case = (self.entry.case)();
            advice = nextest::advise(self.entry, &case.bench.chosen_target());
            self.run(case, given.share, control)
        }));
        let (mut measured, mut shown) = (None, None);
        let (end, panic) = match ran {
            Ok((Ok(report), panic)) => {
                measured = Some(Measured::of(&report));
                // After its function, so that the report does not say *pass* above an assertion that failed.
                shown = Some(report.to_string());
                (End::of(&report), panic)
            }
            Ok((Err(e), panic)) => (e.end(live_is_required()), panic),
            Err(panic) => (End::Failed(of_panic(&panic)), Some(panic)),
        };
        let outcome = Outcome {
            group: self.group(),
            name: self.name(),
            took: started.elapsed(),
            end,
            measured,
            lineup: None,
        };
        self.panic = panic;
        self.unmarked = Some(outcome.clone());
        Ran {
            // A run without a measurement has not failed as expected.
            outcome: if given.stop.is_requested() {
                outcome
            } else {
                outcome.marked(self.entry)
            },
            shown,
            advice,
        }
    }
}

/// The message for a bench marked `#[should_panic]` that has no report or an invalid one.
pub(super) const NOT_MEANT: &str =
    "#[should_panic] does not cover this (`expect = \"fail\"` says which failure is expected)";

impl Outcome {
    /// Returns whether there is no report, or one that says nothing about the server.
    pub(super) fn proves_nothing(&self) -> bool {
        let measured = self.measured.as_ref();
        measured.is_none_or(|measured| measured.verdict == Verdict::Invalid)
    }

    /// The outcome as `#[should_panic]` turns it, if the bench has that.
    fn marked(mut self, entry: &Entry) -> Self {
        let proves_nothing = self.proves_nothing();
        self.end = match (entry.should_panic, self.end) {
            (true, End::Failed(why)) if proves_nothing => {
                End::Failed(format!("{NOT_MEANT}: {why}"))
            }
            (true, End::Broken(why, code)) => End::Broken(format!("{NOT_MEANT}: {why}"), code),
            (true, End::Failed(_)) => End::Passed,
            (true, End::Passed) => {
                End::Failed("it passed, although it is marked #[should_panic]".to_owned())
            }
            (_, end) => end,
        };
        self
    }
}

/// The message of a function's panic.
fn of_panic(panic: &Panic) -> String {
    format!(
        "the bench's function panicked: {}",
        redact::text(said(panic))
    )
}
