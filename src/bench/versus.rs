//! Two targets side by side: pairs of runs of the same plan, in random order.
//!
//! Each pair is a segment of either side: the same arrivals and prompts, one after the other, each after
//! the server has drained. A coin drawn from the seed says which side goes first, so nothing that
//! changes with time favours one. The next pair is the plan of the next seed. What counts is how the
//! two runs of a pair differ; see [`stats::compare`](crate::stats::compare).
//!
//! * Servers that are running are opened once. Before the first pair each gets a quarter of a plan of its
//!   own that is not measured, as caches and clocks of a server that idled are cold.
//! * A simulation on virtual time has nothing to warm up: each run has a server of its own, whose seed
//!   follows from the simulation's, the side and the pair.
//! * Servers that are [started in turn](crate::Target::in_turn), because both may not fit the machine, are
//!   started for every run, and warmed up after every start. What a start changes (memory
//!   layout, compiled kernels, clocks) stays for its whole life, so runs of one start would share
//!   luck that the comparison took for the server's.

use super::{
    Bench, Control, conduct::opened, deliver::Drive, extend::Delivered, prepare::Prepared,
};
use crate::{
    client::Silent,
    error::Error,
    judge::{
        Anatomy, Compared, Comparison, Criteria, Finding, FindingKind, Pairing, Verdict,
        attribute_pairs, changes,
    },
    metrics::Metrics,
    plan::{Plan, Tokenizer},
    report::Report,
    run::Run,
    stats::{
        Looks,
        compare::{Conclusion, Rule},
    },
    target::{AnyTarget, Guard, Place},
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The share of a plan that warms a server up: one in so many requests.
const WARM_UP: usize = 4;

/// Which server of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// The reference.
    A,
    /// What is under test.
    B,
}

impl Which {
    fn letter(self) -> char {
        match self {
            Which::A => 'A',
            Which::B => 'B',
        }
    }
}

/// One of the two servers.
pub(super) struct Side {
    which: Which,
    bench: Bench,
    target: AnyTarget,
    /// Prompts of its own, at the times of the first plan.
    own_prompts: Option<usize>,
    server: Option<Server>,
    /// All its runs, as if they were one.
    delivered: Option<Delivered>,
    /// What the last server of several complained of.
    complaint: Option<String>,
    /// What the runs were made with.
    last: Option<(Place, Prepared)>,
}

/// A server that is open and warm.
struct Server {
    place: Place,
    guard: Option<Box<dyn Guard>>,
    prepared: Prepared,
}

/// What a run came to.
struct Segment {
    metrics: Metrics,
    anatomy: Anatomy,
    /// Why it is invalid, and what is said of it.
    invalid: Option<(FindingKind, Finding)>,
    delivered: Delivered,
    place: Place,
    prepared: Prepared,
}

impl Segment {
    fn is_partial(&self) -> bool {
        self.delivered.delivery.partial
    }
}

/// Whether an invalid run is the doing of the client and its machine alone, and may be better when it is
/// repeated. To repeat what the server did would be to choose among its answers.
fn is_the_clients(kind: FindingKind) -> bool {
    matches!(
        kind,
        FindingKind::Late | FindingKind::Stopped | FindingKind::SlowLoop | FindingKind::UnknownGaps
    )
}

/// The plans of pairs that are run again begin here, behind those of all others.
const REPEATS: usize = 1_000;

/// What all pairs came to.
pub(super) struct Experiment {
    pub(super) pairs: Vec<(Metrics, Metrics)>,
    /// Where the time of their requests went.
    anatomies: Vec<(Anatomy, Anatomy)>,
    /// Why the pairs say nothing.
    pub(super) invalid: Option<Finding>,
    /// Pairs that were run again.
    repeated: usize,
    /// By which the last look decided.
    rule: Rule,
    against: String,
    at_most: usize,
}

