//! What one step does, and what an engine looks like between two.

use super::{Finished, JobId, StepCost};
use crate::clock::Nanos;

/// One step: everything in it becomes visible when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When it begins.
    pub begins: Nanos,
    /// When it ends.
    pub ends: Nanos,
    /// Tokens that are ready at its end, in the order of the jobs' ranks.
    pub emissions: Vec<Emission>,
    /// Jobs whose last token is among the emissions.
    pub finished: Vec<Finished>,
    /// Jobs that lost their blocks to others since the step before.
    pub preempted: Vec<JobId>,
    /// What was computed.
    pub load: Load,
}

/// Tokens of one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emission {
    /// The job.
    pub job: JobId,
    /// The number of tokens; more than one only with speculative decoding.
    pub tokens: u64,
    /// Tokens of its prompt that the prefix cache had at its first admission.
    pub cached_tokens: u64,
}

/// What the duration of a step depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Tokens computed before a sequence's next new one, at its first prefill or after a preemption.
    pub prefill_tokens: u64,
    /// Tokens that were drafted and verified.
    pub drafted_tokens: u64,
    /// Sequences that had drafts verified.
    pub drafting_seqs: u64,
    /// Sequences that decoded.
    pub decode_seqs: u64,
    /// Tokens in the contexts of the sequences that decoded.
    pub kv_tokens: u64,
}

impl Load {
    /// The duration of a step, in nanoseconds: at least 1, so that time goes on.
    pub(super) fn nanos(&self, cost: &StepCost) -> u64 {
        let term = |picos: u64, count: u64| u128::from(picos) * u128::from(count);
        let picos = u128::from(cost.t0)
            + term(cost.tp, self.prefill_tokens + self.drafted_tokens)
            + term(cost.td, self.decode_seqs)
            + term(cost.tk, self.kv_tokens);
        u64::try_from((picos + 500) / 1_000).map_or(u64::MAX, |nanos| nanos.max(1))
    }
}

/// An engine between two events, with what it has counted since its start. Everything that vLLM's
/// `/metrics` says about the scheduler.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct State {
    /// Jobs in the batch (`vllm:num_requests_running`).
    pub running: u64,
    /// Jobs that wait (`vllm:num_requests_waiting`).
    pub waiting: u64,
    /// KV blocks that jobs hold; those kept for the prefix cache alone do not count.
    pub blocks_used: u64,
    /// KV blocks in all.
    pub blocks: u64,
    /// Tokens looked up in the prefix cache (`vllm:prefix_cache_queries`), once a job.
    pub prefix_queries: u64,
    /// Tokens found there (`vllm:prefix_cache_hits`).
    pub prefix_hits: u64,
    /// Preemptions (`vllm:num_preemptions`).
    pub preemptions: u64,
    /// Prompt tokens of the jobs that got their first token (`vllm:prompt_tokens`).
    pub prompt_tokens: u64,
    /// Prompt tokens that the prefix cache had (`vllm:prompt_tokens_cached`).
    pub cached_prompt_tokens: u64,
    /// Tokens generated (`vllm:generation_tokens`).
    pub generation_tokens: u64,
    /// Tokens drafted (`vllm:spec_decode_num_draft_tokens`).
    pub drafted_tokens: u64,
    /// Drafts accepted (`vllm:spec_decode_num_accepted_tokens`).
    pub accepted_tokens: u64,
    /// Jobs submitted.
    pub submitted: u64,
    /// Jobs that generated all their tokens.
    pub finished: u64,
    /// Jobs cancelled.
    pub cancelled: u64,
    /// Steps begun.
    pub steps: u64,
}

impl State {
    /// The share of the KV blocks that jobs hold (`vllm:kv_cache_usage_perc`, which is a ratio).
    pub fn kv_usage(&self) -> f64 {
        if self.blocks == 0 {
            return 0.0;
        }
        self.blocks_used as f64 / self.blocks as f64
    }
}
