//! Everything that asks a server something outside the measured path, by reqwest.
//!
//! Nothing here runs while requests are measured, but for the page that is asked for now and then where
//! that is wanted, by a thread of its own.

mod about;
mod models;
mod page;
mod tokenize;

pub(crate) use tokenize::{ServerTokenizer, Untold};

use crate::target::Endpoint;
use reqwest::header::{CONNECTION, HeaderMap};
use std::time::Duration;

/// Connections that idled for longer are not used again. uvicorn and llama.cpp close theirs after 5 s, and
/// between two questions nobody here would notice.
const IDLE: Duration = Duration::from_secs(1);

/// Asks a server about itself.
pub(crate) struct Inspector {
    base: String,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Inspector {
    pub(crate) fn new(endpoint: &Endpoint, insecure: bool) -> Result<Self, String> {
        let builder = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30))
            .pool_idle_timeout(IDLE);
        #[cfg(feature = "tls")]
        let builder = {
            // Fails only when a provider is installed already, which is as good.
            let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
            builder.tls_danger_accept_invalid_certs(insecure)
        };
        #[cfg(not(feature = "tls"))]
        let _ = insecure;
        let (base, builder) = match endpoint {
            Endpoint::Url(origin) => (origin.base(), builder),
            #[cfg(unix)]
            Endpoint::Unix(path) => (
                "http://localhost".to_owned(),
                builder.unix_socket(path.clone()),
            ),
            #[cfg(not(unix))]
            Endpoint::Unix(_) => return Err("unix sockets are not available here".to_owned()),
        };
        Ok(Inspector {
            base,
            client: builder.build().map_err(|e| e.to_string())?,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|e| e.to_string())?,
        })
    }

    /// Whether a path answers with a success status.
    pub(crate) fn answers_ok(&self, path: &str) -> bool {
        let url = format!("{}{path}", self.base);
        // In an async block: reqwest wants a runtime around it from the start.
        let answer = self
            .runtime
            .block_on(async { self.client.get(url).send().await });
        answer.is_ok_and(|response| response.status().is_success())
    }

    /// Posts nothing to a path and waits for success. May be called inside of another runtime, which
    /// waits: never while something is measured.
    pub(crate) fn post(&self, path: &str, headers: &HeaderMap) -> Result<(), String> {
        let url = format!("{}{path}", self.base);
        let answer = self.wait(async || {
            let request = self.client.post(&url).headers(headers.clone());
            request.header(CONNECTION, "close").send().await
        });
        match answer {
            Some(Ok(response)) if response.status().is_success() => Ok(()),
            Some(Ok(response)) => Err(format!("{url} answers {}", response.status())),
            Some(Err(e)) => Err(format!("{url} does not answer: {}", root_cause(&e))),
            None => Err(format!("{url} was not asked")),
        }
    }

    /// Waits for what is asked; `None` if asking panicked. A runtime may not wait inside of another one on
    /// the same thread, so it does so on another.
    pub(crate) fn wait<T: Send>(&self, ask: impl AsyncFnOnce() -> T + Send) -> Option<T> {
        std::thread::scope(|scope| scope.spawn(|| self.runtime.block_on(ask())).join()).ok()
    }
}

/// reqwest says what it was doing first; the reason stands at the end of the chain.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Origin;
    use std::{
        io::{BufRead, BufReader, Write},
        net::TcpListener,
        thread,
    };

    /// Answers a request, and closes the connection without a word before the next.
    #[test]
    fn a_connection_that_idled_is_not_trusted() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            for stream in listener.incoming().take(2).map(Result::unwrap) {
                let lines = BufReader::new(&stream).lines();
                lines.map_while(Result::ok).find(String::is_empty).unwrap();
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                (&stream).write_all(answer).unwrap();
                // Until nobody listens there.
                thread::sleep(IDLE / 2);
            }
        });
        let endpoint = Endpoint::Url(Origin::parse(&url).unwrap());
        let inspector = Inspector::new(&endpoint, false).unwrap();
        assert!(inspector.answers_ok("/"));
        thread::sleep(IDLE + Duration::from_millis(100));
        assert!(inspector.answers_ok("/"));
        server.join().unwrap();
    }
}
