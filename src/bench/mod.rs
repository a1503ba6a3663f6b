//! Benches: what to measure, how to load it, and what to demand.
//!
//! A [`Bench`] is the description that the attribute, the command and suite files fill. A test can fill one
//! with its methods and run it: by [`Bench::run`] in async code, by [`Bench::run_blocking`] elsewhere.
//! [`Control`] watches a run and ends it early.
//!
//! ```
//! use goodput::Bench;
//!
//! let bench = Bench::new("chat")
//!     .target("sim(ttft = 80ms, itl = 5ms)")
//!     .backend("openai-chat")
//!     .dataset("random(input = 64, output = 16)")
//!     .rate(20)
//!     .requests(100)
//!     .slo("p50(ttft) < 300ms, errors < 5%");
//!
//! // All problems with settings are reported at once, before anything is sent.
//! let problems = bench.clone().rate(-1.0).confidence(2.0).check().unwrap_err();
//! assert!(problems.to_string().starts_with("2 settings cannot be used"));
//!
//! // The plan is known, too, and whether the run can decide its SLOs.
//! let plan = bench.plan()?;
//! assert_eq!(plan.requests.len(), 100);
//! println!("{}", bench.decidable(&plan));
//!
//! bench.run_blocking()?.ensure_passed()?;
//! # Ok::<(), goodput::Error>(())
//! ```

mod align;
mod api_key;
mod arm;
mod bounds;
mod builder;
mod check;
mod check_plan;
mod checked;
mod classes;
mod compose;
mod conduct;
mod connect;
mod control;
mod encode;
mod failure;
mod family;
mod grow;
mod journaled;
#[cfg(feature = "cli")]
pub(crate) mod keys;
mod lasting;
mod line;
mod live;
mod lora;
mod made;
#[cfg(feature = "cli")]
mod monitored;
mod noise;
mod notes;
#[cfg_attr(
    not(feature = "cli"),
    allow(dead_code, reason = "only the command sends shards")
)]
mod parts;
#[cfg_attr(
    not(feature = "cli"),
    allow(dead_code, reason = "only the command sends shards")
)]
mod party;
mod prepare;
mod probe;
mod profile;
mod proof;
mod provenance;
mod ready;
mod room;
mod search;
mod segments;
mod setting;
mod setup;
mod several;
#[cfg_attr(
    not(feature = "cli"),
    allow(dead_code, reason = "only the command sends shards")
)]
mod sharding;
mod shared;
mod structured;
#[cfg(test)]
mod tests;
mod tokens;
mod versus;
mod waiting;
mod watch;

pub use control::Control;
pub(crate) use family::Family;
pub use lora::LoraAssignment;
use parts::{Client, Demands, Keeping, Load, Wire};
#[cfg(feature = "cli")]
pub(crate) use parts::{Sharding, Together};
pub use setting::Texts;

use crate::{
    grammar::fault::Fault,
    problem::Problem,
    setting::Setting,
    targets::{self, AnyTarget},
};

/// What to measure, how to load it, and what to demand.
///
/// Nothing is checked before [`run`](Bench::run): then every problem is reported at once.
///
/// ```
/// use goodput::Bench;
///
/// let report = Bench::new("chat")
///     .target("sim(ttft = 80ms, itl = 5ms)")
///     .backend("openai-chat")
///     .dataset("random(input = 64, output = 16)")
///     .rate(20)
///     .requests(300)
///     .goodput("ttft:200 tpot:50")
///     .slo("p99(ttft) < 300ms, goodput >= 95%")
///     .run_blocking()?;
/// assert!(report.passed(), "{report}");
/// # Ok::<(), goodput::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a bench does nothing until it is run"]
pub struct Bench {
    pub(crate) name: String,
    pub(crate) target: Option<AnyTarget>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) load: Load,
    pub(crate) wire: Wire,
    pub(crate) client: Client,
    pub(crate) demands: Demands,
    pub(crate) keeping: Keeping,
    /// The settings that cannot be read.
    pub(crate) problems: Vec<Problem>,
}

impl Bench {
    /// A bench with this name and the defaults: completions (`openai`), the target of
    /// `GOODPUT_URL` or else the built-in simulation, 100 `random` requests of 256 tokens for 64, all
    /// at once.
    pub fn new(name: impl Into<String>) -> Self {
        Bench {
            name: name.into(),
            target: None,
            faults: Vec::new(),
            load: Load::default(),
            wire: Wire::default(),
            client: Client::default(),
            demands: Demands::default(),
            keeping: Keeping::default(),
            problems: Vec::new(),
        }
    }

    fn set<T>(&mut self, field: &str, setting: impl Setting<T>) -> Option<T> {
        match setting.read() {
            Ok(value) => Some(value),
            Err((value, mistakes)) => {
                // A body may hold a key anywhere.
                let value = match field {
                    "extra_body" => String::new(),
                    _ => value,
                };
                let new = mistakes
                    .into_iter()
                    .map(|mistake| Problem::new(field, &value, mistake.0));
                self.problems.extend(new);
                None
            }
        }
    }

    /// The same bench under another name.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The bench's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The largest number of requests that are sent, for progress. `None` if only time limits it.
    #[cfg(feature = "cli")]
    pub(crate) fn requests_at_most(&self) -> Option<usize> {
        use crate::grammar::search::Budget;

        let requests = self.load.planned();
        if self.demands.versus.is_some() {
            return Some(2 * self.demands.pairs.saturating_mul(requests));
        }
        match (self.load.search, self.load.search_budget) {
            (None, _) => {
                Some(requests.saturating_mul(self.demands.max_extend.max(self.load.rounds)))
            }
            (Some(_), Some(Budget::Requests(most))) => usize::try_from(most).ok(),
            (Some(_), _) => None,
        }
    }

    /// The target to measure. Default: the URL in `GOODPUT_URL`, else the built-in simulation.
    pub fn target(mut self, target: impl Into<AnyTarget>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Faults of a simulated target, in addition to those that it has already, such as `"reset@5%,
    /// stall(2s)@req:10"`; see [`fault::Kind`](crate::grammar::fault::Kind) for all kinds. Only simulations take it.
    /// Default: none.
    pub fn faults(mut self, faults: impl Setting<Vec<Fault>>) -> Self {
        let faults = self.set("faults", faults);
        self.faults.extend(faults.into_iter().flatten());
        self
    }

    /// The target that will be measured, defaults applied.
    pub(crate) fn chosen_target(&self) -> AnyTarget {
        let target = self.target.clone().unwrap_or_else(targets::default_target);
        match target.simulation() {
            Some(simulation) if !self.faults.is_empty() => {
                simulation.clone().faults(self.faults.clone()).into()
            }
            _ => target,
        }
    }
}
