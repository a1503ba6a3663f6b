//! From values to places on an axis, and the round values that label it.

/// How an axis spreads values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spread {
    /// Equal differences are equally far apart.
    Linear,
    /// Equal ratios are equally far apart; for positive values.
    Log,
    /// For shares 0–1: each further nine is equally far, so that the slowest requests of a distribution have room.
    Nines,
}

/// The values from one end of an axis to the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    spread: Spread,
    low: f64,
    high: f64,
}

impl Scale {
    /// A scale that has room for all of these values and begins and ends at round ones. Values that it cannot show are
    /// passed over.
    pub(super) fn over(spread: Spread, values: impl IntoIterator<Item = f64>) -> Self {
        let shown = values.into_iter().filter(|value| match spread {
            Spread::Linear => value.is_finite(),
            Spread::Log => value.is_finite() && *value > 0.0,
            Spread::Nines => (0.0..1.0).contains(value),
        });
        let ends = shown.fold(None, |ends: Option<(f64, f64)>, value| {
            let (low, high) = ends.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        });
        let (low, high) = match (spread, ends) {
            (Spread::Nines, ends) => (0.0, ends.map_or(0.9, |(_, high)| high.max(0.9))),
            (Spread::Log, None) => (1.0, 10.0),
            (Spread::Linear, None) => (0.0, 1.0),
            (Spread::Log, Some((low, high))) => {
                let (low, high) = (one_two_five(low, false), one_two_five(high, true));
                if low < high {
                    (low, high)
                } else {
                    (low / 2.0, high * 2.0)
                }
            }
            (Spread::Linear, Some((low, high))) => {
                let (low, high) = if low < high {
                    (low, high)
                } else if low == 0.0 {
                    (0.0, 1.0)
                } else {
                    (low - low.abs() / 10.0, high + high.abs() / 10.0)
                };
                let step = round_step((high - low) / 4.0);
                ((low / step).floor() * step, (high / step).ceil() * step)
            }
        };
        Scale { spread, low, high }
    }

    /// The same scale, which begins and ends at these values themselves: for an axis whose whole room is needed.
    pub(super) fn tight(self, values: impl IntoIterator<Item = f64>) -> Self {
        let within = values
            .into_iter()
            .filter(|value| value.is_finite() && *value >= self.low && *value <= self.high);
        let ends = within.fold(None, |ends: Option<(f64, f64)>, value| {
            let (low, high) = ends.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        });
        match ends {
            Some((low, high)) if low < high => Scale { low, high, ..self },
            _ => self,
        }
    }

    /// Where a value is, from 0 at the low end to 1 at the high one; `None` for NaN. What is beyond an end is at
    /// that end.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        if value.is_nan() {
            return None;
        }
        let (low, high) = (self.spread(self.low), self.spread(self.high));
        let at = self.spread(value.clamp(self.low, self.high));
        Some((at - low) / (high - low))
    }

    /// The scale in words that a script reads: how it spreads, and its ends.
    pub(super) fn words(&self) -> String {
        let spread = match self.spread {
            Spread::Linear => "linear",
            Spread::Log => "log",
            Spread::Nines => "nines",
        };
        format!("{spread} {} {}", self.low, self.high)
    }

    fn spread(&self, value: f64) -> f64 {
        match self.spread {
            Spread::Linear => value,
            Spread::Log => value.log10(),
            Spread::Nines => -(1.0 - value).log10(),
        }
    }

    /// Round values between the ends, about this number of them.
    pub(super) fn ticks(&self, about: usize) -> Vec<f64> {
        match self.spread {
            Spread::Linear => self.steps(about),
            // Within less than a decade there may be hardly any of the others.
            Spread::Log => match self.powers(about) {
                few if few.len() < 3 => self.steps(about),
                powers => powers,
            },
            Spread::Nines => {
                let nines = (1..16).map(|nines| 1.0 - 10_f64.powi(-nines));
                let all = [0.0, 0.5].into_iter().chain(nines);
                all.filter(|value| *value <= self.high).collect()
            }
        }
    }

    fn steps(&self, about: usize) -> Vec<f64> {
        let step = round_step((self.high - self.low) / about as f64);
        let (first, last) = (
            (self.low / step - 1e-9).ceil(),
            (self.high / step + 1e-9).floor(),
        );
        let count = (last - first).max(0.0) as usize;
        (0..=count)
            // Not `k * 0.1`, which gives 0.30000000000000004.
            .map(|k| tidy((first + k as f64) * step))
            .collect()
    }

    fn powers(&self, about: usize) -> Vec<f64> {
        let (low, high) = (self.low.log10(), self.high.log10());
        let within =
            |value: &f64| *value >= self.low * 0.999_999 && *value <= self.high * 1.000_001;
        let decades = high - low;
        let among = |factors: &[f64], every: i32| -> Vec<f64> {
            (low.floor() as i32..=high.ceil() as i32)
                .filter(|power| power.rem_euclid(every) == 0)
                .flat_map(|power| factors.iter().map(move |f| tidy(f * 10_f64.powi(power))))
                .filter(within)
                .collect()
        };
        let every = (decades / about as f64).ceil().max(1.0) as i32;
        [among(&[1.0, 2.0, 5.0], 1), among(&[1.0, 3.0], 1)]
            .into_iter()
            .find(|ticks| ticks.len() <= about)
            .unwrap_or_else(|| among(&[1.0], every))
    }
}

