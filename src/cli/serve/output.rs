//! Prints and saves the results of `goodput serve`.

use super::{Script, conversations, flags::Args};
use crate::{
    cli::{
        apart::Files,
        argv,
        save::{self, How, date, for_pytorch},
    },
    clock::Nanos,
    error::Error,
    export::Export,
    files,
    history::of_command,
    journal::Place,
    merge::Shown,
    outputs::Outputs,
    plan::Plan,
    problem::Problem,
    redact,
    report::{self, JsonOptions, Report, VllmJson, VllmMetric, VllmOptions},
};
use jiff::{ToSpan, Zoned};
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Output that the flags ask for, checked before the run so that no result is lost after it.
pub(super) struct Output<'a> {
    args: &'a Args,
    metrics: Option<Vec<VllmMetric>>,
    metadata: Vec<(String, String)>,
    folder: PathBuf,
    export: Option<Export>,
    /// Requests of the plan.
    planned: usize,
    /// The run has a reference, which has its own journal.
    compares: bool,
}

impl<'a> Output<'a> {
    /// `planned` is the number of requests of a run.
    pub(super) fn new(args: &'a Args, planned: usize, compares: bool) -> Result<Self, Error> {
        let mut problems = Vec::new();
        let metrics = args.percentile_metrics.as_deref();
        let metrics = metrics.map(|names| metrics_named(names, &mut problems));
        let metadata = metadata(&args.metadata, &mut problems);
        for percentile in &args.metric_percentiles {
            if !(0.0..=100.0).contains(percentile) {
                let fix = "must be between 0 and 100";
                problems.push(Problem::new("--metric-percentiles", percentile, fix));
            }
        }
        let export = if args.dry_run {
            None
        } else {
            args.export.checked(&mut problems)
        };
        if !args.dry_run {
            conversations::check(args, compares, &mut problems);
            if let Some(script) = &args.script {
                script.check(&mut problems);
            }
            check_structured(args, &mut problems);
        }
        let output = Output {
            args,
            planned,
            export,
            metrics,
            metadata,
            folder: args.result_dir.clone().unwrap_or_default(),
            compares,
        };
        if output.saves() && !args.dry_run {
            problems.extend(output.check_result().err());
        }
        if !args.dry_run {
            let problem = |file: &PathBuf| {
                let e = Place::File(file.clone()).check().err()?;
                let message = format!("cannot be written: {e}");
                Some(Problem::new("--journal", file.display(), message))
            };
            problems.extend(output.journal_files().iter().filter_map(problem));
        }
        if problems.is_empty() {
            Ok(output)
        } else {
            Err(Error::Invalid(problems))
        }
    }

