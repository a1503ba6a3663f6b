//! How the client works.

use super::{
    sharding::Sharding,
    written::{any_span, number, span, text, timeouts},
};
use crate::{
    client::{Balance, Timeouts},
    shard::Shard,
};
use serde::Serialize;
use std::{net::IpAddr, time::Duration};

/// How the client works.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Client {
    #[serde(serialize_with = "text")]
    pub(crate) balance: Balance,
    pub(crate) bind: Vec<IpAddr>,
    pub(crate) workers: usize,
    pub(crate) warmups: usize,
    pub(crate) prewarm: Option<bool>,
    #[serde(serialize_with = "any_span")]
    pub(crate) ready_timeout: Option<Duration>,
    #[serde(flatten, serialize_with = "timeouts")]
    pub(crate) timeouts: Timeouts,
    pub(crate) insecure: bool,
    pub(crate) profile: bool,
    #[serde(serialize_with = "any_span")]
    pub(crate) server_metrics_interval: Option<Duration>,
    #[serde(serialize_with = "number")]
    pub(crate) probe_rate: f64,
    pub(crate) align_prompts: bool,
    pub(crate) exclusive: bool,
    #[serde(serialize_with = "span")]
    pub(crate) max_lateness: Duration,
    /// The part of the plan that this process sends, if others send the rest.
    // All shards of a run have the same settings.
    #[serde(skip)]
    pub(crate) sharding: Option<Sharding>,
}

impl Default for Client {
    fn default() -> Self {
        Client {
            balance: Balance::default(),
            bind: Vec::new(),
            workers: 1,
            warmups: 0,
            prewarm: None,
            ready_timeout: None,
            timeouts: Timeouts::default(),
            insecure: false,
            profile: false,
            server_metrics_interval: None,
            probe_rate: 0.0,
            align_prompts: true,
            exclusive: true,
            max_lateness: Duration::from_millis(25),
            sharding: None,
        }
    }
}

impl Client {
    /// The part of the plan that this process sends.
    pub(crate) fn shard(&self) -> Shard {
        self.sharding
            .as_ref()
            .map_or(Shard::WHOLE, |sharding| sharding.shard)
    }

    /// Leaves to shard 0 what is done once for a run.
    pub(in crate::bench) fn followed(&mut self) {
        if self.shard().leads() {
            return;
        }
        self.ready_timeout = None;
        self.warmups = 0;
        self.profile = false;
        self.probe_rate = 0.0;
        self.server_metrics_interval = None;
    }
}
