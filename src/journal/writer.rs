//! The thread that writes a journal.

use super::Heading;
use crate::record::{self, Record};
use serde::Serialize;
use std::{
    fs::File,
    io::{self, Write},
    mem,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

/// What is lost to a kill is younger than two of these.
const EVERY: Duration = Duration::from_millis(500);

/// What a run tells its journal.
pub(super) enum Message {
    /// A request has ended.
    Ended(Box<Record>),
    /// So has the run.
    End,
}

pub(super) struct Writer {
    file: File,
    /// Whole lines that are not written yet.
    lines: Vec<u8>,
    requests: u64,
}

impl Writer {
    pub(super) fn new(file: File, heading: &Heading) -> io::Result<Self> {
        // By which others know that the run goes on; without a lock it only looks as if it had been killed.
        let _ = file.try_lock();
        let mut writer = Writer {
            file,
            lines: Vec::new(),
            requests: 0,
        };
        writer.add(heading)?;
        writer.keep()?;
        Ok(writer)
    }

    /// Writes until the run ends; how many requests there were.
    pub(super) fn write(mut self, told: &Receiver<Message>) -> u64 {
        // A disk that is full ends the journal, not the run. What was written before stays readable.
        let _ = self.write_all(told);
        self.requests
    }

    fn write_all(&mut self, told: &Receiver<Message>) -> io::Result<()> {
        let mut due = Instant::now() + EVERY;
        loop {
            match told.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(Message::Ended(mut record)) => {
                    record::redact(std::slice::from_mut(&mut record));
                    self.requests += 1;
                    self.add(&*record)?;
                }
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => return self.keep(),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if Instant::now() >= due {
                self.keep()?;
                due = Instant::now() + EVERY;
            }
        }
    }

    fn add(&mut self, line: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.lines, line)?;
        self.lines.push(b'\n');
        Ok(())
    }

    fn keep(&mut self) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        self.file.write_all(&mem::take(&mut self.lines))?;
        self.file.sync_data()
    }
}
