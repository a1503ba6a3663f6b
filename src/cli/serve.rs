//! `goodput serve`: `vllm bench serve` with a verdict.

mod case;
mod conversations;
mod flags;
mod offline;
mod output;
mod shard;

pub(super) use case::Case;
pub(super) use flags::{Args, ExportFlags, Serve};
pub(super) use offline::Script;

use super::{
    Cli, Command,
    argv::{self, Origins},
    progress::Progress,
    words::Words,
};
use crate::{
    bench::{Bench, Control},
    error::Error,
    history::{BenchId, History, asked},
    observer::Observer,
    outputs::Session,
    problem::Problem,
    report::{Outcome, worst_exit_code},
    screen,
    signals::{self, UNHEARD},
    targets::live_is_required,
};
use clap::Parser;
use std::{
    ffi::OsString,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

/// The end of the long help.
pub(super) const EXAMPLES: &str = "\
Examples:
  The built-in simulation, without a server:
    goodput serve --target \"sim(ttft = 80ms, itl = 10ms)\" --request-rate 10 --num-prompts 600

  A running server as a gate, exit code 1 if an SLO is missed:
    goodput serve --backend openai-chat --base-url http://127.0.0.1:8000 --request-rate 10 \\
      --num-prompts 600 --goodput ttft:200 tpot:50 --slo \"p99(ttft) < 300ms, goodput >= 95%\"

  Save a baseline, and compare a later run with it:
    goodput serve --base-url http://127.0.0.1:8000 --request-rate 10 --save-baseline main
    goodput serve --base-url http://127.0.0.1:8000 --request-rate 10 --baseline main

Flags with WORD in their names: --help=WORD.";

pub(super) fn run(serve: &Serve, origins: &Origins) -> ExitCode {
    run_as(serve, "goodput serve", origins)
}

/// Checks the flags of a command line that runs elsewhere.
///
/// # Errors
/// All that is wrong with them.
pub(super) fn checked(words: &[OsString]) -> Result<(), Error> {
    let line = ["goodput", "serve"].map(OsString::from);
    let (line, origins) = argv::prepared(line.into_iter().chain(words.iter().cloned()))?;
    let refused = |e: clap::Error| {
        let text = e.to_string();
        let first = text.lines().next().unwrap_or_default();
        let why = first.trim_start_matches("error: ");
        Error::Invalid(vec![Problem::new("flags of serve", "", why)])
    };
    match Cli::try_parse_from(line).map_err(refused)?.command {
        Command::Serve(serve) => {
            let words = serve.words(&origins);
            serve.bench().map(drop).map_err(|e| words.error(e))
        }
        _ => Ok(()),
    }
}

/// Runs under this command's name.
pub(super) fn run_as(serve: &Serve, command: &str, origins: &Origins) -> ExitCode {
    let words = serve.words(origins);
    let bench = serve.bench().map_err(|e| words.error(e));
    exit_code(bench.and_then(|bench| measure(bench, command, &serve.args, &words)))
}

/// Error for settings that are not valid.
#[cfg(test)]
pub(super) fn unusable<'a>(line: impl IntoIterator<Item = &'a str>) -> Error {
    let (serve, origins) = parsed(line);
    serve.words(&origins).error(serve.bench().unwrap_err())
}

/// Error for a plan that cannot be made.
#[cfg(test)]
pub(super) fn unplannable<'a>(line: impl IntoIterator<Item = &'a str>) -> Error {
    let (serve, origins) = parsed(line);
    let plan = serve.bench().unwrap().plan();
    serve.words(&origins).error(plan.unwrap_err())
}

#[cfg(test)]
fn parsed<'a>(line: impl IntoIterator<Item = &'a str>) -> (Serve, Origins) {
    let line = line.into_iter().map(OsString::from);
    let (line, origins) = argv::prepared(line).unwrap();
    match Cli::parse_from(line).command {
        Command::Serve(serve) => (*serve, origins),
        _ => panic!("goodput serve"),
    }
}

