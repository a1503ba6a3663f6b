//! Targets: what a bench measures.
//!
//! A target is a `&str` (`"http://…"`, `"unix:/path"`, `"env:NAME"`, `"sim(ttft = 50ms)"`) or anything that
//! implements [`Target`]: a server that the bench starts ([`ServerProcess`]), a service of this process
//! ([`Service`]), the built-in [`Simulation`], or your own.
//!
//! ```
//! use goodput::{Bench, Simulation};
//!
//! let bench = |name: &str| Bench::new(name).rate(10).requests(20).slo("p99(ttft) < 100ms");
//! let text = bench("text").target("sim(ttft = 80ms)").run_blocking()?;
//! text.ensure_passed()?;
//! let value = bench("value").target(Simulation::new().ttft("80ms")).run_blocking()?;
//! value.ensure_passed()?;
//! # Ok::<(), goodput::Error>(())
//! ```

#[cfg(unix)]
mod group;
mod process;
mod proxy;
mod service;
mod simulation;
mod url;

#[cfg(unix)]
pub(crate) use group::kill_all;
pub use process::ServerProcess;
pub use service::Service;
pub use simulation::Simulation;

use crate::{
    address::{Endpoint, Origin},
    grammar::{self, Mistakes},
    observer::{Observer, Silent},
    redact,
    stop::Stop,
};
use std::{fmt, sync::Arc};

/// Something that a bench can measure.
///
/// ```
/// use goodput::targets::{Opened, Target, TargetError};
///
/// /// A server that this test suite has started elsewhere.
/// #[derive(Debug)]
/// struct Staging;
///
/// impl Target for Staging {
///     fn describe(&self) -> String {
///         "the staging cluster".into()
///     }
///
///     fn open(&self) -> Result<Opened, TargetError> {
///         Opened::at("http://127.0.0.1:8000")
///     }
/// }
/// ```
pub trait Target: Send + Sync + fmt::Debug {
    /// Describes the target in a few words without secrets.
    fn describe(&self) -> String;

    /// Starts the target if necessary and returns where to send requests. May block.
    ///
    /// # Errors
    /// The target is not available, or the bench should be skipped.
    fn open(&self) -> Result<Opened, TargetError>;

    /// [`open`](Self::open), but gives up with [`TargetError::Ended`] when the run should stop, and reports to the
    /// observer what it waits for. Default: calls `open`; a slow target should override this.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and [`TargetError::Ended`].
    fn open_until(&self, stop: &Stop, observer: &dyn Observer) -> Result<Opened, TargetError> {
        let _ = observer;
        if stop.is_requested() {
            Err(TargetError::Ended)
        } else {
            self.open()
        }
    }

    /// Whether other benches must wait while this target is measured. Default true; nothing can disturb a
    /// simulation on virtual time.
    fn exclusive(&self) -> bool {
        true
    }

    /// Whether the run may read the server's `/metrics`. Default true; a mock would count that among its
    /// expected requests.
    fn has_metrics(&self) -> bool {
        true
    }

    /// Whether a comparison starts the target for each of its runs and stops it afterwards, because both
    /// targets may not fit on the machine together. Default false: it is opened once.
    fn in_turn(&self) -> bool {
        false
    }

    /// The target as a simulation, if it is one: settings such as `faults` apply to no other target.
    /// Default `None`.
    fn simulation(&self) -> Option<&Simulation> {
        None
    }
}

/// A target that is ready for requests.
pub struct Opened {
    /// Destination of requests.
    pub place: Place,
    /// Keeps the target alive until the run is over.
    pub guard: Option<Box<dyn Guard>>,
}

/// Destination of requests.
#[derive(Debug, Clone)]
pub enum Place {
    /// A server behind a network or Unix socket.
    Endpoint(Endpoint),
    /// The built-in simulation.
    Simulation(Simulation),
    /// A service of this process.
    Service(Service),
}

impl Place {
    /// Whether time is virtual at this place.
    pub(crate) fn is_on_virtual_time(&self) -> bool {
        match self {
            Place::Endpoint(_) => false,
            Place::Simulation(simulation) => !simulation.real_time(),
            Place::Service(service) => service.is_on_virtual_time(),
        }
    }
}

/// Keeps a target alive; dropped after the run.
pub trait Guard: Send {
    /// Stops the target. An error fails the bench.
    ///
    /// # Errors
    /// The target reports a problem, such as a mock's expectation that was not met.
    fn close(self: Box<Self>) -> Result<(), String> {
        Ok(())
    }

    /// The process group of a server that the target started, whose memory a run can watch. Default `None`.
    fn process_group(&self) -> Option<u32> {
        None
    }
}

/// Why a target cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The bench should be skipped, with a message.
    #[error("{0}")]
    Skip(String),
    /// The target is not usable.
    #[error("{0}")]
    Failed(String),
    /// The name of the target cannot be parsed, such as a URL without a scheme: the input is wrong, not the
    /// server.
    #[error("{0}")]
    Unreadable(String),
    /// The run was stopped while it opened the target.
    #[error("the run was stopped while it opened its target")]
    Ended,
}

