//! Proxies from the environment. goodput uses none, because it would measure the proxy, too.
//!
//! Proxies are for other machines. As Go's client, goodput reaches a server on this machine without one;
//! Python's clients would use the proxy, for which a loopback address is the proxy's own machine.

use crate::address::Origin;
use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use std::{env, net::IpAddr};

/// Why goodput refuses to measure a server for which the environment sets a proxy. `None` if the
/// environment sets none, `NO_PROXY` covers the server, or the server is on this machine.
pub(super) fn objection(origin: &Origin) -> Option<String> {
    if is_loopback(bare_host(origin)) {
        return None;
    }
    let uri: Uri = origin.base().parse().ok()?;
    let matched = Matcher::from_env().intercept(&uri);
    matched.filter(|_| !is_exempt(origin))?;
    let names: [&str; 4] = if origin.https {
        ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    } else {
        ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
    };
    let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let name = names.into_iter().find(is_set).unwrap_or(names[1]);
    let host = bare_host(origin);
    Some(format!(
        "the environment variable {name} sets a proxy for {}, and goodput connects to servers \
         directly, because it would measure the proxy as well. Set NO_PROXY={host} if the server can be \
         reached without the proxy",
        origin.base()
    ))
}

fn bare_host(origin: &Origin) -> &str {
    origin.host.trim_start_matches('[').trim_end_matches(']')
}

/// Whether the host is `localhost`, a name below it (RFC 6761), or an address that never leaves the
/// machine.
fn is_loopback(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => name == "localhost" || name.ends_with(".localhost"),
    }
}

/// Whether `NO_PROXY` has what Python's clients accept as well, and hyper's matcher does not: `*`, or a
/// host with its port.
fn is_exempt(origin: &Origin) -> bool {
    let listed = env::var("NO_PROXY").or_else(|_| env::var("no_proxy"));
    let listed = listed.unwrap_or_default();
    let with_port = format!("{}:{}", bare_host(origin), origin.port);
    listed
        .split(',')
        .map(str::trim)
        .any(|entry| entry == "*" || entry == with_port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("127.0.0.1", true)]
    #[case("127.8.9.10", true)]
    #[case("::1", true)]
    #[case("::ffff:127.0.0.1", true)]
    #[case("localhost", true)]
    #[case("LocalHost.", true)]
    #[case("llm.localhost", true)]
    #[case("localhost.example.org", false)]
    #[case("notlocalhost", false)]
    #[case("128.0.0.1", false)]
    #[case("0.0.0.0", false)]
    #[case("10.0.0.1", false)]
    #[case("::2", false)]
    fn this_machine(#[case] host: &str, #[case] is_it: bool) {
        assert_eq!(is_loopback(host), is_it);
    }
}
