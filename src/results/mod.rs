//! Result files: goodput's and vLLM's, which have the same keys, and those of other tools, whose metrics
//! are mapped to these keys by name.
//!
//! A metric that another tool defines differently always has a note, or is left out with a message;
//! unknown names are listed. `docs/results.md` has the mappings.

mod curves;
mod document;
mod import;
mod journal;
mod own;
mod reading;
mod shown;

use crate::{error::Error, files::text, problem::Problem};
pub(crate) use curves::of_own as curve_of_own;
use document::{Document, Documents};
use import::Reader;
pub(crate) use reading::Reading;
use reading::Wrong;
use serde_json::Value;
use std::{io::ErrorKind, path::Path};

pub(crate) use shown::{html, json, markdown, text};

/// Reads the results of a file.
///
/// In a file with other results, a torn line or an unknown document is left out, with a message.
///
/// # Errors
/// The file is unreadable, or has no readable result.
pub(crate) fn read(path: &Path, left_out: &mut Vec<Problem>) -> Result<Vec<Reading>, Problem> {
    let file = path.display().to_string();
    let text = text::read(path).or_else(|e| match e.kind() {
        // A torn line may end within a character.
        ErrorKind::InvalidData => text::read_bytes(path, text::LARGEST)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        _ => Err(e),
    });
    let text = text.map_err(|e| Problem::new(&file, "", format!("cannot be read: {e}")))?;
    parse(&file, &text, left_out)
}

/// Parses the results in the text of a file of this name, with messages about what is left out.
///
/// # Errors
/// No result is readable.
pub(crate) fn parse(
    file: &str,
    text: &str,
    left_out: &mut Vec<Problem>,
) -> Result<Vec<Reading>, Problem> {
    let Documents { documents, torn } =
        document::documents(text).map_err(|e| Problem::new(file, "", e))?;
    let mut wrong: Vec<Problem> = torn
        .into_iter()
        .map(|e| Problem::new(file, "", e))
        .collect();
    if documents
        .first()
        .is_some_and(|first| journal::is_one(&first.value))
    {
        let mut values = documents.into_iter().map(|document| document.value);
        let heading = values.next().unwrap_or_default();
        let read = journal::reading(file, heading, values.collect());
        left_out.append(&mut wrong);
        let (read, missing) = read.map_err(|what| Problem::new(file, "", what.join("; ")))?;
        if missing > 0 {
            let why = format!(
                "{missing} requests that had ended: the disk was full, or the journal's writer was behind"
            );
            left_out.push(Problem::new(file, "", why));
        }
        return Ok(vec![read]);
    }
    let mut readings = Vec::new();
    for Document { line, value } in documents {
        let place = match line {
            Some(line) => format!("{file}, line {line}"),
            None => file.to_owned(),
        };
        match reading(&place, value) {
            Ok(read) => readings.extend(read),
            Err(what) => wrong.push(Problem::new(&place, "", what.join("; "))),
        }
    }
    match (readings.is_empty(), wrong.is_empty()) {
        (true, false) => Err(wrong.remove(0)),
        _ => {
            left_out.append(&mut wrong);
            Ok(readings)
        }
    }
}

/// Reads the results of several files, with messages about what is left out.
///
/// # Errors
/// [`Error::Invalid`] with every unreadable file.
pub(crate) fn read_all<P: AsRef<Path>>(paths: &[P]) -> Result<(Vec<Reading>, Vec<Problem>), Error> {
    let (mut readings, mut problems, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for path in paths {
        match read(path.as_ref(), &mut left_out) {
            Ok(read) => readings.extend(read),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok((readings, left_out))
    } else {
        Err(Error::Invalid(problems))
    }
}

/// Recognises the tool by the document's structure.
fn reading(place: &str, document: Value) -> Result<Vec<Reading>, Wrong> {
    let known = "goodput reads result files of `goodput serve` and `vllm bench serve`, sglang's \
    bench_serving, guidellm's benchmarks.json, and aiperf's profile_export_aiperf.json";
    let Value::Object(document) = document else {
        return Err(vec![format!("is not a JSON object. {known}")]);
    };
    if document.contains_key("goodput_shard") {
        let fix = "is one shard of a run. Use `goodput merge` with the files of all its shards";
        return Err(vec![fix.to_owned()]);
    }
    if let Some(reader) = Reader::of(&document) {
        return reader.read(place, &document);
    }
    if own::is_one(&document) {
        return Ok(vec![own::reading(place, document)?]);
    }
    Err(vec![format!("is not a known result format. {known}")])
}
