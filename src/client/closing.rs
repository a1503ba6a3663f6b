//! When a driver sends nothing more although its plan may have more, and how long it then waits for answers.

use super::{conditions::Conditions, request::finished};
use crate::{
    clock::{Clock, Nanos},
    record::{Record, RequestError},
    run::{EndReason, Ending},
    stop::Stopper,
};
use std::{future::pending, sync::Arc, time::Duration};
use tokio::{select, task::JoinSet};

/// How long answers are waited for after a state of the run has ended it.
const GRACE: Duration = Duration::from_secs(30);

/// What may end a run before its plan.
#[derive(Debug, Clone, Default)]
pub struct Ends {
    /// How long requests are sent.
    pub after: Option<Duration>,
    /// States of the run in which nothing more is sent.
    pub conditions: Option<Arc<Conditions>>,
    /// How long answers are waited for once nothing more is sent.
    pub grace: Option<Duration>,
}

/// The end of a run that is under way.
pub(super) struct Closing<'a> {
    ends: &'a Ends,
    clock: &'a Clock,
    start: Nanos,
    /// Gives up what is under way.
    late: Stopper,
}

impl<'a> Closing<'a> {
    pub(super) fn new(ends: &'a Ends, clock: &'a Clock, start: Nanos, late: Stopper) -> Self {
        Closing {
            ends,
            clock,
            start,
            late,
        }
    }

    /// Returns once nothing more is to be sent; never if only the plan ends the run.
    pub(super) async fn over(&self) -> EndReason {
        let time = async {
            match self.ends.after {
                Some(after) => self.clock.sleep_until(self.start.after(after)).await,
                None => pending().await,
            }
        };
        let state = async {
            match &self.ends.conditions {
                Some(conditions) => conditions.held().await,
                None => pending().await,
            }
        };
        select! {
            biased;
            why = state => why,
            () = time => EndReason::Time,
        }
    }

    /// Waits for the answers that are under way, as long as the grace period allows, and hands each on.
    pub(super) async fn drain(
        self,
        why: EndReason,
        tasks: &mut JoinSet<Record>,
        mut ended: impl FnMut(Record),
    ) -> Option<Ending> {
        let at = Nanos(self.clock.now().0.saturating_sub(self.start.0));
        let early = why.is_state() || why == EndReason::Decided;
        let grace = self.ends.grace.or(early.then_some(GRACE));
        let until = grace.map(|grace| self.clock.now().after(grace));
        let mut waits = true;
        let mut given_up = 0;
        loop {
            let grace_is_over = async {
                match until {
                    Some(until) if waits => self.clock.sleep_until(until).await,
                    _ => pending().await,
                }
            };
            select! {
                biased;
                done = tasks.join_next() => {
                    let Some(done) = done else { break };
                    let record = finished(done);
                    given_up += usize::from(!waits && record.error == Some(RequestError::Cancelled));
                    ended(record);
                }
                () = grace_is_over => {
                    waits = false;
                    self.late.stop();
                }
            }
        }
        let Ends {
            after,
            conditions,
            grace,
        } = self.ends;
        let told = after.is_some() || conditions.is_some() || grace.is_some();
        told.then_some(Ending { why, at, given_up })
    }
}
