//! Reads an answer while the rest of its request goes out.

use super::{
    bounds::Bounds,
    connection::Connection,
    content::Content,
    head::{Head, Heading},
    message::Outgoing,
    timeouts::Timeouts,
    watchdog::Watchdog,
};
use crate::{
    backend::{self, Decode},
    clock::{Clock, Nanos},
    record::{Phase, Reply, RequestError},
};
use bytes::Buf;
use std::{
    future::poll_fn,
    io,
    task::{Context, Poll},
    time::Duration,
};

/// Limit for the body of an answer other than 200.
const ERROR_BODY_LIMIT: usize = 64 * 1024;

/// How long an answer that said its end may take to end its body, too, so that the connection becomes
/// reusable.
const SETTLING: Duration = Duration::from_millis(100);

/// A request on its way out.
pub(super) struct Upload {
    outgoing: Outgoing,
    /// Bytes that remained at the beginning.
    left: usize,
    state: Sending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    UnderWay,
    Done,
    /// The server accepts no more of the request.
    Refused,
}

impl Upload {
    /// Starts with the rest of a request.
    pub(super) fn new(outgoing: Outgoing) -> Self {
        Upload {
            left: outgoing.remaining(),
            outgoing,
            state: Sending::UnderWay,
        }
    }

    /// Sends what the connection accepts now. A server that accepts no more may still say why.
    fn poll(&mut self, cx: &mut Context<'_>, connection: &mut Connection) {
        if self.state == Sending::UnderWay
            && let Poll::Ready(sent) = connection.poll_send(cx, &mut self.outgoing)
        {
            self.state = match sent {
                Ok(()) => Sending::Done,
                Err(_) => Sending::Refused,
            };
        }
    }

    /// Whether the server has accepted nothing of the request, and never will.
    fn is_refused(&self) -> bool {
        self.state == Sending::Refused && self.outgoing.remaining() == self.left
    }

    /// Whether the whole request went out.
    fn is_done(&self) -> bool {
        self.state == Sending::Done
    }
}

/// Why no answer came.
pub(super) enum Silence {
    /// The connection ended before one byte of an answer.
    Unanswered(RequestError),
    Failed(RequestError),
}

/// Why a read brought nothing.
enum NoBytes {
    Closed,
    Broken(io::Error),
    Late(RequestError),
}

pub(super) struct Answer<'a> {
    pub(super) connection: &'a mut Connection,
    upload: &'a mut Upload,
    content: Content,
    watchdog: Watchdog,
    clock: &'a Clock,
    timeouts: &'a Timeouts,
    /// When the request's time limits started.
    sent: Nanos,
    /// Whether data came together with the head and has not been parsed yet.
    fresh: bool,
    /// Whether the connection brings bytes faster than the client reads them.
    flooded: bool,
}

impl<'a> Answer<'a> {
    pub(super) fn new(
        connection: &'a mut Connection,
        upload: &'a mut Upload,
        clock: &'a Clock,
        timeouts: &'a Timeouts,
        sent: Nanos,
    ) -> Self {
        Answer {
            connection,
            upload,
            content: Content::none(),
            watchdog: Watchdog::new(clock.clone()),
            clock,
            timeouts,
            sent,
            fresh: true,
            flooded: false,
        }
    }

    /// Waits for the head of the answer, which may come before the server has the whole request.
    pub(super) async fn head(&mut self, mut head: Head) -> Result<Heading, Silence> {
        let limit = self.limit(None);
        loop {
            match self.receive(limit, |bytes| head.read(bytes)).await {
                Ok(Ok(Some(heading))) => return Ok(heading),
                Ok(Ok(None)) => {}
                Ok(Err(error)) | Err(NoBytes::Late(error)) => return Err(Silence::Failed(error)),
                Err(ended) => {
                    let untouched = self.connection.unread() == 0 && !head.interim;
                    let error = self.unanswered(&ended, untouched);
                    return Err(if untouched {
                        Silence::Unanswered(error)
                    } else {
                        Silence::Failed(error)
                    });
                }
            }
        }
    }

    /// Continues with what follows the head.
    pub(super) fn begin(&mut self, heading: &mut Heading) {
        self.content = std::mem::replace(&mut heading.content, Content::none());
    }

    /// Whether the connection may carry another request: request and answer are complete, and nothing
    /// follows.
    pub(super) fn leaves_reusable(&self) -> bool {
        self.content.is_ended()
            && self.content.keeps_connection()
            && self.upload.is_done()
            && self.connection.unread() == 0
    }

    /// Error for a connection that ended while the head of an answer was due.
    fn unanswered(&self, ended: &NoBytes, untouched: bool) -> RequestError {
        if self.upload.is_refused() {
            return RequestError::Connect {
                message: "the server closed the connection before it took the request".into(),
            };
        }
        match ended {
            NoBytes::Broken(error) => broken(error),
            _ if untouched => RequestError::Truncated {
                message: "the connection was closed before an answer came".into(),
            },
            _ => RequestError::Truncated {
                message: "the connection was closed inside the head of the answer".into(),
            },
        }
    }

