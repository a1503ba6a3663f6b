//! Opens connections to the target.

use super::{
    addresses::{Addresses, is_of_this_machine},
    arrivals::{Reader, Reads},
    io::{Noted, Stream},
    local::LocalAddresses,
    tls::{Tls, is_of_tls},
};
use crate::{
    address::{Endpoint, Origin},
    client::TlsSettings,
    clock::Clock,
    sim::InProcess,
};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

/// Opens connections to one target. Resolves names once, before the run.
#[derive(Clone)]
pub struct Dialer(Arc<Route>);

enum Route {
    Tcp {
        name: String,
        addresses: Addresses,
        local: LocalAddresses,
        resolved_in: Option<Duration>,
        tls: Option<Tls>,
        /// Keeps kernel times enabled, from before the first connection.
        #[cfg(target_os = "linux")]
        _stamping: Option<super::kernel_time::Stamping>,
    },
    #[cfg(unix)]
    Unix(PathBuf),
    InProcess(InProcess),
}

/// Why no connection to the target is possible.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The host name has no address.
    #[error("cannot resolve the host `{host}`: {source}. Check the target's URL")]
    Resolve {
        /// Host name.
        host: String,
        /// Error of the resolver.
        source: io::Error,
    },
    /// No local address of `bind` is of a family of the host's addresses.
    #[error(
        "no local address of `bind` can reach {host}. Add one of the same family (IPv4 or IPv6)"
    )]
    NoLocalAddress {
        /// Host name.
        host: String,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS for `{host}`: {message}")]
    Tls {
        /// Host name.
        host: String,
        /// Error of TLS.
        message: String,
    },
    /// The server does not answer.
    #[error("cannot connect to {target}: {source}{}", what_mends(.source))]
    Unreachable {
        /// Address of the target.
        target: String,
        /// Error of the system.
        source: io::Error,
    },
    /// Unix sockets on a system without them.
    #[error("Unix sockets are not available on this system: {0}")]
    NoUnixSockets(PathBuf),
}

/// Advice for a server that does not accept connections.
pub(crate) const IS_IT_RUNNING: &str =
    ". Is the server running? Start it, or point the target at the right host and port";

/// Usual fix, as a sentence behind a full stop; empty where the error itself says it.
pub(crate) fn what_mends(source: &io::Error) -> &'static str {
    if is_of_tls(source) || is_of_this_machine(source) {
        ""
    } else {
        IS_IT_RUNNING
    }
}

impl Dialer {
    /// A dialer for each frontend of an endpoint, in their order: resolves hosts and prepares TLS where URLs are `https`.
    ///
    /// # Errors
    /// A host has no address, or none that a local address can reach, or TLS is needed and cannot be set up.
    pub async fn all(
        endpoint: &Endpoint,
        tls: &TlsSettings,
        local: &LocalAddresses,
    ) -> Result<Vec<Self>, DialError> {
        let origins = match endpoint {
            Endpoint::Url(origin) => std::slice::from_ref(origin),
            Endpoint::Urls(origins) => origins,
            #[cfg(unix)]
            Endpoint::Unix(path) => return Ok(vec![Dialer(Arc::new(Route::Unix(path.clone())))]),
            #[cfg(not(unix))]
            Endpoint::Unix(path) => return Err(DialError::NoUnixSockets(path.clone())),
        };
        let mut dialers = Vec::with_capacity(origins.len());
        for origin in origins {
            dialers.push(Self::to(origin, tls, local).await?);
        }
        Ok(dialers)
    }

