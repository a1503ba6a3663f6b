//! What is known about a limited number beyond its value: the series of a run that it comes from.
//!
//! | Number | Series in the order of the plan | Interval |
//! |---|---|---|
//! | `mean`, `std` | each request's values | [`Ratio`]; of squares for `std` |
//! | percentiles | each request's values | [`Quantile`] |
//! | `goodput` | good or not; how close to the limits | [`Share`] |
//! | `errors` | failed or not | [`Share`] |
//! | `valid` | of the requests that count, answered with their structure or not | [`Share`] |
//! | `throughput`, load set by a schedule | each request's tokens, at the run's rate of requests; on a ramp, whose length is drawn, by its gap | [`Ratio`] |
//! | `cached` | each request's cached and all prompt tokens | [`Ratio`] |
//! | `jain` | what each request adds to the index | [`Ratio`], up to the index without what chance takes off |
//! | `warm` | each request's latency in later rounds and in the first | [`Ratio`] |
//! | `throughput`, load set by the server | tokens in spans of time | [`Ratio`] |
//! | `queue_growth` | requests in flight, in blocks of time | [`Slope`] |
//! | `drift` | the statistic of each block of requests or samples | [`Slope`] |
//! | `min`, `max`, `p0`, `p100` | | none: they belong to the run, not to the server |

use super::{
    drift::drift,
    growth::{Growth, growth},
    statistic::{Spread, spread},
};
use crate::{
    clock::Nanos,
    metrics::{
        Metrics, cached_and_all, definition, index_by_request, is_checked, is_good, is_valid,
        limit_ratio, tokens_of_events, warm_and_cold,
    },
    record::{Record, RequestError},
    run::Run,
    stats::{self, Groups, Interval, Pace, Quantile, Ratio, Sample, Share, Slope, Tail},
};
use goodput_grammar::slo::{Latency, Op, Slo, Stat, Subject, Throughput};
use std::sync::Arc;

/// A run that is longer than its schedule by this share of itself was slowed down by the server, which then sets the
/// throughput.
const OUTLASTS: f64 = 0.1;
/// The largest multiple of the requests that is considered to decide an SLO.
const AT_MOST_TIMES: f64 = 100.0;

/// The values of a latency, of each request.
pub(super) struct Values {
    of_requests: Groups,
    sorted: Arc<Vec<f64>>,
}

impl Values {
    fn of(run: &Run, latency: Latency, metrics: &Metrics) -> Self {
        let (values, basis) = (definition(latency).values, metrics.gate.basis);
        let of_requests: Groups = run
            .records
            .iter()
            .map(|record| {
                if record.ok() {
                    values(record, basis)
                } else {
                    Vec::new()
                }
            })
            .collect();
        // A run may have many millions of gaps: they are not sorted twice.
        let measured = metrics.gate(latency).in_order();
        let measured = measured.filter(|all| all.len() == of_requests.numbers().len());
        Values {
            sorted: measured.map_or_else(|| Arc::new(of_requests.sorted()), Arc::clone),
            of_requests,
        }
    }

    fn ratio(&self, pace: Pace<'_>, of: impl Fn(f64) -> f64) -> Option<Ratio> {
        let pairs: Vec<(f64, f64)> = self
            .of_requests
            .iter()
            .map(|values| (values.iter().map(|v| of(*v)).sum(), values.len() as f64))
            .collect();
        stats::ratio(&pairs, pace, Tail::Above)
    }
}

/// What is known about one number.
pub(super) enum Estimate<'a> {
    /// The number is the root or a multiple of a ratio.
    Ratio {
        ratio: Ratio,
        root: bool,
        scale: f64,
    },
    /// The number is a ratio of a part to its whole, 0–1.
    Part(Ratio),
    /// The number is an index, 0–1, that chance makes smaller: without that it is `unbiased`.
    Index {
        ratio: Ratio,
        unbiased: f64,
    },
    Percentile(Quantile<'a>),
    Share(Share),
    /// The growth over the run's time; `None` if the run is too short to show it.
    Slope(Option<Slope>),
    /// How the queue grows; `None` if the run is too short to show it.
    Growth(Option<Growth>),
    /// The number of this very run, without an interval.
    Exact,
}

