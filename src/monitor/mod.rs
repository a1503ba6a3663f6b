//! The live page: a run in progress, for a browser on this machine.
//!
//! A thread of its own with a runtime of its own serves it. The measuring threads only count what they send and hand over
//! each finished request, through a queue that is never waited for: what does not fit is left out, and the page says how
//! many requests that are. So a viewer, however slow, delays nothing. Pages hold numbers and names, and no texts of prompts
//! and answers.

mod address;
mod course;
mod door;
mod handed;
mod html;
mod message;
mod running;
mod seen;
mod serve;
mod state;
mod viewers;

pub(crate) use address::Bind;
pub(crate) use course::Schedule;
pub(crate) use running::Subject;

use crate::{observer::Observer, report::Outcome};
use handed::Handed;
use message::{EndedBench, Message};
use seen::Watching;
use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::AtomicU64,
        mpsc::{self, SyncSender},
    },
    thread::{self, JoinHandle},
};

/// The number of messages that wait for the page's thread.
const WAITING: usize = 1 << 14;

/// The live page of a command. Dropping it says on the page that the command has ended, and stops its server.
pub(crate) struct Monitor {
    address: SocketAddr,
    sender: SyncSender<Message>,
    thread: Option<JoinHandle<()>>,
}

impl Monitor {
    /// Serves the page at an address.
    ///
    /// # Errors
    /// The address cannot be bound, or the system refuses a thread.
    pub(crate) fn start(bind: &Bind) -> io::Result<Self> {
        let listener = TcpListener::bind(bind.socket())?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (sender, receiver) = mpsc::sync_channel(WAITING);
        let names = bind.names();
        let thread = thread::Builder::new()
            .name("goodput live".to_owned())
            .spawn(move || serve::serve(listener, names, receiver))?;
        Ok(Monitor {
            address,
            sender,
            thread: Some(thread),
        })
    }

    /// The address of the page.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// An observer for a bench that begins, which passes everything on to `next`.
    pub(crate) fn watch(&self, subject: Subject, next: Arc<dyn Observer>) -> Arc<dyn Observer> {
        let handed = Arc::new(Handed {
            sent: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
        });
        // A thread that is gone shows nothing more.
        let _ = self
            .sender
            .send(Message::Begin(Box::new(subject), handed.clone()));
        Arc::new(Watching {
            handed,
            sender: self.sender.clone(),
            next,
        })
    }

    /// Says how a bench has ended.
    pub(crate) fn ended(&self, outcome: &Outcome) {
        let measured = outcome.measured.as_ref();
        let slos = measured.into_iter().flat_map(|measured| &measured.slos);
        let ended = EndedBench {
            name: outcome.name.clone(),
            word: outcome.word(),
            lines: slos.map(|slo| slo.sentence.clone()).collect(),
        };
        let _ = self.sender.send(Message::Ended(Box::new(ended)));
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.sender.send(Message::End);
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been printed; one more from a destructor would abort.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
