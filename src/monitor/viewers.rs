//! The browsers that watch.

use bytes::Bytes;
use std::rc::Rc;
use tokio::sync::{
    Notify,
    mpsc::{self, Receiver, Sender, error::TrySendError},
};

/// The most viewers at a time.
pub(super) const MOST: usize = 8;

/// The events that wait for a viewer. One that is further behind is dropped.
const WAITING: usize = 8;

#[derive(Debug)]
struct Viewer {
    events: Sender<Bytes>,
    /// Ends its connection.
    gone: Rc<Notify>,
}

/// All viewers.
#[derive(Debug, Default)]
pub(super) struct Viewers(Vec<Viewer>);

impl Viewers {
    /// Lets one more in; `gone` ends its connection. `None` if there are too many.
    pub(super) fn enter(&mut self, gone: Rc<Notify>) -> Option<Receiver<Bytes>> {
        self.0.retain(|viewer| !viewer.events.is_closed());
        if self.0.len() >= MOST {
            return None;
        }
        let (events, received) = mpsc::channel(WAITING);
        self.0.push(Viewer { events, gone });
        Some(received)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends an event to all. Waits for none.
    pub(super) fn say(&mut self, event: &Bytes) {
        self.0
            .retain(|viewer| match viewer.events.try_send(event.clone()) {
                Ok(()) => true,
                Err(TrySendError::Closed(_)) => false,
                Err(TrySendError::Full(_)) => {
                    viewer.gone.notify_one();
                    false
                }
            });
    }

    /// Ends all streams once their viewers have read what waits for them.
    pub(super) fn leave(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_does_not_read_is_dropped_and_the_others_stay() {
        let mut viewers = Viewers::default();
        let gone = Rc::new(Notify::new());
        let mut reads = viewers.enter(Rc::default()).unwrap();
        let _stuck = viewers.enter(gone.clone()).unwrap();
        let event = Bytes::from_static(b"x");
        for _ in 0..=WAITING {
            viewers.say(&event);
            assert_eq!(reads.try_recv().unwrap(), event);
        }
        assert_eq!(viewers.0.len(), 1);
        let told = gone.notified();
        let mut told = std::pin::pin!(told);
        assert!(told.as_mut().enable(), "its connection ends");
    }

    #[test]
    fn there_is_room_again_once_one_has_left() {
        let mut viewers = Viewers::default();
        let mut all: Vec<_> = (0..MOST)
            .filter_map(|_| viewers.enter(Rc::default()))
            .collect();
        assert_eq!(all.len(), MOST);
        assert!(viewers.enter(Rc::default()).is_none());
        all.pop();
        assert!(viewers.enter(Rc::default()).is_some());
    }
}
