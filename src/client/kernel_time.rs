//! TCP reads that carry the time at which the kernel received the bytes.
//!
//! A client that is scheduled late then does not make the server look slow. The kernel's times are of
//! the system's clock, which may be set at any moment. So only an age is taken from them: how long
//! before the read the bytes had arrived, by that same clock. The time of the read is the run's.

use super::arrivals::{Reads, Taken};
use nix::{
    cmsg_space,
    errno::Errno,
    sys::{
        socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt::ReceiveTimestampns},
        time::TimeSpec,
    },
};
use std::{
    cell::RefCell,
    io::{self, IoSliceMut},
    os::fd::{AsRawFd, RawFd},
    task::{Context, Poll, ready},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{Interest, ReadBuf},
    net::TcpStream,
};

thread_local! {
    /// What the kernel says beside the data.
    static CONTROL: RefCell<Vec<u8>> = RefCell::new(cmsg_space!(TimeSpec));
}

/// Asks for the times of a connection. Whether the kernel agrees.
pub(super) fn ask(stream: &TcpStream) -> bool {
    setsockopt(stream, ReceiveTimestampns, &true).is_ok()
}

/// Reads from a connection that was asked for its times.
pub(super) fn receive(
    stream: &mut TcpStream,
    cx: &mut Context<'_>,
    buf: &mut ReadBuf<'_>,
    reads: &Reads,
) -> Poll<io::Result<()>> {
    let room = buf.remaining();
    loop {
        ready!(stream.poll_read_ready(cx))?;
        let mut taken = None;
        let tried = stream.try_io(Interest::READABLE, || {
            let (bytes, waited) = take(stream.as_raw_fd(), buf.initialize_unfilled())?;
            let emptied = bytes < room;
            taken = Some((bytes, Taken { waited, emptied }));
            // What comes later is announced anew, so that nothing need be read in vain to find the
            // socket empty.
            if emptied && bytes > 0 {
                Err(io::ErrorKind::WouldBlock.into())
            } else {
                Ok(())
            }
        });
        match (taken, tried) {
            // The end of the stream has no time of its own.
            (Some((0, _)), _) => reads.now(),
            (Some((bytes, taken)), _) => {
                buf.advance(bytes);
                reads.by_kernel(taken);
            }
            (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => {
                return Poll::Ready(Err(error));
            }
            (None, _) => continue,
        }
        return Poll::Ready(Ok(()));
    }
}

/// Bytes from a socket, and how long the last of them had been in the kernel.
fn take(socket: RawFd, data: &mut [u8]) -> io::Result<(usize, Option<Duration>)> {
    CONTROL.with_borrow_mut(|control| {
        let mut parts = [IoSliceMut::new(data)];
        let message = loop {
            match recvmsg::<()>(socket, &mut parts, Some(control), MsgFlags::MSG_DONTWAIT) {
                Err(Errno::EINTR) => {}
                received => break received?,
            }
        };
        let stamp = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::ScmTimestampns(stamp) => Some(Duration::from(stamp)),
            _ => None,
        });
        let waited = stamp.and_then(|stamp| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
            now.checked_sub(stamp)
        });
        Ok((message.bytes, waited))
    })
}
