//! `goodput serve`: what `vllm bench serve` does, with a verdict.

mod flags;
mod output;

pub(super) use flags::{Args, Serve};

use super::progress::Progress;
use crate::{
    bench::{Bench, Control},
    client::{Stop, Stopper},
    error::Error,
    report::Report,
};
use std::{process::ExitCode, sync::Arc};

pub(super) fn run(serve: &Serve) -> ExitCode {
    let args = &serve.args;
    let measured = serve
        .bench()
        .and_then(|bench| measure(bench, args, args.num_prompts));
    exit_code(measured)
}

/// That of the report, or of what went wrong, which is said.
pub(super) fn exit_code(measured: Result<Option<Report>, Error>) -> ExitCode {
    match measured {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(report)) => ExitCode::from(report.verdict().exit_code()),
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::from(e.exit_code())
        }
    }
}

/// Measures so many requests and does with the report what the arguments say; `None` for a dry run.
pub(super) fn measure(bench: Bench, args: &Args, requests: usize) -> Result<Option<Report>, Error> {
    let output = output::Output::new(args)?;
    if args.dry_run {
        let plan = bench.plan()?;
        print!("{}", plan.describe(&bench.arrivals()));
        return Ok(None);
    }
    let report = watched(args, requests, |control| bench.run_with(control))?;
    for note in report.notes() {
        eprintln!("note: {note}");
    }
    output.print(&report);
    output.save(&report)?;
    Ok(Some(report))
}

/// Runs with a progress display; the first Ctrl-C ends the run, the second the process.
pub(super) fn watched<T>(
    args: &Args,
    requests: usize,
    run: impl FnOnce(Control) -> Result<T, Error>,
) -> Result<T, Error> {
    let (stopper, stop) = Stop::pair();
    end_on_ctrl_c(stopper)?;
    if args.disable_tqdm {
        let control = Control {
            stop,
            ..Control::default()
        };
        return run(control);
    }
    let progress = Arc::new(Progress::new(requests));
    let report = run(Control {
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
