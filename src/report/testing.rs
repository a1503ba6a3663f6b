//! A made-up run and what it must meet.

use super::{End, Measured, Outcome, Report, VllmMetric, VllmOptions};
use crate::{
    judge::{Change, Comparison, Criteria, OnInconclusive, Pairing, Unit},
    metrics::testing::{golden::Golden, limit, record, run_of},
    record::{Record, RequestError},
    run::Run,
    stats::{
        Interval,
        compare::{self, Conclusion, Rule, Worse},
    },
};
use goodput_grammar::{
    goodput::RequestMetric,
    slo::{Latency, Op, Slo, Stat, Subject, Throughput},
};
use std::time::Duration;

/// What a golden file's flags select.
pub(super) fn options(golden: &Golden) -> VllmOptions {
    let default = VllmOptions::default();
    let list = |name| Some(golden.flag(name)?[0].split(','));
    VllmOptions {
        percentile_metrics: list("percentile-metrics")
            .map(|names| names.map(|name| VllmMetric::named(name).unwrap()).collect()),
        metric_percentiles: list("metric-percentiles")
            .map_or(default.metric_percentiles, |words| {
                words.map(|word| word.parse().unwrap()).collect()
            }),
        goodput_given: golden.flag("goodput").is_some(),
        tokenizer_known: golden.flag("skip-tokenizer-init").is_none(),
    }
}

/// Twelve requests in open loop that get slower and slower; three of them fail.
pub(crate) fn failing_run() -> Run {
    let records = (0..12).map(|index| {
        let at = index * 100;
        let first = at + 40 + index * 25;
        let events: Vec<u64> = (0..4).map(|k| first + k * (10 + index)).collect();
        Record {
            index: index as usize,
            ..record(at, &events, 4)
        }
    });
    let mut run = run_of(records.collect());
    run.setup.name = "chat_short".to_owned();
    run.setup.model = Some("org/model-7b".to_owned());
    run.duration = crate::clock::Nanos(1_523_000_000);
    let busy = || {
        Some(RequestError::Status {
            status: 503,
            body: "{\"error\":\n \"busy\"}".to_owned(),
        })
    };
    run.records[1].lora = Some("law".to_owned());
    run.records[3].error = busy();
    run.records[5].error = Some(RequestError::Truncated {
        message: "connection reset".to_owned(),
    });
    run.records[8].error = busy();
    run
}

/// Limits that [`failing_run`] partly misses.
pub(super) fn criteria() -> Criteria {
    let slo = |subject, op, limit| Slo::new(subject, op, limit);
    Criteria {
        limits: vec![
            limit(RequestMetric::Ttft, 200),
            limit(RequestMetric::Tpot, 18),
        ],
        slos: vec![
            slo(Subject::Latency(Stat::Max, Latency::Ttft), Op::Lt, 250.0),
            slo(Subject::Goodput, Op::Ge, 0.95),
            slo(Subject::Errors, Op::Lt, 0.5),
            slo(Subject::Throughput(Throughput::Output), Op::Gt, 10.0),
        ],
        ..Criteria::default()
    }
}

/// Any number of requests may fail.
pub(super) fn lifted() -> Criteria {
    let errors = Slo::new(Subject::Errors, Op::Le, 1.0);
    Criteria {
        slos: vec![errors],
        ..Criteria::default()
    }
}

/// A run that is compared with limits.
pub(crate) fn report(run: Run, criteria: Criteria) -> Report {
    let (metrics, judgement) = criteria.assess(&run);
    Report::new(run, Vec::new(), criteria, metrics, judgement)
}

/// An outcome of each kind, the failing run's first.
pub(crate) fn outcomes() -> Vec<Outcome> {
    let ends = [
        "fail",
        "displeased",
        "inconclusive",
        "invalid",
        "unreachable",
        "ignored",
        "undemanding",
    ];
    ends.into_iter().map(outcome).collect()
}

/// A bench that ended in this way.
pub(crate) fn outcome(end: &str) -> Outcome {
    let took = Duration::from_millis(1_500);
    let of = |name: &str, run: Run, criteria: Criteria| {
        let report = report(run, criteria);
        Outcome {
            name: name.to_owned(),
            ..Outcome::of("slo", &report, took)
        }
    };
    let without = |name: &str, end| Outcome {
        group: "slo".to_owned(),
        name: name.to_owned(),
        took,
        end,
        measured: None::<Measured>,
        lineup: None,
    };
    match end {
        "pass" => of("easy", failing_run(), lifted()),
        "undemanding" => {
            let mut run = failing_run();
            for record in &mut run.records {
                record.error = None;
            }
            of("number", run, Criteria::default())
        }
        "displeased" => {
            let why = "the bench's function returned an error: too few".to_owned();
            let report = report(failing_run(), lifted()).answered(&Err(why));
            Outcome {
                name: "easy".to_owned(),
                ..Outcome::of("slo", &report, took)
            }
        }
        "fail" => of("chat_short", failing_run(), criteria()),
        "inconclusive" => {
            let open = Criteria {
                slos: criteria().slos.into_iter().skip(2).take(1).collect(),
                on_inconclusive: OnInconclusive::Fail,
                ..criteria()
            };
            let outcome = of("few", failing_run(), open);
            assert_eq!(outcome.word(), "inconclusive");
            outcome
        }
        "invalid" => {
            let mut run = failing_run();
            run.partial = true;
            of("stopped", run, criteria())
        }
        "unreachable" => without("remote", End::Broken("http://h:1 refuses".to_owned(), 4)),
        "unusable" => without(
            "odd",
            End::Broken("rate = -1: must be above 0".to_owned(), 2),
        ),
        "ignored" => without("live", End::Ignored("LLM_URL is not set".to_owned())),
        other => panic!("{other}"),
    }
}

/// A gated median that changed so that this is concluded.
pub(crate) fn changed(conclusion: Conclusion) -> Change {
    let (change, low, high) = match conclusion {
        Conclusion::Worse => (0.2, 0.16, 0.24),
        Conclusion::Better => (-0.2, -0.24, -0.16),
        Conclusion::Same | Conclusion::Inconclusive => (0.01, -0.03, 0.05),
    };
    Change {
        subject: "p50(ttft)".to_owned(),
        unit: Unit::Milliseconds,
        worse: Worse::Higher,
        a: 50.0,
        b: 50.0 * (1.0 + change),
        stored: Vec::new(),
        pairs: Vec::new(),
        gated: true,
        statistics: compare::Comparison {
            pairs: 5,
            change,
            interval: Interval::new(low, high),
            p_worse: 0.002,
            p_better: 0.998,
            agreement: 1.0,
            detectable: Some(0.075),
        },
        conclusion,
    }
}

/// Five pairs with these changes.
pub(crate) fn compared(changes: Vec<Change>) -> Comparison {
    Comparison {
        against: "http://127.0.0.1:8001".to_owned(),
        pairing: Pairing::Paired {
            pairs: 5,
            at_most: 8,
        },
        rule: Rule::default(),
        changes,
        attribution: Vec::new(),
        notes: Vec::new(),
    }
}
