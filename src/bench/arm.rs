//! One of two servers that are compared: opened, warmed up, and run once a pair.

use super::{
    Control,
    check_plan::check_side,
    checked::Checked,
    conduct::{closed, opened},
    line::{Line, Outgoing},
    parts::{Demands, Keeping},
    prepare::Prepared,
    segments::Segments,
    shared::Shared,
};
use crate::{
    error::Error,
    journal::{self, Journal},
    judge::{Breakdown, Finding, FindingKind},
    metrics::Metrics,
    observer::Silent,
    plan::Plan,
    run::{Run, Setup},
    targets::{AnyTarget, Guard, Place},
};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The plans of pairs that are run again begin at this number, behind those of all others.
pub(super) const REPEATS: usize = 1_000;

/// The share of a plan that warms a server up: one request in this number.
const WARM_UP: usize = 4;

/// One of the two servers of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// The reference.
    A,
    /// The server under test.
    B,
}

impl Which {
    fn letter(self) -> char {
        match self {
            Which::A => 'A',
            Which::B => 'B',
        }
    }

    /// The bench's name in the journal of this server's runs.
    fn name(self, bench: &str) -> String {
        format!("{bench}-{}", self.letter().to_ascii_lowercase())
    }
}

/// One of the two servers.
pub(super) struct Arm {
    which: Which,
    bench: Checked,
    pub(super) target: AnyTarget,
    /// Prompts of its own, at the times of the first plan.
    own_prompts: Option<usize>,
    server: Option<Server>,
    /// All its runs, as if they were one.
    whole: Option<Segments>,
    /// The complaint of the last of several servers.
    pub(super) complaint: Option<String>,
    /// The number of requests of its runs that failed, and of all that ended.
    failed: (u64, u64),
    /// What the last run was made with.
    last: Option<Prepared>,
    /// The journal of all its runs.
    journal: Journaled,
}

/// The journal of a side's runs.
enum Journaled {
    /// There was no run yet.
    NotYet,
    /// There may be no journal: the side is a simulation, or there is no place for it.
    Begun(Option<Arc<Journal>>),
}

/// A server that is open and warm.
struct Server {
    place: Place,
    guard: Option<Box<dyn Guard>>,
    prepared: Prepared,
}

/// The result of a run.
pub(super) struct Segment {
    metrics: Metrics,
    breakdown: Breakdown,
    /// Why the run is invalid, and the finding about it.
    pub(super) invalid: Option<(FindingKind, Finding)>,
    sent: Segments,
    prepared: Prepared,
}

impl Segment {
    pub(super) fn is_partial(&self) -> bool {
        self.sent.is_partial()
    }
}

impl Arm {
    pub(super) fn new(which: Which, bench: &Checked, target: AnyTarget) -> Self {
        let journal = &bench.keeping.journal;
        let bench = Checked {
            target: target.clone(),
            demands: Demands {
                versus: None,
                ..bench.demands.clone()
            },
            keeping: Keeping {
                journal: match which {
                    Which::A => journal.as_ref().map(journal::Place::of_reference),
                    Which::B => journal.clone(),
                },
                ..bench.keeping.clone()
            },
            ..bench.clone()
        };
        Arm {
            which,
            bench,
            target,
            own_prompts: None,
            server: None,
            whole: None,
            complaint: None,
            failed: (0, 0),
            last: None,
            journal: Journaled::NotYet,
        }
    }

    /// The same side with prompts of its own in every run, the first or the second of two such sides: they are the
    /// same server, which would answer known prompts from its cache.
    pub(super) fn with_own_prompts(self, side: usize) -> Self {
        Arm {
            own_prompts: Some(side),
            ..self
        }
    }

    /// Opens the target and warms it up now, unless it is started for each run.
    pub(super) fn get_ready(
        &mut self,
        shared: &mut Shared,
        control: &Control,
    ) -> Result<(), Error> {
        if !self.target.in_turn() {
            self.server = Some(self.open(shared, control)?);
        }
        Ok(())
    }

    /// What its server is asked with, while it is open.
    pub(super) fn prepared(&self) -> Option<&Prepared> {
        self.server.as_ref().map(|server| &server.prepared)
    }

    /// Sends the plan of a pair, to a server that is open and warm.
    pub(super) fn segment(
        &mut self,
        pair: usize,
        shared: &mut Shared,
        control: &Control,
    ) -> Result<Segment, Error> {
        let server = match self.server.take() {
            Some(server) => server,
            None => self.open(shared, control)?,
        };
        let plan = self.plan(pair, &server.prepared, shared)?;
        let prepared = server.prepared.with_plan(plan);
        let place = self.place(&server.place, pair);
        let journal = self.begun_journal(&place, &prepared, control);
        let control = control.journaling(journal.as_ref());
        let (sent, _) = self.bench.connect(&place, &prepared, &control, once)?;
        let (metrics, judgement) = self.bench.criteria(1).assess(sent.run());
        let breakdown = Breakdown::of(sent.run());
        let mut findings = judgement.findings.into_iter();
        let invalid = findings.find(|finding| finding.kind.invalidates());
        let invalid = invalid.map(|finding| (finding.kind, self.pair_is_invalid(pair, &finding)));
        self.server = Some(server);
        if self.target.in_turn() {
            self.close();
        }
        Ok(Segment {
            metrics,
            breakdown,
            invalid,
            sent,
            prepared,
        })
    }

    /// Begins the journal with the first run.
    fn begun_journal(
        &mut self,
        place: &Place,
        prepared: &Prepared,
        control: &Control,
    ) -> Option<Arc<Journal>> {
        if let Journaled::Begun(journal) = &self.journal {
            return journal.clone();
        }
        let of_plan = self.bench.setup(place, prepared);
        let setup = Setup {
            name: self.which.name(&of_plan.name),
            requests: of_plan.requests * self.bench.demands.pairs,
            ..of_plan
        };
        if self.which == Which::B {
            self.bench.tell_left_journals(place, control);
        }
        let journal = self.bench.journal(place, setup, control);
        self.journal = Journaled::Begun(journal.clone());
        journal
    }

