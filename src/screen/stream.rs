//! Streams to people and programs. If a thread writes to a stream, no other thread waits for its reader: a
//! stopped terminal (Ctrl-S) or a full pipe without a reader would block a run without end.

use std::{
    collections::VecDeque,
    io::Write,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Limit for the bytes that wait to be written.
const MOST: usize = 16 << 20;

/// With more bytes than this waiting, passing texts are left out.
const CROWDED: usize = 4096;

/// How long to wait for a text, which keeps stdout and stderr in order; after that nothing waits until the
/// stream moves again.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long a stream may be blocked at the end of a run that a signal stops.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// Importance of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    /// The next text replaces it: left out while others wait.
    Passing,
    /// From a thread that must not wait.
    Told,
    /// The writer waits for it for a moment.
    Awaited,
}

/// Stdout or stderr.
pub(super) struct Stream {
    sink: fn() -> Box<dyn Write>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Whether a thread writes the waiting texts.
    served: bool,
    waiting: VecDeque<String>,
    bytes: usize,
    taken: u64,
    written: u64,
    /// Number of texts that did not fit.
    lost: u64,
    /// Whether a wait was in vain, and nothing was written since.
    stuck: bool,
    /// Whether the run should stop.
    hurried: bool,
    /// Whether the stream shows nothing more.
    given_up: bool,
}

