//! Searches for the highest load at which the SLOs hold.
//!
//! Each trial is a run of its own, with a plan of its own seed, after the server has drained. Which loads are tried, and what
//! follows from them, is in [`stats::search`](crate::stats::search); what an SLO asks of a trial in
//! [`Criterion`]. The run of the report is that of the highest load that kept the SLOs.

use super::{
    Control,
    arm::another_server,
    checked::Checked,
    classes,
    conduct::{closed, opened},
    line::{Line, Outgoing},
    notes,
    prepare::Prepared,
    segments::Segments,
    trial::Watching,
};
use crate::{
    clock::Nanos,
    error::Error,
    grammar::{
        cut::Cut,
        search::{Budget, Over},
        slo::{Slo, Subject},
        stop_if::StopIf,
    },
    judge::{
        self, Bound, Capacity, Criteria, Criterion, Finding, FindingKind, Stopped, Trial,
        TrialSide, judge, keeps_up,
    },
    metrics::{Metrics, Summary, measure},
    problem::Problem,
    record,
    report::Report,
    run::Run,
    stats::search::{Next, Search, Settings, Side, Trial as Wanted, Why},
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
/// What happens by chance less often than this is worth a note.
const UNLIKELY: f64 = 0.001;

/// A search under way.
struct Hunt<'a> {
    bench: &'a Checked,
    control: &'a Control,
    place: &'a Place,
    prepared: &'a Prepared,
    over: Over,
    criteria: Vec<Criterion>,
    search: Search,
    trials: Vec<Trial>,
    /// Plans that were made.
    plans: usize,
    repeated: usize,
    requests: u64,
    took: Nanos,
    began: Instant,
    /// The run that the report is about.
    best: Option<(Rank, Run)>,
}

/// How much a trial says about what the server can take: one that kept the SLOs before one that did not, a long one before a
/// short one, and the one that is nearest to the edge.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Rank(bool, bool, f64);

/// What a trial left.
struct Made {
    run: Run,
    metrics: Metrics,
    /// The side, if the trial ended once it was clear.
    early: Option<Side>,
    invalid: Option<Finding>,
}

impl Checked {
    /// Searches, and gives the report of the highest load that kept the SLOs.
    pub(super) fn conduct_search(&self, control: &Control) -> Result<Report, Error> {
        let Some(wanted) = self.load.search else {
            return Err(Error::Target("nothing is searched for".into()));
        };
        let _lock = self.lock_for(&[&self.target], control)?;
        let opened = opened(&self.target, control)?;
        let mut prepared = self.prepare(&opened.place, None, control)?;
        prepared.align();
        control.go_on("prepared its requests")?;
        self.tell_left_journals(&opened.place, control);
        let limits = classes::limits(&self.load, &self.demands);
        let demanded = |slo: &&Slo| matches!(slo.subject, Subject::Max(_));
        let (demands, slos): (Vec<&Slo>, Vec<&Slo>) = self.demands.slo.iter().partition(demanded);
        let demands: Vec<Slo> = demands.into_iter().cloned().collect();
        let criteria: Result<Vec<Criterion>, &str> = slos
            .iter()
            .map(|slo| Criterion::new(slo, &limits))
            .collect();
        let criteria = criteria.map_err(|why| Error::Target(why.to_owned()))?;
        let mut hunt = Hunt {
            bench: self,
            control,
            place: &opened.place,
            prepared: &prepared,
            over: wanted.over,
            search: Search::new(
                Settings {
                    start: 1.0,
                    range: wanted.range.unwrap_or((0.0, f64::INFINITY)),
                    whole: wanted.over == Over::Concurrency,
                    within: wanted.within,
                    error: 1.0 - self.demands.confidence,
                },
                criteria.len(),
            ),
            criteria,
            trials: Vec::new(),
            plans: 0,
            repeated: 0,
            requests: 0,
            took: Nanos(0),
            began: Instant::now(),
            best: None,
        };
        let mut invalid = None;
        let stopped = match hunt.start(wanted.range).and_then(|()| hunt.go(&demands)) {
            Ok(stopped) => stopped,
            Err(Ending::Invalid(finding)) => {
                invalid = Some(finding);
                Stopped::Ended
            }
            Err(Ending::Error(Error::Ended(_))) if hunt.best.is_some() => {
                invalid = Some(Finding {
                    kind: FindingKind::Trial,
                    message: format!(
                        "the search was ended after {} trials; let it finish",
                        hunt.trials.len()
                    ),
                });
                Stopped::Ended
            }
            Err(Ending::Error(why)) => return Err(why),
        };
        let capacity = hunt.capacity(stopped, self.demands.confidence);
        let scatter = hunt.contradictions();
        let best = hunt.best.take();
        let complaint = closed(opened.guard);
        let Some((_, run)) = best else {
            return Err(Error::Target("nothing was sent".into()));
        };
        let criteria = Criteria {
            slos: Vec::new(),
            complaint,
            ..self.criteria(1)
        };
        let metrics = measure(&run, &criteria.limits);
        let mut judgement = judge(&run, &metrics, &criteria);
        // Trials that fail are what a search looks for.
        judgement.findings.retain(|finding| {
            !matches!(
                finding.kind,
                FindingKind::FailedRequests | FindingKind::StopCondition
            )
        });
        let inconclusive = self.demands.on_inconclusive;
        let mut judgement = judgement.searched(capacity, &demands, invalid, inconclusive);
        judgement.findings.extend(scatter);
        judgement.findings.extend(self.note_on_target());
        let notes = prepared.plan.notes.iter().cloned().chain(notes::on(&run));
        let notes = notes.collect();
        let criteria = Criteria {
            slos: demands,
            ..criteria
        };
        Ok(Report::new(run, notes, criteria, metrics, judgement))
    }
}

