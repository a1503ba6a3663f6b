//! `goodput serve`: what `vllm bench serve` does, with a verdict.

mod flags;
mod output;

pub(super) use flags::Args;

use super::{interrupt::end_on_ctrl_c, progress::Progress};
use crate::{
    bench::{Bench, Control},
    client::Observer,
    error::Error,
    harness::live_is_required,
    outputs::Session,
    report::{End, Outcome, Report, worst_exit_code},
};
use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

pub(super) fn run(args: Args) -> ExitCode {
    match measure(&args) {
        Ok(code) => ExitCode::from(code),
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::from(e.exit_code())
        }
    }
}

/// Does what the arguments say; the exit code.
fn measure(args: &Args) -> Result<u8, Error> {
    let bench = args.bench()?;
    let output = output::Output::new(args)?;
    if args.dry_run {
        let plan = bench.plan()?;
        print!("{}", plan.describe(&bench.arrivals()));
        return Ok(0);
    }
    let name = args
        .label
        .clone()
        .unwrap_or_else(|| bench.name().to_owned());
    let mut session = Session::begin(args.to.outputs(&name)?, args.to.message_format, 1)?;
    let started = Instant::now();
    let ran = watched(bench, args, session.start(&name));
    let mut saved = Ok(());
    let outcome = match &ran {
        Ok(report) => {
            for note in report.notes() {
                eprintln!("note: {note}");
            }
            session.say(output.text(report));
            saved = output.save(report);
            Outcome {
                name,
                ..Outcome::of(GROUP, report, started.elapsed())
            }
        }
        Err(e) => without_report(name, e, started.elapsed()),
    };
    session.finish(outcome);
    for e in [ran.as_ref().err(), saved.as_ref().err()]
        .into_iter()
        .flatten()
    {
        eprintln!("error: {e}");
    }
    let kept = saved.is_ok();
    Ok(session.end(|outcomes, written| worst_exit_code(outcomes, written && kept)))
}

/// What the outputs call the command.
const GROUP: &str = "goodput serve";

fn without_report(name: String, error: &Error, took: Duration) -> Outcome {
    Outcome {
        group: GROUP.to_owned(),
        name,
        took,
        end: End::without_report(error, live_is_required()),
        measured: None,
    }
}

/// Runs with a progress display, unless a program follows; Ctrl-C ends the run.
fn watched(
    bench: Bench,
    args: &Args,
    follower: Option<Arc<dyn Observer>>,
) -> Result<Report, Error> {
    let stop = end_on_ctrl_c()?;
    match follower {
        Some(observer) => bench.run_with(Control { stop, observer }),
        None if args.disable_tqdm => bench.run_with(Control {
            stop,
            ..Control::default()
        }),
        None => Progress::watch(bench, stop),
    }
}
