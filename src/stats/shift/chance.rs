//! What chance does to a series without a shift.

use super::split::{Split, Splits};
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;

/// The number of series that are drawn.
const DRAWS: usize = 20_000;

/// The number of drawn series that a series is compared with: those whose memory is most like its own.
const ALIKE: usize = 2_000;

/// The strongest memory of a model.
const STRONGEST: f64 = 0.9;

/// The best splits of series without a shift.
///
/// Runs are normal and remember the run before (an autoregression of order 1). How strongly they do is not known
/// of a short series, so half of the draws have no memory, and the others 0.9 u² with a uniform u: weak ones are common.
/// A series is compared with those draws whose memory *looks* like its own, which include the ones whose true memory
/// looks weaker than it is.
#[derive(Debug)]
pub(super) struct Chance {
    ends: Drawn,
    middles: Drawn,
}

impl Chance {
    /// Draws series of this length; the same ones each time.
    pub(super) fn of(count: usize) -> Self {
        let mut random = Pcg64::seed_from_u64(count as u64);
        let draws = (0..DRAWS).filter_map(|draw| {
            let memory = match draw % 2 {
                0 => 0.0,
                _ => STRONGEST * random.random::<f64>().powi(2),
            };
            Splits::of(&remembering(count, memory, &mut random))
        });
        let draws: Vec<Splits> = draws.collect();
        Chance {
            ends: Drawn::of(draws.iter().map(|splits| &splits.end)),
            middles: Drawn::of(draws.iter().filter_map(|splits| splits.middle.as_ref())),
        }
    }

    /// How likely chance makes an end that stands out as much, 0–1.
    pub(super) fn of_end(&self, split: &Split) -> f64 {
        self.ends.beyond(split)
    }

    /// How likely chance makes a part in the middle that stands out as much, 0–1.
    pub(super) fn of_middle(&self, split: &Split) -> f64 {
        self.middles.beyond(split)
    }
}

/// Memory and t of each draw, in the order of the memories.
#[derive(Debug)]
struct Drawn(Vec<(f64, f64)>);

impl Drawn {
    fn of<'a>(splits: impl Iterator<Item = &'a Split>) -> Self {
        let mut draws: Vec<_> = splits.map(|split| (split.memory, split.t)).collect();
        draws.sort_by(|one, other| one.0.total_cmp(&other.0));
        Drawn(draws)
    }

    /// The share of the draws with such a memory whose t is at least as large.
    fn beyond(&self, split: &Split) -> f64 {
        let place = self.0.partition_point(|draw| draw.0 < split.memory);
        let last = self.0.len().saturating_sub(ALIKE);
        let start = place.saturating_sub(ALIKE / 2).min(last);
        let alike = self.0.iter().skip(start).take(ALIKE);
        let (as_far, all) = alike.fold((0_u32, 0_u32), |(as_far, all), draw| {
            (as_far + u32::from(draw.1 >= split.t), all + 1)
        });
        f64::from(as_far + 1) / f64::from(all + 1)
    }
}

/// Normal numbers with variance 1, each correlated by `memory` with the one before.
pub(crate) fn remembering(count: usize, memory: f64, random: &mut Pcg64) -> Vec<f64> {
    let fresh = (1.0 - memory * memory).sqrt();
    let mut last: f64 = StandardNormal.sample(random);
    let next = |run| {
        if run > 0 {
            let luck: f64 = StandardNormal.sample(random);
            last = memory * last + fresh * luck;
        }
        last
    };
    (0..count).map(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_likelier_the_smaller_it_is_and_the_more_runs_remember() {
        let chance = Chance::of(20);
        let of = |t, memory| {
            chance.of_end(&Split {
                start: 10,
                end: 20,
                t,
                memory,
            })
        };
        assert!(of(2.0, 0.0) > of(4.0, 0.0));
        assert!(of(4.0, 0.5) > of(4.0, 0.0));
        assert!(of(0.0, 0.0) == 1.0 && of(1e9, 0.0) < 0.001);
    }

    #[test]
    fn memory_is_a_correlation() {
        let mut random = Pcg64::seed_from_u64(1);
        let values = remembering(20_000, 0.6, &mut random);
        let products: f64 = values.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let squares: f64 = values.iter().map(|value| value * value).sum();
        assert!((products / squares - 0.6).abs() < 0.03);
        assert!((squares / 20_000.0 - 1.0).abs() < 0.05);
    }
}
