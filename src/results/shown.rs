//! Formats results.

use super::reading::{Imported, Origin, Own, Reading};
use crate::report::{self, Exhibit, Line, SCHEMA};
use serde_json::{Value, json};
use std::fmt::Write;

/// Formats each result as `goodput serve` prints its run, byte by byte; with several results, each has its
/// place below.
pub(crate) fn text(readings: &[Reading]) -> String {
    let one = |reading: &Reading| match readings {
        [_] => printed(reading),
        _ => format!("{}:\n{}", reading.place, printed(reading)),
    };
    readings.iter().map(one).collect::<Vec<_>>().join("\n\n")
}

fn printed(reading: &Reading) -> String {
    let table = report::table(&reading.first_errors, &reading.lines());
    match &reading.origin {
        Origin::Vllm => table,
        Origin::Goodput(own) => report::printed(own.facts.simulated, &table, &below(own)),
        Origin::Other(imported) => report::printed(false, &table, &[differences(imported)]),
    }
}

fn below(own: &Own) -> Vec<String> {
    let lines = own.facts.client.iter().map(|(label, text)| (label, text));
    let client = report::client_text(lines);
    let evidence = report::evidence(&own.facts.judgement());
    [client, evidence]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect()
}

/// Formats the differences from goodput's definitions.
fn differences(imported: &Imported) -> String {
    let name = format!("{} {}", imported.tool, imported.version);
    let mut text = format!(
        "  read from   {}: its numbers under vLLM's names. Where they differ from goodput's:",
        name.trim_end()
    );
    for remark in &imported.remarks {
        let _ = write!(text, "\n    {}: {}", remark.on, remark.text);
    }
    for left in &imported.left_out {
        let _ = write!(text, "\n    left out `{}`: {}", left.on, left.text);
    }
    let unknown = &imported.not_understood;
    if !unknown.is_empty() {
        let (count, names) = (unknown.len(), unknown.join(", "));
        let _ = write!(text, "\n    not understood ({count}): {names}");
    }
    text
}

impl Reading {
    fn lines(&self) -> Vec<Line> {
        report::lines(&self.values, self.failed)
    }

    fn verdict(&self) -> Option<String> {
        match &self.origin {
            Origin::Goodput(own) => Some(own.facts.verdict.to_string()),
            Origin::Vllm | Origin::Other(_) => None,
        }
    }
}

/// Formats one table with a row per number and a column per result, and the notes on other tools.
pub(crate) fn markdown(readings: &[Reading]) -> String {
    let columns: Vec<Vec<(String, String)>> = readings.iter().map(rows).collect();
    let labels = merged(&columns);
    let mut text = "| |".to_owned();
    for reading in readings {
        let _ = write!(text, " {} |", report::plain(&reading.place));
    }
    text += "\n|---|";
    text += &"---:|".repeat(readings.len());
    for label in labels {
        let _ = write!(text, "\n| {} |", report::plain(label));
        for rows in &columns {
            let value = rows.iter().find(|(other, _)| other == label);
            let value = value.map_or("–", |(_, value)| value);
            let _ = write!(text, " {value} |");
        }
    }
    for reading in readings {
        if let Origin::Other(imported) = &reading.origin {
            let place = report::plain(&reading.place);
            let _ = write!(text, "\n\n{place}:\n");
            for line in differences(imported).lines() {
                let _ = write!(text, "\n* {}", report::plain(line.trim()));
            }
        }
    }
    text + "\n"
}

/// Merges all labels; one that only some columns have comes after its predecessor there.
fn merged(columns: &[Vec<(String, String)>]) -> Vec<&str> {
    let mut labels: Vec<&str> = Vec::new();
    for column in columns {
        let mut next = 0;
        for (label, _) in column {
            let place = labels.iter().position(|other| other == label);
            if place.is_none() {
                labels.insert(next, label);
            }
            next = place.unwrap_or(next) + 1;
        }
    }
    labels
}

fn rows(reading: &Reading) -> Vec<(String, String)> {
    let row = |line| match line {
        Line::Value(label, value) => Some((label, value)),
        Line::Title(_) | Line::Head(_) => None,
    };
    let lines = reading.lines().into_iter().filter_map(row);
    let verdict = reading
        .verdict()
        .map(|verdict| ("Verdict".to_owned(), verdict));
    lines.chain(verdict).collect()
}

/// Formats a page with charts; the results share their figures.
pub(crate) fn html(readings: &[Reading]) -> String {
    let exhibits: Vec<Exhibit> = readings.iter().map(exhibit).collect();
    report::page(&exhibits, true)
}

fn exhibit(reading: &Reading) -> Exhibit {
    let (lines, text) = (reading.lines(), printed(reading));
    match &reading.origin {
        Origin::Goodput(own) => Exhibit::of_facts(&reading.place, own.facts.clone(), text),
        Origin::Vllm => Exhibit::of_lines(&reading.place, lines, Vec::new(), text),
        Origin::Other(imported) => {
            let notes = differences(imported);
            let notes = notes.lines().map(|line| line.trim().to_owned()).collect();
            Exhibit::of_lines(&reading.place, lines, notes, text)
        }
    }
}

/// Formats each result as a line of JSON with vLLM's keys, and the differences if another tool wrote it.
pub(crate) fn json(readings: &[Reading]) -> String {
    let line = |reading: &Reading| {
        let mut values = reading.values.clone();
        let ours = match &reading.origin {
            Origin::Vllm => None,
            Origin::Goodput(own) => Some(own.whole.clone()),
            Origin::Other(imported) => Some(json!({"schema": SCHEMA, "imported": imported})),
        };
        values.extend(ours.map(|ours| ("goodput".to_owned(), ours)));
        Value::Object(values).to_string()
    };
    readings.iter().map(line).collect::<Vec<_>>().join("\n")
}
