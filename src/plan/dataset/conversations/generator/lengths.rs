//! Distributions of numbers of turns and tokens, drawn as vLLM's script draws them.

use crate::plan::{dataset::fields::kind, numpy::RandomState};
use goodput_grammar::{Mistake, bounds};
use serde_json::{Map, Value};
use std::fmt;

/// A distribution of whole numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Lengths {
    /// Always this number.
    Constant(u64),
    /// From `least` to `most`, both included.
    Uniform {
        least: u64,
        most: u64,
    },
    /// Between two real numbers, rounded down.
    Real {
        least: f64,
        most: f64,
    },
    /// Mean and deviation are those of the logarithm. With `average`, draws that are made together are scaled to it.
    Lognormal {
        mean: f64,
        sigma: f64,
        average: Option<f64>,
        max: Option<u64>,
    },
    Zipf {
        alpha: f64,
        max: Option<u64>,
    },
    Poisson {
        alpha: f64,
        max: Option<u64>,
    },
}

/// The names of distributions.
const NAMES: &[&str] = &["constant", "uniform", "lognormal", "zipf", "poisson"];

/// The median of a lognormal distribution, as a share of its average, if the file does not say.
const MEDIAN_RATIO: f64 = 0.85;

/// The mean of a Poisson distribution at most, as for all whole numbers of a dataset.
const LARGEST_MEAN: f64 = bounds::WHOLE as f64;

impl Lengths {
    /// Reads a distribution. `field` is its place in the file.
    pub(super) fn read(value: &Value, field: &str, mistakes: &mut Vec<String>) -> Option<Self> {
        let Value::Object(fields) = value else {
            mistakes.push(format!(
                "field `{field}` is {}, not an object with `distribution`",
                kind(value)
            ));
            return None;
        };
        let before = mistakes.len();
        let mut reader = Reader {
            field,
            fields,
            mistakes,
        };
        let lengths = reader.lengths();
        lengths.filter(|_| mistakes.len() == before)
    }

    /// Draws several numbers together. Those that are too large for any use are cut.
    pub(super) fn draw(&self, count: usize, random: &mut RandomState) -> Vec<u64> {
        let cut = |drawn: f64, max: &Option<u64>| {
            let most = max.unwrap_or(u64::MAX) as f64;
            drawn.min(most) as u64
        };
        match self {
            Lengths::Constant(value) => vec![*value; count],
            Lengths::Uniform { least, most } => {
                let span = (most - least + 1) as usize;
                let draws = (0..count).map(|_| least + random.below(span) as u64);
                draws.collect()
            }
            Lengths::Real { least, most } => {
                let draws = (0..count).map(|_| least + (most - least) * random.uniform());
                draws.map(|drawn| drawn as u64).collect()
            }
            Lengths::Lognormal {
                mean,
                sigma,
                average,
                max,
            } => {
                let draws: Vec<f64> = (0..count)
                    .map(|_| random.lognormal(*mean, *sigma))
                    .collect();
                let scale = average.map_or(1.0, |average| {
                    average / (draws.iter().sum::<f64>() / count as f64)
                });
                let draws = draws.into_iter().map(|drawn| drawn * scale);
                draws
                    .map(|drawn| cut(drawn.round_ties_even(), max))
                    .collect()
            }
            Lengths::Zipf { alpha, max } => {
                let draws = (0..count).map(|_| cut(random.zipf(*alpha), max));
                draws.collect()
            }
            Lengths::Poisson { alpha, max } => {
                let draws = (0..count).map(|_| cut(random.poisson(*alpha), max));
                draws.collect()
            }
        }
    }
}

/// Writes a distribution as vLLM's script prints it.
impl fmt::Display for Lengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |max: &Option<u64>| max.map_or("None".to_owned(), |max| max.to_string());
        match self {
            Lengths::Constant(value) => write!(f, "Constant[{value}]"),
            Lengths::Uniform { least, most } => write!(f, "UniformDistribution[{least}, {most}]"),
            Lengths::Real { least, most } => write!(f, "UniformDistribution[{least}, {most}]"),
            Lengths::Lognormal {
                mean,
                average: Some(average),
                max,
                ..
            } => {
                let ratio = libm::exp(*mean) / average;
                let ratio = (ratio * 1e6).round() / 1e6;
                let max = or_none(max);
                write!(f, "LognormalDistribution[{average}, {ratio}, {max}]")
            }
            Lengths::Lognormal {
                mean, sigma, max, ..
            } => {
                let max = or_none(max);
                write!(f, "LognormalDistribution[{mean}, {sigma}, {max}]")
            }
            Lengths::Zipf { alpha, .. } => write!(f, "ZipfDistribution[{alpha}]"),
            Lengths::Poisson { alpha, .. } => write!(f, "PoissonDistribution[{alpha}]"),
        }
    }
}

/// The fields of a distribution, and what is wrong with them.
struct Reader<'a> {
    field: &'a str,
    fields: &'a Map<String, Value>,
    mistakes: &'a mut Vec<String>,
}