    /// The journal that the side leaves in case the comparison has no report.
    pub(super) fn journal(&self) -> Option<Arc<Journal>> {
        match &self.journal {
            Journaled::NotYet => None,
            Journaled::Begun(journal) => journal.clone(),
        }
    }

    /// Adds a run to the side's whole. Returns its numbers, and where its time went.
    pub(super) fn keep(&mut self, segment: Segment) -> (Metrics, Breakdown) {
        match &mut self.whole {
            Some(whole) => whole.append(segment.sent),
            None => self.whole = Some(segment.sent),
        }
        self.last = Some(segment.prepared);
        let counts = &segment.metrics.counts;
        self.failed = (
            self.failed.0 + counts.failed,
            self.failed.1 + counts.ended(),
        );
        (segment.metrics, segment.breakdown)
    }

    /// Opens the target and warms it up.
    fn open(&mut self, shared: &mut Shared, control: &Control) -> Result<Server, Error> {
        let opened = opened(&self.target, control)?;
        let tokenizer = shared.tokenizer.clone();
        let prepared = self.bench.prepare(&opened.place, tokenizer, control)?;
        check_side(&prepared.plan)?;
        shared.tokenizer = Some(prepared.tokenizer.clone());
        // A simulated server lives for a run only.
        if !matches!(opened.place, Place::Simulation(_)) {
            let mut plan = self
                .bench
                .plan_of_segment(self.bench.demands.pairs, &prepared)?;
            let requests = plan.requests.len().div_ceil(WARM_UP);
            plan.requests.truncate(requests);
            let warm_up = prepared.with_plan(plan);
            let unseen = Control {
                observer: Arc::new(Silent),
                ..control.clone()
            };
            self.bench.connect(&opened.place, &warm_up, &unseen, once)?;
        }
        // It is ready now, and stays ready.
        if !self.target.in_turn() {
            self.bench.client.ready_timeout = None;
        }
        Ok(Server {
            place: opened.place,
            guard: opened.guard,
            prepared,
        })
    }

    /// The plan of a pair: the same on both sides, unless each has prompts of its own.
    fn plan(&self, pair: usize, prepared: &Prepared, shared: &mut Shared) -> Result<Plan, Error> {
        let of = |segment| self.bench.plan_of_segment(segment, prepared);
        let Some(side) = self.own_prompts else {
            return shared.plan(pair, || of(pair));
        };
        // Plans behind those of all pairs and of the warm-up.
        let own = self.bench.demands.pairs + 1 + 2 * pair + side;
        let mut plan = shared.plan(own, || of(own))?;
        let first = of(0)?;
        for (request, first) in plan.requests.iter_mut().zip(&first.requests) {
            request.at = first.at;
        }
        Ok(plan)
    }

    fn place(&self, place: &Place, pair: usize) -> Place {
        another_server(place, &format!("{}{pair}", self.which.letter()))
    }

    fn pair_is_invalid(&self, pair: usize, finding: &Finding) -> Finding {
        Finding {
            kind: FindingKind::Pair,
            message: format!(
                "run {} of {} ({}) is invalid, and with it the comparison: {}",
                if pair < REPEATS {
                    pair + 1
                } else {
                    self.runs() + 1
                },
                self.which.letter(),
                self.target.describe(),
                finding.message
            ),
        }
    }

    fn runs(&self) -> usize {
        self.whole.as_ref().map_or(0, Segments::count)
    }

    /// Takes all runs as one, which ends the side.
    pub(super) fn whole_run(&mut self) -> Result<Run, Error> {
        let whole = self.whole.take().map(Segments::into_run);
        whole.ok_or_else(|| Error::Target("nothing was sent".into()))
    }

    /// Stops what was started.
    pub(super) fn close(&mut self) {
        let guard = self.server.take().and_then(|server| server.guard);
        self.complaint = closed(guard).or(self.complaint.take());
    }

    pub(super) fn plan_notes(&self) -> Vec<String> {
        let last = self.last.as_ref();
        last.map_or_else(Vec::new, |prepared| prepared.plan.notes.clone())
    }

    /// Notes on B, compared with A.
    pub(super) fn notes_on(&self, a: &Arm) -> Vec<String> {
        let model = |side: &Arm| side.last.as_ref().map(|prepared| prepared.model.clone());
        let models = model(a).zip(model(self)).filter(|(a, b)| a != b);
        let models = models.map(|(a, b)| format!("A serves the model {a}, B serves {b}"));
        let complaint = a.complaint.as_ref();
        let complaint = complaint.map(|why| format!("A complains: {why}"));
        // Failures of B make the run fail.
        let failed = Some(a.failed).filter(|(failed, all)| failed * 100 > *all);
        let failed = failed.map(|(failed, all)| {
            format!("{failed} of {all} requests to A failed: its latencies are those of the others")
        });
        models.into_iter().chain(complaint).chain(failed).collect()
    }
}

/// The place of a run: a simulation is another server in each, with its own luck.
pub(super) fn another_server(place: &Place, run: &str) -> Place {
    match place {
        Place::Simulation(simulation) => {
            let seed = xxh3_64_with_seed(run.as_bytes(), simulation.script().seed);
            Place::Simulation(simulation.clone().seed(seed))
        }
        other => other.clone(),
    }
}

/// Sends the plan once.
async fn once(line: &Line<'_>, plan: Outgoing) -> Result<Segments, Error> {
    line.send(plan).await
}
