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
    Bench, Control,
    conduct::{Drive, Opener},
    extend::Delivered,
    prepare::Prepared,
};
use crate::{
    client::Silent,
    error::Error,
    judge::{Compared, Comparison, Criteria, Finding, FindingKind, Pairing, Verdict, changes},
    metrics::Metrics,
    plan::Tokenizer,
    report::Report,
    run::Run,
    stats::{
        Looks,
        compare::{Conclusion, Rule},
    },
    target::{AnyTarget, Opened, Place},
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Which server of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
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
struct Side {
    which: Which,
    bench: Bench,
    target: AnyTarget,
    opened: Option<(Opened, Prepared)>,
    /// Whether the opened one has been warmed up.
    warm: bool,
    /// All its runs, as if they were one.
    delivered: Option<Delivered>,
    complaint: Option<String>,
}

/// What a segment came to.
struct Segment {
    metrics: Metrics,
    invalid: Option<Finding>,
    partial: bool,
}

/// What all pairs came to.
pub(super) struct Experiment {
    pub(super) pairs: Vec<(Metrics, Metrics)>,
    /// Why the pairs say nothing.
    pub(super) invalid: Option<Finding>,
    /// Whether it was ended from outside.
    partial: bool,
    pub(super) rule: Rule,
    against: String,
    at_most: usize,
    notes: Vec<String>,
}

impl Bench {
    /// Runs pairs against `versus` and gives the report of the target, compared.
    pub(super) fn conduct_versus(&self, versus: &AnyTarget, control: &Control) -> Result<Report, Error> {
        let mut a = Side::new(Which::A, self, versus.clone());
        let mut b = Side::new(Which::B, self, self.chosen_target());
        let _lock = self.lock_for(&[&a.target, &b.target])?;
        let experiment = self.experiment(&mut a, &mut b, control, true)?;
        let complaint = a.close();
        let mut comparison = experiment.comparison(self);
        comparison.notes.extend(complaint.map(|why| format!("A complains: {why}")));
        let run = b.whole_run()?;
        let complaint = b.close();
        let notes = b.plan_notes();
        let criteria = Criteria {
            complaint,
            ..self.criteria(1)
        };
        let (metrics, mut judgement) = criteria.assess(&run);
        if let Some(finding) = experiment.invalid {
            judgement.verdict = Verdict::Invalid;
            judgement.findings.insert(0, finding);
        }
        let judgement = judgement.compared(comparison, self.on_inconclusive);
        Ok(Report::new(run, notes, criteria, metrics, judgement))
    }

    /// Runs pairs until they are decided, if that may be early, or all are run.
    pub(super) fn experiment(
        &self,
        a: &mut Side,
        b: &mut Side,
        control: &Control,
        may_end_early: bool,
    ) -> Result<Experiment, Error> {
        let looks = Looks::at_pairs(self.pairs, self.false_alarms);
        let compared = self.compared();
        let rule = |look: usize| Rule {
            error: looks.error(look),
            noise_threshold: self.noise_threshold,
            ..Rule::default()
        };
        let mut coin = Pcg64Mcg::seed_from_u64(xxh3_64_with_seed(b"order of pairs", self.seed));
        let mut experiment = Experiment {
            pairs: Vec::new(),
            invalid: None,
            partial: false,
            rule: rule(0),
            against: a.target.describe(),
            at_most: self.pairs,
            notes: Vec::new(),
        };
        let mut tokenizer = None;
        for pair in 0..self.pairs {
            let a_first = coin.random::<bool>();
            let mut of_a = None;
            let mut of_b = None;
            for which in if a_first { [Which::A, Which::B] } else { [Which::B, Which::A] } {
                let (side, of) = match which {
                    Which::A => (&mut *a, &mut of_a),
                    Which::B => (&mut *b, &mut of_b),
                };
                let segment = side.segment(pair, &mut tokenizer, control)?;
                experiment.partial |= segment.partial;
                experiment.invalid = experiment.invalid.or(segment.invalid);
                *of = Some(segment.metrics);
            }
            if experiment.invalid.is_some() || experiment.partial {
                break;
            }
            experiment.pairs.extend(of_a.zip(of_b));
            let pairs = experiment.pairs.len();
            let Ok(look) = looks.segments().binary_search(&pairs) else { continue };
            experiment.rule = rule(look);
            let changes = changes(&compared, &experiment.pairs, &experiment.rule);
            let mut gated = changes.iter().filter(|change| change.gated).map(|c| c.conclusion);
            let is_open = |conclusion| conclusion == Conclusion::Inconclusive;
            let worse = gated.clone().any(|conclusion| conclusion == Conclusion::Worse);
            // What got better may still hide what got worse.
            if may_end_early && (worse || !gated.any(is_open)) {
                break;
            }
        }
        experiment.notes.extend(b.note_on(a));
        Ok(experiment)
    }

    /// The numbers that servers are compared by.
    pub(super) fn compared(&self) -> Vec<Compared> {
        Compared::all(!self.goodput.is_empty(), self.arrivals().open_loop())
    }
}

impl Experiment {
    pub(super) fn comparison(&self, bench: &Bench) -> Comparison {
        let changes = match self.pairs.as_slice() {
            [] => Vec::new(),
            pairs => changes(&bench.compared(), pairs, &self.rule),
        };
        Comparison {
            against: self.against.clone(),
            pairing: Pairing::Paired {
                pairs: self.pairs.len(),
                at_most: self.at_most,
            },
            rule: self.rule,
            changes,
            attribution: Vec::new(),
            notes: self.notes.clone(),
        }
    }
}

impl Side {
    fn new(which: Which, bench: &Bench, target: AnyTarget) -> Self {
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
            opened: None,
            warm: false,
            delivered: None,
            complaint: None,
        }
    }

    /// Sends the plan of a pair.
    fn segment(
        &mut self,
        pair: usize,
        tokenizer: &mut Option<Tokenizer>,
        control: &Control,
    ) -> Result<Segment, Error> {
        self.open(tokenizer)?;
        self.warm_up(control)?;
        let Some((opened, prepared)) = &self.opened else {
            return Err(Error::Target("the target was not opened".into()));
        };
        let prepared = prepared.with_plan(self.bench.plan_of_segment(pair, prepared)?);
        let place = self.place_of(&opened.place, pair);
        let delivered = self.bench.deliver(&place, &Drive::once(&prepared, control))?;
        let to_run = |delivered| {
            let target = self.target.describe();
            self.bench.to_run(&place, target, &prepared, delivered)
        };
        let run = to_run(delivered.clone());
        let (metrics, judgement) = self.bench.criteria(1).assess(&run);
        let invalid = judgement.findings.iter().find(|f| f.kind.invalidates());
        let segment = Segment {
            metrics,
            invalid: invalid.map(|finding| Finding {
                kind: FindingKind::Pair,
                message: format!(
                    "run {} of {} ({}) is invalid: {}",
                    pair + 1,
                    self.which.letter(),
                    self.target.describe(),
                    finding.message
                ),
            }),
            partial: delivered.delivery.partial,
        };
        match &mut self.delivered {
            Some(whole) => whole.append(delivered.delivery, prepared.plan),
            None => self.delivered = Some(delivered),
        }
        if self.target.in_turn() {
            self.complaint = self.close().or(self.complaint.take());
        }
        Ok(segment)
    }
}
