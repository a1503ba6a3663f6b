//! Trials, one after the other, until the search is over.

use super::trial::Watching;
use crate::{
    bench::{
        Control,
        arm::another_server,
        checked::Checked,
        classes,
        line::{Line, Outgoing},
        prepare::Prepared,
        segments::Segments,
    },
    clock::Nanos,
    error::Error,
    grammar::{
        cut::Cut,
        goodput::RequestLimit,
        search::{Budget, Over},
        slo::Slo,
        stop_if::StopIf,
    },
    judge::{
        self, Criteria, Criterion, CurvePoint, Finding, FindingKind, Stopped, Trial, TrialSide,
        keeps_up,
    },
    metrics::{Metrics, measure},
    record,
    run::Run,
    stats::search::{Next, Search, Side, Trial as Wanted, Why},
    targets::Place,
};
use std::{sync::Arc, time::Instant};

/// The share of a trial's requests that is cut off at its start and at its end, where the bench says nothing: the server is
/// empty before the first and empties after the last.
const CUTS: (f64, f64) = (0.2, 0.05);
/// Requests of the trial that shows how fast an idle server is.
const UNLOADED: usize = 10;
/// How often a trial that the client spoiled is repeated, in all.
const REPEATS: usize = 3;

/// A search under way.
pub(super) struct Hunt<'a> {
    pub(super) bench: &'a Checked,
    pub(super) control: &'a Control,
    pub(super) place: &'a Place,
    pub(super) prepared: &'a Prepared,
    pub(super) over: Over,
    pub(super) criteria: Vec<Criterion>,
    pub(super) search: Search,
    pub(super) trials: Vec<Trial>,
    /// Plans that were made.
    pub(super) plans: usize,
    pub(super) repeated: usize,
    pub(super) requests: u64,
    pub(super) took: Nanos,
    pub(super) began: Instant,
    /// The run that the report is about.
    pub(super) best: Option<(Rank, Run)>,
}

/// How much a trial says about what the server can take: one that kept the SLOs before one that did not, a long one before a
/// short one, and the one that is nearest to the edge.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) struct Rank(bool, bool, f64);

/// What a trial left.
struct Made {
    run: Run,
    metrics: Metrics,
    /// The side, if the trial ended once it was clear.
    early: Option<Side>,
    invalid: Option<Finding>,
}

/// Why a search is over before its time.
pub(super) enum Ending {
    Error(Error),
    Invalid(Finding),
}

impl From<Error> for Ending {
    fn from(why: Error) -> Self {
        Ending::Error(why)
    }
}

