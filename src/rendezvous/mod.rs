//! Where the shards of a run meet, so that they send the same plan and start together.
//!
//! Shard 0 listens. Each of the others comes to it, says what it is about to send, measures how far their clocks are
//! apart, and gets the common start. If one is missing, different or restarted, none of them starts, and each says which
//! one it was. There is no other coordinator, and nothing is said while requests are measured.
//!
//! ```text
//! shard i            shard 0
//!    connect ───────▶          when its server is ready
//!    hello   ───────▶          version, token, shard, plan, settings
//!            ◀─────── welcome  once all are there and agree
//!    ping    ───────▶
//!            ◀─────── pong     several times: the fastest counts
//!    ready   ───────▶          its connections are open
//!            ◀─────── start    a moment soon, by the clock of shard 0
//!    set     ───────▶
//!            ◀─────── go
//! ```

mod apart;
mod follow;
mod lead;
mod listen;
mod message;
mod offset;
#[cfg(test)]
mod tests;

pub(crate) use apart::Apart;
pub(crate) use message::Identity;
#[cfg(any(test, fuzzing))]
pub(crate) use message::fuzzed;
pub(crate) use offset::Offset;

use crate::{shard::Shard, stop::Stop};
use std::{
    fmt,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// From the announcement of the start until the start.
const AHEAD: Duration = Duration::from_secs(2);

/// What a process comes to the rendezvous with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Appointment {
    /// `HOST:PORT` where shard 0 listens.
    pub(crate) place: String,
    /// A text that only the shards of the run know.
    pub(crate) token: Option<String>,
    /// How long to wait for the others, before the plan is known to be the same and again before the start.
    pub(crate) timeout: Duration,
}

impl fmt::Debug for Appointment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appointment")
            .field("place", &self.place)
            .field("token", &self.token.as_ref().map(|_| "***"))
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// The common start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Agreed {
    /// When, on this process's own clock.
    pub(crate) at: Instant,
    /// When, on the system's clock of shard 0, in nanoseconds since 1970.
    pub(crate) wall: u64,
    /// How far this process's clock is from that of shard 0; `None` for shard 0 itself.
    pub(crate) offset: Option<Offset>,
}

/// What the thread of a rendezvous is asked for, one after the other.
enum Step {
    Gather(Identity),
    Start,
}

/// What it answers.
enum Reached {
    Place,
    Together(String),
    Start(Agreed),
}

/// A rendezvous in progress. Dropping it before the start leaves the others, who then do not start either.
#[derive(Debug)]
pub(crate) struct Meeting {
    steps: mpsc::Sender<Step>,
    reached: Receiver<Result<Reached, Apart>>,
}

impl Meeting {
    /// Shard 0 begins to listen; another shard connects to it, and waits for that.
    ///
    /// # Errors
    /// The place is not usable, shard 0 does not come, or the run was stopped.
    pub(crate) fn begin(shard: Shard, with: Appointment, stop: Stop) -> Result<Self, Apart> {
        let (steps, asked) = mpsc::channel(1);
        let (answer, reached) = sync_channel(1);
        let meets = Meets {
            shard,
            with,
            stop,
            asked,
            answer,
        };
        thread::Builder::new()
            .name("goodput rendezvous".to_owned())
            .spawn(move || meets.run())
            .map_err(|e| Apart::why(format!("cannot start the thread of the rendezvous: {e}")))?;
        let meeting = Meeting { steps, reached };
        match meeting.next()? {
            Reached::Place => Ok(meeting),
            _ => Err(Apart::lost()),
        }
    }

    /// Waits until all shards are here and are about to send the same. Returns the name of the run.
    ///
    /// # Errors
    /// One is missing, different or restarted.
    pub(crate) fn gather(&self, identity: Identity) -> Result<String, Apart> {
        match self.ask(Step::Gather(identity))? {
            Reached::Together(run) => Ok(run),
            _ => Err(Apart::lost()),
        }
    }

    /// Waits until all shards are ready, and returns the common start.
    ///
    /// # Errors
    /// One has left, or took too long.
    pub(crate) fn start(&self) -> Result<Agreed, Apart> {
        match self.ask(Step::Start)? {
            Reached::Start(agreed) => Ok(agreed),
            _ => Err(Apart::lost()),
        }
    }

    fn ask(&self, step: Step) -> Result<Reached, Apart> {
        // A thread that has ended has given its reason.
        let _ = self.steps.try_send(step);
        self.next()
    }

    fn next(&self) -> Result<Reached, Apart> {
        self.reached.recv().unwrap_or_else(|_| Err(Apart::lost()))
    }
}

/// The thread of a rendezvous.
struct Meets {
    shard: Shard,
    with: Appointment,
    stop: Stop,
    asked: mpsc::Receiver<Step>,
    answer: SyncSender<Result<Reached, Apart>>,
}

impl Meets {
    fn run(mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let met = match runtime {
            Ok(runtime) => {
                let met = runtime.block_on(async {
                    let stop = self.stop.clone();
                    let all = async {
                        if self.shard.leads() {
                            lead::meet(&mut self).await
                        } else {
                            follow::meet(&mut self).await
                        }
                    };
                    stop.or_ended(all).await
                });
                // A silent resolver must not hold up a run that has ended.
                runtime.shutdown_background();
                met.unwrap_or(Err(Apart::Ended))
            }
            Err(e) => Err(Apart::why(format!(
                "cannot start the runtime of the rendezvous: {e}"
            ))),
        };
        if let Err(apart) = met {
            let _ = self.answer.send(Err(apart));
        }
    }

    fn reached(&self, what: Reached) -> Result<(), Apart> {
        self.answer.send(Ok(what)).map_err(|_| Apart::lost())
    }

    /// What this process is about to send, once it knows.
    async fn identity(&mut self) -> Result<Identity, Apart> {
        match self.asked.recv().await {
            Some(Step::Gather(identity)) => Ok(identity),
            _ => Err(Apart::lost()),
        }
    }

    /// Returns once this process is ready to start.
    async fn ready(asked: &mut mpsc::Receiver<Step>) -> Result<(), Apart> {
        match asked.recv().await {
            Some(Step::Start) => Ok(()),
            _ => Err(Apart::lost()),
        }
    }
}