impl Bench {
    /// Runs pairs against `versus` and gives the report of the target, compared.
    pub(super) fn conduct_versus(
        &self,
        versus: &AnyTarget,
        control: &Control,
    ) -> Result<Report, Error> {
        let mut a = Side::new(Which::A, self, versus.clone());
        let mut b = Side::new(Which::B, self, self.chosen_target());
        let _lock = self.lock_for(&[&a.target, &b.target])?;
        let experiment = self.experiment(&mut a, &mut b, control, true)?;
        a.close();
        b.close();
        let mut comparison = experiment.comparison(self);
        comparison.notes.extend(b.notes_on(&a));
        comparison.notes.extend(self.sharing_note());
        let run = b.whole_run()?;
        if matches!(
            comparison.conclusion(),
            Conclusion::Worse | Conclusion::Better
        ) {
            let (whole_a, whole_b) = (Anatomy::of(&a.whole_run()?), Anatomy::of(&run));
            let pairs = &experiment.anatomies;
            comparison.attribution = attribute_pairs(pairs, &whole_a, &whole_b, &experiment.rule);
        }
        let criteria = Criteria {
            complaint: b.complaint.take(),
            ..self.criteria(1)
        };
        let (metrics, mut judgement) = criteria.assess(&run);
        if let Some(finding) = experiment.invalid {
            judgement.verdict = Verdict::Invalid;
            judgement.worst.clear();
            judgement.findings.insert(0, finding);
        }
        let judgement = judgement.compared(comparison, self.on_inconclusive);
        Ok(Report::new(
            run,
            b.plan_notes(),
            criteria,
            metrics,
            judgement,
        ))
    }

    /// Runs pairs until all are run or, if that is wanted, until they are decided.
    pub(super) fn experiment(
        &self,
        a: &mut Side,
        b: &mut Side,
        control: &Control,
        until_decided: bool,
    ) -> Result<Experiment, Error> {
        let looks = Looks::at_pairs(self.pairs, self.error());
        let rule = |look: usize| Rule {
            error: looks.error(look),
            noise_threshold: self.noise_threshold,
            ..Rule::default()
        };
        let mut coin = Pcg64Mcg::seed_from_u64(xxh3_64_with_seed(b"order of pairs", self.seed));
        let mut experiment = Experiment {
            pairs: Vec::new(),
            anatomies: Vec::new(),
            invalid: None,
            repeated: 0,
            rule: rule(0),
            against: a.target.describe(),
            at_most: self.pairs,
        };
        let mut tokenizer = None;
        let mut plan = 0;
        while experiment.pairs.len() < self.pairs {
            let mut run = |side: &mut Side| side.segment(plan, &mut tokenizer, control);
            let (of_a, of_b) = match coin.random::<bool>() {
                true => {
                    let of_a = run(a)?;
                    (of_a, run(b)?)
                }
                false => {
                    let of_b = run(b)?;
                    (run(a)?, of_b)
                }
            };
            let is_partial = of_a.is_partial() || of_b.is_partial();
            let invalid = of_b.invalid.clone().or_else(|| of_a.invalid.clone());
            if let Some((kind, _)) = &invalid
                && is_the_clients(*kind)
                && !is_partial
                && experiment.repeated < self.pairs.div_ceil(2)
            {
                plan = REPEATS + experiment.repeated;
                experiment.repeated += 1;
                continue;
            }
            let (of_a, of_b) = (a.keep(of_a), b.keep(of_b));
            experiment.pairs.push((of_a.0, of_b.0));
            experiment.anatomies.push((of_a.1, of_b.1));
            experiment.invalid = invalid.map(|(_, finding)| finding);
            if experiment.invalid.is_some() || is_partial {
                experiment.pairs.pop();
                experiment.anatomies.pop();
                break;
            }
            plan = experiment.pairs.len();
            let Ok(look) = looks.segments().binary_search(&experiment.pairs.len()) else {
                continue;
            };
            experiment.rule = rule(look);
            if until_decided && experiment.is_decided(self) {
                break;
            }
        }
        Ok(experiment)
    }

