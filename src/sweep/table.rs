//! The table of a sweep: what varied, and the numbers of each case.

use super::axes::{Point, shown};
use crate::judge::number;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A case in the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) point: Point,
    /// The keys of its result file; `None` if it has none.
    pub(crate) result: Option<Map<String, Value>>,
    /// `pass`, `no verdict`, `fail`, `inconclusive`, `invalid` or `error`.
    pub(crate) verdict: String,
    /// The name of its result file.
    pub(crate) file: String,
}

/// All cases of a sweep, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
}

/// The numbers that people see: the heading, and the key of the result file.
const NUMBERS: [(&str, &str); 9] = [
    ("completed", "completed"),
    ("req/s", "request_throughput"),
    ("tok/s", "output_throughput"),
    ("mean TTFT", "mean_ttft_ms"),
    ("median TTFT", "median_ttft_ms"),
    ("p99 TTFT", "p99_ttft_ms"),
    ("mean TPOT", "mean_tpot_ms"),
    ("mean ITL", "mean_itl_ms"),
    ("mean E2EL", "mean_e2el_ms"),
];

impl Table {
    /// The table for a terminal; times are in milliseconds.
    pub(crate) fn text(&self) -> String {
        let lines = self.lines();
        let columns = lines.first().map_or(0, Vec::len);
        let width = |column: usize| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for line in &lines {
            let cells = line.iter().zip(&widths).map(|(cell, width)| {
                let missing = " ".repeat(width - cell.chars().count());
                format!("{missing}{cell}")
            });
            text += &format!("  {}\n", cells.collect::<Vec<_>>().join("  "));
        }
        text + "  times are in milliseconds\n"
    }

    /// The table in GitHub's Markdown.
    pub(crate) fn markdown(&self) -> String {
        let row = |cells: &[String]| {
            let cells = cells.iter().map(|cell| cell.replace('|', "\\|"));
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let lines = self.lines();
        let mut text = String::new();
        for (place, line) in lines.iter().enumerate() {
            text += &row(line);
            if place == 0 {
                text += &format!("|{}\n", "---:|".repeat(line.len()));
            }
        }
        text + "\nTimes are in milliseconds.\n"
    }

    /// Every number of every case: the keys of the result files, what varied, the files, and the verdicts.
    pub(crate) fn csv(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            let mut cells = row.result.clone().unwrap_or_default();
            cells.retain(|_, value| !value.is_object() && !value.is_array());
            for (key, value) in &row.point {
                let key = key.replace('-', "_");
                match key.as_str() {
                    "random_input_len" => cells.insert("input_len".to_owned(), value.clone()),
                    "random_output_len" => cells.insert("output_len".to_owned(), value.clone()),
                    // What a case was asked for may be missing in a case without a result.
                    _ if cells.contains_key(&key) => None,
                    _ => cells.insert(key, value.clone()),
                };
            }
            cells
        });
        let mut rows: Vec<Map<String, Value>> = rows.collect();
        let all: Map<String, Value> = rows
            .iter()
            .flat_map(Map::keys)
            .map(|key| (key.clone(), Value::Null))
            .collect();
        for (cells, row) in rows.iter_mut().zip(&self.rows) {
            let of_case = std::mem::replace(cells, all.clone());
            cells.extend(of_case);
            cells.insert("filename".to_owned(), row.file.as_str().into());
            cells.insert("verdict".to_owned(), row.verdict.as_str().into());
        }
        frame(&rows, false)
    }

    /// The heading and a line for each case.
    fn lines(&self) -> Vec<Vec<String>> {
        let varying = self.varying();
        let has = |key: &str| {
            let mut results = self.rows.iter().filter_map(|row| row.result.as_ref());
            results.any(|result| result.get(key).is_some_and(Value::is_number))
        };
        let numbers: Vec<_> = NUMBERS.into_iter().filter(|(_, key)| has(key)).collect();
        let heads = numbers.iter().map(|(head, _)| (*head).to_owned());
        let head = varying.iter().cloned().chain(heads);
        let mut lines = vec![head.chain(["verdict".to_owned()]).collect::<Vec<_>>()];
        for row in &self.rows {
            let of_point = |key: &String| {
                let value = row.point.iter().find(|(other, _)| other == key);
                value.map_or_else(String::new, |(_, value)| shown(value))
            };
            let of_result = |(_, key): &(&str, &str)| {
                let value = row.result.as_ref().and_then(|result| result.get(*key));
                match value {
                    Some(value) if value.is_u64() => value.to_string(),
                    Some(value) => number(value.as_f64().unwrap_or(f64::NAN)),
                    None => "-".to_owned(),
                }
            };
            let cells = varying.iter().map(of_point);
            let cells = cells.chain(numbers.iter().map(of_result));
            lines.push(cells.chain([row.verdict.clone()]).collect());
        }
        lines
    }

    /// The settings that differ between cases; of a single case, all of its settings.
    fn varying(&self) -> Vec<String> {
        let mut keys: Vec<&String> = Vec::new();
        for (key, _) in self.rows.iter().flat_map(|row| &row.point) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let differs = |key: &&String| {
            let of = |row: &Row| {
                let value = row.point.iter().find(|(other, _)| other == *key);
                value.map(|(_, value)| value.to_string())
            };
            self.rows.iter().map(of).collect::<BTreeSet<_>>().len() > 1
        };
        let varying: Vec<String> = keys.iter().copied().filter(differs).cloned().collect();
        if varying.is_empty() {
            return keys.into_iter().cloned().collect();
        }
        varying
    }
}

