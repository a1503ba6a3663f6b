//! Why shards do not start together.

use std::fmt;

/// Why shards do not start together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Apart {
    /// This process was stopped.
    Ended,
    /// What is wrong, in a sentence.
    Why(String),
}

impl Apart {
    pub(crate) fn why(sentence: impl Into<String>) -> Self {
        Apart::Why(sentence.into())
    }

    /// This process has given up, for a reason that it gives elsewhere.
    pub(super) fn lost() -> Self {
        Apart::why("this shard gave up before the start")
    }
}

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Apart::Ended => f.write_str("this shard was stopped before the start"),
            Apart::Why(why) => f.write_str(why),
        }
    }
}
