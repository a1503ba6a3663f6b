//! A viewer of goodput's live page.

use crate::machine::Fallible;
use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long goodput may take to serve its page, and to send an event.
const PATIENCE: Duration = Duration::from_secs(20);

/// A thread that reads all events of a page.
pub(super) struct Watcher {
    /// Where the page must be served.
    pub(super) address: SocketAddr,
    thread: JoinHandle<io::Result<String>>,
}

impl Watcher {
    pub(super) fn start() -> Fallible<Self> {
        // Free now; nothing else takes ports here.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let thread = thread::spawn(move || {
            let began = Instant::now();
            let mut stream = loop {
                match TcpStream::connect(address) {
                    Ok(stream) => break stream,
                    Err(e) if began.elapsed() > PATIENCE => return Err(e),
                    Err(_) => thread::sleep(Duration::from_millis(20)),
                }
            };
            stream.set_read_timeout(Some(PATIENCE))?;
            write!(stream, "GET /events HTTP/1.1\r\nhost: {address}\r\n\r\n")?;
            let mut events = String::new();
            stream.read_to_string(&mut events)?;
            Ok(events)
        });
        Ok(Watcher { address, thread })
    }

    /// Waits for the end; fails unless the page said so.
    pub(super) fn finish(self) -> Fallible<()> {
        let events = self.thread.join().map_err(|_| "the watcher panicked")??;
        let count = events.matches("event: now").count();
        if count < 2 || !events.contains("event: end") {
            return Err(format!("the live page was not watched to its end: {count} events").into());
        }
        Ok(())
    }
}
