//! The flag that exports a run request by request.

use crate::{export::Export, problem::Problem};
use std::path::PathBuf;

/// Where the requests go.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct ExportFlags {
    /// Write a table with a row for each request: FILE.csv, or in builds with the feature parquet or xlsx
    /// FILE.parquet or FILE.xlsx. docs/results.md lists the columns.
    #[arg(long, value_name = "FILE")]
    export_requests: Option<PathBuf>,
}

impl ExportFlags {
    /// Whether a file is wanted.
    pub(in crate::cli::serve) fn is_given(&self) -> bool {
        self.export_requests.is_some()
    }

    /// The file, once it is clear that it can be written.
    pub(in crate::cli) fn checked(&self, problems: &mut Vec<Problem>) -> Option<Export> {
        let path = self.export_requests.as_ref()?;
        let field = "--export-requests";
        let export = Export::of(field, path.clone()).map_err(|problem| problems.push(problem));
        let export = export.ok()?;
        if let Err(e) = export.check() {
            let message = format!("cannot be written: {e}. Choose another path");
            problems.push(Problem::new(field, path.display(), message));
            return None;
        }
        Some(export)
    }
}
