//! A line to the target, on its clock: what sends plans, once the target is ready.

use super::{
    Control,
    checked::Checked,
    compose::Composer,
    prepare::Prepared,
    segments::{Logs, Segments},
    structured::check_answers,
    tokens::count_tokens,
    watch::{Pages, Watch, Watched},
};
use crate::{
    client::{
        Bodies, Body, Conditions, Delivery, Dialer, Driver, Ends, Frontend, Frontends, Start,
    },
    clock::{Clock, Nanos},
    error::Error,
    plan::{self, Plan, Turn},
    run::{Audit, EndReason, Run, Setup, Timestamps, WarmUp},
    shard::Shard,
    targets::Place,
};
use std::{cell::Cell, sync::Arc};

/// A plan with what to send for each of its requests.
pub(super) struct Outgoing {
    pub(super) plan: Arc<Plan>,
    bodies: Vec<Body>,
}

impl Outgoing {
    pub(super) fn of(plan: Arc<Plan>, prepared: &Prepared) -> Self {
        let bodies = prepared.bodies_of(&plan, prepared.shard());
        Outgoing { plan, bodies }
    }
}

/// What a bench sends its plans with.
pub(super) struct Line<'a> {
    bench: &'a Checked,
    pub(super) prepared: &'a Prepared,
    pub(super) control: &'a Control,
    driver: Driver,
    pages: Pages,
    /// The setup of the run, with the first plan.
    setup: Setup,
    /// The number of files and sockets that this process may have open, where sockets are used.
    descriptors: Option<u64>,
    /// The target is in this process, and the wait for it uses its own clock. For others the wait is over already.
    check_ready: bool,
    /// What was sent before the plan.
    warm_up: Cell<Option<WarmUp>>,
    /// The process group of the server, if the bench has started it.
    pub(super) group: Cell<Option<u32>>,
}

impl<'a> Line<'a> {
    /// A line to this place, through a dialer for each frontend.
    pub(super) fn new(
        bench: &'a Checked,
        place: &Place,
        prepared: &'a Prepared,
        control: &'a Control,
        dialers: Vec<Dialer>,
        clock: &Clock,
    ) -> Self {
        Line {
            driver: bench.driver(dialers, clock, prepared, control),
            setup: bench.setup(place, prepared),
            check_ready: bench.client.ready_timeout.is_some()
                && !matches!(place, Place::Endpoint(_)),
            pages: Pages::None,
            descriptors: None,
            warm_up: Cell::new(None),
            group: Cell::new(None),
            bench,
            prepared,
            control,
        }
    }

    /// The same line to a server that reports what it counts itself.
    pub(super) fn watching(self, pages: Pages) -> Self {
        Line { pages, ..self }
    }

    /// The same line over sockets; `descriptors` is how many this process may have open.
    pub(super) fn over_sockets(self, descriptors: Option<u64>) -> Self {
        Line {
            descriptors,
            ..self
        }
    }

