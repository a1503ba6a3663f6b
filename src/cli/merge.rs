//! `goodput merge`: one result of the files of all shards of a run.

use super::{argv::Origins, outputs::OutputArgs, save, serve, words::Words};
use crate::{
    clock::Nanos,
    error::Error,
    export::Export,
    files,
    history::{BenchId, History, asked},
    merge::{self, Merged},
    outputs::Session,
    problem::Problem,
    report::{self, Outcome, Report, worst_exit_code},
    screen,
};
use jiff::{Timestamp, tz::TimeZone};
use std::{path::PathBuf, process::ExitCode, time::Instant};

/// The end of the long help.
pub(super) const EXAMPLES: &str = "\
Examples:
  The result of four processes, as `goodput serve` prints that of one:
    goodput merge shard-*-of-4.json

  The same with files for other tools:
    goodput merge shard-*-of-4.json --save-result --result-filename run.json --output junit=junit.xml";

/// Arguments of `goodput merge`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files of all shards, as `goodput serve --shard` writes them.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Write the result to a JSON file.
    #[arg(long)]
    save_result: bool,
    /// Keep values of single requests in it. Answers are there if the shards kept them.
    #[arg(long)]
    save_detailed: bool,
    /// Append the result to the file as one more line.
    #[arg(long)]
    append_result: bool,
    /// Folder of the result file; made if it is missing.
    #[arg(long)]
    result_dir: Option<PathBuf>,
    /// Name of the result file. Default: made of label, rate, model and date.
    #[arg(long)]
    result_filename: Option<String>,
    #[command(flatten)]
    export: serve::ExportFlags,
    #[command(flatten)]
    to: OutputArgs,
}

pub(super) fn run(args: &Args) -> ExitCode {
    serve::exit_code(measure(args))
}

fn measure(args: &Args) -> Result<u8, Error> {
    // The run was sent by `goodput serve`, whose words are its own.
    let words = Words {
        origins: &Origins::default(),
        target: "--base-url",
        versus: "--a",
        ramp: "--ramp-up-strategy",
    };
    let export = args.check()?;
    let started = Instant::now();
    let Merged { report, shown } = merge::merged(&args.files)?;
    let name = shown
        .label
        .clone()
        .unwrap_or_else(|| report.run().setup.name.clone());
    let outputs = args.to.outputs(&name)?;
    let mut session = Session::begin(outputs, args.to.message_format, 1)?;
    let command = "goodput merge";
    let history = History::of_command(command, asked(args.to.results.as_deref()));
    let id = BenchId::of_command(command, &name);
    history.begin(&id);
    // Files come before the screen, which may be closed or blocked.
    let saved = args.save(&report, &shown);
    let exported = match &export {
        Some(export) => {
            let what = format!("cannot write the requests to {}", export.path().display());
            export.write(&report).map_err(Error::io(what))
        }
        None => Ok(()),
    };
    let saved = saved.and(exported);
    let outcome = Outcome {
        name,
        ..Outcome::of(command, &report, started.elapsed())
    };
    let change = history.end(&id, &outcome, None);
    session.finish(outcome);
    for note in report.notes() {
        screen::err(format_args!("note: {}", words.say(note)));
    }
    let table = report::vllm_table(report.run(), report.metrics(), &shown.vllm());
    let below = [report.client(), report.evidence()];
    let text = report::printed(report.run().setup.simulated, &table, &below);
    session.say(words.say(&text));
    if let Some(change) = change {
        session.say(format!("  previous    {change}"));
    }
    if let Err(e) = &saved {
        screen::error(e);
    }
    let kept = saved.is_ok();
    Ok(session.end(|outcomes, written| worst_exit_code(outcomes, written && kept)))
}

impl Args {
    fn saves(&self) -> bool {
        self.save_result || self.append_result
    }

    /// Checks what will be written, before the files are read.
    fn check(&self) -> Result<Option<Export>, Error> {
        let mut problems = Vec::new();
        let export = self.export.checked(&mut problems);
        let folder = self.result_dir.clone().unwrap_or_default();
        if self.saves() {
            let checked = match &self.result_filename {
                Some(name) => files::check(&folder.join(name)),
                None if folder.as_os_str().is_empty() => files::check_folder(".".as_ref()),
                None => files::check_folder(&folder),
            };
            if let Err(e) = checked {
                let message = format!("cannot be written to: {e}. Choose another folder or name");
                problems.push(Problem::new("--result-dir", folder.display(), message));
            }
        } else if let Some(name) = &self.result_filename {
            let fix = "names a file that is not asked for. Add --save-result";
            problems.push(Problem::new("--result-filename", name, fix));
        }
        if problems.is_empty() {
            Ok(export)
        } else {
            Err(Error::Invalid(problems))
        }
    }

    fn save(&self, report: &Report, shown: &merge::Shown) -> Result<(), Error> {
        if !self.saves() {
            return Ok(());
        }
        let run = report.run();
        // The run's own times, and not those of the merge.
        let began = run.audit.shards.first().map_or(0, |shard| shard.start.at);
        let local = |at: Nanos| {
            let nanos = i128::from(began) + i128::from(at.0);
            let time = Timestamp::from_nanosecond(nanos).unwrap_or_default();
            time.to_zoned(TimeZone::system())
        };
        let ended = save::date(&local(run.duration));
        let changes = run.rate_changes.iter();
        let changes = changes.map(|change| save::iso(&local(change.at))).collect();
        let options = shown.options(ended.clone(), changes, self.save_detailed);
        let json = report::vllm_json(run, report.metrics(), report.judgement(), &options);
        let how = save::How::of(self.append_result, self.result_filename.is_some());
        let name = self.result_filename.clone().unwrap_or_else(|| {
            files::fitting(&report::result_file_name(
                run,
                shown.label.as_deref(),
                shown.model_id.as_deref().unwrap_or_else(|| report.model()),
                shown.ramp().as_ref(),
                &ended,
            ))
        });
        let path = self.result_dir.clone().unwrap_or_default().join(name);
        save::keep(&path, &json, how).map(drop)
    }
}
