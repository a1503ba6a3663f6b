//! Arrival times of bytes, and how the client read them.

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

/// A longer wait between arrival and reading means that the client was behind.
const BEHIND: Duration = Duration::from_millis(1);

/// How far the kernel's time may contradict what the client knows, before it counts as a step of the
/// system's clock.
#[cfg(target_os = "linux")]
const TOLERANCE: Duration = Duration::from_micros(500);

/// Log of all reads of a run.
#[derive(Debug, Clone, Default)]
pub struct ReadLog {
    /// Reads with a kernel time.
    pub by_kernel: u64,
    /// Reads with the client's own time.
    pub at_read: u64,
    /// Time between the kernel's receiving data and the client's reading it.
    pub waits: LatencyHistogram,
    /// Kernel times that were discarded because the system's clock was set in between.
    pub clock_steps: u64,
    /// Token events that came in one read with the previous event: the server wrote them together, or the
    /// client was behind.
    pub merged: u64,
    /// Merged events that had waited for the client, so that their own time is unknown: it is between the
    /// previous read and this one.
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

/// Clock of a run, and the log of its reads.
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

/// How long bytes had waited, by the kernel's clock.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    For(Duration),
    /// The kernel does not say, or its time could not be compared with the current time.
    Untold,
    /// The times are in the future.
    Never,
}

/// A read with the kernel's time.
#[cfg(target_os = "linux")]
pub(super) struct Taken {
    /// Time of the read.
    pub(super) now: Nanos,
    /// How long the bytes had waited.
    pub(super) waited: Waited,
    /// A time before the read, if the read emptied the socket.
    pub(super) emptied: Option<Nanos>,
}

/// Reads of one connection.
#[derive(Debug)]
pub(super) struct Reads {
    reader: Rc<Reader>,
    /// When the last bytes arrived.
    arrived: Cell<Nanos>,
    /// When they were read.
    read: Cell<Nanos>,
    /// Reads with the client's own time.
    own: Cell<u64>,
    /// A time before the last read that emptied the socket.
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

    /// Number of reads with the client's own time.
    pub(super) fn own_times(&self) -> u64 {
        self.own.get()
    }

    /// Source of the times, given the earlier number of reads with the client's own time.
    pub(super) fn timestamps(&self, own_before: u64) -> Timestamps {
        match self.own.get() == own_before {
            true => Timestamps::Kernel,
            false if self.reader.clock.is_virtual() => Timestamps::Virtual,
            false => Timestamps::Monotonic,
        }
    }

    /// Notes a read whose time is now.
    pub(super) fn now(&self) {
        let now = self.reader.clock.now();
        self.reader.log.borrow_mut().at_read += 1;
        self.own.set(self.own.get() + 1);
        self.note(now, now);
    }

    /// Notes a read with the kernel's time.
    ///
    /// Data that a read finds in a socket that was empty before has arrived since, and no data arrives in
    /// the future. Where the kernel says otherwise, its clock was set in between.
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

    /// Notes the number of token events in the last read.
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
