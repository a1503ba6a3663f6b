//! Distributions of simulated times: `50ms`, `normal(50ms, 5ms)`, `lognormal(50ms, 20ms)`,
//! `gamma(50ms, 20ms)`, `uniform(40ms, 60ms)`, `exponential(50ms)`.

use crate::call::{self, Call, set};
use crate::engine::{self, EngineConfig};
use crate::{Mistake, Mistakes, duration, fault, fault::Fault};
use std::fmt;
use std::time::Duration;

/// A distribution of times; means and standard deviations are those of the distribution itself
/// (not of the underlying normal for `lognormal`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distribution {
    /// Always this.
    Constant(Duration),
    /// Normal with mean and standard deviation, cut at 0.
    Normal(Duration, Duration),
    /// Lognormal with mean and standard deviation.
    LogNormal(Duration, Duration),
    /// Gamma with mean and standard deviation.
    Gamma(Duration, Duration),
    /// Uniform between two bounds.
    Uniform(Duration, Duration),
    /// Exponential with this mean.
    Exponential(Duration),
}

/// The simulated server: scripted, as in `ttft=50ms, itl=normal(10ms, 1ms), seed=1`, or with an
/// engine, as in `engine="llama-3-8b@h100", max_num_seqs=64, seed=1`.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// Time from the arrival of a request to its first token. Default 50 ms.
    pub ttft: Distribution,
    /// Time between tokens. Default 10 ms.
    pub itl: Distribution,
    /// Takes the place of the two distributions: times follow from what the server does. Default
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
            engine: None,
            seed: 0,
            model: "simulated".to_owned(),
            faults: Vec::new(),
        }
    }
}

const SHAPES: &[&str] = &["normal", "lognormal", "gamma", "uniform", "exponential"];
const KEYS: &[&str] = &["ttft", "itl", "seed", "model", "engine", "faults"];
/// Settings that make no sense beside an engine.
const SCRIPTED: &[&str] = &["ttft", "itl"];

/// Reads one distribution.
///
/// # Errors
/// An unknown shape, a wrong number of times, a time without a unit, a spread of 0 and crossed
/// bounds.
pub fn parse_distribution(text: &str) -> Result<Distribution, Mistake> {
    let call = Call::parse(text)?;
    let Some(args) = &call.args else {
        return duration::parse(text)
            .map(Distribution::Constant)
            .map_err(|mistake| {
                if SHAPES.contains(&call.name) {
                    count(call.name, 0)
                } else if call.name.starts_with(char::is_alphabetic) {
                    Mistake::unknown("distribution", call.name, SHAPES)
                } else {
                    mistake
                }
            });
    };
    if !SHAPES.contains(&call.name) {
        return Err(Mistake::unknown("distribution", call.name, SHAPES));
    }
    let times = args
        .iter()
        .map(|arg| match arg.value {
            None => duration::parse(arg.word),
            Some(_) => Err(Mistake::new(format!(
                "`{}` takes times in order, without names: `{}(50ms{})`",
                call.name,
                call.name,
                if call.name == "exponential" {
                    ""
                } else {
                    ", 5ms"
                }
            ))),
        })
        .collect::<Result<Vec<_>, _>>()?;
    match (call.name, times.as_slice()) {
        ("exponential", &[mean]) => nonzero(text, mean).map(Distribution::Exponential),
        ("uniform", &[low, high]) if low < high => Ok(Distribution::Uniform(low, high)),
        ("uniform", &[low, high]) => Err(Mistake::new(format!(
            "`{}`: the second bound must be above the first ({} is not above {})",
            text.trim(),
            duration::format(high),
            duration::format(low)
        ))),
        (_, &[mean, spread]) if call.name != "exponential" => {
            if spread.is_zero() {
                return Err(Mistake::new(format!(
                    "`{}` has no spread; write `{}` for a constant",
                    text.trim(),
                    duration::format(mean)
                )));
            }
            match call.name {
                "normal" => Ok(Distribution::Normal(mean, spread)),
                "lognormal" => {
                    nonzero(text, mean).map(|mean| Distribution::LogNormal(mean, spread))
                }
                _ => nonzero(text, mean).map(|mean| Distribution::Gamma(mean, spread)),
            }
        }
        (name, times) => Err(count(name, times.len())),
    }
}

