//! numpy's legacy `np.random`: MT19937 with the transformations frozen in numpy 1.16.

use rand_mt::Mt;

/// `np.random.RandomState(seed)` with gamma draws, integers and permutations.
///
/// Logarithms and powers are those of the pure Rust `libm`, so that a plan is the same on every
/// platform; numpy takes its platform's, and the two may differ in the last bit of a draw.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RandomState {
    bits: Mt,
    /// The second value of a pair made by the polar method.
    spare_gauss: Option<f64>,
}

impl RandomState {
    /// `np.random.seed(seed)`. numpy refuses seeds of 2³² and more; here those seed by their two
    /// words, as numpy does for the array `[seed & 0xffffffff, seed >> 32]`.
    pub(crate) fn new(seed: u64) -> Self {
        let bits = match u32::try_from(seed) {
            Ok(seed) => Mt::new(seed),
            Err(_) => Mt::new_with_key([seed as u32, (seed >> 32) as u32]),
        };
        RandomState {
            bits,
            spare_gauss: None,
        }
    }

    /// `randint(0, below)`, one draw; `below` must not be 0. Masks bits and rejects draws that are too
    /// large.
    pub(crate) fn below(&mut self, below: usize) -> usize {
        let most = (below as u64).saturating_sub(1);
        if most == 0 {
            return 0;
        }
        let mask = u64::MAX >> most.leading_zeros();
        loop {
            let drawn = match u32::try_from(most) {
                Ok(_) => u64::from(self.bits.next_u32()),
                Err(_) => u64::from(self.bits.next_u32()) << 32 | u64::from(self.bits.next_u32()),
            };
            if drawn & mask <= most {
                return (drawn & mask) as usize;
            }
        }
    }

    /// `permutation(length)`; `choice` without repetition takes its start.
    pub(crate) fn permutation(&mut self, length: usize) -> Vec<usize> {
        let mut items: Vec<usize> = (0..length).collect();
        for last in (1..length).rev() {
            items.swap(last, self.below(last + 1));
        }
        items
    }

    /// `random_sample()`: uniform in [0, 1) with 53 bits.
    pub(crate) fn uniform(&mut self) -> f64 {
        let high = f64::from(self.bits.next_u32() >> 5);
        let low = f64::from(self.bits.next_u32() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// `standard_exponential()`: by inversion.
    pub(crate) fn exponential(&mut self) -> f64 {
        -libm::log(1.0 - self.uniform())
    }

    /// `standard_normal()`: Marsaglia's polar method; every second value comes from the pair.
    pub(crate) fn gauss(&mut self) -> f64 {
        if let Some(spare) = self.spare_gauss.take() {
            return spare;
        }
        loop {
            let x = 2.0 * self.uniform() - 1.0;
            let y = 2.0 * self.uniform() - 1.0;
            let square = x * x + y * y;
            if square < 1.0 && square != 0.0 {
                let factor = libm::sqrt(-2.0 * libm::log(square) / square);
                self.spare_gauss = Some(factor * x);
                return factor * y;
            }
        }
    }

    /// `standard_gamma(shape)`; `shape` must be positive and finite.
    ///
    /// Exponential for shape 1, Ahrens and Dieter's rejection below it, Marsaglia and Tsang's
    /// above it.
    pub(crate) fn gamma(&mut self, shape: f64) -> f64 {
        if shape == 1.0 {
            self.exponential()
        } else if shape < 1.0 {
            self.gamma_below_one(shape)
        } else {
            self.gamma_above_one(shape)
        }
    }

    fn gamma_below_one(&mut self, shape: f64) -> f64 {
        loop {
            let uniform = self.uniform();
            let exponential = self.exponential();
            if uniform <= 1.0 - shape {
                let x = libm::pow(uniform, 1.0 / shape);
                if x <= exponential {
                    return x;
                }
            } else {
                let y = -libm::log((1.0 - uniform) / shape);
                let x = libm::pow(1.0 - shape + shape * y, 1.0 / shape);
                if x <= exponential + y {
                    return x;
                }
            }
        }
    }

    fn gamma_above_one(&mut self, shape: f64) -> f64 {
        let b = shape - 1.0 / 3.0;
        let c = 1.0 / libm::sqrt(9.0 * b);
        loop {
            let (x, v) = loop {
                let x = self.gauss();
                let v = 1.0 + c * x;
                if v > 0.0 {
                    break (x, v * v * v);
                }
            };
            let uniform = self.uniform();
            if uniform < 1.0 - 0.0331 * (x * x) * (x * x)
                || libm::log(uniform) < 0.5 * x * x + b * (1.0 - v + libm::log(v))
            {
                return b * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::golden;

    type Draw = fn(&mut RandomState, f64) -> f64;

    fn close(drawn: f64, expected: f64) -> bool {
        // numpy used its platform's logarithm: the last bits may differ.
        (drawn - expected).abs() <= 1e-15 * expected.abs()
    }

    #[test]
    fn draws_agree_with_numpy() {
        let draws: [(&str, Draw); 4] = [
            ("random_sample", |state, _| state.uniform()),
            ("standard_exponential", |state, _| state.exponential()),
            ("standard_normal", |state, _| state.gauss()),
            ("standard_gamma", |state, shape| state.gamma(shape)),
        ];
        let golden = golden("numpy.json");
        for (name, draw) in draws {
            let cases = golden[name].as_array().unwrap();
            assert!(!cases.is_empty());
            for case in cases {
                let mut state = RandomState::new(case["seed"].as_u64().unwrap());
                let shape = case["shape"].as_f64().unwrap_or_default();
                for expected in case["drawn"].as_array().unwrap() {
                    let (drawn, expected) = (draw(&mut state, shape), expected.as_f64().unwrap());
                    assert!(close(drawn, expected), "{name} {case}: {drawn} {expected}");
                }
            }
        }
    }

    #[test]
    fn integers_and_permutations_agree_with_numpy() {
        for case in golden("draws.json")["legacy"].as_array().unwrap() {
            let numbers = |value: &serde_json::Value| -> Vec<usize> {
                serde_json::from_value(value.clone()).unwrap()
            };
            let mut state = RandomState::new(case["seed"].as_u64().unwrap());
            for row in case["randint"].as_array().unwrap() {
                let below = row[0].as_u64().unwrap() as usize;
                let expected = numbers(&row[1]);
                let drawn: Vec<usize> = expected.iter().map(|_| state.below(below)).collect();
                assert_eq!(drawn, expected, "below {below}");
            }
            assert_eq!(state.permutation(9), numbers(&case["permutation"]));
            assert_eq!(state.permutation(7)[..4], numbers(&case["choice"]));
            let repeated = numbers(&case["repeated"]);
            let drawn: Vec<usize> = repeated.iter().map(|_| state.below(7)).collect();
            assert_eq!(drawn, repeated);
            assert_eq!(state.uniform(), case["after"].as_f64().unwrap());
        }
    }

    #[test]
    fn a_seed_past_32_bits_seeds_by_words() {
        let (small, large) = (7, 7 | 1 << 32);
        assert_ne!(
            RandomState::new(small).uniform(),
            RandomState::new(large).uniform()
        );
    }
}
