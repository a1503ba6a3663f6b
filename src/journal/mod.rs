//! What a live run has measured so far, in a file that outlives the process: a line for each request that has ended,
//! without prompts and answers. A thread of its own writes it, so that the run only hands each record over. After a
//! good end the file goes with the report; after a kill `goodput report FILE` shows the run as far as it came.

mod place;
mod writer;

pub(crate) use place::Place;

use crate::{client::Observer, record::Record, run::Setup};
use serde::{Deserialize, Serialize};
use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{self, SyncSender},
    },
    thread::{self, JoinHandle},
};
use writer::{Message, Writer};

/// The version of the form. It rises when a reader of the older form would be misled.
pub(crate) const FORM: u32 = 1;

/// So many records wait for the writer at most. The run never waits for it: what is beyond is left out.
const WAITING: usize = 1 << 14;

/// The first line of the file; each of the others is a [`Record`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Heading {
    /// [`FORM`].
    pub(crate) goodput_journal: u32,
    /// When the run began, in seconds since 1970.
    pub(crate) began: u64,
    /// What was asked.
    pub(crate) setup: Setup,
    /// The limits on requests that define goodput.
    pub(crate) limits: String,
}

/// The journal of a run that goes on. Dropped, it stays if the run has not [ended well](Journal::ended_well).
#[derive(Debug)]
pub(crate) struct Journal {
    place: Place,
    path: PathBuf,
    sender: SyncSender<Message>,
    writer: Mutex<Option<JoinHandle<u64>>>,
    good: AtomicBool,
}

impl Journal {
    /// Makes the file with its heading.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn begin(place: &Place, heading: &Heading) -> io::Result<Arc<Self>> {
        let (path, file) = place.make(&heading.setup.name)?;
        let writer = Writer::new(file, heading)?;
        let (sender, receiver) = mpsc::sync_channel(WAITING);
        let writer = thread::Builder::new()
            .name("goodput journal".to_owned())
            .spawn(move || writer.write(&receiver))?;
        Ok(Arc::new(Journal {
            place: place.clone(),
            path,
            sender,
            writer: Mutex::new(Some(writer)),
            good: AtomicBool::new(false),
        }))
    }

    /// An observer that hands on what it hears, after the journal has it.
    pub(crate) fn observing(&self, next: Arc<dyn Observer>) -> Arc<dyn Observer> {
        Arc::new(Journaled {
            sender: self.sender.clone(),
            next,
        })
    }

    /// There is a report, which says more. The file goes with it.
    pub(crate) fn ended_well(&self) {
        self.good.store(true, Relaxed);
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // The writer may have ended with an error of the system; then there is no more to say to it.
        let _ = self.sender.send(Message::End);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let written = writer.take().and_then(|writer| writer.join().ok());
        if self.good.load(Relaxed) || written == Some(0) {
            // It tells nothing that is not told elsewhere.
            let _ = std::fs::remove_file(&self.path);
            self.place.clean();
        }
    }
}

struct Journaled {
    sender: SyncSender<Message>,
    next: Arc<dyn Observer>,
}

impl Observer for Journaled {
    fn sent(&self) {
        self.next.sent();
    }

    fn finished(&self, record: &Record) {
        // A writer that is behind, or gone, is no reason to hold up the run.
        let _ = self
            .sender
            .try_send(Message::Ended(Box::new(record.without_answer())));
        self.next.finished(record);
    }

    fn says(&self, line: &str) {
        self.next.says(line);
    }
}

#[cfg(test)]
mod tests;
