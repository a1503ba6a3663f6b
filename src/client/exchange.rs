//! One request and its answer.

use super::{
    connection::{Connection, Pool},
    content::{Content, not_http},
    message::{Envelope, Message, Outgoing},
    watchdog::Watchdog,
};
use crate::{
    backend::{self, Decode},
    clock::{Clock, Nanos},
    record::{Phase, Reply, RequestError, Timestamps},
};
use bytes::Buf;
use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use ureq_proto::client::{Call, state::RecvResponse};

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

/// The head of an answer is refused beyond this size.
const HEAD_LIMIT: usize = 64 * 1024;

/// What an exchange leaves behind; it is filled while the answer comes in, so that a request
/// that fails or is cancelled keeps what it had.
#[derive(Debug, Default)]
pub(super) struct Traces {
    pub(super) connected: Option<Nanos>,
    pub(super) head: Option<Nanos>,
    pub(super) status: Option<u16>,
    pub(super) timestamps: Option<Timestamps>,
    pub(super) reply: Reply,
}

/// The parts of a run that all exchanges share.
pub(super) struct Channel {
    pub(super) pool: Pool,
    pub(super) clock: Clock,
    pub(super) envelope: Envelope,
    pub(super) timeouts: Timeouts,
}

/// A request on its way.
pub(super) struct Launch {
    /// When that began.
    pub(super) sent: Nanos,
    outgoing: Outgoing,
    call: Call<RecvResponse>,
    /// The idle connection that took it, if there was one.
    connection: Option<Connection>,
}

impl Channel {
    /// Sends as much of a request as an idle connection takes at once.
    ///
    /// This does not wait, so that the driver itself can do it on time: a task of the request's own
    /// would be behind all others that have something to read.
    pub(super) fn launch(&self, message: &Message) -> Result<Launch, RequestError> {
        let sent = self.clock.now();
        let (mut outgoing, call) =
            self.envelope
                .seal(message)
                .map_err(|e| RequestError::Connect {
                    message: format!("the request cannot be sent: {e}"),
                })?;
        let size = outgoing.remaining();
        let cx = &mut Context::from_waker(Waker::noop());
        let connection = loop {
            let Some(mut idle) = self.pool.idle() else {
                break None;
            };
            let sending = idle.poll_send(cx, &mut outgoing);
            let refused = matches!(sending, Poll::Ready(Err(_))) && outgoing.remaining() == size;
            // The server closed it just now and has seen nothing: the next one.
            if !refused {
                break Some(idle);
            }
        };
        Ok(Launch {
            sent,
            outgoing,
            call,
            connection,
        })
    }

    /// Sends the rest of a request and reads the answer to its end.
    pub(super) async fn exchange(
        &self,
        mut launch: Box<Launch>,
        decoder: &mut dyn Decode,
        traces: &mut Traces,
    ) -> Result<(), RequestError> {
        let sent = launch.sent;
        let mut connection = match launch.connection.take() {
            Some(connection) => connection,
            None => {
                // Boxed, so that requests do not keep the room for it while they read.
                let connection = Box::pin(self.connect(sent)).await?;
                traces.connected = Some(self.clock.now());
                connection
            }
        };
        let own_before = connection.reads.own_times();
        let mut answer = Answer {
            connection: &mut connection,
            content: Content::Ended { reusable: false },
            watchdog: Watchdog::new(self.clock.clone()),
            timeouts: &self.timeouts,
            sent,
            fresh: true,
        };
        let status = answer.head(&mut launch).await?;
        if let Some(content) = Content::after(launch.call) {
            answer.content = content;
        }
        traces.head = Some(answer.connection.reads.arrived());
        traces.status = Some(status);
        traces.timestamps = Some(answer.connection.reads.timestamps(own_before));
        let outcome = match status {
            200 => answer.decode(decoder, &mut traces.reply).await,
            _ => Err(answer.refusal(status).await),
        };
        traces.timestamps = Some(answer.connection.reads.timestamps(own_before));
        if answer.content.leaves_reusable() && connection.unread() == 0 {
            self.pool.give_back(connection);
        }
        outcome
    }

    /// Opens a connection within the limit on that, which counts from `sent`.
    pub(super) async fn connect(&self, sent: Nanos) -> Result<Connection, RequestError> {
        let limit = self.timeouts.connect.min(self.timeouts.total);
        let mut watchdog = Watchdog::new(self.clock.clone());
        let mut open = pin!(self.pool.open());
        poll_fn(|cx| {
            if let Poll::Ready(opened) = open.as_mut().poll(cx) {
                return Poll::Ready(opened);
            }
            watchdog
                .poll_expired(cx, sent.after(limit))
                .map(|()| Err(timeout(Phase::Connect, limit)))
        })
        .await
    }
}

/// An answer as it comes in.
struct Answer<'a> {
    connection: &'a mut Connection,
    content: Content,
    watchdog: Watchdog,
    timeouts: &'a Timeouts,
    /// When the request's time limits started.
    sent: Nanos,
    /// What came together with the head has not been looked at.
    fresh: bool,
}

