//! How a number changes over the run's time: a line through the blocks of a run.
//!
//! The requests in the order of their starts are cut into blocks of equal size: 32, or fewer if a block would have fewer
//! requests than its statistic needs ([`in_block`]). A block's value is the statistic of its requests, its time the mean
//! of their starts. Memory is cut in the same way, into blocks of at least three samples, whose value is the mean.

use super::statistic::statistic;
use crate::{
    metrics::{Basis, Summary, definition},
    run::Run,
    stats::{self, Slope},
};
use goodput_grammar::{
    proof::{BLOCKS, in_block},
    slo::{Latency, Level, Stat},
};

/// The largest number of blocks.
const MOST: usize = 32;
/// The smallest number of samples of memory in a block.
const SAMPLES: usize = 3;
/// Seconds of the unit of a drift.
const HOUR: f64 = 3600.0;

/// Something that was measured during a run: when it was, s, and its values.
pub(super) type Measured = (f64, Vec<f64>);

/// The drift of a level, as a share of its mean an hour. `None` if the run is too short to show one.
///
/// # Errors
/// Why there is nothing to measure.
pub(super) fn drift(level: Level, run: &Run, basis: Basis) -> Result<Option<Slope>, &'static str> {
    match level {
        Level::Latency(stat, latency) => {
            let requests = of_requests(latency, run, basis);
            if requests.is_empty() {
                return Err("no request had one");
            }
            let least = usize::try_from(in_block(stat)).unwrap_or(usize::MAX);
            Ok(line(&requests, least, stat))
        }
        Level::Memory => {
            let samples = of_memory(run);
            if samples.is_empty() {
                return Err(
                    "the server shows no memory: goodput has not started it, and its /metrics has no \
                     `process_resident_memory_bytes`",
                );
            }
            Ok(line(&samples, SAMPLES, Stat::Mean))
        }
    }
}

/// The latency of each success, by start.
fn of_requests(latency: Latency, run: &Run, basis: Basis) -> Vec<Measured> {
    let values = definition(latency).values;
    let successes = run.records.iter().filter(|record| record.ok());
    let mut requests: Vec<Measured> = successes
        .map(|record| (basis.start(record).as_secs_f64(), values(record, basis)))
        .filter(|(_, values)| !values.is_empty())
        .collect();
    requests.sort_by(|a, b| a.0.total_cmp(&b.0));
    requests
}

fn of_memory(run: &Run) -> Vec<Measured> {
    let series = run.server.as_ref().and_then(|side| side.gauges.as_ref());
    let samples = series.map_or(&[][..], |series| &series.samples);
    let measured = |sample: &crate::run::GaugeSample| {
        Some((sample.at.as_secs_f64(), vec![sample.memory_bytes?]))
    };
    samples.iter().filter_map(measured).collect()
}

pub(super) fn line(measured: &[Measured], least: usize, stat: Stat) -> Option<Slope> {
    let blocks = (measured.len() / least).min(MOST);
    if (blocks as u64) < BLOCKS {
        return None;
    }
    let of_block = |block: usize| {
        let block =
            &measured[block * measured.len() / blocks..(block + 1) * measured.len() / blocks];
        let at = block.iter().map(|(at, _)| at).sum::<f64>() / block.len() as f64;
        let values = block.iter().flat_map(|(_, values)| values).copied();
        (at / HOUR, statistic(stat, &Summary::of(values.collect())))
    };
    let points: Vec<(f64, f64)> = (0..blocks).map(of_block).collect();
    stats::slope(&points)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Nanos,
        metrics::testing::{record, run_of},
        record::Record,
        run::{GaugeSample, GaugeSeries, ServerSide},
    };

    /// A request a second, whose TTFT grows from 100 ms by 1 ms every 36 s: by 100 ms an hour.
    fn growing(requests: u64) -> Run {
        let records = (0..requests).map(|index| Record {
            index: index as usize,
            ..record(index * 1000, &[index * 1000 + 100 + index / 36], 1)
        });
        run_of(records.collect())
    }

    fn p50() -> Level {
        Level::Latency(Stat::Percentile(50.0), Latency::Ttft)
    }

    #[test]
    fn a_drift_is_relative_to_the_mean() {
        // From 100 to 200 ms in an hour.
        let slope = drift(p50(), &growing(3600), Basis::Sent).unwrap().unwrap();
        assert!((slope.value - 100.0 / 149.5).abs() < 0.01, "{slope:?}");
        assert!(slope.interval(0.05).low.unwrap() > 0.6);
    }

    #[test]
    fn a_short_run_shows_none() {
        assert_eq!(drift(p50(), &growing(79), Basis::Sent), Ok(None));
        assert!(drift(p50(), &growing(80), Basis::Sent).unwrap().is_some());
    }

    #[test]
    fn without_values_there_is_nothing_to_measure() {
        assert!(drift(p50(), &run_of(vec![]), Basis::Sent).is_err());
        assert!(drift(Level::Memory, &growing(100), Basis::Sent).is_err());
    }

    #[test]
    fn memory_comes_from_samples() {
        let mut run = growing(1);
        let sample = |minute: u64| GaugeSample {
            at: Nanos(minute * 60_000_000_000),
            memory_bytes: Some(1e9 * (1.0 + minute as f64 / 60.0)),
            ..GaugeSample::default()
        };
        run.server = Some(ServerSide {
            gauges: Some(GaugeSeries {
                interval_ms: 60_000.0,
                samples: (0..61).map(sample).collect(),
            }),
            ..ServerSide::default()
        });
        let slope = drift(Level::Memory, &run, Basis::Sent).unwrap().unwrap();
        assert!((slope.value - 1.0 / 1.5).abs() < 0.01, "{slope:?}");
    }
}
