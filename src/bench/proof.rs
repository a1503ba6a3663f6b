//! Whether the run could pass its SLOs at all.

use super::{
    Bench,
    checked::Checked,
    classes,
    parts::{Demands, Load},
};
use crate::{
    grammar::{
        proof::{Effort, Unprovable},
        slo::{Class, Latency, Level, Part, Place, Slo, Subject},
    },
    judge::{Compared, Expect, Finding, FindingKind, OnInconclusive},
    metrics::is_checked,
    plan::{Plan, PlannedRequest},
    problem::Problem,
    run::Run,
    stats::{
        compare::{Rule, detectable_by},
        unpaired,
    },
    structure::Structure,
};
use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write,
    sync::Arc,
};

/// A single difference has no scatter to compare it with.
const ONE_PAIR: &str =
    "proves neither a change nor the absence of one, whatever it measures. Write `pairs = 10`";

/// What goes into a demand on this number of requests, or of sessions.
pub(super) fn effort(load: &Load, demands: &Demands, requests: u64) -> Effort {
    Effort {
        requests,
        planned: requests,
        batch: load.dataset.batch(),
        max_extend: demands.max_extend as u64,
        repeats: match demands.versus {
            Some(_) => demands.pairs as u64,
            None => 1,
        },
        confidence: demands.confidence,
        gaps: load.dataset.most_gaps(),
    }
}

/// The number of requests that an SLO is about at most, where the settings show it.
fn at_most(load: &Load, slo: &Slo) -> u64 {
    if let Subject::Latency(_, Latency::RoundE2el) = slo.subject {
        return load.rounds as u64;
    }
    let most = load
        .dataset
        .requests_for(slo.part.class, load.requests as u64);
    most * load.rounds as u64
}

/// The number of requests of a plan that an SLO is about, or of sessions.
pub(super) fn planned(slo: &Slo, plan: &Plan, rounds: usize) -> u64 {
    let turn = |request: &PlannedRequest| request.turn.as_deref().map_or(0, |turn| turn.id.number);
    // Requests share structures, and a grammar takes a while to read.
    let mut known: HashMap<*const Structure, bool> = HashMap::new();
    let asked = |request: &'_ PlannedRequest| {
        let asked = request.structure.as_deref().filter(|asked| asked.sent);
        asked.map(|asked| asked.structure.clone())
    };
    if slo.subject == Subject::Valid {
        for structure in plan.requests.iter().filter_map(asked) {
            let place = Arc::as_ptr(&structure);
            known.entry(place).or_insert_with(|| structure.is_checked());
        }
    }
    let counts = |request: &&PlannedRequest| {
        let checked =
            |structure: Arc<Structure>| known.get(&Arc::as_ptr(&structure)) == Some(&true);
        slo.subject != Subject::Valid || asked(request).is_some_and(checked)
    };
    let of_class = |class: Option<&str>| {
        let is_of = |r: &&PlannedRequest| class.is_none() || r.class.as_deref() == class;
        let requests = plan.requests.iter().filter(is_of).filter(counts);
        match (slo.subject, slo.part.place) {
            (Subject::Latency(_, Latency::SessionE2el), _) => plan.sessions_with_turns(class),
            (_, Place::Turn(span)) => requests.filter(|r| span.has(turn(r))).count(),
            _ => requests.count(),
        }
    };
    let once = match slo.part.class {
        Class::All => of_class(None),
        Class::One(name) => of_class(Some(name.as_str())),
        // The class with the fewest decides.
        Class::Worst => {
            let classes = plan.classes().into_iter();
            classes
                .map(|class| of_class(Some(class)))
                .min()
                .unwrap_or(0)
        }
    };
    let times = match (slo.subject, slo.part.place) {
        (Subject::Warm(_), _) => 1,
        (Subject::Latency(_, Latency::RoundE2el), _) => return rounds as u64,
        (_, Place::Round(span)) => (0..rounds).filter(|round| span.has(*round)).count(),
        _ => rounds,
    };
    once as u64 * times as u64
}

/// What an SLO's values are of.
pub(super) fn counted(slo: &Slo) -> &'static str {
    match slo.subject {
        Subject::Latency(_, Latency::SessionE2el) => "sessions",
        Subject::Latency(_, Latency::RoundE2el) => "rounds",
        _ => "requests",
    }
}

