//! One request and its answer.

use super::{
    connection::{Connection, Pool},
    watchdog::Watchdog,
};
use crate::{
    backend::{self, Decode},
    clock::{Clock, Nanos},
    record::{Phase, Reply, RequestError},
};
use bytes::{Bytes, BytesMut};
use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode, Uri,
    body::{Body, Incoming},
    header::{HeaderMap, HeaderValue},
};
use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

/// The body of an answer other than 200 is kept up to this size.
const ERROR_BODY_LIMIT: usize = 64 * 1024;

/// Time limits of the phases of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// DNS, TCP and TLS. Default 30 s.
    pub connect: Duration,
    /// From sending to the first token. Default 10 min.
    pub first_token: Duration,
    /// Between two reads after the first token. Default 2 min.
    pub between_tokens: Duration,
    /// The whole request. Default 6 h, as in vLLM.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(30),
            first_token: Duration::from_secs(600),
            between_tokens: Duration::from_secs(120),
            total: Duration::from_secs(6 * 3600),
        }
    }
}

/// A request that is ready to go out: everything that can be prepared has been.
#[derive(Debug, Clone)]
pub struct Message {
    /// Path and query.
    pub path: Uri,
    /// All headers, `host` included.
    pub headers: HeaderMap,
    /// The encoded body.
    pub body: Bytes,
}

/// What an exchange leaves behind; it is filled while the answer comes in, so that a request
/// that fails or is cancelled keeps what it had.
#[derive(Debug, Default)]
pub(super) struct Traces {
    pub(super) connected: Option<Nanos>,
    pub(super) head: Option<Nanos>,
    pub(super) status: Option<u16>,
    pub(super) reply: Reply,
}

/// The parts of a run that all exchanges share.
pub(super) struct Channel {
    pub(super) pool: Pool,
    pub(super) clock: Clock,
    pub(super) timeouts: Timeouts,
}

/// How an attempt on a connection ended.
enum Failure {
    /// The server had closed an idle connection before it took the request: try a new one.
    Stale,
    Failed(RequestError),
}

impl Channel {
    /// Sends a request and reads the answer to its end.
    pub(super) async fn exchange(
        &self,
        message: Message,
        decoder: &mut dyn Decode,
        traces: &mut Traces,
    ) -> Result<(), RequestError> {
        let sent = self.clock.now();
        if let Some(connection) = self.pool.idle().await {
            match self
                .attempt(connection, message.clone(), sent, decoder, traces)
                .await
            {
                Err(Failure::Stale) => {}
                Err(Failure::Failed(error)) => return Err(error),
                Ok(()) => return Ok(()),
            }
        }
        let connection = self.connect(sent).await?;
        traces.connected = Some(self.clock.now());
        match self
            .attempt(connection, message, sent, decoder, traces)
            .await
        {
            Ok(()) => Ok(()),
            Err(Failure::Failed(error)) => Err(error),
            Err(Failure::Stale) => Err(RequestError::Connect {
                message: "the server closed a new connection before it took the request".into(),
            }),
        }
    }

    async fn connect(&self, sent: Nanos) -> Result<Connection, RequestError> {
        let limit = self.timeouts.connect.min(self.timeouts.total);
        let mut watchdog = Watchdog::new(self.clock.clone());
        let mut open = pin!(self.pool.open());
        poll_fn(|cx| {
            if let Poll::Ready(opened) = open.as_mut().poll(cx) {
                return Poll::Ready(opened.map_err(|message| RequestError::Connect { message }));
            }
            watchdog
                .poll_expired(cx, sent.after(limit))
                .map(|()| Err(timeout(Phase::Connect, limit)))
        })
        .await
    }

    async fn attempt(
        &self,
        mut connection: Connection,
        message: Message,
        sent: Nanos,
        decoder: &mut dyn Decode,
        traces: &mut Traces,
    ) -> Result<(), Failure> {
        let mut watchdog = Watchdog::new(self.clock.clone());
        let reused = traces.connected.is_none();
        let response = self
            .head(&mut connection, message, sent, &mut watchdog)
            .await
            .map_err(|failure| match failure {
                Failure::Stale if !reused => Failure::Failed(RequestError::Connect {
                    message: "the connection was closed before an answer came".into(),
                }),
                other => other,
            })?;
        traces.head = Some(connection.reads.arrived());
        traces.status = Some(response.status().as_u16());
        let outcome = if response.status() == StatusCode::OK {
            self.answer(
                &mut connection,
                response,
                sent,
                &mut watchdog,
                decoder,
                &mut traces.reply,
            )
            .await
        } else {
            self.refusal(&mut connection, response, sent, &mut watchdog)
                .await
        };
        if connection_is_clean(&outcome) {
            self.pool.give_back(connection).await;
        }
        outcome.map_err(Failure::Failed)
    }