    /// The numbers that servers are compared by.
    pub(super) fn compared(&self) -> Vec<Compared> {
        Compared::all(!self.goodput.is_empty(), self.arrivals().open_loop())
    }
}

impl Experiment {
    /// Something got worse, or nothing is open: what got better may hide what got worse.
    fn is_decided(&self, bench: &Bench) -> bool {
        let changes = changes(&bench.compared(), &self.pairs, &self.rule);
        let any = |conclusion| {
            let mut gated = changes.iter().filter(|change| change.gated);
            gated.any(|change| change.conclusion == conclusion)
        };
        any(Conclusion::Worse) || !any(Conclusion::Inconclusive)
    }

    fn comparison(&self, bench: &Bench) -> Comparison {
        Comparison {
            against: self.against.clone(),
            pairing: Pairing::Paired {
                pairs: self.pairs.len(),
                at_most: self.at_most,
            },
            rule: self.rule,
            changes: changes(&bench.compared(), &self.pairs, &self.rule),
            attribution: Vec::new(),
            notes: self.notes(),
        }
    }

    fn notes(&self) -> Vec<String> {
        let times = match self.repeated {
            0 => return Vec::new(),
            1 => "one pair was".to_owned(),
            many => format!("{many} pairs were"),
        };
        vec![format!(
            "{times} run again, because the client or its machine was too slow"
        )]
    }
}

impl Side {
    pub(super) fn new(which: Which, bench: &Bench, target: AnyTarget) -> Self {
        let bench = Bench {
            target: Some(target.clone()),
            // The chosen target has them already, and the reference is as it is.
            faults: Vec::new(),
            versus: None,
            ..bench.clone()
        };
        Side {
            which,
            bench,
            target,
            own_prompts: None,
            server: None,
            delivered: None,
            complaint: None,
            last: None,
        }
    }

    /// The same side with prompts of its own in every run, the first or the second of two such sides:
    /// they are the same server, which would answer known prompts from its cache.
    pub(super) fn with_own_prompts(self, side: usize) -> Self {
        Side {
            own_prompts: Some(side),
            ..self
        }
    }

    /// Sends the plan of a pair, to a server that is open and warm.
    fn segment(
        &mut self,
        pair: usize,
        tokenizer: &mut Option<Tokenizer>,
        control: &Control,
    ) -> Result<Segment, Error> {
        let server = match self.server.take() {
            Some(server) => server,
            None => self.open(tokenizer, control)?,
        };
        let prepared = server
            .prepared
            .with_plan(self.plan(pair, &server.prepared)?);
        let place = self.place(&server.place, pair);
        let drive = Drive::once(&prepared, control);
        let delivered = self.bench.deliver(&place, &drive)?;
        let run = self.to_run(&place, &prepared, delivered.clone());
        let (metrics, judgement) = self.bench.criteria(1).assess(&run);
        let anatomy = Anatomy::of(&run);
        let mut findings = judgement.findings.into_iter();
        let invalid = findings.find(|finding| finding.kind.invalidates());
        let invalid = invalid.map(|finding| (finding.kind, self.pair_is_invalid(pair, &finding)));
        self.server = Some(server);
        if self.target.in_turn() {
            self.close();
        }
        Ok(Segment {
            metrics,
            anatomy,
            invalid,
            delivered,
            place,
            prepared,
        })
    }

    /// Makes a run part of the side's whole; its numbers, and where its time went.
    fn keep(&mut self, segment: Segment) -> (Metrics, Anatomy) {
        let plan = segment.prepared.plan.clone();
        match &mut self.delivered {
            Some(whole) => whole.append(segment.delivered.delivery, plan),
            None => self.delivered = Some(segment.delivered),
        }
        self.last = Some((segment.place, segment.prepared));
        (segment.metrics, segment.anatomy)
    }

