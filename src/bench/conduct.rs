//! Runs a bench: target → plan → drive → measure → judge.

use super::{
    Bench,
    checked::Checked,
    classes,
    control::Control,
    line::{Line, Outgoing},
    notes,
    prepare::Prepared,
};
use crate::{
    address::Endpoint,
    baseline::{Gate, GateSettings},
    error::Error,
    inspect::Inspector,
    judge::{Criteria, judge},
    lock::MeasurementLock,
    metrics::Tally,
    problem::Problem,
    record, redact,
    report::Report,
    run::Run,
    stats::compare::Rule,
    stop::Stopper,
    targets::{AnyTarget, Guard, Opened, Place, TargetError},
};
use std::{
    collections::BTreeMap,
    panic::resume_unwind,
    thread::{self, JoinHandle},
};
use tokio::sync::oneshot;

impl Bench {
    /// Runs the bench and waits for the report.
    ///
    /// Dropping the future ends the run: nothing more is sent, and the run's thread gives up what it waits for,
    /// stops the server that it started, and releases the measurement lock. So a time limit around it holds:
    ///
    /// ```
    /// use goodput::Bench;
    /// use std::time::Duration;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    /// # runtime.block_on(async {
    /// // A server that accepts connections and never answers.
    /// let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    /// let url = format!("http://{}", server.local_addr().unwrap());
    /// let bench = Bench::new("chat").target(url).model("any").exclusive(false);
    /// let limit = Duration::from_millis(200);
    /// assert!(tokio::time::timeout(limit, bench.run()).await.is_err());
    /// # });
    /// ```
    ///
    /// # Errors
    /// There is nothing to report: settings, dataset, tokenizer or target are unusable. Requests
    /// that fail are not an error; they are in the report.
    pub async fn run(self) -> Result<Report, Error> {
        self.run_with(Control::default()).await
    }

    /// [`run`](Bench::run), with a control to watch it and to end it from outside.
    ///
    /// # Errors
    /// As [`run`](Bench::run), and [`Error::Ended`].
    pub async fn run_with(self, control: Control) -> Result<Report, Error> {
        /// The caller that waits here owns the run.
        struct Owner(Stopper);
        impl Drop for Owner {
            fn drop(&mut self) {
                self.0.stop();
            }
        }
        let (stopper, stop) = control.stop.for_one();
        let _owner = Owner(stopper);
        let (done, report) = oneshot::channel();
        let thread = self.spawn(Control { stop, ..control }, move |report| {
            // The caller may have gone away; then the report is not needed.
            let _ = done.send(report);
        })?;
        match report.await {
            Ok(report) => report,
            Err(_) => without_report(thread),
        }
    }

    /// [`run`](Bench::run) for callers without a runtime.
    ///
    /// # Errors
    /// As [`run`](Bench::run).
    pub fn run_blocking(self) -> Result<Report, Error> {
        self.run_blocking_with(Control::default())
    }

    /// [`run_blocking`](Bench::run_blocking), with a control to watch it and to end it from outside.
    ///
    /// # Errors
    /// As [`run_with`](Bench::run_with).
    pub fn run_blocking_with(self, control: Control) -> Result<Report, Error> {
        let (done, report) = std::sync::mpsc::sync_channel(1);
        let thread = self.spawn(control, move |report| {
            let _ = done.send(report);
        })?;
        match report.recv() {
            Ok(report) => report,
            Err(_) => without_report(thread),
        }
    }

    /// A run has a thread of its own: the clock, virtual or real, must not be shared with anything.
    fn spawn(
        self,
        control: Control,
        done: impl FnOnce(Result<Report, Error>) + Send + 'static,
    ) -> Result<JoinHandle<()>, Error> {
        thread::Builder::new()
            .name(format!("goodput {}", self.name))
            .spawn(move || done(self.conduct(&control)))
            .map_err(Error::io("cannot start the measuring thread"))
    }

    pub(super) fn conduct(self, control: &Control) -> Result<Report, Error> {
        let bench = self.checked()?;
        bench.require_live()?;
        control.go_on("waited for its turn")?;
        match (&bench.demands.versus, bench.load.search) {
            (Some(versus), _) => bench.conduct_versus(versus, control),
            (None, Some(search)) => bench.conduct_search(search, control),
            (None, None) => bench.conduct_one(control),
        }
    }
}

