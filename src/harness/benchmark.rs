//! The `main` of a `harness = false` benchmark target.

use super::{
    args::{Args, help},
    nextest,
    registry::Entry,
    selection::Ignored,
    test::run_case,
};
use crate::{
    bench::{Control, Family},
    error::Error,
    history::History,
    observer::Silent,
    outputs::{Outputs, Session},
    report::{End, Outcome, counted},
    screen, signals,
    stop::Stop,
};
use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

/// libtest's exit code for a failed run; cargo and nextest know it.
const FAILED: u8 = 101;

/// The exit code after a signal, which is that of an invalid run.
const ENDED: u8 = 4;

/// Runs the benches of this binary as its command line says. Use it through
/// [`goodput::main!()`](crate::main!).
pub fn main() -> ExitCode {
    let _shown = screen::open();
    let args = match Args::parse(std::env::args_os().skip(1)) {
        Ok(args) => args,
        Err(e) => {
            screen::error(format_args!("{e}\n\n{}", help()));
            return ExitCode::from(2);
        }
    };
    // Of two tests with one name the compiler says so; without libtest there are no tests.
    if let Some((first, second)) = same_name(&Entry::all()) {
        screen::error(format_args!(
            "two benches are called {}: {}:{} and {}:{}. Rename one",
            first.path(),
            first.file,
            first.line,
            second.file,
            second.line
        ));
        return ExitCode::from(2);
    }
    let entries: Vec<&Entry> = Entry::all()
        .into_iter()
        .filter(|entry| {
            args.selection
                .selects(&entry.path(), entry.ignore.is_some())
        })
        .collect();
    if args.help {
        screen::out(help().trim_end());
        ExitCode::SUCCESS
    } else if args.list {
        // nextest reads this: nothing else may stand on stdout.
        for entry in entries {
            screen::out(format_args!("{}: benchmark", entry.path()));
        }
        ExitCode::SUCCESS
    } else {
        let session = outputs(&args, &entries)
            .and_then(|outputs| Session::begin(outputs, args.format, entries.len()));
        match session {
            Ok(session) => run(&entries, &args, session),
            Err(e) => {
                screen::error(&e);
                ExitCode::from(2)
            }
        }
    }
}

fn same_name<'a>(entries: &[&'a Entry]) -> Option<(&'a Entry, &'a Entry)> {
    entries.iter().enumerate().find_map(|(index, second)| {
        let first = entries[..index]
            .iter()
            .find(|first| first.path() == second.path())?;
        Some((*first, *second))
    })
}

/// What flags and environment ask for. nextest runs a process for each bench, so there each has its
/// own files, and the job's summary only when it is asked for.
fn outputs(args: &Args, entries: &[&Entry]) -> Result<Outputs, Error> {
    let by_flag = Outputs::parse("--output", &args.outputs)?;
    let alone = nextest::runs_this();
    let label = match entries {
        [entry] if alone => entry.label(),
        [entry, ..] => format!("{}-{}", entry.package(), entry.binary()),
        [] => return Ok(by_flag),
    };
    let outputs = by_flag.and(Outputs::of_environment(&label)?);
    Ok(match alone {
        true => outputs,
        false => outputs.or_job_summary(),
    })
}

