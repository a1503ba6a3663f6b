//! A run request by request, as a table for other tools: CSV (feature `csv`), Parquet (feature `parquet`) or a workbook
//! for spreadsheets (feature `xlsx`).
//!
//! Times are seconds since the run's start (`_s`) or milliseconds (`_ms`), as the columns' names say; what a
//! request lacks is empty, or null. `docs/results.md` lists the columns. Latencies are vLLM's, from sending;
//! `scheduled_s` has the planned time, from which the gate of an open loop counts.

mod columns;
#[cfg(feature = "csv")]
mod csv;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "xlsx")]
mod xlsx;

#[cfg(feature = "xlsx")]
use crate::report::MultiTurn;
use crate::{error::Error, feature::needed, files, problem::Problem, report::Report};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

pub use columns::SCHEMA;

/// A file that the requests of a run go into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    path: PathBuf,
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Parquet,
    Xlsx,
}

impl Export {
    /// The format is that of the file's name: `.csv`, `.parquet` or `.xlsx`. `field` is how the file was asked for.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another name, or a format that this build cannot write.
    pub fn to(field: &str, path: impl Into<PathBuf>) -> Result<Self, Error> {
        Export::of(field, path.into()).map_err(|problem| Error::Invalid(vec![problem]))
    }

    /// The same check, for callers that collect problems.
    pub(crate) fn of(field: &str, path: PathBuf) -> Result<Self, Problem> {
        let problem = |message: &str| Err(Problem::new(field, path.display(), message));
        let ending = path.extension().and_then(|ending| ending.to_str());
        let format = match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("csv") if cfg!(feature = "csv") => Format::Csv,
            Some("parquet") if cfg!(feature = "parquet") => Format::Parquet,
            Some("xlsx") if cfg!(feature = "xlsx") => Format::Xlsx,
            Some("csv") => return problem(needed!("csv")),
            Some("parquet") => return problem(needed!("parquet")),
            Some("xlsx") => return problem(needed!("xlsx")),
            _ => return problem("must end in .csv, .parquet or .xlsx"),
        };
        Ok(Export { path, format })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes missing folders and finds out whether the file could be written. Leaves it as it is.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn check(&self) -> io::Result<()> {
        files::check(&self.path)
    }

    /// Writes the requests of a run in place of what the file had, as a whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, report: &Report) -> io::Result<()> {
        files::replace(&self.path, |file| write(self.format, file, report))
    }
}

/// Writes the workbook of vLLM's multi-turn script, with the sheets `Summary` and `Raw data`.
///
/// # Errors
/// The file cannot be written.
#[cfg(feature = "xlsx")]
pub fn write_multi_turn(path: &Path, results: &MultiTurn) -> io::Result<()> {
    files::replace(path, |file| xlsx::write_multi_turn(file, results))
}

fn write(format: Format, file: &mut File, report: &Report) -> io::Result<()> {
    match format {
        #[cfg(feature = "csv")]
        Format::Csv => csv::write(file, report),
        #[cfg(feature = "parquet")]
        Format::Parquet => parquet::write(file, report),
        #[cfg(feature = "xlsx")]
        Format::Xlsx => xlsx::write(file, report),
        #[allow(
            unreachable_patterns,
            reason = "there is one without the other feature"
        )]
        _ => Err(io::Error::other("this build cannot write the format")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("requests.json", "must end in .csv, .parquet or .xlsx")]
    #[case("csv", "must end in .csv, .parquet or .xlsx")]
    fn other_formats_are_refused(#[case] path: &str, #[case] told: &str) {
        let error = Export::to("--export-requests", path).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("--export-requests = {path}: {told}")
        );
    }

    #[cfg(not(feature = "parquet"))]
    #[test]
    fn a_format_of_another_build_is_refused() {
        let error = Export::to("--export-requests", "a.parquet").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`cargo install goodput --features cli,parquet`")
        );
    }

    #[cfg(feature = "csv")]
    #[test]
    fn a_check_keeps_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let export = Export::to("", folder.path().join("deep/requests.CSV")).unwrap();
        export.check().unwrap();
        std::fs::write(export.path(), "old").unwrap();
        export.check().unwrap();
        assert_eq!(std::fs::read_to_string(export.path()).unwrap(), "old");
    }
}
