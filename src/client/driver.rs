//! Sends a plan: open loop on its schedule, closed loop as slots become free.

use super::{
    arrivals::Reader,
    body::Body,
    closing::{Closing, Ends},
    compose::Bodies,
    connection::Pool,
    delivery::Delivery,
    exchange::{Channel, Slot},
    frontend::{Frontends, Order},
    message::Message,
    probe::Probe,
    request::{Arrival, Job, Stage, finished, run_one},
    share::{Place, Share, StartLine},
    start::Start,
    timeouts::Timeouts,
    watch::watch,
};
use crate::{
    backend::Backend,
    clock::{Clock, Nanos},
    observer::{Observer, Silent},
    plan::{Plan, PlannedRequest},
    record::Record,
    run::EndReason,
    shard::Shard,
    stop::Stop,
};
use std::{cell::Cell, rc::Rc, sync::Arc, time::Duration};
use tokio::{select, sync::Semaphore, task::JoinSet};

/// Settings and resources for sending a plan.
#[derive(Clone)]
pub struct Driver {
    /// Where requests go.
    pub frontends: Frontends,
    /// Real or virtual time.
    pub clock: Clock,
    /// Wire dialect.
    pub backend: Arc<dyn Backend>,
    /// Whether to ask for streamed answers.
    pub stream: bool,
    /// Time limits of each request.
    pub timeouts: Timeouts,
    /// Part of each plan that is sent.
    pub shard: Shard,
    /// How processes that send one plan agree on its start; a process that sends alone starts at once.
    pub start: Option<Arc<dyn Start>>,
    /// Maximum number of requests in flight, of this process.
    pub max_concurrency: Option<usize>,
    /// Maximum number of sessions of this process that have begun and not ended, for plans of sessions.
    pub max_sessions: Option<usize>,
    /// Whether requests keep to the plan's times; otherwise they go as soon as there is a slot.
    pub open_loop: bool,
    /// Number of connections to open before the first request.
    pub prewarm: usize,
    /// What may end the run before its plan.
    pub ends: Ends,
    /// Stops the run early.
    pub stop: Stop,
    /// Receives the progress.
    pub observer: Arc<dyn Observer>,
    /// Probes to send during the plan.
    pub probe: Option<Probe>,
}

