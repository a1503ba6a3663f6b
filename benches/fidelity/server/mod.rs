//! The truth server: one thread that sends token *k* of a request at `arrival + ttft + k · itl` and
//! logs when it did.

mod connection;
mod http;
mod process;
mod wire;

pub(crate) use process::Server;

use crate::{
    machine::{self, Fallible, now},
    trace::{self, Trace},
};
use connection::{Connection, Received, Stream};
use http::Request;
use nix::sys::{
    epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
    socket::{
        AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, listen, socket, sockopt,
    },
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io::{ErrorKind, Write},
    net::TcpListener,
    os::fd::{AsFd, AsRawFd},
};
use wire::{Answer, HEAD};

/// Below this distance to the next token the server spins instead of sleeping.
const SPIN: u64 = 100_000;
/// Tokens written in a row before requests are looked for.
const BATCH: usize = 16;

const LISTENER: u64 = u64::MAX;
const TIMER: u64 = u64::MAX - 1;
const PARENT: u64 = u64::MAX - 2;

/// The latencies that a server gives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// From the arrival of a request to its first token, in nanoseconds.
    pub(crate) ttft: u64,
    /// Between two tokens, in nanoseconds.
    pub(crate) itl: u64,
}

struct Truth {
    pace: Pace,
    epoll: Epoll,
    timer: TimerFd,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    /// When each stream's next token is due, and on which connection.
    due: BinaryHeap<Reverse<(u64, usize)>>,
    log: Vec<Trace>,
    scratch: Vec<u8>,
}

/// Serves on a port of the system's choice, which is the first line on stdout, until stdin ends;
/// then the log follows on stdout.
pub(crate) fn serve(pace: Pace, core: usize) -> Fallible<()> {
    machine::pin_to(&[core])?;
    machine::take_precedence();
    machine::raise_descriptor_limit()?;
    let listener = listener()?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", listener.local_addr()?.port())?;
    stdout.flush()?;
    let log = Truth::new(pace)?.serve(&listener)?;
    let mut to = std::io::BufWriter::new(stdout);
    trace::write_all(&log, &mut to)?;
    Ok(to.flush()?)
}

/// The standard library's backlog of 128 loses connections of a burst for a second.
fn listener() -> Fallible<TcpListener> {
    let fd = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        None,
    )?;
    nix::sys::socket::setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    bind(fd.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0))?;
    listen(&fd, Backlog::MAXCONN)?;
    Ok(fd.into())
}

impl Truth {
    fn new(pace: Pace) -> Fallible<Self> {
        Ok(Truth {
            pace,
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            timer: TimerFd::new(
                ClockId::CLOCK_MONOTONIC,
                TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC,
            )?,
            connections: Vec::new(),
            free: Vec::new(),
            due: BinaryHeap::new(),
            log: Vec::new(),
            scratch: vec![0; 64 * 1024],
        })
    }

    fn serve(mut self, listener: &TcpListener) -> Fallible<Vec<Trace>> {
        let stdin = std::io::stdin();
        self.listen_to(listener, LISTENER)?;
        self.listen_to(&stdin, PARENT)?;
        let timer = EpollEvent::new(EpollFlags::EPOLLIN, TIMER);
        self.epoll.add(&self.timer, timer)?;
        let mut events = vec![EpollEvent::empty(); 64];
        loop {
            self.send_due()?;
            let timeout = self.timeout()?;
            let ready = match self.epoll.wait(&mut events, timeout) {
                Ok(ready) => ready,
                Err(nix::Error::EINTR) => 0,
                Err(error) => return Err(error.into()),
            };
            for event in &events[..ready] {
                match event.data() {
                    LISTENER => self.accept(listener)?,
                    TIMER => match self.timer.wait() {
                        // It was armed anew since it fired.
                        Ok(()) | Err(nix::Error::EAGAIN) => {}
                        Err(error) => return Err(error.into()),
                    },
                    PARENT => return Ok(self.log),
                    place => self.serve_connection(usize::try_from(place)?, event.events())?,
                }
            }
        }
    }

    fn listen_to(&self, what: impl AsFd, place: u64) -> Fallible<()> {
        Ok(self
            .epoll
            .add(what, EpollEvent::new(EpollFlags::EPOLLIN, place))?)
    }

    /// Writes tokens whose time has come, a batch at most.
    fn send_due(&mut self) -> Fallible<()> {
        for _ in 0..BATCH {
            match self.due.peek() {
                Some(&Reverse((at, place))) if at <= now()? => {
                    self.due.pop();
                    self.send_token(place)?;
                }
                _ => break,
            }
        }
        Ok(())
    }

