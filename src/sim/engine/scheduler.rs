//! The scheduler: which job computes what in which step.

use super::{
    Emission, EngineConfig, Finished, Job, JobId, Load, Policy, State, Step, TooLong,
    blocks::Blocks, drafts, job::Active,
};
use crate::{clock::Nanos, sim::wear::Wear};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

/// The order of the jobs: priority, 0 for all under first come, first served; then arrival. The
/// lowest runs first, the highest is preempted first.
type Rank = (i64, JobId);

/// A simulated engine: give it jobs and ask it for one step after the other.
///
/// ```
/// use goodput::{clock::Nanos, sim::engine::{Engine, EngineConfig, Job}};
///
/// let mut engine = Engine::new(EngineConfig::preset("linear")?, 0);
/// let job = Job { prompt_tokens: 100, max_output: 3, ..Job::default() };
/// engine.submit(Nanos(0), job).unwrap();
/// let mut now = Nanos(0);
/// while let Some(step) = engine.step(now) {
///     now = step.ends;
/// }
/// // Three steps of 10 ms: the prompt with the first token, and two more.
/// assert_eq!(now, Nanos(30_000_000));
/// # Ok::<(), goodput::grammar::Mistake>(())
/// ```
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    seed: u64,
    blocks: Blocks,
    waiting: BTreeMap<Rank, Active>,
    running: BTreeMap<Rank, Active>,
    /// The ranks of the jobs that are waiting or running.
    ranks: BTreeMap<JobId, Rank>,
    /// Jobs that leave when the step under way ends: with all their tokens, or cancelled.
    leaving: BTreeSet<Rank>,
    /// Jobs in a stall that ends, and when.
    stalled: BTreeSet<(Nanos, JobId)>,
    /// Jobs that were preempted when there was no step to report them.
    unreported: Vec<JobId>,
    counted: State,
    wear: Wear,
}

/// What a step is made of, while it is put together.
#[derive(Debug, Default)]
struct Batch {
    /// Tokens to compute, a job.
    shares: Vec<(Rank, u64)>,
    tokens: u64,
    preempted: Vec<JobId>,
}

impl Engine {
    /// An idle engine. Numbers with which nothing could run (see [`EngineConfig::check`]) count as
    /// 1. `seed` is that of the accepted drafts.
    pub fn new(mut config: EngineConfig, seed: u64) -> Self {
        for number in [
            &mut config.max_num_seqs,
            &mut config.max_num_batched_tokens,
            &mut config.block_size,
            &mut config.num_blocks,
            &mut config.max_loras,
        ] {
            *number = (*number).max(1);
        }
        Engine {
            blocks: Blocks::new(config.num_blocks),
            config,
            seed,
            waiting: BTreeMap::new(),
            running: BTreeMap::new(),
            ranks: BTreeMap::new(),
            leaving: BTreeSet::new(),
            stalled: BTreeSet::new(),
            unreported: Vec::new(),
            counted: State::default(),
            wear: Wear::default(),
        }
    }

    /// Lets steps become longer or shorter as time goes on.
    pub(in crate::sim) fn wears(&mut self, wear: Wear) {
        self.wear = wear;
    }

    /// The engine's settings.
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// The engine's state, as of the last [`step`](Self::step), submission or cancellation.
    pub fn state(&self) -> State {
        State {
            running: self.running.len() as u64,
            waiting: self.waiting.len() as u64,
            blocks: self.blocks.total(),
            blocks_used: self.blocks.total() - self.blocks.free(),
            ..self.counted
        }
    }

