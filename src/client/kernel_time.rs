//! TCP reads with the time at which the kernel received the bytes.
//!
//! With these times a client that is scheduled late does not make the server look slow. Kernel times are of
//! the system's clock, which may be set at any moment. So the client takes only an age from them: how long
//! before the read the bytes had arrived, by that same clock. The time of the read is the run's.

use super::arrivals::{Reads, Taken, Waited};
use crate::clock::{Clock, Nanos};
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
    io::{self, IoSliceMut, Write},
    net::Ipv4Addr,
    os::fd::{AsRawFd, RawFd},
    task::{Context, Poll, ready},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{Interest, ReadBuf},
    net::TcpStream,
};

/// Two clocks count as read at once if no more than this passes between them.
const AT_ONCE: Duration = Duration::from_micros(20);

/// Maximum number of attempts to do so.
const READINGS: usize = 8;

thread_local! {
    /// Buffer for the kernel's control messages.
    static CONTROL: RefCell<Vec<u8>> = RefCell::new(cmsg_space!(TimeSpec));
}

/// Enables kernel times for a connection. Returns whether the kernel agrees.
pub(super) fn ask(stream: &TcpStream) -> bool {
    setsockopt(stream, ReceiveTimestampns, &true).is_ok()
}

/// Number of checks whether the kernel already stamps, and the pause between them.
const ATTEMPTS: usize = 20;
const PATIENCE: Duration = Duration::from_millis(1);

/// A connection of this process with itself that has kernel times enabled. The kernel stamps data only
/// while some socket asks for it, and starts some time after the first socket did: earlier data has no
/// time.
pub(super) struct Stamping {
    _ends: [std::net::TcpStream; 2],
}

impl Stamping {
    /// Enables kernel times and waits for the first stamp. `None` if there will be none.
    pub(super) fn start() -> Option<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
        let mut here = std::net::TcpStream::connect(listener.local_addr().ok()?).ok()?;
        let (there, _) = listener.accept().ok()?;
        setsockopt(&there, ReceiveTimestampns, &true).ok()?;
        for _ in 0..ATTEMPTS {
            here.write_all(&[0]).ok()?;
            // On loopback, written data is there at once.
            if matches!(take(there.as_raw_fd(), &mut [0]), Ok((_, Some(_)))) {
                break;
            }
            thread::sleep(PATIENCE);
        }
        Some(Stamping {
            _ends: [here, there],
        })
    }
}

/// Reads from a connection with kernel times.
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
            let before = reads.clock().now();
            let (bytes, stamp) = take(stream.as_raw_fd(), buf.initialize_unfilled())?;
            let (now, waited) = age(stamp, reads.clock());
            let emptied = (bytes < room).then_some(before);
            taken = Some((
                bytes,
                Taken {
                    now,
                    waited,
                    emptied,
                },
            ));
            // Later data wakes the task again, so no read is needed to find the socket empty.
            if bytes > 0 && bytes < room {
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

/// Reads bytes from a socket, and when the kernel received the last of them, by the system's clock.
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
        Ok((message.bytes, stamp))
    })
}

/// The current time, and how long before it the stamp was.
///
/// Both clocks must be read at once. The system may suspend the thread between two readings, so they are
/// repeated until little time has passed between them.
fn age(stamp: Option<Duration>, clock: &Clock) -> (Nanos, Waited) {
    let Some(stamp) = stamp else {
        return (clock.now(), Waited::Untold);
    };
    let mut before = clock.now();
    for _ in 0..READINGS {
        let system = SystemTime::now().duration_since(UNIX_EPOCH);
        let after = clock.now();
        if after - before < AT_ONCE {
            let age = system.ok().and_then(|system| system.checked_sub(stamp));
            return (after, age.map_or(Waited::Never, Waited::For));
        }
        before = after;
    }
    (before, Waited::Untold)
}
