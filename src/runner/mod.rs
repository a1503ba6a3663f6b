//! Benches that run one after another, for a suite file, a benchmark target or a test.

mod panic;
mod selection;
mod turn;

pub(crate) use panic::{Panic, said};
pub(crate) use selection::{Ignored, Selection};
#[cfg(feature = "cli")]
pub(crate) use turn::without_report;
pub(crate) use turn::{Candidate, Done, Given, Ran, Turn};

use crate::{
    bench::Family,
    history::History,
    outputs::Session,
    report::{End, Outcome},
    stop::Stop,
};
use std::time::{Duration, Instant};

/// Runs benches in their order.
pub(crate) struct Runner {
    /// What is said and written meanwhile.
    pub(crate) session: Session,
    /// Where results are kept.
    pub(crate) history: History,
    /// Ends the run. Each bench that is left then says that it was not measured.
    pub(crate) stop: Stop,
    /// Which benches marked as ignored run.
    pub(crate) ignored: Ignored,
}

/// What is said of the benches; each front end has words of its own.
pub(crate) trait Front {
    /// A bench has ended.
    fn ended(&self, session: &Session, done: &Done);

    /// All have ended, in so much time.
    fn all_ended(&self, session: &Session, took: Duration);

    /// The exit code, where all outputs could be `written` or not.
    fn exit_code(&self, outcomes: &[Outcome], written: bool) -> u8;
}

impl Runner {
    /// The number of benches that will be compared with another run, so that they share the chance of a false alarm.
    pub(crate) fn comparing<C: Candidate>(&self, candidates: &[C]) -> usize {
        let compares = |candidate: &&C| self.runs(*candidate) && candidate.compares();
        candidates.iter().filter(compares).count()
    }

    fn runs(&self, candidate: &impl Candidate) -> bool {
        candidate.ignored().is_none() || self.ignored != Ignored::Left
    }

    /// Runs all candidates and returns the exit code. `comparing` is how many of them compare with another run.
    pub(crate) fn run<C: Candidate>(
        mut self,
        candidates: Vec<C>,
        comparing: usize,
        front: &impl Front,
    ) -> u8 {
        let started = Instant::now();
        let mut family = Family::of(comparing);
        for mut candidate in candidates {
            let done = self.turn(&mut candidate, family.share());
            if self.runs(&candidate) && candidate.compares() {
                family.ended(done.outcome.conclusion());
            }
            // The files have it before the screen does.
            self.session.finish(done.outcome.clone());
            front.ended(&self.session, &done);
        }
        front.all_ended(&self.session, started.elapsed());
        self.session
            .end(|outcomes, written| front.exit_code(outcomes, written))
    }

    fn turn(&self, candidate: &mut impl Candidate, share: f64) -> Done {
        if !self.runs(candidate) {
            self.session.start(&candidate.name());
            let why = candidate.ignored().unwrap_or_default().to_owned();
            return Done {
                outcome: turn::without_report(candidate, End::Ignored(why), Duration::ZERO),
                shown: None,
                change: None,
            };
        }
        let turn = Turn::begin(&self.history, candidate);
        let given = Given {
            share,
            stop: self.stop.clone(),
            follower: self.session.start(&candidate.name()),
        };
        turn.measure(candidate, given)
    }
}