fn nonzero(text: &str, mean: Duration) -> Result<Duration, Mistake> {
    if mean.is_zero() {
        return Err(Mistake::new(format!(
            "`{}` has a mean of 0; write `0ms` for a constant",
            text.trim()
        )));
    }
    Ok(mean)
}

fn count(name: &str, given: usize) -> Mistake {
    let wanted = match name {
        "exponential" => "one time, its mean: `exponential(50ms)`".to_owned(),
        "uniform" => "two times, its bounds: `uniform(40ms, 60ms)`".to_owned(),
        _ => format!("two times, mean and standard deviation: `{name}(50ms, 5ms)`"),
    };
    Mistake::new(format!("`{name}` takes {wanted}; {given} given"))
}

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
                "`{}` has no effect beside `engine`, whose times follow from its steps; keep one",
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
        let time = || {
            parse_distribution(arg.text()?)
                .map_err(|mistake| Mistake::new(format!("`{}`: {mistake}", arg.word)))
        };
        match arg.word {
            "ttft" => set(&mut script.ttft, time(), &mut mistakes),
            "itl" => set(&mut script.itl, time(), &mut mistakes),
            "seed" => set(&mut script.seed, arg.whole(0), &mut mistakes),
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

/// Written so that [`parse_distribution`] reads the same one back.
impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |span: &Duration| duration::format(*span);
        match self {
            Distribution::Constant(span) => f.write_str(&time(span)),
            Distribution::Normal(mean, std) => write!(f, "normal({}, {})", time(mean), time(std)),
            Distribution::LogNormal(mean, std) => {
                write!(f, "lognormal({}, {})", time(mean), time(std))
            }
            Distribution::Gamma(mean, std) => write!(f, "gamma({}, {})", time(mean), time(std)),
            Distribution::Uniform(low, high) => write!(f, "uniform({}, {})", time(low), time(high)),
            Distribution::Exponential(mean) => write!(f, "exponential({})", time(mean)),
        }
    }
}

