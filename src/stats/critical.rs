//! Quantiles of the distributions that intervals need.
//!
//! They are rounded to ten digits: the standard library's logarithm differs between machines in its last bit, and the
//! same run must give the same interval everywhere.

use statrs::{
    distribution::{ContinuousCDF, Gamma, Normal, StudentsT},
    function::beta::{checked_beta_reg, inv_beta_reg},
};

/// The point that Student's t with `freedom` degrees of freedom exceeds with probability
/// `beyond`, which is above 0 and below 1/2.
pub(super) fn t(freedom: f64, beyond: f64) -> f64 {
    // Beyond that it is the normal distribution, and the t of the library loses its digits.
    if freedom > 1e6 {
        return normal(beyond);
    }
    StudentsT::new(0.0, 1.0, freedom.max(1.0))
        .map_or(f64::INFINITY, |t| rounded(-t.inverse_cdf(beyond)))
}

/// How likely Student's t with `freedom` degrees of freedom is above `t`.
pub(super) fn t_above(freedom: f64, t: f64) -> f64 {
    if freedom > 1e6 {
        return rounded(Normal::standard().sf(t));
    }
    StudentsT::new(0.0, 1.0, freedom).map_or(1.0, |student| rounded(student.sf(t)))
}

/// The point that the standard normal distribution exceeds with probability `beyond`.
pub(crate) fn normal(beyond: f64) -> f64 {
    rounded(-Normal::standard().inverse_cdf(beyond))
}

/// The `p`-quantile of Beta(`a`, `b`), the distribution of the share at or below an order
/// statistic.
pub(super) fn beta(a: f64, b: f64, p: f64) -> f64 {
    if a <= 0.0 {
        0.0
    } else if b <= 0.0 {
        1.0
    } else if a + b > MANY {
        rounded(beta_of_many(a, b, p))
    } else {
        rounded(inv_beta_reg(a, b, p))
    }
}

/// Beyond that the library's inverse overflows and may never end.
const MANY: f64 = 1e6;
/// With fewer on one side the distribution is skewed.
const FEW: f64 = 1e3;

/// The same where `a` and `b` together are large.
fn beta_of_many(a: f64, b: f64, p: f64) -> f64 {
    if b < a {
        return 1.0 - beta_of_many(b, a, 1.0 - p);
    }
    if a < FEW {
        // -ln(1 - X) is nearly a gamma variable (Wise, Biometrika 37, 1950).
        let times = b + 0.5 * (a - 1.0);
        return Gamma::new(a, 1.0).map_or(f64::NAN, |gamma| {
            -libm::expm1(-gamma.inverse_cdf(p) / times)
        });
    }
    // Carter's approximation (Biometrika 34, 1947), as in algorithm AS 109.
    let z = -Normal::standard().inverse_cdf(p);
    let r = (z * z - 3.0) / 6.0;
    let (s, t) = (1.0 / (2.0 * a - 1.0), 1.0 / (2.0 * b - 1.0));
    let h = 2.0 / (s + t);
    let w = z * libm::sqrt(h + r) / h - (t - s) * (r + 5.0 / 6.0 - 2.0 / (3.0 * h));
    a / (a + b * libm::exp(2.0 * w))
}

/// How likely Beta(`a`, `b`) is at most `x`.
pub(super) fn beta_at_most(a: f64, b: f64, x: f64) -> f64 {
    if a <= 0.0 {
        1.0
    } else if b <= 0.0 {
        0.0
    } else {
        checked_beta_reg(a, b, x.clamp(0.0, 1.0)).map_or(f64::NAN, rounded)
    }
}

fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 9 - libm::floor(libm::log10(value.abs())) as i32;
    if digits > 300 {
        return 0.0;
    }
    let scale = libm::pow(10.0, f64::from(digits));
    libm::round(value * scale) / scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// Tables of R's `qt`, `qnorm` and `qbeta`.
    #[rstest]
    #[case(t(1.0, 0.025), 12.706_204_74)]
    #[case(t(5.0, 0.025), 2.570_581_836)]
    #[case(t(24.0, 0.005), 2.796_939_505)]
    #[case(t(1e9, 0.025), 1.959_963_985)]
    #[case(normal(0.025), 1.959_963_985)]
    #[case(beta(1.0, 100.0, 0.95), 0.029_513_049)]
    #[case(beta(95.0, 6.0, 0.025), 0.887_164_916)]
    fn agrees_with_tables(#[case] ours: f64, #[case] table: f64) {
        assert!((ours / table - 1.0).abs() < 1e-6, "{ours} {table}");
    }

    #[test]
    fn the_beta_quantile_inverts_its_distribution() {
        for a in [0.3, 1.0, 4.7, 60.0, 990.0] {
            for b in [1.0, 1.3, 8.2, 300.0] {
                for p in [0.001, 0.025, 0.5, 0.95, 0.999] {
                    let x = beta(a, b, p);
                    assert!((beta_at_most(a, b, x) - p).abs() < 1e-6, "{a} {b} {p}");
                }
            }
        }
    }

    /// The formulas for many agree with the library's inverse where that still ends. Its median of Beta(450000, 450000) is off by
    /// 0.002 standard deviations.
    #[test]
    fn many_are_like_fewer() {
        for few in [0.7, 1.0, 6.0, 999.0, 1_001.0, 250_000.0, 450_000.0] {
            let rest = 9e5 - few;
            for p in [0.001, 0.025, 0.5, 0.975, 0.999] {
                for (a, b) in [(few, rest), (rest, few)] {
                    let (ours, library) = (beta_of_many(a, b, p), inv_beta_reg(a, b, p));
                    let spread = libm::sqrt(a * b / (a + b)) / (a + b);
                    let off = (ours - library).abs() / spread;
                    assert!(off < 5e-3, "{a} {b} {p}: {ours} {library}");
                }
            }
        }
    }

    /// The library's inverse overflows for these and never ends.
    #[rstest]
    #[case(1e7, 1.0, 0.025)]
    #[case(1.0, 1e7, 0.975)]
    #[case(9_999_990.0, 11.0, 0.025)]
    #[case(1e9, 1.0, 0.975)]
    #[case(5e6, 5e6, 0.025)]
    fn many_have_a_quantile(#[case] a: f64, #[case] b: f64, #[case] p: f64) {
        let found = beta(a, b, p);
        let mean = a / (a + b);
        let spread = libm::sqrt(a * b / (a + b)) / (a + b);
        assert!((0.0..=1.0).contains(&found), "{found}");
        assert!((found - mean).abs() < 4.0 * spread, "{found} {mean}");
    }

    #[test]
    fn rounding_keeps_ten_digits() {
        assert_eq!(rounded(12.345_678_901_234), 12.345_678_9);
        assert_eq!(rounded(-0.0), 0.0);
        assert_eq!(rounded(f64::INFINITY), f64::INFINITY);
    }
}