    async fn to(
        origin: &Origin,
        tls: &TlsSettings,
        local: &LocalAddresses,
    ) -> Result<Self, DialError> {
        let Origin { host, port, .. } = origin;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let asked = Instant::now();
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host((bare, *port))
            .await
            .map_err(|source| DialError::Resolve {
                host: host.clone(),
                source,
            })?
            .collect();
        let resolved_in = asked.elapsed();
        let addresses = Addresses::new(addresses).reachable_from(local);
        if addresses.first().is_none() {
            let host = host.clone();
            return Err(DialError::NoLocalAddress { host });
        }
        let tls = if origin.https {
            Some(Tls::new(bare, tls).map_err(|message| DialError::Tls {
                host: host.clone(),
                message,
            })?)
        } else {
            None
        };
        Ok(Dialer(Arc::new(Route::Tcp {
            name: format!("{host}:{port}"),
            addresses,
            local: local.clone(),
            resolved_in: bare.parse::<IpAddr>().is_err().then_some(resolved_in),
            tls,
            #[cfg(target_os = "linux")]
            _stamping: super::kernel_time::Stamping::start(),
        })))
    }

    /// The address that connections go to and how many local addresses they leave from, if they need ports.
    pub(crate) fn ports(&self) -> Option<(SocketAddr, usize)> {
        match &*self.0 {
            Route::Tcp {
                addresses, local, ..
            } => {
                let remote = addresses.first()?;
                Some((remote, local.count_for(remote).unwrap_or(1)))
            }
            #[cfg(unix)]
            Route::Unix(_) => None,
            Route::InProcess(_) => None,
        }
    }

    /// Whether requests go over plain TCP.
    pub(super) fn is_plain_tcp(&self) -> bool {
        matches!(&*self.0, Route::Tcp { tls: None, .. })
    }

    /// Time to resolve the host's name, if it is a name.
    pub(super) fn resolved_in(&self) -> Option<Duration> {
        match &*self.0 {
            Route::Tcp { resolved_in, .. } => *resolved_in,
            #[cfg(unix)]
            Route::Unix(_) => None,
            Route::InProcess(_) => None,
        }
    }

    /// Connects to a simulated server in this process.
    pub fn in_process(server: InProcess) -> Self {
        Dialer(Arc::new(Route::InProcess(server)))
    }

    /// Opens one connection and closes it again, so that a failure comes before the run.
    ///
    /// # Errors
    /// The server does not answer, or not within `limit`.
    pub async fn probe(&self, clock: &Clock, limit: Duration) -> Result<(), DialError> {
        let reads = Reads::new(Rc::new(Reader::new(clock.clone())));
        let dialled = clock.timeout_at(clock.now().after(limit), self.dial(reads));
        let dialled = dialled.await.unwrap_or_else(|_| {
            let tls = match &*self.0 {
                Route::Tcp { tls: Some(_), .. } => "; the port may not support TLS",
                _ => "",
            };
            let message = format!("no connection within {} ms{tls}", limit.as_millis());
            Err(io::Error::new(io::ErrorKind::TimedOut, message))
        });
        match dialled {
            Ok(_) => Ok(()),
            Err(source) => Err(DialError::Unreachable {
                target: match &*self.0 {
                    Route::Tcp { name, .. } => name.clone(),
                    #[cfg(unix)]
                    Route::Unix(path) => format!("unix:{}", path.display()),
                    Route::InProcess(_) => "the simulation".to_owned(),
                },
                source,
            }),
        }
    }

    /// Opens a connection that notes its reads in `reads`.
    pub(super) async fn dial(&self, reads: Rc<Reads>) -> io::Result<Stream> {
        match &*self.0 {
            Route::Tcp {
                addresses,
                local,
                tls,
                ..
            } => {
                let tcp = addresses.connect(reads.clock(), local).await?;
                tcp.set_nodelay(true)?;
                let tcp = Noted::tcp(tcp, reads);
                match tls {
                    Some(tls) => tls.wrap(tcp).await,
                    None => Ok(Box::new(tcp)),
                }
            }
            #[cfg(unix)]
            Route::Unix(path) => {
                let unix = tokio::net::UnixStream::connect(path).await?;
                Ok(Box::new(Noted::at_read(unix, reads)))
            }
            Route::InProcess(server) => Ok(Box::new(Noted::at_read(server.connect(), reads))),
        }
    }
}
