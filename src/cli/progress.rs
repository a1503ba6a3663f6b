//! What is shown while a bench runs.

use crate::{
    bench::Control,
    client::{Observer, Stop},
    metrics::LatencyHistogram,
    record::Record,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::IsTerminal,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Without a terminal a line is printed this often.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A bar on a terminal, plain lines otherwise; both on stderr.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    total: usize,
    state: Mutex<State>,
}

struct State {
    started: Option<Instant>,
    last_line: Instant,
    done: usize,
    errors: usize,
    ttft: LatencyHistogram,
}

impl Progress {
    fn new(total: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(
                Some(total as u64),
                ProgressDrawTarget::stderr_with_hz(8),
            );
            if let Ok(style) =
                ProgressStyle::with_template("{bar:32} {pos}/{len} [{elapsed}<{eta}] {msg}")
            {
                bar.set_style(style);
            }
            bar
        });
        Progress {
            bar,
            total,
            state: Mutex::new(State {
                started: None,
                last_line: Instant::now(),
                done: 0,
                errors: 0,
                ttft: LatencyHistogram::new(),
            }),
        }
    }

    /// Runs something of so many requests and shows its progress; takes the bar away at the end, as the
    /// report follows.
    pub(super) fn watch<T>(total: usize, stop: Stop, run: impl FnOnce(Control) -> T) -> T {
        let progress = Arc::new(Progress::new(total));
        let result = run(Control {
            stop,
            observer: progress.clone(),
        });
        if let Some(bar) = &progress.bar {
            bar.finish_and_clear();
        }
        result
    }
}

impl State {
    fn message(&self) -> String {
        let seconds = self.started.map_or(0.0, |s| s.elapsed().as_secs_f64());
        let rate = self.done as f64 / seconds.max(1e-9);
        let mut message = format!("{rate:.1} req/s");
        if self.ttft.count() > 0 {
            message += &format!(
                ", TTFT p50 {:.1} p99 {:.1} ms",
                self.ttft.percentile_ms(50.0),
                self.ttft.percentile_ms(99.0)
            );
        }
        message + &format!(", {} errors", self.errors)
    }
}

impl Observer for Progress {
    fn sent(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.started.get_or_insert_with(Instant::now);
    }

    fn finished(&self, record: &Record) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += 1;
        state.errors += usize::from(!record.ok());
        if let (Some(first), true) = (record.events.first_at(), record.ok()) {
            state.ttft.record(first - record.sent);
        }
        match &self.bar {
            Some(bar) => {
                bar.set_position(state.done as u64);
                bar.set_message(state.message());
            }
            None if state.last_line.elapsed() >= LINE_EVERY || state.done == self.total => {
                state.last_line = Instant::now();
                eprintln!("{}/{} {}", state.done, self.total, state.message());
            }
            None => {}
        }
    }
}
