//! Mixtures of Student's t, and the single t that stands for one.

use super::halving::halved;

/// One Student's t of the mixture, around 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// Any scale.
    pub(super) weight: f64,
    /// Standard error.
    pub(super) error: f64,
    pub(super) freedom: f64,
}

pub(super) struct Mixture<'a>(pub(super) &'a [Part]);

/// What the normal distribution exceeds with probability 2.5 % and 0.5 %.
const NEAR: (f64, f64) = (0.025, 1.959_963_985);
const FAR: (f64, f64) = (0.005, 2.575_829_304);
/// The largest number of degrees of freedom. More change nothing.
const MOST: f64 = 1e4;

impl Mixture<'_> {
    /// Variance and degrees of freedom of the Student's t that is exceeded as often as the mixture at the
    /// points of 2.5 % and 0.5 %. Intervals are asked for at other errors too; between 0.1 % and 5 % it
    /// stays close.
    pub(super) fn as_one(&self) -> (f64, f64) {
        let near = self.exceeded(NEAR.0);
        let wanted = self.exceeded(FAR.0) / near;
        let ratio = |freedom| t(freedom, FAR.1) / t(freedom, NEAR.1);
        // The ratio falls with the degrees of freedom.
        let (mut low, mut high) = (1.0, MOST);
        for _ in 0..30 {
            let middle = libm::sqrt(low * high);
            if ratio(middle) > wanted {
                low = middle;
            } else {
                high = middle;
            }
        }
        let freedom = libm::sqrt(low * high);
        let error = near / t(freedom, NEAR.1);
        (error * error, freedom)
    }

    /// The point that is exceeded with this probability.
    pub(super) fn exceeded(&self, probability: f64) -> f64 {
        let total: f64 = self.0.iter().map(|part| part.weight).sum();
        let above = |point: f64| {
            let of = |part: &Part| part.weight * t_above(part.freedom, point / part.error);
            self.0.iter().map(of).sum::<f64>() / total
        };
        let mut high = self.0.iter().map(|part| part.error).fold(0.0, f64::max);
        while above(high) > probability {
            high *= 2.0;
        }
        let (low, high) = halved((0.0, high), 30, |point| above(point) > probability);
        0.5 * (low + high)
    }
}

/// Wallace's transformation of Student's t to a normal deviate (1959), which is off by 1 % at two degrees of freedom
/// and less beyond. It is used in both directions here.
fn bend(freedom: f64) -> f64 {
    (8.0 * freedom + 1.0) / (8.0 * freedom + 3.0)
}

/// The point of Student's t that is as unlikely as `normal` is for a normal deviate.
fn t(freedom: f64, normal: f64) -> f64 {
    let deviate = normal / bend(freedom);
    libm::sqrt(freedom * libm::expm1(deviate * deviate / freedom))
}

fn t_above(freedom: f64, t: f64) -> f64 {
    let deviate = bend(freedom) * libm::sqrt(freedom * libm::log1p(t * t / freedom));
    0.5 * libm::erfc(deviate / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::critical;
    use rstest::rstest;

    #[rstest]
    #[case(2.5)]
    #[case(7.0)]
    #[case(31.0)]
    fn one_part_is_itself(#[case] freedom: f64) {
        let part = Part {
            weight: 3.0,
            error: 0.2,
            freedom,
        };
        let (variance, found) = Mixture(&[part]).as_one();
        assert!((variance / 0.04 - 1.0).abs() < 1e-3, "{variance}");
        assert!((found / freedom - 1.0).abs() < 1e-2, "{found}");
    }

    /// The end of the interval of a mixture is where its parts are beyond it with the wanted probability.
    #[rstest]
    #[case(0.05)]
    #[case(0.0125)]
    #[case(0.002)]
    fn it_is_exceeded_as_often_as_its_parts(#[case] error: f64) {
        let part = |weight, error| Part {
            weight,
            error,
            freedom: 30.0,
        };
        let parts = [part(0.7, 1.0), part(0.2, 1.5), part(0.1, 2.5)];
        let (variance, freedom) = Mixture(&parts).as_one();
        let end = critical::t(freedom, error) * variance.sqrt();
        let beyond: f64 = parts
            .iter()
            .map(|part| part.weight * critical::t_above(part.freedom, end / part.error))
            .sum();
        assert!((beyond / error - 1.0).abs() < 0.15, "{beyond}");
    }
}
