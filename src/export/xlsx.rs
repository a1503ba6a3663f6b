//! Workbooks for spreadsheets, with the sheets `Summary` and `Raw data` as in vLLM's multi-turn script.

use super::columns::{COLUMNS, Column, Row};
use crate::report::{Description, MultiTurn, Report, TurnStats};
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use std::{fs::File, io};

/// Characters that fit into a cell.
const LONGEST: usize = 32_767;

/// Rows that fit into a sheet, the head included.
const ROWS: usize = 1_048_576;

/// What is in a cell.
enum Cell {
    Empty,
    Text(String),
    Number(f64),
    Truth(bool),
}

/// A table with a head.
struct Table {
    head: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

/// Writes the requests of a run, as the other formats have them. Lists do not fit into cells, and are left out.
pub(super) fn write(file: &mut File, report: &Report) -> io::Result<()> {
    let rows = Row::all(report);
    let columns = COLUMNS.iter();
    let columns = columns.filter(|(_, column)| !matches!(column, Column::Numbers(_)));
    let columns: Vec<&(&str, Column)> = columns.collect();
    let raw = Table {
        head: columns.iter().map(|(name, _)| (*name).to_owned()).collect(),
        rows: rows
            .iter()
            .map(|row| {
                columns
                    .iter()
                    .map(|(_, column)| cell(column, row))
                    .collect()
            })
            .collect(),
    };
    let measured = columns.iter().filter(|(name, column)| {
        matches!(column, Column::Number(_)) && name.ends_with("_ms")
            || matches!(column, Column::Whole(_)) && name.ends_with("tokens")
    });
    let numbers = measured.map(|(name, column)| {
        let number = |row: &Row<'_>| match column {
            Column::Number(value) => value(row),
            Column::Whole(value) => value(row).map(|whole| whole as f64),
            _ => None,
        };
        let values = rows.iter().map(|row| number(row).unwrap_or(f64::NAN));
        (*name, values.collect())
    });
    let description = Description::of(numbers.collect(), rows.len());
    let setup = &report.run().setup;
    let parameters = [
        ("bench", setup.name.clone()),
        ("backend", setup.backend.clone()),
        ("target", setup.target.clone()),
        ("model", report.model().to_owned()),
        ("seed", setup.seed.to_string()),
        ("requests", rows.len().to_string()),
    ];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value));
    let mut summary = vec![(0, pairs(&parameters))];
    summary.push((4, described(&description)));
    book(file, &summary, &raw)
}

/// Writes the results of a run of conversations, each table in the place that it has in the script's workbook.
pub(super) fn write_multi_turn(file: &mut File, results: &MultiTurn) -> io::Result<()> {
    let mut summary = vec![(0, pairs(&results.parameters))];
    let mut row = 4;
    if !results.generation.is_empty() {
        summary.push((row - 1, pairs(&results.generation)));
        row += 4;
    }
    for part in &results.parts {
        let numbers = Table {
            head: part
                .numbers
                .iter()
                .map(|(name, _)| (*name).to_owned())
                .collect(),
            rows: vec![
                part.numbers
                    .iter()
                    .map(|(_, value)| number(*value))
                    .collect(),
            ],
        };
        summary.push((row, numbers));
        row += 3;
        let lines = part.description.rows.len();
        summary.push((row, described(&part.description)));
        row += lines as u32 + 3;
    }
    let pauses = results.pauses();
    let mut head: Vec<&str> = RAW.iter().map(|(name, _)| *name).collect();
    head.extend(results.verbose.then_some("time_between_user_turns_sec"));
    head.push("end_time_ms");
    let raw = results.requests.iter().zip(pauses).map(|(request, pause)| {
        let mut cells: Vec<Cell> = RAW.iter().map(|(_, of)| of(request)).collect();
        cells.extend(results.verbose.then(|| number(pause)));
        cells.push(number(request.start_time_ms + request.latency_ms));
        cells
    });
    let raw = Table {
        rows: raw.collect(),
        head: head.into_iter().map(str::to_owned).collect(),
    };
    book(file, &summary, &raw)
}

