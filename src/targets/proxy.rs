//! Proxies that the environment asks for. goodput uses none: what is measured would be the proxy, too.

use crate::address::Origin;
use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use std::env;

/// Says why a server cannot be measured past the proxy that the environment sets for it; `None` if it
/// sets none, or `NO_PROXY` covers the server.
pub(super) fn objection(origin: &Origin) -> Option<String> {
    let uri: Uri = origin.base().parse().ok()?;
    let matched = Matcher::from_env().intercept(&uri);
    matched.filter(|_| !is_exempt(origin))?;
    let names: [&str; 4] = match origin.https {
        true => ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        false => ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
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

/// What Python's clients take as well, and hyper's matcher does not: everything, and a host with its port.
fn is_exempt(origin: &Origin) -> bool {
    let listed = env::var("NO_PROXY").or_else(|_| env::var("no_proxy"));
    let listed = listed.unwrap_or_default();
    let with_port = format!("{}:{}", bare_host(origin), origin.port);
    listed
        .split(',')
        .map(str::trim)
        .any(|entry| entry == "*" || entry == with_port)
}