impl Opened {
    /// Uses a server that is already running at a base URL.
    ///
    /// # Errors
    /// The text is not a URL.
    pub fn at(url: &str) -> Result<Self, TargetError> {
        let origin = Origin::parse(url).map_err(TargetError::Unreadable)?;
        Ok(Opened {
            place: Place::Endpoint(Endpoint::Url(origin)),
            guard: None,
        })
    }

    /// Adds a guard, which keeps the target alive.
    #[must_use]
    pub fn with_guard(mut self, guard: impl Guard + 'static) -> Self {
        self.guard = Some(Box::new(guard));
        self
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// Target of any kind, or text that is not a target.
#[derive(Clone)]
pub enum AnyTarget {
    /// A target.
    Known(Arc<dyn Target>),
    /// Text that is not a target, with its mistakes.
    Unreadable(String, Mistakes),
}

impl fmt::Debug for AnyTarget {
    /// Shows the description: the fields of a user's target may not be fit for output.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AnyTarget::Known(_) => write!(f, "Known({})", self.describe()),
            AnyTarget::Unreadable(_, mistakes) => {
                let mistakes = redact::text(&format!("{mistakes:?}"));
                write!(f, "Unreadable({:?}, {mistakes})", self.describe())
            }
        }
    }
}

impl<T: Target + 'static> From<T> for AnyTarget {
    fn from(target: T) -> Self {
        AnyTarget::Known(Arc::new(target))
    }
}

impl From<&str> for AnyTarget {
    fn from(text: &str) -> Self {
        match grammar::target::parse(text) {
            Ok(grammar::target::Target::Simulation(script)) => Simulation::scripted(script).into(),
            Ok(named) => url::Named(named).into(),
            Err(mistakes) => AnyTarget::Unreadable(text.to_owned(), mistakes),
        }
    }
}

impl From<String> for AnyTarget {
    fn from(text: String) -> Self {
        AnyTarget::from(text.as_str())
    }
}

/// Target of a bench that names none: `GOODPUT_URL` if set, else the built-in simulation. It runs on virtual time, so that the tests
/// of a project need no network, no wall clock and no lock.
pub(crate) fn default_target() -> AnyTarget {
    match url_of_environment() {
        Some(url) => url.into(),
        None => Simulation::default().into(),
    }
}

/// `GOODPUT_URL`, the target of benches that name none.
pub(crate) fn url_of_environment() -> Option<String> {
    std::env::var("GOODPUT_URL")
        .ok()
        .filter(|url| !url.is_empty())
}

/// `GOODPUT_REQUIRE_LIVE=1`: a bench without its server fails, for CI jobs that must measure something.
pub(crate) fn live_is_required() -> bool {
    std::env::var("GOODPUT_REQUIRE_LIVE").is_ok_and(|value| !value.is_empty() && value != "0")
}

impl AnyTarget {
    /// Describes the target in a few words without secrets.
    pub fn describe(&self) -> String {
        match self {
            AnyTarget::Known(target) => redact::own(&target.describe()),
            AnyTarget::Unreadable(text, _) => redact::own(text),
        }
    }

    /// Whether other benches must wait while this target is measured.
    pub(crate) fn exclusive(&self) -> bool {
        match self {
            AnyTarget::Known(target) => target.exclusive(),
            AnyTarget::Unreadable(..) => false,
        }
    }

    /// Whether the run may read the server's `/metrics`.
    pub(crate) fn has_metrics(&self) -> bool {
        match self {
            AnyTarget::Known(target) => target.has_metrics(),
            AnyTarget::Unreadable(..) => false,
        }
    }

    /// Whether a comparison starts the target for each of its runs.
    pub(crate) fn in_turn(&self) -> bool {
        match self {
            AnyTarget::Known(target) => target.in_turn(),
            AnyTarget::Unreadable(..) => false,
        }
    }

    /// The target as a simulation, if it is one.
    pub(crate) fn simulation(&self) -> Option<&Simulation> {
        match self {
            AnyTarget::Known(target) => target.simulation(),
            AnyTarget::Unreadable(..) => None,
        }
    }

    /// Starts the target if necessary and returns where to send requests. May block.
    ///
    /// # Errors
    /// The target is not available, or the bench should be skipped.
    pub fn open(&self) -> Result<Opened, TargetError> {
        self.open_until(&Stop::never(), &Silent)
    }

    /// [`open`](Self::open), but gives up when the run should stop.
    pub(crate) fn open_until(
        &self,
        stop: &Stop,
        observer: &dyn Observer,
    ) -> Result<Opened, TargetError> {
        match self {
            AnyTarget::Known(target) => target.open_until(stop, observer),
            AnyTarget::Unreadable(_, mistakes) => {
                let why: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
                Err(TargetError::Unreadable(why.join("; ")))
            }
        }
    }
}
