//! The built-in simulation as a target.

use super::{Opened, Place, Target, TargetError};
use crate::{
    grammar::{
        fault::{self, Fault},
        sim::{Cold, Distribution, Script, Slowdown},
    },
    problem::Problem,
    setting::Setting,
    sim::engine::EngineConfig,
};
use std::time::Duration;

/// A simulated server with scripted latencies, or with a simulated [`engine`](Self::engine).
///
/// By default it runs on virtual time: the client's real code talks to it over in-memory
/// connections, and time jumps ahead whenever nothing can happen. Ten seconds of load take
/// a moment, and the same seed gives the same numbers to the last digit.
///
/// ```
/// use goodput::{Bench, Simulation, grammar::sim::Distribution};
/// use std::time::Duration;
///
/// let ms = Duration::from_millis;
/// let server = Simulation::new()
///     .ttft(Distribution::Normal(ms(50), ms(5)))
///     .itl(Distribution::Constant(ms(10)))
///     .seed(1);
/// let report = Bench::new("chat").target(server).rate(10).requests(20).run_blocking()?;
/// assert_eq!(report.completed(), 20);
/// # Ok::<(), goodput::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Simulation {
    script: Script,
    real_time: bool,
    problems: Vec<Problem>,
}

impl Simulation {
    /// Creates a simulation with TTFT 50 ms, ITL 10 ms and seed 0.
    pub fn new() -> Self {
        Simulation::default()
    }

    pub(super) fn scripted(script: Script) -> Self {
        Simulation {
            script,
            ..Simulation::default()
        }
    }

    /// Sets the time from the arrival of a request to its first token: text such as `"normal(50ms, 5ms)"`,
    /// or a [`Distribution`]. Default 50 ms.
    ///
    /// Measured times are a distribution, too: `"empirical('run.json')"` draws whole requests from a
    /// detailed result file, [`Distribution::empirical`] draws from given times. An unreadable text or file
    /// is an error when the bench runs.
    ///
    /// ```
    /// use goodput::{Bench, Simulation, grammar::sim::Distribution};
    /// use std::time::Duration;
    ///
    /// let measured = [48, 52, 75].map(Duration::from_millis);
    /// let server = Simulation::new()
    ///     .ttft(Distribution::empirical(&measured))
    ///     .itl("5300us")
    ///     .prefill("20us")
    ///     .slowdown("1.5x@64");
    /// let report = Bench::new("chat").target(server).rate(10).requests(20).run_blocking()?;
    /// assert_eq!(report.completed(), 20);
    /// # Ok::<(), goodput::Error>(())
    /// ```
    #[must_use]
    pub fn ttft(mut self, times: impl Setting<Distribution>) -> Self {
        if let Some(times) = self.read("ttft", times) {
            self.script.ttft = times;
        }
        self
    }

    /// Sets the time between tokens, in the same forms as [`ttft`](Self::ttft). Default 10 ms.
    #[must_use]
    pub fn itl(mut self, times: impl Setting<Distribution>) -> Self {
        if let Some(times) = self.read("itl", times) {
            self.script.itl = times;
        }
        self
    }

    /// Sets the time to first token that each prompt token adds: `"50us"`, or a `Duration`. Default 0.
    #[must_use]
    pub fn prefill(mut self, time: impl Setting<Duration>) -> Self {
        if let Some(time) = self.read("prefill", time) {
            self.script.prefill = time;
        }
        self
    }

    /// Sets how much slower tokens become while other requests are in flight: `"2%"` for each of them, or
    /// `"1.5x@64"` for a linear slowdown that reaches 1.5 times at 64 requests in flight. Default: requests
    /// do not slow each other down.
    #[must_use]
    pub fn slowdown(mut self, slowdown: impl Setting<Slowdown>) -> Self {
        if let Some(slowdown) = self.read("slowdown", slowdown) {
            self.script.slowdown = Some(slowdown);
        }
        self
    }

    /// Sets how much servers with different seeds differ in overall speed, as real servers do from run to
    /// run: the coefficient of variation of a lognormal factor on all times, above 0 and at most 1. Each
    /// run of a [comparison](crate::Bench::versus) has its own server. Default 0.
    #[must_use]
    pub fn noise(mut self, cv: f64) -> Self {
        if (0.0..=1.0).contains(&cv) {
            self.script.noise = cv
        } else {
            self.problems.push(Problem::new(
                "noise",
                cv,
                "must be from 0 to 1, such as 0.04",
            ))
        }
        self
    }

    /// Lets the server become slower while it runs, at a constant pace: 0.2 adds 20 % to all times in an hour. Default 0.
    ///
    /// ```
    /// use goodput::{Bench, Simulation};
    ///
    /// let bench = |server| Bench::new("soak").target(server).rate(5).requests(3600).slo("drift(p50(ttft)) < 5%/h");
    /// let steady = bench(Simulation::new().ttft("lognormal(50ms, 10ms)")).run_blocking()?;
    /// steady.ensure_passed()?;
    /// let aging = bench(Simulation::new().ttft("lognormal(50ms, 10ms)").aging(0.5)).run_blocking()?;
    /// assert!(aging.ensure_passed().is_err());
    /// # Ok::<(), goodput::Error>(())
    /// ```
    #[must_use]
    pub fn aging(mut self, an_hour: f64) -> Self {
        if let Some(an_hour) = self.grows("aging", an_hour) {
            self.script.aging = an_hour;
        }
        self
    }

