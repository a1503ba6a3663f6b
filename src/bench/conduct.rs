//! Runs a bench: target → plan → drive → measure → judge.

use super::{Bench, extend::Delivered, prepare::Prepared, profile::Profiler};
use crate::{
    baseline::{Gate, Ready},
    client::{
        Dialer, Driver, Observer, Silent, Stop, TlsSettings, make_room, raise_descriptor_limit,
    },
    clock::{Clock, Nanos, on_paused_time, on_real_time, on_virtual_time},
    error::{Error, Problem},
    inspect::Inspector,
    judge::Criteria,
    lock::MeasurementLock,
    plan::Plan,
    record::{CountSource, Record, TokenCount},
    report::Report,
    run::{Audit, ReadAudit, Run, Setup, Task, Timestamps, WatchAudit},
    sim::InProcess,
    target::{AnyTarget, Endpoint, Opened, Origin, Place, TargetError},
};
use bytes::Bytes;
use std::{collections::BTreeMap, io, net::Ipv4Addr, sync::Arc, time::Duration};
use tokio::sync::oneshot;

/// How a run is watched and ended from outside.
#[derive(Clone)]
pub struct Control {
    /// Ends the run early.
    pub stop: Stop,
    /// Hears of its progress.
    pub observer: Arc<dyn Observer>,
}

impl Default for Control {
    fn default() -> Self {
        Control {
            stop: Stop::never(),
            observer: Arc::new(Silent),
        }
    }
}

/// What is sent, how it is watched, and whether it is enough.
pub(super) struct Drive<'a> {
    prepared: &'a Prepared,
    control: &'a Control,
    goes_on: &'a dyn Fn(&Delivered) -> bool,
    /// Asks the server for its own count before and after.
    inspector: Option<&'a Inspector>,
    /// On while requests are measured.
    profiler: Option<&'a Profiler<'a>>,
}

impl<'a> Drive<'a> {
    /// The plan, once.
    pub(super) fn once(prepared: &'a Prepared, control: &'a Control) -> Self {
        Drive {
            prepared,
            control,
            goes_on: &|_| false,
            inspector: None,
            profiler: None,
        }
    }
}