impl Hunt<'_> {
    /// Chooses the first load: the lowest that may be tried, or the rate of a single client, which hardly loads a server.
    pub(super) fn start(&mut self, range: Option<(f64, f64)>) -> Result<(), Ending> {
        let start = match (range, self.over) {
            (Some((from, _)), _) => from,
            (None, Over::Concurrency) => 1.0,
            (None, Over::Rate) => {
                let requests = UNLOADED.min(self.bench.load.requests);
                let bench = self.bench.at(Over::Concurrency, 1.0, requests, None);
                let made = self.run(&bench, &[], 1.0)?;
                if let Some(invalid) = made.invalid {
                    return Err(Ending::Invalid(invalid));
                }
                1e3 / made.metrics.gate.e2el.mean.max(1e-3)
            }
        };
        self.search.starts_at(start);
        Ok(())
    }

    /// Makes trials until the search is over.
    pub(super) fn go(&mut self, demands: &[Slo]) -> Result<Stopped, Ending> {
        loop {
            let wanted = match self.search.next() {
                Next::Done(Why::Precise) => return Ok(Stopped::Precise),
                Next::Done(Why::HighestHolds) => return Ok(Stopped::HighestHolds),
                Next::Done(Why::LowestFails) => return Ok(Stopped::LowestFails),
                Next::Trial(wanted) => wanted,
            };
            if self.is_spent() {
                return Ok(Stopped::Budget);
            }
            self.control.go_on("searched").map_err(Ending::Error)?;
            self.trial(wanted)?;
            if !wanted.short && self.is_decided(demands) {
                return Ok(Stopped::Decided);
            }
        }
    }

    /// Makes one trial, and again if the client spoiled it.
    fn trial(&mut self, wanted: Wanted) -> Result<(), Ending> {
        let ends = wanted.short.then_some(match self.over {
            Over::Rate => StopIf::Saturated,
            // None of its own: what ends such a trial is that its side is clear.
            Over::Concurrency => StopIf::InFlight(u64::MAX),
        });
        let bench = self
            .bench
            .at(self.over, wanted.load, self.bench.load.requests, ends);
        let criteria = if wanted.short {
            self.criteria.clone()
        } else {
            Vec::new()
        };
        let made = loop {
            let made = self.run(&bench, &criteria, wanted.load)?;
            match made.invalid {
                None => break made,
                Some(_) if self.repeated < REPEATS => self.repeated += 1,
                Some(invalid) => return Err(Ending::Invalid(invalid)),
            }
        };
        let steady = made.run.steady();
        let saturated = made.run.ending.is_some_and(|ending| ending.why.is_state());
        let kept_up = self.over == Over::Concurrency || !saturated && keeps_up(&steady);
        let readings: Vec<_> = self
            .criteria
            .iter()
            .map(|criterion| {
                let reading = criterion.reading(wanted.load, &steady)?;
                Some(if kept_up {
                    reading
                } else {
                    reading.overloaded()
                })
            })
            .collect();
        let side = match made.early {
            _ if saturated => Side::Above,
            Some(side) => side,
            None if readings.iter().flatten().all(|reading| reading.holds()) => Side::Below,
            None => Side::Above,
        };
        drop(steady);
        let holds = side == Side::Below;
        self.trials.push(self.told(wanted, &made, side, kept_up));
        let rank = Rank(
            holds,
            !wanted.short,
            if holds { wanted.load } else { -wanted.load },
        );
        if self.best.as_ref().is_none_or(|(best, _)| rank >= *best) {
            self.best = Some((rank, made.run));
        }
        if wanted.short {
            self.search.decided(wanted.load, side);
        } else {
            self.search.measured(wanted.load, readings);
        }
        if let Some(last) = self.trials.last() {
            self.tell(last);
        }
        Ok(())
    }

    fn told(&self, wanted: Wanted, made: &Made, side: Side, kept_up: bool) -> Trial {
        Trial {
            point: CurvePoint::of(wanted.load, &made.run, &made.metrics),
            short: wanted.short,
            side: match side {
                Side::Below => TrialSide::Holds,
                Side::Above => TrialSide::Fails,
            },
            kept_up,
            numbers: self
                .criteria
                .iter()
                .map(|criterion| {
                    let slo = criterion.slo();
                    let part = made.run.steady().part(slo.part);
                    let metrics = measure(&part, &self.limits());
                    let value = judge::value(&slo.subject, &metrics).ok();
                    value.filter(|value| value.is_finite())
                })
                .collect(),
        }
    }

    fn limits(&self) -> Vec<RequestLimit> {
        classes::limits(&self.bench.load, &self.bench.demands)
    }

    /// Sends a plan of its own and measures it.
    fn run(&mut self, bench: &Checked, criteria: &[Criterion], load: f64) -> Result<Made, Ending> {
        let plan = bench.plan_of_segment(self.plans, self.prepared)?;
        let plan = self.prepared.aligned(plan);
        let prepared = self.prepared.with_plan(plan);
        let place = another_server(self.place, &format!("trial {}", self.plans));
        self.plans += 1;
        let setup = bench.setup(&place, &prepared);
        let watching = Arc::new(Watching::new(
            self.control.observer.clone(),
            setup,
            criteria,
            bench.load.requests,
        ));
        let control = Control {
            observer: watching.clone(),
            ..self.control.clone()
        };
        let send = async |line: &Line<'_>, first: Outgoing| {
            watching.ends(line.conditions());
            line.send(first).await
        };
        let (segments, _) = bench.connect(&place, &prepared, &control, send)?;
        self.note(&segments);
        let mut run = segments.into_run();
        record::redact(&mut run.records);
        let early = watching.side();
        let (start, end) = bench.cuts(run.records.len());
        run.cut_off(start, end);
        let criteria = Criteria {
            slos: Vec::new(),
            ..bench.criteria(1)
        };
        let (metrics, judgement) = criteria.assess(&run);
        // A server that is overloaded may answer nothing.
        let grave = |kind: FindingKind| {
            kind.invalidates()
                && !matches!(
                    kind,
                    FindingKind::NothingCompleted
                        | FindingKind::NothingLeft
                        | FindingKind::NotSettled
                )
        };
        let invalid = judgement
            .findings
            .into_iter()
            .find(|finding| grave(finding.kind));
        let invalid = invalid.map(|finding| Finding {
            kind: FindingKind::Trial,
            message: format!(
                "the trial at {} is invalid: {}",
                judge::number(load),
                finding.message
            ),
        });
        Ok(Made {
            run,
            metrics,
            early,
            invalid,
        })
    }

    fn note(&mut self, segments: &Segments) {
        let run = segments.run();
        self.requests += run.records.len() as u64;
        self.took.0 += run.duration.0;
    }

    /// Whether the budget has nothing left.
    fn is_spent(&self) -> bool {
        let budget = self
            .bench
            .load
            .search_budget
            .unwrap_or_else(|| Budget::Requests(100 * self.bench.load.requests as u64));
        match budget {
            Budget::Requests(most) => self.requests >= most,
            // A simulation's time counts as it passes there.
            Budget::Time(most) if matches!(self.place, Place::Simulation(_)) => {
                u128::from(self.took.0) >= most.as_nanos()
            }
            Budget::Time(most) => self.began.elapsed() >= most,
        }
    }

    /// Whether the interval decides everything that is demanded of the capacity.
    fn is_decided(&self, demands: &[Slo]) -> bool {
        if demands.is_empty() || self.trials.iter().filter(|trial| !trial.short).count() < 5 {
            return false;
        }
        let interval = self.search.interval();
        let outside = |slo: &Slo| {
            interval.low.is_some_and(|low| low > slo.limit)
                || interval.high.is_some_and(|high| high < slo.limit)
        };
        demands.iter().all(outside)
    }
}

impl Checked {
    /// The bench of one trial, which ends in this state.
    fn at(&self, over: Over, load: f64, requests: usize, ends: Option<StopIf>) -> Checked {
        let mut bench = self.clone();
        match over {
            Over::Rate => bench.load.rate = load,
            Over::Concurrency => {
                bench.load.rate = f64::INFINITY;
                bench.load.max_concurrency = Some(load as usize);
            }
        }
        bench.load.requests = requests;
        bench.load.stop_if.extend(ends);
        bench
    }

    /// What is cut off a trial that has sent this number of requests.
    fn cuts(&self, sent: usize) -> (Option<Cut>, Option<Cut>) {
        let (start, end) = (self.load.cut_start, self.load.cut_end);
        let cut = |share: f64| {
            let requests = (sent as f64 * share) as u64;
            (requests > 0).then_some(Cut::Requests(requests))
        };
        if start.is_some() || end.is_some() {
            (start, end)
        } else {
            (cut(CUTS.0), cut(CUTS.1))
        }
    }
}
