//! What the server counts, for `/metrics`.
//!
//! Tokens and times are counted when their step ends, which is when clients can have them. What the engine knows at
//! any moment (running and waiting jobs, blocks, lookups) is read from it.

mod exposition;
mod histogram;
mod page;

pub(super) use {exposition::TEXT, page::page};

use super::engine::{Finished, Load};
use crate::clock::Nanos;
use histogram::{Histogram, Unit};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Bounds of the histograms, all as in vLLM 0.32.
mod bounds {
    pub(super) const TTFT: &[f64] = &[
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
        20.0, 40.0, 80.0, 160.0, 640.0, 2560.0,
    ];
    pub(super) const TOKEN_TIME: &[f64] = &[
        0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
        20.0, 40.0, 80.0,
    ];
    pub(super) const REQUEST_TIME: &[f64] = &[
        0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0,
        240.0, 480.0, 960.0, 1920.0, 7680.0,
    ];
    pub(super) const STEP_TOKENS: &[f64] = &[
        1.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0,
    ];
    pub(super) const N: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0];
    pub(super) const PREEMPTIONS: &[f64] = &[1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0];

    /// 1, 2, 5, 10, 20, 50 and so on, up to the longest sequence.
    pub(super) fn tokens(max_model_len: u64) -> Vec<f64> {
        let decades = (0..20).map(|exponent| 10_f64.powi(exponent));
        decades
            .flat_map(|decade| [decade, 2.0 * decade, 5.0 * decade])
            .take_while(|bound| *bound <= max_model_len as f64)
            .collect()
    }
}

/// Counters and histograms since the server's start.
#[derive(Debug)]
pub(super) struct Telemetry {
    /// Generations of a script under way.
    running: AtomicU64,
    prompt_tokens: AtomicU64,
    generation_tokens: AtomicU64,
    finished: AtomicU64,
    aborted: AtomicU64,
    drafts: AtomicU64,
    draft_tokens: AtomicU64,
    /// Accepted drafts by their place in a step.
    accepted: Vec<AtomicU64>,
    ttft: Histogram,
    itl: Histogram,
    tpot: Histogram,
    e2el: Histogram,
    queue: Histogram,
    inference: Histogram,
    prefill: Histogram,
    decode: Histogram,
    step_tokens: Histogram,
    request_prompt_tokens: Histogram,
    request_generation_tokens: Histogram,
    request_max_tokens: Histogram,
    request_n: Histogram,
    request_computed_tokens: Histogram,
    request_preemptions: Histogram,
}

/// A generation that has all its tokens.
#[derive(Debug, Clone, Copy)]
struct Life {
    submitted: Nanos,
    scheduled: Nanos,
    first_token: Nanos,
    finished: Nanos,
    prompt_tokens: u64,
    cached_tokens: u64,
    output_tokens: u64,
    preemptions: u64,
}

impl Telemetry {
    /// Nothing counted yet, for sequences of up to `max_model_len` tokens and `drafts` draft tokens a
    /// step.
    pub(super) fn new(max_model_len: u64, drafts: u64) -> Self {
        let tokens = bounds::tokens(max_model_len);
        let seconds = |bounds: &[f64]| Histogram::new(bounds, Unit::Seconds);
        let count = |bounds: &[f64]| Histogram::new(bounds, Unit::Count);
        Telemetry {
            running: AtomicU64::new(0),
            prompt_tokens: AtomicU64::new(0),
            generation_tokens: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            aborted: AtomicU64::new(0),
            drafts: AtomicU64::new(0),
            draft_tokens: AtomicU64::new(0),
            accepted: (0..drafts).map(|_| AtomicU64::new(0)).collect(),
            ttft: seconds(bounds::TTFT),
            itl: seconds(bounds::TOKEN_TIME),
            tpot: seconds(bounds::TOKEN_TIME),
            e2el: seconds(bounds::REQUEST_TIME),
            queue: seconds(bounds::REQUEST_TIME),
            inference: seconds(bounds::REQUEST_TIME),
            prefill: seconds(bounds::REQUEST_TIME),
            decode: seconds(bounds::REQUEST_TIME),
            step_tokens: count(bounds::STEP_TOKENS),
            request_prompt_tokens: count(&tokens),
            request_generation_tokens: count(&tokens),
            request_max_tokens: count(&tokens),
            request_n: count(bounds::N),
            request_computed_tokens: count(&tokens),
            request_preemptions: count(bounds::PREEMPTIONS),
        }
    }

    /// The first tokens of a generation that arrived this long ago.
    pub(super) fn first_tokens(&self, ttft: Duration, prompt: u64, tokens: u64) {
        self.ttft.observe_time(ttft);
        self.prompt_tokens.fetch_add(prompt, Relaxed);
        self.generation_tokens.fetch_add(tokens, Relaxed);
    }

