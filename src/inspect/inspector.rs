//! The inspector asks a server about itself: it finds the paths, and waits for the answers.

use super::question::MODELS;
use crate::{
    address::Endpoint,
    observer::{Observer, Silent},
    stop::Stop,
};
use reqwest::redirect::Policy;
use std::{
    collections::HashMap,
    future::pending,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{runtime::Runtime, select};

/// Connections that were idle for longer are not reused. uvicorn and llama.cpp close theirs after 5 s, and
/// between two questions the inspector would not notice.
pub(super) const IDLE: Duration = Duration::from_secs(1);

/// Wait before the first message about a slow answer.
pub(super) const SAY_AFTER: Duration = Duration::from_secs(1);

/// Time limit for connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks a server about itself.
pub(crate) struct Inspector {
    /// Possible base addresses of the server's own paths, such as `/metrics`.
    pub(super) places: Vec<String>,
    /// Base address of `/models`.
    pub(super) api: String,
    /// Address as it was given.
    pub(super) base: String,
    /// Base address at which each path was found, by number.
    pub(super) found: Mutex<HashMap<String, usize>>,
    pub(super) client: reqwest::Client,
    /// `None` only while it is dropped.
    pub(super) runtime: Option<Runtime>,
    /// Ends all questions.
    pub(super) stop: Stop,
    pub(super) observer: Arc<dyn Observer>,
}

impl Drop for Inspector {
    fn drop(&mut self) {
        // A silent resolver must not hold up a run that has ended.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Inspector {
    pub(crate) fn new(endpoint: &Endpoint, insecure: bool) -> Result<Self, String> {
        let builder = reqwest::Client::builder()
            .no_proxy()
            // Keys must not go to another host, and one of our headers may be a key.
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE);
        #[cfg(feature = "tls")]
        let builder = {
            // Fails only if a provider is already installed, which works as well.
            let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
            builder.tls_danger_accept_invalid_certs(insecure)
        };
        #[cfg(not(feature = "tls"))]
        let _ = insecure;
        let (places, api, builder) = match endpoint {
            // All frontends lead to the same server, so one is enough for a question.
            Endpoint::Urls(origins) => {
                let first = origins.first().ok_or("the target has no URL")?;
                return Self::new(&Endpoint::Url(first.clone()), insecure);
            }
            Endpoint::Url(origin) => (origin.places(), origin.api(), builder),
            #[cfg(unix)]
            Endpoint::Unix(path) => (
                vec!["http://localhost".to_owned()],
                "http://localhost/v1".to_owned(),
                builder.unix_socket(path.clone()),
            ),
            #[cfg(not(unix))]
            Endpoint::Unix(_) => {
                return Err("Unix sockets are not available on this system".to_owned());
            }
        };
        Ok(Inspector {
            places,
            api,
            base: endpoint.to_string(),
            found: Mutex::default(),
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

    /// An inspector for a run: it stops with the run, and reports slow answers.
    pub(crate) fn attended(mut self, stop: Stop, observer: Arc<dyn Observer>) -> Self {
        (self.stop, self.observer) = (stop, observer);
        self
    }

    /// Waits for an answer from this path; `None` if asking panicked, or the run should stop. A runtime
    /// must not wait inside another one on the same thread, so this uses another thread.
    pub(crate) fn wait<T: Send>(
        &self,
        path: &str,
        ask: impl AsyncFnOnce() -> T + Send,
    ) -> Option<T> {
        let asked = || self.block_on(path, ask());
        std::thread::scope(|scope| scope.spawn(asked).join()).ok()?
    }

    /// Waits outside of other runtimes.
    pub(super) fn block_on<T>(&self, path: &str, ask: impl Future<Output = T>) -> Option<T> {
        self.runtime.as_ref()?.block_on(async {
            let ask = pin!(ask);
            let say = async {
                tokio::time::sleep(SAY_AFTER).await;
                self.observer
                    .says(&format!("waiting for {}", self.address(path)));
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

    /// Address of a path, if it is known.
    pub(super) fn address(&self, path: &str) -> String {
        let place = match path {
            MODELS => Some(&self.api),
            path => self.places.get(self.found_at(path).unwrap_or(0)),
        };
        place.map_or_else(|| path.to_owned(), |place| format!("{place}{path}"))
    }

    pub(super) fn found_at(&self, path: &str) -> Option<usize> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.get(path).copied()
    }

    pub(super) fn note_place(&self, path: &str, place: usize) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert(path.to_owned(), place);
    }
}