    /// Decodes an answer as it arrives. Returns when the answer said its end, if its body has not ended,
    /// too.
    pub(super) async fn decode(
        &mut self,
        decoder: &mut dyn Decode,
        bounds: &Bounds,
        reply: &mut Reply,
    ) -> (Option<Nanos>, Result<(), RequestError>) {
        let reads = self.connection.reads.clone();
        let mut total = 0;
        while !self.content.is_ended() {
            let before = reply.events.len();
            let read = self
                .read(reply.progress.or(reply.events.first_at()), |bytes| {
                    total += bytes.len() as u64;
                    decoder.data(reads.arrived(), bytes, reply)?;
                    bounds.check(reply, decoder.held(), total)
                })
                .await;
            reads.brought_tokens(reply.events.len() - before);
            match read {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return (None, Err(error)),
                // The answer is complete. A missing or damaged rest changes nothing.
                Err(error) if decoder.said_end(reply) && !is_over_all(&error) => {
                    let heard = reply.heard.unwrap_or_else(|| reads.arrived());
                    return (Some(heard), decoder.end(reads.arrived(), reply));
                }
                Err(error) => return (None, Err(error)),
            }
            if reply.done && !self.content.is_ended() {
                let done = reads.arrived();
                return (Some(done), decoder.end(done, reply));
            }
        }
        (None, decoder.end(reads.arrived(), reply))
    }

    /// Waits a little for the end of a body whose content said its own. Returns whether the end came;
    /// `None` if the connection is not reusable anyway.
    pub(super) async fn settle(&mut self) -> Option<bool> {
        if !self.content.keeps_connection() || !self.upload.is_done() {
            return None;
        }
        let until = self.clock.now().after(SETTLING);
        while !self.content.is_ended() {
            let limit = (until, Phase::Total, SETTLING);
            let read = self.read_until(limit, |_| Ok(())).await;
            if !matches!(read, Ok(Ok(()))) {
                return Some(false);
            }
        }
        Some(true)
    }

    /// Error for any other answer, with the start of its body.
    pub(super) async fn refusal(&mut self, heading: &Heading) -> RequestError {
        let mut kept = Vec::new();
        while !self.content.is_ended() && kept.len() < ERROR_BODY_LIMIT {
            let read = self.read(None, |bytes| {
                let room = ERROR_BODY_LIMIT - kept.len();
                kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
                Ok(())
            });
            // The available part of the body says more than how it ended.
            if !matches!(read.await, Ok(Ok(()))) {
                break;
            }
        }
        RequestError::Status {
            status: heading.status,
            body: match (&heading.location, &heading.coding) {
                (Some(location), _) if (300..400).contains(&heading.status) => {
                    super::redirect::told(location)
                }
                (_, Some(coding)) => format!("(a body with {coding})"),
                _ => backend::error_body(&kept),
            },
        }
    }

    /// Passes the content of the next read to `show`.
    async fn read(
        &mut self,
        progress: Option<Nanos>,
        show: impl FnMut(&[u8]) -> Result<(), RequestError>,
    ) -> Result<Result<(), RequestError>, RequestError> {
        self.read_until(self.limit(progress), show).await
    }

    async fn read_until(
        &mut self,
        limit: Limit,
        mut show: impl FnMut(&[u8]) -> Result<(), RequestError>,
    ) -> Result<Result<(), RequestError>, RequestError> {
        let mut content = std::mem::replace(&mut self.content, Content::none());
        let read = if std::mem::take(&mut self.fresh) && self.connection.unread() > 0 {
            let taken = self
                .connection
                .take_unread(|bytes| content.take(bytes, &mut show));
            Ok(taken)
        } else {
            let received = self.receive(limit, |bytes| content.take(bytes, &mut show));
            match received.await {
                Ok(taken) => Ok(taken),
                Err(NoBytes::Closed) => content.close().map(Ok),
                Err(NoBytes::Broken(error)) => Err(broken(&error)),
                Err(NoBytes::Late(error)) => Err(error),
            }
        };
        self.content = content;
        read
    }

    /// Reads once, while the request goes out. `take` gets the unused bytes, and returns how many of them
    /// it used.
    async fn receive<T>(
        &mut self,
        (deadline, phase, limit): Limit,
        mut take: impl FnMut(&[u8]) -> (usize, T),
    ) -> Result<T, NoBytes> {
        self.flooded = self.connection.take_turns().await;
        let (connection, upload) = (&mut *self.connection, &mut *self.upload);
        let (watchdog, flooded) = (&mut self.watchdog, self.flooded);
        poll_fn(|cx| {
            upload.poll(cx, connection);
            let late = || NoBytes::Late(timeout(phase, limit));
            if flooded && watchdog.poll_expired(cx, deadline).is_ready() {
                return Poll::Ready(Err(late()));
            }
            if let Poll::Ready(received) = connection.poll_receive(cx, &mut take) {
                return Poll::Ready(match received {
                    Ok(Some(taken)) => Ok(taken),
                    Ok(None) => Err(NoBytes::Closed),
                    Err(error) => Err(NoBytes::Broken(error)),
                });
            }
            watchdog.poll_expired(cx, deadline).map(|()| Err(late()))
        })
        .await
    }

    /// Nearest deadline, and what it limits. `progress` is when the last tokens came.
    fn limit(&self, progress: Option<Nanos>) -> Limit {
        let (limits, sent) = (self.timeouts, self.sent);
        let total = (sent.after(limits.total), Phase::Total, limits.total);
        let phase = match progress {
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

/// A deadline, the phase that it limits, and the length of the limit.
type Limit = (Nanos, Phase, Duration);

pub(super) fn timeout(phase: Phase, limit: Duration) -> RequestError {
    RequestError::Timeout {
        phase,
        limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
    }
}

/// Whether the time limit of the whole request has passed.
fn is_over_all(error: &RequestError) -> bool {
    matches!(
        error,
        RequestError::Timeout {
            phase: Phase::Total,
            ..
        }
    )
}

/// Error for a connection that failed while an answer was due.
fn broken(error: &io::Error) -> RequestError {
    RequestError::Truncated {
        message: format!("the connection broke: {error}"),
    }
}
