//! A bench that sends one shard of its plan, together with other processes.
//!
//! A decision while the run is sent would need all its requests, which no process sees, so a shard refuses such settings.
//! Shard 0 does what is done once for a run.

use super::{
    Bench,
    checked::{AUTO, Checked},
    parts::Together,
    party::Party,
    prepare::Prepared,
};
use crate::{
    error::Error,
    problem::Problem,
    shard::Shard,
    targets::{AnyTarget, Opened, Place},
};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

impl Bench {
    /// Sends one shard of the plan. The report then says nothing about the whole run.
    #[cfg(any(test, feature = "cli"))]
    pub(crate) fn sharded(mut self, sharding: Option<super::parts::Sharding>) -> Self {
        self.client.sharding = sharding;
        self
    }

    pub(super) fn check_sharding(&self, target: &AnyTarget, problems: &mut Vec<Problem>) {
        let Some(sharding) = &self.client.sharding else {
            return;
        };
        let (load, demands) = (&self.load, &self.demands);
        let decided = [
            ("versus", demands.versus.is_some(), "(set)".to_owned()),
            (
                "max_extend",
                demands.max_extend > 1,
                demands.max_extend.to_string(),
            ),
            ("search", load.search.is_some(), "(set)".to_owned()),
            ("stop_if", !load.stop_if.is_empty(), "(set)".to_owned()),
            ("rounds", load.rounds > 1, load.rounds.to_string()),
        ];
        for (field, _, value) in decided.into_iter().filter(|(_, set, _)| *set) {
            let fix = "decides while the run is sent, and no shard sees all of the run. Leave it out, or run in one process";
            problems.push(Problem::new(field, value, fix));
        }
        if self.keeping.against().is_some() || self.keeping.saves() {
            let fix = "needs the whole run, and this process sends one shard. Leave it out";
            problems.push(Problem::new("baseline", "(set)", fix));
        }
        if load.salt.as_deref() == Some(AUTO) {
            let fix = "would be another text in each shard. Write one text for all, such as the number of the job";
            problems.push(Problem::new("salt", "auto", fix));
        }
        if self.client.exclusive {
            let fix = "would let shards on one machine wait for each other. Leave it out";
            problems.push(Problem::new("exclusive", true, fix));
        }
        let count = sharding.shard.count;
        let limits = [
            ("max_concurrency", load.max_concurrency),
            ("dataset", load.dataset.max_sessions()),
        ];
        for (field, limit) in limits {
            if let Some(limit) = limit.filter(|limit| *limit < count) {
                let fix = format!(
                    "is divided among {count} shards, and each needs at least 1. Raise it, or take fewer shards"
                );
                problems.push(Problem::new(field, limit, fix));
            }
        }
        if target.simulation().is_some() && sharding.start != Together::Alone {
            let fix = "is part of this process, and each shard would measure its own. Start `goodput sim` and give its URL";
            problems.push(Problem::new("target", target.describe(), fix));
        }
    }
}

impl Checked {
    /// The part of the plan that this process sends.
    pub(super) fn shard(&self) -> Shard {
        self.client.shard()
    }

    /// The processes that send the run together, if there are several.
    pub(super) fn party(&self) -> Option<Arc<Party>> {
        let sharding = self.client.sharding.clone()?;
        Some(Arc::new(Party::new(sharding)))
    }

    /// Hash of all settings of the run, which its shards have in common.
    pub(super) fn settings_hash(&self) -> String {
        format!("{:032x}", xxh3_128(self.written.to_string().as_bytes()))
    }

    /// Checks what is known once the target is open and the plan is made.
    pub(super) fn check_share(&self, opened: &Opened, prepared: &Prepared) -> Result<(), Error> {
        let shard = self.shard();
        if shard.is_whole() {
            return Ok(());
        }
        if !matches!(opened.place, Place::Endpoint(_)) || opened.guard.is_some() {
            let fix = "belongs to this process, and each shard would measure its own. Give the URL of a server that runs";
            return Err(Error::Invalid(vec![Problem::new(
                "target",
                self.target.describe(),
                fix,
            )]));
        }
        let sessions = prepared.plan.session_count();
        if sessions < shard.count {
            let fix = format!(
                "make {sessions} sessions, and {} shards need at least one each. Ask for more, or take fewer shards",
                shard.count
            );
            return Err(Error::Invalid(vec![Problem::new(
                "requests",
                prepared.plan.requests.len(),
                fix,
            )]));
        }
        Ok(())
    }
}
