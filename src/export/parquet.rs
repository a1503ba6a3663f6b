//! Parquet, compressed by Snappy.

use super::columns::{COLUMNS, Column, Row, SCHEMA};
use crate::report::Report;
use parquet::{
    basic::Compression,
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use std::{fs::File, io, sync::Arc};

/// Rows that are gone through at a time.
const ROWS: usize = 65_536;

pub(super) fn write(file: &mut File, report: &Report) -> io::Result<()> {
    write_groups(file, report).map_err(io::Error::other)
}

fn write_groups(file: &mut File, report: &Report) -> Result<(), ParquetError> {
    let schema = Arc::new(parse_message_type(&schema())?);
    let version = KeyValue::new("goodput_requests".to_owned(), SCHEMA.to_string());
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(format!("goodput {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(vec![version]));
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build()))?;
    for rows in Row::all(report).chunks(ROWS) {
        let mut group = writer.next_row_group()?;
        for (_, column) in COLUMNS {
            match column {
                Column::Whole(value) => {
                    let whole = |row| value(row).map(|n| i64::try_from(n).unwrap_or(i64::MAX));
                    optional::<Int64Type>(&mut group, rows.iter().map(whole))?;
                }
                Column::Number(value) => {
                    optional::<DoubleType>(&mut group, rows.iter().map(value))?
                }
                Column::Truth(value) => {
                    let truth = |row| Some(value(row));
                    optional::<BoolType>(&mut group, rows.iter().map(truth))?;
                }
                Column::Text(value) => {
                    let text = |row| value(row).map(|text| ByteArray::from(text.into_bytes()));
                    optional::<ByteArrayType>(&mut group, rows.iter().map(text))?;
                }
                Column::Numbers(value) => lists(&mut group, rows.iter().map(value))?,
            }
        }
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

fn schema() -> String {
    let field = |(name, column): &(&str, Column)| match column {
        Column::Whole(_) => format!("optional int64 {name};"),
        Column::Number(_) => format!("optional double {name};"),
        Column::Truth(_) => format!("optional boolean {name};"),
        Column::Text(_) => format!("optional binary {name} (UTF8);"),
        Column::Numbers(_) => format!(
            "required group {name} (LIST) {{ repeated group list {{ required double element; }} }}"
        ),
    };
    let fields: String = COLUMNS.iter().map(field).collect();
    format!("message requests {{ {fields} }}")
}

/// A column of values, some of which are missing.
fn optional<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, &mut File>,
    cells: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let (mut values, mut present) = (Vec::new(), Vec::new());
    for cell in cells {
        present.push(i16::from(cell.is_some()));
        values.extend(cell);
    }
    column::<T>(group, &values, &present, None)
}

/// A column of lists: a value is the first of its list or not; an empty list has a place without a value.
fn lists(
    group: &mut SerializedRowGroupWriter<'_, &mut File>,
    lists: impl Iterator<Item = Vec<f64>>,
) -> Result<(), ParquetError> {
    let (mut values, mut present, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
    for list in lists {
        if list.is_empty() {
            present.push(0);
            repeated.push(0);
        }
        for place in 0..list.len() {
            present.push(1);
            repeated.push(i16::from(place > 0));
        }
        values.extend(list);
    }
    column::<DoubleType>(group, &values, &present, Some(&repeated))
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, &mut File>,
    values: &[T::T],
    present: &[i16],
    repeated: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("there are fewer columns than values".to_owned());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column
        .typed::<T>()
        .write_batch(values, Some(present), repeated)?;
    column.close()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        export::Export,
        judge::Criteria,
        metrics::testing::{record, run_of},
        report::testing::{failing_run, report},
        run::Run,
    };
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn round_trip(run: Run) -> Vec<Value> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("requests.parquet");
        let export = Export::to("", &path).unwrap();
        export.write(&report(run, Criteria::default())).unwrap();
        let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
        let metadata = reader
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .unwrap();
        assert_eq!(metadata[0].key, "goodput_requests");
        let rows = reader.into_iter().map(|row| row.unwrap().to_json_value());
        rows.collect()
    }

    /// What is in the Parquet file is what is in the CSV file.
    #[cfg(feature = "csv")]
    #[test]
    fn both_formats_hold_the_same() {
        let rows = round_trip(failing_run());
        let mut bytes = Vec::new();
        super::super::csv::write(&mut bytes, &report(failing_run(), Criteria::default())).unwrap();
        let mut reader = ::csv::ReaderBuilder::new().from_reader(bytes.as_slice());
        let lines: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!((rows.len(), lines.len()), (12, 12));
        for (row, line) in rows.iter().zip(&lines) {
            for ((name, _), cell) in COLUMNS.iter().zip(line) {
                let value = match &row[*name] {
                    Value::Null => String::new(),
                    // There it is on one line.
                    Value::String(text) => text.replace('\n', " "),
                    other => other.to_string(),
                };
                assert_eq!(value, cell, "{name}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn lists_of_any_length_come_back(runs in prop::collection::vec(prop::collection::vec(1_u64..50, 0..6), 0..5)) {
            let events = |gaps: &Vec<u64>| {
                let later = gaps.iter().scan(10, |at, gap| { *at += gap; Some(*at) });
                std::iter::once(10).chain(later).collect::<Vec<u64>>()
            };
            let records = runs.iter().map(|gaps| record(0, &events(gaps), 1)).collect();
            let rows = round_trip(run_of(records));
            let read: Vec<&Value> = rows.iter().map(|row| &row["itl_ms"]).collect();
            let expected: Vec<Value> = runs.iter().map(|gaps| json!(gaps.iter().map(|gap| *gap as f64).collect::<Vec<_>>())).collect();
            prop_assert_eq!(read, expected.iter().collect::<Vec<_>>());
        }
    }
}
