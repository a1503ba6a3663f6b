//! The physical limit: a client that sends prepared bytes at their times, reads, stamps and counts
//! events, and does nothing else.

use crate::{
    machine::{Fallible, now},
    points::{self, SEED},
    trace::{self, Trace},
};
use goodput::{
    backend::{self, WireOptions},
    plan::{Arrivals, PlanSpec},
    tokenizer::Tokenizer,
};
use memchr::memmem::Finder;
use nix::sys::{
    epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};
use std::{
    io::{BufWriter, ErrorKind, Read, Write},
    net::TcpStream,
    path::Path,
};

const TIMER: u64 = u64::MAX;
const EVENT: &[u8] = b"data: {";
const END: &[u8] = b"\r\n0\r\n\r\n";
/// What of a read is looked at again with the next, so that nothing is lost between the two.
const OVERLAP: usize = EVENT.len() - 1;

struct Planned {
    at: u64,
    bytes: Vec<u8>,
    tokens: usize,
}

struct Connection {
    socket: TcpStream,
    request: usize,
    written: usize,
    tail: Vec<u8>,
}

struct Bare {
    port: u16,
    epoll: Epoll,
    timer: TimerFd,
    requests: Vec<Planned>,
    traces: Vec<Trace>,
    connections: Vec<Connection>,
    idle: Vec<usize>,
    done: usize,
    scratch: Vec<u8>,
    event: Finder<'static>,
}

/// Sends the requests of a dataset to a port of this machine and writes what it saw to a file.
pub(crate) fn run(
    port: u16,
    dataset: &Path,
    requests: usize,
    rate: f64,
    to: &Path,
) -> Fallible<()> {
    let plan = goodput::plan::build(&PlanSpec {
        dataset: &points::dataset(dataset),
        arrivals: &Arrivals {
            rate,
            burstiness: 1.0,
            ramp: None,
            max_concurrency: None,
        },
        duration: None,
        requests,
        seed: SEED,
        tokenizer: &Tokenizer::none(),
        takes: &[goodput::plan::Shape::Tokens],
        request_id_prefix: crate::client::ID_PREFIX,
        unwanted: None,
    })?;
    let backend = backend::by_name("vllm").ok_or("no backend vllm")?;
    let options = WireOptions {
        model: "truth".to_owned(),
        stream: true,
        ..WireOptions::default()
    };
    let mut traces = Vec::new();
    let mut planned = Vec::new();
    for request in plan.requests {
        let body = backend.encode(&request, &options).ok_or("no text")?;
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n\
             x-request-id: {}\r\ncontent-length: {}\r\n\r\n",
            backend.endpoint(true),
            request.id,
            body.len()
        );
        let tokens = usize::try_from(request.output_tokens)?;
        planned.push(Planned {
            at: request.at.0,
            bytes: [head.as_bytes(), &body].concat(),
            tokens,
        });
        traces.push(Trace {
            id: request.id,
            start: 0,
            tokens: Vec::with_capacity(tokens + 1),
        });
    }
    let mut bare = Bare {
        port,
        epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
        timer: TimerFd::new(
            ClockId::CLOCK_MONOTONIC,
            TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC,
        )?,
        requests: planned,
        traces,
        connections: Vec::new(),
        idle: Vec::new(),
        done: 0,
        scratch: vec![0; 64 * 1024],
        event: Finder::new(EVENT),
    };
    bare.drive()?;
    let mut file = BufWriter::new(std::fs::File::create(to)?);
    trace::write_all(&bare.traces, &mut file)?;
    Ok(file.flush()?)
}

impl Bare {
    fn drive(&mut self) -> Fallible<()> {
        let timer = EpollEvent::new(EpollFlags::EPOLLIN, TIMER);
        self.epoll.add(&self.timer, timer)?;
        let mut events = vec![EpollEvent::empty(); 256];
        let start = now()?;
        let mut next = 0;
        while self.done < self.requests.len() {
            while next < self.requests.len() && start + self.requests[next].at <= now()? {
                self.send(next)?;
                next += 1;
            }
            if let Some(request) = self.requests.get(next) {
                let at = start + request.at;
                let at = TimeSpec::new(
                    i64::try_from(at / 1_000_000_000)?,
                    i64::try_from(at % 1_000_000_000)?,
                );
                let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME;
                self.timer.set(Expiration::OneShot(at), flags)?;
            }
            let ready = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(ready) => ready,
                Err(nix::Error::EINTR) => 0,
                Err(error) => return Err(error.into()),
            };
            for event in &events[..ready] {
                if event.data() == TIMER {
                    match self.timer.wait() {
                        // It was armed anew since it fired.
                        Ok(()) | Err(nix::Error::EAGAIN) => continue,
                        Err(error) => return Err(error.into()),
                    }
                }
                let place = usize::try_from(event.data())?;
                if event.events().contains(EpollFlags::EPOLLOUT) {
                    self.write(place)?;
                }
                if event
                    .events()
                    .intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP)
                {
                    self.read(place)?;
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, request: usize) -> Fallible<()> {
        self.traces[request].start = now()?;
        let place = match self.idle.pop() {
            Some(place) => place,
            None => {
                let socket = TcpStream::connect(("127.0.0.1", self.port))?;
                socket.set_nonblocking(true)?;
                socket.set_nodelay(true)?;
                let place = self.connections.len();
                let interest = EpollEvent::new(EpollFlags::EPOLLIN, place as u64);
                self.epoll.add(&socket, interest)?;
                self.connections.push(Connection {
                    socket,
                    request,
                    written: 0,
                    tail: Vec::new(),
                });
                place
            }
        };
        let connection = &mut self.connections[place];
        connection.request = request;
        connection.written = 0;
        connection.tail.clear();
        self.write(place)
    }

    fn write(&mut self, place: usize) -> Fallible<()> {
        let connection = &mut self.connections[place];
        let bytes = &self.requests[connection.request].bytes;
        let was_waiting = connection.written > 0;
        match connection.socket.write(&bytes[connection.written..]) {
            Ok(taken) => connection.written += taken,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        let complete = connection.written == bytes.len();
        if complete && !was_waiting {
            return Ok(());
        }
        let interest = if complete {
            EpollFlags::EPOLLIN
        } else {
            EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT
        };
        let mut interest = EpollEvent::new(interest, place as u64);
        Ok(self.epoll.modify(&connection.socket, &mut interest)?)
    }

    fn read(&mut self, place: usize) -> Fallible<()> {
        let connection = &mut self.connections[place];
        let seen = connection.tail.len();
        self.scratch[..seen].copy_from_slice(&connection.tail);
        let read = match connection.socket.read(&mut self.scratch[seen..]) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let at = now()?;
        if read == 0 {
            return Err("the server hung up".into());
        }
        let bytes = &self.scratch[..seen + read];
        let trace = &mut self.traces[connection.request];
        let events = self.event.find_iter(bytes).count();
        trace.tokens.extend(std::iter::repeat_n(at, events));
        if bytes.ends_with(END) {
            // The event after the last token is the usage.
            trace
                .tokens
                .truncate(self.requests[connection.request].tokens);
            connection.tail.clear();
            self.idle.push(place);
            self.done += 1;
        } else {
            connection.tail.clear();
            connection
                .tail
                .extend_from_slice(&bytes[bytes.len().saturating_sub(OVERLAP)..]);
        }
        Ok(())
    }
}
