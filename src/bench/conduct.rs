//! Runs a bench: target → plan → drive → measure → judge.

use super::{Bench, deliver::Drive, extend::Delivered, prepare::Prepared};
use crate::{
    baseline::{Gate, Ready},
    client::{Observer, Silent, Stop},
    error::Error,
    inspect::Inspector,
    judge::Criteria,
    lock::MeasurementLock,
    record::{CountSource, Record, TokenCount},
    report::Report,
    run::{Audit, ReadAudit, Run, Setup, Timestamps, WatchAudit},
    target::{AnyTarget, Opened, Place, TargetError},
};
use std::{collections::BTreeMap, sync::Arc};
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
        let about = self.about(&opened.place, &prepared, target.has_metrics());
        let gate = self.gate(&opened.place, &prepared, &target.describe(), &about)?;
        let goes_on = |delivered: &Delivered| self.goes_on(delivered, || to_run(delivered.clone()));
        let drive = Drive {
            goes_on: &goes_on,
            ..Drive::once(&prepared, control)
        };
        let mut delivered = self.deliver(&opened.place, &drive)?;
        let segments = delivered.segments();
        let notes = prepared.plan.notes.iter().cloned();
        let notes = notes.chain(delivered.remark.take()).collect();
        let mut run = to_run(delivered);
        if !about.is_empty() {
            run.server.get_or_insert_default().about = about;
        }
        let complaint = opened.guard.and_then(|guard| guard.close().err());
        let planned = prepared.plan.requests.len();
        let mut report = self.judge(run, segments, notes, complaint);
        if let Some(gate) = gate {
            gate.close(&mut report, planned);
        }
        Ok(report)
    }

    /// What a live server says of itself.
    fn about(&self, place: &Place, prepared: &Prepared, talks: bool) -> BTreeMap<String, String> {
        match place {
            Place::Endpoint(endpoint) if talks => Inspector::new(endpoint, self.insecure)
                .map(|inspector| inspector.about(&prepared.model, &prepared.envelope.headers))
                .unwrap_or_default(),
            _ => BTreeMap::new(),
        }
    }

    /// What the run is held against and kept as.
    fn gate(
        &self,
        place: &Place,
        prepared: &Prepared,
        target: &str,
        about: &BTreeMap<String, String>,
    ) -> Result<Option<Gate>, Error> {
        let ready = Ready {
            plan: &prepared.plan,
            backend: prepared.backend.name(),
            model: &prepared.model,
            tokenizer: prepared.tokenizer.name(),
            target,
        };
        Gate::open(self, place, &ready, || about.clone())
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
            server: delivery.server,
            probes: delivery.probes,
            records,
        }
    }

    pub(super) fn judge(
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
