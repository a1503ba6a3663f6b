//! The simulated server as text: `ttft = normal(50ms, 5ms), itl = 10ms, slowdown = 2%, seed = 1`.

mod cold;
mod distribution;
mod slowdown;

pub use cold::{Cold, parse_cold};
pub use distribution::{Distribution, Recording, parse_distribution};
pub use slowdown::{Slowdown, parse_slowdown};

use crate::call::{self, set};
use crate::engine::{self, EngineConfig};
use crate::{Mistake, Mistakes, duration, fault, fault::Fault, growth};
use std::fmt;
use std::time::Duration;

/// The simulated server: scripted, as in `ttft=50ms, itl=normal(10ms, 1ms), seed=1`, or with an
/// engine, as in `engine="llama-3-8b@h100", max_num_seqs=64, seed=1`.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// Time from the arrival of a request to its first token. Default 50 ms.
    pub ttft: Distribution,
    /// Time between tokens. Default 10 ms.
    pub itl: Distribution,
    /// Added to the time to the first token for each token of the prompt. Default 0.
    pub prefill: Duration,
    /// How much longer tokens take while other requests are in flight. Default no longer.
    pub slowdown: Option<Slowdown>,
    /// How much servers with other seeds are slower or faster as a whole: the coefficient of variation of a
    /// lognormal factor on all times, whose median is 1; at most 1. Default 0.
    pub noise: f64,
    /// How much slower it becomes while it runs: the share of all times that is added in an hour, at a constant pace.
    /// Default 0.
    pub aging: f64,
    /// How slow it is at first. Default not slower. In a box, because most simulations do without.
    pub cold: Option<Box<Cold>>,
    /// How its memory grows while it runs: the share of its first 1 GiB that is added in an hour. Default 0.
    pub leak: f64,
    /// Takes the place of the first four: times follow from what the server does. Default
    /// none. In a box, because most simulations do without.
    pub engine: Option<Box<EngineConfig>>,
    /// Seed of the draws. Default 0.
    pub seed: u64,
    /// Model name it answers to. Default `simulated`.
    pub model: String,
    /// What goes wrong. Default nothing.
    pub faults: Vec<Fault>,
}

impl Default for Script {
    fn default() -> Self {
        Script {
            ttft: Distribution::Constant(Duration::from_millis(50)),
            itl: Distribution::Constant(Duration::from_millis(10)),
            prefill: Duration::ZERO,
            slowdown: None,
            noise: 0.0,
            aging: 0.0,
            cold: None,
            leak: 0.0,
            engine: None,
            seed: 0,
            model: "simulated".to_owned(),
            faults: Vec::new(),
        }
    }
}

const KEYS: &[&str] = &[
    "ttft", "itl", "prefill", "slowdown", "noise", "aging", "cold", "leak", "seed", "model",
    "engine", "faults",
];
/// Settings that have no effect together with an engine.
const SCRIPTED: &[&str] = &["ttft", "itl", "prefill", "slowdown"];

