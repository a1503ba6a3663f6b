//! The live page of a command.

use crate::{
    bench::{Bench, Control},
    error::Error,
    monitor::{Bind, Monitor},
    problem::Problem,
    report::Outcome,
    screen,
};

/// Flags of the live page.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct LiveArgs {
    /// Serve a page on this machine that shows the run in progress; its address is printed.
    #[arg(long)]
    live: bool,
    /// Serve that page at another address, HOST:PORT. All who can reach it can watch.
    #[arg(long, value_name = "ADDRESS", requires = "live")]
    live_address: Option<String>,
}

/// The live page, if it was asked for.
pub(super) struct Live(Option<Monitor>);

impl LiveArgs {
    /// Whether the page was asked for.
    pub(super) fn is_given(&self) -> bool {
        self.live
    }

    /// Starts the page and prints its address.
    ///
    /// # Errors
    /// [`Error::Invalid`]: the address cannot be used.
    pub(super) fn start(&self) -> Result<Live, Error> {
        if !self.live {
            return Ok(Live(None));
        }
        let asked = self.live_address.as_deref();
        let wrong = |why: String| {
            let problem = Problem::new("--live-address", asked.unwrap_or_default(), why);
            Error::Invalid(vec![problem])
        };
        let bind = asked.map(Bind::parse).transpose().map_err(wrong)?;
        let bind = bind.unwrap_or_default();
        let monitor = Monitor::start(&bind)
            .map_err(|e| wrong(format!("cannot be served at: {e}. Choose another address")))?;
        screen::err(format_args!("live: {}", monitor.url()));
        if bind.is_open() {
            screen::err(
                "warning: --live-address: all who can reach this address can watch the run: its numbers, errors, name \
                 and target",
            );
        }
        Ok(Live(Some(monitor)))
    }
}

impl Live {
    /// The control of a bench that the page shows.
    pub(super) fn watch(&self, bench: &Bench, control: Control) -> Control {
        match &self.0 {
            Some(monitor) => Control {
                observer: monitor.watch(bench.subject(), control.observer),
                ..control
            },
            None => control,
        }
    }

    /// Says on the page how a bench has ended.
    pub(super) fn ended(&self, outcome: &Outcome) {
        if let Some(monitor) = &self.0 {
            monitor.ended(outcome);
        }
    }
}
