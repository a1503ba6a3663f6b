//! Writer thread of a journal.

use super::line::{Heading, LeftOut};
use crate::record::{self, Record};
use serde::Serialize;
use std::{
    fs::File,
    io::{self, Write},
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

/// Interval of writes. A kill loses at most two intervals.
const EVERY: Duration = Duration::from_millis(500);

/// Messages from a run to its journal.
pub(super) enum Message {
    /// A request has ended.
    Ended(Box<Record>),
    /// The run has ended.
    End,
}

pub(super) struct Writer {
    pub(super) file: File,
    /// Size of the part of the file that is whole lines.
    whole: u64,
    /// Whole lines that are not written yet, and their number of requests.
    lines: Vec<u8>,
    waiting: u64,
    /// Number of requests in the file or waiting.
    requests: u64,
    left_out: Arc<AtomicU64>,
    /// Number of missing requests that the file states.
    said: u64,
}

impl Writer {
    pub(super) fn new(file: File, heading: &Heading, left_out: Arc<AtomicU64>) -> io::Result<Self> {
        // The lock shows other processes that the run is in progress; without it the run only looks killed.
        let _ = file.try_lock();
        let mut writer = Writer {
            whole: file.metadata()?.len(),
            file,
            lines: Vec::new(),
            waiting: 0,
            requests: 0,
            left_out,
            said: 0,
        };
        writer.add(heading)?;
        writer.write_lines()?;
        Ok(writer)
    }

    /// Writes until the run ends; returns the number of requests in the file.
    pub(super) fn write(mut self, told: &Receiver<Message>) -> u64 {
        let mut due = Instant::now() + EVERY;
        loop {
            match told.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(Message::Ended(mut record)) => {
                    record::redact(std::slice::from_mut(&mut record));
                    match self.add(&*record) {
                        Ok(()) => self.waiting += 1,
                        Err(_) => self.lose(1),
                    }
                }
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => {
                    self.keep();
                    return self.requests;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if Instant::now() >= due {
                self.keep();
                due = Instant::now() + EVERY;
            }
        }
    }

    fn add(&mut self, line: &impl Serialize) -> io::Result<()> {
        let before = self.lines.len();
        serde_json::to_writer(&mut self.lines, line)
            .inspect_err(|_| self.lines.truncate(before))?;
        self.lines.push(b'\n');
        Ok(())
    }

    /// A full disk holds up nothing: lines that do not fit are left out, and the file says so once there is
    /// space.
    fn keep(&mut self) {
        let left_out = self.left_out.load(Relaxed);
        if left_out > self.said && self.add(&LeftOut { left_out }).is_err() {
            return;
        }
        let waiting = mem::take(&mut self.waiting);
        match self.write_lines() {
            Ok(()) => {
                self.requests += waiting;
                self.said = left_out;
            }
            Err(_) => {
                self.lose(waiting);
                // A partial line would spoil the next one, too.
                let _ = self.file.set_len(self.whole);
            }
        }
    }

    fn write_lines(&mut self) -> io::Result<()> {
        let lines = mem::take(&mut self.lines);
        if lines.is_empty() {
            return Ok(());
        }
        self.file.write_all(&lines)?;
        self.whole += lines.len() as u64;
        self.file.sync_data()
    }

    fn lose(&self, requests: u64) {
        self.left_out.fetch_add(requests, Relaxed);
    }
}