impl Reader<'_> {
    fn lengths(&mut self) -> Option<Lengths> {
        let field = self.field;
        let name = match self.fields.get("distribution") {
            Some(Value::String(name)) => name.as_str(),
            other => {
                let is = other.map_or("missing", kind);
                let names = NAMES.join(", ");
                self.mistakes.push(format!(
                    "field `{field}.distribution` is {is}; write one of {names}"
                ));
                return None;
            }
        };
        match name {
            "constant" => {
                self.only(&["value"]);
                Some(Lengths::Constant(self.whole("value", 0)?))
            }
            "uniform" => {
                self.only(&["min", "max"]);
                self.uniform()
            }
            "lognormal" => {
                self.only(&["average", "median_ratio", "mean", "sigma", "max"]);
                self.lognormal()
            }
            "zipf" => {
                self.only(&["alpha", "max"]);
                let max = self.max();
                let alpha = self.number("alpha", "above 1", |alpha| alpha > 1.0)?;
                Some(Lengths::Zipf { alpha, max })
            }
            "poisson" => {
                self.only(&["alpha", "max"]);
                let max = self.max();
                let fits = |alpha: f64| (0.0..=LARGEST_MEAN).contains(&alpha);
                let alpha = self.number("alpha", &format!("from 0 to {LARGEST_MEAN}"), fits)?;
                Some(Lengths::Poisson { alpha, max })
            }
            other => {
                let mistake = Mistake::unknown("distribution", other, NAMES);
                self.mistakes
                    .push(format!("field `{field}.distribution`: {}", mistake.0));
                None
            }
        }
    }

    fn uniform(&mut self) -> Option<Lengths> {
        let field = self.field;
        let reals = ["min", "max"].map(|name| {
            self.number(
                name,
                &format!("above 0 and at most {LARGEST_MEAN}"),
                |number| number > 0.0 && number <= LARGEST_MEAN,
            )
        });
        let [Some(least), Some(most)] = reals else {
            return None;
        };
        if least > most {
            self.mistakes.push(format!(
                "field `{field}.min` is {least}, above `max`, which is {most}"
            ));
            return None;
        }
        let whole = |name: &str| self.fields.get(name).and_then(Value::as_u64);
        Some(match (whole("min"), whole("max")) {
            (Some(least), Some(most)) => Lengths::Uniform { least, most },
            _ => Lengths::Real { least, most },
        })
    }

    fn lognormal(&mut self) -> Option<Lengths> {
        let field = self.field;
        let max = self.max();
        if !self.has("average") {
            if self.has("median_ratio") {
                self.mistakes.push(format!(
                    "field `{field}.median_ratio` has a meaning only with `average`"
                ));
            }
            let mean = self.number("mean", "above 0", |mean| mean > 0.0);
            let sigma = self.number("sigma", "of at least 0", |sigma| sigma >= 0.0);
            return Some(Lengths::Lognormal {
                mean: mean?,
                sigma: sigma?,
                average: None,
                max,
            });
        }
        for name in ["mean", "sigma"] {
            if self.has(name) {
                self.mistakes.push(format!(
                    "field `{field}.{name}` cannot be used with `average`; keep `average`, or `mean` and `sigma`"
                ));
            }
        }
        let fits = |average: f64| (1.0..=LARGEST_MEAN).contains(&average);
        let average = self.number("average", &format!("from 1 to {LARGEST_MEAN}"), fits);
        let ratio = if self.has("median_ratio") {
            self.number("median_ratio", "above 0 and below 1", |ratio| {
                ratio > 0.0 && ratio < 1.0
            })
        } else {
            Some(MEDIAN_RATIO)
        };
        // The median of a lognormal distribution is exp(mean), and its average exp(mean + sigma² / 2).
        let (average, ratio) = (average?, ratio?);
        let median = average * ratio;
        Some(Lengths::Lognormal {
            mean: libm::log(median),
            sigma: libm::sqrt(2.0 * libm::log(average / median)),
            average: Some(average),
            max,
        })
    }

    fn has(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|value| !value.is_null())
    }

    /// The largest number that may be drawn.
    fn max(&mut self) -> Option<u64> {
        if self.has("max") {
            self.whole("max", 1)
        } else {
            None
        }
    }

    fn number(&mut self, name: &str, need: &str, fits: impl Fn(f64) -> bool) -> Option<f64> {
        let given = self.fields.get(name);
        let number = given.and_then(Value::as_f64).filter(|n| n.is_finite());
        let number = number.filter(|number| fits(*number));
        if number.is_none() {
            self.refuse(name, &format!("a number {need}"));
        }
        number
    }

    fn whole(&mut self, name: &str, least: u64) -> Option<u64> {
        let given = self.fields.get(name);
        // Python writes whole floats with a point.
        let whole = given.and_then(|value| {
            let float = || value.as_f64().filter(|float| float.fract() == 0.0);
            let float = || float().filter(|float| (0.0..=LARGEST_MEAN).contains(float));
            value.as_u64().or_else(|| float().map(|float| float as u64))
        });
        let whole = whole.filter(|whole| (least..=bounds::WHOLE).contains(whole));
        if whole.is_none() {
            self.refuse(
                name,
                &format!("a whole number from {least} to {}", bounds::WHOLE),
            );
        }
        whole
    }

    fn refuse(&mut self, name: &str, need: &str) {
        let is = match self.fields.get(name) {
            None => "missing".to_owned(),
            Some(plain @ (Value::Number(_) | Value::Bool(_) | Value::Null)) => plain.to_string(),
            Some(other) => kind(other).to_owned(),
        };
        let field = self.field;
        self.mistakes
            .push(format!("field `{field}.{name}` is {is}; write {need}"));
    }

    /// Complains about fields that the distribution does not have.
    fn only(&mut self, known: &[&str]) {
        let all: Vec<&str> = ["distribution"].iter().chain(known).copied().collect();
        for name in self.fields.keys() {
            if !all.contains(&name.as_str()) {
                let mistake = Mistake::unknown("field", name, &all);
                let field = self.field;
                self.mistakes.push(format!("`{field}`: {}", mistake.0));
            }
        }
    }
}
