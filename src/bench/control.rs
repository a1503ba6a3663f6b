//! Watching and ending a run from outside.

use crate::{
    error::Error,
    observer::{Observer, Silent},
    stop::Stop,
};
use std::sync::Arc;

/// How a run is watched and ended from outside.
///
/// A run that is ended early stops sending, cancels what is under way, and gives up every wait: for the measurement
/// lock, for a server that should become ready, for connections. Its report has what was measured, and its verdict is
/// *invalid*; if nothing was measured yet, there is [`Error::Ended`].
///
/// ```
/// use goodput::{Bench, Verdict, bench::Control, observer::Observer, stop::{Stop, Stopper}, record::Record};
/// use std::sync::Arc;
///
/// /// Ends the run with the first request that fails.
/// struct Strict(Stopper);
///
/// impl Observer for Strict {
///     fn finished(&self, record: &Record) {
///         if !record.ok() {
///             self.0.stop();
///         }
///     }
/// }
///
/// # async fn test() -> Result<(), goodput::Error> {
/// let (stopper, stop) = Stop::pair();
/// let control = Control { stop, observer: Arc::new(Strict(stopper)) };
/// let bench = Bench::new("chat").target("sim(faults = 'reset@req:10')").rate(10).requests(500);
/// let report = bench.run_with(control).await?;
/// assert_eq!(report.verdict(), Verdict::Invalid);
/// assert!(report.completed() < 100);
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test()).unwrap();
/// ```
///
/// [`Bench::run_blocking_with`](crate::Bench::run_blocking_with) is the same for callers without a runtime. There
/// another thread may hold the [`Stopper`](crate::stop::Stopper).
#[derive(Clone)]
pub struct Control {
    /// Ends the run early.
    pub stop: Stop,
    /// Receives its progress.
    pub observer: Arc<dyn Observer>,
}

impl Control {
    /// Returns an error if the run was ended. `doing` ends the sentence "it was ended while it …".
    pub(super) fn go_on(&self, doing: &str) -> Result<(), Error> {
        if self.stop.is_requested() {
            Err(Error::ended(doing))
        } else {
            Ok(())
        }
    }
}

impl Default for Control {
    fn default() -> Self {
        Control {
            stop: Stop::never(),
            observer: Arc::new(Silent),
        }
    }
}