impl Answer<'_> {
    /// Sends the request and waits for the head of the answer, which may come before the server has
    /// the whole request. Gives the status.
    async fn head(&mut self, launch: &mut Launch) -> Result<u16, RequestError> {
        let Launch { outgoing, call, .. } = launch;
        let (deadline, phase, limit) = self.deadline(None);
        let (connection, watchdog) = (&mut *self.connection, &mut self.watchdog);
        let size = outgoing.remaining();
        let mut sending = true;
        poll_fn(|cx| {
            if sending && let Poll::Ready(done) = connection.poll_send(cx, outgoing) {
                sending = false;
                if done.is_err() && outgoing.remaining() == size {
                    return Poll::Ready(Err(RequestError::Connect {
                        message: "the server closed the connection before it took the request"
                            .into(),
                    }));
                }
                // Else a server that hung up in the middle may have said why before it did.
            }
            while let Poll::Ready(received) =
                connection.poll_receive(cx, |bytes| read_head(call, bytes))
            {
                let error = match received {
                    Ok(Some(Ok(Some(status)))) => return Poll::Ready(Ok(status)),
                    Ok(Some(Ok(None))) if connection.unread() <= HEAD_LIMIT => continue,
                    Ok(Some(Ok(None))) => not_http(&"the head of the answer is too long"),
                    Ok(Some(Err(error))) => not_http(&error),
                    Ok(None) => RequestError::Truncated {
                        message: "the connection was closed before an answer came".into(),
                    },
                    Err(error) => broken(&error),
                };
                return Poll::Ready(Err(error));
            }
            watchdog
                .poll_expired(cx, deadline)
                .map(|()| Err(timeout(phase, limit)))
        })
        .await
    }

    /// Decodes an answer as it arrives.
    async fn decode(
        &mut self,
        decoder: &mut dyn Decode,
        reply: &mut Reply,
    ) -> Result<(), RequestError> {
        let reads = self.connection.reads.clone();
        while !self.content.is_ended() {
            let last_data = (!reply.events.is_empty()).then(|| reads.arrived());
            let before = reply.events.len();
            self.read(last_data, |bytes| {
                decoder.data(reads.arrived(), bytes, reply)
            })
            .await?;
            reads.brought_tokens(reply.events.len() - before);
        }
        decoder.end(reads.arrived(), reply)
    }

    /// Any other answer, with the start of its body.
    async fn refusal(&mut self, status: u16) -> RequestError {
        let mut kept = Vec::new();
        while !self.content.is_ended() && kept.len() < ERROR_BODY_LIMIT {
            let read = self.read(None, |bytes| {
                let room = ERROR_BODY_LIMIT - kept.len();
                kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
                Ok(())
            });
            // What is there of the body says more than how it ended.
            if read.await.is_err() {
                break;
            }
        }
        RequestError::Status {
            status,
            body: backend::error_body(&kept),
        }
    }

    /// Shows `show` what the next read brings of the content.
    async fn read(
        &mut self,
        last_data: Option<Nanos>,
        mut show: impl FnMut(&[u8]) -> Result<(), RequestError>,
    ) -> Result<(), RequestError> {
        let (deadline, phase, limit) = self.deadline(last_data);
        let (connection, content) = (&mut *self.connection, &mut self.content);
        if std::mem::take(&mut self.fresh) && connection.unread() > 0 {
            return connection.take_unread(|bytes| content.take(bytes, show));
        }
        poll_fn(|cx| {
            let take = |bytes: &[u8]| content.take(bytes, &mut show);
            if let Poll::Ready(received) = connection.poll_receive(cx, take) {
                return Poll::Ready(match received {
                    Ok(Some(taken)) => taken,
                    Ok(None) => content.close(),
                    Err(error) => Err(broken(&error)),
                });
            }
            self.watchdog
                .poll_expired(cx, deadline)
                .map(|()| Err(timeout(phase, limit)))
        })
        .await
    }

    /// The nearest deadline, and what it limits.
    fn deadline(&self, last_token: Option<Nanos>) -> (Nanos, Phase, Duration) {
        let (limits, sent) = (self.timeouts, self.sent);
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

/// The status, once the head is complete; how many bytes are done with.
fn read_head(
    call: &mut Call<RecvResponse>,
    bytes: &[u8],
) -> (usize, Result<Option<u16>, ureq_proto::Error>) {
    let mut used = 0;
    loop {
        match call.try_response(&bytes[used..], false) {
            Ok((more, Some(response))) => {
                return (used + more, Ok(Some(response.status().as_u16())));
            }
            Ok((0, None)) => return (used, Ok(None)),
            // An interim answer.
            Ok((more, None)) => used += more,
            Err(error) => return (used, Err(error)),
        }
    }
}

fn timeout(phase: Phase, limit: Duration) -> RequestError {
    RequestError::Timeout {
        phase,
        limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
    }
}

/// The connection failed while an answer was due.
fn broken(error: &io::Error) -> RequestError {
    RequestError::Truncated {
        message: format!("the connection broke: {error}"),
    }
}