    /// Lets the memory that its `/metrics` shows grow, from 1 GiB: 0.1 adds 10 % in an hour. Default 0.
    #[must_use]
    pub fn leak(mut self, an_hour: f64) -> Self {
        if let Some(an_hour) = self.grows("leak", an_hour) {
            self.script.leak = an_hour;
        }
        self
    }

    /// Lets the server be slow at first: `"3x@20s"` takes three times as long at its start and is warm after 20 s.
    /// Default: never slower.
    #[must_use]
    pub fn cold(mut self, cold: impl Setting<Cold>) -> Self {
        if let Some(cold) = self.read("cold", cold) {
            self.script.cold = Some(Box::new(cold));
        }
        self
    }

    /// A share an hour, or a problem.
    fn grows(&mut self, field: &str, an_hour: f64) -> Option<f64> {
        let possible = an_hour.is_finite() && an_hour >= 0.0;
        if !possible {
            let fix = "must be at least 0, such as 0.2 for 20 % an hour";
            self.problems.push(Problem::new(field, an_hour, fix));
        }
        possible.then_some(an_hour)
    }

    /// Simulates an engine instead of scripted times: the times follow from the engine's other work.
    ///
    /// ```
    /// use goodput::{Bench, Simulation, sim::engine::EngineConfig};
    ///
    /// let engine = EngineConfig {
    ///     max_num_seqs: 16,
    ///     ..EngineConfig::preset("llama-3-8b@h100")?
    /// };
    /// let server = Simulation::new().engine(engine);
    /// let report = Bench::new("chat").target(server).rate(20).requests(40).run_blocking()?;
    /// assert_eq!(report.completed(), 40);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn engine(mut self, engine: EngineConfig) -> Self {
        self.script.engine = Some(Box::new(engine));
        self
    }

    /// Sets the seed of the random draws.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.script.seed = seed;
        self
    }

    /// Adds faults: text such as `"reset@5%, stall(2s)@req:10"`, or [`Fault`]s. An unreadable text is an
    /// error when the bench runs.
    ///
    /// ```
    /// use goodput::{Bench, Simulation, record::RequestError};
    ///
    /// let server = Simulation::new().faults("reset(after = 3)@req:0, status(429)@req:1");
    /// let report = Bench::new("chat").target(server).rate(10).requests(20).run_blocking()?;
    /// let records = &report.run().records;
    /// assert!(matches!(records[0].error, Some(RequestError::Truncated { .. })));
    /// assert_eq!(records[0].events.len(), 3);
    /// assert!(matches!(records[1].error, Some(RequestError::Status { status: 429, .. })));
    /// assert_eq!(report.completed(), 18);
    /// # Ok::<(), goodput::Error>(())
    /// ```
    #[must_use]
    pub fn faults(mut self, faults: impl Setting<Vec<Fault>>) -> Self {
        if let Some(faults) = self.read("faults", faults) {
            self.script.faults.extend(faults);
        }
        self
    }

    /// Reads a setting, or records its mistakes.
    fn read<T>(&mut self, field: &str, setting: impl Setting<T>) -> Option<T> {
        match setting.read() {
            Ok(value) => Some(value),
            Err((text, mistakes)) => {
                let problem =
                    |mistake: crate::grammar::Mistake| Problem::new(field, &text, mistake.0);
                self.problems.extend(mistakes.into_iter().map(problem));
                None
            }
        }
    }

    /// Serves on a loopback port and the real clock, instead of in memory on virtual time.
    #[must_use]
    pub fn on_real_clock(mut self) -> Self {
        self.real_time = true;
        self
    }

    /// Scripted latencies.
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// Settings that are not valid.
    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(crate) fn real_time(&self) -> bool {
        self.real_time
    }

    pub(super) fn opened(self) -> Opened {
        Opened {
            place: Place::Simulation(self),
            guard: None,
        }
    }
}

impl Target for Simulation {
    fn describe(&self) -> String {
        let time = if self.real_time { "real" } else { "virtual" };
        let engine = match &self.script.engine {
            Some(engine) => format!(" of {}", engine.preset),
            None => String::new(),
        };
        let plain = format!("the built-in simulation{engine} on {time} time");
        match self.script.faults.as_slice() {
            [] => plain,
            faults => format!("{plain} with {}", fault::format(faults)),
        }
    }

    fn open(&self) -> Result<Opened, TargetError> {
        if let Some(Err(mistakes)) = self.script.engine.as_ref().map(|engine| engine.check()) {
            let why: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            return Err(TargetError::Failed(format!(
                "the engine of the simulation: {}",
                why.join("; ")
            )));
        }
        match self.problems.first() {
            Some(problem) => Err(TargetError::Failed(problem.to_string())),
            None => Ok(self.clone().opened()),
        }
    }

    fn simulation(&self) -> Option<&Simulation> {
        Some(self)
    }

    fn exclusive(&self) -> bool {
        false
    }
}