/// The nearest 1, 2 or 5 times a power of ten that is not above the value, or not below it.
fn one_two_five(value: f64, up: bool) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let rounds = [1.0, 2.0, 5.0, 10.0].map(|factor| tidy(factor * power));
    let found = if up {
        rounds.iter().find(|round| **round >= value * 0.999_999)
    } else {
        rounds
            .iter()
            .rev()
            .find(|round| **round <= value * 1.000_001)
    };
    found.copied().unwrap_or(value)
}

/// 1, 2 or 5 times a power of ten, not below the given step.
fn round_step(step: f64) -> f64 {
    if step > 0.0 && step.is_finite() {
        one_two_five(step, true)
    } else {
        1.0
    }
}

/// The same value without the noise of its last digits.
fn tidy(value: f64) -> f64 {
    format!("{value:.12e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::from_zero(Spread::Linear, &[0.0, 9.3], &[0.0, 5.0, 10.0], 4)]
    #[case::tenths(Spread::Linear, &[0.1, 0.42], &[0.1, 0.2, 0.3, 0.4, 0.5], 5)]
    #[case::below_zero(Spread::Linear, &[-3.0, 3.0], &[-4.0, -2.0, 0.0, 2.0, 4.0], 4)]
    #[case::decades(Spread::Log, &[1.5, 800.0], &[1.0, 10.0, 100.0, 1000.0], 5)]
    #[case::one_decade(Spread::Log, &[110.0, 800.0], &[100.0, 200.0, 500.0, 1000.0], 5)]
    #[case::within_a_decade(Spread::Log, &[10.0, 20.0], &[10.0, 12.0, 14.0, 16.0, 18.0, 20.0], 5)]
    #[case::nines(Spread::Nines, &[0.3, 0.9991], &[0.0, 0.5, 0.9, 0.99, 0.999], 5)]
    fn ticks_are_round(
        #[case] spread: Spread,
        #[case] values: &[f64],
        #[case] ticks: &[f64],
        #[case] about: usize,
    ) {
        let scale = Scale::over(spread, values.iter().copied());
        let near = |a: &f64, b: &f64| (a - b).abs() < 1e-12;
        let found = scale.ticks(about);
        assert!(
            found.len() == ticks.len() && found.iter().zip(ticks).all(|(a, b)| near(a, b)),
            "{found:?}"
        );
    }

    #[rstest]
    #[case(Spread::Linear, 5.0, 0.5)]
    #[case(Spread::Linear, -1.0, 0.0)]
    #[case(Spread::Linear, f64::INFINITY, 1.0)]
    fn places_are_between_the_ends(#[case] spread: Spread, #[case] value: f64, #[case] at: f64) {
        let scale = Scale::over(spread, [0.0, 10.0]);
        assert_eq!(scale.place(value), Some(at));
        assert_eq!(scale.place(f64::NAN), None);
    }

    #[test]
    fn the_middle_of_a_log_scale_is_the_geometric_mean() {
        let scale = Scale::over(Spread::Log, [1.0, 100.0]);
        assert_eq!(scale.place(10.0), Some(0.5));
        assert_eq!(scale.place(0.0), Some(0.0));
    }

    fn any() -> impl Strategy<Value = f64> {
        prop_oneof![
            Just(0.0),
            Just(f64::NAN),
            Just(f64::INFINITY),
            -1e9..1e9,
            1e-9..1.0,
            Just(f64::MAX / 8.0),
            Just(f64::MIN_POSITIVE),
        ]
    }

    proptest! {
        #[test]
        fn every_value_has_a_place_and_ticks_are_few(
            spread in prop_oneof![Just(Spread::Linear), Just(Spread::Log), Just(Spread::Nines)],
            values in proptest::collection::vec(any(), 0..6),
        ) {
            let scale = Scale::over(spread, values.iter().copied());
            for value in values.into_iter().filter(|value| !value.is_nan()) {
                let at = scale.place(value).unwrap();
                prop_assert!((0.0..=1.0).contains(&at), "{value} at {at} of {scale:?}");
            }
            let ticks = scale.ticks(5);
            prop_assert!(ticks.len() <= 18, "{ticks:?} of {scale:?}");
            prop_assert!(ticks.iter().all(|tick| scale.place(*tick).is_some()));
        }
    }
}
