//! Addresses of a host, tried as in RFC 8305 ("happy eyeballs").
//!
//! The client tries one address after the other, each with a short head start, so that an address that
//! never answers costs little. From then on it tries the address that answered first.

use super::local::LocalAddresses;
use crate::clock::Clock;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::{
    io,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tokio::{net::TcpStream, select};

/// Time that an address gets alone before the client tries the next one as well.
const HEAD_START: Duration = Duration::from_millis(250);

/// Addresses of a host's name.
#[derive(Debug)]
pub(super) struct Addresses {
    all: Vec<SocketAddr>,
    /// Place of the address that answered last.
    first: AtomicUsize,
}

impl Addresses {
    /// Keeps the resolver's order, but alternates between the two address families.
    pub(super) fn new(resolved: Vec<SocketAddr>) -> Self {
        let first_is_v6 = resolved.first().is_some_and(SocketAddr::is_ipv6);
        let (ours, others): (Vec<_>, Vec<_>) = resolved
            .into_iter()
            .partition(|address| address.is_ipv6() == first_is_v6);
        let (mut ours, mut others) = (ours.into_iter(), others.into_iter());
        let mut all = Vec::new();
        loop {
            let pair = [ours.next(), others.next()];
            if pair == [None, None] {
                break;
            }
            all.extend(pair.into_iter().flatten());
        }
        Addresses {
            all,
            first: AtomicUsize::new(0),
        }
    }

    /// The address that is tried first.
    pub(super) fn first(&self) -> Option<SocketAddr> {
        self.all.get(self.first.load(Ordering::Relaxed)).copied()
    }

    /// Leaves the addresses that a local address can reach.
    pub(super) fn reachable_from(mut self, local: &LocalAddresses) -> Self {
        self.all
            .retain(|remote| local.count_for(*remote) != Some(0));
        self
    }

    /// Connects to the first address that accepts.
    ///
    /// # Errors
    /// The error of the last address, if all of them fail.
    pub(super) async fn connect(
        &self,
        clock: &Clock,
        local: &LocalAddresses,
    ) -> io::Result<TcpStream> {
        let count = self.all.len();
        if let [only] = self.all[..] {
            return local.connect(only).await;
        }
        let first = self.first.load(Ordering::Relaxed);
        let mut waiting = (0..count).map(|place| (first + place) % count);
        let mut attempts = FuturesUnordered::new();
        let mut last_error = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        loop {
            match waiting.next() {
                Some(place) => {
                    let address = self.all[place];
                    attempts.push(async move { (place, local.connect(address).await) });
                }
                None if attempts.is_empty() => return Err(last_error),
                None => {}
            }
            let patience = clock.sleep_until(clock.now().after(HEAD_START));
            select! {
                biased;
                Some((place, outcome)) = attempts.next() => match outcome {
                    Ok(connected) => {
                        self.first.store(place, Ordering::Relaxed);
                        return Ok(connected);
                    }
                    Err(error) => last_error = error,
                },
                () = patience, if waiting.len() > 0 => {}
            }
        }
    }
}

/// Whether the connection failed because this machine has no descriptor, port or memory left.
pub(super) fn is_of_this_machine(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use nix::errno::Errno;
        let here = [
            Errno::EMFILE,
            Errno::ENFILE,
            Errno::EADDRNOTAVAIL,
            Errno::ENOBUFS,
            Errno::ENOMEM,
        ];
        let errno = error.raw_os_error().map(Errno::from_raw);
        errno.is_some_and(|errno| here.contains(&errno))
    }
    #[cfg(windows)]
    {
        // WSAEMFILE, WSAEADDRNOTAVAIL and WSAENOBUFS (Windows Sockets Error Codes).
        matches!(error.raw_os_error(), Some(10_024 | 10_049 | 10_055))
    }
    #[cfg(not(any(unix, windows)))]
    {
        let _ = error;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::on_real_time;
    use std::net::TcpListener;

    #[test]
    fn families_take_turns() {
        let addresses = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"];
        let resolved = addresses.map(|text| text.parse().unwrap()).to_vec();
        let all: Vec<String> = Addresses::new(resolved)
            .all
            .iter()
            .map(SocketAddr::to_string)
            .collect();
        assert_eq!(
            all,
            ["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "[::3]:1"]
        );
    }

    /// A listener whose queue is full drops what comes, as a firewall does.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_black_hole_costs_a_head_start_once() {
        use nix::sys::socket::{
            AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, listen, socket,
        };
        use std::{os::fd::AsRawFd, time::Instant};

        let hole = socket(
            AddressFamily::Inet,
            SockType::Stream,
            SockFlag::empty(),
            None,
        )
        .unwrap();
        bind(hole.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
        listen(&hole, Backlog::new(0).unwrap()).unwrap();
        let hole = TcpListener::from(hole);
        let dead = hole.local_addr().unwrap();
        // They fill the queue; those that do not fit wait in vain.
        let fill = |_| {
            let patience = Duration::from_millis(20);
            std::net::TcpStream::connect_timeout(&dead, patience).ok()
        };
        let _held: Vec<_> = (0..3).map(fill).collect();
        let alive = TcpListener::bind("127.0.0.2:0").unwrap();
        let addresses = Addresses::new(vec![dead, alive.local_addr().unwrap()]);
        let (first, second) = on_real_time(async |clock| {
            let start = Instant::now();
            let peer = addresses
                .connect(&clock, &LocalAddresses::default())
                .await
                .unwrap()
                .peer_addr()
                .unwrap();
            assert_eq!(peer, alive.local_addr().unwrap());
            let first = start.elapsed();
            let local = LocalAddresses::default();
            addresses.connect(&clock, &local).await.unwrap();
            (first, start.elapsed() - first)
        })
        .unwrap();
        assert!(first >= HEAD_START, "{first:?}");
        assert!(second < HEAD_START, "{second:?}");
    }

    #[test]
    fn the_error_is_that_of_an_address() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = listener.local_addr().unwrap();
        drop(listener);
        let addresses = Addresses::new(vec![closed, closed]);
        let error = on_real_time(async |clock| {
            let local = LocalAddresses::default();
            addresses.connect(&clock, &local).await.unwrap_err()
        });
        assert_eq!(error.unwrap().kind(), io::ErrorKind::ConnectionRefused);
    }
}
