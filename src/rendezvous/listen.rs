//! Where shard 0 listens.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};
use tokio::net::{TcpListener, lookup_host};

/// Listens at `HOST:PORT`.
pub(super) async fn listen(place: &str) -> io::Result<TcpListener> {
    let found: Vec<SocketAddr> = lookup_host(place).await?.collect();
    TcpListener::bind(addresses(place, found).as_slice()).await
}

/// A machine's own name often leads to its loopback, where no other machine reaches it: then shard 0 listens at all addresses.
fn addresses(place: &str, found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
    let is_name = host != "localhost" && host.trim_matches(['[', ']']).parse::<IpAddr>().is_err();
    match found.first() {
        Some(first) if is_name && found.iter().any(|found| found.ip().is_loopback()) => {
            vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, first.port()))]
        }
        _ => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::own_name_of_debian("node1:7000", &["127.0.1.1:7000"], "0.0.0.0:7000")]
    #[case::name("node1:7000", &["10.0.0.1:7000"], "10.0.0.1:7000")]
    #[case::name_of_both("node1:7000", &["127.0.1.1:7000", "10.0.0.1:7000"], "0.0.0.0:7000")]
    #[case::localhost("localhost:7000", &["127.0.0.1:7000"], "127.0.0.1:7000")]
    #[case::address("127.0.0.1:7000", &["127.0.0.1:7000"], "127.0.0.1:7000")]
    #[case::address_6("[::1]:7000", &["[::1]:7000"], "[::1]:7000")]
    fn a_name_of_the_loopback_means_all_addresses(
        #[case] place: &str,
        #[case] found: &[&str],
        #[case] listens: &str,
    ) {
        let found = found.iter().map(|found| found.parse().unwrap());
        let at = addresses(place, found.collect());
        let at: Vec<String> = at.iter().map(SocketAddr::to_string).collect();
        assert_eq!(at.join(" "), listens);
    }
}
