//! Local addresses that connections leave from.
//!
//! A local address has about 28,000 ports for each destination. Several local addresses have that many each.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::net::{TcpSocket, TcpStream};

/// Local addresses, which take turns. Without any the system chooses.
#[derive(Debug, Clone, Default)]
pub struct LocalAddresses {
    all: Arc<[IpAddr]>,
    next: Arc<AtomicUsize>,
}

impl LocalAddresses {
    /// Connections leave from these addresses in turn.
    pub fn new(all: &[IpAddr]) -> Self {
        LocalAddresses {
            all: all.into(),
            next: Arc::default(),
        }
    }

    /// Number of local addresses that can reach this remote address; `None` if the system chooses.
    pub(crate) fn count_for(&self, remote: SocketAddr) -> Option<usize> {
        let count = || self.of_family(remote).count();
        (!self.all.is_empty()).then(count)
    }

    /// The addresses that are not of this machine, each with the system's error.
    pub(crate) fn foreign(&self) -> Vec<(IpAddr, io::Error)> {
        let foreign = |address: &IpAddr| Some((*address, UdpSocket::bind((*address, 0)).err()?));
        self.all.iter().filter_map(foreign).collect()
    }

    /// Connects from the next address.
    ///
    /// # Errors
    /// The connection fails, or no local address can reach this remote address.
    pub(super) async fn connect(&self, remote: SocketAddr) -> io::Result<TcpStream> {
        if self.all.is_empty() {
            return TcpStream::connect(remote).await;
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let usable: Vec<IpAddr> = self.of_family(remote).collect();
        let local = usable.get(turn % usable.len().max(1)).ok_or_else(|| {
            let why = format!("no local address can reach {remote}");
            io::Error::new(io::ErrorKind::AddrNotAvailable, why)
        })?;
        let socket = match remote {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        share_ports(&socket)?;
        socket.bind(SocketAddr::new(*local, 0))?;
        socket.connect(remote).await
    }

    fn of_family(&self, remote: SocketAddr) -> impl Iterator<Item = IpAddr> {
        let same = move |local: &IpAddr| local.is_ipv4() == remote.is_ipv4();
        self.all.iter().copied().filter(same)
    }
}

/// Lets the system choose the port when the socket connects. Chosen by `bind`, a port would serve one destination only.
#[cfg(target_os = "linux")]
fn share_ports(socket: &TcpSocket) -> io::Result<()> {
    use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
    Ok(setsockopt(socket, IpBindAddressNoPort, &true)?)
}

#[cfg(not(target_os = "linux"))]
fn share_ports(_: &TcpSocket) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::clock::on_real_time;
    use rstest::rstest;
    use std::{collections::BTreeSet, net::TcpListener};

    #[test]
    fn connections_take_turns() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let remote = server.local_addr().unwrap();
        let all = ["127.0.0.2", "::1", "127.0.0.3"].map(|text| text.parse().unwrap());
        let local = LocalAddresses::new(&all);
        assert_eq!(local.count_for(remote), Some(2));
        let from = on_real_time(async |_| {
            let mut from = Vec::new();
            for _ in 0..3 {
                let connected = local.connect(remote).await.unwrap();
                from.push(connected.local_addr().unwrap().ip().to_string());
            }
            from
        });
        assert_eq!(from.unwrap(), ["127.0.0.2", "127.0.0.3", "127.0.0.2"]);
    }

    /// The port is chosen with the destination, so that each destination has all of them.
    #[rstest]
    #[case("127.0.0.4:0")]
    #[case("[::1]:0")]
    fn an_address_is_bound_without_a_port(#[case] local: SocketAddr) {
        let socket = match local {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        };
        let socket = socket.unwrap();
        share_ports(&socket).unwrap();
        socket.bind(local).unwrap();
        assert_eq!(socket.local_addr().unwrap().port(), 0);
    }

    #[test]
    fn what_is_elsewhere_is_named() {
        // TEST-NET-1 of RFC 5737 is on no machine.
        let all = ["127.0.0.1", "192.0.2.1"].map(|text| text.parse().unwrap());
        let foreign = LocalAddresses::new(&all).foreign();
        let foreign: BTreeSet<String> = foreign.iter().map(|(at, _)| at.to_string()).collect();
        assert_eq!(foreign, BTreeSet::from(["192.0.2.1".to_owned()]));
    }

    #[test]
    fn another_family_cannot_reach() {
        let local = LocalAddresses::new(&["::1".parse().unwrap()]);
        let remote: SocketAddr = "127.0.0.1:9".parse().unwrap();
        let error = on_real_time(async |_| local.connect(remote).await.unwrap_err());
        assert!(error.unwrap().to_string().contains("127.0.0.1:9"));
    }
}
