//! How the first of a run's requests failed, as lines.

use crate::{metrics::one_line, record::RequestError, run::Run};

/// The number of failures that vLLM lists above its table.
const FAILURES: usize = 10;

/// How the first of a run's requests failed.
pub(super) fn first_errors(run: &Run) -> Vec<String> {
    let errors = run
        .records
        .iter()
        .filter_map(|record| Some((record, record.error.as_ref()?)))
        .filter(|(_, error)| **error != RequestError::Cancelled)
        .map(|(record, error)| match run.url_of(record) {
            Some(url) => format!("{url}: {error}"),
            None => error.to_string(),
        });
    capped(errors)
}

/// The failures that are shown, each in one line.
pub(crate) fn capped(errors: impl Iterator<Item = String>) -> Vec<String> {
    errors
        .take(FAILURES)
        .map(|error| one_line(&error))
        .collect()
}
