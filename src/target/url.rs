//! Targets that are already running: a URL, a Unix socket, or either named by the environment.

use super::{AnyTarget, Endpoint, Opened, Place, Target, TargetError};
use crate::{
    client::{Observer, Silent, Stop},
    grammar::target::Target as Text,
};

/// Scheme, host, port and path prefix of an HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// TLS.
    pub https: bool,
    /// Host name or address; IPv6 addresses in brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path that is put before every endpoint, without a slash at its end.
    pub prefix: String,
}

impl Origin {
    /// Reads a base URL.
    ///
    /// # Errors
    /// A sentence saying what is wrong and how to mend it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = ::url::Url::parse(text).map_err(|e| {
            format!("`{text}` is not a URL ({e}). Write it like http://127.0.0.1:8000")
        })?;
        let https = match url.scheme() {
            "http" => false,
            "https" => true,
            other => {
                return Err(format!(
                    "`{other}` is not a scheme goodput speaks. Use http:// or https://"
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

    /// The base URL, without a slash at its end.
    pub fn base(&self) -> String {
        format!("{}{}", self.root(), self.prefix)
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

/// A target named by text.
#[derive(Debug, Clone)]
pub(super) struct Named(pub(super) Text);

impl Target for Named {
    fn describe(&self) -> String {
        match &self.0 {
            Text::Url(url) => url.clone(),
            Text::Unix(path) => format!("unix:{}", path.display()),
            Text::Env(name) => match std::env::var(name) {
                Ok(value) => AnyTarget::from(value).describe(),
                Err(_) => format!("env:{name}"),
            },
            Text::Simulation(_) => "the built-in simulation".to_owned(),
        }
    }

    fn open(&self) -> Result<Opened, TargetError> {
        self.open_until(&Stop::never(), &Silent)
    }

    fn open_until(&self, stop: &Stop, observer: &dyn Observer) -> Result<Opened, TargetError> {
        match &self.0 {
            Text::Url(url) => Opened::at(url),
            Text::Unix(path) => Ok(Opened {
                place: Place::Endpoint(Endpoint::Unix(path.clone())),
                guard: None,
            }),
            Text::Env(name) => match std::env::var(name) {
                Ok(value) if !value.is_empty() => {
                    let opened = AnyTarget::from(value).open_until(stop, observer);
                    opened.map_err(|error| match error {
                        TargetError::Unreadable(why) => TargetError::Unreadable(format!(
                            "the environment variable {name}: {why}"
                        )),
                        other => other,
                    })
                }
                _ => Err(TargetError::Skip(format!(
                    "the environment variable {name} is not set, so there is no server to \
                     measure. Set {name}=http://host:port"
                ))),
            },
            Text::Simulation(script) => Ok(super::Simulation::scripted(script.clone()).opened()),
        }
    }

    /// A variable that is not set, or names a simulation, has nothing to wait for.
    fn exclusive(&self) -> bool {
        match &self.0 {
            Text::Env(name) => {
                std::env::var(name).is_ok_and(|value| AnyTarget::from(value).exclusive())
            }
            _ => true,
        }
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
