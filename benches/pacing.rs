//! How exactly `goodput sim` keeps its times on the real clock: `cargo bench --bench pacing`.
//!
//! Streams of one token every 10 ms, begun one after the other within these 10 ms, over TCP on loopback.
//! The server has a thread and so has the client. A chunk is due at the arrival of its request plus
//! TTFT plus its share of ITLs; its error is the time from then until
//!
//! * *written*: the system has taken the chunk from the server (the end of `write`);
//! * *received*: the client has it (the end of `read`).
//!
//! The arrival is when the server had read the request, which is a little before it looks at its clock:
//! errors are rather too large than too small. This prints a table and passes no judgement, because it
//! depends on what else the machine does.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

use goodput::{
    clock::{Clock, Nanos, on_real_time},
    grammar::sim::{Distribution, Script},
    sim::{SimServer, serve_connection},
};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, mpsc},
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinSet,
};

const TTFT: Duration = Duration::from_millis(50);
const ITL: Duration = Duration::from_millis(10);

/// Tokens of a stream.
const TOKENS: u64 = 500;

/// What the server saw of one connection.
#[derive(Debug, Default, Clone)]
struct Seen {
    port: u16,
    /// When the request was read.
    arrival: Nanos,
    /// When each chunk was written.
    written: Vec<Nanos>,
}

/// A connection whose reads and writes are noted.
struct Noted {
    stream: TcpStream,
    clock: Clock,
    seen: Seen,
    all: Arc<Mutex<Vec<Seen>>>,
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.all
            .lock()
            .unwrap()
            .push(std::mem::take(&mut self.seen));
    }
}

/// Chunks with a token: all but `[DONE]`.
fn chunks(bytes: &[u8]) -> usize {
    bytes
        .windows(7)
        .filter(|window| window == b"data: {")
        .count()
}

impl AsyncRead for Noted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before && self.seen.arrival == Nanos(0) {
            self.seen.arrival = self.clock.now();
        }
        outcome
    }
}

impl AsyncWrite for Noted {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        if let Poll::Ready(Ok(taken)) = outcome {
            let now = self.clock.now();
            let bytes = slices.iter().flat_map(|slice| slice.iter().copied());
            let bytes: Vec<u8> = bytes.take(taken).collect();
            let count = chunks(&bytes);
            self.seen.written.extend(std::iter::repeat_n(now, count));
        }
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Where the server listens, when its clock began, and what stops it.
type Ready = (u16, Instant);

fn serve(ready: &mpsc::Sender<Ready>, stop: oneshot::Receiver<()>) -> Vec<Seen> {
    let script = Script {
        ttft: Distribution::Constant(TTFT),
        itl: Distribution::Constant(ITL),
        ..Script::default()
    };
    let server = Arc::new(SimServer::new(script));
    let all = Arc::new(Mutex::default());
    let seen = all.clone();
    on_real_time(async |clock| {
        let origin = Instant::now() - (clock.now() - Nanos(0));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        ready
            .send((listener.local_addr().unwrap().port(), origin))
            .unwrap();
        let mut connections = JoinSet::new();
        let accepting = async {
            loop {
                let (stream, peer) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let io = Noted {
                    stream,
                    clock: clock.clone(),
                    seen: Seen {
                        port: peer.port(),
                        ..Seen::default()
                    },
                    all: all.clone(),
                };
                let serving = serve_connection(io, server.clone(), clock.clone());
                connections.spawn(async { drop(serving.await) });
            }
        };
        tokio::select! {
            () = accepting => {}
            _ = stop => {}
        }
        connections.shutdown().await;
    })
    .unwrap();
    seen.lock().unwrap().clone()
}

/// The port of one stream, and when each of its chunks came.
async fn listen(port: u16, clock: Clock, at: Nanos) -> (u16, Vec<Instant>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    clock.sleep_until(at).await;
    let body = format!(r#"{{"prompt":"x","max_tokens":{TOKENS},"stream":true}}"#);
    let head = format!(
        "POST /v1/completions HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let mut received = Vec::new();
    let mut bytes = vec![0; 64 << 10];
    loop {
        let count = stream.read(&mut bytes).await.unwrap();
        let now = Instant::now();
        if count == 0 {
            break;
        }
        // A chunk is written at once, so that none is cut in two here.
        received.extend(std::iter::repeat_n(now, chunks(&bytes[..count])));
    }
    (stream.local_addr().unwrap().port(), received)
}

fn measure(streams: u32) -> [Vec<Duration>; 2] {
    let (ready, address) = mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let server = thread::spawn(move || serve(&ready, stopped));
    let (port, origin) = address.recv().unwrap();
    let received = on_real_time(async |clock| {
        let mut clients = JoinSet::new();
        for number in 0..streams {
            let at = clock
                .now()
                .after(Duration::from_millis(100) + ITL * number / streams);
            clients.spawn(listen(port, clock.clone(), at));
        }
        clients.join_all().await
    })
    .unwrap();
    stop.send(()).unwrap();
    let seen = server.join().unwrap();
    let mut errors = [Vec::new(), Vec::new()];
    for (port, received) in received {
        let seen = seen.iter().find(|seen| seen.port == port).unwrap();
        assert_eq!(
            (seen.written.len(), received.len()),
            (TOKENS as usize, TOKENS as usize)
        );
        for (number, (written, received)) in (0..).zip(seen.written.iter().zip(received)) {
            let due = seen.arrival.after(TTFT + ITL * number);
            errors[0].push(*written - due);
            errors[1].push(received - (origin + (due - Nanos(0))));
        }
    }
    errors
}

fn main() {
    println!(
        "{:>10} {:>9} {:>10} {:>10} {:>10} {:>8}",
        "chunks/s", "", "p50", "p99", "max", "> 1 ms"
    );
    for streams in [10, 100] {
        let errors = measure(streams);
        for (what, mut errors) in ["written", "received"].into_iter().zip(errors) {
            errors.sort_unstable();
            let at = |share: f64| errors[((errors.len() - 1) as f64 * share).round() as usize];
            let micros = |time: Duration| format!("{:.0} µs", time.as_secs_f64() * 1e6);
            let late = errors.iter().filter(|error| error.as_millis() >= 1).count();
            println!(
                "{:>10} {what:>9} {:>10} {:>10} {:>10} {:>7.2}%",
                streams * 100,
                micros(at(0.5)),
                micros(at(0.99)),
                micros(at(1.0)),
                100.0 * late as f64 / errors.len() as f64,
            );
        }
    }
}