    /// Sends the request and waits for the head of the response.
    async fn head(
        &self,
        connection: &mut Connection,
        message: Message,
        sent: Nanos,
        watchdog: &mut Watchdog,
    ) -> Result<Response<Incoming>, Failure> {
        let mut request = Request::post(message.path)
            .body(Full::new(message.body))
            .map_err(|e| {
                Failure::Failed(RequestError::Connect {
                    message: e.to_string(),
                })
            })?;
        *request.headers_mut() = message.headers;
        let mut response = pin!(connection.sender.send_request(request));
        let (deadline, phase, limit) = self.deadline(sent, None);
        poll_fn(|cx| {
            connection.poll_protocol(cx);
            if let Poll::Ready(head) = response.as_mut().poll(cx) {
                return Poll::Ready(head.map_err(|e| match e.is_canceled() || e.is_closed() {
                    true => Failure::Stale,
                    false if e.is_incomplete_message() => {
                        Failure::Failed(RequestError::Truncated {
                            message: "the connection was closed before an answer came".into(),
                        })
                    }
                    false => Failure::Failed(transport(&e)),
                }));
            }
            watchdog
                .poll_expired(cx, deadline)
                .map(|()| Err(Failure::Failed(timeout(phase, limit))))
        })
        .await
    }

    /// Decodes a 200 answer as it arrives.
    async fn answer(
        &self,
        connection: &mut Connection,
        response: Response<Incoming>,
        sent: Nanos,
        watchdog: &mut Watchdog,
        decoder: &mut dyn Decode,
        reply: &mut Reply,
    ) -> Result<(), RequestError> {
        let mut body = response.into_body();
        let mut last_data = None;
        loop {
            let waiting_since = (!reply.events.is_empty()).then_some(last_data).flatten();
            match self
                .piece(connection, &mut body, sent, waiting_since, watchdog)
                .await?
            {
                Some(bytes) => {
                    let at = connection.reads.arrived();
                    last_data = Some(at);
                    let before = reply.events.len();
                    decoder.data(at, &bytes, reply)?;
                    connection.reads.brought_tokens(reply.events.len() - before);
                }
                None => return decoder.end(connection.reads.arrived(), reply),
            }
        }
    }

    /// Reads the start of the body of any other answer.
    async fn refusal(
        &self,
        connection: &mut Connection,
        response: Response<Incoming>,
        sent: Nanos,
        watchdog: &mut Watchdog,
    ) -> Result<(), RequestError> {
        let status = response.status().as_u16();
        let mut body = response.into_body();
        let mut kept = BytesMut::new();
        while let Ok(Some(bytes)) = self
            .piece(connection, &mut body, sent, None, watchdog)
            .await
        {
            let room = ERROR_BODY_LIMIT.saturating_sub(kept.len());
            kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
            if room <= bytes.len() {
                break;
            }
        }
        Err(RequestError::Status {
            status,
            body: backend::error_body(&kept),
        })
    }

    /// The next piece of a body, `None` at its end.
    async fn piece(
        &self,
        connection: &mut Connection,
        body: &mut Incoming,
        sent: Nanos,
        waiting_since: Option<Nanos>,
        watchdog: &mut Watchdog,
    ) -> Result<Option<Bytes>, RequestError> {
        let (deadline, phase, limit) = self.deadline(sent, waiting_since);
        poll_fn(|cx| {
            connection.poll_protocol(cx);
            while let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) {
                match frame {
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(bytes) => return Poll::Ready(Ok(Some(bytes))),
                        // Trailers mean nothing here.
                        Err(_) => continue,
                    },
                    Some(Err(e)) => return Poll::Ready(Err(transport(&e))),
                    None => return Poll::Ready(Ok(None)),
                }
            }
            watchdog
                .poll_expired(cx, deadline)
                .map(|()| Err(timeout(phase, limit)))
        })
        .await
    }

    /// The nearest deadline, and what it limits.
    fn deadline(&self, sent: Nanos, last_token: Option<Nanos>) -> (Nanos, Phase, Duration) {
        let limits = &self.timeouts;
        let total = (sent.after(limits.total), Phase::Total, limits.total);
        let phase = match last_token {
            None => (
                sent.after(limits.first_token),
                Phase::FirstToken,
                limits.first_token,
            ),
            Some(at) => (
                at.after(limits.between_tokens),
                Phase::BetweenTokens,
                limits.between_tokens,
            ),
        };
        if total.0 < phase.0 { total } else { phase }
    }
}

/// Whether the answer was read to its end, so that the connection may carry another.
fn connection_is_clean(outcome: &Result<(), RequestError>) -> bool {
    matches!(
        outcome,
        Ok(()) | Err(RequestError::Status { .. } | RequestError::NoTokens)
    )
}

fn timeout(phase: Phase, limit: Duration) -> RequestError {
    RequestError::Timeout {
        phase,
        limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
    }
}

/// An error of the connection while an answer was due.
fn transport(error: &hyper::Error) -> RequestError {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    if error.is_parse() {
        RequestError::Malformed {
            message: format!("not HTTP: {message}"),
        }
    } else {
        RequestError::Truncated { message }
    }
}

/// The headers every request carries.
pub(super) fn with_request_id(mut headers: HeaderMap, id: &str) -> HeaderMap {
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert("x-request-id", value);
    }
    headers
}
