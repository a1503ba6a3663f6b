//! Addresses of servers.

use std::{fmt, path::PathBuf};

/// Address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// `http://…` or `https://…`.
    Url(Origin),
    /// Several URLs of one server, its frontends, which share the requests.
    Urls(Vec<Origin>),
    /// HTTP over a Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Url(origin) => f.write_str(&origin.base()),
            Endpoint::Urls(origins) => {
                let bases: Vec<String> = origins.iter().map(Origin::base).collect();
                f.write_str(&bases.join(" "))
            }
            Endpoint::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Endpoint {
    /// Each frontend as an endpoint of its own; the endpoint itself if it has only one.
    pub(crate) fn frontends(&self) -> Vec<Endpoint> {
        match self {
            Endpoint::Urls(origins) => origins.iter().cloned().map(Endpoint::Url).collect(),
            one => vec![one.clone()],
        }
    }
}

/// Scheme, host, port and path prefix of an HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// TLS.
    pub https: bool,
    /// Host name or address; IPv6 addresses in brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path before every endpoint, without a trailing slash.
    pub prefix: String,
}

impl Origin {
    /// Parses a base URL.
    ///
    /// # Errors
    /// A sentence that says what is wrong and how to fix it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = ::url::Url::parse(text).map_err(|e| {
            format!("`{text}` is not a URL ({e}). Write it like http://127.0.0.1:8000")
        })?;
        let https = match url.scheme() {
            "http" => false,
            "https" => true,
            other => {
                return Err(format!(
                    "the scheme `{other}` is not supported. Use http:// or https://"
                ));
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "the URL holds a user name or password. Send credentials as a header instead"
                    .to_owned(),
            );
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!(
                "`{text}` has a query or a fragment, which a base URL cannot have. Remove it; \
                 put parameters into `endpoint`"
            ));
        }
        let host = url
            .host_str()
            .ok_or_else(|| format!("`{text}` has no host. Write it like http://127.0.0.1:8000"))?;
        Ok(Origin {
            https,
            host: host.to_owned(),
            port: url.port_or_known_default().unwrap_or(80),
            prefix: url.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Base URL without a trailing slash.
    pub fn base(&self) -> String {
        format!("{}{}", self.root(), self.prefix)
    }

    /// Base addresses for the server's own paths, such as `/metrics`: next to a versioned API, inside it,
    /// and at the root of the host.
    pub(crate) fn places(&self) -> Vec<String> {
        let mut places = Vec::new();
        for prefix in [self.beside_api(), &self.prefix, ""] {
            let place = format!("{}{prefix}", self.root());
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// Address of the versioned API, which has `/models`.
    pub(crate) fn api(&self) -> String {
        if self.beside_api() == self.prefix {
            format!("{}/v1", self.base())
        } else {
            self.base()
        }
    }

    /// Path of an endpoint. A base URL that names the version of an API, as users of SDKs write it, already
    /// has the `/v1` of `/v1/completions`.
    ///
    /// A path that the user gave (`given`) follows the whole base, as in vLLM, except for a second `/v1`.
    pub(crate) fn path_of(&self, endpoint: &str, given: bool) -> String {
        let (beside, prefix) = (self.beside_api(), self.prefix.as_str());
        let version = &prefix[beside.len()..];
        let known = matches!(version, "/v1") || version.ends_with("/openai");
        match endpoint.strip_prefix("/v1/") {
            Some(rest) if !version.is_empty() && (known || !given) => format!("{prefix}/{rest}"),
            None if !given => format!("{beside}{endpoint}"),
            _ => format!("{prefix}{endpoint}"),
        }
    }

    /// Path without an API version at its end: `/v1`, `/v1beta/openai`.
    fn beside_api(&self) -> &str {
        let path = self.prefix.strip_suffix("/openai").unwrap_or(&self.prefix);
        match path.rsplit_once('/') {
            Some((beside, last)) if is_version(last) => beside,
            _ => &self.prefix,
        }
    }

    /// Scheme, host and port.
    fn root(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    /// Value of the `host` header.
    pub fn host_header(&self) -> String {
        match (self.https, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            _ => format!("{}:{}", self.host, self.port),
        }
    }
}

/// Whether a path segment is a version: `v1`, `v3`, `v1beta`, `v1beta2`.
fn is_version(segment: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = segment.strip_prefix('v').unwrap_or_default();
    match number.split_once("alpha").or(number.split_once("beta")) {
        Some((number, rest)) => digits(number) && (rest.is_empty() || digits(rest)),
        None => digits(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("http://127.0.0.1:8000", "http://127.0.0.1:8000", "127.0.0.1:8000")]
    #[case("http://127.0.0.1:8000/", "http://127.0.0.1:8000", "127.0.0.1:8000")]
    #[case(
        "https://api.example.com/openai/",
        "https://api.example.com:443/openai",
        "api.example.com"
    )]
    #[case("http://[::1]:9", "http://[::1]:9", "[::1]:9")]
    #[case("http://host", "http://host:80", "host")]
    fn origins(#[case] text: &str, #[case] base: &str, #[case] host: &str) {
        let origin = Origin::parse(text).unwrap();
        assert_eq!(origin.base(), base);
        assert_eq!(origin.host_header(), host);
    }

    /// Where `/models`, `/metrics`, `/v1/chat/completions` and `/generate` are asked for.
    #[rstest]
    #[case("http://h", "/v1", &[""], "/v1/chat/completions", "/generate")]
    #[case("http://h/v1", "/v1", &["", "/v1"], "/v1/chat/completions", "/generate")]
    #[case("http://h/v1/", "/v1", &["", "/v1"], "/v1/chat/completions", "/generate")]
    #[case(
        "http://h/proxy/llm/v1/", "/proxy/llm/v1", &["/proxy/llm", "/proxy/llm/v1", ""],
        "/proxy/llm/v1/chat/completions", "/proxy/llm/generate"
    )]
    #[case(
        "http://h/proxy/llm", "/proxy/llm/v1", &["/proxy/llm", ""],
        "/proxy/llm/v1/chat/completions", "/proxy/llm/generate"
    )]
    #[case(
        "http://h/v1beta/openai/", "/v1beta/openai", &["", "/v1beta/openai"],
        "/v1beta/openai/chat/completions", "/generate"
    )]
    #[case(
        "http://h/openai/v1", "/openai/v1", &["/openai", "/openai/v1", ""],
        "/openai/v1/chat/completions", "/openai/generate"
    )]
    #[case("http://h/api/v3", "/api/v3", &["/api", "/api/v3", ""], "/api/v3/chat/completions", "/api/generate")]
    #[case("http://h/openai", "/openai/v1", &["/openai", ""], "/openai/v1/chat/completions", "/openai/generate")]
    fn a_base_url_may_name_the_version_of_an_api(
        #[case] url: &str,
        #[case] api: &str,
        #[case] places: &[&str],
        #[case] chat: &str,
        #[case] generate: &str,
    ) {
        let origin = Origin::parse(url).unwrap();
        let at = |path: &str| format!("http://h:80{path}");
        assert_eq!(origin.api(), at(api));
        assert_eq!(
            origin.places(),
            places.iter().map(|p| at(p)).collect::<Vec<_>>()
        );
        assert_eq!(origin.path_of("/v1/chat/completions", false), chat);
        assert_eq!(origin.path_of("/generate", false), generate);
    }

    #[rstest]
    #[case("http://h/v1", "/v1/completions", "/v1/completions")]
    #[case(
        "http://h/v1beta/openai",
        "/v1/completions",
        "/v1beta/openai/completions"
    )]
    #[case("http://h/v1", "/chat", "/v1/chat")]
    #[case("http://h/v2", "/v1/completions", "/v2/v1/completions")]
    #[case("http://h/a", "/v1/completions", "/a/v1/completions")]
    fn an_endpoint_that_was_given_goes_behind_the_base(
        #[case] url: &str,
        #[case] endpoint: &str,
        #[case] path: &str,
    ) {
        assert_eq!(Origin::parse(url).unwrap().path_of(endpoint, true), path);
    }

    #[rstest]
    #[case("127.0.0.1:8000", "http://127.0.0.1:8000")]
    #[case("ftp://host", "http://")]
    #[case("http://user:secret@host", "header")]
    #[case("http://host/?key=1", "endpoint")]
    fn unusable_urls_say_the_fix(#[case] text: &str, #[case] fix: &str) {
        let message = Origin::parse(text).unwrap_err();
        assert!(message.contains(fix), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
}
