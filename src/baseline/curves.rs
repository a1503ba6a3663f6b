//! Compares a curve with a stored one: which points got worse, and how much the server gives in all.
//!
//! Points at the same load are compared like a run with the stored runs of a baseline. All their numbers share half of the
//! error; the frontier and the capacity have a quarter each.

use super::{
    gated::{self, Seen},
    noise::Source,
};
use crate::{
    judge::{Change, Compared, Curve, CurvePoint, Load, Number, Unit},
    report::{CurveComparison, PointChange},
    stats::{
        compare::{Rule, Worse, conclude},
        frontier,
        unpaired::{Noise, Reading, compare},
    },
};
use goodput_grammar::{
    class::ClassName,
    slo::{Subject, Throughput},
};
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use std::collections::BTreeSet;

/// Frontiers that are drawn to find out how sure one is.
const DRAWS: usize = 1000;

/// Compares each curve with its counterpart among stored ones; `None` for one that has none. All together share the error.
#[cfg(feature = "cli")]
pub(crate) fn compare_curves(
    new: &crate::report::Curves,
    stored: &crate::report::Curves,
    error: f64,
) -> Vec<Option<CurveComparison>> {
    let counterparts = new.counterparts(stored);
    let pairs = counterparts.iter().flatten().count().max(1) as f64;
    let pairs = counterparts.iter().zip(&new.curves).map(|(old, new)| {
        old.map(|old| CurveComparison::of(&old.curve, &new.curve, error / pairs))
    });
    pairs.collect()
}

impl CurveComparison {
    /// Compares a curve, `new`, with a stored one. `error` is the probability of a false difference in all: 0.01 is that of
    /// comparisons elsewhere.
    pub fn of(stored: &Curve, new: &Curve, error: f64) -> Self {
        let rule = |part: f64| Rule {
            error: error * part,
            ..Rule::default()
        };
        let (points, alone) = points(stored, new, &rule(0.5));
        CurveComparison {
            over: new.over,
            points,
            alone,
            frontier: of_frontiers(stored, new, &rule(0.25)),
            capacity: of_capacities(stored, new, &rule(0.25)),
            rule: rule(1.0),
            source: source(stored, new).assumption(),
        }
    }
}

/// Where the noise of a whole curve comes from.
fn source(stored: &Curve, new: &Curve) -> Source<'static> {
    let all = || stored.points.iter().chain(&new.points);
    let plans = |curve: &Curve| -> BTreeSet<String> {
        let plans = curve.points.iter().map(|point| point.plan_hash.clone());
        plans.collect()
    };
    let exact = all().all(|point| point.exact) && plans(stored) == plans(new);
    Source::without_file(exact, 1)
}