impl Bench {
    /// Runs the bench and waits for the report.
    ///
    /// # Errors
    /// There is nothing to report: settings, dataset, tokenizer or target are unusable. Requests
    /// that fail are no error; they are in the report.
    pub async fn run(self) -> Result<Report, Error> {
        let (done, report) = oneshot::channel();
        let thread = self.spawn(Control::default(), move |report| {
            // The caller may have gone away; then nobody wants the report.
            let _ = done.send(report);
        })?;
        match report.await {
            Ok(report) => report,
            Err(_) => match thread.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => Err(Error::Target("the run ended without a report".into())),
            },
        }
    }

    /// [`run`](Bench::run) for callers without a runtime.
    ///
    /// # Errors
    /// As [`run`](Bench::run).
    pub fn run_blocking(self) -> Result<Report, Error> {
        self.run_with(Control::default())
    }

    /// [`run_blocking`](Bench::run_blocking), watched and ended from outside.
    ///
    /// # Errors
    /// As [`run`](Bench::run).
    pub fn run_with(self, control: Control) -> Result<Report, Error> {
        let (done, report) = std::sync::mpsc::sync_channel(1);
        let thread = self.spawn(control, move |report| {
            let _ = done.send(report);
        })?;
        match report.recv() {
            Ok(report) => report,
            Err(_) => match thread.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => Err(Error::Target("the run ended without a report".into())),
            },
        }
    }

    /// A run has a thread of its own: the clock, virtual or real, must not be shared with anything.
    fn spawn(
        self,
        control: Control,
        done: impl FnOnce(Result<Report, Error>) + Send + 'static,
    ) -> Result<std::thread::JoinHandle<()>, Error> {
        std::thread::Builder::new()
            .name(format!("goodput {}", self.name))
            .spawn(move || done(self.conduct(&control)))
            .map_err(Error::io("cannot start the measuring thread"))
    }

    fn conduct(self, control: &Control) -> Result<Report, Error> {
        self.check()?;
        let target = self.chosen_target();
        if let Some(versus) = &self.versus {
            return self.conduct_versus(versus, control);
        }
        let _lock = self.lock_for(&[&target])?;
        let opened = opened(&target)?;
        let prepared = Prepared::new(&self, &opened.place)?;
        let to_run = |delivered: Delivered| {
            self.to_run(&opened.place, target.describe(), &prepared, delivered)
        };
        let gate = self.gate(
            &opened.place,
            &prepared,
            &target.describe(),
            target.has_metrics(),
        )?;
        let drive = Drive {
            prepared: &prepared,
            control,
            goes_on: &|delivered| self.goes_on(delivered, || to_run(delivered.clone())),
            inspector: None,
            profiler: None,
        };
        let mut delivered = self.deliver(&opened.place, &drive)?;
        let segments = delivered.segments();
        let notes = prepared.plan.notes.iter().cloned();
        let notes = notes.chain(delivered.remark.take()).collect();
        let run = to_run(delivered);
        let complaint = opened.guard.and_then(|guard| guard.close().err());
        let planned = prepared.plan.requests.len();
        let mut report = self.judge(run, segments, notes, complaint);
        if let Some(gate) = gate {
            gate.close(&mut report, planned);
        }
        Ok(report)
    }

    /// What the run is held against and kept as, with what its server says of itself.
    fn gate(
        &self,
        place: &Place,
        prepared: &Prepared,
        target: &str,
        talks: bool,
    ) -> Result<Option<Gate>, Error> {
        let ready = Ready {
            plan: &prepared.plan,
            backend: prepared.backend.name(),
            model: &prepared.model,
            tokenizer: prepared.tokenizer.name(),
            target,
        };
        Gate::open(self, place, &ready, || match place {
            Place::Endpoint(endpoint) if talks => Inspector::new(endpoint, self.insecure)
                .map(|inspector| inspector.about(&prepared.model, &prepared.envelope.headers))
                .unwrap_or_default(),
            _ => BTreeMap::new(),
        })
    }

    /// Keeps other benches away while these targets are measured.
    pub(super) fn lock_for(
        &self,
        targets: &[&AnyTarget],
    ) -> Result<Option<MeasurementLock>, Error> {
        let exclusive = targets.iter().any(|target| target.exclusive());
        (self.exclusive && exclusive)
            .then(|| MeasurementLock::acquire(&self.name))
            .transpose()
            .map_err(Error::io(
                "cannot take the measurement lock in the temporary folder",
            ))
    }

    /// Starts the right clock and drives the plan on it.
    pub(super) fn deliver(&self, place: &Place, drive: &Drive<'_>) -> Result<Delivered, Error> {
        if self.profile && !matches!(place, Place::Endpoint(_)) {
            let fix = "needs a server with an address, which has a profiler. Leave it out";
            return Err(Error::Invalid(vec![Problem::new("profile", true, fix)]));
        }
        match place {
            Place::Simulation(simulation) if !simulation.real_time() => {
                let server = drive.prepared.simulated(simulation)?;
                started(on_virtual_time(async |clock| {
                    let server = InProcess::new(server, clock.clone());
                    let dialer = Dialer::in_process(server);
                    self.drive(dialer, clock, drive).await
                }))
            }
            Place::Simulation(simulation) => {
                let listening = drive
                    .prepared
                    .simulated(simulation)?
                    .listen((Ipv4Addr::LOCALHOST, 0))
                    .map_err(Error::io("the simulation cannot listen on 127.0.0.1"))?;
                let origin = Origin::parse(&listening.url()).map_err(Error::Target)?;
                self.deliver_to(&Endpoint::Url(origin), drive)
            }
            Place::Service(service) => {
                let work = async |clock| {
                    let dialer = Dialer::in_process(InProcess::serving(service.serve()));
                    self.drive(dialer, clock, drive).await
                };
                started(match service.is_on_virtual_time() {
                    true => on_paused_time(work),
                    false => on_real_time(work),
                })
            }
            Place::Endpoint(endpoint) => self.deliver_to(endpoint, drive),
        }
    }

    fn deliver_to(&self, endpoint: &Endpoint, drive: &Drive<'_>) -> Result<Delivered, Error> {
        let descriptors = raise_descriptor_limit();
        make_room(
            self.requests
                .min(self.max_concurrency.unwrap_or(usize::MAX)),
        );
        // What it is asked for is the time to the first token.
        let generates = drive.prepared.backend.task() == Task::Generate;
        let inspector = (generates && self.chosen_target().has_metrics())
            .then(|| Inspector::new(endpoint, self.insecure).ok())
            .flatten();
        let headers = &drive.prepared.envelope.headers;
        let profiler = self
            .profile
            .then(|| Profiler::new(endpoint, self.insecure, headers))
            .transpose()?;
        let drive = Drive {
            inspector: inspector.as_ref(),
            profiler: profiler.as_ref(),
            ..*drive
        };
        let mut delivered = started(on_real_time(async |clock| {
            let tls = TlsSettings {
                insecure: self.insecure,
            };
            let dialer = Dialer::new(endpoint, &tls).await?;
            if self.ready_timeout.is_none() {
                dialer.probe(&clock, self.timeouts.connect).await?;
            }
            self.drive(dialer, clock, &drive).await
        }))?;
        delivered.delivery.descriptors = descriptors;
        Ok(delivered)
    }

    /// Ready check, warm-up, run, and further segments as long as it goes on.
    async fn drive(
        &self,
        dialer: Dialer,
        clock: Clock,
        drive: &Drive<'_>,
    ) -> Result<Delivered, Error> {
        let Drive {
            prepared,
            control,
            goes_on,
            inspector,
            profiler,
        } = drive;
        let driver = Driver {
            dialer,
            clock: clock.clone(),
            envelope: prepared.envelope.clone(),
            backend: prepared.backend.clone(),
            stream: prepared.options.stream,
            timeouts: self.timeouts,
            max_concurrency: self.max_concurrency,
            open_loop: self.open_loop(),
            prewarm: match self.prewarm.unwrap_or(!clock.is_virtual()) {
                true => self.connections(&prepared.plan),
                false => 0,
            },
            stop: control.stop.clone(),
            observer: control.observer.clone(),
        };
        // Gone with the last answer, before there are numbers to make room for.
        let bodies = prepared.bodies_of(&prepared.plan);
        if let Some(limit) = self.ready_timeout {
            let first = (&*prepared.plan, &bodies[..]);
            self.wait_until_ready(&driver, first, limit).await?;
        }
        if self.warmups > 0 {
            // Failures of warm-ups are the run's to show.
            driver.rehearse(&prepared.plan, &bodies, self.warmups).await;
        }
        let send = async |plan: &Plan, bodies: &[Bytes]| match self.workers {
            2.. if !clock.is_virtual() => driver
                .drive_with(self.workers, plan, bodies)
                .map_err(Error::io("cannot start the threads of the run")),
            _ => Ok(driver.drive(plan, bodies).await),
        };
        let counted = || inspector.and_then(Inspector::ttft_counted);
        let before = counted();
        profiler.map_or(Ok(()), Profiler::start)?;
        let first = send(&prepared.plan, &bodies).await?;
        let mut delivered = Delivered::new(first, prepared.plan.clone());
        while goes_on(&delivered) {
            let plan = self.plan_of_segment(delivered.segments(), prepared)?;
            let next = send(&plan, &prepared.bodies_of(&plan)).await?;
            delivered.append(next, Arc::new(plan));
        }
        delivered.remark = profiler.and_then(Profiler::stop);
        delivered.delivery.server_ttft = before.and_then(|before| counted()?.since(before));
        Ok(delivered)
    }

    async fn wait_until_ready(
        &self,
        driver: &Driver,
        (plan, bodies): (&Plan, &[Bytes]),
        limit: Duration,
    ) -> Result<(), Error> {
        let deadline = driver.clock.now().after(limit);
        loop {
            let attempt = driver.rehearse(plan, bodies, 1).await;
            let error = attempt.records.into_iter().find_map(|record| record.error);
            let now = driver.clock.now();
            match error {
                None => return Ok(()),
                Some(error) if now >= deadline || driver.stop.is_requested() => {
                    return Err(Error::Target(format!(
                        "the server was not ready within {} s; the last attempt: {error}",
                        limit.as_secs()
                    )));
                }
                Some(_) => {
                    driver
                        .clock
                        .sleep_until(now.after(Duration::from_secs(1)))
                        .await
                }
            }
        }
    }

    /// Connections worth opening beforehand.
    fn connections(&self, plan: &Plan) -> usize {
        let first_second = Nanos(1_000_000_000);
        let due = plan
            .requests
            .iter()
            .filter(|r| r.at <= first_second)
            .count();
        self.max_concurrency.map_or(due, |most| most.min(due))
    }

    pub(super) fn to_run(
        &self,
        place: &Place,
        target: String,
        prepared: &Prepared,
        delivered: Delivered,
    ) -> Run {
        let (requests, plan_hash) = (delivered.planned(), delivered.plan_hash());
        let rate_changes = delivered.rate_changes(self);
        let delivery = delivered.delivery;
        let mut records = delivery.records;
        for record in &mut records {
            count_tokens(record, prepared);
        }
        let open_loop = self.open_loop();
        Run {
            setup: Setup {
                name: self.name.clone(),
                backend: prepared.backend.name().to_owned(),
                task: prepared.backend.task(),
                target,
                simulated: matches!(place, Place::Simulation(_)),
                model: Some(prepared.model.clone()).filter(|name| !name.is_empty()),
                tokenizer: prepared.tokenizer.name().map(str::to_owned),
                requests,
                rate: (self.rate.is_finite() && !self.replays()).then_some(self.rate),
                burstiness: self.burstiness,
                max_concurrency: self.max_concurrency,
                open_loop,
                seed: self.seed,
                request_id_prefix: self.request_id_prefix.clone(),
                plan_hash,
            },
            duration: delivery.duration,
            audit: Audit {
                timestamps: match place.is_on_virtual_time() {
                    true => Timestamps::Virtual,
                    false if delivery.reads.by_kernel > 0 => Timestamps::Kernel,
                    false => Timestamps::Monotonic,
                },
                connections: delivery.connections,
                reads: ReadAudit::of(&delivery.reads),
                watch: delivery.watch.as_ref().map(WatchAudit::of),
                descriptors: delivery.descriptors,
                resolve_ms: delivery.resolved_in.map(|time| time.as_secs_f64() * 1e3),
                server_ttft: delivery.server_ttft,
            },
            partial: delivery.partial,
            rate_changes,
            records,
        }
    }

    fn judge(
        &self,
        run: Run,
        segments: usize,
        notes: Vec<String>,
        complaint: Option<String>,
    ) -> Report {
        let criteria = Criteria {
            complaint,
            ..self.criteria(segments)
        };
        let (metrics, judgement) = criteria.assess(&run);
        Report::new(run, notes, criteria, metrics, judgement)
    }
}