impl Stream {
    pub(super) const fn new(sink: fn() -> Box<dyn Write>) -> Self {
        Stream {
            sink,
            state: Mutex::new(State {
                served: false,
                waiting: VecDeque::new(),
                bytes: 0,
                taken: 0,
                written: 0,
                lost: 0,
                stuck: false,
                hurried: false,
                given_up: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a text, or queues it for the thread.
    pub(super) fn put(&self, text: String, worth: Worth) {
        let mut state = self.state();
        if !state.served {
            drop(state);
            write(&mut *(self.sink)(), &text);
            return;
        }
        let room = match worth {
            Worth::Passing => CROWDED,
            Worth::Told | Worth::Awaited => MOST,
        };
        if state.given_up || state.bytes > room {
            state.lost += u64::from(worth != Worth::Passing);
            return;
        }
        state.bytes += text.len();
        state.taken += 1;
        state.waiting.push_back(text);
        self.changed.notify_all();
        if worth == Worth::Awaited && !state.stuck {
            let number = state.taken;
            let unwritten = |state: &mut State| state.written < number && !state.given_up;
            let waited = self.changed.wait_timeout_while(state, PATIENCE, unwritten);
            let (mut state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            state.stuck |= waited.timed_out();
        }
    }

    /// Queues texts from now on, for a thread that runs [`Stream::serve`].
    pub(super) fn open(&self) {
        self.state().served = true;
    }

    /// Writes queued texts until the stream is closed.
    pub(super) fn serve(&self) {
        let mut sink = (self.sink)();
        loop {
            let idle = |state: &mut State| state.waiting.is_empty() && state.served;
            let state = self.changed.wait_while(self.state(), idle);
            let text = state
                .unwrap_or_else(PoisonError::into_inner)
                .waiting
                .pop_front();
            let Some(text) = text else {
                return;
            };
            write(&mut *sink, &text);
            let mut state = self.state();
            state.bytes -= text.len();
            state.written += 1;
            state.stuck = false;
            self.changed.notify_all();
        }
    }

    /// Waits little longer for a reader, because the run should stop.
    pub(super) fn hurry(&self) {
        self.state().hurried = true;
        self.changed.notify_all();
    }

    /// Waits until everything is written. In a hurry it gives up a blocked stream.
    pub(super) fn close(&self) {
        let mut state = self.state();
        while state.written < state.taken && !state.given_up {
            let before = state.written;
            let still = |state: &mut State| state.written == before;
            if state.hurried {
                let waited = self.changed.wait_timeout_while(state, LAST_PATIENCE, still);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
                state.given_up = state.written == before;
            } else {
                let calm = |state: &mut State| still(state) && !state.hurried;
                let waited = self.changed.wait_while(state, calm);
                state = waited.unwrap_or_else(PoisonError::into_inner);
            }
        }
        state.served = state.given_up;
        self.changed.notify_all();
    }

    /// Number of texts that did not fit.
    pub(super) fn lost(&self) -> u64 {
        self.state().lost
    }
}

/// A reader that has gone does not want the rest, and there is no other place to report it.
fn write(sink: &mut dyn Write, text: &str) {
    let _ = sink.write_all(text.as_bytes()).and_then(|()| sink.flush());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io,
        sync::{Arc, LazyLock},
        thread,
        time::Instant,
    };

    /// A sink that takes nothing until it is let go.
    struct Gate {
        open: Mutex<bool>,
        opened: Condvar,
        got: Mutex<String>,
    }

    impl Gate {
        const fn new() -> Self {
            Gate {
                open: Mutex::new(false),
                opened: Condvar::new(),
                got: Mutex::new(String::new()),
            }
        }

        fn let_go(&self) {
            *self.open.lock().unwrap() = true;
            self.opened.notify_all();
        }
    }

    impl Write for &Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let open = self.open.lock().unwrap();
            drop(self.opened.wait_while(open, |open| !*open).unwrap());
            let text = std::str::from_utf8(bytes).unwrap();
            self.got.lock().unwrap().push_str(text);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn served(stream: &Arc<Stream>) -> thread::JoinHandle<()> {
        stream.open();
        let stream = stream.clone();
        thread::spawn(move || stream.serve())
    }

    #[test]
    fn nobody_waits_for_a_reader_and_what_passes_is_left_out() {
        static GATE: Gate = Gate::new();
        let stream = Arc::new(Stream::new(|| Box::new(&GATE)));
        let writer = served(&stream);
        let began = Instant::now();
        for number in 0..1000 {
            stream.put(format!("{number}\n"), Worth::Awaited);
        }
        stream.put("x".repeat(CROWDED), Worth::Told);
        stream.put("passing\n".to_owned(), Worth::Passing);
        // One wait, not a thousand.
        assert!(began.elapsed() < Duration::from_secs(60));
        GATE.let_go();
        stream.close();
        writer.join().unwrap();
        let got = GATE.got.lock().unwrap();
        assert!(got.starts_with("0\n1\n") && got.contains("\n999\n"));
        assert!(!got.contains("passing"));
        assert_eq!(stream.lost(), 0);
    }

    #[test]
    fn what_waits_has_a_bound_and_what_is_lost_is_counted() {
        static GATE: Gate = Gate::new();
        let stream = Arc::new(Stream::new(|| Box::new(&GATE)));
        let writer = served(&stream);
        for _ in 0..40 {
            stream.put("x".repeat(1 << 20), Worth::Told);
        }
        assert_eq!(stream.lost(), 40 - 17);
        GATE.let_go();
        stream.close();
        writer.join().unwrap();
        assert_eq!(GATE.got.lock().unwrap().len(), 17 << 20);
    }

    /// The signal may come before the end, or while the end waits.
    #[test]
    fn in_a_hurry_a_stream_that_stands_still_is_given_up() {
        static GATE: Gate = Gate::new();
        for before in [true, false] {
            let stream = Arc::new(Stream::new(|| Box::new(&GATE)));
            let _left = served(&stream);
            stream.put("report\n".to_owned(), Worth::Told);
            if before {
                stream.hurry();
            }
            let closing = stream.clone();
            let closed = thread::spawn(move || closing.close());
            if !before {
                thread::sleep(Duration::from_millis(50));
                assert!(!closed.is_finished());
                stream.hurry();
            }
            closed.join().unwrap();
            // No thread waits for it any more.
            stream.put("more\n".to_owned(), Worth::Awaited);
        }
    }

    #[test]
    fn without_a_thread_a_text_is_written_at_once() {
        static GATE: LazyLock<Gate> = LazyLock::new(Gate::new);
        GATE.let_go();
        let stream = Stream::new(|| Box::new(&*GATE));
        stream.put("a\n".to_owned(), Worth::Told);
        assert_eq!(*GATE.got.lock().unwrap(), "a\n");
    }
}
