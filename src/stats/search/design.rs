//! Which loads are tried, and when a search is over.

use super::{
    Edge, Reading,
    bracket::{Bracket, ENOUGH, SAME, Side},
    edge::{edge, off},
};
use crate::stats::{Interval, critical};

/// Ends of the interval between which the distance is halved by short trials, as a logarithm of the load.
const NEAR: f64 = 0.3;
/// Trials within this distance of the edge count, as a logarithm of the load, or further ones until there are
/// [`ENOUGH`].
const WINDOW: f64 = 0.2;
/// How far from the edge a load is tried: by how much the logarithm of the odds changes up to there, and at least and at
/// most by how much that of the load does.
const STEP: f64 = 1.5;
const STEPS: (f64, f64) = (0.01, 0.12);
/// The steepest line that is supposed before there is one.
const STEEP: f64 = 50.0;
/// The smallest number of trials near the edge.
const FEWEST: usize = 5;
/// A load whose logarithm was taken is off by less than this, relative to itself.
const ROUNDING: f64 = 1e-9;
/// A search gives up after this number of doublings or halvings.
const DOUBLINGS: i32 = 20;

/// What a search is to find.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The first load that is tried.
    pub start: f64,
    /// The lowest and the highest load that is tried.
    pub range: (f64, f64),
    /// Loads are whole numbers.
    pub whole: bool,
    /// The search ends when half of the interval is this share of the answer.
    pub within: f64,
    /// The probability that the interval is wrong.
    pub error: f64,
}

/// A trial to be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// Requests per second, or requests in flight.
    pub load: f64,
    /// The trial only has to show on which side of the edge it is, and may end once it has.
    pub short: bool,
}

/// What a search does next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    /// A trial.
    Trial(Trial),
    /// Nothing.
    Done(Why),
}

/// Why a search is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The interval is as narrow as it should be.
    Precise,
    /// The highest load that is tried keeps the SLOs.
    HighestHolds,
    /// The lowest load that is tried breaks them.
    LowestFails,
}

/// A search under way.
#[derive(Debug, Clone)]
pub struct Search {
    settings: Settings,
    bracket: Bracket,
    /// By demand, what each long trial says.
    readings: Vec<Vec<Reading>>,
    edges: Vec<Option<Edge>>,
}

impl Search {
    /// A search that has not begun, for this number of demands.
    pub fn new(settings: Settings, demands: usize) -> Self {
        Search {
            settings,
            bracket: Bracket::default(),
            readings: vec![Vec::new(); demands],
            edges: vec![None; demands],
        }
    }

    /// Sets the first load that is tried.
    pub fn starts_at(&mut self, load: f64) {
        self.settings.start = load;
    }

    /// What is to be done.
    pub fn next(&self) -> Next {
        let (from, to) = self.settings.range;
        let short = |load: f64| {
            Next::Trial(Trial {
                load: self.possible(load),
                short: true,
            })
        };
        let (low, high) = match (self.bracket.below, self.bracket.above) {
            (None, None) => return short(self.settings.start),
            (Some(below), None) => {
                let load = self.possible(libm::exp(below));
                if load >= to * (1.0 - ROUNDING) || self.doublings(below) >= DOUBLINGS {
                    return Next::Done(Why::HighestHolds);
                }
                return short((2.0 * load).min(to));
            }
            (None, Some(above)) => {
                let load = self.possible(libm::exp(above));
                if load <= from * (1.0 + ROUNDING) || self.doublings(above) <= -DOUBLINGS {
                    return Next::Done(Why::LowestFails);
                }
                return short((load / 2.0).max(from));
            }
            (Some(below), Some(above)) => (below, above),
        };
        let ends = (libm::log(from) + ROUNDING, libm::log(to) - ROUNDING);
        if self.bracket.all_hold_at(ends.1) {
            return Next::Done(Why::HighestHolds);
        }
        if self.bracket.all_fail_at(ends.0) {
            return Next::Done(Why::LowestFails);
        }
        let neighbours = self.settings.whole && libm::exp(high) - libm::exp(low) < 1.5;
        if self.bracket.trials() == 0 && high - low > NEAR && !neighbours {
            return short(libm::exp(0.5 * (low + high)));
        }
        if self.is_precise() {
            return Next::Done(Why::Precise);
        }
        if let Some((below, above)) = self.cliff() {
            let load = if !self.is_narrow(below, above) {
                0.5 * (below + above)
            } else if self.bracket.within(above, SAME) < self.bracket.within(below, SAME) {
                above
            } else {
                below
            };
            let load = self.possible(libm::exp(load));
            return Next::Trial(Trial { load, short: false });
        }
        let (edge, slope) = self.guess(low, high);
        let (least, most) = STEPS;
        let step = (STEP / slope).clamp(least, most);
        let load = match self.bracket.trials() % 2 {
            0 => self.up(libm::exp(edge + step), libm::exp(edge)),
            _ => self.down(libm::exp(edge - step), libm::exp(edge)),
        };
        Next::Trial(Trial { load, short: false })
    }

