//! Traces as comma-separated values: plain cells, none of them in quotes.

use super::complaints::{self, Complaints};
use crate::plan::PlanError;
use goodput_grammar::bounds;
use std::path::Path;

/// A line's cells of the columns that were asked for, in that order.
pub(super) struct Line<'a, const N: usize> {
    /// `line 3`
    pub(super) place: String,
    pub(super) cells: [&'a str; N],
}

/// The names in a file's first line.
pub(super) fn header(text: &str) -> Vec<&str> {
    let first = text.lines().next().unwrap_or_default();
    first.split(',').map(str::trim).collect()
}

/// The lines of a table under its header, or all that is wrong with its shape.
pub(super) fn read<'a, const N: usize>(
    path: &Path,
    text: &'a str,
    columns: &[&str; N],
) -> Result<Vec<Line<'a, N>>, PlanError> {
    let header = header(text);
    if text.trim().is_empty() {
        return Err(complaints::whole_file(
            path,
            format!("is empty; it needs the columns {}", columns.join(", ")),
        ));
    }
    let mut complaints = Complaints::about(path);
    let mut places = [0; N];
    for (place, column) in places.iter_mut().zip(columns) {
        match header.iter().position(|name| name == column) {
            Some(index) => *place = index,
            None => complaints.add(
                "line 1",
                &format!("has no column `{column}`; it has {}", header.join(", ")),
            ),
        }
    }
    complaints.check()?;

    let mut complaints = Complaints::about(path);
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate().skip(1) {
        if line.trim().is_empty() {
            continue;
        }
        let place = format!("line {}", index + 1);
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        if cells.len() == header.len() {
            lines.push(Line {
                place,
                cells: places.map(|column| cells[column]),
            })
        } else {
            complaints.add(
                &place,
                &format!(
                    "has {} columns, not {} as the header",
                    cells.len(),
                    header.len()
                ),
            )
        }
    }
    complaints.check()?;
    Ok(lines)
}

/// A cell that is a whole number, which pandas may have written as `12.0` or `1e3`.
pub(super) fn whole(column: &str, cell: &str) -> Result<u64, String> {
    let float = || cell.parse().ok().and_then(whole_float);
    match cell.parse().ok().or_else(float) {
        Some(number) if number <= bounds::WHOLE => Ok(number),
        Some(_) => Err(format!(
            "column `{column}` is `{cell}`; the most is {}",
            bounds::WHOLE
        )),
        None => Err(format!("column `{column}` is `{cell}`, not a whole number")),
    }
}

/// A float that is a whole number, such as pandas and JSON writers make of one: `8.0`.
pub(super) fn whole_float(number: f64) -> Option<u64> {
    /// From here on floats leave whole numbers out.
    const EXACT: f64 = (1_u64 << 53) as f64;
    ((0.0..=EXACT).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}
