//! Draws of counts: numpy's `poisson` and `zipf`.

use super::RandomState;

/// The largest count, as numpy has it for a C `long` of 64 bits.
const LARGEST: f64 = 9_223_372_036_854_775_807.0;

impl RandomState {
    /// `lognormal(mean, sigma)`: mean and standard deviation are those of the logarithm.
    pub(crate) fn lognormal(&mut self, mean: f64, sigma: f64) -> f64 {
        libm::exp(mean + sigma * self.gauss())
    }

    /// `poisson(mean)`; `mean` must be finite and not negative.
    ///
    /// Multiplies uniform numbers below a mean of 10; from there on Hörmann's transformed rejection with squeeze
    /// (PTRS), "The transformed rejection method for generating Poisson random variables", 1993.
    pub(crate) fn poisson(&mut self, mean: f64) -> f64 {
        if mean >= 10.0 {
            self.poisson_by_rejection(mean)
        } else if mean == 0.0 {
            0.0
        } else {
            self.poisson_by_products(mean)
        }
    }

    fn poisson_by_products(&mut self, mean: f64) -> f64 {
        let least = libm::exp(-mean);
        let (mut count, mut product) = (0.0, 1.0);
        loop {
            product *= self.uniform();
            if product <= least {
                return count;
            }
            count += 1.0;
        }
    }

    fn poisson_by_rejection(&mut self, mean: f64) -> f64 {
        let log_mean = libm::log(mean);
        let b = 0.931 + 2.53 * libm::sqrt(mean);
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let squeeze = 0.9277 - 3.6224 / (b - 2.0);
        loop {
            let u = self.uniform() - 0.5;
            let v = self.uniform();
            let us = 0.5 - u.abs();
            let count = ((2.0 * a / us + b) * u + mean + 0.43).floor();
            if us >= 0.07 && v <= squeeze {
                return count;
            }
            if count < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            let drawn = libm::log(v) + libm::log(inverse_alpha) - libm::log(a / (us * us) + b);
            if drawn <= -mean + count * log_mean - libm::lgamma(count + 1.0) {
                return count;
            }
        }
    }

    /// `zipf(exponent)`; `exponent` must be above 1. A whole number, which may be as large as 2⁶³.
    ///
    /// Devroye's rejection, "Non-Uniform Random Variate Generation", 1986, chapter X.6. For exponents of 1025 and more,
    /// whose powers overflow, the count is 1; numpy's legacy draw does not return there.
    pub(crate) fn zipf(&mut self, exponent: f64) -> f64 {
        if exponent >= 1025.0 {
            return 1.0;
        }
        let less = exponent - 1.0;
        let b = libm::pow(2.0, less);
        loop {
            let u = 1.0 - self.uniform();
            let v = self.uniform();
            let x = libm::pow(u, -1.0 / less).floor();
            if !(1.0..=LARGEST).contains(&x) {
                continue;
            }
            let t = libm::pow(1.0 + 1.0 / x, less);
            if v * x * (t - 1.0) / (b - 1.0) <= t / b {
                return x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::golden;

    type Draw = fn(&mut RandomState, f64, f64) -> f64;

    #[test]
    fn counts_agree_with_numpy() {
        let draws: [(&str, Draw); 3] = [
            ("lognormal", |state, mean, sigma| {
                state.lognormal(mean, sigma)
            }),
            ("poisson", |state, mean, _| state.poisson(mean)),
            ("zipf", |state, exponent, _| state.zipf(exponent)),
        ];
        let golden = golden("generated.json");
        for (name, draw) in draws {
            let cases = golden["draws"].as_array().unwrap();
            let cases = cases.iter().filter(|case| case["name"] == name);
            let mut seen = 0;
            for case in cases {
                seen += 1;
                let given = |place: usize| case["given"][place].as_f64().unwrap_or_default();
                let mut state = RandomState::new(case["seed"].as_u64().unwrap());
                for expected in case["drawn"].as_array().unwrap() {
                    let expected = expected.as_f64().unwrap();
                    let drawn = draw(&mut state, given(0), given(1));
                    let close = (drawn - expected).abs() <= 1e-13 * expected.abs();
                    assert!(close, "{case}: {drawn} {expected}");
                }
            }
            assert!(seen > 3, "{name}");
        }
    }
}