impl<'a> Estimate<'a> {
    /// The estimate of a subject whose value in this run is `value`, with the limit that it is compared with, if
    /// there is one. `values` keeps what the estimate borrows.
    pub(super) fn of(
        subject: &Subject,
        value: f64,
        limit: Option<f64>,
        run: &Run,
        metrics: &Metrics,
        values: &'a mut Option<Values>,
    ) -> Self {
        let basis = metrics.gate.basis;
        match *subject {
            Subject::Latency(stat, latency) => {
                let values = values.insert(Values::of(run, latency, metrics));
                let gaps = gaps_s(run.records.iter());
                let mean = metrics.gate(latency).mean;
                of_latency(stat, value, limit, mean, values, pace(run, &gaps))
            }
            Subject::Goodput => {
                let limits = &metrics.goodput.limits;
                let good = |record: &Record| is_good(record, basis, limits);
                let ratio = |record: &Record| {
                    if record.ok() {
                        limit_ratio(record, basis, limits).unwrap_or(0.0)
                    } else {
                        f64::INFINITY
                    }
                };
                let limit_ratios: Vec<f64> = counted(run).map(ratio).collect();
                share(run, counted(run), good, Some(&limit_ratios))
            }
            Subject::Errors => share(run, counted(run), |record| !record.ok(), None),
            Subject::Valid => {
                let checked = counted(run).filter(|record| is_checked(record));
                share(run, checked, is_valid, None)
            }
            Subject::Throughput(kind) => of_throughput(kind, value, run),
            Subject::Cached => {
                let told = |record: &Record| cached_and_all(record).unwrap_or((0.0, 0.0));
                let pairs: Vec<(f64, f64)> = run.records.iter().map(told).collect();
                let gaps = gaps_s(run.records.iter());
                let ratio = stats::ratio(&pairs, pace(run, &gaps), Tail::None);
                ratio.map_or(Estimate::Exact, Estimate::Part)
            }
            Subject::Jain => {
                let Some((each, unbiased)) = index_by_request(run) else {
                    return Estimate::Exact;
                };
                let count = each.len() as f64;
                let pairs: Vec<(f64, f64)> =
                    each.iter().map(|one| (value + count * one, 1.0)).collect();
                let gaps = gaps_s(run.records.iter());
                match stats::ratio(&pairs, pace(run, &gaps), Tail::None) {
                    Some(ratio) => Estimate::Index { ratio, unbiased },
                    None => Estimate::Exact,
                }
            }
            Subject::Drift(level) => Estimate::Slope(drift(level, run, basis).ok().flatten()),
            Subject::QueueGrowth => Estimate::Growth(growth(run)),
            Subject::Max(_) => Estimate::Exact,
            Subject::Warm(latency) => {
                let pairs = warm_and_cold(run, latency);
                of_ratio(stats::ratio(&pairs, Pace::Free, Tail::None), false)
            }
        }
    }

    /// The interval of the number, which is wrong with probability `error`.
    pub(super) fn interval(&self, error: f64) -> Interval {
        match self {
            Estimate::Ratio { ratio, .. } => self.scaled(ratio.interval(error)),
            Estimate::Part(ratio) => within_the_whole(ratio.interval(error)),
            Estimate::Index { ratio, unbiased } => {
                within_the_whole(ratio.interval(error).around(*unbiased))
            }
            Estimate::Percentile(quantile) => quantile.interval(error),
            Estimate::Share(share) => share.interval(error),
            Estimate::Slope(Some(slope)) => slope.interval(error),
            Estimate::Growth(Some(growth)) => growth.interval(error),
            Estimate::Slope(None) | Estimate::Growth(None) => Interval::UNKNOWN,
            Estimate::Exact => Interval::UNKNOWN,
        }
    }

    fn scaled(&self, interval: Interval) -> Interval {
        match *self {
            Estimate::Ratio { root: true, .. } => interval.map(|end| end.max(0.0).sqrt()),
            Estimate::Ratio { scale, .. } => interval.map(|end| end * scale),
            _ => interval,
        }
    }

