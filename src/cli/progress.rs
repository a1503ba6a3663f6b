//! Shows the progress of a bench.

use crate::{
    bench::Control, clock::Nanos, metrics::LatencyHistogram, observer::Observer, record::Record,
    screen, stop::Stop,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use std::{
    io::{self, IsTerminal},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Interval of the lines that replace the bar where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A bar on a terminal, plain lines otherwise; both on stderr.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    /// `None` if it is not known.
    total: Option<usize>,
    state: Mutex<State>,
}

struct State {
    pace: Pace,
    sent: usize,
    last_line: Instant,
    done: usize,
    errors: usize,
    ttft: LatencyHistogram,
}

impl Progress {
    fn new(total: Option<usize>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(
                total.map(|total| total as u64),
                ProgressDrawTarget::term_like_with_hz(Box::<Frames>::default(), 8),
            );
            let template = match total {
                Some(_) => "{bar:32} {pos}/{len} [{elapsed}<{eta}] {msg}",
                None => "{pos} requests [{elapsed}] {msg}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        });
        Progress {
            bar,
            total,
            state: Mutex::new(State {
                pace: Pace::default(),
                sent: 0,
                last_line: Instant::now(),
                done: 0,
                errors: 0,
                ttft: LatencyHistogram::new(),
            }),
        }
    }

    /// Runs `total` requests at most and shows the progress; removes the bar at the end, because the report
    /// follows.
    pub(super) fn watch<T>(total: Option<usize>, stop: Stop, run: impl FnOnce(Control) -> T) -> T {
        let progress = Arc::new(Progress::new(total));
        let result = run(Control {
            stop,
            observer: progress.clone(),
        });
        if let Some(bar) = &progress.bar {
            bar.finish_and_clear();
            screen::draw(CLEARED.to_owned(), true);
        }
        result
    }
}

/// Moves the cursor to the start of its line and clears the line.
const CLEARED: &str = "\r\u{1b}[2K";

/// The terminal of a bar. A frame reaches the screen as a whole or not at all: the measuring threads draw,
/// and they must not wait for a terminal.
#[derive(Debug, Default)]
struct Frames(Mutex<String>);

impl Frames {
    fn add(&self, text: &str) -> io::Result<()> {
        let mut frame = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        frame.push_str(text);
        Ok(())
    }

    /// Moves the cursor: `A` to `D` are up, down, right, left.
    fn go(&self, steps: usize, to: char) -> io::Result<()> {
        match steps {
            0 => Ok(()),
            steps => self.add(&format!("\u{1b}[{steps}{to}")),
        }
    }
}

impl TermLike for Frames {
    fn width(&self) -> u16 {
        let size = terminal_size::terminal_size_of(io::stderr());
        size.map_or(80, |(terminal_size::Width(width), _)| width)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.go(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.go(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.go(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.go(n, 'D')
    }

    fn write_line(&self, s: &str) -> io::Result<()> {
        self.add(s)?;
        self.add("\n")
    }

    fn write_str(&self, s: &str) -> io::Result<()> {
        self.add(s)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.add(CLEARED)
    }

    fn flush(&self) -> io::Result<()> {
        let mut frame = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        screen::draw(std::mem::take(&mut frame), false);
        Ok(())
    }
}

/// Elapsed time of a run by its own clock, which in a simulation is faster than wall time and starts anew
/// with each segment.
#[derive(Debug, Default)]
struct Pace {
    first_sent: Option<Nanos>,
    last_end: Nanos,
    /// Elapsed time of the earlier segments.
    before: Duration,
    /// Nothing was in flight when the last request was sent.
    idle: bool,
}

impl Pace {
    fn ended(&mut self, sent: Nanos, end: Nanos) {
        // On one clock, a request that follows a pause is sent after all earlier ones have ended.
        if self.idle && sent < self.last_end {
            self.before = self.lasted();
            self.first_sent = None;
            self.last_end = Nanos::default();
        }
        self.idle = false;
        self.first_sent = Some(self.first_sent.map_or(sent, |first| first.min(sent)));
        self.last_end = self.last_end.max(end);
    }

    fn lasted(&self) -> Duration {
        let first = self.first_sent.unwrap_or_default();
        self.before + (self.last_end - first)
    }
}

impl State {
    fn message(&self) -> String {
        let rate = self.done as f64 / self.pace.lasted().as_secs_f64().max(1e-9);
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
        state.pace.idle |= state.done == state.sent;
        state.sent += 1;
    }

    fn finished(&self, record: &Record) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += 1;
        state.pace.ended(record.sent, record.end);
        state.errors += usize::from(!record.ok());
        if let (Some(first), true) = (record.events.first_at(), record.ok()) {
            state.ttft.record(first - record.sent);
        }
        match &self.bar {
            Some(bar) => {
                bar.set_position(state.done as u64);
                bar.set_message(state.message());
            }
            None if state.last_line.elapsed() >= LINE_EVERY || Some(state.done) == self.total => {
                state.last_line = Instant::now();
                let done = match self.total {
                    Some(total) => format!("{}/{total}", state.done),
                    None => format!("{} requests:", state.done),
                };
                screen::pass(format_args!("{done} {}", state.message()));
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Nanos {
        Nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn the_runs_own_clock_counts_over_its_segments() {
        let mut pace = Pace::default();
        for (sent, end) in [(1, 3), (2, 4)] {
            pace.ended(at(sent), at(end));
        }
        assert_eq!(pace.lasted(), Duration::from_secs(3));
        // Idle between two requests of one clock.
        pace.idle = true;
        pace.ended(at(9), at(11));
        assert_eq!(pace.lasted(), Duration::from_secs(10));
        // The next segment.
        pace.idle = true;
        pace.ended(at(0), at(5));
        assert_eq!(pace.lasted(), Duration::from_secs(15));
    }
}
