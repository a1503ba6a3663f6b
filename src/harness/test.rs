//! One bench as a test of libtest, nextest or any other runner of `#[test]` functions.

use super::{
    function::{Function, NOT_MEANT},
    notice,
    registry::Entry,
};
use crate::{
    baseline::Settings,
    bench::Family,
    history::History,
    outputs::Outputs,
    report::End,
    runner::{Done, Given, Turn},
    screen,
    stop::Stop,
};
use std::{
    collections::BTreeSet,
    panic::{catch_unwind, resume_unwind},
    sync::{Mutex, PoisonError},
};

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
    let baselines = Settings::default();
    let mut function = Function::new(entry, &baselines);
    let history = History::of_binary(&entry.home());
    let turn = Turn::begin(&history, &function);
    let outputs = Outputs::of_environment(&entry.label());
    let mut outputs = match outputs.and_then(|outputs| outputs.check().map(|()| outputs)) {
        Ok(outputs) => outputs,
        // Not in a closure, which would be the place that the panic names.
        Err(e) => panic!("{}", screen::shown(&e.to_string())),
    };
    let given = Given {
        share: share(entry, &baselines),
        stop: Stop::never(),
        follower: None,
    };
    let Done {
        outcome,
        shown,
        change,
    } = turn.measure(&mut function, given);
    let written = outputs.write(std::slice::from_ref(&outcome));
    if let Some(report) = shown {
        show(&report);
    }
    if let Some(change) = change {
        show(&format!("  previous    {change}"));
    }
    notice::print(&outcome);
    // libtest hears `#[should_panic]` itself.
    let ended = function.unmarked.unwrap_or(outcome);
    // It must not be met by a server that is down. libtest says that nothing panicked.
    if entry.should_panic && ended.proves_nothing() && !ended.is_ok() {
        show(&format!("{NOT_MEANT}: {}", ended.reason()));
        return;
    }
    if let Some(panic) = function.panic {
        resume_unwind(panic);
    }
    match ended.end {
        // At run time there is no way to report a test to libtest as ignored.
        End::Passed | End::Ignored(_) => {}
        // What a server or its log says goes past the screen here.
        End::Failed(why) | End::Broken(why, _) => panic!("{}", screen::shown(&why)),
    }
    if let Err(e) = written {
        panic!("{}", screen::shown(&e.to_string()));
    }
}

/// Prints a report where libtest captures it. A closed screen does not make the test fail.
#[allow(
    clippy::print_stdout,
    reason = "libtest captures only what is printed so"
)]
fn show(report: &str) {
    let text = screen::for_stdout(report);
    let _ = catch_unwind(|| println!("{text}"));
}

/// The bench's part of the chance of a false alarm. Tests know nothing of each other's end, nor which of them
/// were filtered out, so all of the binary that compare have the same.
fn share(entry: &Entry, baselines: &Settings) -> f64 {
    let others = Entry::all().into_iter().filter(|other| {
        other.path() != entry.path() && other.ignore.is_none() && other.compares(baselines)
    });
    Family::of(1 + others.count()).share()
}

/// Whether no other test of this process has run this bench.
fn is_first_run(entry: &Entry) -> bool {
    static RUN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut run = RUN.lock().unwrap_or_else(PoisonError::into_inner);
    run.insert(format!("{}::{}", entry.module, entry.name))
}
