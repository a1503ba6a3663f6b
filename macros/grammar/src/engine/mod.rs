//! The engine of a simulation: `engine = "llama-3-8b@h100", max_num_seqs = 64`.

mod preset;

use crate::call::{self, Arg, set};
use crate::{Mistake, Mistakes};
use std::fmt;

/// How long a step takes: `t0 + tp·prefilled tokens + td·decoding sequences + tk·KV tokens`, all in
/// picoseconds, because a KV token takes a fraction of a nanosecond's precision.
///
/// Prefilled tokens are those whose keys and values the step computes before a sequence's next new
/// token, plus drafted ones; KV tokens are the contexts of the decoding sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepCost {
    /// Any step, in ps.
    pub t0: u64,
    /// Each prefilled or drafted token, in ps.
    pub tp: u64,
    /// Each decoding sequence, in ps.
    pub td: u64,
    /// Each token in the context of a decoding sequence, in ps.
    pub tk: u64,
}

/// The order of the waiting jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The first that came.
    Fcfs,
    /// The one with the lowest `priority`, as in vLLM; the first that came among equals.
    Priority,
}

/// A simulated engine. Names and meanings are those of vLLM's options.
///
/// ```
/// use goodput_grammar::engine::EngineConfig;
///
/// let engine = EngineConfig::preset("llama-3-8b@h100")?;
/// assert_eq!((engine.max_num_seqs, engine.num_blocks), (256, 26_674));
/// # Ok::<(), goodput_grammar::Mistake>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EngineConfig {
    /// The preset that it was made from; the other fields may differ from it since.
    pub preset: String,
    /// How long a step takes.
    pub cost: StepCost,
    /// Sequences in a step at most. Default 256.
    pub max_num_seqs: u64,
    /// Tokens in a step at most. Default 8192.
    pub max_num_batched_tokens: u64,
    /// Tokens in a KV block. Default 16.
    pub block_size: u64,
    /// KV blocks. Default: what fits into memory with the preset's weights.
    pub num_blocks: u64,
    /// Keep blocks of prompts for later ones that start alike. Default true.
    pub enable_prefix_caching: bool,
    /// Spread a prompt over several steps when a step has no room for the whole. Default true.
    pub enable_chunked_prefill: bool,
    /// The order of the waiting jobs. Default first come, first served.
    pub scheduling_policy: Policy,
    /// Tokens drafted for each sequence a step. Default 0: no speculative decoding.
    pub num_speculative_tokens: u64,
    /// How likely a draft is accepted if all before it were. Default 0.7.
    pub acceptance: f64,
    /// Different LoRA adapters in a step at most. Default 1.
    pub max_loras: u64,
    /// Adapters, which are served as models of their own. Default none.
    pub lora_modules: Vec<String>,
}

/// The largest number of tokens drafted a step: real drafts have fewer than ten.
const MOST_DRAFTS: u64 = 1_000;

pub(crate) const KEYS: &[&str] = &[
    "max_num_seqs",
    "max_num_batched_tokens",
    "block_size",
    "num_blocks",
    "enable_prefix_caching",
    "enable_chunked_prefill",
    "scheduling_policy",
    "num_speculative_tokens",
    "acceptance",
    "max_loras",
    "lora_modules",
    "t0",
    "tp",
    "td",
    "tk",
];

impl EngineConfig {
    /// The engine of a preset: `model@gpu` (`llama-3-8b@h100`), `model@gpuxN` for N GPUs, or `linear`, which stands
    /// for no particular model: 10 ms a step and room for 2¹⁸ tokens.
    ///
    /// # Errors
    /// An unknown model or GPU, and a model that does not fit.
    pub fn preset(text: &str) -> Result<Self, Mistake> {
        let found = preset::find(text)?;
        let block_size = 16;
        Ok(EngineConfig {
            preset: text.to_owned(),
            cost: found.cost,
            max_num_seqs: 256,
            max_num_batched_tokens: 8_192,
            block_size,
            num_blocks: found.kv_tokens / block_size,
            enable_prefix_caching: true,
            enable_chunked_prefill: true,
            scheduling_policy: Policy::Fcfs,
            num_speculative_tokens: 0,
            acceptance: 0.7,
            max_loras: 1,
            lora_modules: Vec::new(),
        })
    }

