//! What the server reported about a run.

use crate::clock::Nanos;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the server reported, about itself and on its page `/metrics`. Its counts include the requests of
/// all clients, and probes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerSide {
    /// Version and configuration of the server, by names such as `version` and `max_model_len`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub about: BTreeMap<String, String>,
    /// Engine whose names the page uses, such as `vLLM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Counts from just before the first request to just after the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted: Option<ServerCounts>,
    /// A counter went down: the server restarted, and the run's counts are unknown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub restarted: bool,
    /// Samples of the page during the run, if they were enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gauges: Option<GaugeSeries>,
}

/// What a server counted. Counts that its engine does not have are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerCounts {
    /// Tokens of prompts, including cached ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Prompt tokens that were not computed, because a cache had them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_prompt_tokens: Option<u64>,
    /// Generated tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation_tokens: Option<u64>,
    /// How often a running request lost its memory to others (SGLang: was retracted).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemptions: Option<u64>,
    /// Look-ups in the prefix cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix_cache: Option<PrefixCache>,
    /// Speculative decoding; `None` if the server does not use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec_decode: Option<SpecDecode>,
    /// Diffusion decoding; `None` if the model does not use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diffusion: Option<Diffusion>,
    /// Maximum error of each count, because the server writes large numbers with few digits.
    #[serde(skip_serializing_if = "is_zero")]
    pub off_by: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Look-ups in a prefix cache, in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixCache {
    /// Tokens that were looked up.
    pub queries: u64,
    /// Tokens that the cache had.
    pub hits: u64,
}

/// Counters of speculative decoding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecDecode {
    /// Drafts that the model checked.
    pub drafts: u64,
    /// Tokens in those drafts.
    pub draft_tokens: u64,
    /// Draft tokens that the model accepted.
    pub accepted_tokens: u64,
    /// Accepted tokens by their place in a draft, from the first; empty if the server does not report them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted_at: Vec<u64>,
}

/// Counters of a diffusion model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diffusion {
    /// Steps, including those that commit a canvas.
    pub steps: u64,
    /// Positions that all steps evaluated.
    pub canvas_positions: u64,
    /// Tokens that became final.
    pub committed_tokens: u64,
}

/// Samples of a server's page at equal intervals, from the run's start.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GaugeSeries {
    /// Interval between two samples, ms. When there are too many samples, goodput drops every second one
    /// and doubles the interval.
    pub interval_ms: f64,
    /// The samples, oldest first.
    pub samples: Vec<GaugeSample>,
}

/// A server's page at one moment. Values that its engine does not show are `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GaugeSample {
    /// Time of the sample since the run's start.
    pub at: Nanos,
    /// Requests in the batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<f64>,
    /// Requests that wait for the batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<f64>,
    /// Share of KV memory in use, 0–1; of several engines that of the fullest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_usage: Option<f64>,
    /// Preemptions since the run's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemptions: Option<u64>,
    /// Cached prompt tokens since the run's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_prompt_tokens: Option<u64>,
    /// Generated tokens since the run's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation_tokens: Option<u64>,
    /// Resident memory in bytes: of all processes of a server that the bench started, counted by this machine's kernel;
    /// else of the one process whose page it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<f64>,
}

impl ServerSide {
    /// Appends the data of a later segment of the run, which began at `start`.
    pub(crate) fn append(&mut self, next: ServerSide, start: Nanos) {
        self.engine = self.engine.take().or(next.engine);
        self.restarted |= next.restarted;
        self.counted = match (self.counted.take(), next.counted) {
            (Some(one), Some(other)) if !self.restarted => Some(one.plus(&other)),
            _ => None,
        };
        let later = next.gauges.map(|series| series.after(start));
        self.gauges = match (self.gauges.take(), later) {
            (Some(series), Some(later)) => Some(series.followed_by(later)),
            (one, other) => one.or(other),
        };
    }
}

impl ServerCounts {
    fn plus(&self, other: &ServerCounts) -> ServerCounts {
        let sum = |one: Option<u64>, other: Option<u64>| Some(one?.saturating_add(other?));
        let cache = self.prefix_cache.zip(other.prefix_cache);
        let drafts = self.spec_decode.as_ref().zip(other.spec_decode.as_ref());
        let diffusion = self.diffusion.zip(other.diffusion);
        ServerCounts {
            prompt_tokens: sum(self.prompt_tokens, other.prompt_tokens),
            cached_prompt_tokens: sum(self.cached_prompt_tokens, other.cached_prompt_tokens),
            generation_tokens: sum(self.generation_tokens, other.generation_tokens),
            preemptions: sum(self.preemptions, other.preemptions),
            prefix_cache: cache.map(|(one, other)| PrefixCache {
                queries: one.queries + other.queries,
                hits: one.hits + other.hits,
            }),
            spec_decode: drafts.map(|(one, other)| SpecDecode {
                drafts: one.drafts + other.drafts,
                draft_tokens: one.draft_tokens + other.draft_tokens,
                accepted_tokens: one.accepted_tokens + other.accepted_tokens,
                accepted_at: longer_sum(&one.accepted_at, &other.accepted_at),
            }),
            diffusion: diffusion.map(|(one, other)| Diffusion {
                steps: one.steps + other.steps,
                canvas_positions: one.canvas_positions + other.canvas_positions,
                committed_tokens: one.committed_tokens + other.committed_tokens,
            }),
            off_by: self.off_by + other.off_by,
        }
    }
}

/// Sums two lists element by element; one may be longer.
fn longer_sum(one: &[u64], other: &[u64]) -> Vec<u64> {
    let at = |list: &[u64], place: usize| list.get(place).copied().unwrap_or(0);
    let places = 0..one.len().max(other.len());
    places
        .map(|place| at(one, place) + at(other, place))
        .collect()
}

impl GaugeSeries {
    fn after(mut self, start: Nanos) -> Self {
        for sample in &mut self.samples {
            sample.at.0 += start.0;
        }
        self
    }

    /// Appends samples of a later segment; counts continue from the end of the earlier one.
    fn followed_by(mut self, later: GaugeSeries) -> Self {
        let begins = later.samples.first().map(|sample| sample.at);
        self.samples
            .retain(|sample| begins.is_none_or(|begins| sample.at < begins));
        let last = self.samples.last().copied().unwrap_or_default();
        let on = |before: Option<u64>, now: Option<u64>| Some(before.unwrap_or(0) + now?);
        self.interval_ms = self.interval_ms.max(later.interval_ms);
        self.samples
            .extend(later.samples.into_iter().map(|sample| GaugeSample {
                preemptions: on(last.preemptions, sample.preemptions),
                cached_prompt_tokens: on(last.cached_prompt_tokens, sample.cached_prompt_tokens),
                generation_tokens: on(last.generation_tokens, sample.generation_tokens),
                ..sample
            }));
        self
    }
}
