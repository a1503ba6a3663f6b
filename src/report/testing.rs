//! A made-up run and what it is held against.

use super::{End, Measured, Outcome, Report, VllmMetric, VllmOptions};
use crate::{
    judge::{Criteria, OnInconclusive},
    metrics::{
        golden::Golden,
        testing::{limit, record, run_of},
    },
    record::{Record, RequestError},
    run::Run,
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
            .map_or(default.percentile_metrics, |names| {
                names.map(|name| VllmMetric::named(name).unwrap()).collect()
            }),
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
    run.records[3].error = busy();
    run.records[5].error = Some(RequestError::Truncated {
        message: "connection reset".to_owned(),
    });
    run.records[8].error = busy();
    run
}

/// Limits that [`failing_run`] partly misses.
pub(super) fn criteria() -> Criteria {
    let slo = |subject, op, limit| Slo { subject, op, limit };
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

/// A run held against limits.
pub(crate) fn report(run: Run, criteria: Criteria) -> Report {
    let (metrics, judgement) = criteria.assess(&run);
    Report::new(run, Vec::new(), criteria, metrics, judgement)
}

/// An outcome of each kind, the failing run's first.
pub(super) fn outcomes() -> Vec<Outcome> {
    let ends = [
        "fail",
        "pass",
        "inconclusive",
        "invalid",
        "unreachable",
        "ignored",
    ];
    let mut outcomes: Vec<_> = ends.into_iter().map(outcome).collect();
    outcomes[1].end = End::Failed("the bench's function returned an error: too few".to_owned());
    outcomes
}

/// A bench that ended in this way.
pub(super) fn outcome(end: &str) -> Outcome {
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
    };
    match end {
        "pass" => of("easy", failing_run(), Criteria::default()),
        "displeased" => Outcome {
            end: End::Failed("the bench's function returned an error: too few".to_owned()),
            ..outcome("pass")
        },
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