    /// Tokens of prompt and answer together that one job can have: all KV blocks; without chunked
    /// prefill no more than a step computes, because a preempted job is computed again in one piece.
    pub fn max_model_len(&self) -> u64 {
        let blocks = self.num_blocks.saturating_mul(self.block_size);
        if self.enable_chunked_prefill {
            blocks
        } else {
            blocks.min(self.max_num_batched_tokens)
        }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// Every number with which nothing could run.
    pub fn check(&self) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::new();
        for (name, number) in [
            ("max_num_seqs", self.max_num_seqs),
            ("max_num_batched_tokens", self.max_num_batched_tokens),
            ("block_size", self.block_size),
            ("num_blocks", self.num_blocks),
            ("max_loras", self.max_loras),
        ] {
            if number == 0 {
                let said = format!("`{name} = 0`: expected a whole number of at least 1");
                mistakes.push(Mistake::new(said));
            }
        }
        if self.num_speculative_tokens > MOST_DRAFTS {
            mistakes.push(Mistake::new(format!(
                "`num_speculative_tokens = {}` is too large; the most is {MOST_DRAFTS}",
                self.num_speculative_tokens
            )));
        }
        if self.cost.t0 == 0 {
            mistakes.push(Mistake::new(
                "`t0 = 0ns`: every step takes time; write `t0 = 5ms`",
            ));
        }
        if !(0.0..=1.0).contains(&self.acceptance) {
            mistakes.push(Mistake::new(format!(
                "`acceptance = {}`: expected a probability from 0 to 1, such as `0.7`",
                self.acceptance
            )));
        }
        for (index, name) in self.lora_modules.iter().enumerate() {
            if name.is_empty() || name.contains(char::is_whitespace) {
                mistakes.push(Mistake::new(format!(
                    "`lora_modules`: `{name}` is not the name of an adapter; leave out its spaces"
                )));
            } else if self.lora_modules[..index].contains(name) {
                mistakes.push(Mistake::new(format!(
                    "`lora_modules` has `{name}` twice; keep one"
                )));
            }
        }
        if mistakes.is_empty() {
            Ok(())
        } else {
            Err(mistakes)
        }
    }
}