    /// Waits until the target is ready, warms it up, and calls `work` with the line and the first plan.
    pub(super) async fn open<T>(
        self,
        work: impl AsyncFnOnce(&Line<'_>, Outgoing) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let bench = self.bench;
        let first = Outgoing::of(self.prepared.plan.clone(), self.prepared);
        if self.check_ready {
            let first = (&*first.plan, &first.bodies[..]);
            bench.until_ready(&self.driver, first, self.control).await?;
        }
        if bench.client.warmups > 0 {
            let rehearsed = self
                .driver
                .rehearse(&first.plan, &first.bodies, bench.client.warmups)
                .await;
            self.warmed_up(&rehearsed);
        }
        if !first.plan.warmup.is_empty() && bench.shard().leads() {
            self.warm_up_by(&first.plan.to_warm_up()).await;
        }
        self.control.go_on("got ready to send")?;
        work(&self, first).await
    }

    /// What may end a segment before its plan is sent.
    pub(super) fn conditions(&self) -> Option<Arc<Conditions>> {
        self.driver.ends.conditions.clone()
    }

    /// Adds requests before the plan. If they fail, the run will show it.
    fn warmed_up(&self, delivery: &Delivery) {
        let failed = delivery.records.iter().filter(|record| !record.ok());
        let before = self.warm_up.get().unwrap_or_default();
        self.warm_up.set(Some(WarmUp {
            requests: before.requests + delivery.records.len(),
            failed: before.failed + failed.count(),
            duration: Nanos(before.duration.0 + delivery.duration.0),
        }));
    }

    /// Sends a plan whose requests count in no number, all at once or as many as may be in flight.
    pub(super) async fn warm_up_by(&self, plan: &Plan) {
        let bodies = self.prepared.bodies_of(plan, Shard::WHOLE);
        let rehearsed = self.driver.aside().drive(plan, &bodies).await;
        self.warmed_up(&rehearsed);
    }

    /// Sends a plan and waits for its last answer: a run of one segment.
    pub(super) async fn send(&self, outgoing: Outgoing) -> Result<Segments, Error> {
        let watch = Watch {
            pages: &self.pages,
            interval: self.bench.sampled_every(),
            group: self.group.get(),
        };
        let Outgoing { plan, bodies } = outgoing;
        let sent = watch.around(&self.driver.clock, self.deliver(&plan, &bodies));
        let sent = sent.await?;
        // Freed after the last answer, before there are numbers to make room for.
        drop(bodies);
        Ok(self.run_of(sent, plan))
    }

    async fn deliver(&self, plan: &Plan, bodies: &[Body]) -> Result<Delivery, Error> {
        let prepared = self.prepared;
        let composer = Composer { prepared, plan };
        let bodies = Bodies {
            ready: bodies,
            later: Some(&composer),
        };
        let mut delivery = match self.bench.client.workers {
            workers @ 2.. if !self.driver.clock.is_virtual() => self
                .driver
                .drive_with(workers, plan, bodies)
                .map_err(Error::io("cannot start the threads of the run"))?,
            _ => self.driver.drive(plan, bodies).await,
        };
        for record in &mut delivery.records {
            count_tokens(record, &self.prepared.tokenizer);
        }
        check_answers(plan, &mut delivery.records);
        Ok(delivery)
    }

    fn run_of(&self, sent: Watched, plan: Arc<Plan>) -> Segments {
        let Watched {
            delivery,
            server,
            server_ttft,
        } = sent;
        let schedule: Vec<Nanos> = plan.requests.iter().map(|request| request.at).collect();
        let run = Run {
            setup: Setup {
                // A run that ended before its plan is as long as what was sent.
                requests: match delivery.ending {
                    Some(ending) if ending.why != EndReason::Plan => delivery.records.len(),
                    _ => plan.share(self.bench.shard()),
                },
                ..self.setup.clone()
            },
            duration: delivery.duration,
            audit: Audit {
                timestamps: if self.driver.clock.is_virtual() {
                    Timestamps::Virtual
                } else if delivery.reads.by_kernel > 0 {
                    Timestamps::Kernel
                } else {
                    Timestamps::Monotonic
                },
                connections: delivery.connections,
                reads: (&delivery.reads).into(),
                watch: delivery.watch.as_ref().map(Into::into),
                descriptors: self.descriptors,
                resolve_ms: delivery.resolved_in.map(|time| time.as_secs_f64() * 1e3),
                server_ttft,
                shard: None,
                shards: Vec::new(),
            },
            partial: delivery.partial,
            ending: delivery.ending,
            steady: None,
            warm_up: self.warm_up.get(),
            rate_changes: plan::rate_changes(&self.bench.load.arrivals(), &schedule),
            server,
            probes: delivery.probes,
            abandoned: delivery.abandoned,
            records: delivery.records,
        };
        let logs = Logs {
            reads: delivery.reads,
            watch: delivery.watch,
        };
        Segments::one(run, logs, plan)
    }
}

/// Where requests go, with a dialer for each.
pub(super) fn frontends(dialers: Vec<Dialer>, prepared: &Prepared) -> Vec<Frontend> {
    let envelopes = prepared.envelopes.iter().cloned();
    let frontends = dialers.into_iter().zip(envelopes);
    frontends
        .map(|(dialer, envelope)| Frontend { dialer, envelope })
        .collect()
}

impl Checked {
    /// The client with the settings of the bench.
    pub(super) fn driver(
        &self,
        dialers: Vec<Dialer>,
        clock: &Clock,
        prepared: &Prepared,
        control: &Control,
    ) -> Driver {
        let shard = self.shard();
        Driver {
            frontends: Frontends::new(frontends(dialers, prepared), self.client.balance),
            clock: clock.clone(),
            backend: prepared.backend.clone(),
            stream: prepared.options.stream,
            timeouts: self.client.timeouts,
            shard,
            start: prepared.party.clone().map(|party| party as Arc<dyn Start>),
            max_concurrency: self.load.max_concurrency.map(|all| shard.of(all)),
            max_sessions: self
                .load
                .max_sessions(&prepared.plan)
                .map(|all| shard.of(all)),
            open_loop: self.load.open_loop(&prepared.plan),
            prewarm: if self.client.prewarm.unwrap_or(!clock.is_virtual()) {
                self.connections(&prepared.plan)
            } else {
                0
            },
            ends: Ends {
                after: self.load.until(),
                conditions: (!self.load.stop_if.is_empty())
                    .then(|| Arc::new(Conditions::new(self.load.stop_if.clone()))),
                grace: self.load.grace,
            },
            stop: control.stop.clone(),
            observer: control.observer.clone(),
            probe: self.probe(prepared),
        }
    }

    /// The number of connections worth opening beforehand.
    fn connections(&self, plan: &Plan) -> usize {
        let first_second = Nanos(1_000_000_000);
        let shard = self.shard();
        let due = plan
            .requests
            .iter()
            .zip(plan.sent_by(shard))
            .filter(|(r, ours)| {
                *ours && r.at <= first_second && r.turn.as_deref().is_none_or(Turn::begins)
            })
            .count();
        let most = self.load.max_concurrency.map(|all| shard.of(all));
        most.map_or(due, |most| most.min(due))
    }
}