    /// More tokens, this long after the ones before.
    pub(super) fn more_tokens(&self, gap: Duration, tokens: u64) {
        self.itl.observe_time(gap);
        self.generation_tokens.fetch_add(tokens, Relaxed);
        // One token is the model's own, the others are drafts that it accepted.
        let accepted = usize::try_from(tokens - 1).unwrap_or(usize::MAX);
        for place in self.accepted.iter().take(accepted) {
            place.fetch_add(1, Relaxed);
        }
    }

    /// A step in which this load was computed, and the tokens that it made or whose prompts it finished.
    pub(super) fn step(&self, load: &Load, tokens: u64) {
        self.drafts.fetch_add(load.drafting_seqs, Relaxed);
        self.draft_tokens.fetch_add(load.drafted_tokens, Relaxed);
        self.step_tokens.observe(tokens);
    }

    /// A job that has all its tokens.
    pub(super) fn finished(&self, job: &Finished) {
        self.ended(&Life {
            submitted: job.submitted,
            scheduled: job.scheduled,
            first_token: job.first_token,
            finished: job.finished,
            prompt_tokens: job.prompt_tokens,
            cached_tokens: job.cached_tokens,
            output_tokens: job.output_tokens,
            preemptions: job.preemptions,
        });
    }

    /// A generation that was given up.
    pub(super) fn aborted(&self) {
        self.aborted.fetch_add(1, Relaxed);
    }

    fn ended(&self, life: &Life) {
        self.finished.fetch_add(1, Relaxed);
        let decode = life.finished - life.first_token;
        let gaps = u32::try_from(life.output_tokens.saturating_sub(1)).unwrap_or(u32::MAX);
        self.tpot
            .observe_time(decode.checked_div(gaps).unwrap_or_default());
        self.e2el.observe_time(life.finished - life.submitted);
        self.queue.observe_time(life.scheduled - life.submitted);
        self.inference.observe_time(life.finished - life.scheduled);
        self.prefill.observe_time(life.first_token - life.scheduled);
        self.decode.observe_time(decode);
        self.request_prompt_tokens.observe(life.prompt_tokens);
        self.request_generation_tokens.observe(life.output_tokens);
        // Every generation goes on to the end, and there is one of each.
        self.request_max_tokens.observe(life.output_tokens);
        self.request_n.observe(1);
        let computed = life.prompt_tokens.saturating_sub(life.cached_tokens);
        self.request_computed_tokens.observe(computed);
        self.request_preemptions.observe(life.preemptions);
    }
}

/// A generation of a script under way, which has no engine to count it.
#[derive(Debug)]
pub(super) struct Progress {
    telemetry: Arc<Telemetry>,
    arrival: Nanos,
    prompt_tokens: u64,
    missing: u64,
    tokens: u64,
    /// When the first and the last tokens came.
    times: Option<(Nanos, Nanos)>,
}

impl Progress {
    /// A generation of `tokens` tokens that begins now.
    pub(super) fn new(
        telemetry: &Arc<Telemetry>,
        arrival: Nanos,
        prompt_tokens: u64,
        tokens: u64,
    ) -> Self {
        telemetry.running.fetch_add(1, Relaxed);
        Progress {
            telemetry: telemetry.clone(),
            arrival,
            prompt_tokens,
            missing: tokens.max(1),
            tokens: tokens.max(1),
            times: None,
        }
    }

    /// Tokens that were ready at `at`.
    pub(super) fn tokens(&mut self, at: Nanos, tokens: u64) {
        if self.missing == 0 || tokens == 0 {
            return;
        }
        let first = match self.times {
            None => {
                let prompt = self.prompt_tokens;
                self.telemetry
                    .first_tokens(at - self.arrival, prompt, tokens);
                at
            }
            Some((first, last)) => {
                self.telemetry.more_tokens(at - last, tokens);
                first
            }
        };
        self.times = Some((first, at));
        self.missing = self.missing.saturating_sub(tokens);
        if self.missing == 0 {
            self.telemetry.running.fetch_sub(1, Relaxed);
            self.telemetry.ended(&Life {
                submitted: self.arrival,
                scheduled: self.arrival,
                first_token: first,
                finished: at,
                prompt_tokens: self.prompt_tokens,
                cached_tokens: 0,
                output_tokens: self.tokens,
                preemptions: 0,
            });
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.missing > 0 {
            self.telemetry.running.fetch_sub(1, Relaxed);
            self.telemetry.aborted();
        }
    }
}
