//! One go of a command: what it says while benches run, and what it leaves behind.

use super::Outputs;
use crate::{
    error::Error,
    grammar::Mistake,
    observer::Observer,
    record::Record,
    report::{Event, Outcome},
    screen,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The time between two events of progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// The format of stdout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub(crate) enum MessageFormat {
    /// Text for people.
    #[default]
    Human,
    /// A JSON object a line for programs; what people read goes to stderr.
    Json,
}

impl MessageFormat {
    pub(crate) fn parse(text: &str) -> Result<Self, Mistake> {
        match text {
            "human" => Ok(MessageFormat::Human),
            "json" => Ok(MessageFormat::Json),
            _ => Err(Mistake::unknown("format", text, &["human", "json"])),
        }
    }

    fn tell(self, event: impl FnOnce() -> Event) {
        if self == MessageFormat::Json {
            let event = event();
            screen::event(&event.line(), matches!(event, Event::Progress { .. }));
        }
    }
}

/// Benches that are run one after another.
pub(crate) struct Session {
    outputs: Outputs,
    format: MessageFormat,
    outcomes: Vec<Outcome>,
}

impl Session {
    /// Begins with this number of benches; checks that all outputs can be written.
    ///
    /// # Errors
    /// As [`Outputs::check`].
    pub(crate) fn begin(
        outputs: Outputs,
        format: MessageFormat,
        benches: usize,
    ) -> Result<Self, Error> {
        outputs.check()?;
        format.tell(|| Event::run_started(benches));
        Ok(Session {
            outputs,
            format,
            outcomes: Vec::new(),
        })
    }

    /// A line for people.
    pub(crate) fn say(&self, text: impl std::fmt::Display) {
        match self.format {
            MessageFormat::Human => screen::out(text),
            MessageFormat::Json => screen::err(text),
        }
    }

    /// A bench begins; what is to hear of its requests, where stdout is for a program.
    pub(crate) fn start(&self, bench: &str) -> Option<Arc<dyn Observer>> {
        let name = || bench.to_owned();
        self.format.tell(|| Event::BenchStarted { bench: name() });
        match self.format {
            MessageFormat::Human => None,
            MessageFormat::Json => Some(Arc::new(Follower::new(name()))),
        }
    }

    /// A bench has ended. The files have it before the screen does, whatever comes then.
    pub(crate) fn finish(&mut self, outcome: Outcome) -> &Outcome {
        let place = self.outcomes.len();
        self.outcomes.push(outcome);
        // What fails here is tried again at the end, and said then.
        let _ = self.outputs.write_so_far(&self.outcomes);
        let outcome = &self.outcomes[place];
        self.format.tell(|| Event::finished(outcome));
        outcome
    }

    /// The outcomes of the benches so far.
    pub(crate) fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// Writes the outputs and reports the end. `exit_code` is called with the outcomes, and whether all could be
    /// written.
    pub(crate) fn end(mut self, exit_code: impl FnOnce(&[Outcome], bool) -> u8) -> u8 {
        let written = self.outputs.write(&self.outcomes);
        if let Err(e) = &written {
            screen::error(e);
        }
        let code = exit_code(&self.outcomes, written.is_ok());
        self.format
            .tell(|| Event::run_finished(&self.outcomes, code));
        code
    }
}

/// Reports a bench's progress.
struct Follower {
    bench: String,
    counts: Mutex<Counts>,
}

struct Counts {
    told: Instant,
    sent: u64,
    completed: u64,
    failed: u64,
}

impl Follower {
    fn new(bench: String) -> Self {
        Follower {
            bench,
            counts: Mutex::new(Counts {
                told: Instant::now(),
                sent: 0,
                completed: 0,
                failed: 0,
            }),
        }
    }
}

impl Observer for Follower {
    fn sent(&self) {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .sent += 1;
    }

    fn finished(&self, record: &Record) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if record.ok() {
            counts.completed += 1
        } else {
            counts.failed += 1
        }
        if counts.told.elapsed() >= PROGRESS_EVERY {
            counts.told = Instant::now();
            MessageFormat::Json.tell(|| Event::Progress {
                bench: self.bench.clone(),
                sent: counts.sent,
                completed: counts.completed,
                failed: counts.failed,
            });
        }
    }
}