impl Checked {
    /// Runs against one target.
    fn conduct_one(&self, control: &Control) -> Result<Report, Error> {
        let target = &self.target;
        let _lock = self.lock_for(&[target], control)?;
        let opened = opened(target, control)?;
        let party = self.party();
        let comes = |first: bool| match &party {
            Some(party) if party.leads() != first => party.come(control),
            _ => Ok(()),
        };
        comes(true)?;
        let mut prepared = self.prepare(&opened.place, None, control)?;
        self.check_share(&opened, &prepared)?;
        comes(false)?;
        prepared.align();
        let gathered = party
            .as_ref()
            .map(|party| party.gather(&prepared.plan, self.settings_hash()));
        let gathered = gathered.transpose()?;
        prepared.party = party.clone();
        let about = self.about(&opened.place, &prepared, self.reads_pages(), control);
        let gate = self.gate(&opened.place, &prepared, &target.describe(), &about)?;
        control.go_on("prepared its requests")?;
        self.tell_left_journals(&opened.place, control);
        let setup = self.setup(&opened.place, &prepared);
        let journal = self.journal(&opened.place, setup, control);
        let control = &control.journaling(journal.as_ref());
        let mut numbers = Tally::default();
        let group = opened
            .guard
            .as_ref()
            .and_then(|guard| guard.process_group());
        let grow = async |line: &Line<'_>, first: Outgoing| {
            line.group.set(group);
            self.grow(line, first, &mut numbers).await
        };
        let (segments, on_line) = self.connect(&opened.place, &prepared, control, grow)?;
        let started = party.as_ref().zip(gathered);
        let started = started.map(|(party, gathered)| party.started(gathered));
        let started = started.transpose()?.flatten();
        let notes: Vec<String> = prepared.plan.notes.iter().cloned().chain(on_line).collect();
        let count = segments.count();
        let mut run = segments.into_run();
        run.audit.shard = started.map(Box::new);
        if !about.is_empty() {
            run.server.get_or_insert_default().about = about;
        }
        let server = run.server.as_ref();
        let ignored = notes::ignored_structure(&prepared.plan, &*prepared.backend, server);
        let complaint = closed(opened.guard);
        let planned = prepared.plan.requests.len();
        let ended = Ended {
            run,
            numbers,
            segments: count,
            notes: ignored.into_iter().chain(notes).collect(),
            complaint,
            gate: gate.map(|gate| (gate, planned)),
        };
        Ok(self.judge(ended).journaled(journal))
    }

    /// Whether this process reads the pages of the server.
    pub(super) fn reads_pages(&self) -> bool {
        self.target.has_metrics() && self.shard().leads()
    }

    /// What a live server says about itself.
    fn about(
        &self,
        place: &Place,
        prepared: &Prepared,
        talks: bool,
        control: &Control,
    ) -> BTreeMap<String, String> {
        match place {
            Place::Endpoint(endpoint) if talks => self
                .inspector(endpoint, control)
                .map(|inspector| inspector.about(&prepared.model, prepared.headers()))
                .unwrap_or_default()
                .into_iter()
                .map(|(name, value)| (name, redact::text(&value)))
                .collect(),
            _ => BTreeMap::new(),
        }
    }

    /// The baselines that the run is compared with and saved as.
    fn gate(
        &self,
        place: &Place,
        prepared: &Prepared,
        target: &str,
        about: &BTreeMap<String, String>,
    ) -> Result<Option<Gate>, Error> {
        let asked = GateSettings {
            bench: &self.name,
            baseline: self.keeping.baseline.as_deref(),
            required: self.keeping.require_baseline,
            settings: &self.keeping.baselines,
            limits: &classes::limits(&self.load, &self.demands),
            rule: Rule {
                error: self.demands.error(),
                noise_threshold: self.demands.noise_threshold,
                ..Rule::default()
            },
            sharing: self.demands.sharing_note(),
            on_inconclusive: self.demands.on_inconclusive,
        };
        Gate::open(asked, || self.provenance(place, prepared, target, about))
    }

    /// Sends questions to a server besides the load, as long as the run is wanted.
    pub(super) fn inspector(
        &self,
        endpoint: &Endpoint,
        control: &Control,
    ) -> Result<Inspector, String> {
        let inspector = Inspector::new(endpoint, self.client.insecure)?;
        Ok(inspector.attended(control.stop.clone(), control.observer.clone()))
    }

    /// Keeps other benches away while these targets are measured. If the lock is not available, the run is worth more
    /// than the lock.
    pub(super) fn lock_for(
        &self,
        targets: &[&AnyTarget],
        control: &Control,
    ) -> Result<Option<MeasurementLock>, Error> {
        let exclusive = targets.iter().any(|target| target.exclusive());
        if !self.client.exclusive || !exclusive {
            return Ok(None);
        }
        let says = |line: &str| control.observer.says(line);
        match MeasurementLock::acquire(&self.name, &control.stop, says) {
            Ok(Some(lock)) => Ok(Some(lock)),
            Ok(None) => Err(Error::ended("waited for the measurement lock")),
            Err(why) => {
                says(&format!(
                    "{} is measured without the measurement lock, so another bench may disturb it: {why}",
                    self.name
                ));
                Ok(None)
            }
        }
    }

    pub(super) fn judge(&self, ended: Ended) -> Report {
        let Ended {
            mut run,
            mut numbers,
            segments,
            notes,
            complaint,
            gate,
        } = ended;
        record::redact(&mut run.records);
        let criteria = Criteria {
            complaint,
            ..self.criteria(segments)
        };
        if self.client.sharding.is_some() {
            return unjudged(run, notes, criteria);
        }
        run.cut_off(self.load.cut_start, self.load.cut_end);
        let metrics = numbers.measure(&run, &criteria.limits);
        let mut judgement = judge(&run, &metrics, &criteria);
        judgement.findings.extend(self.notes_on_proof(&run));
        judgement.findings.extend(self.note_on_plan(&run));
        let mut lost = None;
        if let Some((gate, planned)) = gate {
            (judgement, lost) = gate.close(&run.steady(), &metrics, judgement, planned);
        }
        judgement.findings.extend(self.note_on_target());
        let notes = notes.into_iter().chain(notes::on(&run)).collect();
        Report::new(run, notes, criteria, metrics, judgement).with_lost(lost)
    }
}

