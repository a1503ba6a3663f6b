//! The streaming front of a `MockServer`.

use super::schedule::{SCHEDULE, Schedule, events};
use crate::{
    clock::{Clock, Nanos},
    sim::{
        ServerThread, accept_each,
        pace::{self, Body},
    },
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
    header::{CONNECTION, CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{convert::Infallible, io, net::SocketAddr};
use tokio::{net::TcpStream, sync::Mutex, task::JoinSet};
use wiremock::MockServer;

/// A port that forwards to a `MockServer` and streams the answers of a
/// [`StreamTemplate`](super::StreamTemplate). Other answers pass through as they are. Dropping it ends its
/// connections and frees the port.
#[derive(Debug)]
pub struct Front {
    thread: ServerThread,
}

impl Front {
    /// Starts a front on a free port of the loopback interface, in a separate thread.
    ///
    /// # Errors
    ///
    /// The system refuses a port, a thread or their resources.
    pub fn start(mocks: &MockServer) -> io::Result<Self> {
        let target = *mocks.address();
        let thread = ServerThread::start(
            "goodput-front",
            "127.0.0.1:0",
            move |listener, clock, stop| async move {
                let stopped = async { drop(stop.await) };
                accept_each(listener, &clock, stopped, |client| {
                    serve(client, target, clock.clone())
                })
                .await;
            },
        )?;
        Ok(Front { thread })
    }

    /// Base URL, such as `http://127.0.0.1:8000`.
    pub fn url(&self) -> String {
        self.thread.url()
    }
}

/// Serves one connection of a client over one connection to the `MockServer`.
async fn serve(client: TcpStream, target: SocketAddr, clock: Clock) {
    let upstream = Mutex::new(None);
    let service = service_fn(|request| {
        let arrival = clock.now();
        let (upstream, clock) = (&upstream, &clock);
        async move {
            let answer = match forward(upstream, target, request).await {
                Ok((head, body)) => replay(head, body, arrival, clock),
                Err(error) => bad_gateway(&error.to_string()),
            };
            Ok::<_, Infallible>(answer)
        }
    });
    // Fails when the client leaves early, which is not an error.
    let _ = http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(TokioIo::new(client), service)
        .await;
}

/// Connection to the `MockServer`, and the task that drives it.
struct Upstream {
    sender: SendRequest<Full<Bytes>>,
    _driver: JoinSet<()>,
}

impl Upstream {
    async fn connect(target: SocketAddr) -> Result<Self, ForwardError> {
        let stream = TcpStream::connect(target).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let mut driver = JoinSet::new();
        // The sender returns its errors, too.
        driver.spawn(async { drop(connection.await) });
        Ok(Upstream {
            sender,
            _driver: driver,
        })
    }
}

/// Why a request did not reach the mock server.
#[derive(Debug, thiserror::Error)]
enum ForwardError {
    #[error("cannot reach the mock server: {0}")]
    Connect(#[from] io::Error),
    #[error("the exchange with the mock server failed: {0}")]
    Exchange(#[from] hyper::Error),
}

/// Forwards the request and reads the whole answer.
async fn forward(
    upstream: &Mutex<Option<Upstream>>,
    target: SocketAddr,
    request: Request<Incoming>,
) -> Result<(hyper::http::response::Parts, Bytes), ForwardError> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    // These headers are about the client's connection.
    head.headers.remove(CONNECTION);
    if head.headers.remove(TRANSFER_ENCODING).is_some() {
        head.headers.insert(CONTENT_LENGTH, body.len().into());
    }
    // Requests of one connection follow each other, so this lock is always free.
    let mut upstream = upstream.lock().await;
    let mut open = match upstream.take() {
        Some(open) if !open.sender.is_closed() => open,
        _ => Upstream::connect(target).await?,
    };
    open.sender.ready().await?;
    let request = Request::from_parts(head, Full::new(body));
    let response = open.sender.send_request(request).await?;
    let (head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    // Put back only now: after an error the next request gets a new connection.
    *upstream = Some(open);
    Ok((head, body))
}

/// Returns the answer as it is, or as a stream if it has a schedule.
fn replay(
    mut head: hyper::http::response::Parts,
    body: Bytes,
    arrival: Nanos,
    clock: &Clock,
) -> Response<Body> {
    let Some(schedule) = take_schedule(&mut head.headers) else {
        return Response::from_parts(head, pace::whole(body));
    };
    head.headers.remove(CONTENT_LENGTH);
    let events: Vec<Bytes> = events(&body)
        .into_iter()
        .map(|event| body.slice_ref(event))
        .collect();
    let beats = (0..)
        .zip(events)
        .map(move |(index, event)| (schedule.due(index, arrival), vec![event]));
    Response::from_parts(head, pace::paced(clock.clone(), beats))
}

fn take_schedule(headers: &mut HeaderMap) -> Option<Schedule> {
    headers.remove(SCHEDULE)?.to_str().ok()?.parse().ok()
}

fn bad_gateway(reason: &str) -> Response<Body> {
    let mut response = Response::new(pace::whole(reason.to_owned()));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