/// Exit code of a run, or of the error before it, which it prints.
pub(super) fn exit_code(measured: Result<u8, Error>) -> ExitCode {
    match measured {
        Ok(code) => ExitCode::from(code),
        Err(e) => {
            screen::error(&e);
            ExitCode::from(e.exit_code())
        }
    }
}

/// Measures under this command's name and handles the report as the arguments say; returns the exit code.
pub(super) fn measure(
    bench: Bench,
    command: &str,
    args: &Args,
    words: &Words<'_>,
) -> Result<u8, Error> {
    if bench.client.sharding.is_some() {
        return shard::measure(bench, args, words);
    }
    let output = output::Output::new(args, bench.load.planned(), bench.demands.versus.is_some())?;
    if args.dry_run {
        let plan = bench.plan().map_err(|e| words.error(e))?;
        screen::out(plan.describe(&bench.load.arrivals()).trim_end());
        let decidable = bench.decidable(&plan);
        if !decidable.is_empty() {
            screen::out(format_args!("\n{}", decidable.trim_end()));
        }
        return Ok(0);
    }
    let name = args
        .label
        .clone()
        .unwrap_or_else(|| bench.name().to_owned());
    let outputs = args.to.outputs(&name)?;
    output.check_apart(&outputs)?;
    let plan = args.multi_turn.output_file.is_some().then(|| bench.plan());
    let plan = plan.transpose().map_err(|e| words.error(e))?;
    let mut session = Session::begin(outputs, args.to.message_format, 1)?;
    let live = args.to.live.start()?;
    let history = History::of_command(command, asked(args.to.results.as_deref()));
    let id = BenchId::of_command(command, &name);
    history.begin(&id);
    let started = Instant::now();
    let requests = bench.requests_at_most();
    let ran = watched(args, requests, session.start(&name), |control| {
        let control = live.watch(&bench, control);
        bench.journaled(output.journal()).run_blocking_with(control)
    });
    let ran = ran.map_err(|e| words.error(e));
    let mut saved = Ok(());
    let outcome = match &ran {
        Ok(report) => {
            // Files come before the screen, which may be closed or blocked.
            saved = output.save(report, plan.as_ref());
            Outcome {
                name,
                ..Outcome::of(command, report, started.elapsed())
            }
        }
        Err(e) => without_report(command, name, e, started.elapsed()),
    };
    let change = history.end(&id, &outcome, None);
    live.ended(&outcome);
    session.finish(outcome);
    if let Ok(report) = &ran {
        for note in report.notes() {
            screen::err(format_args!("note: {}", words.say(note)));
        }
        session.say(words.say(&output.text(report)));
    }
    if let Some(change) = change {
        session.say(format!("  previous    {change}"));
    }
    for e in [ran.as_ref().err(), saved.as_ref().err()]
        .into_iter()
        .flatten()
    {
        screen::error(e);
    }
    let kept = saved.is_ok();
    Ok(session.end(|outcomes, written| worst_exit_code(outcomes, written && kept)))
}

/// Adds a journal for each side of a command that makes no report.
pub(super) fn journaled(bench: Bench, args: &Args) -> Result<Bench, Error> {
    let output = output::Output::new(args, args.num_prompts, true)?;
    Ok(bench.journaled(output.journal()))
}

fn without_report(command: &str, name: String, error: &Error, took: Duration) -> Outcome {
    Outcome {
        group: command.to_owned(),
        name,
        took,
        end: error.end(live_is_required()),
        measured: None,
        lineup: None,
    }
}

/// Runs with a progress display, unless a program reads the output; a signal ends the run.
pub(super) fn watched<T>(
    args: &Args,
    requests: Option<usize>,
    follower: Option<Arc<dyn Observer>>,
    run: impl FnOnce(Control) -> Result<T, Error>,
) -> Result<T, Error> {
    let stop = signals::listen(Some(signals::ENDING)).map_err(Error::io(UNHEARD))?;
    match follower {
        Some(observer) => run(Control { stop, observer }),
        None if args.disable_tqdm => run(Control {
            stop,
            ..Control::default()
        }),
        None => Progress::watch(requests, stop, run),
    }
}
