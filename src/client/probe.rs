//! Probes: requests outside the plan, which show how long the server makes others wait.
//!
//! vLLM sends a probe, waits for its answer, and sleeps for the interval before the next: a slow server
//! gets fewer probes, so the percentiles hardly show the slow time, and the rate is lower than the one
//! asked for. Here each probe is due at its own time, whatever happened to the earlier ones.

use super::{
    body::Body,
    frontend::Order,
    message::Message,
    request::{Arrival, Job, Stage, finished, run_one},
};
use crate::{
    clock::{Clock, Nanos},
    plan::PlannedRequest,
    record::Record,
    shard::Shard,
};
use std::{convert::Infallible, rc::Rc, time::Duration};
use tokio::{select, task::JoinSet};

/// A request that is sent again and again during a plan.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The request. Its id is the prefix of all probes' ids.
    pub request: PlannedRequest,
    /// Encoded body.
    pub body: Body,
    /// Interval between probes; the first is sent as the schedule starts.
    pub interval: Duration,
}

/// Probes that were sent.
#[derive(Default)]
struct Sent {
    under_way: JoinSet<Record>,
    over: Vec<Record>,
}

impl Probe {
    /// Sends probes from `start` until the work is done, and waits for the last answers. Their times count
    /// from the start.
    pub(super) async fn during<T>(
        &self,
        job: &Rc<Job>,
        start: Nanos,
        work: impl Future<Output = T>,
    ) -> (T, Vec<Record>) {
        let mut sent = Sent::default();
        let done = select! {
            biased;
            done = work => done,
            never = self.send(&job.channel.clock, start, job, &mut sent) => match never {},
        };
        let Sent {
            mut under_way,
            over: mut records,
        } = sent;
        while let Some(probe) = under_way.join_next().await {
            records.push(finished(probe));
        }
        records.sort_unstable_by_key(|record| record.index);
        for record in &mut records {
            record.shift(-start.0.cast_signed());
        }
        (done, records)
    }

    async fn send(
        &self,
        clock: &Clock,
        start: Nanos,
        job: &Rc<Job>,
        sent: &mut Sent,
    ) -> Infallible {
        let (mut index, mut due) = (0, start);
        loop {
            clock.sleep_until(due).await;
            let message = Message {
                id: format!("{}{index}", self.request.id),
                body: self.body.clone(),
            };
            let (dispatched, order) = (clock.now(), Order::alone(index, Shard::WHOLE));
            let stage = Stage::Launched(job.launch(message, order), None);
            let arrival = Arrival::of(&self.request, order, due, dispatched);
            sent.under_way
                .spawn_local(run_one(job.clone(), arrival, stage));
            while let Some(probe) = sent.under_way.try_join_next() {
                sent.over.push(finished(probe));
            }
            (index, due) = (index + 1, due.after(self.interval));
        }
    }
}
