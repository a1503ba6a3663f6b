//! The lines about the frontends of a target that has several URLs.

use crate::{
    judge::number,
    metrics::{error_kind, millis},
    record::{Record, RequestError},
    run::Run,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// What the requests to one frontend came to.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct FrontendCounts {
    url: String,
    /// Requests that were sent to it.
    requests: usize,
    failed: usize,
    /// Failures by kind.
    errors: BTreeMap<&'static str, usize>,
    /// Mean time from sending to the first token, of requests that succeeded.
    mean_ttft_ms: Option<f64>,
}

/// Counts for each frontend; none if the target has one URL.
pub(super) fn counts(run: &Run) -> Vec<FrontendCounts> {
    let frontends = run.setup.frontends.iter().enumerate();
    let of = |(place, url): (usize, &String)| {
        let sent_to = |record: &&Record| record.frontend.map(|at| at as usize) == Some(place);
        let records: Vec<&Record> = run.records.iter().filter(sent_to).collect();
        let mut errors = BTreeMap::new();
        for error in records.iter().filter_map(|record| record.error.as_ref()) {
            if *error != RequestError::Cancelled {
                *errors.entry(error_kind(error)).or_default() += 1;
            }
        }
        let ttfts = records.iter().filter(|record| record.ok());
        let ttfts =
            ttfts.filter_map(|record| Some(millis(record.events.first_at()? - record.sent)));
        let ttfts: Vec<f64> = ttfts.collect();
        FrontendCounts {
            url: url.clone(),
            requests: records.len(),
            failed: errors.values().sum(),
            errors,
            mean_ttft_ms: (!ttfts.is_empty())
                .then(|| ttfts.iter().sum::<f64>() / ttfts.len() as f64),
        }
    };
    frontends.map(of).collect()
}

/// A line for each frontend.
pub(super) fn lines(run: &Run) -> Vec<(&'static str, String)> {
    let line = |counts: FrontendCounts| {
        let mut parts = vec![format!("{}: {} requests", counts.url, counts.requests)];
        if counts.failed > 0 {
            let kinds = counts.errors.iter();
            let kinds: Vec<String> = kinds
                .map(|(kind, count)| format!("{count} {kind}"))
                .collect();
            parts.push(format!("{} failed ({})", counts.failed, kinds.join(", ")));
        }
        if let Some(ttft) = counts.mean_ttft_ms {
            parts.push(format!("mean ttft {} ms", number(ttft)));
        }
        ("frontend", parts.join(", "))
    };
    counts(run).into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::failing_run;

    #[test]
    fn each_url_has_its_requests_and_errors() {
        let mut run = failing_run();
        assert!(lines(&run).is_empty());
        run.setup.frontends = vec!["http://a:1".into(), "http://b:1".into()];
        for record in &mut run.records {
            record.frontend = Some(u32::from(record.ok()));
        }
        let (failed, all) = (
            run.records.iter().filter(|record| !record.ok()).count(),
            run.records.len(),
        );
        assert!(failed > 0 && failed < all);
        let counts = counts(&run);
        assert_eq!((counts[0].requests, counts[0].failed), (failed, failed));
        assert_eq!((counts[1].requests, counts[1].failed), (all - failed, 0));
        let lines = lines(&run);
        assert!(
            lines[0]
                .1
                .starts_with(&format!("http://a:1: {failed} requests, {failed} failed ("))
        );
        assert!(lines[1].1.contains("mean ttft"), "{}", lines[1].1);
    }
}
