//! One limit on the whole run, evaluated.

use super::quantity::Unit;
use crate::metrics::{Metrics, Summary};
use goodput_grammar::slo::{Op, Slo, Stat, Subject, Throughput};
use serde::{Deserialize, Serialize};

/// How a run stands to one of its SLOs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SloResult {
    /// The SLO as text, such as `p99(ttft) < 300ms`.
    pub slo: String,
    /// The measured value: ms, a ratio 0–1, or per second; `None` when there was nothing to
    /// measure, which misses the SLO.
    pub value: Option<f64>,
    /// The limit in the same unit.
    pub limit: f64,
    /// Whether the SLO is met.
    pub pass: bool,
    /// The room that is left in the same unit; negative when the limit is missed.
    pub margin: Option<f64>,
    /// The margin as a share of the limit; `None` for a limit of 0.
    pub relative_margin: Option<f64>,
    /// All of this as a sentence.
    pub sentence: String,
}

impl SloResult {
    pub(super) fn of(slo: &Slo, metrics: &Metrics) -> Self {
        match value(&slo.subject, metrics) {
            Ok(value) => measured(slo, value),
            Err(reason) => SloResult {
                slo: slo.to_string(),
                value: None,
                limit: slo.limit,
                pass: false,
                margin: None,
                relative_margin: None,
                sentence: format!(
                    "{}: no value, limit {} {}: {reason}",
                    slo.subject,
                    symbol(slo.op),
                    Unit::of(&slo.subject).exact(slo.limit),
                ),
            },
        }
    }
}

fn measured(slo: &Slo, value: f64) -> SloResult {
    let unit = Unit::of(&slo.subject);
    let (pass, margin) = match slo.op {
        Op::Lt => (value < slo.limit, slo.limit - value),
        Op::Le => (value <= slo.limit, slo.limit - value),
        Op::Gt => (value > slo.limit, value - slo.limit),
        Op::Ge => (value >= slo.limit, value - slo.limit),
    };
    let relative = (slo.limit != 0.0).then(|| margin / slo.limit.abs());
    let outcome = if margin == 0.0 {
        "exactly at the limit".to_owned()
    } else {
        let side = match (pass, slo.op) {
            (true, _) => "to spare",
            (false, Op::Lt | Op::Le) => "over",
            (false, Op::Gt | Op::Ge) => "short",
        };
        let share = relative.map(percent).unwrap_or_default();
        format!("{}{share} {side}", unit.difference(margin.abs()))
    };
    SloResult {
        slo: slo.to_string(),
        value: Some(value),
        limit: slo.limit,
        pass,
        margin: Some(margin),
        relative_margin: relative,
        sentence: format!(
            "{} = {}, limit {} {}: {outcome}",
            slo.subject,
            unit.measured(value),
            symbol(slo.op),
            unit.exact(slo.limit),
        ),
    }
}

fn percent(relative: f64) -> String {
    let percent = relative.abs() * 100.0;
    if percent >= 10.0 {
        format!(" ({percent:.0} %)")
    } else {
        format!(" ({percent:.1} %)")
    }
}

fn symbol(op: Op) -> &'static str {
    match op {
        Op::Lt => "<",
        Op::Le => "<=",
        Op::Gt => ">",
        Op::Ge => ">=",
    }
}

/// The limited number, in the unit of its limits.
///
/// # Errors
///
/// Why there is none.
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
        Subject::Throughput(kind) => Ok(match kind {
            Throughput::Requests => metrics.throughput.requests,
            Throughput::Input => metrics.throughput.input_tokens,
            Throughput::Output => metrics.throughput.output_tokens,
            Throughput::Total => metrics.throughput.total_tokens,
        }),
    }
}

fn statistic(stat: Stat, summary: &Summary) -> f64 {
    match stat {
        Stat::Mean => summary.mean,
        Stat::Median => summary.median,
        Stat::Std => summary.std,
        Stat::Min => summary.min,
        Stat::Max => summary.max,
        Stat::Percentile(q) => summary.percentile(q),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        metrics::{
            measure,
            testing::{limit, record, run_of},
        },
        record::{Channel, RequestError},
    };
    use goodput_grammar::{goodput::RequestMetric, slo::Latency};
    use rstest::rstest;

    /// Four requests with TTFTs of 100, 200, 300 and 400 ms, the last one failed.
    fn metrics() -> Metrics {
        let mut records: Vec<_> = [100, 200, 300, 400]
            .map(|ttft| record(0, &[ttft, ttft + 50], 6))
            .into();
        records[3].error = Some(RequestError::NoTokens);
        measure(&run_of(records), &[limit(RequestMetric::Ttft, 200)])
    }

    fn evaluate(subject: Subject, op: Op, limit: f64) -> SloResult {
        SloResult::of(&Slo { subject, op, limit }, &metrics())
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
        "= 200.0 ms, limit < 250 ms: 50.00 ms (20 %) to spare"
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
        "= 200.0 ms, limit >= 200 ms: exactly at the limit"
    )]
    #[case(
        Stat::Percentile(75.0),
        Op::Lt,
        0.0,
        false,
        "= 250.0 ms, limit < 0 ms: 250.0 ms over"
    )]
    fn latencies(
        #[case] stat: Stat,
        #[case] op: Op,
        #[case] limit: f64,
        #[case] pass: bool,
        #[case] sentence: &str,
    ) {
        let result = evaluate(Subject::Latency(stat, Latency::Ttft), op, limit);
        assert_eq!(result.pass, pass);
        assert!(result.sentence.ends_with(sentence), "{}", result.sentence);
    }

    #[rstest]
    #[case(
        Subject::Goodput,
        Op::Ge,
        0.5,
        true,
        "= 50.00 %, limit >= 50 %: exactly at the limit"
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
        "= 3.00 req/s, limit > 2 req/s: 1.00 req/s (50 %) to spare"
    )]
    #[case(
        Subject::Throughput(Throughput::Output),
        Op::Gt,
        20.0,
        false,
        "= 18.00 tok/s, limit > 20 tok/s: 2.00 tok/s (10 %) short"
    )]
    #[case(
        Subject::Throughput(Throughput::Input),
        Op::Ge,
        30.0,
        true,
        "exactly at the limit"
    )]
    #[case(
        Subject::Throughput(Throughput::Total),
        Op::Ge,
        48.0,
        true,
        "exactly at the limit"
    )]
    fn shares_and_rates(
        #[case] subject: Subject,
        #[case] op: Op,
        #[case] limit: f64,
        #[case] pass: bool,
        #[case] sentence: &str,
    ) {
        let result = evaluate(subject, op, limit);
        assert_eq!(result.pass, pass, "{}", result.sentence);
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
        only.events[0].channel = Channel::Tool;
        let metrics = measure(&run_of(vec![only]), &[]);
        let slo = Slo {
            subject,
            op: Op::Lt,
            limit: 1e9,
        };
        let result = SloResult::of(&slo, &metrics);
        assert_eq!((result.pass, result.value), (false, None));
        assert!(result.sentence.ends_with(reason), "{}", result.sentence);
    }

    #[rstest]
    #[case(Subject::Goodput)]
    #[case(Subject::Errors)]
    fn nothing_that_ended_is_no_evidence(#[case] subject: Subject) {
        let metrics = measure(&run_of(vec![]), &[]);
        let slo = Slo {
            subject,
            op: Op::Ge,
            limit: 0.0,
        };
        assert!(!SloResult::of(&slo, &metrics).pass);
    }
}
