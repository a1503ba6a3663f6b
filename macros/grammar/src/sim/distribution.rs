//! Distributions of simulated times: `50ms`, `normal(50ms, 5ms)`, `lognormal(50ms, 20ms)`,
//! `gamma(50ms, 20ms)`, `uniform(40ms, 60ms)`, `exponential(50ms)`, `empirical("run.json")`.

use crate::call::{self, Arg, Call};
use crate::{Mistake, duration};
use std::{fmt, sync::Arc, time::Duration};

/// A distribution of times; means and standard deviations are those of the distribution itself
/// (not of the underlying normal for `lognormal`).
#[derive(Debug, Clone, PartialEq)]
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
    /// What was measured.
    Empirical(Recording),
}

/// Measured times to draw from.
#[derive(Debug, Clone, PartialEq)]
pub enum Recording {
    /// A result file with `ttfts` and `itls`, of `goodput serve --save-detailed` or of vLLM's. It is
    /// read when the simulation starts. Whole requests are drawn from it.
    File(String),
    /// These times, each as likely as the others, whatever was drawn before.
    Times(Arc<[Duration]>),
}

impl Distribution {
    /// Draws from these times, each as likely as the others, whatever was drawn before. Without any
    /// it is 0.
    pub fn empirical(times: &[Duration]) -> Self {
        match times {
            [] => Distribution::Constant(Duration::ZERO),
            times => Distribution::Empirical(Recording::Times(times.into())),
        }
    }
}

const SHAPES: &[&str] = &[
    "normal",
    "lognormal",
    "gamma",
    "uniform",
    "exponential",
    "empirical",
];

/// Reads one distribution.
///
/// # Errors
/// An unknown shape, a wrong number of times, a time without a unit, a spread of 0, crossed bounds
/// and a file that is not named in quotes.
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
    if call.name == "empirical" {
        return recording(args).map(Distribution::Empirical);
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

/// What stands in the parentheses of `empirical`: one file in quotes, or times.
fn recording(args: &[Arg<'_>]) -> Result<Recording, Mistake> {
    let quoted = |arg: &Arg<'_>| arg.word.starts_with(['"', '\'']);
    match args {
        [] => Err(count("empirical", 0)),
        [file] if quoted(file) && file.value.is_none() => match call::unquote(file.word) {
            path if path.trim().is_empty() => Err(Mistake::new(
                "`empirical` has an empty file name; write `empirical(\"run.json\")`",
            )),
            path => Ok(Recording::File(path)),
        },
        _ if args.iter().any(quoted) => Err(Mistake::new(
            "`empirical` takes one file, or times, and nothing else: `empirical(\"run.json\")`",
        )),
        _ => {
            let time = |arg: &Arg<'_>| match (arg.value, duration::parse(arg.word)) {
                (None, Ok(time)) => Ok(time),
                (None, Err(mistake)) if arg.word.starts_with(|c: char| c.is_ascii_digit()) => {
                    Err(mistake)
                }
                _ => Err(Mistake::new(format!(
                    "`{}` is neither a time nor a file in quotes; write `empirical(\"run.json\")`",
                    arg.word
                ))),
            };
            let times: Result<Vec<Duration>, Mistake> = args.iter().map(time).collect();
            Ok(Recording::Times(times?.into()))
        }
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
        "empirical" => "a result file in quotes, `empirical(\"run.json\")`, or measured times, \
                        `empirical(40ms, 55ms, 52ms)`"
            .to_owned(),
        _ => format!("two times, mean and standard deviation: `{name}(50ms, 5ms)`"),
    };
    Mistake::new(format!("`{name}` takes {wanted}; {given} given"))
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
            Distribution::Empirical(Recording::File(path)) => {
                write!(f, "empirical({})", call::quote(path))
            }
            Distribution::Empirical(Recording::Times(times)) => {
                let times: Vec<String> = times.iter().map(time).collect();
                write!(f, "empirical({})", times.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
         uniform, exponential, empirical"
    )]
    #[case(
        "poisson",
        "unknown distribution `poisson`. Valid: normal, lognormal, gamma, uniform, exponential, empirical"
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

    fn file(path: &str) -> Distribution {
        Distribution::Empirical(Recording::File(path.to_owned()))
    }

    #[rstest]
    #[case("empirical(\"run.json\")", file("run.json"))]
    #[case("empirical('a, (b) = \"c\".json')", file("a, (b) = \"c\".json"))]
    #[case(
        "empirical( 40ms, 55ms,40ms )",
        Distribution::empirical(&[ms(40), ms(55), ms(40)])
    )]
    fn reads_recordings(#[case] text: &str, #[case] distribution: Distribution) {
        assert_eq!(parse_distribution(text), Ok(distribution));
    }

    const FORMS: &str = "`empirical` takes a result file in quotes, `empirical(\"run.json\")`, or \
                         measured times, `empirical(40ms, 55ms, 52ms)`; 0 given";
    const ONE_FILE: &str =
        "`empirical` takes one file, or times, and nothing else: `empirical(\"run.json\")`";

    #[rstest]
    #[case::nothing("empirical", FORMS)]
    #[case::empty("empirical()", FORMS)]
    #[case::no_quotes(
        "empirical(run.json)",
        "`run.json` is neither a time nor a file in quotes; write `empirical(\"run.json\")`"
    )]
    #[case::named(
        "empirical(file = \"run.json\")",
        "`file` is neither a time nor a file in quotes; write `empirical(\"run.json\")`"
    )]
    #[case::no_unit(
        "empirical(40ms, 50)",
        "`50` has no unit; write `50ms`, `50us` or `50s`"
    )]
    #[case::two_files("empirical(\"a.json\", \"b.json\")", ONE_FILE)]
    #[case::file_and_time("empirical(\"a.json\", 5ms)", ONE_FILE)]
    #[case::no_name(
        "empirical(\"\")",
        "`empirical` has an empty file name; write `empirical(\"run.json\")`"
    )]
    #[case::slip(
        "empircal(\"run.json\")",
        "unknown distribution `empircal`; did you mean `empirical`? Valid: normal, lognormal, \
         gamma, uniform, exponential, empirical"
    )]
    fn refuses_recordings(#[case] text: &str, #[case] said: &str) {
        assert_eq!(parse_distribution(text).unwrap_err().to_string(), said);
    }
}
