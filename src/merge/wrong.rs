//! What is wrong with a shard, by its name.

use crate::{
    judge::{Finding, FindingKind},
    run::ShardStart,
};

/// A finding that makes the run invalid.
pub(super) fn invalid(message: impl Into<String>) -> Finding {
    Finding {
        kind: FindingKind::Shard,
        message: message.into(),
    }
}

/// Name of a shard in messages.
pub(super) fn name(start: &ShardStart) -> String {
    let (shard, host) = (start.shard, &start.host);
    format!("shard {} of {} ({host})", shard.index, shard.count)
}
