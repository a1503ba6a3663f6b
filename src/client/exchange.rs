//! Exchanges: a request and its answer.

use super::{
    answer::{Answer, Silence, Upload, timeout},
    bounds::Bounds,
    connection::{Connection, Pool},
    frontend::{Claim, Frontends, Order},
    head::{Head, says},
    message::{Envelope, Message, Outgoing},
    timeouts::Timeouts,
    watchdog::Watchdog,
};
use crate::{
    backend::Decode,
    clock::{Clock, Nanos},
    record::{Phase, Reply, RequestError, Timestamps},
};
use bytes::Buf;
use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::pin,
    task::{Context, Poll, Waker},
};
use ureq_proto::client::{Call, state::RecvResponse};

/// What an exchange leaves behind. It is filled while the answer comes in, so that a request that fails or
/// is cancelled keeps the data so far.
#[derive(Debug, Default)]
pub(super) struct Traces {
    pub(super) connected: Option<Nanos>,
    pub(super) head: Option<Nanos>,
    pub(super) status: Option<u16>,
    pub(super) timestamps: Option<Timestamps>,
    /// When the answer said its end, if that came before the end of its body.
    pub(super) ended: Option<Nanos>,
    /// Whether the request was sent again, because its first connection had died.
    pub(super) retried: bool,
    pub(super) reply: Reply,
}

/// A request's place among those in flight.
pub(super) type Slot = tokio::sync::OwnedSemaphorePermit;

/// Takes in the answer of one request.
pub(super) struct Taker<'a> {
    pub(super) bounds: &'a Bounds,
    pub(super) decoder: &'a mut dyn Decode,
    pub(super) traces: &'a mut Traces,
    pub(super) slot: Option<Slot>,
}

/// Parts of a run that all exchanges share.
pub(super) struct Channel {
    pub(super) frontends: Frontends,
    /// Idle connections, for each frontend.
    pub(super) pools: Vec<Pool>,
    /// Whether the last body that stayed open after its content did so until the client stopped waiting.
    pub(super) bodies_stay_open: Cell<bool>,
    pub(super) clock: Clock,
    pub(super) timeouts: Timeouts,
}

/// A request on its way.
pub(super) struct Launch {
    /// When the sending began.
    pub(super) sent: Nanos,
    claim: Claim,
    message: Message,
    outgoing: Outgoing,
    call: Call<RecvResponse>,
    /// Idle connection that it uses, if there was one.
    connection: Option<Connection>,
}

impl Launch {
    /// Size of the request's body in bytes.
    pub(super) fn body_size(&self) -> usize {
        self.message.body.size()
    }

    /// Number of the frontend that it goes to, if there are several.
    pub(super) fn frontend(&self) -> Option<u32> {
        self.claim.named()
    }
}

impl Channel {
    /// Sends as much of a request as an idle connection accepts at once.
    ///
    /// This does not wait, so that the driver itself can do it on time: a separate task would have to wait
    /// for all other tasks that have something to read.
    pub(super) fn launch(&self, message: Message, order: Order) -> Result<Launch, RequestError> {
        let sent = self.clock.now();
        let claim = self.frontends.claim(order);
        let (mut outgoing, call) = self.seal(&message, &claim)?;
        let size = outgoing.remaining();
        let cx = &mut Context::from_waker(Waker::noop());
        let connection = loop {
            let Some(mut idle) = self.pool(&claim).idle() else {
                break None;
            };
            let sending = idle.poll_send(cx, &mut outgoing);
            let refused = matches!(sending, Poll::Ready(Err(_))) && outgoing.remaining() == size;
            // The server closed the connection just now and has read nothing: try the next one.
            if !refused {
                break Some(idle);
            }
        };
        Ok(Launch {
            sent,
            claim,
            message,
            outgoing,
            call,
            connection,
        })
    }

    fn pool(&self, claim: &Claim) -> &Pool {
        &self.pools[claim.frontend()]
    }

    fn envelope(&self, claim: &Claim) -> &Envelope {
        &self.frontends.all[claim.frontend()].envelope
    }

    fn seal(
        &self,
        message: &Message,
        claim: &Claim,
    ) -> Result<(Outgoing, Call<RecvResponse>), RequestError> {
        let sealed = self.envelope(claim).seal(message);
        sealed.map_err(|e| RequestError::Connect {
            message: format!("the request cannot be sent: {e}"),
        })
    }