/// Why a search is over before its time.
enum Ending {
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
    fn start(&mut self, range: Option<(f64, f64)>) -> Result<(), Ending> {
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
    fn go(&mut self, demands: &[Slo]) -> Result<Stopped, Ending> {
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
            self.search.measured(readings);
        }
        if let Some(last) = self.trials.last() {
            self.tell(last);
        }
        Ok(())
    }

    fn told(&self, wanted: Wanted, made: &Made, side: Side, kept_up: bool) -> Trial {
        let metrics = &made.metrics;
        let middle =
            |of: &Summary, percent: f64| Some(of.percentile(percent)).filter(|v| v.is_finite());
        Trial {
            load: wanted.load,
            requests: made.run.records.len() as u64,
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
            request_throughput: metrics.throughput.requests,
            output_throughput: metrics.throughput.output_tokens,
            median_ttft_ms: middle(&metrics.gate.ttft, 50.0),
            p99_ttft_ms: middle(&metrics.gate.ttft, 99.0),
            median_tpot_ms: middle(&metrics.latency.tpot, 50.0),
            median_e2el_ms: middle(&metrics.gate.e2el, 50.0),
        }
    }

    fn limits(&self) -> Vec<crate::grammar::goodput::RequestLimit> {
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

    fn capacity(&mut self, stopped: Stopped, confidence: f64) -> Capacity {
        let whole = |load: f64| match self.over {
            // What holds up to 7.6 holds at 7.
            Over::Concurrency => libm::floor(load),
            Over::Rate => load,
        };
        let value = self.search.estimate().map(whole);
        let bound = match stopped {
            Stopped::HighestHolds => self.trials.last().map(|trial| Bound::AtLeast(trial.load)),
            Stopped::LowestFails => self.trials.last().map(|trial| Bound::Below(trial.load)),
            _ => None,
        };
        let of = |side: TrialSide| {
            let trials = self.trials.iter().filter(move |trial| trial.side == side);
            trials.map(|trial| trial.load)
        };
        let middle = self.search.estimate();
        let below = |load: &f64| middle.is_none_or(|middle| *load <= middle);
        let above = |load: &f64| middle.is_none_or(|middle| *load >= middle);
        Capacity {
            over: self.over.name().to_owned(),
            slos: self
                .criteria
                .iter()
                .map(|criterion| criterion.slo().to_string())
                .collect(),
            value,
            interval: self.search.interval().map(whole),
            confidence,
            bound,
            passing: of(TrialSide::Holds).filter(below).reduce(f64::max),
            failing: of(TrialSide::Fails).filter(above).reduce(f64::min),
            stopped,
            requests: self.requests,
            seconds: self.took.as_secs_f64(),
            trials: self.trials.clone(),
        }
    }

    /// What speaks against the trials' being runs of the same server.
    fn contradictions(&self) -> Vec<Finding> {
        let mut said = Vec::new();
        let edges = self.search.edges().iter().flatten();
        let chance = edges.map(|edge| edge.by_chance).fold(1.0, f64::min);
        if chance < UNLIKELY {
            said.push(
                "the trials differ by far more than the requests within them explain: the server or its machine was faster in \
                 some than in others, or the SLOs do not break as the load grows. The interval is wider for it; search again \
                 on an idle machine"
                    .to_owned(),
            );
        }
        if let Some(trend) = self.search.trend().filter(|trend| trend.abs() < UNLIKELY) {
            let way = if trend > 0.0 { "slower" } else { "faster" };
            said.push(format!(
                "the server became {way} from trial to trial, so there is no one capacity: warm it up, or find out what fills up"
            ));
        }
        let kind = FindingKind::Scatter;
        said.into_iter()
            .map(|message| Finding { kind, message })
            .collect()
    }

    /// Says how the search goes, where that takes a while.
    fn tell(&self, last: &Trial) {
        if matches!(self.place, Place::Simulation(_)) {
            return;
        }
        let side = match last.side {
            TrialSide::Holds => "holds",
            TrialSide::Fails => "fails",
        };
        let so_far = self.search.estimate().map_or_else(String::new, |value| {
            let interval = self.search.interval();
            let end = |end: Option<f64>| end.map_or_else(|| "?".to_owned(), judge::number);
            format!(
                "; so far {} [{}, {}]",
                judge::number(value),
                end(interval.low),
                end(interval.high)
            )
        });
        self.control.observer.says(&format!(
            "trial {} at {} {} {side}, {} requests in all{so_far}",
            self.trials.len(),
            self.over.name(),
            judge::number(last.load),
            self.requests,
        ));
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

impl super::Bench {
    /// The bench, searching if an SLO demands a capacity.
    pub(super) fn searching(mut self) -> Self {
        let demanded = self.demands.slo.iter().find_map(|slo| match slo.subject {
            Subject::Max(over) => Some(over),
            _ => None,
        });
        if self.load.search.is_none() {
            self.load.search = demanded.map(crate::grammar::search::Search::over);
        }
        self
    }

    /// Checks that a search can find something.
    pub(super) fn check_search(&self, problems: &mut Vec<Problem>) {
        let demanded = self.demands.slo.iter().filter_map(|slo| match slo.subject {
            Subject::Max(over) => Some((slo, over)),
            _ => None,
        });
        let Some(search) = self.load.search else {
            if let Some(budget) = self.load.search_budget {
                let fix =
                    "there is no search to spend it. Set `search = \"rate\"`, or leave it out";
                problems.push(Problem::new("search_budget", budget, fix));
            }
            return;
        };
        for (slo, _) in demanded.filter(|(_, over)| *over != search.over) {
            let fix = format!(
                "limits what is not searched for. Search for one of them, `{}` or `{}`",
                search.over.name(),
                slo.number().trim_start_matches("max_")
            );
            problems.push(Problem::new("slo", slo, fix));
        }
        let limits = classes::limits(&self.load, &self.demands);
        let criteria = self
            .demands
            .slo
            .iter()
            .filter(|slo| !matches!(slo.subject, Subject::Max(_)));
        let mut any = false;
        for slo in criteria {
            any = true;
            if let Err(why) = Criterion::new(slo, &limits) {
                problems.push(Problem::new("slo", slo, why));
            }
        }
        if !any {
            let fix = "needs an SLO that breaks as the load grows. Set `slo = \"goodput >= 90%\"`, or `p99(ttft) < 500ms`";
            problems.push(Problem::new("search", search, fix));
        }
        let mut refuse =
            |field: &str, value: String, fix: &str| problems.push(Problem::new(field, value, fix));
        if search.over == Over::Rate && self.load.rate.is_finite() {
            refuse(
                "rate",
                self.load.rate.to_string(),
                "is what the search looks for. Leave it out",
            );
        }
        if search.over == Over::Concurrency {
            if let Some(most) = self.load.max_concurrency {
                refuse(
                    "max_concurrency",
                    most.to_string(),
                    "is what the search looks for. Leave it out",
                );
            }
            if self.load.rate.is_finite() {
                refuse(
                    "rate",
                    self.load.rate.to_string(),
                    "gives the load, and the search looks for a concurrency. Leave it out",
                );
            }
        }
        if let Some(ramp) = self.load.ramp {
            refuse(
                "ramp",
                ramp.to_string(),
                "changes the load during a trial. Leave it out",
            );
        }
        if self.load.replays() {
            refuse(
                "dataset",
                self.load.dataset.to_string(),
                "has its own times. Set `self_timed = false`, or take another dataset",
            );
        }
        if let Some(span) = self.load.duration {
            refuse(
                "duration",
                crate::grammar::duration::format(span),
                "does not fit trials at different loads. Set `requests`, the size of a trial",
            );
        }
        if self.load.rounds > 1 || self.load.warmup_rounds > 0 {
            refuse(
                "rounds",
                self.load.rounds.to_string(),
                "repeats a plan, and each trial of a search has its own. Leave it out",
            );
        }
        if self.demands.max_extend > 1 {
            refuse(
                "max_extend",
                self.demands.max_extend.to_string(),
                "extends one run, and a search makes as many trials as it needs. Set `search_budget`",
            );
        }
        if self.demands.versus.is_some() {
            refuse(
                "versus",
                "(set)".to_owned(),
                "compares runs at one load. Search both targets, and compare their capacities",
            );
        }
        if let Some(name) = &self.keeping.baseline {
            refuse(
                "baseline",
                name.clone(),
                "compares runs at one load. Limit `max_rate` instead",
            );
        }
        if self.load.requests < FEWEST {
            let fix = format!("is too few for a trial. Set at least {FEWEST}");
            problems.push(Problem::new("requests", self.load.requests, fix));
        }
        if let Some(Budget::Requests(most)) = self.load.search_budget
            && most < FEWEST_TRIALS * self.load.requests as u64
        {
            let fix = format!(
                "is less than {FEWEST_TRIALS} trials of {} requests. Set at least {} requests, or fewer `requests`",
                self.load.requests,
                FEWEST_TRIALS * self.load.requests as u64
            );
            problems.push(Problem::new("search_budget", most, fix));
        }
        let live = self.chosen_target().simulation().is_none();
        if live && self.load.search_budget.is_none() {
            let fix = "must say what a search of a live server may spend. Set such as `search_budget = \"20000 requests\"` or `\"10m\"`";
            problems.push(Problem::new("search_budget", "(missing)", fix));
        }
    }
}

/// The smallest trial, and the smallest number of trials, that say anything.
const FEWEST: usize = 50;
const FEWEST_TRIALS: u64 = 8;
