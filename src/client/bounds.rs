//! Limits for the size of an answer.
//!
//! Whatever a server sends, a run must not end for lack of memory. An answer that is far longer than the request
//! asked for fails, and the client stops reading it.

use crate::record::{Reply, RequestError, Task};

const MIB: usize = 1 << 20;

/// Limit for an answer with vectors or scores, in bytes.
const POOLED: usize = 64 * MIB;

/// Limits for one answer. All sizes are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Tokens that the request asked for.
    asked: u64,
    /// One event, or an answer in one piece.
    held: usize,
    /// Text, reasoning included.
    text: usize,
    /// Token events.
    events: usize,
    /// The whole answer, including what brings nothing. An event may repeat all of the text before it.
    total: u64,
}

impl Bounds {
    /// Limits for the answer to a request for `asked` tokens with a body of `request` bytes, of which an
    /// answer may repeat a lot.
    pub(super) fn of(task: Task, asked: u64, request: usize) -> Self {
        let tokens = usize::try_from(asked).unwrap_or(usize::MAX);
        let with = |least: usize, a_token: usize| {
            tokens
                .saturating_mul(a_token)
                .saturating_add(request.saturating_mul(16))
                .saturating_add(least)
        };
        Bounds {
            asked,
            held: match task {
                Task::Generate => with(4 * MIB, 4 << 10),
                Task::Pool => POOLED,
            },
            text: with(4 * MIB, 1 << 10),
            events: tokens.saturating_mul(16).saturating_add(256 << 10),
            total: with(64 * MIB, 64 << 10) as u64,
        }
    }

    /// Checks the answer so far. `held` bytes wait for the end of their event.
    ///
    /// # Errors
    /// The answer is far longer than the request asked for.
    pub(super) fn check(&self, reply: &Reply, held: usize, total: u64) -> Result<(), RequestError> {
        let text = reply.text.len() + reply.reasoning.len();
        let beyond = if text > self.text {
            format!("{} MiB of text", self.text / MIB)
        } else if reply.events.len() > self.events {
            format!("{} token events", self.events)
        } else if held > self.held {
            format!("{} MiB in one piece", self.held / MIB)
        } else if total > self.total {
            format!("{} MiB", self.total / MIB as u64)
        } else {
            return Ok(());
        };
        Err(RequestError::Malformed {
            message: format!(
                "the answer does not end: the server sent more than {beyond}, but the request asked for {} \
                 tokens",
                self.asked
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: usize) -> Reply {
        Reply {
            text: "x".repeat(bytes),
            ..Reply::default()
        }
    }

    #[test]
    fn what_is_far_beyond_the_request_is_refused_and_says_how_much_was_asked() {
        let bounds = Bounds::of(Task::Generate, 8, 100);
        assert_eq!(bounds.check(&text(4 * MIB), 0, 0), Ok(()));
        let error = bounds.check(&text(5 * MIB), 0, 0).unwrap_err().to_string();
        assert_eq!(
            error,
            "unreadable answer: the answer does not end: the server sent more than 4 MiB of \
             text, but the request asked for 8 tokens"
        );
        assert!(bounds.check(&Reply::default(), 5 * MIB, 0).is_err());
        assert!(bounds.check(&Reply::default(), 0, 70 << 20).is_err());
    }

    #[test]
    fn long_answers_to_long_requests_are_answers() {
        let bounds = Bounds::of(Task::Generate, 128 << 10, 2 * MIB);
        assert_eq!(bounds.check(&text(64 * MIB), 64 * MIB, 4 << 30), Ok(()));
        // A batch of vectors.
        let bounds = Bounds::of(Task::Pool, 0, 100);
        assert_eq!(bounds.check(&Reply::default(), 60 * MIB, 60 << 20), Ok(()));
        assert!(
            Bounds::of(Task::Generate, u64::MAX, usize::MAX)
                .check(&text(9), 9, 9)
                .is_ok()
        );
    }
}