    /// How many times as many requests that look like these would decide the SLO; `None` if not
    /// even 100 times would.
    pub(super) fn times_to_decide(&self, slo: &Slo, met: bool, error: f64) -> Option<f64> {
        let decides = |times: f64| match self {
            Estimate::Ratio { ratio, .. } => {
                let interval = self.scaled(ratio.interval_of(error, times));
                decided(slo.op, slo.limit, &interval) == Some(met)
            }
            Estimate::Index { ratio, unbiased } => {
                let interval = ratio.interval_of(error, times).around(*unbiased);
                decided(slo.op, slo.limit, &within_the_whole(interval)) == Some(met)
            }
            Estimate::Part(ratio) => {
                let interval = within_the_whole(ratio.interval_of(error, times));
                decided(slo.op, slo.limit, &interval) == Some(met)
            }
            Estimate::Share(share) => {
                decided(slo.op, slo.limit, &share.interval_of(error, times)) == Some(met)
            }
            // `p99 < L` says that 99 % of the values are below L.
            Estimate::Percentile(quantile) => {
                let strict = matches!(slo.op, Op::Lt | Op::Ge);
                let level = if strict {
                    slo.limit.next_down()
                } else {
                    slo.limit
                };
                let below = quantile.share_interval_of(level, error, times);
                let op = match slo.op {
                    Op::Lt | Op::Le => Op::Ge,
                    Op::Gt | Op::Ge => Op::Le,
                };
                decided(op, quantile.share, &below) == Some(met)
            }
            Estimate::Slope(Some(slope)) => {
                decided(slo.op, slo.limit, &slope.interval_of(error, times)) == Some(met)
            }
            Estimate::Growth(Some(growth)) => {
                decided(slo.op, slo.limit, &growth.interval_of(error, times)) == Some(met)
            }
            Estimate::Slope(None) | Estimate::Growth(None) => false,
            Estimate::Exact => true,
        };
        if !decides(AT_MOST_TIMES) {
            return None;
        }
        let (mut low, mut high) = (1.0, AT_MOST_TIMES);
        while high / low > 1.01 {
            let middle = (low * high).sqrt();
            if decides(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high)
    }
}

fn within_the_whole(interval: Interval) -> Interval {
    interval.map(|end| end.clamp(0.0, 1.0))
}

/// Whether every number of the interval meets the limit, or every one misses it.
pub(super) fn decided(op: Op, limit: f64, interval: &Interval) -> Option<bool> {
    let Interval { low, high } = *interval;
    let (inside, outside) = match op {
        Op::Lt => (high.map(|high| high < limit), low.map(|low| low >= limit)),
        Op::Le => (high.map(|high| high <= limit), low.map(|low| low > limit)),
        Op::Gt => (low.map(|low| low > limit), high.map(|high| high <= limit)),
        Op::Ge => (low.map(|low| low >= limit), high.map(|high| high < limit)),
    };
    match (inside, outside) {
        (Some(true), _) => Some(true),
        (_, Some(true)) => Some(false),
        _ => None,
    }
}

/// When requests were due after the one before, s. The first of a segment comes after the server has
/// drained: its gap is an outlier that explains nothing.
fn gaps_s<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<f64> {
    let mut before = 0.0;
    records
        .map(|record| {
            let due = record.intended.as_secs_f64();
            due - std::mem::replace(&mut before, due)
        })
        .collect()
}

/// What the plan has decided about a series of requests with these gaps.
fn pace<'a>(run: &Run, gaps: &'a [f64]) -> Pace<'a> {
    // When a later turn is due depends on the answers before it, not on the plan.
    let later = |record: &Record| record.turn.as_deref().is_some_and(|turn| turn.number > 0);
    if run.records.iter().any(later) {
        Pace::Free
    } else if !run.rate_changes.is_empty() {
        Pace::Ramp
    } else if run.setup.open_loop {
        Pace::Gaps(gaps)
    } else {
        Pace::Free
    }
}

fn of_ratio<'a>(ratio: Option<Ratio>, root: bool) -> Estimate<'a> {
    match ratio {
        Some(ratio) => Estimate::Ratio {
            ratio,
            root,
            scale: 1.0,
        },
        None => Estimate::Exact,
    }
}

fn of_latency<'a>(
    stat: Stat,
    value: f64,
    limit: Option<f64>,
    mean: f64,
    values: &'a Values,
    pace: Pace<'_>,
) -> Estimate<'a> {
    let percent = match spread(stat) {
        Spread::OfValues => return of_ratio(values.ratio(pace, |value| value), false),
        Spread::OfSquares => {
            return of_ratio(values.ratio(pace, |v| (v - mean) * (v - mean)), true);
        }
        Spread::OfRank(percent) if percent > 0.0 && percent < 100.0 => percent,
        Spread::OfRank(_) | Spread::None => return Estimate::Exact,
    };
    let sample = Sample {
        of_requests: &values.of_requests,
        sorted: &values.sorted,
    };
    Estimate::Percentile(stats::quantile(sample, percent / 100.0, value, limit, pace))
}

/// The requests that could be good, or could fail.
pub(super) fn counted(run: &Run) -> impl Iterator<Item = &Record> + Clone {
    let cancelled = |record: &&Record| record.error == Some(RequestError::Cancelled);
    run.records.iter().filter(move |record| !cancelled(record))
}

