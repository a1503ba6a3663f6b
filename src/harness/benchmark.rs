//! The `main` of a `harness = false` benchmark target.

use super::{
    args::{Args, help},
    function::Function,
    nextest,
    registry::Entry,
};
use crate::{
    error::Error,
    exit_code,
    history::History,
    outputs::{Outputs, Session},
    report::{End, Outcome, counted},
    runner::{Done, Front, Runner},
    screen, signals,
    stop::Stop,
};
use std::{process::ExitCode, time::Duration};

/// Runs the benches of this binary as its command line says. Use it through
/// [`goodput::main!()`](crate::main!).
pub fn main() -> ExitCode {
    let _shown = screen::open();
    let args = match Args::parse(std::env::args_os().skip(1)) {
        Ok(args) => args,
        Err(e) => {
            screen::error(format_args!(
                "{e}. `cargo bench --bench TARGET -- --help` shows all options"
            ));
            return ExitCode::from(exit_code::UNUSABLE);
        }
    };
    // The compiler reports two tests with one name; without libtest there are no tests.
    if let Some((first, second)) = same_name(&Entry::all()) {
        screen::error(format_args!(
            "two benches are called {}: {}:{} and {}:{}. Rename one",
            first.path(),
            first.file,
            first.line,
            second.file,
            second.line
        ));
        return ExitCode::from(exit_code::UNUSABLE);
    }
    let entries: Vec<&'static Entry> = Entry::all()
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
        // nextest reads this: stdout must have nothing else.
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
                ExitCode::from(exit_code::UNUSABLE)
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

/// The outputs that flags and environment ask for. nextest runs a process for each bench, so there each has its own
/// files, and the job's summary only if it was asked for.
fn outputs(args: &Args, entries: &[&Entry]) -> Result<Outputs, Error> {
    let by_flag = Outputs::parse("--output", &args.outputs)?;
    let alone = nextest::runs_this();
    let label = match entries {
        [entry] if alone => entry.label(),
        [entry, ..] => format!("{}-{}", entry.package(), entry.binary()),
        [] => return Ok(by_flag),
    };
    let outputs = by_flag.and(Outputs::of_environment(&label)?);
    Ok(if alone {
        outputs
    } else {
        outputs.or_job_summary()
    })
}

fn run(entries: &[&'static Entry], args: &Args, session: Session) -> ExitCode {
    let stop = match signals::listen(Some(signals::ENDING)) {
        Ok(stop) => stop,
        // Then a signal ends the process as usual.
        Err(_) => Stop::never(),
    };
    let home = entries.first().map(|entry| entry.home());
    let noun = if entries.len() == 1 {
        "bench"
    } else {
        "benches"
    };
    session.say(format!("\nrunning {} {noun}", entries.len()));
    let of = |entries: &[&'static Entry]| -> Vec<Function<'_>> {
        let functions = entries.iter();
        functions
            .map(|entry| Function::new(entry, &args.baselines))
            .collect()
    };
    let runner = Runner {
        session,
        history: History::of_binary(&home.unwrap_or_default()),
        stop: stop.clone(),
        ignored: args.selection.ignored,
    };
    let functions = of(entries);
    let comparing = if nextest::runs_this() {
        // One bench in this process; others run at the same time.
        runner.comparing(&of(&Entry::all()))
    } else {
        runner.comparing(&functions)
    };
    let words = LibtestWords {
        quiet: args.quiet,
        stop,
    };
    ExitCode::from(runner.run(functions, comparing, &words))
}

/// libtest's words about tests, with the reports.
struct LibtestWords {
    /// Only the last line.
    quiet: bool,
    stop: Stop,
}

impl Front for LibtestWords {
    fn ended(&self, session: &Session, done: &Done) {
        let Done {
            outcome,
            shown,
            change,
        } = done;
        if !self.quiet {
            if let Some(report) = shown {
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

    /// The failures and libtest's last line.
    fn all_ended(&self, session: &Session, took: Duration) {
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

    fn exit_code(&self, outcomes: &[Outcome], written: bool) -> u8 {
        if outcomes.iter().all(Outcome::is_ok) && written {
            exit_code::PASS
        } else if self.stop.is_requested() {
            exit_code::INVALID
        } else {
            exit_code::TESTS_FAILED
        }
    }
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
