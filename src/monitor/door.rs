//! The door lets in `GET`, and only by a name that no other site can have.

use hyper::{HeaderMap, Method, StatusCode, header::HOST};
use std::net::IpAddr;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Page,
    Style,
    Script,
    Events,
}

/// Lets a request in, or says why not.
///
/// A site that a browser visits may give its own name the address of this machine (DNS rebinding), and read the page as
/// its own. It cannot do that with an address, `localhost`, or the name that the user serves the page at.
///
/// # Errors
/// The status of the refusal.
pub(super) fn asked(
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    names: &[String],
) -> Result<Asked, StatusCode> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        _ => return Err(StatusCode::BAD_REQUEST),
    };
    if !is_ours(host, names) {
        return Err(StatusCode::MISDIRECTED_REQUEST);
    }
    if method != Method::GET {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    match path {
        "/" => Ok(Asked::Page),
        "/style.css" => Ok(Asked::Style),
        "/live.js" => Ok(Asked::Script),
        "/events" => Ok(Asked::Events),
        _ => Err(StatusCode::NOT_FOUND),
    }
}

fn is_ours(host: &str, names: &[String]) -> bool {
    // `[::1]:80`, `::1` without a port is not allowed in `Host`.
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, port)) if is_port(port) => name,
            _ => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if is_port(&format!(":{port}")) => name,
            Some(_) => return false,
            None => host,
        },
    };
    let known = names.iter().any(|known| known.eq_ignore_ascii_case(name));
    known || name.parse::<IpAddr>().is_ok()
}

fn is_port(text: &str) -> bool {
    let number = text.strip_prefix(':').map(str::parse::<u16>);
    text.is_empty() || matches!(number, Some(Ok(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn of(method: &Method, path: &str, hosts: &[&str]) -> Result<Asked, u16> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, host.parse().unwrap());
        }
        let names = ["localhost".to_owned(), "bench.local".to_owned()];
        asked(method, path, &headers, &names).map_err(|status| status.as_u16())
    }

    #[rstest]
    #[case("127.0.0.1:80")]
    #[case("localhost:8090")]
    #[case("LocalHost")]
    #[case("[::1]:80")]
    #[case("192.168.0.7:80")]
    #[case("bench.local:80")]
    fn addresses_and_own_names_are_let_in(#[case] host: &str) {
        assert_eq!(of(&Method::GET, "/", &[host]), Ok(Asked::Page));
    }

    #[rstest]
    #[case("evil.example:80")]
    #[case("localhost.evil.example")]
    #[case("127.0.0.1.evil.example")]
    #[case("localhost:80:80")]
    #[case("localhost:http")]
    #[case("[::1]evil")]
    #[case("")]
    fn other_names_are_not(#[case] host: &str) {
        assert_eq!(of(&Method::GET, "/", &[host]), Err(421));
    }

    #[rstest]
    #[case(Method::POST, "/", 405)]
    #[case(Method::HEAD, "/events", 405)]
    #[case(Method::GET, "/../etc/passwd", 404)]
    #[case(Method::GET, "/favicon.ico", 404)]
    fn there_is_nothing_else(#[case] method: Method, #[case] path: &str, #[case] status: u16) {
        assert_eq!(of(&method, path, &["localhost"]), Err(status));
    }

    #[test]
    fn one_host_is_named() {
        assert_eq!(of(&Method::GET, "/", &[]), Err(400));
        assert_eq!(of(&Method::GET, "/", &["localhost", "localhost"]), Err(400));
    }
}
