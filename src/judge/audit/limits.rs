//! The finding that this machine had no room for another connection.

use crate::{
    judge::{Finding, FindingKind},
    record::RequestError,
    run::Run,
};

pub(super) fn limits(run: &Run) -> Option<Finding> {
    let mut messages = run.records.iter().filter_map(|record| match &record.error {
        Some(RequestError::ClientLimit { message }) => Some(message),
        _ => None,
    });
    let first = messages.next()?;
    let count = 1 + messages.count();
    let allowed = match run.audit.descriptors {
        Some(limit) => format!(" This process may have {limit} files and sockets open."),
        None => String::new(),
    };
    Some(Finding {
        kind: FindingKind::ClientLimit,
        message: format!(
            "{count} of {} requests could not be sent because this machine had no room for another \
             connection ({first}); the server did not refuse them.{allowed} Raise the hard limit \
             (`ulimit -n`, LimitNOFILE, or the container's nofile), use `max_concurrency`, or lower \
             the rate",
            run.records.len(),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::testing::quiet, *};

    #[test]
    fn the_sentence() {
        let mut run = quiet();
        assert_eq!(limits(&run), None);
        run.audit.descriptors = Some(40);
        for record in &mut run.records[30..] {
            record.error = Some(RequestError::ClientLimit {
                message: "Too many open files (os error 24)".to_owned(),
            });
        }
        let finding = limits(&run).unwrap();
        assert!(finding.kind.invalidates());
        insta::assert_snapshot!(finding.message, @"70 of 100 requests could not be sent because this machine had no room for another connection (Too many open files (os error 24)); the server did not refuse them. This process may have 40 files and sockets open. Raise the hard limit (`ulimit -n`, LimitNOFILE, or the container's nofile), use `max_concurrency`, or lower the rate");
    }
}