/// The number of requests of a run that an SLO was about, or of sessions.
fn measured(slo: &Slo, run: &Run) -> u64 {
    if slo.part.class == Class::Worst {
        let of_class = |name| {
            let class = Class::One(name);
            let part = Part { class, ..slo.part };
            measured(
                &Slo {
                    part,
                    ..slo.clone()
                },
                run,
            )
        };
        return run.classes().map(of_class).min().unwrap_or(0);
    }
    let part = run
        .records
        .iter()
        .filter(|record| run.is_part(slo.part, record));
    let count = match slo.subject {
        Subject::Latency(_, Latency::SessionE2el) => {
            let turns = part.map(|record| record.turn.as_deref().map(|turn| turn.session));
            turns.collect::<BTreeSet<_>>().len()
        }
        Subject::Valid => part.filter(|record| is_checked(record)).count(),
        Subject::Warm(_) => part.count() / run.setup.rounds.max(1),
        Subject::Latency(_, Latency::RoundE2el) => run.setup.rounds,
        _ => part.count(),
    };
    count as u64
}

/// SLOs that not even the best outcome of the run would pass, if each is about this number of requests.
fn unprovable(load: &Load, demands: &Demands, about: impl Fn(&Slo) -> u64) -> Vec<Unprovable> {
    // Of a bench that must fail nothing has to hold, and a search makes as many trials as it needs.
    let slos = demands
        .slo
        .iter()
        .filter(|_| demands.expect == Expect::Pass && load.search.is_none());
    let planned = (load.requests * load.rounds) as u64;
    let effort_of = |slo: &Slo| match slo.part.class {
        Class::All => effort(load, demands, about(slo)),
        Class::One(_) | Class::Worst => Effort {
            planned,
            ..effort(load, demands, about(slo))
        },
    };
    slos.filter_map(|slo| effort_of(slo).unprovable(slo))
        .collect()
}

fn compares_one_pair(demands: &Demands) -> bool {
    demands.versus.is_some() && demands.pairs == 1
}

impl Bench {
    /// What a run of this plan will be able to decide, in lines to read: each SLO with the fewest requests, or sessions,
    /// that decide it, and the change that a comparison would show. Empty if nothing is demanded. `goodput serve --dry-run`
    /// prints it.
    pub fn decidable(&self, plan: &Plan) -> String {
        if let Some(search) = self.clone().searching().load.search {
            return format!(
                "search: {search}, in trials of {} requests",
                plan.requests.len()
            );
        }
        let mut lines = Vec::new();
        for slo in &self.demands.slo {
            let about = planned(slo, plan, self.load.rounds);
            let effort = effort(&self.load, &self.demands, about);
            let counted = counted(slo);
            let here = if about == plan.requests.len() as u64 {
                String::new()
            } else {
                format!(", and this is about {about}")
            };
            let line = match (effort.unprovable(slo), effort.fewest(slo)) {
                _ if slo.subject == Subject::Drift(Level::Memory) => {
                    "yes, if it stays far from the limit: from 24 samples on".to_owned()
                }
                (Some(_), Some(fewest)) => format!("no: takes {fewest} {counted} at least{here}"),
                (Some(_), None) | (None, None) => {
                    format!("no: no number of {counted} is enough")
                }
                (None, Some(fewest)) => format!(
                    "yes, if {counted} stay far from the limit: from {fewest} {counted} on{here}"
                ),
            };
            lines.push((slo.to_string(), line));
        }
        let rule = Rule {
            error: self.demands.error(),
            noise_threshold: self.demands.noise_threshold,
            ..Rule::default()
        };
        if self.demands.versus.is_some() {
            lines.push((
                "versus".to_owned(),
                shown(detectable_by(
                    ASSUMED_CV,
                    ASSUMED_CV,
                    self.demands.pairs,
                    &rule,
                )),
            ));
        }
        if let Some(name) = self.keeping.against() {
            let gated = Compared::all(
                !classes::limits(&self.load, &self.demands).is_empty(),
                self.load.rate.is_finite(),
                &classes::names(&self.load.dataset),
            )
            .iter()
            .filter(|metric| metric.gated)
            .count();
            lines.push((
                format!("baseline `{name}`"),
                shown(unpaired::detectable_by(ASSUMED_CV, &rule, gated)),
            ));
        }
        if lines.is_empty() {
            return String::new();
        }
        let width = lines.iter().map(|(name, _)| name.chars().count()).max();
        let width = width.unwrap_or(0);
        let mut text = format!(
            "will this run decide it, with {} requests at {} % confidence?\n",
            plan.requests.len(),
            (self.demands.confidence * 1e8).round() / 1e6
        );
        for (name, line) in lines {
            let _ = writeln!(text, "  {name:width$}  {line}");
        }
        text
    }