    /// Checks whether the result file can be written.
    fn check_result(&self) -> Result<(), Problem> {
        let Some(name) = &self.args.result_filename else {
            let folder = if self.folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                &self.folder
            };
            return files::check_folder(folder).map_err(|e| {
                let message = format!("cannot be written to: {e}. Choose another folder");
                Problem::new("--result-dir", folder.display(), message)
            });
        };
        let path = self.folder.join(name);
        let beside = for_pytorch().then(|| report::pytorch_file(&path));
        for path in [Some(path), beside].into_iter().flatten() {
            files::check(&path).map_err(|e| {
                let message = format!("cannot be written: {e}. Choose another name");
                Problem::new("--result-filename", path.display(), message)
            })?;
        }
        Ok(())
    }

    /// Place of the run's journal.
    pub(super) fn journal(&self) -> Option<Place> {
        if self.args.no_journal {
            return None;
        }
        if let Some(file) = &self.args.journal {
            return Some(Place::File(file.clone()));
        }
        let here = std::env::current_dir().unwrap_or_default();
        let results = of_command(self.args.to.results.as_deref(), &here);
        results
            .or_else(|| self.saves().then(|| self.folder.clone()))
            .map(Place::Results)
    }

    /// Journals that `--journal` asks for.
    fn journal_files(&self) -> Vec<PathBuf> {
        let Some(file) = &self.args.journal else {
            return Vec::new();
        };
        let reference = match Place::File(file.clone()).of_reference() {
            Place::File(of_a) if self.compares => Some(of_a),
            _ => None,
        };
        std::iter::once(file.clone()).chain(reference).collect()
    }

    /// Checks that each file of the run has one use, and that none is the run's input.
    pub(super) fn check_apart(&self, outputs: &Outputs) -> Result<(), Error> {
        let mut files = Files::default();
        if let Some((flag, path)) = self.args.dataset_path() {
            files.read(flag, path);
        }
        let script = self.args.script.as_ref().and_then(Script::named);
        let structured = self.args.structured_result.as_deref();
        let structured = structured.map(|path| ("--structured-result", path));
        for (flag, path) in conversations::files(self.args)
            .chain(script)
            .chain(structured)
        {
            files.write(flag, path);
        }
        for path in outputs.paths() {
            files.write("--output", path);
        }
        if let Some(export) = &self.export {
            files.write("--export-requests", export.path());
        }
        for path in &self.journal_files() {
            files.write("--journal", path);
        }
        if let (Some(name), true) = (&self.args.result_filename, self.saves()) {
            files.write("--result-filename", &self.folder.join(name));
        }
        files.checked()
    }

    fn saves(&self) -> bool {
        self.args.save_result || self.args.append_result
    }

    fn vllm(&self) -> VllmOptions {
        VllmOptions {
            percentile_metrics: self.metrics.clone(),
            metric_percentiles: self.args.metric_percentiles.clone(),
            goodput_given: !self.args.goodput.is_empty(),
            tokenizer_known: !self.args.skip_tokenizer_init,
        }
    }

    /// Formats vLLM's table, then the verdict.
    pub(super) fn text(&self, report: &Report) -> String {
        let table = report::vllm_table(report.run(), report.metrics(), &self.vllm());
        let run = report.run();
        let documents = self.args.repeat_mode();
        let documents = documents.map(|mode| report::document_qa(run, mode));
        let script = self.args.script.as_ref();
        let script = script.map(|script| script.lines(report));
        let above: Vec<String> = script.into_iter().chain(documents).chain([table]).collect();
        let rate = self
            .args
            .structured_set()
            .map(|_| report::correct_rate(report.metrics()));
        let table = above.into_iter().chain(rate).collect::<Vec<_>>().join("\n");
        let summary = conversations::results(self.args, report).map(|results| results.text());
        let below = [summary, Some(report.client()), Some(report.evidence())];
        report::printed(
            report.run().setup.simulated,
            &table,
            &below.into_iter().flatten().collect::<Vec<_>>(),
        )
    }

    /// Writes all files of the run.
    pub(super) fn save(&self, report: &Report, plan: Option<&Plan>) -> Result<(), Error> {
        let exported = self.export_requests(report);
        let results = conversations::results(self.args, report);
        let conversations = conversations::save(self.args, report, results.as_ref(), plan);
        let script = match &self.args.script {
            Some(script) => script.save(self.args.model_id(report.model()), report),
            None => Ok(()),
        };
        self.save_result(report)
            .and(self.save_structured(report))
            .and(exported)
            .and(conversations)
            .and(script)
    }

    /// Writes the file of vLLM's script for structured output.
    fn save_structured(&self, report: &Report) -> Result<(), Error> {
        let Some(path) = &self.args.structured_result else {
            return Ok(());
        };
        let options = self.options(report, &Zoned::now());
        let json = report::structured_json(report.run(), report.metrics(), &options);
        let what = format!("cannot write {}", path.display());
        let write = |file: &mut std::fs::File| {
            // As Python's `json.dump(…, indent=4)`.
            let formatter = PrettyFormatter::with_indent(b"    ");
            let mut serializer = Serializer::with_formatter(file, formatter);
            json.serialize(&mut serializer).map_err(io::Error::from)
        };
        files::replace(path, write).map_err(Error::io(what))
    }

    fn export_requests(&self, report: &Report) -> Result<(), Error> {
        let Some(export) = &self.export else {
            return Ok(());
        };
        let what = format!("cannot write the requests to {}", export.path().display());
        export.write(report).map_err(Error::io(what))
    }

    /// Writes the result file. If that fails, writes the result to the temporary folder instead.
    fn save_result(&self, report: &Report) -> Result<(), Error> {
        if !self.saves() {
            return Ok(());
        }
        let now = Zoned::now();
        let json = self.json(report, &now);
        let chosen = self.args.result_filename.clone();
        let how = How::of(self.args.append_result, chosen.is_some());
        let name = chosen.unwrap_or_else(|| {
            files::fitting(&report::result_file_name(
                report.run(),
                self.args.label.as_deref(),
                self.args.model_id(report.model()),
                self.args.ramp.read(&mut Vec::new()).as_ref(),
                &date(&now),
            ))
        });
        let path = self.folder.join(name);
        let path = save::keep(&path, &json, how)?;
        self.save_for_pytorch(report, &json, &path)
    }

    /// Writes the records for PyTorch's database, if the environment asks for them as it does in vLLM.
    fn save_for_pytorch(
        &self,
        report: &Report,
        json: &VllmJson<'_>,
        path: &Path,
    ) -> Result<(), Error> {
        if !for_pytorch() {
            return Ok(());
        }
        let path = report::pytorch_file(path);
        let model = self.args.model_id(report.model());
        let records = report::pytorch_records(json, model, argv::settings(super::super::line()));
        let what = format!("cannot write the records for PyTorch to {}", path.display());
        save::write(&path, &records, How::Replace)
            .map(drop)
            .map_err(Error::io(what))
    }

    fn json<'r>(&self, report: &'r Report, now: &Zoned) -> VllmJson<'r> {
        let options = self.options(report, now);
        report::vllm_json(report.run(), report.metrics(), report.judgement(), &options)
    }

    /// The keys of the result file with their values.
    pub(super) fn keys(&self, report: &Report) -> serde_json::Map<String, serde_json::Value> {
        let json = serde_json::to_value(self.json(report, &Zoned::now()));
        match json {
            Ok(serde_json::Value::Object(keys)) => keys,
            _ => serde_json::Map::new(),
        }
    }

    /// How the run of a shard would be shown as a whole.
    pub(super) fn shown(&self, report: &Report) -> Shown {
        Shown::of(self.options(report, &Zoned::now()))
    }

    fn options(&self, report: &Report, now: &Zoned) -> JsonOptions {
        let run = report.run();
        let started = now.saturating_sub(span(run.duration));
        let time = |at| save::iso(&started.saturating_add(span(at)));
        JsonOptions {
            date: date(now),
            label: self.args.label.clone(),
            model_id: Some(self.args.model_id(report.model()).to_owned()),
            tokenizer_id: self.vllm().tokenizer_id(run),
            num_prompts: self.planned,
            metadata: self.metadata.clone(),
            ramp: self.args.ramp.read(&mut Vec::new()),
            rate_change_times: run.rate_changes.iter().map(|c| time(c.at)).collect(),
            detailed: self.args.save_detailed,
            dataset: Some(self.args.dataset_text()),
            vllm: self.vllm(),
        }
    }
}

