//! How a server changes while it runs: it is slow at first, ages, and leaks memory.

use crate::clock::Nanos;
use goodput_grammar::sim::{Cold, Script};

/// Resident memory of a server that has just started, bytes: 1 GiB.
const MEMORY: f64 = 1_073_741_824.0;

/// Changes of a server since its start.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::sim) struct Wear {
    aging: f64,
    cold: Option<Cold>,
    leak: f64,
}

impl Wear {
    /// The changes that a script asks for.
    pub(in crate::sim) fn of(script: &Script) -> Self {
        Wear {
            aging: script.aging,
            cold: script.cold.as_deref().copied(),
            leak: script.leak,
        }
    }

    /// How many times as long everything takes that begins at this time.
    pub(in crate::sim) fn factor(&self, at: Nanos) -> f64 {
        let seconds = at.as_secs_f64();
        let cold = self.cold.map_or(1.0, |Cold { factor, lasts }| {
            let left = (1.0 - seconds / lasts.as_secs_f64()).max(0.0);
            1.0 + (factor - 1.0) * left
        });
        cold * (1.0 + self.aging * seconds / 3600.0)
    }

    /// Resident memory at this time, bytes.
    pub(in crate::sim) fn memory(&self, at: Nanos) -> f64 {
        (MEMORY * (1.0 + self.leak * at.as_secs_f64() / 3600.0)).round()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use goodput_grammar::sim::parse;

    const HOUR: Nanos = Nanos(3_600_000_000_000);

    fn wear(text: &str) -> Wear {
        Wear::of(&parse(text).unwrap())
    }

    #[test]
    fn an_aging_server_slows_down_at_a_constant_pace() {
        let aging = wear("aging = 20%/h");
        let factors = [Nanos(0), HOUR, Nanos(2 * HOUR.0)].map(|at| aging.factor(at));
        assert_eq!(factors, [1.0, 1.2, 1.4]);
    }

    #[test]
    fn a_cold_server_is_warm_in_the_end() {
        let cold = wear("cold = 3x@20s");
        let factors = [0, 10, 20, 40].map(|s| cold.factor(Nanos(s * 1_000_000_000)));
        assert_eq!(factors, [3.0, 2.0, 1.0, 1.0]);
    }

    #[test]
    fn a_leak_is_a_share_of_the_first_memory() {
        assert_eq!(wear("leak = 50%/h").memory(HOUR), 1.5 * MEMORY);
        assert_eq!(wear("").memory(HOUR), MEMORY);
    }
}
