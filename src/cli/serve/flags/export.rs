//! The flag that exports a run request by request.

use crate::{
    error::{Error, Problem},
    export::Export,
};
use std::path::PathBuf;

/// Where the requests go.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli::serve) struct ExportFlags {
    /// Write a table with a row for each request: FILE.csv, or FILE.parquet in builds with the feature
    /// parquet. docs/results.md lists the columns.
    #[arg(long, value_name = "FILE")]
    export_requests: Option<PathBuf>,
}

impl ExportFlags {
    /// The file, once it is clear that it can be written.
    pub(in crate::cli::serve) fn checked(&self) -> Result<Option<Export>, Error> {
        let Some(path) = &self.export_requests else {
            return Ok(None);
        };
        let field = "--export-requests";
        let export = Export::to(field, path)?;
        export.check().map_err(|e| {
            let message = format!("cannot be written: {e}. Choose another path");
            Error::Invalid(vec![Problem::new(field, path.display(), message)])
        })?;
        Ok(Some(export))
    }
}
