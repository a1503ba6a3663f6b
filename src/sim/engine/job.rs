//! What the engine is asked to do.

use super::blocks::Holding;
use crate::clock::Nanos;
use std::time::Duration;

/// One sequence to generate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Job {
    /// Tokens in the prompt; 0 counts as 1.
    pub prompt_tokens: u64,
    /// What the full blocks of the prompt hold, in order, for the prefix cache. Each hash stands for
    /// its block and all before it, so equal hashes mean equal beginnings. May be shorter than the
    /// prompt: the rest is not cached.
    pub block_hashes: Vec<u64>,
    /// Tokens to generate; 0 counts as 1.
    pub max_output: u64,
    /// The job's priority: lower goes first, under [`Policy::Priority`](super::Policy::Priority).
    pub priority: i64,
    /// The number of its LoRA adapter.
    pub lora: Option<usize>,
    /// The job's stalls.
    pub stalls: Vec<Stall>,
}

/// A pause of a job that has made more than `after` tokens: from the end of the step that made the
/// next one, it computes nothing, and keeps its slot and its blocks, unless these are taken from it as
/// from any other job. After its last token it keeps them too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// The number of tokens before the stall.
    pub after: u64,
    /// How long the stall lasts; `None` lasts until the job is cancelled.
    pub time: Option<Duration>,
}

/// The name of a job: how many were submitted before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// A job that could never run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "This model's maximum context length is {limit} tokens. However, you requested {asked} tokens \
     ({prompt} in the prompt, {output} in the output). Please reduce the length of either."
)]
pub struct TooLong {
    /// Tokens that fit.
    pub limit: u64,
    /// The number of tokens of prompt and output.
    pub asked: u64,
    /// Tokens of the prompt.
    pub prompt: u64,
    /// Tokens of the output.
    pub output: u64,
}

impl TooLong {
    /// Whether a prompt and an output of these lengths fit into `limit` tokens.
    pub(crate) fn check(limit: u64, prompt: u64, output: u64) -> Result<(), TooLong> {
        let asked = prompt.saturating_add(output);
        if asked <= limit {
            return Ok(());
        }
        Err(TooLong {
            limit,
            asked,
            prompt,
            output,
        })
    }
}

/// The life of a job that has generated all its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// The job.
    pub job: JobId,
    /// When it was submitted.
    pub submitted: Nanos,
    /// When its first step began.
    pub scheduled: Nanos,
    /// When its first token was emitted.
    pub first_token: Nanos,
    /// When its last token was emitted.
    pub finished: Nanos,
    /// Tokens of its prompt.
    pub prompt_tokens: u64,
    /// Tokens of its prompt that the prefix cache had at its first admission.
    pub cached_tokens: u64,
    /// Tokens that it generated.
    pub output_tokens: u64,
    /// How often it lost its blocks and was computed again.
    pub preemptions: u64,
}

/// A job inside the engine.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) id: JobId,
    pub(super) job: Job,
    pub(super) submitted: Nanos,
    pub(super) scheduled: Option<Nanos>,
    pub(super) first_token: Option<Nanos>,
    pub(super) cached: u64,
    pub(super) preemptions: u64,
    /// Tokens whose keys and values are in its blocks.
    pub(super) computed: u64,
    pub(super) generated: u64,
    /// Whether it is in a stall.
    pub(super) stalled: bool,
    pub(super) holding: Holding,
}

impl Active {
    pub(super) fn new(id: JobId, job: Job, submitted: Nanos) -> Self {
        Active {
            id,
            job,
            submitted,
            scheduled: None,
            first_token: None,
            cached: 0,
            preemptions: 0,
            computed: 0,
            generated: 0,
            stalled: false,
            holding: Holding::default(),
        }
    }

    /// Tokens of prompt and answer so far.
    pub(super) fn known(&self) -> u64 {
        self.job.prompt_tokens + self.generated
    }

    /// Tokens to compute before the next one can be emitted.
    pub(super) fn missing(&self) -> u64 {
        self.known() - self.computed
    }

    /// Whether only the token emitted last is missing.
    pub(super) fn decodes(&self) -> bool {
        self.generated > 0 && self.missing() == 1
    }

    /// How long the job stalls now that it has generated this many tokens more. `None` if it does not.
    pub(super) fn stalls(&self, emitted: u64) -> Option<Duration> {
        let new = self.generated - emitted..self.generated;
        let stalls = self.job.stalls.iter();
        let times = stalls.filter(|stall| new.contains(&stall.after));
        times
            .map(|stall| stall.time.unwrap_or(Duration::MAX))
            .reduce(Duration::saturating_add)
    }

    /// Tokens still to generate.
    pub(super) fn remaining(&self) -> u64 {
        self.job.max_output - self.generated
    }
}