/// Compares the points at each load that both have; also gives the loads of the new curve that the stored one does not have.
fn points(stored: &Curve, new: &Curve, rule: &Rule) -> (Vec<PointChange>, Vec<f64>) {
    let at = |curve: &Curve, load: f64| -> Vec<CurvePoint> {
        let same = |point: &&CurvePoint| (point.load - load).abs() <= 1e-9 * load.abs();
        curve.points.iter().filter(same).cloned().collect()
    };
    let mut loads: Vec<f64> = new.points.iter().map(|point| point.load).collect();
    loads.dedup();
    let (mut seen, mut counts, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for load in loads {
        let of_load = numbers(new.over, &at(stored, load), &at(new, load));
        if of_load.is_empty() {
            alone.push(load);
        } else {
            counts.push((load, of_load.len()));
            seen.extend(of_load);
        }
    }
    let mut changes = gated::changes(seen, rule).into_iter();
    let points = counts.into_iter().map(|(load, count)| PointChange {
        load,
        changes: changes.by_ref().take(count).collect(),
    });
    (points.collect(), alone)
}

/// The numbers that the runs at a load have in common.
fn numbers(over: Load, stored: &[CurvePoint], new: &[CurvePoint]) -> Vec<Seen> {
    let (Some(first), Some(last)) = (stored.first(), new.last()) else {
        return Vec::new();
    };
    let exact = stored.len() == 1
        && first.exact
        && new
            .iter()
            .all(|point| point.exact && point.plan_hash == first.plan_hash);
    let source = Source::without_file(exact, stored.len());
    let limited = first.goodput.is_some() && last.goodput.is_some();
    let classes: Vec<ClassName> = classes(last);
    let all = Compared::all(limited, over == Load::Rate, &classes);
    all.into_iter()
        .filter_map(|metric| {
            let name = metric.name();
            let of = |points: &[CurvePoint]| -> Option<Vec<Number>> {
                let numbers = points
                    .iter()
                    .map(|point| point.compared.get(&name).copied());
                numbers.collect()
            };
            let (before, now) = (of(stored)?, of(new)?);
            let readings: Vec<Reading> = before.iter().map(Number::reading).collect();
            let now_reading = together(now.iter().map(Number::reading).collect())?;
            // Others have no ratio.
            let usable = |reading: &Reading| reading.value > 0.0 && reading.value.is_finite();
            if !readings.iter().chain([&now_reading]).all(usable) {
                return None;
            }
            let sensitivities = before.iter().chain(&now).map(|number| number.sensitivity);
            let sensitivity = sensitivities
                .map(|one| one.unwrap_or(1.0))
                .fold(0.0, f64::max);
            let values = |numbers: &[Number]| -> Vec<f64> {
                numbers.iter().map(|number| number.value).collect()
            };
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            Some(Seen {
                metric,
                stored: readings,
                now: now_reading,
                noise: source.noise(&name, sensitivity),
                values: (values(&before), mean(&values(&now))),
            })
        })
        .collect()
}

/// The classes that a point has numbers of.
fn classes(point: &CurvePoint) -> Vec<ClassName> {
    let of = |name: &String| {
        let class = name.strip_prefix("mean(ttft, ")?.strip_suffix(')')?;
        ClassName::parse(class).ok()
    };
    point.compared.keys().filter_map(of).collect()
}

/// The geometric mean of several runs, as one reading.
fn together(readings: Vec<Reading>) -> Option<Reading> {
    let first = *readings.first()?;
    if readings.len() == 1 {
        return Some(first);
    }
    let count = readings.len() as f64;
    let logs: f64 = readings
        .iter()
        .map(|reading| libm::log(reading.value))
        .sum();
    let squares: Option<f64> = readings
        .iter()
        .map(|reading| reading.error.map(|error| error * error))
        .sum();
    let freedom = readings.iter().map(|reading| reading.freedom);
    Some(Reading {
        value: libm::exp(logs / count),
        error: squares.map(|squares| libm::sqrt(squares) / count),
        freedom: freedom.fold(f64::INFINITY, f64::min),
        counted: first.counted,
    })
}

/// Compares the mean of the output tokens per second over the tokens per second for a user that both frontiers have.
fn of_frontiers(stored: &Curve, new: &Curve, rule: &Rule) -> Option<Change> {
    let (old_line, new_line) = (stored.frontier_line(), new.frontier_line());
    let from = old_line.first()?.0.max(new_line.first()?.0);
    let to = old_line.last()?.0.min(new_line.last()?.0);
    let reading = |curve: &Curve| {
        Some(Reading {
            value: curve.mean_throughput(from, to)?,
            error: error_of_area(curve, from, to),
            freedom: f64::INFINITY,
            counted: false,
        })
    };
    let noise = source(stored, new).noise("throughput(output)", 1.0);
    let unit = Unit::of(&Subject::Throughput(Throughput::Output));
    let subject = format!(
        "output at {} to {} tok/s per user",
        crate::judge::number(from),
        crate::judge::number(to)
    );
    change(subject, unit, reading(stored)?, reading(new)?, noise, rule)
}

fn of_capacities(stored: &Curve, new: &Curve, rule: &Rule) -> Option<Change> {
    let (before, now) = (stored.capacity?, new.capacity?);
    let subject = Subject::Max(new.over.into());
    // Searches have other plans, so an exact one is never the same twice.
    let noise = Source::without_file(false, 1).noise("throughput(output)", 1.0);
    let unit = Unit::of(&subject);
    change(
        "capacity".to_owned(),
        unit,
        before.reading(),
        now.reading(),
        noise,
        rule,
    )
}

/// The change of a number that gets worse when it falls.
fn change(
    subject: String,
    unit: Unit,
    before: Reading,
    now: Reading,
    noise: Noise,
    rule: &Rule,
) -> Option<Change> {
    let statistics = compare(&[before], now, noise, Worse::Lower, rule, 1.0)?;
    Some(Change {
        subject,
        unit,
        worse: Worse::Lower,
        a: before.value,
        b: now.value,
        stored: Vec::new(),
        pairs: Vec::new(),
        gated: true,
        conclusion: conclude(&[(statistics, Worse::Lower)], rule).pop()?,
        statistics,
    })
}

/// The standard error of the logarithm of the area below a frontier, by drawing its points anew, each as sure as its run is.
/// `None` if a run cannot say how sure it is.
fn error_of_area(curve: &Curve, from: f64, to: f64) -> Option<f64> {
    let points: Option<Vec<_>> = curve
        .points
        .iter()
        .filter_map(|point| Some((point.per_user()?, point)))
        .map(|(per_user, point)| {
            let error = |name: &str| point.compared.get(name).and_then(|number| number.error);
            // In open loop the plan sets the throughput.
            let of_output = error("throughput(output)").unwrap_or(0.0);
            Some((
                per_user,
                error("mean(tpot)")?,
                point.output_throughput,
                of_output,
            ))
        })
        .collect();
    let points = points?;
    let mut rng = Pcg64::seed_from_u64(0);
    let logs: Vec<f64> = (0..DRAWS)
        .filter_map(|_| {
            let drawn: Vec<(f64, f64)> = points
                .iter()
                .map(|(per_user, user_error, output, output_error)| {
                    (
                        near(*per_user, *user_error, &mut rng),
                        near(*output, *output_error, &mut rng),
                    )
                })
                .collect();
            let on = frontier::frontier(&drawn).into_iter();
            let line: Vec<(f64, f64)> = on.map(|place| drawn[place]).collect();
            frontier::area(&reaching(line, from, to), from, to).map(libm::log)
        })
        .collect();
    let count = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let squares: f64 = logs.iter().map(|log| (log - mean) * (log - mean)).sum();
    Some(libm::sqrt(squares / (count - 1.0))).filter(|error| error.is_finite())
}

/// A number that is off by its standard error, by chance.
fn near(number: f64, error: f64, rng: &mut impl Rng) -> f64 {
    let off: f64 = StandardNormal.sample(rng);
    number * libm::exp(error * off)
}

/// A line that goes on level where it does not reach.
fn reaching(mut line: Vec<(f64, f64)>, from: f64, to: f64) -> Vec<(f64, f64)> {
    if let Some((_, height)) = line.first().copied().filter(|(first, _)| *first > from) {
        line.insert(0, (from, height));
    }
    if let Some((_, height)) = line.last().copied().filter(|(last, _)| *last < to) {
        line.push((to, height));
    }
    line
}
