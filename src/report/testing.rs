//! A made-up run and what it is held against.

use super::{VllmMetric, VllmOptions};
use crate::{
    judge::{Change, Comparison, Criteria, Pairing, Unit},
    metrics::{
        golden::Golden,
        testing::{limit, record, run_of},
    },
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
pub(super) fn failing_run() -> Run {
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