    fn send_token(&mut self, place: usize) -> Fallible<()> {
        // A connection that closed before its answer was complete.
        let Some(connection) = &mut self.connections[place] else {
            return Ok(());
        };
        let all_taken = connection.write_token();
        let written = now()?;
        match all_taken {
            Ok(true) => {}
            Ok(false) => self.wait_for_room(place)?,
            Err(_) => return self.close(place),
        }
        let Some(connection) = &mut self.connections[place] else {
            return Ok(());
        };
        if let Some(stream) = &mut connection.stream {
            self.log[stream.log].tokens.push(written);
            stream.sent += 1;
            if stream.sent == stream.tokens {
                connection.stream = None;
            } else {
                let next = stream.arrival + self.pace.ttft + stream.sent as u64 * self.pace.itl;
                self.due.push(Reverse((next, place)));
            }
        }
        Ok(())
    }

    /// How long may be slept: not at all shortly before a token.
    fn timeout(&mut self) -> Fallible<EpollTimeout> {
        let Some(&Reverse((at, _))) = self.due.peek() else {
            return Ok(EpollTimeout::NONE);
        };
        let wake = at.saturating_sub(SPIN);
        if wake <= now()? {
            return Ok(EpollTimeout::ZERO);
        }
        let wake = TimeSpec::new(
            i64::try_from(wake / 1_000_000_000)?,
            i64::try_from(wake % 1_000_000_000)?,
        );
        let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME;
        self.timer.set(Expiration::OneShot(wake), flags)?;
        Ok(EpollTimeout::NONE)
    }

    fn accept(&mut self, listener: &TcpListener) -> Fallible<()> {
        for _ in 0..BATCH {
            let socket = match listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            };
            let place = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            let connection = Connection::new(socket)?;
            self.listen_to(&connection.socket, place as u64)?;
            self.connections[place] = Some(connection);
        }
        Ok(())
    }

    fn serve_connection(&mut self, place: usize, ready: EpollFlags) -> Fallible<()> {
        let Some(connection) = &mut self.connections[place] else {
            return Ok(());
        };
        if ready.contains(EpollFlags::EPOLLOUT) {
            match connection.flush() {
                Ok(true) => {
                    let mut interest = EpollEvent::new(EpollFlags::EPOLLIN, place as u64);
                    self.epoll.modify(&connection.socket, &mut interest)?;
                }
                Ok(false) => {}
                Err(_) => return self.close(place),
            }
        }
        if !ready.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
            return Ok(());
        }
        match connection.receive(&mut self.scratch)? {
            Received::Part => Ok(()),
            Received::End => self.close(place),
            Received::Request(request, arrival) => self.answer(place, &request, arrival),
        }
    }

    fn answer(&mut self, place: usize, request: &Request, arrival: u64) -> Fallible<()> {
        let Some(connection) = &mut self.connections[place] else {
            return Ok(());
        };
        let chat = request.path.ends_with("/chat/completions");
        let id = match request.id.as_str() {
            // Some clients tell the answers' own.
            "" => format!("s-{}", self.log.len()),
            id => id.to_owned(),
        };
        let all_taken = if chat || request.path.ends_with("/completions") {
            let tokens = request.max_tokens.unwrap_or(16).max(1);
            connection.stream = Some(Stream {
                log: self.log.len(),
                answer: Answer::new(&id, chat, tokens),
                arrival,
                sent: 0,
                tokens,
            });
            self.log.push(Trace {
                id,
                start: arrival,
                tokens: Vec::with_capacity(tokens),
            });
            self.due.push(Reverse((arrival + self.pace.ttft, place)));
            connection.write(HEAD)
        } else {
            connection.write(&wire::plain(&request.path))
        };
        match all_taken {
            Ok(true) => Ok(()),
            Ok(false) => self.wait_for_room(place),
            Err(_) => self.close(place),
        }
    }

    fn wait_for_room(&self, place: usize) -> Fallible<()> {
        if let Some(connection) = &self.connections[place] {
            let interest = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT;
            let mut interest = EpollEvent::new(interest, place as u64);
            self.epoll.modify(&connection.socket, &mut interest)?;
        }
        Ok(())
    }

    /// Lets a connection go. Its place is only used again if none of its tokens is still to come.
    fn close(&mut self, place: usize) -> Fallible<()> {
        if let Some(connection) = self.connections[place].take() {
            self.epoll.delete(&connection.socket)?;
            if connection.stream.is_none() {
                self.free.push(place);
            }
        }
        Ok(())
    }
}