/// Written so that [`parse`] reads the same script back.
impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.engine {
            Some(engine) => write!(f, "{engine}, seed = {}", self.seed)?,
            None => write!(
                f,
                "ttft = {}, itl = {}, seed = {}",
                self.ttft, self.itl, self.seed
            )?,
        }
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
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[rstest]
    #[case("50ms", Distribution::Constant(ms(50)))]
    #[case("0ms", Distribution::Constant(ms(0)))]
    #[case("normal(50ms, 5ms)", Distribution::Normal(ms(50), ms(5)))]
    #[case(" lognormal ( 50ms,20ms )", Distribution::LogNormal(ms(50), ms(20)))]
    #[case("gamma(50ms, 20ms)", Distribution::Gamma(ms(50), ms(20)))]
    #[case("uniform(0ms, 60ms)", Distribution::Uniform(ms(0), ms(60)))]
    #[case("exponential(0.05s)", Distribution::Exponential(ms(50)))]
    fn reads_distributions(#[case] text: &str, #[case] distribution: Distribution) {
        assert_eq!(parse_distribution(text), Ok(distribution));
    }

    #[rstest]
    #[case("50", "`50` has no unit; write `50ms`, `50us` or `50s`")]
    #[case(
        "norml(50ms, 5ms)",
        "unknown distribution `norml`; did you mean `normal`? Valid: normal, lognormal, gamma, \
         uniform, exponential"
    )]
    #[case(
        "poisson",
        "unknown distribution `poisson`. Valid: normal, lognormal, gamma, uniform, exponential"
    )]
    #[case(
        "normal(50ms)",
        "`normal` takes two times, mean and standard deviation: `normal(50ms, 5ms)`; 1 given"
    )]
    #[case(
        "gamma",
        "`gamma` takes two times, mean and standard deviation: `gamma(50ms, 5ms)`; 0 given"
    )]
    #[case(
        "exponential(1ms, 2ms)",
        "`exponential` takes one time, its mean: `exponential(50ms)`; 2 given"
    )]
    #[case(
        "uniform(60ms, 40ms)",
        "`uniform(60ms, 40ms)`: the second bound must be above the first (40ms is not above 60ms)"
    )]
    #[case(
        "normal(50ms, 0ms)",
        "`normal(50ms, 0ms)` has no spread; write `50ms` for a constant"
    )]
    #[case(
        "gamma(0ms, 5ms)",
        "`gamma(0ms, 5ms)` has a mean of 0; write `0ms` for a constant"
    )]
    #[case(
        "normal(mean = 50ms, std = 5ms)",
        "`normal` takes times in order, without names: `normal(50ms, 5ms)`"
    )]
    fn refuses_distributions(#[case] text: &str, #[case] said: &str) {
        assert_eq!(parse_distribution(text).unwrap_err().to_string(), said);
    }

    #[test]
    fn reads_scripts() {
        assert_eq!(parse(""), Ok(Script::default()));
        let script = parse("ttft=normal(50ms, 5ms), itl = 7ms, seed=3, model = \"a, b\"").unwrap();
        assert_eq!(
            script,
            Script {
                ttft: Distribution::Normal(ms(50), ms(5)),
                itl: Distribution::Constant(ms(7)),
                seed: 3,
                model: "a, b".to_owned(),
                engine: None,
                faults: Vec::new(),
            }
        );
        let text = r#"faults = "reset@5%, status(500, body = ""a, b"")@req:3""#;
        let script = parse(text).unwrap();
        assert_eq!(
            fault::format(&script.faults),
            r#"reset@5%, status(500, body = "a, b")@req:3"#
        );
        assert_eq!(parse(&script.to_string()), Ok(script));
    }

    #[test]
    fn says_all_mistakes_at_once() {
        let mistakes =
            parse("tfft = 5ms, itl = 7, seed = x, seed = 1, model, faults = \"rest, crlf(1)\"")
                .unwrap_err();
        let said: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "unknown setting of the simulation `tfft`; did you mean `ttft`? Valid: ttft, itl, \
                 seed, model, engine, faults",
                "`seed` is given twice; keep one",
                "`itl`: `7` has no unit; write `7ms`, `7us` or `7s`",
                "`seed = x`: expected a whole number of at least 0",
                "`model` has no value; write `model = …`",
                "unknown fault `rest`; did you mean `reset`? Valid: refuse, slow_headers, stall, \
                 reset, cut, end_early, truncated_utf8, error_event, status, no_usage, wrong_usage, \
                 no_done, duplicate, role_only, empty, usage_only, tokens_per_chunk, crlf, drip, \
                 no_tokens",
                "`crlf` takes no value, `1` is given",
            ]
        );
    }

    #[test]
    fn reads_an_engine() {
        let script = parse(
            "engine = \"llama-3-8b@h100\", max_num_seqs = 64, block_size = 32, seed = 2, \
             scheduling_policy = priority, tk = 48.9ns, enable_prefix_caching = false, \
             lora_modules = \"sql chat\"",
        )
        .unwrap();
        let engine = script.engine.unwrap();
        assert_eq!((engine.max_num_seqs, script.seed), (64, 2));
        // The space stays the same when the blocks grow.
        assert_eq!((engine.block_size, engine.num_blocks), (32, 13_337));
        assert_eq!(engine.cost.tk, 48_900);
        assert_eq!(engine.scheduling_policy, engine::Policy::Priority);
        assert!(!engine.enable_prefix_caching && engine.enable_chunked_prefill);
        assert_eq!(engine.lora_modules, ["sql", "chat"]);
    }

    #[rstest]
    #[case(
        "max_num_seqs = 3",
        "`max_num_seqs` is a setting of an engine; add `engine = \"llama-3-8b@h100\"`"
    )]
    #[case(
        "engine = linear, ttft = 5ms",
        "`ttft` has no effect beside `engine`, whose times follow from its steps; keep one"
    )]
    #[case(
        "engine = linear, max_num_seq = 5",
        "unknown setting of the simulation `max_num_seq`; did you mean `max_num_seqs`? Valid: seed, \
         model, engine, faults, max_num_seqs, max_num_batched_tokens, block_size, num_blocks, \
         enable_prefix_caching, enable_chunked_prefill, scheduling_policy, num_speculative_tokens, \
         acceptance, max_loras, lora_modules, t0, tp, td, tk"
    )]
    #[case("engine", "`engine` has no value; write `engine = …`")]
    #[case(
        "engine = linear, num_blocks = 0",
        "`num_blocks = 0`: expected a whole number of at least 1"
    )]
    #[case(
        "engine = linear, scheduling_policy = priorty",
        "unknown scheduling policy `priorty`; did you mean `priority`? Valid: fcfs, priority"
    )]
    #[case(
        "engine = linear, acceptance = 1.1",
        "`acceptance = 1.1`: expected a probability from 0 to 1, such as `0.7`"
    )]
    #[case(
        "engine = linear, tp = 5",
        "`tp = 5`: expected a time of at most 1000s with its unit (ps, ns, us, ms or s), such as \
         `5ms` or `48.9ns`"
    )]
    #[case(
        "engine = linear, t0 = 0ms",
        "`t0 = 0ns`: every step takes time; write `t0 = 5ms`"
    )]
    #[case(
        "engine = linear, lora_modules = \"a b a\"",
        "`lora_modules` has `a` twice; keep one"
    )]
    fn refuses_engines(#[case] text: &str, #[case] said: &str) {
        assert_eq!(parse(text).unwrap_err(), [Mistake::new(said)]);
    }

    fn any_engine() -> impl Strategy<Value = EngineConfig> {
        let preset = prop_oneof![
            Just("linear"),
            Just("llama-3-8b@h100"),
            Just("llama-3-70b@a100x4")
        ];
        let number = || prop_oneof![Just(16), 1..1_000_000_u64];
        let picos = || 1..1_000_000_000_000_000_u64;
        (
            (
                preset,
                any::<bool>(),
                any::<bool>(),
                any::<bool>(),
                0.0..=1.0_f64,
            ),
            (number(), number(), number(), number(), number(), 0..9_u64),
            prop::option::of((picos(), picos(), picos(), picos())),
            prop::collection::btree_set("[a-z0-9\"/-]+", 0..3),
        )
            .prop_map(|(flags, numbers, cost, modules)| {
                let (preset, enable_prefix_caching, enable_chunked_prefill, priority, acceptance) =
                    flags;
                let base = EngineConfig::preset(preset).unwrap();
                EngineConfig {
                    cost: cost.map_or(base.cost, |(t0, tp, td, tk)| engine::StepCost {
                        t0,
                        tp,
                        td,
                        tk,
                    }),
                    max_num_seqs: numbers.0,
                    max_num_batched_tokens: numbers.1,
                    block_size: numbers.2,
                    num_blocks: numbers.3,
                    max_loras: numbers.4,
                    num_speculative_tokens: numbers.5,
                    enable_prefix_caching,
                    enable_chunked_prefill,
                    scheduling_policy: if priority {
                        engine::Policy::Priority
                    } else {
                        engine::Policy::Fcfs
                    },
                    acceptance,
                    lora_modules: modules.into_iter().collect(),
                    ..base
                }
            })
    }

    fn any_distribution() -> impl Strategy<Value = Distribution> {
        let time = || (1..u64::MAX).prop_map(Duration::from_nanos);
        prop_oneof![
            time().prop_map(Distribution::Constant),
            (time(), time()).prop_map(|(mean, std)| Distribution::Normal(mean, std)),
            (time(), time()).prop_map(|(mean, std)| Distribution::LogNormal(mean, std)),
            (time(), time()).prop_map(|(mean, std)| Distribution::Gamma(mean, std)),
            (0..1_000_u64, 1_000..u64::MAX).prop_map(|(low, high)| Distribution::Uniform(
                Duration::from_nanos(low),
                Duration::from_nanos(high)
            )),
            time().prop_map(Distribution::Exponential),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            ttft in any_distribution(),
            itl in any_distribution(),
            seed: u64,
            model in ".+",
        ) {
            let script = Script { ttft, itl, seed, model, ..Script::default() };
            prop_assert_eq!(parse(&script.to_string()), Ok(script));
        }

        #[test]
        fn an_engine_that_is_written_is_read_back(engine in any_engine(), seed: u64) {
            let script = Script { engine: Some(Box::new(engine)), seed, ..Script::default() };
            prop_assert_eq!(parse(&script.to_string()), Ok(script));
        }
    }
}