    /// Refuses a run that cannot prove its SLOs, if proof is required: it is not worth its time.
    pub(super) fn check_proof(&self, problems: &mut Vec<Problem>) {
        if self.demands.on_inconclusive == OnInconclusive::Fail {
            if compares_one_pair(&self.demands) {
                problems.push(Problem::new("pairs", 1, ONE_PAIR));
            }
            let problem = |slo: Unprovable| Problem::new("slo", &slo.slo, slo.error());
            let unprovable = unprovable(&self.load, &self.demands, |slo| at_most(&self.load, slo));
            problems.extend(unprovable.into_iter().map(problem));
        }
    }
}

impl Checked {
    /// Notes on SLOs that the run cannot prove, if proof is not required.
    pub(super) fn notes_on_proof(&self, run: &Run) -> Vec<Finding> {
        let one_pair = compares_one_pair(&self.demands).then(|| format!("`pairs = 1` {ONE_PAIR}"));
        // What all pairs, or all segments, have together follows from what one plan has.
        let repeats = self.demands.versus.is_some() || self.demands.max_extend > 1;
        let about = |slo: &Slo| {
            if repeats {
                at_most(&self.load, slo)
            } else {
                measured(slo, run)
            }
        };
        let slos = unprovable(&self.load, &self.demands, about).into_iter();
        let slos = slos.map(|slo| slo.to_string());
        let kind = FindingKind::Unprovable;
        one_pair
            .into_iter()
            .chain(slos)
            .map(|message| Finding { kind, message })
            .collect()
    }
}

/// The assumed difference between runs of an unchanged server: standard deviation over mean.
const ASSUMED_CV: f64 = 0.04;