fn share<'a, 'r>(
    run: &Run,
    records: impl Iterator<Item = &'r Record> + Clone,
    happened: impl Fn(&Record) -> bool,
    limit_ratios: Option<&[f64]>,
) -> Estimate<'a> {
    let indicators: Vec<f64> = records
        .clone()
        .map(|record| f64::from(u8::from(happened(record))))
        .collect();
    let gaps = gaps_s(records);
    match stats::share(&indicators, limit_ratios, pace(run, &gaps)) {
        Some(share) => Estimate::Share(share),
        None => Estimate::Exact,
    }
}

fn of_throughput<'a>(kind: Throughput, value: f64, run: &Run) -> Estimate<'a> {
    let by_server = paced_by_server(run);
    let gaps = if by_server {
        // Spans of time have none.
        Vec::new()
    } else {
        gaps_s(run.records.iter())
    };
    let pace = pace(run, &gaps);
    let pairs: Vec<(f64, f64)> = if by_server {
        in_spans(kind, run).into_iter().map(|n| (n, 1.0)).collect()
    } else {
        let worth = |record: &Record| {
            if record.ok() {
                counts(kind, record).iter().map(|(_, count)| count).sum()
            } else {
                0.0
            }
        };
        let took = |gap: &f64| match pace {
            Pace::Ramp => *gap,
            Pace::Gaps(_) | Pace::Free => 1.0,
        };
        run.records
            .iter()
            .map(worth)
            .zip(gaps.iter().map(took))
            .collect()
    };
    match stats::ratio(&pairs, pace, Tail::None) {
        Some(mut ratio) if ratio.value > 0.0 => {
            if !by_server && let Some((variance, freedom)) = outlasting(run) {
                let variance = variance * ratio.value * ratio.value;
                ratio.long_run = ratio.long_run.map(|own| own.and(variance, freedom));
            }
            Estimate::Ratio {
                scale: value / ratio.value,
                ratio,
                root: false,
            }
        }
        _ => Estimate::Exact,
    }
}

/// How much the length of a run scatters because of the last answers, which end after the schedule: the variance of
/// its logarithm, with degrees of freedom. Every request shows how long the remaining wait would be, as if the
/// schedule had ended with it; the first quarter, when the server fills up, does not count. A run cannot see how far
/// its own level is off because of drift, so that is added.
fn outlasting(run: &Run) -> Option<(f64, f64)> {
    let mut last = Nanos(0);
    let left: Vec<f64> = run
        .records
        .iter()
        .map(|record| {
            last = last.max(record.end);
            last.as_secs_f64() - record.intended.as_secs_f64()
        })
        .collect();
    let left = &left[left.len() / 4..];
    let count = left.len() as f64;
    let end = run.duration.as_secs_f64();
    if left.len() < 2 || end <= 0.0 {
        return None;
    }
    let mean = left.iter().sum::<f64>() / count;
    let squares: f64 = left.iter().map(|left| (left - mean) * (left - mean)).sum();
    let variance = squares / (count - 1.0) + mean * mean * stats::variance_by_drift(left);
    Some((variance / (end * end), count - 1.0))
}

fn paced_by_server(run: &Run) -> bool {
    let last = run.records.iter().map(|record| record.intended).max();
    let end = run.duration.as_secs_f64();
    !run.setup.open_loop || last.is_some_and(|last| end - last.as_secs_f64() > OUTLASTS * end)
}

/// What a request adds to a throughput, and when.
fn counts(kind: Throughput, record: &Record) -> Vec<(Nanos, f64)> {
    let input = (record.end, record.input.tokens as f64);
    let output = || {
        let tokens = tokens_of_events(record);
        let at = record.events.iter().map(|event| event.at);
        at.zip(tokens.into_iter().map(|tokens| tokens.share))
            .collect()
    };
    match kind {
        Throughput::Requests => vec![(record.end, 1.0)],
        Throughput::Input => vec![input],
        Throughput::Output => output(),
        Throughput::Total => {
            let mut all: Vec<(Nanos, f64)> = output();
            all.push(input);
            all
        }
    }
}

/// The counts of equal spans of the run's time, as many as there were requests. What the last answers of a steady part bring
/// after it stands for what those before it brought into it.
fn in_spans(kind: Throughput, run: &Run) -> Vec<f64> {
    let mut spans = vec![0.0; run.records.len()];
    let end = run.duration.as_secs_f64();
    for record in run.records.iter().filter(|record| record.ok()) {
        for (at, count) in counts(kind, record) {
            let place = at.as_secs_f64() / end * spans.len() as f64;
            let place = if at > run.duration {
                place as usize % spans.len()
            } else {
                (place as usize).min(spans.len() - 1)
            };
            spans[place] += count;
        }
    }
    spans
}
