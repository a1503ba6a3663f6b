//! Where the page is served.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};

/// An address to serve the page at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bind {
    socket: SocketAddr,
    /// The name that the user gave, if it was one.
    name: Option<String>,
}

impl Default for Bind {
    /// Any free port of this machine.
    fn default() -> Self {
        Bind {
            socket: (Ipv4Addr::LOCALHOST, 0).into(),
            name: None,
        }
    }
}

impl Bind {
    /// Reads `HOST:PORT`, `HOST` or `:PORT`. A missing port is any free one, a missing host this machine.
    ///
    /// # Errors
    /// The text is not an address, or its name is not known.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "is not an address. Write HOST:PORT, such as 127.0.0.1:8090".to_owned();
        if let Ok(socket) = text.parse() {
            return Ok(Bind { socket, name: None });
        }
        if let Ok(host) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
            let socket = (host, 0).into();
            return Ok(Bind { socket, name: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| wrong())?),
            None => (text, 0),
        };
        if host.is_empty() && text.contains(':') {
            let socket = (Ipv4Addr::LOCALHOST, port).into();
            return Ok(Bind { socket, name: None });
        }
        if host.is_empty() || host.contains(['/', ':', ' ']) {
            return Err(wrong());
        }
        let mut found = (host, port)
            .to_socket_addrs()
            .map_err(|e| format!("is not an address of this machine: {e}"))?;
        let socket = found.next().ok_or_else(wrong)?;
        let name = Some(host.to_ascii_lowercase());
        Ok(Bind { socket, name })
    }

    pub(super) fn socket(&self) -> SocketAddr {
        self.socket
    }

    /// Names in `Host` that are not addresses.
    pub(super) fn names(&self) -> Vec<String> {
        let own = self.name.clone();
        ["localhost".to_owned()].into_iter().chain(own).collect()
    }

    /// Whether other machines may reach it.
    pub(crate) fn is_open(&self) -> bool {
        !self.socket.ip().is_loopback()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("127.0.0.1:8090", "127.0.0.1:8090", false)]
    #[case("127.0.0.1", "127.0.0.1:0", false)]
    #[case(":8090", "127.0.0.1:8090", false)]
    #[case("[::1]:80", "[::1]:80", false)]
    #[case("::1", "[::1]:0", false)]
    #[case("[::1]", "[::1]:0", false)]
    #[case("0.0.0.0:80", "0.0.0.0:80", true)]
    #[case("192.168.0.7", "192.168.0.7:0", true)]
    fn addresses(#[case] text: &str, #[case] socket: &str, #[case] open: bool) {
        let bind = Bind::parse(text).unwrap();
        assert_eq!(
            (bind.socket().to_string().as_str(), bind.is_open()),
            (socket, open)
        );
        assert_eq!(bind.names(), ["localhost"]);
    }

    #[test]
    fn a_name_is_answered_to() {
        let bind = Bind::parse("LOCALHOST:80").unwrap();
        assert!(!bind.is_open());
        assert_eq!(bind.names(), ["localhost", "localhost"]);
    }

    #[rstest]
    #[case("")]
    #[case("http://127.0.0.1:80")]
    #[case("127.0.0.1:http")]
    #[case("127.0.0.1:99999")]
    fn what_is_not_an_address_is_refused(#[case] text: &str) {
        let why = Bind::parse(text).unwrap_err();
        assert!(why.starts_with("is not an address"), "{why}");
    }
}