fn shown(change: Option<f64>) -> String {
    match change {
        Some(change) => format!(
            "shows a change of {} % nine times out of ten, if runs differ by {} %",
            crate::judge::number(change * 100.0),
            ASSUMED_CV * 100.0
        ),
        None => "shows nothing: one pair cannot separate a change from noise".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        baseline::{Against, Settings},
        judge::{Criteria, Verdict},
        metrics::testing::{limit, record, run_of},
    };
    use goodput_grammar::goodput::RequestMetric;
    use rstest::rstest;

    /// All good, and none different from another.
    fn best(requests: usize) -> Run {
        let records = (0..requests).map(|index| {
            let at = index as u64 * 100;
            let mut record = record(at, &[at + 10, at + 12, at + 14], 3);
            record.index = index;
            record
        });
        let mut run = run_of(records.collect());
        run.setup.open_loop = true;
        run
    }

    fn verdict(bench: &Bench, run: &Run, segments: usize) -> Verdict {
        let criteria = Criteria {
            limits: vec![limit(RequestMetric::Ttft, 70)],
            ..bench.clone().checked().unwrap().criteria(segments)
        };
        criteria.assess(run).1.slos[0].verdict
    }

    /// The rule and the verdict agree at the very request: the best run passes from there on, and not before.
    #[rstest]
    #[case("errors < 1%", 299)]
    #[case("errors < 0.1%", 2995)]
    #[case("errors <= 5%", 59)]
    #[case("goodput >= 95%", 59)]
    #[case("goodput > 99.5%", 598)]
    #[case("p50(ttft) < 1s", 5)]
    #[case("p50(itl) < 1s", 5)]
    #[case("p99(itl) < 1s", 150)]
    #[case("goodput >= 60%", 6)]
    #[case("p90(tpot) < 1s", 29)]
    #[case("p99(e2el) < 1s", 299)]
    #[case("p99.9(ttft) < 1s", 2995)]
    #[case("mean(ttft) < 1s", 149)]
    #[case("std(ttft) < 1s", 149)]
    #[case("throughput(requests) > 1", 8)]
    fn the_rule_is_that_of_the_verdict(#[case] slo: &str, #[case] fewest: usize) {
        for (requests, expected) in [(fewest - 1, Verdict::Inconclusive), (fewest, Verdict::Pass)] {
            let bench = Bench::new("proof").dataset("random(input = 8, output = 3)");
            let bench = bench.goodput("ttft:70").slo(slo).requests(requests);
            let load = &bench.load;
            let told = unprovable(load, &bench.demands, |slo| at_most(load, slo)).is_empty();
            assert_eq!(told, expected == Verdict::Pass, "{requests} requests");
            assert_eq!(
                verdict(&bench, &best(requests), 1),
                expected,
                "{requests} requests"
            );
        }
    }

    #[rstest]
    #[case(2, 184)]
    #[case(5, 92)]
    #[case(10, 39)]
    fn looks_share_the_error(#[case] times: usize, #[case] fewest: usize) {
        for (requests, expected) in [(fewest - 1, Verdict::Inconclusive), (fewest, Verdict::Pass)] {
            let bench = Bench::new("proof").slo("errors < 1%").requests(requests);
            let bench = bench.max_extend(times);
            let load = &bench.load;
            let told = unprovable(load, &bench.demands, |slo| at_most(load, slo)).is_empty();
            assert_eq!(told, expected == Verdict::Pass);
            let last = verdict(&bench, &best(requests * times), times);
            assert_eq!(last, expected, "{requests} requests");
        }
    }

    #[test]
    fn one_pair_proves_nothing() {
        let bench = Bench::new("pair").target("sim").versus("sim");
        let bench = bench.pairs(1).requests(10);
        let report = bench.clone().run_blocking().unwrap();
        assert!(
            report.to_string().contains("`pairs = 1` proves neither"),
            "{report}"
        );
        let error = bench.clone().on_inconclusive("fail").check().unwrap_err();
        assert!(
            error.to_string().starts_with("pairs = 1: proves neither"),
            "{error}"
        );
        bench.pairs(2).on_inconclusive("fail").check().unwrap();
    }

    #[test]
    fn where_proof_is_asked_for_it_is_an_error_and_elsewhere_a_note() {
        let bench = Bench::new("chat").slo("errors < 0.1%").requests(600);
        let report = bench.clone().run_blocking().unwrap();
        let note = "`errors < 0.1%` can only fail, never pass, with 600 requests.";
        assert!(report.to_string().contains(note), "{report}");
        let error = bench.on_inconclusive("fail").check().unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(
            error
                .to_string()
                .contains("Write `requests = 3000`, or limit `errors < 1%`")
        );
    }

    #[test]
    fn what_will_be_decided_is_said_beforehand() {
        let bench = Bench::new("small")
            .requests(100)
            .goodput("ttft:70")
            .slo("p99(ttft) < 1s, goodput >= 95%")
            .versus("sim")
            .on_inconclusive("warn");
        let plan = bench.plan().unwrap();
        insta::assert_snapshot!(bench.decidable(&plan), @"
        will this run decide it, with 100 requests at 95 % confidence?
          p99(ttft) < 1000ms  yes, if requests stay far from the limit: from 30 requests on
          goodput >= 95%      yes, if requests stay far from the limit: from 6 requests on
          versus              shows a change of 7.81 % nine times out of ten, if runs differ by 4 %
        ");
        assert_eq!(Bench::new("nothing").decidable(&plan), "");
    }

    #[test]
    fn a_baseline_that_flags_ask_for_counts_as_the_own_one_does() {
        let bench = Bench::new("small").requests(100);
        let by_flag = bench.clone().baselines(Settings {
            against: Some(Against {
                name: "main".to_owned(),
                strict: false,
            }),
            ..Settings::default()
        });
        let plan = bench.plan().unwrap();
        let said = by_flag.decidable(&plan);
        assert!(
            said.contains("baseline `main`  shows a change of "),
            "{said}"
        );
        assert_eq!(said, bench.baseline("main").decidable(&plan));
    }
}