/// Reads the engine of a simulation's settings, from `engine` itself and the keys that go with it.
pub(crate) fn read(
    preset: &Arg<'_>,
    args: &[Arg<'_>],
    mistakes: &mut Mistakes,
) -> Option<EngineConfig> {
    let known = mistakes.len();
    let base = preset
        .text()
        .and_then(|text| EngineConfig::preset(&call::unquote(text)));
    let mut engine = match base {
        Ok(engine) => engine,
        Err(mistake) => {
            mistakes.push(mistake);
            return None;
        }
    };
    let given = |key: &str| args.iter().any(|arg| arg.word == key);
    for arg in args {
        match arg.word {
            "max_num_seqs" => set(&mut engine.max_num_seqs, arg.whole(1), mistakes),
            "max_num_batched_tokens" => {
                set(&mut engine.max_num_batched_tokens, arg.whole(1), mistakes)
            }
            "block_size" => {
                let space = engine.num_blocks * engine.block_size;
                set(&mut engine.block_size, arg.whole(1), mistakes);
                if !given("num_blocks") {
                    engine.num_blocks = space / engine.block_size;
                }
            }
            "num_blocks" => set(&mut engine.num_blocks, arg.whole(1), mistakes),
            "enable_prefix_caching" => set(&mut engine.enable_prefix_caching, arg.flag(), mistakes),
            "enable_chunked_prefill" => {
                set(&mut engine.enable_chunked_prefill, arg.flag(), mistakes)
            }
            "scheduling_policy" => set(&mut engine.scheduling_policy, policy(arg), mistakes),
            "num_speculative_tokens" => {
                set(&mut engine.num_speculative_tokens, arg.whole(0), mistakes)
            }
            "acceptance" => set(&mut engine.acceptance, probability(arg), mistakes),
            "max_loras" => set(&mut engine.max_loras, arg.whole(1), mistakes),
            "lora_modules" => {
                let names = arg.text().map(|text| {
                    let names = call::unquote(text);
                    names.split_whitespace().map(str::to_owned).collect()
                });
                set(&mut engine.lora_modules, names, mistakes);
            }
            "t0" => set(&mut engine.cost.t0, cost(arg), mistakes),
            "tp" => set(&mut engine.cost.tp, cost(arg), mistakes),
            "td" => set(&mut engine.cost.td, cost(arg), mistakes),
            "tk" => set(&mut engine.cost.tk, cost(arg), mistakes),
            _ => {}
        }
    }
    if mistakes.len() > known {
        return None;
    }
    match engine.check() {
        Ok(()) => Some(engine),
        Err(more) => {
            mistakes.extend(more);
            None
        }
    }
}

fn policy(arg: &Arg<'_>) -> Result<Policy, Mistake> {
    match call::unquote(arg.text()?).as_str() {
        "fcfs" => Ok(Policy::Fcfs),
        "priority" => Ok(Policy::Priority),
        other => Err(Mistake::unknown(
            "scheduling policy",
            other,
            &["fcfs", "priority"],
        )),
    }
}

fn probability(arg: &Arg<'_>) -> Result<f64, Mistake> {
    let text = arg.text()?;
    match call::number(text) {
        Some(probability) if probability <= 1.0 => Ok(probability),
        _ => Err(Mistake::new(format!(
            "`{} = {text}`: expected a probability from 0 to 1, such as `0.7`",
            arg.word
        ))),
    }
}

/// Units of a cost, each with its picoseconds.
const UNITS: &[(&str, f64)] = &[
    ("ps", 1.0),
    ("ns", 1e3),
    ("us", 1e6),
    ("µs", 1e6),
    ("ms", 1e9),
    ("s", 1e12),
];

/// A cost, in picoseconds; at most 1,000 s, up to which `f64` holds every picosecond.
fn cost(arg: &Arg<'_>) -> Result<u64, Mistake> {
    let text = arg.text()?;
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (digits, unit) = text.split_at(at.unwrap_or(text.len()));
    let unit = UNITS.iter().find(|(name, _)| *name == unit.trim());
    match (call::number(digits), unit) {
        (Some(number), Some((_, scale))) if number * scale <= 1e15 => {
            Ok((number * scale).round() as u64)
        }
        _ => Err(Mistake::new(format!(
            "`{} = {text}`: expected a time of at most 1000s with its unit (ps, ns, us, ms or s), \
             such as `5ms` or `48.9ns`",
            arg.word
        ))),
    }
}

/// In nanoseconds, exactly.
fn nanos(picos: u64) -> String {
    let (whole, rest) = (picos / 1_000, picos % 1_000);
    match rest {
        0 => format!("{whole}ns"),
        _ => format!("{whole}.{rest:03}ns"),
    }
}

/// Written as settings of a simulation: the preset, and what differs from it.
impl fmt::Display for EngineConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "engine = {}", call::quote(&self.preset))?;
        // What was made without a preset says everything.
        let base = EngineConfig::preset(&self.preset).ok();
        let base = base.as_ref();
        for (key, value, usual) in [
            (
                "max_num_seqs",
                self.max_num_seqs,
                base.map(|b| b.max_num_seqs),
            ),
            (
                "max_num_batched_tokens",
                self.max_num_batched_tokens,
                base.map(|b| b.max_num_batched_tokens),
            ),
            ("block_size", self.block_size, base.map(|b| b.block_size)),
            (
                "num_blocks",
                self.num_blocks,
                base.filter(|b| b.block_size == self.block_size)
                    .map(|b| b.num_blocks),
            ),
            (
                "num_speculative_tokens",
                self.num_speculative_tokens,
                base.map(|b| b.num_speculative_tokens),
            ),
            ("max_loras", self.max_loras, base.map(|b| b.max_loras)),
        ] {
            if Some(value) != usual {
                write!(f, ", {key} = {value}")?;
            }
        }
        for (key, value, usual) in [
            ("t0", self.cost.t0, base.map(|b| b.cost.t0)),
            ("tp", self.cost.tp, base.map(|b| b.cost.tp)),
            ("td", self.cost.td, base.map(|b| b.cost.td)),
            ("tk", self.cost.tk, base.map(|b| b.cost.tk)),
        ] {
            if Some(value) != usual {
                write!(f, ", {key} = {}", nanos(value))?;
            }
        }
        if !self.enable_prefix_caching {
            f.write_str(", enable_prefix_caching = false")?;
        }
        if !self.enable_chunked_prefill {
            f.write_str(", enable_chunked_prefill = false")?;
        }
        if self.scheduling_policy == Policy::Priority {
            f.write_str(", scheduling_policy = priority")?;
        }
        if base.map(|b| b.acceptance) != Some(self.acceptance) {
            write!(f, ", acceptance = {}", self.acceptance)?;
        }
        if !self.lora_modules.is_empty() {
            let names = self.lora_modules.join(" ");
            write!(f, ", lora_modules = {}", call::quote(&names))?;
        }
        Ok(())
    }
}
