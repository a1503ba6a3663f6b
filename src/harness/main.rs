//! The `main` of a `harness = false` benchmark target.

use super::{
    args::{Args, HELP, Ignored},
    nextest,
    registry::Entry,
    test::{Finished, run_case},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    time::Instant,
};

/// libtest's exit code for a failed run; cargo and nextest know it.
const FAILED: u8 = 101;

/// Runs the benches of this binary as its command line says. Use it through
/// [`goodput::main!()`](crate::main!).
pub fn main() -> ExitCode {
    let args = match Args::parse(std::env::args_os().skip(1)) {
        Ok(args) => args,
        Err(e) => {
            eprintln!("error: {e}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let entries: Vec<&Entry> = Entry::all()
        .into_iter()
        .filter(|entry| args.selects(&entry.path(), entry.ignore.is_some()))
        .collect();
    if args.help {
        print!("{HELP}");
        ExitCode::SUCCESS
    } else if args.list {
        // nextest reads this: nothing else may stand on stdout.
        for entry in entries {
            println!("{}: benchmark", entry.path());
        }
        ExitCode::SUCCESS
    } else {
        run(&entries, &args)
    }
}

fn run(entries: &[&Entry], args: &Args) -> ExitCode {
    let started = Instant::now();
    let all = Entry::all().len();
    let noun = if entries.len() == 1 {
        "bench"
    } else {
        "benches"
    };
    println!("\nrunning {} {noun}", entries.len());
    let (mut passed, mut ignored, mut failures) = (0, 0, Vec::new());
    for entry in entries {
        match run_entry(entry, args) {
            Finished::Passed => passed += 1,
            Finished::Ignored(why) => {
                ignored += 1;
                println!("{} ... ignored{}", entry.path(), reason(&why));
            }
            Finished::Failed(why) => {
                println!("{} ... FAILED\n", entry.path());
                failures.push((entry.path(), why));
            }
        }
    }
    if !failures.is_empty() {
        println!("\nfailures:\n");
        for (name, why) in &failures {
            println!("---- {name} ----\n{why}\n");
        }
    }
    let outcome = if failures.is_empty() { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {outcome}. {passed} passed; {} failed; {ignored} ignored; {} measured; \
         {} filtered out; finished in {:.2}s\n",
        failures.len(),
        passed + failures.len(),
        all - entries.len(),
        started.elapsed().as_secs_f64()
    );
    if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    }
}

fn run_entry(entry: &Entry, args: &Args) -> Finished {
    if let (Some(why), Ignored::Left) = (entry.ignore, args.ignored) {
        return Finished::Ignored(why.to_owned());
    }
    nextest::advise(entry);
    let mut show = |report: &crate::Report| {
        if !args.quiet {
            println!("{report}");
        }
    };
    let finished = catch_unwind(AssertUnwindSafe(|| {
        run_case(entry, &args.baselines, &mut show)
    }))
    .unwrap_or_else(|panic| Finished::Failed(panic_text(&*panic)));
    match (entry.should_panic, finished) {
        (true, Finished::Failed(_)) => Finished::Passed,
        (true, Finished::Passed) => {
            Finished::Failed("it passed, although it is marked #[should_panic]".to_owned())
        }
        (_, finished) => finished,
    }
}

fn reason(why: &str) -> String {
    if why.is_empty() {
        String::new()
    } else {
        format!(", {why}")
    }
}

/// What a panic said; the panic hook has printed where.
fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!(
        "the bench's function panicked: {}",
        text.unwrap_or("(no message)")
    )
}