impl Driver {
    /// Sends every request of the shard's part of the plan and waits for the answers.
    ///
    /// `bodies` has the encoded form of each request, in the plan's order. Times in the records count from the
    /// start of the schedule, which is when the connections of `prewarm` are open. Must run inside
    /// one of the runtimes of [`clock`](crate::clock).
    pub async fn drive<'a>(&self, plan: &Plan, bodies: impl Into<Bodies<'a>>) -> Delivery {
        let line = StartLine::new(1, self.start.as_deref());
        let share = Share::alone(self.shard);
        self.drive_share(plan, bodies.into(), share, line.place())
            .await
    }

    pub(super) async fn drive_share(
        &self,
        plan: &Plan,
        bodies: Bodies<'_>,
        share: Share,
        place: Place<'_>,
    ) -> Delivery {
        let reader = Rc::new(Reader::new(self.clock.clone()));
        let slots = self.max_concurrency;
        let slots = slots.map(|all| Arc::new(Semaphore::new(share.of(all))));
        let (late, stop) = self.stop.clone().for_late();
        let job = self.job(reader.clone(), slots, self.observer.clone(), stop);
        // A stopped run needs no connections.
        self.stop
            .or_ended(self.warm_connections(&job.channel, share.of(self.prewarm)))
            .await;

        // Another worker that did not start reports why.
        let Some(start) = place.wait(&self.clock) else {
            return Delivery::default();
        };
        if self.start.is_some() {
            self.stop.or_ended(self.clock.sleep_until(start)).await;
        }
        let closing = Closing::new(&self.ends, &self.clock, start, late);
        let sending = async {
            let delivery = if plan.has_sessions() {
                self.send_sessions(plan, bodies, share, start, &job, closing)
                    .await
            } else {
                self.send(plan, bodies.ready, share, start, &job, closing)
                    .await
            };
            self.delivered(delivery, start)
        };
        let sending = watch(&self.clock, sending);
        let ((delivery, watch), probes) = match &self.probe {
            Some(probe) if share.worker == 0 => {
                // Probes have their own connections and no observer.
                let reader = Rc::new(Reader::new(self.clock.clone()));
                let job = self.job(reader, None, Arc::new(Silent), self.stop.clone());
                probe.during(&job, start, sending).await
            }
            _ => (sending.await, Vec::new()),
        };
        Delivery {
            probes,
            connections: job.channel.pools.iter().map(Pool::opened).sum(),
            reads: reader.log(),
            watch,
            resolved_in: self.resolved_in(),
            ..delivery
        }
    }

    /// Creates a job with its own connections.
    fn job(
        &self,
        reader: Rc<Reader>,
        slots: Option<Arc<Semaphore>>,
        observer: Arc<dyn Observer>,
        stop: Stop,
    ) -> Rc<Job> {
        let pools = self.frontends.all.iter();
        let pools = pools.map(|frontend| Pool::new(frontend.dialer.clone(), reader.clone()));
        Rc::new(Job {
            channel: Rc::new(Channel {
                pools: pools.collect(),
                frontends: self.frontends.clone(),
                bodies_stay_open: Cell::new(false),
                clock: self.clock.clone(),
                timeouts: self.timeouts,
            }),
            backend: self.backend.clone(),
            stream: self.stream,
            slots,
            stop,
            conditions: self.ends.conditions.clone(),
            observer,
        })
    }

    /// The longest time to resolve a name of the target.
    fn resolved_in(&self) -> Option<Duration> {
        let frontends = self.frontends.all.iter();
        frontends
            .filter_map(|frontend| frontend.dialer.resolved_in())
            .max()
    }

    /// Puts the records into the plan's order and counts their times from the start of the schedule.
    fn delivered(&self, mut delivery: Delivery, start: Nanos) -> Delivery {
        let records = &mut delivery.records;
        // In place: the copy of a stable sort would be the largest memory of a run.
        records.sort_unstable_by_key(|record: &Record| record.index);
        for record in &mut *records {
            record.shift(-start.0.cast_signed());
        }
        // Requests may end before the last wait does.
        let ended = records.iter().map(|record| record.end).max();
        Delivery {
            started: start,
            duration: ended.unwrap_or(Nanos(self.clock.now().0 - start.0)),
            partial: delivery.partial | self.stop.is_requested(),
            ..delivery
        }
    }

    async fn send(
        &self,
        plan: &Plan,
        bodies: &[Body],
        share: Share,
        start: Nanos,
        job: &Rc<Job>,
        closing: Closing<'_>,
    ) -> Delivery {
        let mut tasks = JoinSet::new();
        let mut records = Vec::with_capacity(share.of(self.shard.of(plan.requests.len())));
        let mut partial = false;
        let mut stop = self.stop.clone();
        let mut why = EndReason::Plan;
        let requests = plan.requests.iter().zip(bodies).enumerate();
        for (index, (request, body)) in requests.filter(|(index, _)| share.has(*index)) {
            let turn = self.turn(request, start, job);
            let (intended, slot) = select! {
                biased;
                () = stop.requested() => {
                    partial = true;
                    break;
                }
                over = closing.over() => {
                    why = over;
                    break;
                }
                turn = turn => turn,
            };
            // Without a schedule all requests wait from the start.
            let dispatched = if self.open_loop {
                self.clock.now()
            } else {
                start
            };
            let slot = slot.or_else(|| job.free_slot());
            let order = Order::alone(index, self.shard);
            let message = Message {
                id: request.id.clone(),
                body: body.clone(),
            };
            // A request that is due is written here, before its task exists: a new task would wait behind those that read.
            let stage = match &job.slots {
                Some(slots) if slot.is_none() => Stage::Queued(message, slots.clone()),
                _ => Stage::Launched(job.launch(message, order), slot),
            };
            let arrival =
                Arrival::of(request, order, intended, dispatched).with_input(plan.input(index));
            tasks.spawn_local(run_one(job.clone(), arrival, stage));
            while let Some(done) = tasks.try_join_next() {
                records.push(finished(done));
            }
        }
        let ended = |record| records.push(record);
        let ending = closing.drain(why, &mut tasks, ended).await;
        Delivery {
            records,
            partial,
            ending,
            ..Delivery::default()
        }
    }

    /// Sends the plan's first request `copies` times at once, without telling the observer: a ready check
    /// or a warm-up. `max_concurrency` applies here, too.
    pub async fn rehearse(&self, plan: &Plan, bodies: &[Body], copies: usize) -> Delivery {
        // Only the measured request has this id.
        let nameless = plan.requests.first().map(|first| PlannedRequest {
            id: String::new(),
            turn: None,
            ..first.clone()
        });
        let rehearsal = Plan {
            timed: false,
            salt: None,
            warmup: Vec::new(),
            requests: nameless.into_iter().cycle().take(copies).collect(),
            notes: Vec::new(),
        };
        let bodies: Vec<Body> = bodies
            .iter()
            .take(1)
            .cycle()
            .take(copies)
            .cloned()
            .collect();
        self.aside().drive(&rehearsal, &bodies).await
    }

    /// A driver of requests that count in no number: without an observer, without a schedule, and for whole plans.
    pub fn aside(&self) -> Driver {
        Driver {
            open_loop: false,
            prewarm: 0,
            observer: Arc::new(Silent),
            probe: None,
            ends: Ends::default(),
            shard: Shard::WHOLE,
            start: None,
            ..self.clone()
        }
    }

    /// Waits until a request may be taken up: its time in open loop, a free slot otherwise.
    async fn turn(
        &self,
        request: &PlannedRequest,
        start: Nanos,
        job: &Job,
    ) -> (Nanos, Option<Slot>) {
        if self.open_loop {
            let intended = Nanos(start.0 + request.at.0);
            self.clock.sleep_until(intended).await;
            return (intended, None);
        }
        let slot = match &job.slots {
            Some(slots) => slots.clone().acquire_owned().await.ok(),
            None => None,
        };
        (self.clock.now(), slot)
    }

    async fn warm_connections(&self, channel: &Channel, count: usize) {
        let pools = || channel.pools.iter().cycle().take(count);
        let opened = pools().map(|pool| channel.open(pool, self.clock.now()));
        // If a connection cannot be opened now, the request that needs it tries again.
        let opened = futures_util::future::join_all(opened).await;
        for (pool, connection) in pools().zip(opened) {
            if let Ok(connection) = connection {
                pool.give_back(connection);
            }
        }
    }
}
