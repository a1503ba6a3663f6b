//! `goodput serve --shard`: sends one part of a run and writes its file. `goodput merge` judges the run.

use super::{Args, output::Output, watched};
use crate::{
    bench::Bench, cli::words::Words, error::Error, exit_code, files, merge, problem::Problem,
    report::Report, screen, shard::Shard,
};
use std::path::PathBuf;

/// Sends a shard; returns the exit code.
pub(super) fn measure(bench: Bench, args: &Args, words: &Words<'_>) -> Result<u8, Error> {
    let shard = bench.client.shard();
    let output = Output::new(args, bench.load.planned(), false)?;
    if args.dry_run {
        let plan = bench.plan().map_err(|e| words.error(e))?;
        screen::out(plan.describe(&bench.load.arrivals()).trim_end());
        screen::out(format_args!(
            "\nshard {shard} sends {} of these {} requests",
            plan.share(shard),
            plan.requests.len()
        ));
        return Ok(exit_code::PASS);
    }
    refuse(args)?;
    let path = file(args, shard);
    files::check(&path).map_err(|e| {
        let message = format!("cannot be written: {e}. Choose another folder");
        Error::Invalid(vec![Problem::new("--result-dir", path.display(), message)])
    })?;
    // A file of an earlier run must not stand for this one.
    let _ = std::fs::remove_file(&path);
    let cuts = (bench.load.cut_start, bench.load.cut_end);
    let requests = Some(shard.of(bench.load.planned()));
    let report = watched(args, requests, None, |control| {
        bench.journaled(output.journal()).run_blocking_with(control)
    });
    let report = report.map_err(|e| words.error(e))?;
    for note in report.notes() {
        screen::err(format_args!("note: {}", words.say(note)));
    }
    merge::write(
        &path,
        &report,
        cuts,
        output.shown(&report),
        args.save_detailed,
    )
    .map_err(Error::io(format!(
        "cannot write the shard to {}",
        path.display()
    )))?;
    screen::out(sentence(&report));
    screen::out(format_args!(
        "saved as {}; `goodput merge` with the files of all shards judges the run",
        path.display()
    ));
    Ok(if report.run().partial {
        exit_code::INVALID
    } else {
        exit_code::PASS
    })
}

/// The file of a shard.
fn file(args: &Args, shard: Shard) -> PathBuf {
    let folder = args.result_dir.clone().unwrap_or_default();
    folder.join(format!("shard-{}-of-{}.json", shard.index, shard.count))
}

/// What a shard did, in a line.
fn sentence(report: &Report) -> String {
    let run = report.run();
    let failed = match report.failed() {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    let start = run.audit.shard.as_deref();
    let off = start
        .and_then(|start| start.bound_ms)
        .filter(|_| start.is_some_and(|start| !start.shard.is_whole() && !start.shard.leads()));
    let off = off.map(|ms| format!("; it started within {ms:.3} ms of shard 0"));
    format!(
        "shard {}: {} of {} requests of its part ended{failed}, in {:.1} s{}",
        start
            .map(|start| start.shard.to_string())
            .unwrap_or_default(),
        run.records.len() - cancelled(report),
        run.setup.requests,
        run.duration.as_secs_f64(),
        off.unwrap_or_default(),
    )
}

fn cancelled(report: &Report) -> usize {
    usize::try_from(report.metrics().counts.cancelled).unwrap_or(usize::MAX)
}

/// Complains of outputs that only the whole run has.
fn refuse(args: &Args) -> Result<(), Error> {
    let given = [
        ("--save-result", args.save_result),
        ("--append-result", args.append_result),
        ("--result-filename", args.result_filename.is_some()),
        ("--export-requests", args.export.is_given()),
        ("--output", args.to.is_given()),
        ("--structured-result", args.structured_result.is_some()),
        ("--output-file", args.multi_turn.output_file.is_some()),
        (
            "--stats-json-output",
            args.multi_turn.stats_json_output.is_some(),
        ),
        ("--excel-output", args.multi_turn.excel_output),
        ("--live", args.to.live.is_given()),
    ];
    let given = given.into_iter().filter(|(_, given)| *given);
    let mut problems: Vec<Problem> = given
        .map(|(flag, _)| {
            let fix = "is for the whole run, and this process sends one shard. Give it to `goodput merge` if that has it, or leave it out";
            Problem::new(flag, "(set)", fix)
        })
        .collect();
    if args.script.is_some() {
        let fix = "is for `goodput serve`: this command times one process. Leave it out";
        problems.push(Problem::new("--shard", "(set)", fix));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(problems))
    }
}
