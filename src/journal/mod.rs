//! Journals: what a live run has measured so far, in a file that outlives the process. The file has a line
//! for each request that has ended, without prompt and answer. A separate thread writes it, so that the run
//! only hands each record over. When the run has a report, the file is removed; after a kill, `goodput
//! report FILE` shows what was measured.

mod line;
mod place;
mod writer;

#[cfg(any(test, feature = "cli"))]
pub(crate) use line::LeftOut;
pub(crate) use line::{FORM, Heading};
pub(crate) use place::Place;

use crate::{observer::Observer, record::Record};
use std::{
    fmt, io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
        mpsc::{self, SyncSender},
    },
    thread::{self, JoinHandle},
};
use writer::{Message, Writer};

/// Maximum number of records that wait for the writer. The run never waits for the writer: further records
/// are left out.
const WAITING: usize = 1 << 14;

/// Journal of a run in progress. If it is dropped before the run has [ended well](Journal::ended_well), the
/// file stays, and the observer gets a message.
pub(crate) struct Journal {
    place: Place,
    path: PathBuf,
    sender: SyncSender<Message>,
    writer: Mutex<Option<JoinHandle<u64>>>,
    good: AtomicBool,
    left_out: Arc<AtomicU64>,
    observer: Arc<dyn Observer>,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Journal {
    /// Creates the file with its heading.
    ///
    /// # Errors
    /// The error of the system.
    pub(crate) fn begin(
        place: &Place,
        heading: &Heading,
        observer: Arc<dyn Observer>,
    ) -> io::Result<Arc<Self>> {
        let (path, file) = place.make(&heading.setup.name)?;
        let left_out = Arc::default();
        let writer = Writer::new(file, heading, Arc::clone(&left_out))?;
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
            left_out,
            observer,
        }))
    }

    /// An observer of the run, which passes everything on to the journal's observer.
    pub(crate) fn observing(&self) -> Arc<dyn Observer> {
        Arc::new(Journaled {
            sender: self.sender.clone(),
            left_out: Arc::clone(&self.left_out),
            next: Arc::clone(&self.observer),
        })
    }

    /// Removes the file when the journal is dropped: the report contains more.
    pub(crate) fn ended_well(&self) {
        self.good.store(true, Relaxed);
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // The writer may have ended with an error of the system; then it needs no message.
        let _ = self.sender.send(Message::End);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let written = writer.take().and_then(|writer| writer.join().ok());
        if self.good.load(Relaxed) || written == Some(0) {
            // The report contains everything in the file.
            let _ = std::fs::remove_file(&self.path);
            self.place.clean();
        } else {
            let path = self.path.display();
            self.observer.says(&format!(
                "the run has no report. `goodput report {path}` shows what it measured"
            ));
        }
    }
}

struct Journaled {
    sender: SyncSender<Message>,
    left_out: Arc<AtomicU64>,
    next: Arc<dyn Observer>,
}

impl Observer for Journaled {
    fn sent(&self) {
        self.next.sent();
    }

    fn finished(&self, record: &Record) {
        // A writer that is behind or gone must not hold up the run.
        let ended = Message::Ended(Box::new(record.without_answer()));
        if self.sender.try_send(ended).is_err() {
            self.left_out.fetch_add(1, Relaxed);
        }
        self.next.finished(record);
    }

    fn says(&self, line: &str) {
        self.next.says(line);
    }
}

#[cfg(test)]
mod tests;
