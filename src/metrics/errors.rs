//! What went wrong, grouped.

use crate::{record::RequestError, run::Run, screen};
use serde::{Deserialize, Serialize};

/// Messages longer than this are cut, in characters.
const MESSAGE_LENGTH: usize = 200;

/// Requests that failed in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorGroup {
    /// The kind of failure; see [`error_kind`].
    pub kind: String,
    /// The failure in one line of at most 200 characters.
    pub message: String,
    /// The usual fix, if it is known.
    pub hint: Option<String>,
    /// How many requests.
    pub count: u64,
    /// The first of them: its position in the plan.
    pub first: usize,
}

impl ErrorGroup {
    /// The failures of a run, most frequent first. Cancelled requests are not failures.
    pub(super) fn of(run: &Run) -> Vec<Self> {
        let mut groups: Vec<ErrorGroup> = Vec::new();
        let mut positions = std::collections::BTreeMap::new();
        for record in &run.records {
            let Some(error) = &record.error else { continue };
            if *error == RequestError::Cancelled {
                continue;
            }
            let key = (error_kind(error), one_line(&error.to_string()));
            let position = *positions.entry(key.clone()).or_insert_with(|| {
                groups.push(ErrorGroup {
                    kind: key.0.to_owned(),
                    message: key.1,
                    hint: error.hint().map(str::to_owned),
                    count: 0,
                    first: record.index,
                });
                groups.len() - 1
            });
            groups[position].count += 1;
        }
        groups.sort_by_key(|group| (std::cmp::Reverse(group.count), group.first));
        groups
    }
}

/// The kind of an error in one word, as it is stored.
pub fn error_kind(error: &RequestError) -> &'static str {
    match error {
        RequestError::Connect { .. } => "connect",
        RequestError::Tls { .. } => "tls",
        RequestError::ClientLimit { .. } => "client_limit",
        RequestError::Timeout { .. } => "timeout",
        RequestError::Status { .. } => "status",
        RequestError::Foreign { .. } => "foreign",
        RequestError::Malformed { .. } => "malformed",
        RequestError::Server { .. } => "server",
        RequestError::Truncated { .. } => "truncated",
        RequestError::NoTokens => "no_tokens",
        RequestError::Cancelled => "cancelled",
    }
}

/// One clean line of an error. Servers write what they like into their answers, and a terminal must not get it as it
/// is.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || screen::acts(c)) {
        if !word.is_empty() && !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(MESSAGE_LENGTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{record, run_of};

    #[test]
    fn the_most_frequent_comes_first() {
        let errors = [
            Some(RequestError::NoTokens),
            None,
            Some(RequestError::Server {
                message: "out of\n\u{1b}[31mmemory".into(),
            }),
            Some(RequestError::Server {
                message: "out of [31mmemory".into(),
            }),
            Some(RequestError::Cancelled),
        ];
        let records = errors.into_iter().enumerate().map(|(index, error)| {
            let mut record = record(0, &[], 0);
            record.index = index;
            record.error = error;
            record
        });
        let groups = ErrorGroup::of(&run_of(records.collect()));
        let brief: Vec<_> = groups
            .iter()
            .map(|g| (g.kind.as_str(), g.count, g.first))
            .collect();
        assert_eq!(brief, [("server", 2, 2), ("no_tokens", 1, 0)]);
        assert_eq!(
            groups[0].message,
            "error event in the stream: out of [31mmemory"
        );
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let line = one_line(&"é".repeat(300));
        assert_eq!(line.chars().count(), MESSAGE_LENGTH + 1);
        assert!(line.ends_with('…'));
    }

    #[test]
    fn kinds_are_the_stored_ones() {
        for error in [
            RequestError::Connect {
                message: String::new(),
            },
            RequestError::Status {
                status: 500,
                body: String::new(),
            },
            RequestError::NoTokens,
            RequestError::Cancelled,
        ] {
            let stored = serde_json::to_value(&error).unwrap();
            assert_eq!(stored["kind"], error_kind(&error));
        }
    }
}