/// Reads a whole script, without the `sim(…)` around it.
///
/// # Errors
/// Every setting that is unknown, repeated or unreadable.
pub fn parse(text: &str) -> Result<Script, Mistakes> {
    let args = call::args(text).map_err(|mistake| vec![mistake])?;
    let mut script = Script::default();
    let mut mistakes = Mistakes::new();
    let engine = args.iter().find(|arg| arg.word == "engine");
    let fits = |word: &str| match engine {
        Some(_) => !SCRIPTED.contains(&word),
        None => !engine::KEYS.contains(&word),
    };
    let (fitting, misplaced): (Vec<_>, Vec<_>) = args
        .iter()
        .copied()
        .partition(|arg: &call::Arg<'_>| fits(arg.word));
    for arg in misplaced {
        mistakes.push(Mistake::new(match engine {
            Some(_) => format!(
                "`{}` has no effect together with `engine`, whose times follow from its steps; \
                 keep one",
                arg.word
            ),
            None => format!(
                "`{}` is a setting of an engine; add `engine = \"llama-3-8b@h100\"`",
                arg.word
            ),
        }));
    }
    let valid: Vec<&str> = [KEYS, engine::KEYS]
        .concat()
        .into_iter()
        .filter(|word| fits(word))
        .collect();
    call::check_keys(&fitting, "setting of the simulation", &valid, &mut mistakes);
    if let Some(preset) = engine {
        script.engine = engine::read(preset, &fitting, &mut mistakes).map(Box::new);
    }
    for arg in &fitting {
        let about = |mistake| Mistake::new(format!("`{}`: {mistake}", arg.word));
        let time = || parse_distribution(arg.text()?).map_err(about);
        match arg.word {
            "ttft" => set(&mut script.ttft, time(), &mut mistakes),
            "itl" => set(&mut script.itl, time(), &mut mistakes),
            "prefill" => {
                let read = arg
                    .text()
                    .and_then(|text| duration::parse(text).map_err(about));
                set(&mut script.prefill, read, &mut mistakes);
            }
            "slowdown" => {
                let read = arg.text().and_then(parse_slowdown).map(Some);
                set(&mut script.slowdown, read, &mut mistakes);
            }
            "noise" => set(
                &mut script.noise,
                arg.text().and_then(parse_noise),
                &mut mistakes,
            ),
            "aging" => set(&mut script.aging, grows(arg), &mut mistakes),
            "leak" => set(&mut script.leak, grows(arg), &mut mistakes),
            "cold" => {
                let read = arg.text().and_then(parse_cold);
                let read = read.map(|cold| Some(Box::new(cold)));
                set(&mut script.cold, read, &mut mistakes);
            }
            "seed" => set(&mut script.seed, arg.any_whole(0), &mut mistakes),
            "model" => set(
                &mut script.model,
                arg.text().map(call::unquote),
                &mut mistakes,
            ),
            "faults" => match arg.text().map(call::unquote) {
                Ok(text) => match fault::parse(&text) {
                    Ok(faults) => script.faults = faults,
                    Err(wrong) => mistakes.extend(wrong),
                },
                Err(mistake) => mistakes.push(mistake),
            },
            _ => {}
        }
    }
    if script.model.is_empty() {
        mistakes.push(Mistake::new(
            "`model` is empty; leave it out for `simulated`",
        ));
    }
    if mistakes.is_empty() {
        Ok(script)
    } else {
        Err(mistakes)
    }
}

/// Reads how fast something grows.
fn grows(arg: &call::Arg<'_>) -> Result<f64, Mistake> {
    let about = |mistake: Mistake| Mistake::new(format!("`{}`: {mistake}", arg.word));
    growth::parse(arg.text()?).map_err(about)
}

/// Reads the noise from run to run: `4%`.
///
/// # Errors
/// Anything that is not a share from 0% to 100%.
pub fn parse_noise(text: &str) -> Result<f64, Mistake> {
    let plain = call::unquote(text.trim());
    let percent = plain
        .strip_suffix('%')
        .and_then(|percent| call::number(percent.trim()));
    let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
    percent.map(|percent| percent / 100.0).ok_or_else(|| {
        Mistake::new(format!(
            "`noise = {}`: expected a share from 0% to 100%, such as `4%`",
            text.trim()
        ))
    })
}

/// Written so that [`parse`] reads the same script back.
impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.engine {
            Some(engine) => write!(f, "{engine}")?,
            None => {
                write!(f, "ttft = {}, itl = {}", self.ttft, self.itl)?;
                if !self.prefill.is_zero() {
                    write!(f, ", prefill = {}", duration::format(self.prefill))?;
                }
                if let Some(slowdown) = self.slowdown {
                    write!(f, ", slowdown = {slowdown}")?;
                }
            }
        }
        if self.noise > 0.0 {
            // Rounded, because a share of 0.07 is not 7 per cent to the last digit.
            write!(f, ", noise = {}%", (self.noise * 1e10).round() / 1e8)?;
        }
        if self.aging > 0.0 {
            write!(f, ", aging = {}", growth::format(self.aging))?;
        }
        if let Some(cold) = &self.cold {
            write!(f, ", cold = {cold}")?;
        }
        if self.leak > 0.0 {
            write!(f, ", leak = {}", growth::format(self.leak))?;
        }
        write!(f, ", seed = {}", self.seed)?;
        if self.model != "simulated" {
            write!(f, ", model = {}", call::quote(&self.model))?;
        }
        if !self.faults.is_empty() {
            let faults = fault::format(&self.faults);
            write!(f, ", faults = {}", call::quote(&faults))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
