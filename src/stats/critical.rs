//! Quantiles of the distributions that intervals need.
//!
//! They are rounded to ten digits: the standard library's logarithm differs between machines in its last bit, and the
//! same run must give the same interval everywhere.

use statrs::{
    distribution::{ContinuousCDF, Normal, StudentsT},
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
    } else {
        rounded(inv_beta_reg(a, b, p))
    }
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

    #[test]
    fn rounding_keeps_ten_digits() {
        assert_eq!(rounded(12.345_678_901_234), 12.345_678_9);
        assert_eq!(rounded(-0.0), 0.0);
        assert_eq!(rounded(f64::INFINITY), f64::INFINITY);
    }
}
