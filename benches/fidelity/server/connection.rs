//! One accepted connection: reads with the kernel's receive time, writes that never wait.

use super::{
    http::{Incoming, Request},
    wire::Answer,
};
use crate::machine::{Fallible, monotonic_of_wall, now};
use nix::{
    cmsg_space,
    sys::{
        socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt},
        time::TimeSpec,
    },
};
use std::{
    collections::VecDeque,
    io::{ErrorKind, IoSliceMut, Write},
    net::TcpStream,
    os::fd::AsRawFd,
};

pub(super) struct Connection {
    pub(super) socket: TcpStream,
    incoming: Incoming,
    pub(super) stream: Option<Stream>,
    /// What the socket did not take: the client does not read.
    backlog: VecDeque<u8>,
}

/// An answer under way.
pub(super) struct Stream {
    /// Its place in the log.
    pub(super) log: usize,
    pub(super) answer: Answer,
    pub(super) arrival: u64,
    pub(super) sent: usize,
    pub(super) tokens: usize,
}

/// What a read brought.
pub(super) enum Received {
    Part,
    /// A request, and when its last byte had arrived.
    Request(Request, u64),
    End,
}

impl Connection {
    pub(super) fn new(socket: TcpStream) -> Fallible<Self> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        Ok(Connection {
            socket,
            incoming: Incoming::default(),
            stream: None,
            backlog: VecDeque::new(),
        })
    }

    pub(super) fn receive(&mut self, scratch: &mut [u8]) -> Fallible<Received> {
        let mut control = cmsg_space!(TimeSpec);
        let (length, stamp) = {
            let mut parts = [IoSliceMut::new(scratch)];
            let message = recvmsg::<()>(
                self.socket.as_raw_fd(),
                &mut parts,
                Some(&mut control),
                MsgFlags::MSG_DONTWAIT,
            );
            let message = match message {
                Ok(message) => message,
                Err(nix::Error::EAGAIN) => return Ok(Received::Part),
                Err(nix::Error::ECONNRESET) => return Ok(Received::End),
                Err(error) => return Err(error.into()),
            };
            let stamp = message.cmsgs()?.find_map(|control| match control {
                ControlMessageOwned::ScmTimestampns(stamp) => Some(stamp),
                _ => None,
            });
            (message.bytes, stamp)
        };
        if length == 0 {
            return Ok(Received::End);
        }
        let Some(request) = self.incoming.feed(&scratch[..length])? else {
            return Ok(Received::Part);
        };
        let arrival = match stamp {
            Some(stamp) => monotonic_of_wall(
                u64::try_from(stamp.tv_sec())? * 1_000_000_000 + u64::try_from(stamp.tv_nsec())?,
            )?,
            None => now()?,
        };
        Ok(Received::Request(request, arrival))
    }

    /// Writes now what the socket takes and keeps the rest. `Ok(false)`: something is kept.
    pub(super) fn write(&mut self, bytes: &[u8]) -> std::io::Result<bool> {
        if !self.backlog.is_empty() {
            self.backlog.extend(bytes);
            return Ok(false);
        }
        let taken = match self.socket.write(bytes) {
            Ok(taken) => taken,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        self.backlog.extend(&bytes[taken..]);
        Ok(self.backlog.is_empty())
    }

    /// Writes the token whose turn it is.
    pub(super) fn write_token(&mut self) -> std::io::Result<bool> {
        let Some(stream) = self.stream.take() else {
            return Ok(true);
        };
        let written = self.write(stream.answer.write(stream.sent, stream.tokens));
        self.stream = Some(stream);
        written
    }

    /// Tries again what is kept. `Ok(true)`: nothing is kept any more.
    pub(super) fn flush(&mut self) -> std::io::Result<bool> {
        let kept: Vec<u8> = self.backlog.drain(..).collect();
        self.write(&kept)
    }
}