/// The report of a shard: what it demands is judged once all shards are together.
fn unjudged(run: Run, notes: Vec<String>, criteria: Criteria) -> Report {
    let nothing = Criteria {
        slos: Vec::new(),
        limits: criteria.limits.clone(),
        ..Criteria::default()
    };
    let (metrics, judgement) = nothing.assess(&run);
    Report::new(run, notes, criteria, metrics, judgement)
}

/// The result of a run whose thread is gone: a panic of that thread goes on in the caller.
fn without_report(thread: JoinHandle<()>) -> Result<Report, Error> {
    match thread.join() {
        Err(panic) => resume_unwind(panic),
        Ok(()) => Err(Error::Target("the run ended without a report".into())),
    }
}

/// A run that is over, with everything that its judgement needs.
pub(super) struct Ended {
    pub(super) run: Run,
    /// What looks counted while the run grew.
    pub(super) numbers: Tally,
    pub(super) segments: usize,
    /// Notes on how it was made.
    pub(super) notes: Vec<String>,
    /// The complaint of the target.
    pub(super) complaint: Option<String>,
    /// The baselines that it is compared with and saved as, with the number of requests of its first plan.
    pub(super) gate: Option<(Gate, usize)>,
}

pub(super) fn opened(target: &AnyTarget, control: &Control) -> Result<Opened, Error> {
    target
        .open_until(&control.stop, &*control.observer)
        .map_err(|e| match e {
            TargetError::Skip(why) => Error::Skipped(why),
            TargetError::Failed(why) => Error::Target(why),
            TargetError::Unreadable(why) => Error::Invalid(vec![Problem::new("target", "", why)]),
            TargetError::Ended => Error::ended("waited for its target"),
        })
}

/// Stops what was started, and returns its complaint, which may be the end of a log.
pub(super) fn closed(guard: Option<Box<dyn Guard>>) -> Option<String> {
    let complaint = guard.and_then(|guard| guard.close().err());
    complaint.map(|why| redact::text(&why))
}