pub(super) fn opened(target: &AnyTarget) -> Result<Opened, Error> {
    target.open().map_err(|e| match e {
        TargetError::Skip(why) => Error::Skipped(why),
        TargetError::Failed(why) => Error::Target(why),
    })
}

fn started<T>(ran: io::Result<Result<T, Error>>) -> Result<T, Error> {
    ran.map_err(Error::io("cannot start the runtime of the run"))?
}

/// Replaces estimates by counts: the server's for the prompt, our tokenizer's for the answer.
fn count_tokens(record: &mut Record, prepared: &Prepared) {
    if let Some(tokens) = record.usage.and_then(|usage| usage.prompt_tokens) {
        record.input = TokenCount {
            tokens,
            source: CountSource::Usage,
        };
    }
    let counted_by_server = record.output.source == CountSource::Usage;
    if !counted_by_server && (!record.text.is_empty() || !record.reasoning.is_empty()) {
        let answer = prepared.tokenizer.count(&record.text, false);
        let reasoning = prepared.tokenizer.count(&record.reasoning, false);
        if answer.source == CountSource::Tokenizer {
            record.output = TokenCount {
                tokens: answer.tokens + reasoning.tokens,
                source: answer.source,
            };
        }
    }
}

#[cfg(test)]
#[path = "promises.rs"]
mod promises;