fn run(entries: &[&Entry], args: &Args, mut session: Session) -> ExitCode {
    let stop = match signals::listen(Some(signals::ENDING)) {
        Ok(stop) => stop,
        // Then a signal ends the process as it always does.
        Err(_) => Stop::never(),
    };
    let started = Instant::now();
    let home = entries.first().map(|entry| entry.home());
    let history = History::of_binary(&home.unwrap_or_default());
    let noun = if entries.len() == 1 {
        "bench"
    } else {
        "benches"
    };
    session.say(format!("\nrunning {} {noun}", entries.len()));
    let runs = |entry: &Entry| entry.ignore.is_none() || args.selection.ignored != Ignored::Left;
    let compares = |entry: &Entry| runs(entry) && entry.compares(&args.baselines);
    let mut family = Family::of(match nextest::runs_this() {
        // One bench a process, whose others run beside it.
        true => Entry::all()
            .into_iter()
            .filter(|entry| compares(entry))
            .count(),
        false => entries.iter().filter(|entry| compares(entry)).count(),
    });
    for entry in entries {
        if runs(entry) {
            history.begin(&entry.id());
        }
        let (outcome, report, advice) = run_entry(entry, args, family.share(), &session, &stop);
        if compares(entry) {
            family.ended(outcome.conclusion());
        }
        let outcome = match stop.is_requested() {
            // Not to have been measured is no way to fail as expected.
            true => outcome,
            false => outcome.marked(entry),
        };
        let change = match runs(entry) {
            true => history.end(&entry.id(), &outcome, advice),
            false => None,
        };
        let outcome = session.finish(outcome).clone();
        if !args.quiet {
            if let Some(report) = report {
                session.say(report);
            }
            if let Some(change) = change {
                session.say(format!("  previous    {change}"));
            }
        }
        match &outcome.end {
            End::Passed => {}
            End::Ignored(why) if why.is_empty() => {
                session.say(format!("{} ... ignored", outcome.name));
            }
            End::Ignored(why) => session.say(format!("{} ... ignored, {why}", outcome.name)),
            End::Failed(_) | End::Broken(..) => {
                session.say(format!("{} ... FAILED\n", outcome.name));
            }
        }
    }
    conclude(&session, started.elapsed());
    ExitCode::from(session.end(|outcomes, written| {
        match outcomes.iter().all(Outcome::is_ok) && written {
            true => 0,
            false if stop.is_requested() => ENDED,
            false => FAILED,
        }
    }))
}

/// What became of a bench, what is to be shown of it, and advice for the next time.
fn run_entry(
    entry: &Entry,
    args: &Args,
    share: f64,
    session: &Session,
    stop: &Stop,
) -> (Outcome, Option<String>, Option<String>) {
    let follower = session.start(&entry.path());
    let control = Control {
        stop: stop.clone(),
        observer: follower.unwrap_or_else(|| Arc::new(Silent)),
    };
    if let (Some(why), Ignored::Left) = (entry.ignore, args.selection.ignored) {
        let outcome = Outcome {
            group: entry.binary(),
            name: entry.path(),
            took: Duration::ZERO,
            end: End::Ignored(why.to_owned()),
            measured: None,
        };
        return (outcome, None, None);
    }
    let mut shown = None;
    let mut show = |report: &crate::report::Report| shown = Some(report.to_string());
    let ran = run_case(entry, &args.baselines, share, control, &mut show);
    (ran.outcome, shown, ran.advice)
}

/// The failures and libtest's last line.
fn conclude(session: &Session, took: Duration) {
    let outcomes = session.outcomes();
    let failures: Vec<_> = outcomes.iter().filter(|o| !o.is_ok()).collect();
    if !failures.is_empty() {
        session.say("\nfailures:\n");
        for outcome in &failures {
            session.say(format!(
                "---- {} ----\n{}\n",
                outcome.name,
                outcome.reason()
            ));
        }
    }
    let passed = outcomes.iter().filter(|o| o.end == End::Passed).count();
    let ignored = outcomes.len() - passed - failures.len();
    if let Some(counted) = counted(outcomes.iter().flat_map(Outcome::caveats)) {
        session.say(format!("\nof those that passed: {counted}"));
    }
    session.say(format!(
        "\ntest result: {}. {passed} passed; {} failed; {ignored} ignored; {} measured; \
         {} filtered out; finished in {:.2}s\n",
        if failures.is_empty() { "ok" } else { "FAILED" },
        failures.len(),
        passed + failures.len(),
        Entry::all().len() - outcomes.len(),
        took.as_secs_f64()
    ));
}

#[cfg(test)]
mod tests {
    use super::{super::registry::Case, *};
    use crate::Bench;

    fn entry(module: &'static str, name: &'static str) -> Entry {
        Entry {
            module,
            name,
            file: "benches/gates.rs",
            line: 1,
            column: 1,
            manifest_dir: "",
            ignore: None,
            should_panic: false,
            compares: false,
            case: || Case::new(Bench::new("x"), false, |_| Ok(())),
        }
    }

    #[test]
    fn a_name_is_given_once() {
        let entries = [
            entry("gates", "chat"),
            entry("gates::long", "chat"),
            entry("gates", "other"),
            entry("gates", "chat"),
        ];
        let all: Vec<&Entry> = entries.iter().collect();
        assert!(same_name(&all[..3]).is_none());
        let (first, second) = same_name(&all).unwrap();
        assert_eq!(
            (first.path(), second.path()),
            ("chat".to_owned(), "chat".to_owned())
        );
    }
}