/// Rows as CSV, whose columns are all keys in the order in which they first appear. With an `index`, the first column
/// numbers the rows and has no name, as pandas writes a frame.
pub(crate) fn frame(rows: &[Map<String, Value>], index: bool) -> String {
    let mut columns: Vec<&String> = Vec::new();
    for key in rows.iter().flat_map(Map::keys) {
        if !columns.contains(&key) {
            columns.push(key);
        }
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let number = index.then(String::new);
    let head = number
        .into_iter()
        .chain(columns.iter().map(|key| (*key).clone()));
    // Nothing can fail in memory.
    let _ = writer.write_record(head);
    for (place, row) in rows.iter().enumerate() {
        let cell = |key: &&String| match row.get(*key) {
            None | Some(Value::Null) => String::new(),
            Some(value) => shown(value),
        };
        let number = index.then(|| place.to_string());
        let _ = writer.write_record(number.into_iter().chain(columns.iter().map(cell)));
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(clients: u64, result: Value, verdict: &str) -> Row {
        Row {
            point: vec![
                ("random-input-len".to_owned(), json!(256)),
                ("max-concurrency".to_owned(), json!(clients)),
            ],
            result: result.as_object().cloned(),
            verdict: verdict.to_owned(),
            file: format!("c{clients}.json"),
        }
    }

    fn table() -> Table {
        let result = json!({
            "label": null, "max_concurrency": 1, "completed": 10, "request_throughput": 2.5, "mean_ttft_ms": 81.25,
            "goodput": {"schema": 1}, "latencies": [0.1]
        });
        Table {
            rows: vec![row(1, result, "pass"), row(4, Value::Null, "error")],
        }
    }

    #[test]
    fn people_see_what_varies_and_the_numbers_that_there_are() {
        insta::assert_snapshot!(table().text(), @r"
          max-concurrency  completed  req/s  mean TTFT  verdict
                        1         10   2.50      81.25     pass
                        4          -      -          -    error
          times are in milliseconds
        ");
        insta::assert_snapshot!(table().markdown(), @r"
        | max-concurrency | completed | req/s | mean TTFT | verdict |
        |---:|---:|---:|---:|---:|
        | 1 | 10 | 2.50 | 81.25 | pass |
        | 4 | - | - | - | error |

        Times are in milliseconds.
        ");
    }

    #[test]
    fn a_file_has_every_number() {
        insta::assert_snapshot!(table().csv(), @r"
        label,max_concurrency,completed,request_throughput,mean_ttft_ms,input_len,filename,verdict
        ,1,10,2.5,81.25,256,c1.json,pass
        ,4,,,,256,c4.json,error
        ");
    }

    #[test]
    fn a_frame_is_numbered_and_quoted() {
        let rows = [json!({"a": "x,\"y\""}), json!({"b": {"c": 1}, "a": null})];
        let rows: Vec<_> = rows
            .iter()
            .map(|row| row.as_object().unwrap().clone())
            .collect();
        insta::assert_snapshot!(frame(&rows, true), @r#"
        ,a,b
        0,"x,""y""",
        1,,"{""c"":1}"
        "#);
    }
}