    /// Sends the rest of a request and reads the answer to its end.
    ///
    /// A server may close an idle connection in the moment in which the client uses it again. A request
    /// that gets no byte of an answer on such a connection is sent once more, on a new one; its time
    /// continues.
    pub(super) async fn exchange(
        &self,
        launch: Box<Launch>,
        mut taker: Taker<'_>,
    ) -> Result<(), RequestError> {
        let taker = &mut taker;
        let Launch {
            sent,
            claim,
            message,
            outgoing,
            call,
            connection,
        } = *launch;
        let claim = &claim;
        if let Some(idle) = connection {
            let sealed = (outgoing, call);
            let first = self.attempt(idle, claim, sealed, sent, taker);
            match first.await {
                Err(Silence::Unanswered(_)) => taker.traces.retried = true,
                Err(Silence::Failed(error)) => return Err(error),
                Ok(()) => return Ok(()),
            }
            let connection = self.connect(claim, sent, taker.traces).await?;
            let sealed = self.seal(&message, claim)?;
            let second = self.attempt(connection, claim, sealed, sent, taker);
            return second
                .await
                .map_err(|silence| self.explained(silence, claim));
        }
        let connection = self.connect(claim, sent, taker.traces).await?;
        let only = self.attempt(connection, claim, (outgoing, call), sent, taker);
        only.await.map_err(|silence| self.explained(silence, claim))
    }

    fn explained(&self, silence: Silence, claim: &Claim) -> RequestError {
        match silence {
            Silence::Unanswered(error) => self.pool(claim).explain(error),
            Silence::Failed(error) => error,
        }
    }

    /// Sends a request on this connection and reads the answer.
    async fn attempt(
        &self,
        mut connection: Connection,
        claim: &Claim,
        (outgoing, call): (Outgoing, Call<RecvResponse>),
        sent: Nanos,
        taker: &mut Taker<'_>,
    ) -> Result<(), Silence> {
        let Taker {
            bounds,
            decoder,
            traces,
            slot,
        } = taker;
        let own_before = connection.reads.own_times();
        let mut upload = Upload::new(outgoing);
        let mut answer = Answer::new(
            &mut connection,
            &mut upload,
            &self.clock,
            &self.timeouts,
            sent,
        );
        let closing = says(&self.envelope(claim).headers, "close");
        let mut heading = answer.head(Head::new(call, closing)).await?;
        answer.begin(&mut heading);
        traces.head = Some(answer.connection.reads.arrived());
        traces.status = Some(heading.status);
        traces.timestamps = Some(answer.connection.reads.timestamps(own_before));
        let outcome = match (heading.status, &heading.coding) {
            (200, Some(coding)) => Err(compressed(coding)),
            (200, None) => {
                let (said_at, decoded) = answer.decode(*decoder, bounds, &mut traces.reply).await;
                traces.timestamps = Some(answer.connection.reads.timestamps(own_before));
                traces.ended = said_at;
                if said_at.is_some() && traces.reply.done {
                    // A server that never ends its bodies must not hold up the following requests.
                    if self.bodies_stay_open.get() {
                        *slot = None;
                    }
                    if let Some(settled) = answer.settle().await {
                        self.bodies_stay_open.set(!settled);
                    }
                }
                decoded
            }
            _ => Err(answer.refusal(&heading).await),
        };
        if answer.leaves_reusable() {
            self.pool(claim).give_back(connection);
        }
        outcome.map_err(Silence::Failed)
    }

    async fn connect(
        &self,
        claim: &Claim,
        since: Nanos,
        traces: &mut Traces,
    ) -> Result<Connection, RequestError> {
        // Boxed, so that requests do not keep the space while they read.
        let connection = Box::pin(self.open(self.pool(claim), since)).await?;
        traces.connected = Some(self.clock.now());
        Ok(connection)
    }

    /// Opens a connection within its own limit, and within the total limit of what began at `since`.
    pub(super) async fn open(&self, pool: &Pool, since: Nanos) -> Result<Connection, RequestError> {
        let limit = self.timeouts.connect.min(self.timeouts.total);
        let all = since.after(self.timeouts.total);
        let until = self.clock.now().after(limit).min(all);
        let mut watchdog = Watchdog::new(self.clock.clone());
        let mut open = pin!(pool.open());
        poll_fn(|cx| {
            if let Poll::Ready(opened) = open.as_mut().poll(cx) {
                return Poll::Ready(opened);
            }
            watchdog
                .poll_expired(cx, until)
                .map(|()| Err(timeout(Phase::Connect, limit)))
        })
        .await
    }
}

/// Error for a compressed answer that nothing asked for. Compression works in blocks, so the times of its
/// tokens would not be the server's.
fn compressed(coding: &str) -> RequestError {
    RequestError::Malformed {
        message: format!(
            "the answer is compressed ({coding}), although the request says accept-encoding: identity. \
             Turn compression off in the server, or in the proxy in front"
        ),
    }
}
