//! One bench as a test of libtest, nextest or any other runner of `#[test]` functions.

use super::{
    nextest,
    registry::{Case, Entry},
    told,
};
use crate::{
    baseline::Settings,
    bench::{Control, Family},
    history::{History, of_bench},
    journal::Place,
    judge::Verdict,
    outputs::Outputs,
    redact,
    report::{End, Measured, Outcome, Report},
    screen,
    targets::live_is_required,
};
use std::{
    any::Any,
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// What became of a bench.
pub(super) struct Ran {
    pub(super) outcome: Outcome,
    /// For the next time.
    pub(super) advice: Option<String>,
    /// The panic of the bench's function.
    panic: Option<Panic>,
}

type Panic = Box<dyn Any + Send>;

/// Runs the bench of a function as a `#[test]`: panics unless it passes.
///
/// # Panics
/// With the reasons, when something speaks against the run, the bench's function included; or when the
/// bench has run in this process before.
#[track_caller]
#[allow(clippy::panic, reason = "a failing test panics")]
pub fn run_test(module: &str, name: &str) {
    let Some(entry) = Entry::named(module, name) else {
        panic!("the bench {module}::{name} is not registered");
    };
    if !is_first_run(entry) {
        panic!(
            "the bench {} runs twice in one process: a second test attribute stands above `#[llm_bench]`, \
             which makes the test itself. Remove `#[test]`",
            entry.path()
        );
    }
    // First, so that `goodput report` knows of it however it ends.
    let history = History::of_binary(&entry.home());
    history.begin(&entry.id());
    let outputs = Outputs::of_environment(&entry.label());
    let mut outputs = match outputs.and_then(|outputs| outputs.check().map(|()| outputs)) {
        Ok(outputs) => outputs,
        // Not in a closure, which would be the place that the panic names.
        Err(e) => panic!("{}", screen::shown(&e.to_string())),
    };
    let baselines = Settings::default();
    let share = share(entry, &baselines);
    let mut shown = None;
    let ran = run_case(
        entry,
        &baselines,
        share,
        Control::default(),
        &mut |report| {
            shown = Some(report.to_string());
        },
    );
    let outcome = ran.outcome.clone().marked(entry);
    let change = history.end(&entry.id(), &outcome, ran.advice);
    let written = outputs.write(std::slice::from_ref(&outcome));
    if let Some(report) = shown {
        show(&report);
    }
    if let Some(change) = change {
        show(&format!("  previous    {change}"));
    }
    told::tell(&outcome);
    // `#[should_panic]` must not be met by a server that is down. libtest says that nothing panicked.
    if entry.should_panic && ran.outcome.proves_nothing() && !ran.outcome.is_ok() {
        show(&format!("{NOT_MEANT}: {}", ran.outcome.reason()));
        return;
    }
    if let Some(panic) = ran.panic {
        resume_unwind(panic);
    }
    match ran.outcome.end {
        // libtest cannot be told at run time that it was ignored.
        End::Passed | End::Ignored(_) => {}
        // What a server or its log says goes past the screen here.
        End::Failed(why) | End::Broken(why, _) => panic!("{}", screen::shown(&why)),
    }
    if let Err(e) = written {
        panic!("{}", screen::shown(&e.to_string()));
    }
}

/// Prints a report where libtest captures it. A screen that is closed is no reason to fail.
#[allow(
    clippy::print_stdout,
    reason = "libtest captures only what is printed so"
)]
fn show(report: &str) {
    let text = screen::for_stdout(report);
    let _ = catch_unwind(|| println!("{text}"));
}

/// Its part of the chance of a false alarm. Tests know nothing of each other's end, nor which of them
/// were filtered out, so all of the binary that compare have the same.
fn share(entry: &Entry, baselines: &Settings) -> f64 {
    let others = Entry::all().into_iter().filter(|other| {
        other.path() != entry.path() && other.ignore.is_none() && other.compares(baselines)
    });
    Family::of(1 + others.count()).share()
}

/// Runs a bench under its test's name, shows its report, and asks its function.
pub(super) fn run_case(
    entry: &Entry,
    baselines: &Settings,
    share: f64,
    control: Control,
    show: &mut dyn FnMut(&Report),
) -> Ran {
    let started = Instant::now();
    let (mut measured, mut advice) = (None, None);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let case = (entry.case)();
        advice = nextest::advise(entry, &case.bench.chosen_target());
        run(entry, case, baselines, share, control, &mut |report| {
            measured = Some(Measured::of(report));
            show(report);
        })
    }));
    let (end, panic) = match ended {
        Ok(ended) => ended,
        Err(panic) => (End::Failed(panic_text(&*panic)), Some(panic)),
    };
    Ran {
        outcome: Outcome {
            group: entry.binary(),
            name: entry.path(),
            took: started.elapsed(),
            end,
            measured,
        },
        advice,
        panic,
    }
}

fn run(
    entry: &Entry,
    Case { bench, check }: Case,
    baselines: &Settings,
    share: f64,
    control: Control,
    show: &mut dyn FnMut(&Report),
) -> (End, Option<Panic>) {
    let mut report = match bench
        .named(entry.path())
        .baselines(at_home(entry, baselines))
        .sharing(share)
        .journaled(of_bench(&entry.home()).map(Place::Results))
        .run_blocking_with(control)
    {
        Ok(report) => report,
        Err(e) => return (e.end(live_is_required()), None),
    };
    let mut panic = None;
    // An invalid run has no numbers that a function could judge.
    if report.verdict() != Verdict::Invalid {
        let said = match catch_unwind(AssertUnwindSafe(|| check(&report))) {
            Ok(said) => said.map_err(|why| {
                redact::text(&format!("the bench's function returned an error: {why}"))
            }),
            Err(thrown) => {
                let said = panic_text(&*thrown);
                panic = Some(thrown);
                Err(said)
            }
        };
        report = report.answered(&said);
    }
    // After its function, so that the report does not say *pass* above an assertion that failed.
    show(&report);
    let end = match report.passed() {
        true => End::Passed,
        false => End::Failed(format!(
            "verdict {}: {}",
            report.verdict(),
            report.reasons()
        )),
    };
    (end.with_unsaved(&report), panic)
}

/// What is said of a bench marked `#[should_panic]` that has no report or an invalid one.
const NOT_MEANT: &str =
    "this is not what #[should_panic] is for (`expect = \"fail\"` says which failure is meant)";

/// Whether no other test of this process has run this bench.
fn is_first_run(entry: &Entry) -> bool {
    static RUN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut run = RUN.lock().unwrap_or_else(PoisonError::into_inner);
    run.insert(format!("{}::{}", entry.module, entry.name))
}

impl Outcome {
    /// Whether there is no report, or one that says nothing about the server.
    fn proves_nothing(&self) -> bool {
        let measured = self.measured.as_ref();
        measured.is_none_or(|measured| measured.verdict == Verdict::Invalid)
    }

    /// As `#[should_panic]` turns it, if the bench has that.
    pub(super) fn marked(mut self, entry: &Entry) -> Self {
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

/// What a panic said; the panic hook has printed where.
fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!(
        "the bench's function panicked: {}",
        redact::text(text.unwrap_or("(no message)"))
    )
}

/// Baselines lie in the crate of the bench, whatever the runner's folder, and different binaries of a
/// crate may have benches of one name.
fn at_home(entry: &Entry, baselines: &Settings) -> Settings {
    Settings {
        home: Some(entry.home()),
        entry: Some(format!("{}::{}", entry.module, entry.name)),
        ..baselines.clone()
    }
}