/// A column of the script's raw data: its name, and a request's value.
type RawColumn = (&'static str, fn(&TurnStats) -> Cell);

const RAW: [RawColumn; 12] = [
    ("ttft_ms", |row| number(row.ttft_ms)),
    ("tpot_ms", |row| number(row.tpot_ms)),
    ("latency_ms", |row| number(row.latency_ms)),
    ("start_time_ms", |row| number(row.start_time_ms)),
    ("input_num_turns", |row| number(row.input_num_turns as f64)),
    ("input_num_tokens", |row| {
        number(row.input_num_tokens as f64)
    }),
    ("output_num_tokens", |row| {
        number(row.output_num_tokens as f64)
    }),
    ("output_num_chunks", |row| {
        number(row.output_num_chunks as f64)
    }),
    ("output_num_first_chunk_tokens", |row| {
        number(row.output_num_first_chunk_tokens as f64)
    }),
    ("approx_cached_percent", |row| {
        number(row.approx_cached_percent)
    }),
    ("conversation_id", |row| {
        Cell::Text(row.conversation_id.clone())
    }),
    ("client_id", |row| number(row.client_id as f64)),
];

fn cell(column: &Column, row: &Row<'_>) -> Cell {
    let cell = match column {
        Column::Whole(value) => value(row).map(|whole| number(whole as f64)),
        Column::Number(value) => value(row).map(number),
        Column::Truth(value) => Some(Cell::Truth(value(row))),
        Column::Text(value) => value(row).map(Cell::Text),
        Column::Numbers(_) => None,
    };
    cell.unwrap_or(Cell::Empty)
}

/// A number; a cell without one is empty.
fn number(number: f64) -> Cell {
    if number.is_finite() {
        Cell::Number(number)
    } else {
        Cell::Empty
    }
}

/// Names in the head, values in one row. Whole numbers are numbers.
fn pairs(pairs: &[(String, String)]) -> Table {
    let value = |text: &String| match text.parse::<u32>() {
        Ok(whole) => Cell::Number(f64::from(whole)),
        Err(_) => Cell::Text(text.clone()),
    };
    Table {
        head: pairs.iter().map(|(name, _)| name.clone()).collect(),
        rows: vec![pairs.iter().map(|(_, text)| value(text)).collect()],
    }
}

fn described(description: &Description) -> Table {
    let names = description.statistics.iter().cloned();
    let row = |(name, values): &(String, Vec<f64>)| {
        let values = values.iter().map(|value| number(*value));
        std::iter::once(Cell::Text(name.clone()))
            .chain(values)
            .collect()
    };
    Table {
        head: std::iter::once(String::new()).chain(names).collect(),
        rows: description.rows.iter().map(row).collect(),
    }
}

fn book(file: &mut File, summary: &[(u32, Table)], raw: &Table) -> io::Result<()> {
    if raw.rows.len() >= ROWS {
        let rows = raw.rows.len();
        return Err(io::Error::other(format!(
            "a sheet has {ROWS} rows at most, and the run has {rows} requests; write .csv or .parquet"
        )));
    }
    let write = || {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet().set_name("Summary")?;
        for (row, table) in summary {
            fill(sheet, *row, table)?;
        }
        fill(workbook.add_worksheet().set_name("Raw data")?, 0, raw)?;
        workbook.save_to_writer(file)
    };
    write().map_err(|e: XlsxError| io::Error::other(e))
}

fn fill(sheet: &mut Worksheet, from: u32, table: &Table) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    for (column, name) in table.head.iter().enumerate() {
        if !name.is_empty() {
            sheet.write_string_with_format(from, column as u16, name, &bold)?;
        }
    }
    for (row, cells) in (from + 1..).zip(&table.rows) {
        for (column, cell) in (0..).zip(cells) {
            match cell {
                Cell::Empty => continue,
                Cell::Text(text) => {
                    let text: String = text.chars().take(LONGEST / 2).collect();
                    sheet.write_string(row, column, text)?
                }
                Cell::Number(number) => sheet.write_number(row, column, *number)?,
                Cell::Truth(truth) => sheet.write_boolean(row, column, *truth)?,
            };
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::Criteria,
        metrics::testing::{record, run_of},
        record::TurnId,
        report::{
            testing::{failing_run, report},
            turn_stats,
        },
    };
    use calamine::{Data, Reader, Xlsx, open_workbook_from_rs};
    use std::io::{Cursor, Read, Seek};

    /// What another library reads of the sheets, row by row from the first cell on.
    fn read(write: impl FnOnce(&mut File) -> io::Result<()>) -> [Vec<Vec<Data>>; 2] {
        let mut file = tempfile::tempfile().unwrap();
        write(&mut file).unwrap();
        file.rewind().unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        let mut book: Xlsx<_> = open_workbook_from_rs(Cursor::new(bytes)).unwrap();
        assert_eq!(book.sheet_names(), ["Summary", "Raw data"]);
        ["Summary", "Raw data"].map(|name| {
            let range = book.worksheet_range(name).unwrap();
            range.rows().map(<[Data]>::to_vec).collect()
        })
    }

    #[test]
    fn the_requests_of_a_run_come_back() {
        let report = report(failing_run(), Criteria::default());
        let [summary, raw] = read(|file| write(file, &report));
        assert_eq!(raw.len(), 1 + report.run().records.len());
        assert_eq!(summary[0][0], Data::String("bench".into()));
        let place = |name: &str| {
            let name = Data::String(name.into());
            raw[0].iter().position(|cell| *cell == name).unwrap()
        };
        let lists = Data::String("itl_ms".into());
        assert!(!raw[0].contains(&lists));
        for (row, record) in raw[1..].iter().zip(&report.run().records) {
            assert_eq!(row[place("index")], Data::Float(record.index as f64));
            let output = record.output.tokens as f64;
            assert_eq!(row[place("output_tokens")], Data::Float(output));
            let failed = record.error.is_some();
            assert_eq!(row[place("error_kind")] != Data::Empty, failed);
        }
        let described: Vec<&Data> = summary[5..].iter().map(|row| &row[0]).collect();
        assert!(described.contains(&&Data::String("ttft_ms".into())));
    }

    #[test]
    fn tables_of_conversations_are_where_the_script_puts_them() {
        let turn = |number: usize| {
            let mut record = record(number as u64 * 1_000, &[10, 20, 30], 3);
            record.index = number;
            record.turn = Some(Box::new(TurnId {
                session: 0,
                name: "CONV_ID_0".into(),
                number,
            }));
            record
        };
        let run = run_of((0..4).map(turn).collect());
        let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let results = MultiTurn::new(
            pair("num_clients", "2"),
            pair("text_files", "a.txt"),
            turn_stats(&run, 2),
            &[0.5, 0.0],
            true,
        );
        let [summary, raw] = read(|file| write_multi_turn(file, &results));
        let text = |text: &str| Data::String(text.into());
        assert_eq!(summary[0][0], text("num_clients"));
        assert_eq!(summary[1][0], Data::Float(2.0));
        assert_eq!(summary[3][0], text("text_files"));
        assert_eq!(summary[8][0], text("runtime_sec"));
        assert_eq!(summary[11][1], text("count"));
        assert_eq!(
            (&summary[12][0], &summary[12][1]),
            (&text("ttft_ms"), &Data::Float(4.0))
        );
        // Eight rows, and two between the parts.
        assert_eq!(summary[22][0], text("runtime_sec"));
        assert_eq!(summary[26][1], Data::Float(2.0));
        let head: Vec<String> = raw[0].iter().map(ToString::to_string).collect();
        assert_eq!(head.len(), 14);
        assert_eq!(head[12..], ["time_between_user_turns_sec", "end_time_ms"]);
        assert_eq!(raw.len(), 5);
        assert_eq!(raw[1][12], Data::Empty);
        assert_eq!(raw[1][10], text("CONV_ID_0"));
    }
}
