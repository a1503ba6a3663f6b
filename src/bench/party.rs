//! The processes that send a run together, as one of them sees them.

use super::{
    control::Control,
    parts::{Sharding, Together},
};
use crate::{
    client::Start,
    clock::{Clock, Nanos},
    error::Error,
    plan::Plan,
    rendezvous::{Agreed, Apart, Appointment, Identity, Meeting},
    run::ShardStart,
    shard::Shard,
};
use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// How long a process that was started again tries to tell shard 0.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The processes that send a run together, as one of them sees them.
pub(super) struct Party {
    sharding: Sharding,
    meeting: Mutex<Option<Meeting>>,
    /// The start, or why there is none.
    started: Mutex<Option<Result<Agreed, Apart>>>,
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Party")
            .field("sharding", &self.sharding)
            .finish_non_exhaustive()
    }
}

/// The run as it is known before it starts.
pub(super) struct Gathered {
    /// Name of the run.
    run: String,
    /// Requests of the whole plan.
    planned: usize,
}

impl Party {
    pub(super) fn new(sharding: Sharding) -> Self {
        Party {
            sharding,
            meeting: Mutex::new(None),
            started: Mutex::new(None),
        }
    }

    /// The part of the plan that this process sends.
    pub(super) fn shard(&self) -> Shard {
        self.sharding.shard
    }

    /// Whether this process does what is done once for a run.
    pub(super) fn leads(&self) -> bool {
        self.sharding.shard.leads()
    }

    /// Comes to the rendezvous, if there is one: shard 0 when its server is ready, the others before they ask it for
    /// anything.
    pub(super) fn come(&self, control: &Control) -> Result<(), Error> {
        if let Some(restarted) = &self.sharding.restarted {
            return Err(apart(self.refuse(restarted, control)));
        }
        if let Together::Rendezvous(appointment) = &self.sharding.start {
            control.observer.says(&format!(
                "shard {} {} {}",
                self.sharding.shard,
                if self.leads() {
                    "waits for the others at"
                } else {
                    "comes to"
                },
                appointment.place
            ));
            let stop = control.stop.clone();
            let meeting = Meeting::begin(self.sharding.shard, appointment.clone(), stop);
            *lock(&self.meeting) = Some(meeting.map_err(apart)?);
        }
        Ok(())
    }

    /// A process that was started again may have sent its part before. It tries to let the others know.
    fn refuse(&self, restarted: &str, control: &Control) -> Apart {
        if let (Together::Rendezvous(appointment), false) = (&self.sharding.start, self.leads()) {
            let appointment = Appointment {
                timeout: appointment.timeout.min(LAST_WORDS),
                ..appointment.clone()
            };
            let stop = control.stop.clone();
            let identity = self.identity(String::new(), String::new());
            let told = Meeting::begin(self.sharding.shard, appointment, stop)
                .and_then(|meeting| meeting.gather(identity));
            if told == Err(Apart::Ended) {
                return Apart::Ended;
            }
        }
        Apart::why(format!(
            "shard {} was started again ({restarted}), so its part may have been sent before. Submit the job anew, with \
             `--no-requeue`",
            self.sharding.shard
        ))
    }

    fn identity(&self, plan: String, settings: String) -> Identity {
        Identity {
            plan,
            settings,
            host: self.sharding.host.clone(),
            restarted: self.sharding.restarted.clone(),
        }
    }

    /// Waits until all shards are about to send the same.
    pub(super) fn gather(&self, plan: &Plan, settings: String) -> Result<Gathered, Error> {
        let (planned, plan) = (plan.requests.len(), plan.hash());
        let run = match (&*lock(&self.meeting), &self.sharding.start) {
            (Some(meeting), _) => {
                let identity = self.identity(plan, settings);
                meeting.gather(identity).map_err(apart)?
            }
            // Shards without a rendezvous are of one run if they start at the same time with the same plan.
            (None, Together::At(at)) => format!("{}-{plan}", since_1970(*at)),
            (None, _) => plan,
        };
        Ok(Gathered { run, planned })
    }

    /// How the run started.
    ///
    /// # Errors
    /// The shards did not start together, so nothing was sent.
    pub(super) fn started(&self, gathered: Gathered) -> Result<Option<ShardStart>, Error> {
        let Some(started) = lock(&self.started).clone() else {
            // The run was stopped before.
            return Ok(None);
        };
        let agreed = started.map_err(apart)?;
        let bound = agreed.offset.map(|offset| offset.bound);
        let bound = match self.sharding.start {
            Together::At(_) => None,
            _ => Some(bound.unwrap_or_default()),
        };
        let clock_ms = match &self.sharding.start {
            Together::Rendezvous(_) => ahead_ms(agreed),
            _ => None,
        };
        Ok(Some(ShardStart {
            shard: self.sharding.shard,
            run: gathered.run,
            planned: gathered.planned,
            host: self.sharding.host.clone(),
            at: agreed.wall,
            bound_ms: bound.map(|bound| bound.as_secs_f64() * 1e3),
            clock_ms,
        }))
    }

    fn agreed(&self) -> Result<Agreed, Apart> {
        match &self.sharding.start {
            Together::Alone => Ok(Agreed {
                at: Instant::now(),
                wall: since_1970(SystemTime::now()),
                offset: None,
            }),
            Together::At(at) => match at.duration_since(SystemTime::now()) {
                Ok(left) => Ok(Agreed {
                    at: Instant::now() + left,
                    wall: since_1970(*at),
                    offset: None,
                }),
                Err(past) => Err(Apart::why(format!(
                    "shard {} was ready {:.3} s after the start. Choose a later --start-at",
                    self.sharding.shard,
                    past.duration().as_secs_f64()
                ))),
            },
            Together::Rendezvous(_) => match lock(&self.meeting).take() {
                Some(meeting) => meeting.start(),
                None => Err(Apart::why("a shard sends its plan once")),
            },
        }
    }
}

impl Start for Party {
    fn agree(&self, clock: &Clock) -> Option<Nanos> {
        let mut agreed = self.agreed();
        let now = Instant::now();
        if let Ok(start) = &agreed
            && start.at < now
            && self.sharding.start != Together::Alone
        {
            agreed = Err(Apart::why(format!(
                "shard {} heard of the start {:.3} s too late",
                self.sharding.shard,
                (now - start.at).as_secs_f64()
            )));
        }
        let at = agreed.as_ref().ok().map(|agreed| agreed.at);
        *lock(&self.started) = Some(agreed);
        at.map(|at| clock.now().after(at.saturating_duration_since(now)))
    }
}

/// How far the system's clock here is ahead of that of shard 0, ms.
fn ahead_ms(agreed: Agreed) -> Option<f64> {
    let now = (Instant::now(), since_1970(SystemTime::now()));
    // The start is over by now, unless the run was stopped before it.
    let here = i128::from(now.1) - i128::try_from((now.0 - agreed.at).as_nanos()).ok()?;
    Some((here - i128::from(agreed.wall)) as f64 / 1e6)
}

fn since_1970(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn apart(why: Apart) -> Error {
    match why {
        Apart::Ended => Error::ended("waited for the other shards"),
        Apart::Why(why) => Error::Shards(why),
    }
}

fn lock<T>(value: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
