//! The limited number of a run, and how sure it is.

use super::{
    drift::drift,
    estimate::Estimate,
    growth::growth,
    quantity::Unit,
    slo_result::{Found, SloResult},
    statistic::statistic,
    verdict::Verdict,
};
use crate::{
    metrics::{Metrics, definition},
    run::Run,
};
use goodput_grammar::slo::{Slo, Subject, Throughput};

impl SloResult {
    /// `run` and `metrics` are those of the part of the run that the SLO is about.
    pub(super) fn of(slo: &Slo, run: &Run, metrics: &Metrics, confidence: f64) -> Self {
        match value_in(&slo.subject, run, metrics) {
            Ok(value) => measured(slo, value, run, metrics, confidence),
            Err(reason) => SloResult::without(
                slo,
                confidence,
                Verdict::Fail,
                format!(
                    "{}: no value, limit {} {}: {reason}",
                    slo.number(),
                    slo.op,
                    Unit::of(&slo.subject).exact(slo.limit),
                ),
            ),
        }
    }
}

fn measured(slo: &Slo, value: f64, run: &Run, metrics: &Metrics, confidence: f64) -> SloResult {
    let error = 1.0 - confidence;
    let mut values = None;
    let estimate = Estimate::of(
        &slo.subject,
        value,
        Some(slo.limit),
        run,
        metrics,
        &mut values,
    );
    let interval = match estimate {
        Estimate::Exact => None,
        _ => Some(estimate.interval(error).around(value)),
    };
    let found = Found {
        value,
        interval,
        about: start(&slo.subject, metrics).to_owned(),
    };
    SloResult::decide(slo, confidence, found, |meets| {
        let times = estimate.times_to_decide(slo, meets, error)?;
        Some(more(times, run.records.len()))
    })
}

/// From when requests count, where that makes a difference.
fn start(subject: &Subject, metrics: &Metrics) -> &'static str {
    let counts = match subject {
        Subject::Latency(_, latency) => definition(*latency).from_start,
        Subject::Warm(latency) => definition(*latency).from_start,
        Subject::Goodput => true,
        Subject::Errors
        | Subject::Throughput(_)
        | Subject::Cached
        | Subject::Drift(_)
        | Subject::Valid
        | Subject::QueueGrowth
        | Subject::Max(_)
        | Subject::Jain => false,
    };
    if counts && metrics.plan_and_send_differ() {
        " from the plan"
    } else {
        ""
    }
}

/// Two digits are all that such an estimate has.
fn more(times: f64, requests: usize) -> u64 {
    let more = ((times - 1.0) * requests as f64).max(1.0);
    let scale = libm::pow(10.0, (libm::floor(libm::log10(more)) - 1.0).max(0.0));
    ((more / scale).ceil() * scale) as u64
}

/// The limited number of a run, in the unit of its limits. `metrics` are those of `measure(run, …)`.
///
/// # Errors
///
/// The reason why there is no number.
pub fn value_in(subject: &Subject, run: &Run, metrics: &Metrics) -> Result<f64, &'static str> {
    match subject {
        // Without an interval the sentence says why there is none.
        Subject::Drift(level) => {
            Ok(drift(*level, run, metrics.gate.basis)?.map_or(f64::NAN, |slope| slope.value))
        }
        Subject::QueueGrowth => Ok(growth(run).map_or(f64::NAN, |growth| growth.value())),
        _ => value(subject, metrics),
    }
}