    /// Opens the target and warms it up.
    fn open(
        &mut self,
        tokenizer: &mut Option<Tokenizer>,
        control: &Control,
    ) -> Result<Server, Error> {
        let opened = opened(&self.target)?;
        let prepared = Prepared::with(&self.bench, &opened.place, tokenizer.clone())?;
        *tokenizer = Some(prepared.tokenizer.clone());
        // A simulated server lives for a run only.
        if !matches!(opened.place, Place::Simulation(_)) {
            let mut plan = self.bench.plan_of_segment(self.bench.pairs, &prepared)?;
            let requests = plan.requests.len().div_ceil(WARM_UP);
            plan.requests.truncate(requests);
            let warm_up = prepared.with_plan(plan);
            let unseen = Control {
                observer: Arc::new(Silent),
                ..control.clone()
            };
            self.bench
                .deliver(&opened.place, &Drive::once(&warm_up, &unseen))?;
        }
        // It is ready now, and stays so.
        if !self.target.in_turn() {
            self.bench.ready_timeout = None;
        }
        Ok(Server {
            place: opened.place,
            guard: opened.guard,
            prepared,
        })
    }

    /// The plan of a pair: the same on both sides, unless each has prompts of its own.
    fn plan(&self, pair: usize, prepared: &Prepared) -> Result<Plan, Error> {
        let Some(side) = self.own_prompts else {
            return self.bench.plan_of_segment(pair, prepared);
        };
        // Behind those of all pairs and of the warm-up.
        let own = self.bench.pairs + 1 + 2 * pair + side;
        let mut plan = self.bench.plan_of_segment(own, prepared)?;
        let first = self.bench.plan_of_segment(0, prepared)?;
        for (request, first) in plan.requests.iter_mut().zip(&first.requests) {
            request.at = first.at;
        }
        Ok(plan)
    }

    /// Where a run goes: a simulation is another server in each, with luck of its own.
    fn place(&self, place: &Place, pair: usize) -> Place {
        match place {
            Place::Simulation(simulation) => {
                let run = format!("{}{pair}", self.which.letter());
                let seed = xxh3_64_with_seed(run.as_bytes(), simulation.script().seed);
                Place::Simulation(simulation.clone().seed(seed))
            }
            other => other.clone(),
        }
    }

    fn to_run(&self, place: &Place, prepared: &Prepared, delivered: Delivered) -> Run {
        let target = self.target.describe();
        self.bench.to_run(place, target, prepared, delivered)
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
        self.delivered.as_ref().map_or(0, Delivered::segments)
    }

    /// All runs as one, which ends the side.
    pub(super) fn whole_run(&mut self) -> Result<Run, Error> {
        let runs = self.last.as_ref().zip(self.delivered.take());
        let ((place, prepared), delivered) =
            runs.ok_or_else(|| Error::Target("nothing was sent".into()))?;
        Ok(self.to_run(place, prepared, delivered))
    }

    /// Stops what was started.
    pub(super) fn close(&mut self) {
        let guard = self.server.take().and_then(|server| server.guard);
        let complaint = guard.and_then(|guard| guard.close().err());
        self.complaint = complaint.or(self.complaint.take());
    }

    fn plan_notes(&self) -> Vec<String> {
        let last = self.last.as_ref();
        last.map_or_else(Vec::new, |(_, prepared)| prepared.plan.notes.clone())
    }

    /// What there is to know about B beside A.
    fn notes_on(&self, a: &Side) -> Vec<String> {
        let model = |side: &Side| side.last.as_ref().map(|(_, p)| p.model.clone());
        let models = model(a).zip(model(self)).filter(|(a, b)| a != b);
        let models = models.map(|(a, b)| format!("A serves the model {a}, B serves {b}"));
        let complaint = a.complaint.as_ref();
        let complaint = complaint.map(|why| format!("A complains: {why}"));
        models.into_iter().chain(complaint).collect()
    }
}