    /// The LoRA adapters of the jobs that run and of those that wait.
    pub fn adapters(&self) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let of = |jobs: &BTreeMap<Rank, Active>| jobs.values().filter_map(|a| a.job.lora).collect();
        (of(&self.running), of(&self.waiting))
    }

    /// Adds a job, which takes part from the next step on.
    ///
    /// # Errors
    /// Its prompt and output together are longer than [`EngineConfig::max_model_len`].
    pub fn submit(&mut self, now: Nanos, mut job: Job) -> Result<JobId, TooLong> {
        job.prompt_tokens = job.prompt_tokens.max(1);
        job.max_output = job.max_output.max(1);
        TooLong::check(
            self.config.max_model_len(),
            job.prompt_tokens,
            job.max_output,
        )?;
        let full = job.prompt_tokens / self.config.block_size;
        job.block_hashes
            .truncate(usize::try_from(full).unwrap_or(usize::MAX));
        let id = JobId(self.counted.submitted);
        self.counted.submitted += 1;
        let priority = match self.config.scheduling_policy {
            Policy::Fcfs => 0,
            Policy::Priority => job.priority,
        };
        self.ranks.insert(id, (priority, id));
        self.waiting
            .insert((priority, id), Active::new(id, job, now));
        Ok(id)
    }

    /// Gives a job up. If it runs, its blocks are free when the step under way ends; what that step emits for it is
    /// dropped. A job that has all its tokens and stalls leaves then too. Jobs that have left are not affected.
    pub fn cancel(&mut self, id: JobId) {
        let Some(rank) = self.ranks.remove(&id) else {
            return;
        };
        self.stalled.retain(|(_, stalled)| *stalled != id);
        let complete = |active: &Active| active.remaining() == 0;
        if !self.running.get(&rank).is_some_and(complete) {
            self.counted.cancelled += 1;
        }
        if self.waiting.remove(&rank).is_none() {
            self.leaving.insert(rank);
        }
    }

    /// When the next stall ends: an idle engine has something to do then.
    pub fn resumes(&self) -> Option<Nanos> {
        self.stalled.first().map(|(at, _)| *at)
    }

    /// Lets the jobs whose stalls are over go on.
    fn resume(&mut self, now: Nanos) {
        while let Some((_, id)) = self.stalled.first().filter(|(at, _)| *at <= now).copied() {
            self.stalled.pop_first();
            let Some(&rank) = self.ranks.get(&id) else {
                continue;
            };
            let running = self.running.get_mut(&rank);
            let Some(active) = running.or_else(|| self.waiting.get_mut(&rank)) else {
                continue;
            };
            active.stalled = false;
            if active.remaining() == 0 {
                self.ranks.remove(&id);
                self.leaving.insert(rank);
            }
        }
    }

    /// Ends the step before and begins the next at `now`, which must not be before the end of the
    /// last one. `None` when there is nothing to do before something changes from outside.
    pub fn step(&mut self, now: Nanos) -> Option<Step> {
        self.resume(now);
        for rank in std::mem::take(&mut self.leaving) {
            if let Some(mut gone) = self.running.remove(&rank) {
                self.blocks.release(&mut gone.holding);
            }
        }
        let mut batch = Batch::default();
        self.continue_running(&mut batch);
        // A job that lost its blocks a moment ago would only get them back. That is fine if no other job can use
        // them, because the others are stalled.
        if batch.preempted.is_empty() || batch.shares.is_empty() {
            self.admit(now, &mut batch);
        }
        if batch.shares.is_empty() {
            // Only if stalled jobs keep what the others need.
            self.unreported.append(&mut batch.preempted);
            return None;
        }
        self.counted.steps += 1;
        Some(self.compute(now, batch))
    }

    /// Gives the running jobs their shares, in order, and takes the blocks that they need from the
    /// last if there is no other way.
    fn continue_running(&mut self, batch: &mut Batch) {
        let ranks: Vec<Rank> = self.running.keys().copied().collect();
        for rank in ranks {
            let left = self.config.max_num_batched_tokens - batch.tokens;
            // A job that is gone was preempted, and then so were all after it.
            let Some(active) = self.running.get_mut(&rank).filter(|_| left > 0) else {
                return;
            };
            if active.stalled {
                continue;
            }
            let wanted = if active.decodes() {
                let drafts = self.config.num_speculative_tokens;
                1 + drafts.min(active.remaining() - 1)
            } else {
                active.missing()
            };
            let tokens = wanted.min(left);
            let blocks = (active.computed + tokens).div_ceil(self.config.block_size);
            while !self.grow(rank, blocks) {
                let Some((victim, lost)) = self.running.pop_last() else {
                    return;
                };
                self.preempt(victim, lost, batch);
                if victim == rank {
                    return;
                }
            }
            self.share(rank, tokens, batch);
        }
    }

    fn grow(&mut self, rank: Rank, blocks: u64) -> bool {
        match self.running.get_mut(&rank) {
            Some(active) => self.blocks.grow(&mut active.holding, blocks),
            None => false,
        }
    }

    /// Takes all blocks of a job away and lets it wait for its next turn.
    fn preempt(&mut self, rank: Rank, mut active: Active, batch: &mut Batch) {
        self.blocks.release(&mut active.holding);
        if active.remaining() == 0 {
            // It only stalled, and has nothing to compute again.
            self.ranks.remove(&active.id);
            return;
        }
        active.computed = 0;
        active.preemptions += 1;
        self.counted.preemptions += 1;
        batch.preempted.push(active.id);
        self.waiting.insert(rank, active);
    }

    /// Takes waiting jobs in, in order, until the next does not fit. A job that is stalled or whose
    /// adapter has no slot is passed over.
    fn admit(&mut self, now: Nanos, batch: &mut Batch) {
        let mut adapters: BTreeSet<usize> =
            self.running.values().filter_map(|a| a.job.lora).collect();
        let mut passed = Bound::Unbounded;
        while (self.running.len() as u64) < self.config.max_num_seqs {
            let left = self.config.max_num_batched_tokens - batch.tokens;
            let Some((&rank, active)) = self.waiting.range((passed, Bound::Unbounded)).next()
            else {
                return;
            };
            let no_slot = active.job.lora.is_some_and(|adapter| {
                !adapters.contains(&adapter) && adapters.len() as u64 >= self.config.max_loras
            });
            if active.stalled || no_slot {
                passed = Bound::Excluded(rank);
                continue;
            }
            let (found, idle) = self.look_up(active);
            let cached = found as u64 * self.config.block_size;
            let missing = active.known() - cached;
            if left == 0 || (missing > left && !self.config.enable_chunked_prefill) {
                return;
            }
            let tokens = missing.min(left);
            let blocks = (cached + tokens).div_ceil(self.config.block_size);
            if blocks - found as u64 + idle > self.blocks.free() {
                return;
            }
            let Some(mut active) = self.waiting.remove(&rank) else {
                return;
            };
            if active.scheduled.is_none() {
                active.scheduled = Some(now);
                active.cached = cached;
                if self.config.enable_prefix_caching {
                    self.counted.prefix_queries += active.job.prompt_tokens;
                    self.counted.prefix_hits += cached;
                }
            }
            adapters.extend(active.job.lora);
            active.computed = cached;
            self.blocks
                .reuse(&active.job.block_hashes[..found], &mut active.holding);
            self.running.insert(rank, active);
            self.grow(rank, blocks);
            self.share(rank, tokens, batch);
        }
    }

    /// Blocks of a job that the prefix cache has, and how many of them are idle. The last token is
    /// always computed, because the next follows from it.
    fn look_up(&self, active: &Active) -> (usize, u64) {
        if !self.config.enable_prefix_caching {
            return (0, 0);
        }
        let most = (active.known() - 1) / self.config.block_size;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let hashes = &active.job.block_hashes;
        self.blocks.find(&hashes[..most.min(hashes.len())])
    }

    /// Puts a running job into the batch. What it computes of its prompt is in the cache from now on:
    /// jobs of the same step can use it, since they read it after it was written.
    fn share(&mut self, rank: Rank, tokens: u64, batch: &mut Batch) {
        batch.tokens += tokens;
        batch.shares.push((rank, tokens));
        if let Some(active) = self.running.get_mut(&rank)
            && self.config.enable_prefix_caching
        {
            let full = (active.computed + tokens) / self.config.block_size;
            let full = usize::try_from(full).unwrap_or(usize::MAX);
            self.blocks
                .offer(&active.job.block_hashes, full, &mut active.holding);
        }
    }

    /// Computes a batch.
    fn compute(&mut self, now: Nanos, batch: Batch) -> Step {
        let load = self.load(&batch);
        let nanos = load.nanos(&self.config.cost);
        let nanos = match self.wear.factor(now) {
            1.0 => nanos,
            factor => (nanos as f64 * factor).round() as u64,
        };
        let ends = Nanos(now.0.saturating_add(nanos));
        let mut emissions = Vec::with_capacity(batch.shares.len());
        let mut finished = Vec::new();
        for (rank, tokens) in batch.shares {
            let Some(active) = self.running.get_mut(&rank) else {
                continue;
            };
            let emitted = if active.decodes() {
                let drafts = tokens - 1;
                let (id, at) = (active.id, active.generated);
                let accepted = drafts::accepted(self.seed, id, at, drafts, self.config.acceptance);
                self.counted.drafted_tokens += drafts;
                self.counted.accepted_tokens += accepted;
                active.computed += 1 + accepted;
                1 + accepted
            } else {
                active.computed += tokens;
                if active.missing() > 0 {
                    continue;
                }
                1
            };
            if active.generated == 0 {
                active.first_token = Some(ends);
                self.counted.prompt_tokens += active.job.prompt_tokens;
                self.counted.cached_prompt_tokens += active.cached;
            }
            active.generated += emitted;
            self.counted.generation_tokens += emitted;
            emissions.push(Emission {
                job: active.id,
                tokens: emitted,
                cached_tokens: active.cached,
            });
            let stall = active.stalls(emitted);
            if let Some(time) = stall {
                active.stalled = true;
                let until = ends.after(time);
                if until < Nanos(u64::MAX) {
                    self.stalled.insert((until, active.id));
                }
            }
            if active.remaining() == 0 {
                finished.push(Finished {
                    job: active.id,
                    submitted: active.submitted,
                    scheduled: active.scheduled.unwrap_or(now),
                    first_token: active.first_token.unwrap_or(ends),
                    finished: ends,
                    prompt_tokens: active.job.prompt_tokens,
                    cached_tokens: active.cached,
                    output_tokens: active.generated,
                    preemptions: active.preemptions,
                });
                self.counted.finished += 1;
                if stall.is_none() {
                    self.ranks.remove(&active.id);
                    self.leaving.insert(rank);
                }
            }
        }
        let mut preempted = std::mem::take(&mut self.unreported);
        preempted.extend(batch.preempted);
        Step {
            begins: now,
            ends,
            emissions,
            finished,
            preempted,
            load,
        }
    }

    fn load(&self, batch: &Batch) -> Load {
        let mut load = Load::default();
        for (rank, tokens) in &batch.shares {
            match self.running.get(rank) {
                Some(active) if active.decodes() => {
                    load.decode_seqs += 1;
                    load.drafted_tokens += tokens - 1;
                    load.drafting_seqs += u64::from(*tokens > 1);
                    load.kv_tokens += active.computed + tokens;
                }
                _ => load.prefill_tokens += tokens,
            }
        }
        load
    }
}
