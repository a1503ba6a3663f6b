//! Everything that asks a server something outside the measured path, by reqwest.
//!
//! Nothing here runs while requests are measured, but for the page that is asked for now and then where
//! that is wanted, by a thread of its own.

mod about;
mod models;
mod page;
mod tokenize;

pub(crate) use models::Unlisted;
pub(crate) use tokenize::{ServerTokenizer, Untold};

use crate::{
    client::{Observer, Silent, Stop},
    target::Endpoint,
};
use reqwest::header::{CONNECTION, HeaderMap};
use std::{future::pending, pin::pin, sync::Arc, time::Duration};
use tokio::{runtime::Runtime, select};

/// Connections that idled for longer are not used again. uvicorn and llama.cpp close theirs after 5 s, and
/// between two questions nobody here would notice.
const IDLE: Duration = Duration::from_secs(1);

/// A question that is not answered after so long is worth a word to whoever waits.
const SAY_AFTER: Duration = Duration::from_secs(1);

/// Asks a server about itself.
pub(crate) struct Inspector {
    base: String,
    client: reqwest::Client,
    /// There until it is dropped.
    runtime: Option<Runtime>,
    /// What is asked is of no use any more.
    stop: Stop,
    observer: Arc<dyn Observer>,
}

impl Drop for Inspector {
    fn drop(&mut self) {
        // A resolver that does not answer must not hold up a run that has ended.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
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
            runtime: Some(
                tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(|e| e.to_string())?,
            ),
            stop: Stop::never(),
            observer: Arc::new(Silent),
        })
    }

    /// The same for a run: it stops asking when the run is to end, and says what takes long.
    pub(crate) fn attended(mut self, stop: Stop, observer: Arc<dyn Observer>) -> Self {
        (self.stop, self.observer) = (stop, observer);
        self
    }

    /// Whether a path answers with a success status within this time.
    pub(crate) fn answers_ok(&self, path: &str, limit: Duration) -> bool {
        let url = format!("{}{path}", self.base);
        // In an async block: reqwest wants a runtime around it from the start.
        let answer = self.block_on(path, async {
            self.client.get(url).timeout(limit).send().await
        });
        answer.is_some_and(|answer| answer.is_ok_and(|response| response.status().is_success()))
    }

    /// Posts nothing to a path and waits for success, up to `limit` and until `stop`. May be called inside of
    /// another runtime, which waits: never while something is measured.
    pub(crate) fn post(
        &self,
        path: &str,
        headers: &HeaderMap,
        limit: Duration,
        stop: &Stop,
    ) -> Result<(), String> {
        let url = format!("{}{path}", self.base);
        let answer = self.wait(path, async || {
            let request = self.client.post(&url).headers(headers.clone());
            let request = request.header(CONNECTION, "close").timeout(limit);
            stop.or_ended(request.send()).await
        });
        match answer.flatten() {
            Some(Ok(response)) if response.status().is_success() => Ok(()),
            Some(Ok(response)) => Err(format!("{url} answers {}", response.status())),
            Some(Err(e)) => Err(format!("{url} does not answer: {}", root_cause(&e))),
            None => Err(format!("{url} was not asked")),
        }
    }

    /// Waits for what is asked at this path; `None` if asking panicked, or the run is to end. A runtime may
    /// not wait inside of another one on the same thread, so it does so on another.
    pub(crate) fn wait<T: Send>(
        &self,
        path: &str,
        ask: impl AsyncFnOnce() -> T + Send,
    ) -> Option<T> {
        let asked = || self.block_on(path, ask());
        std::thread::scope(|scope| scope.spawn(asked).join()).ok()?
    }

    /// The same outside of other runtimes.
    fn block_on<T>(&self, path: &str, ask: impl Future<Output = T>) -> Option<T> {
        self.runtime.as_ref()?.block_on(async {
            let ask = pin!(ask);
            let say = async {
                tokio::time::sleep(SAY_AFTER).await;
                self.observer
                    .says(&format!("waiting for {}{path}", self.base));
                pending().await
            };
            let asked = async {
                select! {
                    biased;
                    answer = ask => answer,
                    answer = say => answer,
                }
            };
            self.stop.or_ended(asked).await
        })
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
        assert!(inspector.answers_ok("/", Duration::from_secs(30)));
        thread::sleep(IDLE + Duration::from_millis(100));
        assert!(inspector.answers_ok("/", Duration::from_secs(30)));
        server.join().unwrap();
    }
}
