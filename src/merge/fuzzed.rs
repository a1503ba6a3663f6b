//! Merges files as they are in memory: for fuzzing.

use super::{Merged, file::Reader, joined};
use crate::report::Outcome;
use std::{io::Cursor, path::Path, time::Duration};

/// Merges the files in the bytes, which have an empty line between them.
pub(crate) fn fuzzed(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let files = text.split("\n\n").filter_map(|file| {
        let bytes = format!("{file}\n").into_bytes();
        let size = bytes.len() as u64;
        Reader::of(Path::new("fuzz"), Box::new(Cursor::new(bytes)), size).ok()
    });
    if let Ok(Merged { report, .. }) = joined(files.collect()) {
        drop(Outcome::of("fuzz", &report, Duration::ZERO));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Verdict;
    use serde_json::{Number, Value};

    const FILES: [&str; 2] = [
        include_str!("../../fixtures/shards/shard-0-of-2.json"),
        include_str!("../../fixtures/shards/shard-1-of-2.json"),
    ];

    /// The files of a real run.
    fn read(files: &[String]) -> Vec<Reader> {
        let reader = |file: &String| {
            let size = file.len() as u64;
            Reader::of(Path::new("file"), Box::new(Cursor::new(file.clone())), size)
        };
        files.iter().map(|file| reader(file).unwrap()).collect()
    }

    #[test]
    fn files_of_a_real_run_are_merged() {
        let report = joined(read(&FILES.map(str::to_owned))).unwrap().report;
        assert_eq!(report.run().records.len(), 16);
        assert_eq!(report.metrics().counts.failed, 1);
        assert_ne!(report.verdict(), Verdict::Invalid, "{}", report.reasons());
    }

    fn numbers(value: &mut Value) -> Vec<&mut Value> {
        match value {
            Value::Number(_) => vec![value],
            Value::Array(values) => values.iter_mut().flat_map(numbers).collect(),
            Value::Object(values) => values.values_mut().flat_map(numbers).collect(),
            _ => Vec::new(),
        }
    }

    /// Neither a panic nor memory for what a heading promises.
    #[test]
    fn any_number_of_a_file_may_be_any_number() {
        let extremes = [
            Number::from(0),
            Number::from(-1),
            Number::from(u64::MAX),
            Number::from(i64::MIN),
            Number::from(1_u64 << 40),
            Number::from_f64(1e308).unwrap(),
        ];
        let mut lines: Vec<Value> = FILES[1]
            .lines()
            .take(3)
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let rest: Vec<&str> = FILES[1].lines().skip(3).collect();
        for line in 0..lines.len() {
            for place in 0..numbers(&mut lines[line]).len() {
                for extreme in &extremes {
                    let mut changed = lines.clone();
                    *numbers(&mut changed[line])[place] = Value::Number(extreme.clone());
                    let changed: Vec<String> = changed.iter().map(Value::to_string).collect();
                    let file = [changed.join("\n"), rest.join("\n")].join("\n");
                    fuzzed(format!("{}\n{file}", FILES[0]).as_bytes());
                }
            }
        }
    }
}
