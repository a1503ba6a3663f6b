//! The share of prompt tokens that the server's prefix cache had.

use crate::record::Record;

/// Cached and all prompt tokens of a success whose usage has both.
pub(crate) fn cached_and_all(record: &Record) -> Option<(f64, f64)> {
    let cached = record.usage.filter(|_| record.ok())?.cached_tokens?;
    Some((cached as f64, record.input.tokens as f64))
}

/// The share of cached prompt tokens, 0–1; `None` if the server reports none.
pub(crate) fn cached_share<'a>(records: impl IntoIterator<Item = &'a Record>) -> Option<f64> {
    let told = records.into_iter().filter_map(cached_and_all);
    let (cached, all) = told.fold((0.0, 0.0), |sum, told| (sum.0 + told.0, sum.1 + told.1));
    (all > 0.0).then(|| cached / all)
}
