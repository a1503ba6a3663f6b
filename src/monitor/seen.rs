//! What the measuring threads do for the page: count, and hand over.

use super::{handed::Handed, message::Message};
use crate::{observer::Observer, record::Record};
use std::sync::{Arc, atomic::Ordering::Relaxed, mpsc::SyncSender};

/// The observer of a bench.
pub(super) struct Watching {
    pub(super) handed: Arc<Handed>,
    pub(super) sender: SyncSender<Message>,
    pub(super) next: Arc<dyn Observer>,
}

impl Observer for Watching {
    fn sent(&self) {
        self.handed.sent.fetch_add(1, Relaxed);
        self.next.sent();
    }

    fn finished(&self, record: &Record) {
        // A page that is behind must not hold up the run.
        let request = Message::Request(Box::new(record.without_answer()));
        if self.sender.try_send(request).is_err() {
            self.handed.left_out.fetch_add(1, Relaxed);
        }
        self.next.finished(record);
    }

    fn says(&self, line: &str) {
        self.next.says(line);
    }
}
