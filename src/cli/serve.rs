//! `goodput serve`: what `vllm bench serve` does, with a verdict.

mod flags;
mod output;

pub(super) use flags::Args;

use super::progress::Progress;
use crate::{
    bench::{Bench, Control},
    client::{Stop, Stopper},
    error::Error,
    report::Report,
};
use std::{process::ExitCode, sync::Arc};

pub(super) fn run(args: Args) -> ExitCode {
    match measure(&args) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(report)) => ExitCode::from(report.verdict().exit_code()),
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::from(e.exit_code())
        }
    }
}

/// Does what the arguments say; `None` for a dry run.
fn measure(args: &Args) -> Result<Option<Report>, Error> {
    let bench = args.bench()?;
    let output = output::Output::new(args)?;
    if args.dry_run {
        let plan = bench.plan()?;
        print!("{}", plan.describe(&bench.arrivals()));
        return Ok(None);
    }
    let report = watched(bench, args)?;
    for note in report.notes() {
        eprintln!("note: {note}");
    }
    output.print(&report);
    output.save(&report)?;
    Ok(Some(report))
}

/// Runs with a progress display; the first Ctrl-C ends the run, the second the process.
fn watched(bench: Bench, args: &Args) -> Result<Report, Error> {
    let (stopper, stop) = Stop::pair();
    end_on_ctrl_c(stopper)?;
    if args.disable_tqdm {
        let control = Control {
            stop,
            ..Control::default()
        };
        return bench.run_with(control);
    }
    let progress = Arc::new(Progress::new(args.num_prompts));
    let report = bench.run_with(Control {
        stop,
        observer: progress.clone(),
    });
    progress.finish();
    report
}

fn end_on_ctrl_c(stopper: Stopper) -> Result<(), Error> {
    let wait = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build();
        // Without a runtime there is no handler, and Ctrl-C ends the process as it always does.
        if let Ok(runtime) = runtime {
            runtime.block_on(async {
                if tokio::signal::ctrl_c().await.is_ok() {
                    eprintln!("ending the run; press Ctrl-C again to quit without a report");
                    stopper.stop();
                    let _ = tokio::signal::ctrl_c().await;
                    std::process::exit(130);
                }
            });
        }
    };
    std::thread::Builder::new()
        .name("ctrl-c".to_owned())
        .spawn(wait)
        .map(drop)
        .map_err(Error::io("cannot wait for Ctrl-C"))
}