    /// Notes on which side of the edge a short trial is.
    pub fn decided(&mut self, load: f64, side: Side) {
        self.bracket.decided(libm::log(load), side);
    }

    /// Notes what a long trial at a load says about each demand.
    pub fn measured(&mut self, load: f64, readings: Vec<Option<Reading>>) {
        let holds = readings.iter().flatten().all(Reading::holds);
        let side = if holds { Side::Below } else { Side::Above };
        for (kept, reading) in self.readings.iter_mut().zip(readings) {
            kept.extend(reading);
        }
        let enough = self.bracket.trials() + 1 >= ENOUGH;
        if enough {
            self.fit();
        }
        self.bracket.measured(libm::log(load), side, self.edge());
        if enough && self.edge().is_none() {
            self.bracket.by_sides();
        }
    }

    /// Fits the lines of all demands.
    fn fit(&mut self) {
        let error = self.settings.error / self.readings.len().max(1) as f64;
        let around = self.edge().or(self.middle());
        let Some(around) = around else { return };
        self.edges = self
            .readings
            .iter()
            .map(|readings| edge(&near(readings, around), error))
            .collect();
    }

    /// The load up to which all demands hold; `None` as long as nothing is known.
    pub fn estimate(&self) -> Option<f64> {
        let middle = |(below, above)| 0.5 * (below + above);
        self.edge().or(self.cliff().map(middle)).map(libm::exp)
    }

    /// Where that load is. An end is open if the trials do not show it.
    pub fn interval(&self) -> Interval {
        if let Some((below, above)) = self.cliff() {
            // The whole number that failed is not within.
            let short_of = if self.settings.whole { ROUNDING } else { 0.0 };
            return Interval {
                low: Some(libm::exp(below)),
                high: Some(libm::exp(above - short_of)),
            };
        }
        let first = |of: fn(&Interval) -> Option<f64>, open: f64| {
            let ends = self.edges.iter().flatten().map(|edge| of(&edge.interval));
            let first = ends.map(|end| end.unwrap_or(open)).reduce(f64::min);
            first.filter(|end| end.is_finite()).map(libm::exp)
        };
        Interval {
            low: first(|interval| interval.low, f64::NEG_INFINITY),
            high: first(|interval| interval.high, f64::INFINITY),
        }
    }

    /// How likely the trials differ this much by chance. If no line can be fitted, 0 if a load held above one that failed, else 1.
    pub fn by_chance(&self) -> f64 {
        if self.cliff().is_some() && self.bracket.contradicts_itself() {
            return 0.0;
        }
        let edges = self.edges.iter().flatten();
        edges.map(|edge| edge.by_chance).fold(1.0, f64::min)
    }

    /// How likely the trials became worse (above 0) or better (below 0) this steadily, one after the other, by chance: the
    /// probability with the sign of the change. `None` with fewer than five long trials.
    ///
    /// It is that of the correlation of their distances from the line with their order.
    pub fn trend(&self) -> Option<f64> {
        let (edge, readings) = self
            .edges
            .iter()
            .zip(&self.readings)
            .filter_map(|(edge, readings)| Some(((*edge)?, readings)))
            .min_by(|(a, _), (b, _)| a.load.total_cmp(&b.load))?;
        let distances: Vec<f64> = readings
            .iter()
            .map(|reading| off(reading, edge.load, edge.slope))
            .collect();
        let count = distances.len() as f64;
        if distances.len() < FEWEST {
            return None;
        }
        let middle = 0.5 * (count - 1.0);
        let mean = distances.iter().sum::<f64>() / count;
        let (mut along, mut places, mut squares) = (0.0, 0.0, 0.0);
        for (place, distance) in distances.iter().enumerate() {
            let (place, distance) = (place as f64 - middle, distance - mean);
            along += place * distance;
            places += place * place;
            squares += distance * distance;
        }
        if squares <= 0.0 {
            return None;
        }
        let correlation = along / (places * squares).sqrt();
        let rest = (1.0 - correlation * correlation).max(1e-12);
        let t = correlation.abs() * ((count - 2.0) / rest).sqrt();
        let likely = (2.0 * critical::t_above(count - 2.0, t)).min(1.0);
        Some(likely.copysign(correlation))
    }