/// The limited number, in the unit of its limits, where the numbers of a run are enough to tell.
///
/// # Errors
///
/// The reason why there is no number. A drift needs the run itself: see [`value_in`].
pub fn value(subject: &Subject, metrics: &Metrics) -> Result<f64, &'static str> {
    match subject {
        Subject::Latency(stat, latency) => {
            let summary = metrics.gate(*latency);
            if summary.is_empty() {
                return Err("no request had one");
            }
            Ok(statistic(*stat, summary))
        }
        Subject::Goodput if metrics.goodput.counted == 0 => Err("no request counted"),
        Subject::Goodput => Ok(metrics.goodput.ratio),
        Subject::Errors if metrics.counts.ended() == 0 => Err("no request came to its end"),
        Subject::Errors => Ok(metrics.counts.error_ratio()),
        Subject::QueueGrowth => Err("the growth of the queue needs the times of the requests"),
        Subject::Max(_) => Err("only a search finds a capacity"),
        Subject::Drift(_) => Err("a drift needs the times of the requests"),
        Subject::Cached => metrics.cached_share.ok_or(
            "the server reports no cached tokens; vLLM does with `--enable-prompt-tokens-details`",
        ),
        Subject::Jain => {
            let jain = metrics.fairness.as_ref().map(|fairness| fairness.jain);
            jain.filter(|jain| jain.is_finite())
                .ok_or("fewer than two clients were served")
        }
        Subject::Valid => {
            let structured = metrics.structured.as_ref();
            let share = structured.and_then(|structured| structured.share);
            share.ok_or("no request asked for a structure that can be checked")
        }
        Subject::Warm(latency) => {
            let rounds = metrics.rounds.as_ref();
            let ratio = rounds.and_then(|rounds| rounds.warm(*latency));
            ratio.ok_or("no request had one in the first round and in a later one")
        }
        Subject::Throughput(kind) => {
            let per_second = match kind {
                Throughput::Requests => metrics.throughput.requests,
                Throughput::Input => metrics.throughput.input_tokens,
                Throughput::Output => metrics.throughput.output_tokens,
                Throughput::Total => metrics.throughput.total_tokens,
            };
            let value = Some(per_second).filter(|value| value.is_finite());
            value.ok_or("the run took no time")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Nanos,
        metrics::{
            measure,
            testing::{limit, record, run_of},
        },
        record::{Channel, RequestError},
    };
    use goodput_grammar::{
        goodput::RequestMetric,
        slo::{Latency, Op, Stat},
    };
    use rstest::rstest;

    /// Four requests a second for 100 s, in turn with TTFTs of 100, 200 and 300 ms, and failed.
    fn run() -> Run {
        let records = (0..400).map(|index| {
            let at = index * 250;
            let first = at + (index % 4 + 1) * 100;
            let mut record = record(at, &[first, first + 50], 6);
            record.index = index as usize;
            record.error = (index % 4 == 3).then_some(RequestError::NoTokens);
            record
        });
        let mut run = run_of(records.collect());
        run.duration = Nanos(100_000_000_000);
        run
    }

    fn evaluated(run: &Run, subject: Subject, op: Op, limit: f64) -> SloResult {
        let metrics = measure(run, &[self::limit(RequestMetric::Ttft, 200)]);
        SloResult::of(&Slo::new(subject, op, limit), run, &metrics, 0.95)
    }

    fn evaluate(subject: Subject, op: Op, limit: f64) -> SloResult {
        evaluated(&run(), subject, op, limit)
    }

    fn verdict(pass: bool) -> Verdict {
        if pass { Verdict::Pass } else { Verdict::Fail }
    }

    #[rstest]
    #[case(
        Stat::Max,
        Op::Lt,
        250.0,
        false,
        "= 300.0 ms, limit < 250 ms: 50.00 ms (20 %) over"
    )]
    #[case(
        Stat::Max,
        Op::Lt,
        300.0,
        false,
        "= 300.0 ms, limit < 300 ms: exactly at the limit"
    )]
    #[case(
        Stat::Max,
        Op::Le,
        300.0,
        true,
        "= 300.0 ms, limit <= 300 ms: exactly at the limit"
    )]
    #[case(
        Stat::Mean,
        Op::Lt,
        250.0,
        true,
        "= 200.0 ms [198.4, 202.8], limit < 250 ms: 50.00 ms (20 %) to spare"
    )]
    #[case(
        Stat::Min,
        Op::Gt,
        101.0,
        false,
        "= 100.0 ms, limit > 101 ms: 1.00 ms (1.0 %) short"
    )]
    #[case(
        Stat::Median,
        Op::Ge,
        200.0,
        true,
        "= 200.0 ms [200.0, 200.0], limit >= 200 ms: exactly at the limit"
    )]
    #[case(
        Stat::Percentile(75.0),
        Op::Lt,
        0.0,
        false,
        "= 300.0 ms [300.0, 300.0], limit < 0 ms: 300.0 ms over"
    )]
    fn latencies(
        #[case] stat: Stat,
        #[case] op: Op,
        #[case] limit: f64,
        #[case] pass: bool,
        #[case] sentence: &str,
    ) {
        let result = evaluate(Subject::Latency(stat, Latency::Ttft), op, limit);
        assert_eq!(result.verdict, verdict(pass), "{}", result.sentence);
        assert!(result.sentence.ends_with(sentence), "{}", result.sentence);
    }

    #[rstest]
    #[case(
        Subject::Goodput,
        Op::Ge,
        0.4,
        true,
        "= 50.00 % [46.05, 53.14], limit >= 40 %: 10.00 points (25 %) to spare"
    )]
    #[case(
        Subject::Goodput,
        Op::Ge,
        0.95,
        false,
        "limit >= 95 %: 45.00 points (47 %) short"
    )]
    #[case(
        Subject::Errors,
        Op::Lt,
        0.01,
        false,
        "limit < 1 %: 24.00 points (2400 %) over"
    )]
    #[case(
        Subject::Throughput(Throughput::Requests),
        Op::Gt,
        2.0,
        true,
        "limit > 2 req/s: 1.00 req/s (50 %) to spare"
    )]
    #[case(
        Subject::Throughput(Throughput::Output),
        Op::Gt,
        20.0,
        false,
        "limit > 20 tok/s: 2.00 tok/s (10 %) short"
    )]
    #[case(
        Subject::Throughput(Throughput::Input),
        Op::Ge,
        29.0,
        true,
        "1.00 tok/s (3.4 %) to spare"
    )]
    #[case(
        Subject::Throughput(Throughput::Total),
        Op::Ge,
        45.0,
        true,
        "3.00 tok/s (6.7 %) to spare"
    )]
    fn shares_and_rates(
        #[case] subject: Subject,
        #[case] op: Op,
        #[case] limit: f64,
        #[case] pass: bool,
        #[case] sentence: &str,
    ) {
        let result = evaluate(subject, op, limit);
        assert_eq!(result.verdict, verdict(pass), "{}", result.sentence);
        assert!(result.sentence.ends_with(sentence), "{}", result.sentence);
    }

    #[test]
    fn margins_are_signed() {
        let subject = Subject::Latency(Stat::Max, Latency::Ttft);
        let missed = evaluate(subject, Op::Lt, 250.0);
        assert_eq!(
            (missed.margin, missed.relative_margin),
            (Some(-50.0), Some(-0.2))
        );
        let met = evaluate(subject, Op::Lt, 400.0);
        assert_eq!((met.margin, met.relative_margin), (Some(100.0), Some(0.25)));
    }

    #[rstest]
    #[case(Subject::Latency(Stat::Mean, Latency::Ttfat), "no request had one")]
    #[case(Subject::Latency(Stat::Std, Latency::Itl), "no request had one")]
    fn an_empty_sample_misses_its_limit(#[case] subject: Subject, #[case] reason: &str) {
        let mut only = record(0, &[10], 1);
        only.events
            .change(|events| events[0].channel = Channel::Tool);
        let result = evaluated(&run_of(vec![only]), subject, Op::Lt, 1e9);
        assert_eq!((result.verdict, result.value), (Verdict::Fail, None));
        assert!(result.sentence.ends_with(reason), "{}", result.sentence);
    }

    #[rstest]
    #[case(Subject::Goodput)]
    #[case(Subject::Errors)]
    fn nothing_that_ended_is_no_evidence(#[case] subject: Subject) {
        let result = evaluated(&run_of(vec![]), subject, Op::Ge, 0.0);
        assert_eq!(result.verdict, Verdict::Fail);
    }

    /// The first requests of [`run`] without the failures.
    fn successes(count: usize) -> Run {
        let mut run = run();
        run.records.truncate(count);
        run.records
            .iter_mut()
            .for_each(|record| record.error = None);
        run
    }

    #[rstest]
    #[case::percentile_of_few(
        100,
        Subject::Latency(Stat::Percentile(99.0), Latency::Ttft),
        Op::Lt,
        1000.0
    )]
    #[case::percentile_of_some(
        200,
        Subject::Latency(Stat::Percentile(99.9), Latency::Ttft),
        Op::Lt,
        1000.0
    )]
    #[case::no_failure_yet(100, Subject::Errors, Op::Lt, 0.001)]
    #[case::at_the_limit(100, Subject::Goodput, Op::Ge, 0.5)]
    #[case::near_the_limit(100, Subject::Goodput, Op::Ge, 0.43)]
    #[case::hardly_any(5, Subject::Latency(Stat::Mean, Latency::Ttft), Op::Lt, 1000.0)]
    fn what_too_few_requests_leave_open(
        #[case] count: usize,
        #[case] subject: Subject,
        #[case] op: Op,
        #[case] limit: f64,
    ) {
        let result = evaluated(&successes(count), subject, op, limit);
        assert_eq!(result.verdict, Verdict::Inconclusive);
        let name = std::thread::current().name().map(str::to_owned).unwrap();
        let case = name.rsplit("::").next().unwrap()[7..].to_owned();
        insta::assert_snapshot!(format!("open_{case}"), result.sentence);
    }
}
