//! Signals that end this process.
//!
//! The command and benchmark targets listen to them, because they are processes of goodput's own. The
//! process of a user's `cargo test` keeps its signals as they are.

use crate::{exit_code, screen, stop::Stop};
use std::{io, process, thread};
use tokio::runtime::Builder;

/// Listens to Ctrl-C, SIGTERM and SIGHUP from now on. The first signal stops the run: `says` goes to
/// stderr, and a blocked screen delays nothing any more. The second kills the servers that goodput started
/// and ends this process at once, with 128 plus the signal's number.
///
/// # Errors
/// The system refuses a thread or a handler.
pub(crate) fn listen(says: Option<&'static str>) -> io::Result<Stop> {
    let (stopper, stop) = Stop::pair();
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::new()?
    };
    let wait = move || {
        runtime.block_on(async {
            let (_, name) = signals.next().await;
            stopper.stop();
            if let Some(says) = says {
                screen::tell(format_args!("{name}: {says}"));
            }
            screen::hurry();
            let (number, _) = signals.next().await;
            #[cfg(unix)]
            crate::targets::kill_all();
            process::exit(i32::from(exit_code::BY_SIGNAL) + number);
        });
    };
    let name = "goodput signals".to_owned();
    thread::Builder::new().name(name).spawn(wait)?;
    Ok(stop)
}

/// Operation of the error when handlers cannot be installed.
#[cfg(feature = "cli")]
pub(crate) const UNHEARD: &str = "cannot listen to signals";

/// Message of a run that a signal stops.
pub(crate) const ENDING: &str =
    "ending the run, the report follows; a second signal quits at once without one";

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// `None` if the signal is ignored, as under `nohup`; then it stays ignored.
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let hangup = if hangups_are_ignored() {
            None
        } else {
            Some(signal(SignalKind::hangup())?)
        };
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup,
        })
    }

    /// Number and name of the next signal.
    async fn next(&mut self) -> (i32, &'static str) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => (2, "SIGINT"),
            _ = self.terminate.recv() => (15, "SIGTERM"),
            _ = hangup => (1, "SIGHUP"),
        }
    }
}

/// Whether this process was started with SIGHUP ignored. Only Linux shows that without `unsafe`; elsewhere
/// a process under `nohup` ends its run when the terminal closes.
#[cfg(unix)]
fn hangups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Signal numbers start from 1, and this is the first.
    ignored.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Signals)
    }

    /// Number and name of the next signal.
    async fn next(&mut self) -> (i32, &'static str) {
        match tokio::signal::ctrl_c().await {
            Ok(()) => (2, "Ctrl-C"),
            // Without a handler the signal ends the process.
            Err(_) => std::future::pending().await,
        }
    }
}
