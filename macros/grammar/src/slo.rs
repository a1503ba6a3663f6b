//! Limits on a run: `p99(ttft) < 300ms, goodput >= 95%, errors < 1%, throughput(output) > 1000`, and on parts of a
//! run: `p99(ttft, turn 2+) < 200ms`, `goodput(chat) >= 95%`.

mod amount;
mod drift;
mod parse;
mod part;
mod words;

pub use parse::{class_name, parse, parse_subject};
pub use part::{Class, Part, Place, Span};

use crate::{growth, search::Over};
use std::fmt;

macro_rules! latencies {
    ($($(#[$doc:meta])* $name:literal => $Latency:ident;)*) => {
        /// A latency that a run has many values of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Latency {
            $($(#[$doc])* $Latency,)*
        }

        impl Latency {
            /// All latencies, in the order in which they are shown.
            pub const ALL: &[Latency] = &[$(Latency::$Latency),*];

            /// The latency's name in limits and results.
            pub fn name(self) -> &'static str {
                match self {
                    $(Latency::$Latency => $name,)*
                }
            }
        }

        const LATENCIES: &[(&str, Latency)] = &[$(($name, Latency::$Latency)),*];
    };
}

// A new latency is a row here, and its definition in goodput's `metrics/definition.rs`.
latencies! {
    /// `ttft`: time to the first token of any kind.
    "ttft" => Ttft;
    /// `ttfat`: time to the first answer token (reasoning left out).
    "ttfat" => Ttfat;
    /// `tpot`: time per output token, the first one excluded.
    "tpot" => Tpot;
    /// `itl`: gap between consecutive token events.
    "itl" => Itl;
    /// `e2el`: end-to-end latency.
    "e2el" => E2el;
    /// `session_e2el`: end-to-end latency of a whole session, think time left out.
    "session_e2el" => SessionE2el;
    /// `round_e2el`: time of a whole round, from its start to the end of its last request.
    "round_e2el" => RoundE2el;
}

macro_rules! stats {
    ($($(#[$doc:meta])* $name:literal => $Stat:ident, $kind:expr;)*) => {
        /// How many values become one.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum Stat {
            $($(#[$doc])* $Stat,)*
            /// `p99(…)`, `p99.9(…)`: percentile 0–100, by linear interpolation.
            Percentile(f64),
        }

        impl Stat {
            /// What it is made of.
            pub fn kind(self) -> StatKind {
                match self {
                    $(Stat::$Stat => $kind,)*
                    Stat::Percentile(percentile) => StatKind::Rank(percentile),
                }
            }
        }

        const STATS: &[(&str, Stat)] = &[$(($name, Stat::$Stat)),*];
    };
}

/// What a statistic is made of, on which it depends how many requests prove something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StatKind {
    /// All values together.
    Moment,
    /// The value below which this many percent of the others are.
    Rank(f64),
    /// The first or last of the values of one run, which says nothing about the next.
    Extreme,
}

// A new statistic is a row here, and its definition in goodput's `judge/statistic.rs`.
stats! {
    /// `mean(…)`
    "mean" => Mean, StatKind::Moment;
    /// `median(…)`
    "median" => Median, StatKind::Rank(50.0);
    /// `std(…)`: population standard deviation.
    "std" => Std, StatKind::Moment;
    /// `min(…)`
    "min" => Min, StatKind::Extreme;
    /// `max(…)`
    "max" => Max, StatKind::Extreme;
}

/// What is counted per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Throughput {
    /// `throughput(requests)`: completed requests per second.
    Requests,
    /// `throughput(input)`: prompt tokens per second.
    Input,
    /// `throughput(output)`: generated tokens per second.
    Output,
    /// `throughput(total)`: both.
    Total,
}

/// The number of a run that is limited.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Subject {
    /// A statistic of a latency, such as `p99(ttft)`; limits are in milliseconds.
    Latency(Stat, Latency),
    /// `goodput`: share of requests within all per-request limits, 0–1.
    Goodput,
    /// `errors`: share of requests that failed, 0–1.
    Errors,
    /// A throughput, such as `throughput(output)`; limits are per second.
    Throughput(Throughput),
    /// `cached`: share of the prompt tokens that the server's prefix cache had, 0–1.
    Cached,
    /// `valid`: share of the requests for a structure that are answered with it, 0–1.
    Valid,
    /// `warm(…)`: mean of a latency in the later rounds over that in the first, request by request.
    Warm(Latency),
    /// `jain(tokens)`: how evenly the server's work is spread over clients, from 1 / clients to 1.
    Jain,
    /// `drift(…)`: how fast something grows over the run's time, as a share of its mean an hour.
    Drift(Level),
    /// `queue_growth`: the share of the requests that come and are not answered, so that more and more are in flight.
    QueueGrowth,
    /// `max_rate`, `max_concurrency`: the highest load at which the other SLOs hold.
    Max(Over),
}

/// What may grow over a run's time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Level {
    /// A statistic of a latency, such as `p50(ttft)`.
    Latency(Stat, Latency),
    /// `memory`: resident memory of the server.
    Memory,
}

/// `<`, `<=`, `>`, `>=`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// One limit on a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    /// The limited number.
    pub subject: Subject,
    /// The requests that it is about.
    pub part: Part,
    /// How it must relate to the limit.
    pub op: Op,
    /// The limit: milliseconds, a ratio 0–1, or per second, as the subject says.
    pub limit: f64,
}

