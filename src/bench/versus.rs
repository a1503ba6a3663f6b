//! Comparison of two targets: pairs of runs of the same plan, in random order.
//!
//! Each pair is a segment of either side: the same arrivals and prompts, one after the other, each after the server
//! has drained. A coin drawn from the seed says which side goes first, so nothing that changes with time favours one.
//! The next pair is the plan of the next seed. What counts is how the two runs of a pair differ; see
//! [`stats::compare`](crate::stats::compare).
//!
//! * Servers that are running are opened once. Before the first pair each gets a quarter of a plan of its own that is
//!   not measured, as caches and clocks of a server that idled are cold.
//! * A simulation on virtual time has nothing to warm up: each run has a server of its own, whose seed follows from
//!   the simulation's, the side and the pair.
//! * Servers that are [started in turn](crate::Target::in_turn), because both may not fit the machine, are started
//!   for every run, and warmed up after every start. What a start changes (memory layout, compiled kernels, clocks)
//!   stays for its whole life, so runs of one start would share luck that the comparison took for the server's.

use super::{
    Control,
    arm::{Arm, REPEATS, Which},
    checked::Checked,
    classes, notes,
    shared::Shared,
};
use crate::{
    error::Error,
    judge::{
        Breakdown, Compared, Comparison, Criteria, Finding, FindingKind, Pairing, Verdict,
        attribute_pairs, changes,
    },
    metrics::Metrics,
    report::Report,
    stats::{
        Looks,
        compare::{Conclusion, Rule},
    },
    targets::AnyTarget,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Returns whether an invalid run is the doing of the client and its machine alone, and may be better when it is
/// repeated. To repeat what the server did would be to choose among its answers.
fn is_the_clients(kind: FindingKind) -> bool {
    matches!(
        kind,
        FindingKind::Late | FindingKind::Stopped | FindingKind::SlowLoop | FindingKind::UnknownGaps
    )
}

/// The results of all pairs.
pub(super) struct Experiment {
    pub(super) pairs: Vec<(Metrics, Metrics)>,
    /// Where the time of their requests went.
    breakdowns: Vec<(Breakdown, Breakdown)>,
    /// Why the pairs say nothing.
    pub(super) invalid: Option<Finding>,
    /// Pairs that were run again.
    repeated: usize,
    /// The rule by which the last look decided.
    rule: Rule,
    /// A note on whose tokenizer sets the lengths of prompts, if there is something to know.
    lengths: Option<&'static str>,
    against: String,
    at_most: usize,
}

impl Checked {
    /// Runs pairs against `versus` and gives the report of the target, compared.
    pub(super) fn conduct_versus(
        &self,
        versus: &AnyTarget,
        control: &Control,
    ) -> Result<Report, Error> {
        let mut a = Arm::new(Which::A, self, versus.clone());
        let mut b = Arm::new(Which::B, self, self.target.clone());
        let _lock = self.lock_for(&[&a.target, &b.target], control)?;
        let experiment = self.experiment(&mut a, &mut b, control, true)?;
        a.close();
        b.close();
        let mut comparison = experiment.comparison(self);
        comparison.notes.extend(b.notes_on(&a));
        comparison.notes.extend(self.demands.sharing_note());
        let run = b.whole_run()?;
        if matches!(
            comparison.conclusion(),
            Conclusion::Worse | Conclusion::Better
        ) {
            let (whole_a, whole_b) = (Breakdown::of(&a.whole_run()?), Breakdown::of(&run));
            let pairs = &experiment.breakdowns;
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
        let mut judgement = judgement.compared(comparison, self.demands.on_inconclusive);
        judgement.findings.extend(self.notes_on_proof(&run));
        judgement.findings.extend(self.note_on_target());
        let notes = b.plan_notes().into_iter().chain(notes::on(&run));
        let notes = notes.collect();
        let report = Report::new(run, notes, criteria, metrics, judgement);
        Ok(report.journaled(a.journal().into_iter().chain(b.journal())))
    }

    /// Runs pairs until all are run or, if that is wanted, until they are decided.
    pub(super) fn experiment(
        &self,
        a: &mut Arm,
        b: &mut Arm,
        control: &Control,
        until_decided: bool,
    ) -> Result<Experiment, Error> {
        let looks = Looks::at_pairs(self.demands.pairs, self.demands.error());
        let rule = |look: usize| Rule {
            error: looks.error(look),
            noise_threshold: self.demands.noise_threshold,
            ..Rule::default()
        };
        let mut coin =
            Pcg64Mcg::seed_from_u64(xxh3_64_with_seed(b"order of pairs", self.load.seed));
        let mut experiment = Experiment {
            pairs: Vec::new(),
            breakdowns: Vec::new(),
            invalid: None,
            repeated: 0,
            rule: rule(0),
            lengths: None,
            against: a.target.describe(),
            at_most: self.demands.pairs,
        };
        let mut shared = Shared::default();
        b.get_ready(&mut shared, control)?;
        a.get_ready(&mut shared, control)?;
        if let (Some(a), Some(b)) = (a.prepared(), b.prepared()) {
            shared.choose(a, b);
        }
        experiment.lengths = shared.note;
        let mut plan = 0;
        while experiment.pairs.len() < self.demands.pairs {
            let mut run = |side: &mut Arm| {
                control.go_on("compared two servers")?;
                side.segment(plan, &mut shared, control)
            };
            let pair = if coin.random::<bool>() {
                run(a).and_then(|of_a| Ok((of_a, run(b)?)))
            } else {
                run(b).and_then(|of_b| Ok((run(a)?, of_b)))
            };
            let (of_a, of_b) = match pair {
                Err(Error::Ended(_)) if !experiment.pairs.is_empty() => {
                    experiment.invalid = Some(experiment.was_ended());
                    break;
                }
                pair => pair?,
            };
            let is_partial = of_a.is_partial() || of_b.is_partial();
            let invalid = of_b.invalid.clone().or_else(|| of_a.invalid.clone());
            if let Some((kind, _)) = &invalid
                && is_the_clients(*kind)
                && !is_partial
                && experiment.repeated < self.demands.pairs.div_ceil(2)
            {
                plan = REPEATS + experiment.repeated;
                experiment.repeated += 1;
                continue;
            }
            let (of_a, of_b) = (a.keep(of_a), b.keep(of_b));
            experiment.pairs.push((of_a.0, of_b.0));
            experiment.breakdowns.push((of_a.1, of_b.1));
            experiment.invalid = invalid.map(|(_, finding)| finding);
            if experiment.invalid.is_some() || is_partial {
                experiment.pairs.pop();
                experiment.breakdowns.pop();
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
        Compared::all(
            !classes::limits(&self.load, &self.demands).is_empty(),
            self.load.arrivals().open_loop(),
            &classes::names(&self.load.dataset),
        )
    }
}

impl Experiment {
    /// Returns whether more pairs are not needed: something got worse, or nothing is undecided. What got better may
    /// hide what got worse.
    fn is_decided(&self, bench: &Checked) -> bool {
        let changes = changes(&bench.compared(), &self.pairs, &self.rule);
        let any = |conclusion| {
            let mut gated = changes.iter().filter(|change| change.gated);
            gated.any(|change| change.conclusion == conclusion)
        };
        any(Conclusion::Worse) || !any(Conclusion::Inconclusive)
    }

    fn was_ended(&self) -> Finding {
        Finding {
            kind: FindingKind::Pair,
            message: format!(
                "the comparison was ended after {} of {} pairs; let it finish",
                self.pairs.len(),
                self.at_most
            ),
        }
    }

    fn comparison(&self, bench: &Checked) -> Comparison {
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
            0 => None,
            1 => Some("one pair was".to_owned()),
            many => Some(format!("{many} pairs were")),
        };
        let again = times.map(|times| {
            format!("{times} run again, because the client or its machine was too slow")
        });
        again
            .into_iter()
            .chain(self.lengths.map(str::to_owned))
            .collect()
    }
}
