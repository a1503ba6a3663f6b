//! The simulated server itself, independent of what carries its bytes.

use super::{
    dialect::{MAX_MODEL_LEN, WORDS},
    engine::EngineRunner,
    refusal::Refusal,
    script::{Latencies, luck},
    structured::{Maker, Makers},
    telemetry::Telemetry,
    wear::Wear,
};
use crate::{
    clock::{Clock, Nanos},
    problem::Problem,
    structure::Structure,
    tokenizer::{Codec, Tokenizer},
};
use goodput_grammar::{
    engine::{EngineConfig, StepCost},
    sim::Script,
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// A server that answers by a script or by an engine.
pub struct SimServer {
    pub(super) script: Script,
    engine: Option<EngineRunner>,
    /// The scripted times, if there is no engine.
    latencies: Result<Latencies, Vec<Problem>>,
    telemetry: Arc<Telemetry>,
    count: Box<dyn Fn(&str) -> u64 + Send + Sync>,
    tokenizer: Tokenizer,
    /// The tokenizer's ids for the words of answers.
    word_ids: Option<Arc<[u64]>>,
    /// Writes texts by the structures that were asked for.
    makers: Makers,
    accepted: AtomicU64,
    in_flight: AtomicU64,
    /// Nanoseconds that generations were in flight, added up as they end.
    nanos_in_flight: AtomicU64,
    /// Connections that were made so far.
    pub(super) connections: AtomicU64,
}

impl SimServer {
    /// A server for this script. It answers to any model name, unless the script has another one
    /// than the default: then it refuses the others, as vLLM does.
    ///
    /// Reads the recordings that the script names; see [`problems`](Self::problems).
    pub fn new(script: Script) -> Self {
        let engine = script.engine.clone();
        let wear = Wear::of(&script);
        let engine = engine
            .map(|config| EngineRunner::new(lucky(*config, &script), script.seed).wearing(wear));
        let telemetry = match &engine {
            Some(engine) => engine.telemetry().clone(),
            None => Arc::new(Telemetry::new(MAX_MODEL_LEN, 0)),
        };
        let latencies = match engine {
            Some(_) => Latencies::read(&Script::default()),
            None => Latencies::read(&script),
        };
        SimServer {
            engine,
            telemetry,
            latencies,
            script,
            count: Box::new(estimate_tokens),
            tokenizer: Tokenizer::none(),
            word_ids: None,
            makers: Makers::default(),
            accepted: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            nanos_in_flight: AtomicU64::new(0),
            connections: AtomicU64::new(0),
        }
    }

    /// Counts the tokens of text prompts with `count`. Default: a quarter of their bytes, rounded
    /// up. Prompts of token ids are always counted exactly.
    #[must_use]
    pub fn count_tokens(mut self, count: impl Fn(&str) -> u64 + Send + Sync + 'static) -> Self {
        self.count = Box::new(count);
        self
    }

    /// The problems with the recordings that the script names. With any, all generations are answered with status
    /// 500.
    pub fn problems(&self) -> &[Problem] {
        self.latencies.as_ref().err().map_or(&[], Vec::as_slice)
    }

    /// The scripted times, or why there are none.
    pub(super) fn latencies(&self) -> Result<&Latencies, String> {
        self.latencies.as_ref().map_err(|problems| {
            let each: Vec<String> = problems.iter().map(ToString::to_string).collect();
            each.join("; ")
        })
    }

    /// Counts, encodes and decodes with a tokenizer, so that `/tokenize` and `/detokenize` are exact and the token
    /// ids of answers are those of their text. The tokens that it puts around a prompt count. Default: none.
    #[must_use]
    pub fn tokenizer(mut self, tokenizer: Tokenizer) -> Self {
        // A word that is several tokens has the id of the first.
        let id = |codec: &Codec, word| codec.encode(word, false).ok()?.first().copied();
        self.word_ids = tokenizer.codec().and_then(|codec| {
            let ids = WORDS.iter().map(|word| id(codec, word).map(u64::from));
            ids.collect()
        });
        let counting = tokenizer.clone();
        self.tokenizer = tokenizer;
        self.count_tokens(move |text| counting.count(text, true).tokens)
    }

    /// Generations accepted so far, including those that a [fault](goodput_grammar::fault) spoils.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Generations accepted, and neither complete nor given up by their client.
    pub fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How long the generations that are over were in flight, all together.
    pub fn time_in_flight(&self) -> Duration {
        Duration::from_nanos(self.nanos_in_flight.load(Ordering::Relaxed))
    }

    /// The server's engine, if it has one.
    pub fn engine(&self) -> Option<&EngineRunner> {
        self.engine.as_ref()
    }

    /// Resident memory at this time, bytes.
    pub(super) fn memory(&self, now: Nanos) -> f64 {
        Wear::of(&self.script).memory(now)
    }

    /// The server's counters.
    pub(super) fn telemetry(&self) -> &Arc<Telemetry> {
        &self.telemetry
    }

    /// Tokens of prompt and answer that a request may have together.
    pub(super) fn max_model_len(&self) -> u64 {
        self.engine.as_ref().map_or(MAX_MODEL_LEN, |engine| {
            engine.config().max_model_len().min(MAX_MODEL_LEN)
        })
    }

    /// The LoRA adapters that the server serves as models of their own.
    pub(super) fn adapters(&self) -> &[String] {
        let engine = self.script.engine.as_ref();
        engine.map_or(&[], |engine| engine.lora_modules.as_slice())
    }

    /// The tokens in a text.
    pub(super) fn count(&self, text: &str) -> u64 {
        (self.count)(text)
    }

    /// The codec that encodes and decodes, if there is a tokenizer.
    pub(super) fn codec(&self) -> Option<&Codec> {
        self.tokenizer.codec()
    }

    /// The token ids of the words of answers, if there is a tokenizer.
    pub(super) fn word_ids(&self) -> Option<Arc<[u64]>> {
        self.word_ids.clone()
    }

    /// Writes texts with a structure.
    pub(super) fn maker(&self, structure: Structure) -> Result<Arc<Maker>, Refusal> {
        self.makers.of(structure)
    }

    /// The name of the only model served; `None` is any.
    pub(super) fn only_model(&self) -> Option<&str> {
        let model = self.script.model.as_str();
        (model != Script::default().model).then_some(model)
    }

    /// Accepts a generation that arrived at `arrival`.
    pub(super) fn accept(self: &Arc<Self>, arrival: Nanos, clock: &Clock) -> Accepted {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Accepted {
            ordinal: self.accepted.fetch_add(1, Ordering::Relaxed),
            arrival,
            clock: clock.clone(),
            server: self.clone(),
        }
    }
}

impl fmt::Debug for SimServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimServer")
            .field("script", &self.script)
            .field("accepted", &self.accepted())
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}

/// An engine whose steps are longer by the server's luck.
fn lucky(mut engine: EngineConfig, script: &Script) -> EngineConfig {
    let luck = luck(script);
    let StepCost { t0, tp, td, tk } = &mut engine.cost;
    if luck != 1.0 {
        for cost in [t0, tp, td, tk] {
            *cost = (*cost as f64 * luck).round() as u64;
        }
    }
    engine
}

/// An accepted generation, which is in flight until this is dropped.
#[derive(Debug)]
pub(super) struct Accepted {
    /// The number of generations that were accepted before.
    pub(super) ordinal: u64,
    arrival: Nanos,
    clock: Clock,
    server: Arc<SimServer>,
}

impl Drop for Accepted {
    fn drop(&mut self) {
        let took = self.clock.now() - self.arrival;
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.server
            .nanos_in_flight
            .fetch_add(nanos, Ordering::Relaxed);
        self.server.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The approximate number of tokens of an English text: a quarter of its bytes.
pub(crate) fn estimate_tokens(text: &str) -> u64 {
    text.len().div_ceil(4) as u64
}