const THROUGHPUTS: &[(&str, Throughput)] = &[
    ("requests", Throughput::Requests),
    ("input", Throughput::Input),
    ("output", Throughput::Output),
    ("total", Throughput::Total),
];

impl Subject {
    /// Whether smaller is better, so that a limit bounds it from above.
    pub fn from_above(self) -> bool {
        matches!(
            self,
            Subject::Latency(..)
                | Subject::Errors
                | Subject::Warm(_)
                | Subject::Drift(_)
                | Subject::QueueGrowth
        )
    }

    /// The number with the requests that it is about, as limits name it: `p99(ttft, turn 2+)`.
    pub fn of(self, part: Part) -> String {
        let name = self.to_string();
        let last = part.to_string();
        let number = match name.strip_suffix(')') {
            _ if last.is_empty() => name,
            Some(open) => format!("{open}, {last})"),
            None => format!("{name}({last})"),
        };
        match part.class {
            Class::Worst => format!("worst_class({number})"),
            Class::All | Class::One(_) => number,
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Subject::Latency(..) => "a latency",
            Subject::Goodput => "goodput",
            Subject::Errors => "errors",
            Subject::Throughput(_) => "throughput",
            Subject::Cached => "the cached share",
            Subject::Valid => "the share of valid answers",
            Subject::Warm(_) => "a ratio of rounds",
            Subject::Jain => "fairness",
            Subject::Drift(_) => "a drift",
            Subject::QueueGrowth => "the growth of the queue",
            Subject::Max(_) => "a capacity",
        }
    }

    fn example(self) -> &'static str {
        match self {
            Subject::Latency(..) => "300ms",
            Subject::Goodput => "95%",
            Subject::Errors => "1%",
            Subject::Throughput(_) => "1000",
            Subject::Cached => "40%",
            Subject::Valid => "99%",
            Subject::Warm(_) => "50%",
            Subject::Jain => "0.9",
            Subject::Drift(_) => "5%/h",
            Subject::QueueGrowth => "2%",
            Subject::Max(Over::Rate) => "12",
            Subject::Max(Over::Concurrency) => "32",
        }
    }
}

impl Slo {
    /// A limit on all requests of a run.
    pub fn new(subject: Subject, op: Op, limit: f64) -> Self {
        Slo {
            subject,
            part: Part::ALL,
            op,
            limit,
        }
    }

    /// The limited number, as limits name it: `p99(ttft, turn 2+)`.
    pub fn number(&self) -> String {
        self.subject.of(self.part)
    }
}

fn name_of<T: PartialEq>(value: T, names: &[(&'static str, T)]) -> &'static str {
    names
        .iter()
        .find(|(_, other)| *other == value)
        .map_or("", |(name, _)| name)
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Throughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(*self, THROUGHPUTS))
    }
}

impl fmt::Display for Stat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stat::Percentile(percentile) => write!(f, "p{percentile}"),
            other => f.write_str(name_of(*other, STATS)),
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Op::Lt => "<",
            Op::Le => "<=",
            Op::Gt => ">",
            Op::Ge => ">=",
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Level::Latency(stat, latency) => write!(f, "{stat}({latency})"),
            Level::Memory => f.write_str("memory"),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Latency(stat, latency) => write!(f, "{stat}({latency})"),
            Subject::Goodput => f.write_str("goodput"),
            Subject::Errors => f.write_str("errors"),
            Subject::Throughput(kind) => write!(f, "throughput({kind})"),
            Subject::Cached => f.write_str("cached"),
            Subject::Valid => f.write_str("valid"),
            Subject::Warm(latency) => write!(f, "warm({latency})"),
            Subject::Jain => f.write_str("jain(tokens)"),
            Subject::Drift(level) => write!(f, "drift({level})"),
            Subject::QueueGrowth => f.write_str("queue_growth"),
            Subject::Max(over) => write!(f, "max_{}", over.name()),
        }
    }
}

/// Written so that [`parse`] reads the same limit back.
impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.number(), self.op)?;
        match self.subject {
            Subject::Latency(..) => write!(f, "{}ms", self.limit),
            Subject::Throughput(_) | Subject::Jain | Subject::Max(_) => {
                write!(f, "{}", self.limit)
            }
            Subject::Drift(_) => f.write_str(&growth::format(self.limit)),
            Subject::Goodput
            | Subject::Errors
            | Subject::Cached
            | Subject::Valid
            | Subject::QueueGrowth
            | Subject::Warm(_) => {
                // 0.07 · 100 is 7.000000000000001: round what multiplying has added, but only
                // where that gives the same ratio back.
                let percent = (self.limit * 1e12).round() / 1e10;
                if percent / 100.0 == self.limit {
                    write!(f, "{percent}%")
                } else {
                    write!(f, "{}", self.limit)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
