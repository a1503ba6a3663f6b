//! What is measured.
//!
//! A target is a `&str` (`"http://…"`, `"unix:/path"`, `"env:NAME"`, `"sim(ttft = 50ms)"`) or
//! anything that implements [`Target`].

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

/// Something that can be measured.
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
    /// What it is, in a few words without secrets.
    fn describe(&self) -> String;

    /// Starts what has to be started and says where to send requests. May block.
    ///
    /// # Errors
    /// The target cannot be had, or is to be skipped.
    fn open(&self) -> Result<Opened, TargetError>;

    /// [`open`](Self::open), which gives up with [`TargetError::Ended`] when the run is to end, and tells the
    /// observer what it waits for. Default: it waits for `open`; a target that takes its time overrides this.
    ///
    /// # Errors
    /// As [`open`](Self::open), and that one.
    fn open_until(&self, stop: &Stop, observer: &dyn Observer) -> Result<Opened, TargetError> {
        let _ = observer;
        match stop.is_requested() {
            true => Err(TargetError::Ended),
            false => self.open(),
        }
    }

    /// Whether other benches must wait while this one is measured. Default true; simulations on
    /// virtual time cannot be disturbed.
    fn exclusive(&self) -> bool {
        true
    }

    /// Whether its server may be asked for `/metrics` before and after the run. Default true; a mock
    /// would count that among the requests it expects.
    fn has_metrics(&self) -> bool {
        true
    }

    /// Whether a comparison starts it for each of its runs and stops it after, because the other side
    /// may not fit the machine beside it. Default false: it is opened once.
    fn in_turn(&self) -> bool {
        false
    }

    /// The simulation that this is, if it is one: settings such as `faults` apply to no other
    /// target. Default none.
    fn simulation(&self) -> Option<&Simulation> {
        None
    }
}

/// A target that is ready.
pub struct Opened {
    /// Where requests go.
    pub place: Place,
    /// Kept until the run is over.
    pub guard: Option<Box<dyn Guard>>,
}

/// Where requests go.
#[derive(Debug, Clone)]
pub enum Place {
    /// Over a network or a Unix socket.
    Endpoint(Endpoint),
    /// To the built-in simulation.
    Simulation(Simulation),
    /// To a service of this process.
    Service(Service),
}

impl Place {
    /// Whether time is virtual there.
    pub(crate) fn is_on_virtual_time(&self) -> bool {
        match self {
            Place::Endpoint(_) => false,
            Place::Simulation(simulation) => !simulation.real_time(),
            Place::Service(service) => service.is_on_virtual_time(),
        }
    }
}

/// What keeps a target alive; dropped after the run.
pub trait Guard: Send {
    /// Ends the target. An error fails the bench.
    ///
    /// # Errors
    /// The target has something to complain about, such as an expectation that was not met.
    fn close(self: Box<Self>) -> Result<(), String> {
        Ok(())
    }
}

/// Why there is nothing to measure.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The bench is to be ignored, visibly.
    #[error("{0}")]
    Skip(String),
    /// The target is not usable.
    #[error("{0}")]
    Failed(String),
    /// What names the target cannot be read, such as a URL without a scheme: the input is at fault, not the
    /// server.
    #[error("{0}")]
    Unreadable(String),
    /// The run was ended while the target was opened.
    #[error("the run was ended while its target was opened")]
    Ended,
}

impl Opened {
    /// A server that is already running at a base URL.
    ///
    /// # Errors
    /// The URL is not one.
    pub fn at(url: &str) -> Result<Self, TargetError> {
        let origin = Origin::parse(url).map_err(TargetError::Unreadable)?;
        Ok(Opened {
            place: Place::Endpoint(Endpoint::Url(origin)),
            guard: None,
        })
    }

    /// The same, kept alive by `guard`.
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

/// A target of any kind, or text that did not name one.
#[derive(Clone)]
pub enum AnyTarget {
    /// A target.
    Known(Arc<dyn Target>),
    /// Text that is not a target, with what is wrong with it.
    Unreadable(String, Mistakes),
}

impl fmt::Debug for AnyTarget {
    /// By its description: what a user's target says of its fields is not made to be shown with a bench.
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

/// The target of a bench that names none: `GOODPUT_URL` if set, else the built-in simulation.
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

/// `GOODPUT_REQUIRE_LIVE=1`: a bench without its server is a failure, for CI jobs that must not
/// pass by measuring nothing.
pub(crate) fn live_is_required() -> bool {
    std::env::var("GOODPUT_REQUIRE_LIVE").is_ok_and(|value| !value.is_empty() && value != "0")
}

impl AnyTarget {
    /// What it is, in a few words without secrets.
    pub fn describe(&self) -> String {
        match self {
            AnyTarget::Known(target) => redact::own(&target.describe()),
            AnyTarget::Unreadable(text, _) => redact::own(text),
        }
    }

    /// Whether other benches must wait while this one is measured.
    pub(crate) fn exclusive(&self) -> bool {
        match self {
            AnyTarget::Known(target) => target.exclusive(),
            AnyTarget::Unreadable(..) => false,
        }
    }

    /// Whether its server may be asked for `/metrics`.
    pub(crate) fn has_metrics(&self) -> bool {
        match self {
            AnyTarget::Known(target) => target.has_metrics(),
            AnyTarget::Unreadable(..) => false,
        }
    }

    /// Whether a comparison starts it for each of its runs.
    pub(crate) fn in_turn(&self) -> bool {
        match self {
            AnyTarget::Known(target) => target.in_turn(),
            AnyTarget::Unreadable(..) => false,
        }
    }

    /// The simulation that this is, if it is one.
    pub(crate) fn simulation(&self) -> Option<&Simulation> {
        match self {
            AnyTarget::Known(target) => target.simulation(),
            AnyTarget::Unreadable(..) => None,
        }
    }

    /// Starts what has to be started and says where to send requests. May block.
    ///
    /// # Errors
    /// The target cannot be had, or is to be skipped.
    pub fn open(&self) -> Result<Opened, TargetError> {
        self.open_until(&Stop::never(), &Silent)
    }

    /// The same, given up when the run is to end.
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