    fn edge(&self) -> Option<f64> {
        let edges = self.edges.iter().flatten().map(|edge| edge.load);
        edges.reduce(f64::min)
    }

    fn middle(&self) -> Option<f64> {
        Some(0.5 * (self.bracket.below? + self.bracket.above?))
    }

    /// The best guess of the edge and of the slope there. No guess leads far away from the loads that were tried.
    fn guess(&self, low: f64, high: f64) -> (f64, f64) {
        let binding = self.edges.iter().flatten();
        let binding = binding.min_by(|a, b| a.load.total_cmp(&b.load));
        match binding {
            Some(edge) => {
                let room = WINDOW.max(high - low);
                (edge.load.clamp(low - room, high + room), edge.slope)
            }
            None => {
                let half = (0.5 * (high - low)).max(1e-6);
                (0.5 * (low + high), (STEP / half).min(STEEP))
            }
        }
    }

    /// The loads between which all long trials change sides, if no line can be fitted, because they have nothing but good or
    /// nothing but bad requests.
    fn cliff(&self) -> Option<(f64, f64)> {
        let cliff = self.bracket.cliff();
        cliff.filter(|_| self.bracket.trials() >= ENOUGH && self.edge().is_none())
    }

    /// Whether these ends are near enough to each other.
    fn is_narrow(&self, below: f64, above: f64) -> bool {
        let one = self.settings.whole && libm::exp(above) - libm::exp(below) < 1.5;
        one || 0.5 * (above - below) <= self.settings.within
    }

    fn is_precise(&self) -> bool {
        if let Some((below, above)) = self.cliff() {
            let twice = [below, above].map(|end| self.bracket.within(end, SAME) >= 2);
            return self.bracket.trials() >= FEWEST
                && self.is_narrow(below, above)
                && twice == [true, true];
        }
        let Some((low, high)) = self.interval().low.zip(self.interval().high) else {
            return false;
        };
        let known = self
            .edge()
            .is_some_and(|edge| self.bracket.within(edge, WINDOW) >= FEWEST);
        // One whole number is as precise as it gets.
        let one = self.settings.whole && libm::floor(low) == libm::floor(high);
        known && (one || 0.5 * libm::log(high / low) <= self.settings.within)
    }

    fn doublings(&self, load: f64) -> i32 {
        libm::round((load - libm::log(self.settings.start)) / core::f64::consts::LN_2) as i32
    }

    /// The nearest load that may be tried.
    fn possible(&self, load: f64) -> f64 {
        let (from, to) = self.settings.range;
        let load = load.clamp(from, to);
        if self.settings.whole {
            libm::round(load).max(1.0)
        } else {
            load
        }
    }

    /// A load above the edge: another whole number than those below.
    fn up(&self, load: f64, edge: f64) -> f64 {
        if self.settings.whole {
            self.possible(libm::round(load).max(libm::floor(edge) + 1.0))
        } else {
            self.possible(load)
        }
    }

    /// A load below the edge.
    fn down(&self, load: f64, edge: f64) -> f64 {
        if self.settings.whole {
            self.possible(libm::round(load).min(libm::floor(edge)))
        } else {
            self.possible(load)
        }
    }
}

/// The trials near a load, as many as a line needs.
fn near(readings: &[Reading], load: f64) -> Vec<Reading> {
    let mut nearest: Vec<Reading> = readings.to_vec();
    nearest.sort_by(|a, b| {
        let far = |reading: &Reading| (reading.load - load).abs();
        far(a).total_cmp(&far(b))
    });
    let within = nearest.partition_point(|reading| (reading.load - load).abs() <= WINDOW);
    nearest.truncate(within.max(ENOUGH));
    nearest
}
