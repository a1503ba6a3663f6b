//! Results of conversations in the form of vLLM's multi-turn script.

use super::flags::Args;
use crate::{
    error::Error,
    files,
    plan::{self, Plan, Prompt},
    problem::Problem,
    record::Record,
    report::{MultiTurn, Report, turn_stats},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
};

/// Checks whether the files can be written.
pub(super) fn check(args: &Args, compares: bool, problems: &mut Vec<Problem>) {
    let flags = &args.multi_turn;
    if let (true, Some(path)) = (compares, &flags.output_file) {
        let message =
            "has the answers of one run, and a comparison makes several. Use goodput serve";
        problems.push(Problem::new("--output-file", path.display(), message));
    }
    let named = [
        ("--output-file", &flags.output_file),
        ("--stats-json-output", &flags.stats_json_output),
    ];
    for (flag, path) in named {
        let Some(path) = path else { continue };
        if let Err(e) = files::check(path) {
            let message = format!("cannot be written: {e}. Choose another path");
            problems.push(Problem::new(flag, path.display(), message));
        }
    }
    if flags.excel_output {
        let folder = args
            .result_dir
            .clone()
            .unwrap_or_else(|| PathBuf::from("."));
        if let Err(e) = files::check_folder(&folder) {
            let message =
                format!("cannot be written to: {e}. Choose another folder by --result-dir");
            problems.push(Problem::new("--excel-output", folder.display(), message));
        }
    }
}

/// Writes the workbook, whose name has the number of clients and the time, as in the script.
#[cfg(feature = "xlsx")]
fn save_workbook(args: &Args, results: &MultiTurn) -> Result<(), Error> {
    let now = jiff::Zoned::now().strftime("%d-%m-%Y_%H-%M-%S").to_string();
    let clients = args.clients().unwrap_or(1);
    let name = format!("statistics_{clients}_clients__{now}.xlsx");
    let path = args.result_dir.clone().unwrap_or_default().join(name);
    let what = format!("cannot write {}", path.display());
    crate::export::write_multi_turn(&path, results).map_err(Error::io(what))?;
    crate::screen::err(format!("workbook saved as {}", path.display()));
    Ok(())
}

/// A build without the feature refuses the flag before the run.
#[cfg(not(feature = "xlsx"))]
fn save_workbook(_: &Args, _: &MultiTurn) -> Result<(), Error> {
    Ok(())
}

/// Files that the flags name, each with its flag.
pub(super) fn files(args: &Args) -> impl Iterator<Item = (&'static str, &Path)> {
    let flags = &args.multi_turn;
    let output = flags.output_file.as_deref();
    let stats = flags.stats_json_output.as_deref();
    let output = output.map(|path| ("--output-file", path));
    let stats = stats.map(|path| ("--stats-json-output", path));
    output.into_iter().chain(stats)
}

/// The run in the script's form, if the flags ask for it and it has conversations.
pub(super) fn results(args: &Args, report: &Report) -> Option<MultiTurn> {
    let flags = &args.multi_turn;
    if !flags.summarises() {
        return None;
    }
    let sessions = report.metrics().sessions.as_ref()?;
    let clients = args.clients().unwrap_or(1);
    let text = |name: &str, value: String| (name.to_owned(), value);
    let active = args.active();
    let mut parameters = vec![
        text("model", args.model_id(report.model()).to_owned()),
        text("num_clients", clients.to_string()),
        text("num_conversations", sessions.begun.to_string()),
        text(
            "active_conversations",
            active.map_or("None".to_owned(), |active| active.to_string()),
        ),
        text("seed", report.run().setup.seed.to_string()),
    ];
    parameters.extend(flags.limits());
    let path = args.dataset_path().map(|(_, path)| path);
    let generation = path.map(plan::described).unwrap_or_default();
    let requests = turn_stats(report.run(), clients);
    let warmup = flags.warmup(&mut Vec::new());
    Some(MultiTurn::new(
        parameters,
        generation,
        requests,
        &warmup,
        flags.verbose,
    ))
}

/// Writes the files that the flags ask for. `plan` is that of the run, for the messages in it.
pub(super) fn save(
    args: &Args,
    report: &Report,
    results: Option<&MultiTurn>,
    plan: Option<&Plan>,
) -> Result<(), Error> {
    let flags = &args.multi_turn;
    let json = |path: &PathBuf, value: &Value| {
        let what = format!("cannot write {}", path.display());
        let write = |file: &mut std::fs::File| {
            let text = serde_json::to_string_pretty(value)?;
            writeln!(file, "{text}")
        };
        files::replace(path, write).map_err(Error::io(what))
    };
    let mut saved = Ok(());
    if let (Some(path), Some(results)) = (&flags.stats_json_output, results) {
        let mut rows: Vec<_> = results.requests.iter().collect();
        let end = |row: &crate::report::TurnStats| row.start_time_ms + row.latency_ms;
        rows.sort_by(|a, b| end(a).total_cmp(&end(b)));
        saved = saved.and(json(path, &json!(rows)));
    }
    if let (true, Some(results)) = (flags.excel_output, results) {
        saved = saved.and(save_workbook(args, results));
    }
    if let (Some(path), Some(plan)) = (&flags.output_file, plan) {
        let written = if plan.hash() == report.run().setup.plan_hash {
            json(path, &answered(plan, &report.run().records))
        } else {
            let message = "the run sent other requests than the file's plan, because it was extended or the model has a \
                           tokenizer of its own. Leave out --max-extend, and name --tokenizer";
            Err(Error::Invalid(vec![Problem::new(
                "--output-file",
                path.display(),
                message,
            )]))
        };
        saved = saved.and(written);
    }
    saved
}

/// The conversations in which every request was answered, with these answers.
fn answered(plan: &Plan, records: &[Record]) -> Value {
    let by_index: BTreeMap<usize, &Record> = records
        .iter()
        .filter(|record| record.ok())
        .map(|record| (record.index, record))
        .collect();
    let mut conversations: Vec<(usize, Option<Value>)> = Vec::new();
    for (index, request) in plan.requests.iter().enumerate() {
        let Some(turn) = request.turn.as_deref() else {
            continue;
        };
        if conversations.last().map(|last| last.0) != Some(turn.id.session) {
            let empty = json!({"id": turn.id.name, "messages": []});
            conversations.push((turn.id.session, Some(empty)));
        }
        let Some((_, conversation)) = conversations.last_mut() else {
            continue;
        };
        let messages = match &request.prompt {
            Prompt::Messages(messages) => &messages[..],
            _ => &[],
        };
        let (Some(record), Some(Value::Array(said))) = (
            by_index.get(&index),
            conversation
                .as_mut()
                .and_then(|entry| entry.get_mut("messages")),
        ) else {
            *conversation = None;
            continue;
        };
        // The answer of the file stands first where it is the history.
        let own = usize::from(turn.history.is_some() && !turn.answered && messages.len() > 1);
        said.extend(messages[own..].iter().cloned());
        said.push(json!({"role": "assistant", "content": record.text}));
    }
    let complete = conversations.into_iter();
    complete
        .filter_map(|(_, conversation)| conversation)
        .collect()
}
