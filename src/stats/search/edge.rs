//! Where a demand stops to hold, with an interval.

use super::reading::{Found, Reading};
use crate::stats::{Interval, critical};

/// The flattest and the steepest line: by how much the logarithm of the odds grows when the load does by a factor of e.
const SLOPES: (f64, f64) = (0.5, 4000.0);
/// How far beyond the trials an edge may be, as a logarithm of the load.
const BEYOND: f64 = 0.3;
/// Fewer trials than this say nothing about how they scatter around the line.
const TO_SCATTER: f64 = 5.0;
/// No trial varies less than half as much as independent requests.
const LEAST: f64 = 0.5;
/// An interval without an end within this many steps, each longer than the one before, is open.
const STEPS: usize = 12;
/// Rounds of the golden section and of bisection.
const ROUNDS: usize = 40;

/// Where a demand stops to hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// The logarithm of the load.
    pub load: f64,
    /// By how much the logarithm of the odds grows when the load does by a factor of e.
    pub slope: f64,
    /// How many times as much trials vary as if their values did not depend on each other.
    pub scatter: f64,
    /// The logarithms of the loads between which it is.
    pub interval: Interval,
    /// How likely trials scatter this much around the line by chance, by how much they vary within (F test). 1 if that cannot be
    /// said.
    pub by_chance: f64,
}

/// The edge that these trials of one demand show; the interval is wrong with probability `error`. `None` if they are
/// fewer than two, or none of them shows how much they vary.
pub(super) fn edge(readings: &[Reading], error: f64) -> Option<Edge> {
    let loads = readings.iter().map(|reading| reading.load);
    let (low, high) = loads.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), load| {
        (low.min(load), high.max(load))
    });
    if readings.len() < 2 {
        return None;
    }
    let (load, least) = lowest(
        |load| line_through(readings, load).1,
        low - BEYOND,
        high + BEYOND,
    );
    let slope = line_through(readings, load).0;
    let Scatter {
        scatter,
        freedom,
        by_chance,
    } = scatter(readings, load, slope)?;
    let t = critical::t(freedom, error / 2.0);
    let most = least + scatter * t * t;
    let end = |direction: f64| {
        let (mut inside, mut step) = (load, 0.02);
        for _ in 0..STEPS {
            let out = load + direction * step;
            if line_through(readings, out).1 > most {
                return Some(between(inside, out, |x| line_through(readings, x).1 > most));
            }
            (inside, step) = (out, step * 1.6);
        }
        None
    };
    Some(Edge {
        load,
        slope,
        scatter,
        interval: Interval {
            low: end(-1.0),
            high: end(1.0),
        },
        by_chance,
    })
}

/// The best line through this edge: its slope, and how far the trials are from it.
fn line_through(readings: &[Reading], edge: f64) -> (f64, f64) {
    let (flat, steep) = SLOPES;
    let (slope, deviance) = lowest(
        |slope| {
            let slope = libm::exp(slope);
            let far = readings
                .iter()
                .map(|reading| deviance(reading, edge, slope));
            far.sum()
        },
        libm::log(flat),
        libm::log(steep),
    );
    (libm::exp(slope), deviance)
}

/// How far a trial is from the line, as twice the logarithm of how much less likely it is than on it.
fn deviance(reading: &Reading, edge: f64, slope: f64) -> f64 {
    let along = slope * (reading.load - edge);
    match reading.found {
        Found::Level(level) => reading.values * (level - along) * (level - along),
        Found::Beyond { share, allowed } => {
            let expected = expected(allowed, along);
            let part = |seen: f64, expected: f64| match seen {
                seen if seen > 0.0 => seen * libm::log(seen / expected),
                _ => 0.0,
            };
            2.0 * reading.values * (part(share, expected) + part(1.0 - share, 1.0 - expected))
        }
    }
}

/// The share beyond the limit on the line.
fn expected(allowed: f64, along: f64) -> f64 {
    let odds = libm::log(allowed / (1.0 - allowed)) + along;
    (1.0 / (1.0 + libm::exp(-odds))).clamp(1e-12, 1.0 - 1e-12)
}

/// How many times as much the trials vary as independent requests.
struct Scatter {
    scatter: f64,
    freedom: f64,
    by_chance: f64,
}

/// How much the trials vary.
///
/// Batches within trials and trials around the line are two estimates of the same number. Both together count, unless the
/// trials scatter more: then something differs between them that none of them shows.
fn scatter(readings: &[Reading], edge: f64, slope: f64) -> Option<Scatter> {
    let seen = || readings.iter().filter_map(|r| Some((r.values, r.scatter?)));
    let (values, weighted, mut freedom) = seen().fold(
        (0.0, 0.0, 0.0),
        |(values, weighted, freedom), (of, (times, own))| {
            (values + of, weighted + of * times, freedom + own)
        },
    );
    if values <= 0.0 {
        return None;
    }
    let within = weighted / values;
    let spare = readings.len() as f64 - 2.0;
    let squares = readings.iter().map(|r| off(r, edge, slope));
    let squares: f64 = squares.map(|off| off * off).sum();
    let around = squares / spare;
    let (mut scatter, mut by_chance) = (within, 1.0);
    if spare > 0.0 {
        // P(F > f) by the incomplete beta function.
        let part = freedom * within / (freedom * within + spare * around);
        by_chance = critical::beta_at_most(0.5 * freedom, 0.5 * spare, part);
        scatter = (within * freedom + squares) / (freedom + spare);
        freedom += spare;
    }
    if readings.len() as f64 >= TO_SCATTER && around > scatter {
        (scatter, freedom) = (around, spare);
    }
    Some(Scatter {
        scatter: scatter.max(LEAST),
        freedom: freedom.max(1.0),
        by_chance,
    })
}

/// A trial's distance from the line, above 0 if it is worse, in standard deviations of independent values.
pub(super) fn off(reading: &Reading, edge: f64, slope: f64) -> f64 {
    let along = slope * (reading.load - edge);
    match reading.found {
        Found::Level(level) => reading.values.sqrt() * (level - along),
        Found::Beyond { share, allowed } => {
            let expected = expected(allowed, along);
            (share - expected) * (reading.values / (expected * (1.0 - expected))).sqrt()
        }
    }
}

/// Where a function with one valley is lowest, by the golden section, and how low it is.
fn lowest(function: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> (f64, f64) {
    const GOLDEN: f64 = 0.618_033_988_749_894_8;
    let point = |low: f64, high: f64| low + GOLDEN * (high - low);
    let (mut left, mut right) = (point(high, low), point(low, high));
    let (mut of_left, mut of_right) = (function(left), function(right));
    for _ in 0..ROUNDS {
        if of_left < of_right {
            (high, right, of_right) = (right, left, of_left);
            left = point(high, low);
            of_left = function(left);
        } else {
            (low, left, of_left) = (left, right, of_right);
            right = point(low, high);
            of_right = function(right);
        }
    }
    if of_left < of_right {
        (left, of_left)
    } else {
        (right, of_right)
    }
}

/// Where a condition that does not hold at `inside` and holds at `outside` begins to.
fn between(mut inside: f64, mut outside: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..ROUNDS {
        let middle = 0.5 * (inside + outside);
        if holds(middle) {
            outside = middle;
        } else {
            inside = middle;
        }
    }
    inside
}
