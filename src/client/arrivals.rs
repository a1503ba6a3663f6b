//! When bytes arrived, and what is known of how they were read.

use crate::{
    clock::{Clock, Nanos},
    histogram::LatencyHistogram,
    record::Timestamps,
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

/// Bytes that waited longer than this to be read say that the client was behind.
const BEHIND: Duration = Duration::from_millis(1);

/// How far the kernel's word may contradict what the client knows, before it counts as a step of
/// the system's clock.
#[cfg(target_os = "linux")]
const TOLERANCE: Duration = Duration::from_micros(500);

/// What is known of all reads of a run.
#[derive(Debug, Clone, Default)]
pub struct ReadLog {
    /// Reads whose time is the kernel's.
    pub by_kernel: u64,
    /// Reads whose time is when the client got to them.
    pub at_read: u64,
    /// How long what the kernel had received waited for the client.
    pub waits: LatencyHistogram,
    /// Kernel times that were not used, because the system's clock was set in between.
    pub clock_steps: u64,
    /// Token events that came in one read with the one before them, which only a server does that
    /// writes them together, or a client that is behind.
    pub merged: u64,
    /// Those of them that waited for the client, so that their own time is not known: it is between
    /// the read before and this one.
    pub merged_behind: u64,
}

impl ReadLog {
    /// Adds another log.
    pub fn merge(&mut self, other: &ReadLog) {
        self.by_kernel += other.by_kernel;
        self.at_read += other.at_read;
        self.waits.merge(&other.waits);
        self.clock_steps += other.clock_steps;
        self.merged += other.merged;
        self.merged_behind += other.merged_behind;
    }
}

/// The time of a run, and the log of its reads.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) clock: Clock,
    log: RefCell<ReadLog>,
}

impl Reader {
    pub(super) fn new(clock: Clock) -> Self {
        Reader {
            clock,
            log: RefCell::default(),
        }
    }

    /// The log so far.
    pub(super) fn log(&self) -> ReadLog {
        self.log.borrow().clone()
    }
}

/// How long bytes had been there, by the kernel.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    For(Duration),
    /// It does not tell, or it could not be compared with the time now.
    Untold,
    /// They come from the future.
    Never,
}

/// A read as the kernel tells of it.
#[cfg(target_os = "linux")]
pub(super) struct Taken {
    /// When.
    pub(super) now: Nanos,
    /// How long the bytes had been there.
    pub(super) waited: Waited,
    /// A time before the read, if it left nothing behind.
    pub(super) emptied: Option<Nanos>,
}

/// The reads of one connection.
#[derive(Debug)]
pub(super) struct Reads {
    reader: Rc<Reader>,
    /// When the last bytes arrived.
    arrived: Cell<Nanos>,
    /// When they were read.
    read: Cell<Nanos>,
    /// Reads whose time is not the kernel's.
    own: Cell<u64>,
    /// A time before the last read that left nothing behind.
    #[cfg(target_os = "linux")]
    emptied: Cell<Nanos>,
}

impl Reads {
    pub(super) fn new(reader: Rc<Reader>) -> Rc<Self> {
        let now = reader.clock.now();
        Rc::new(Reads {
            reader,
            arrived: Cell::new(now),
            read: Cell::new(now),
            own: Cell::new(0),
            #[cfg(target_os = "linux")]
            emptied: Cell::new(now),
        })
    }

    /// When the last bytes arrived.
    pub(super) fn arrived(&self) -> Nanos {
        self.arrived.get()
    }

    /// How many reads have a time that is not the kernel's.
    pub(super) fn own_times(&self) -> u64 {
        self.own.get()
    }

    /// Where times come from, when there had been so many of our own before them.
    pub(super) fn timestamps(&self, own_before: u64) -> Timestamps {
        match self.own.get() == own_before {
            true => Timestamps::Kernel,
            false if self.reader.clock.is_virtual() => Timestamps::Virtual,
            false => Timestamps::Monotonic,
        }
    }

    /// Bytes were read; the time is now.
    pub(super) fn now(&self) {
        let now = self.reader.clock.now();
        self.reader.log.borrow_mut().at_read += 1;
        self.own.set(self.own.get() + 1);
        self.note(now, now);
    }

    /// Bytes were read, and the kernel said when it had received them.
    ///
    /// What is found in a socket that was empty at the last read has come since; and nothing comes
    /// from the future. Where the kernel says otherwise, its clock was set in between.
    #[cfg(target_os = "linux")]
    pub(super) fn by_kernel(&self, taken: Taken) {
        let at_most = (taken.now - self.emptied.get()) + TOLERANCE;
        let waited = match taken.waited {
            Waited::For(waited) if waited <= at_most => Some(waited),
            _ => None,
        };
        if let Some(emptied) = taken.emptied {
            self.emptied.set(emptied);
        }
        let mut log = self.reader.log.borrow_mut();
        match waited {
            Some(waited) => {
                log.by_kernel += 1;
                log.waits.record(waited);
            }
            None => {
                log.at_read += 1;
                log.clock_steps += u64::from(taken.waited != Waited::Untold);
                self.own.set(self.own.get() + 1);
            }
        }
        drop(log);
        let waited = waited.map_or(0, |w| u64::try_from(w.as_nanos()).unwrap_or(u64::MAX));
        self.note(Nanos(taken.now.0.saturating_sub(waited)), taken.now);
    }

    /// The run's clock.
    pub(super) fn clock(&self) -> &Clock {
        &self.reader.clock
    }

    fn note(&self, arrived: Nanos, read: Nanos) {
        self.arrived.set(arrived.max(self.arrived.get()));
        self.read.set(read);
    }

    /// There were so many token events in the last read.
    pub(super) fn brought_tokens(&self, events: usize) {
        let merged = events.saturating_sub(1) as u64;
        if merged > 0 {
            let behind = self.read.get() - self.arrived.get() > BEHIND;
            let mut log = self.reader.log.borrow_mut();
            log.merged += merged;
            log.merged_behind += if behind { merged } else { 0 };
        }
    }
}
