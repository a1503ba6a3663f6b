//! CSV: a head, a line a request. A list is one cell of JSON.

use super::columns::{COLUMNS, Column, Row};
use crate::report::Report;
use csv::Writer;
use serde_json::json;
use std::io::{self, Write};

pub(super) fn write(into: impl Write, report: &Report) -> io::Result<()> {
    let mut writer = Writer::from_writer(into);
    writer.write_record(COLUMNS.iter().map(|(name, _)| name))?;
    for row in Row::all(report) {
        writer.write_record(COLUMNS.iter().map(|(_, column)| cell(column, &row)))?;
    }
    writer.flush()
}

fn cell(column: &Column, row: &Row<'_>) -> String {
    let text = match column {
        Column::Whole(value) => value(row).map(|whole| whole.to_string()),
        Column::Number(value) => value(row).map(|number| json!(number).to_string()),
        Column::Truth(value) => Some(value(row).to_string()),
        Column::Text(value) => value(row).map(|text| plain(&text)),
        Column::Numbers(value) => Some(json!(value(row)).to_string()),
    };
    text.unwrap_or_default()
}

/// A text that is nothing but a text, on one line: a spreadsheet takes `=1+1` for a formula.
fn plain(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if line.trim_start().starts_with(['=', '+', '-', '@']) {
        format!("'{line}")
    } else {
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::Criteria,
        metrics::testing::{record, run_of},
        record::RequestError,
        report::testing::{failing_run, report},
    };
    use csv::{ReaderBuilder, StringRecord};
    use proptest::prelude::*;

    fn written(report: &Report) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, report).unwrap();
        bytes
    }

    #[test]
    fn a_line_a_request() {
        let text = String::from_utf8(written(&report(failing_run(), Criteria::default()))).unwrap();
        let first: Vec<_> = text.lines().take(5).collect();
        insta::assert_snapshot!(first.join("\n"));
        let lines = ReaderBuilder::new()
            .from_reader(text.as_bytes())
            .into_records();
        assert_eq!(lines.count(), 12);
    }

    #[test]
    fn no_text_is_a_formula_or_moves_a_cursor() {
        assert_eq!(plain("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
        for sign in ["+1", "-1", "@a", "\t=1", "\r=1", " =1"] {
            let said = plain(sign);
            assert!(said.starts_with('\''), "{said:?}");
        }
        assert_eq!(plain("a=1\n\u{1b}[31m"), "a=1  [31m");
    }

    proptest! {
        /// Whatever servers say stays in its cell.
        #[test]
        fn texts_come_back(message in "[\"',;\r\n\\\\ a-c\u{e9}]{0,30}", finish in "[\",\n]{0,4}") {
            let mut odd = record(0, &[10, 30], 2);
            odd.error = Some(RequestError::Server { message: message.clone() });
            odd.finish = Some(finish.clone());
            let bytes = written(&report(run_of(vec![odd, record(5, &[9], 1)]), Criteria::default()));
            let mut reader = ReaderBuilder::new().from_reader(bytes.as_slice());
            let head = reader.headers().unwrap().clone();
            let rows: Vec<StringRecord> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(rows.len(), 2);
            let cell = |row: usize, name: &str| {
                let place = head.iter().position(|other| other == name).unwrap();
                rows[row][place].to_owned()
            };
            let on_one_line = |text: &str| text.replace(['\r', '\n'], " ");
            let error = format!("error event in the stream: {}", on_one_line(&message));
            prop_assert_eq!(cell(0, "error"), error);
            prop_assert_eq!(cell(0, "finish_reason"), on_one_line(&finish));
            prop_assert_eq!(cell(0, "itl_ms"), "[20.0]");
            prop_assert_eq!(cell(1, "ttft_ms"), "4.0");
        }
    }
}
