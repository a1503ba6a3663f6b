//! The turn of one bench: what goes before it and after it, wherever it comes from.

use super::panic::said;
use crate::{
    error::Error,
    history::{BenchId, History},
    observer::Observer,
    report::{End, Outcome},
    stop::Stop,
    targets::live_is_required,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

/// A bench that may take a turn.
pub(crate) trait Candidate {
    /// The bench's name in its group.
    fn name(&self) -> String;

    /// What it belongs to: the test binary or the suite file.
    fn group(&self) -> String;

    /// The bench's id among all whose results are kept.
    fn id(&self) -> BenchId;

    /// Why it runs only when asked for; empty without a reason.
    fn ignored(&self) -> Option<&str>;

    /// Returns whether its run is compared with another.
    fn compares(&self) -> bool;

    /// Measures it.
    fn measure(&mut self, given: Given) -> Ran;
}

/// What a bench is given for its turn.
pub(crate) struct Given {
    /// The bench's part of the chance of a false alarm.
    pub(crate) share: f64,
    /// Ends the run.
    pub(crate) stop: Stop,
    /// The observer of its requests, if a program follows.
    pub(crate) follower: Option<Arc<dyn Observer>>,
}

/// What a bench came to.
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    /// The text of its report.
    pub(crate) shown: Option<String>,
    /// Advice for the next time.
    pub(crate) advice: Option<String>,
}

/// A bench whose result is kept.
pub(crate) struct Done {
    pub(crate) outcome: Outcome,
    /// The text of its report, if there is one.
    pub(crate) shown: Option<String>,
    /// How it stands to its run before.
    pub(crate) change: Option<String>,
}

/// The turn of a bench that has begun.
pub(crate) struct Turn<'a> {
    history: &'a History,
    id: BenchId,
}

impl<'a> Turn<'a> {
    /// Begins the turn. From here on `goodput report` knows the bench, however it ends.
    pub(crate) fn begin(history: &'a History, candidate: &impl Candidate) -> Self {
        let id = candidate.id();
        history.begin(&id);
        Turn { history, id }
    }

    /// Measures the bench and keeps its result. One that panics ends by itself: the others run, and the outputs have all
    /// of them.
    pub(crate) fn measure(self, candidate: &mut impl Candidate, given: Given) -> Done {
        let started = Instant::now();
        let ran = catch_unwind(AssertUnwindSafe(|| candidate.measure(given)));
        let Ran {
            outcome,
            shown,
            advice,
        } = ran.unwrap_or_else(|panic| {
            let fault = Error::Target(format!(
                "goodput panicked, which is a bug in goodput: {}",
                said(&panic)
            ));
            let end = fault.end(live_is_required());
            Ran {
                outcome: without_report(candidate, end, started.elapsed()),
                shown: None,
                advice: None,
            }
        });
        let change = self.history.end(&self.id, &outcome, advice);
        Done {
            outcome,
            shown,
            change,
        }
    }
}

/// The outcome of a bench that has no report.
pub(crate) fn without_report(candidate: &impl Candidate, end: End, took: Duration) -> Outcome {
    Outcome {
        group: candidate.group(),
        name: candidate.name(),
        took,
        end,
        measured: None,
        lineup: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::outcome;

    /// A bench of a front end, which may panic.
    struct Made(Option<&'static str>);

    impl Candidate for Made {
        fn name(&self) -> String {
            "chat".to_owned()
        }

        fn group(&self) -> String {
            "goodput.toml".to_owned()
        }

        fn id(&self) -> BenchId {
            BenchId {
                home: String::new(),
                package: String::new(),
                group: self.group(),
                source: String::new(),
                name: self.name(),
            }
        }

        fn ignored(&self) -> Option<&str> {
            None
        }

        fn compares(&self) -> bool {
            false
        }

        fn measure(&mut self, _: Given) -> Ran {
            if let Some(text) = self.0 {
                std::panic::panic_any(text);
            }
            Ran {
                outcome: outcome("pass"),
                shown: None,
                advice: None,
            }
        }
    }

    fn turn(mut candidate: Made) -> Outcome {
        let history = History::nowhere();
        let given = Given {
            share: 1.0,
            stop: Stop::never(),
            follower: None,
        };
        let turn = Turn::begin(&history, &candidate);
        turn.measure(&mut candidate, given).outcome
    }

    #[test]
    fn a_panic_is_the_error_of_its_bench() {
        let ended = turn(Made(Some("capacity overflow")));
        assert!(
            ended
                .reason()
                .ends_with("bug in goodput: capacity overflow"),
            "{ended:?}"
        );
        assert_eq!((ended.name.as_str(), ended.exit_code()), ("chat", 4));
        assert_eq!(turn(Made(None)).end, End::Passed);
    }
}
