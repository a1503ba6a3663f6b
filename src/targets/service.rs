//! Services of this process: an LLM gateway written in Rust, measured without a socket.

use super::{Opened, Place, Target, TargetError};
use crate::sim::Serve;
use hyper::{
    Request, Response,
    body::{Body, Incoming},
    server::conn::http1,
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use std::{error::Error, fmt, sync::Arc};

/// Any `tower` service of HTTP requests, such as an `axum::Router`.
///
/// The client's real code sends HTTP to the service over in-memory pipes. The default is the real clock;
/// with [`on_virtual_time`](Service::on_virtual_time) waits take no time.
///
/// ```
/// use axum::{Router, routing::post};
/// use goodput::{Bench, Service};
///
/// async fn complete() -> &'static str {
///     "data: {\"choices\":[{\"text\":\"hi\",\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
/// }
///
/// let router = Router::new().route("/v1/completions", post(complete));
/// let target = Service::new(router).on_virtual_time();
/// let report = Bench::new("gateway").target(target).model("any").requests(5).run_blocking()?;
/// assert_eq!(report.completed(), 5);
/// # Ok::<(), goodput::Error>(())
/// ```
#[derive(Clone)]
pub struct Service {
    serve: Serve,
    virtual_time: bool,
}

impl Service {
    /// Measures this service. Each connection uses a clone.
    pub fn new<S, B>(service: S) -> Self
    where
        S: tower_service::Service<Request<Incoming>, Response = Response<B>>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        Service {
            serve: Arc::new(move |io| {
                let service = TowerToHyperService::new(service.clone());
                let serving = http1::Builder::new().serve_connection(TokioIo::new(io), service);
                Box::pin(async {
                    // The client sees the errors of a connection.
                    let _ = serving.await;
                })
            }),
            virtual_time: false,
        }
    }

    /// Runs client and service on tokio's paused time: it jumps ahead whenever nothing can run, so seconds
    /// of load take milliseconds, and the machine's speed makes no difference.
    ///
    /// For services that wait by `tokio::time` alone; sockets do not work there. Times have steps of 1 ms,
    /// rounded up: a wait of 8.1 ms reads 9. The service may draw random numbers, so a baseline's
    /// comparison is exact only when two stored runs were identical.
    #[must_use]
    pub fn on_virtual_time(mut self) -> Self {
        self.virtual_time = true;
        self
    }

    pub(crate) fn serve(&self) -> Serve {
        self.serve.clone()
    }

    pub(crate) fn is_on_virtual_time(&self) -> bool {
        self.virtual_time
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("virtual_time", &self.virtual_time)
            .finish_non_exhaustive()
    }
}

impl Target for Service {
    fn describe(&self) -> String {
        let time = if self.virtual_time { "virtual" } else { "real" };
        format!("a service of this process on {time} time")
    }

    fn open(&self) -> Result<Opened, TargetError> {
        Ok(Opened {
            place: Place::Service(self.clone()),
            guard: None,
        })
    }

    fn exclusive(&self) -> bool {
        !self.virtual_time
    }
}