/// Checks the file of vLLM's script for structured output.
fn check_structured(args: &Args, problems: &mut Vec<Problem>) {
    let Some(path) = &args.structured_result else {
        return;
    };
    let flag = "--structured-result";
    if args.structured_set().is_none() {
        let fix = "is the file of vLLM's script, whose sets are another dataset. Add --dataset-name structured";
        problems.push(Problem::new(flag, path.display(), fix));
    } else if let Err(e) = files::check(path) {
        let message = format!("cannot be written: {e}. Choose another path");
        problems.push(Problem::new(flag, path.display(), message));
    }
}

fn span(nanos: Nanos) -> jiff::Span {
    i64::try_from(nanos.0).unwrap_or(i64::MAX).nanoseconds()
}

fn metrics_named(names: &[String], problems: &mut Vec<Problem>) -> Vec<VllmMetric> {
    let valid = VllmMetric::ALL.map(VllmMetric::name);
    let mut metrics = Vec::new();
    for name in names.iter().map(|name| name.trim()) {
        match VllmMetric::named(name) {
            Some(metric) => metrics.push(metric),
            None => {
                let mistake = crate::grammar::Mistake::unknown("metric", name, &valid);
                problems.push(Problem::new("--percentile-metrics", name, mistake.0));
            }
        }
    }
    metrics
}

/// Parses `KEY=VALUE` pairs whose keys differ from the result's own keys.
fn metadata(pairs: &[String], problems: &mut Vec<Problem>) -> Vec<(String, String)> {
    let mut metadata = Vec::new();
    // Result files leave the machine.
    let masked = |pair: &String| match pair.split_once('=') {
        Some((key, value)) => format!("{key}={}", redact::named(key, value)),
        None => redact::own(pair),
    };
    for pair in &pairs.iter().map(masked).collect::<Vec<_>>() {
        match pair.split_once('=') {
            None => problems.push(Problem::new(
                "--metadata",
                pair,
                "is not NAME=VALUE. Write it like commit=1a2b3c",
            )),
            Some((key, _)) if report::is_result_key(key) => problems.push(Problem::new(
                "--metadata",
                pair,
                format!("`{key}` is a key of the result itself. Choose another"),
            )),
            Some((key, value)) => metadata.push((key.to_owned(), value.to_owned())),
        }
    }
    metadata
}
