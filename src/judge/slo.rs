//! One limit on the whole run, evaluated.

use super::{
    drift::drift,
    estimate::{Estimate, decided},
    quantity::Unit,
    statistic::statistic,
    verdict::Verdict,
};
use crate::{
    metrics::{Metrics, definition},
    run::Run,
    stats::Interval,
};
use goodput_grammar::{
    proof,
    slo::{Level, Op, Slo, Subject, Throughput},
};
use serde::{Deserialize, Serialize};

/// The result of one SLO of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SloResult {
    /// The SLO as text, such as `p99(ttft) < 300ms`.
    pub slo: String,
    /// The measured value: ms, a ratio 0–1, or per second; `None` when there was nothing to
    /// measure, which misses the SLO.
    pub value: Option<f64>,
    /// Where the server's number lies, in the same unit. `None` when there is no value, and for `min` and `max`,
    /// which belong to the run alone.
    pub interval: Option<Interval>,
    /// How sure the interval is, 0–1.
    pub confidence: f64,
    /// The limit in the same unit.
    pub limit: f64,
    /// Pass if the whole interval is within the limit, fail if it is wholly beyond, else
    /// inconclusive.
    pub verdict: Verdict,
    /// The value's room to the limit in the same unit; negative when the value misses it.
    pub margin: Option<f64>,
    /// The margin as a share of the limit; `None` for a limit of 0.
    pub relative_margin: Option<f64>,
    /// For an inconclusive SLO: about how many more requests that look like these would decide it. `None` if not even
    /// 100 times as many would.
    pub more_requests: Option<u64>,
    /// The whole result as a sentence.
    pub sentence: String,
}

impl SloResult {
    /// `run` and `metrics` are those of the part of the run that the SLO is about.
    pub(super) fn of(slo: &Slo, run: &Run, metrics: &Metrics, confidence: f64) -> Self {
        match value_in(&slo.subject, run, metrics) {
            Ok(value) => measured(slo, value, run, metrics, confidence),
            Err(reason) => SloResult {
                slo: slo.to_string(),
                value: None,
                interval: None,
                confidence,
                limit: slo.limit,
                verdict: Verdict::Fail,
                margin: None,
                relative_margin: None,
                more_requests: None,
                sentence: format!(
                    "{}: no value, limit {} {}: {reason}",
                    slo.number(),
                    symbol(slo.op),
                    Unit::of(&slo.subject).exact(slo.limit),
                ),
            },
        }
    }
}

fn measured(slo: &Slo, value: f64, run: &Run, metrics: &Metrics, confidence: f64) -> SloResult {
    let unit = Unit::of(&slo.subject);
    let error = 1.0 - confidence;
    let (meets, margin) = margin(slo.op, value, slo.limit);
    let relative = (slo.limit != 0.0).then(|| margin / slo.limit.abs());
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
    let decided = match &interval {
        Some(interval) => decided(slo.op, slo.limit, interval),
        None => Some(meets),
    };
    let verdict = match decided {
        Some(true) => Verdict::Pass,
        Some(false) => Verdict::Fail,
        None => Verdict::Inconclusive,
    };
    let more_requests = match verdict {
        Verdict::Inconclusive => estimate
            .times_to_decide(slo, meets, error)
            .map(|times| more(times, run.records.len())),
        _ => None,
    };
    let outcome = match verdict {
        Verdict::Inconclusive => undecided(
            &slo.subject,
            more_requests,
            interval == Some(Interval::UNKNOWN),
        ),
        _ => distance(slo.op, unit, meets, margin, relative),
    };
    SloResult {
        slo: slo.to_string(),
        value: known(value),
        interval,
        confidence,
        limit: slo.limit,
        verdict,
        margin: known(margin),
        relative_margin: relative.and_then(known),
        more_requests,
        sentence: format!(
            "{} = {}{}{}, limit {} {}: {outcome}",
            slo.number(),
            unit.measured(value),
            interval
                .map(|ends| unit.interval(&ends))
                .unwrap_or_default(),
            start(&slo.subject, metrics),
            symbol(slo.op),
            unit.exact(slo.limit),
        ),
    }
}

/// Whether a value meets a limit, and its room to it.
pub(super) fn margin(op: Op, value: f64, limit: f64) -> (bool, f64) {
    match op {
        Op::Lt => (value < limit, limit - value),
        Op::Le => (value <= limit, limit - value),
        Op::Gt => (value > limit, value - limit),
        Op::Ge => (value >= limit, value - limit),
    }
}

/// A number that there is: a run may be too short for one.
fn known(number: f64) -> Option<f64> {
    (!number.is_nan()).then_some(number)
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

pub(super) fn undecided(subject: &Subject, more_requests: Option<u64>, unknown: bool) -> String {
    match more_requests {
        _ if unknown && let Subject::Drift(level) = subject => match level {
            Level::Latency(stat, _) => {
                let least = proof::BLOCKS * proof::in_block(*stat);
                format!("inconclusive: too few requests. From {least} on there is an interval")
            }
            Level::Memory => {
                "inconclusive: too few samples. From 24 on there is an interval".to_owned()
            }
        },
        _ if unknown => {
            "inconclusive: too few requests. From 20 on there is an interval".to_owned()
        }
        Some(more) => format!(
            "inconclusive: about {more} more requests would decide it if they are like these"
        ),
        None => "inconclusive: not even 100 times as many requests would decide it if they are \
                 like these"
            .to_owned(),
    }
}

/// How far a value is from the limit.
pub(super) fn distance(
    op: Op,
    unit: Unit,
    meets: bool,
    margin: f64,
    relative: Option<f64>,
) -> String {
    if margin == 0.0 {
        return "exactly at the limit".to_owned();
    }
    let side = match (meets, op) {
        (true, _) => "to spare",
        (false, Op::Lt | Op::Le) => "over",
        (false, Op::Gt | Op::Ge) => "short",
    };
    let share = relative.map(percent).unwrap_or_default();
    format!("{}{share} {side}", unit.difference(margin.abs()))
}

fn percent(relative: f64) -> String {
    let percent = relative.abs() * 100.0;
    if percent >= 10.0 {
        format!(" ({percent:.0} %)")
    } else {
        format!(" ({percent:.1} %)")
    }
}

pub(super) fn symbol(op: Op) -> &'static str {
    match op {
        Op::Lt => "<",
        Op::Le => "<=",
        Op::Gt => ">",
        Op::Ge => ">=",
    }
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
        slo::{Latency, Stat},
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
