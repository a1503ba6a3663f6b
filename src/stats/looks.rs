//! Looking at a run several times while it grows.
//!
//! Every look may be wrong, so the looks share the error probability: at a run each has a part in proportion to the
//! requests that it adds. No look profits from what earlier ones saw (Bonferroni), so whichever look ends the run,
//! its interval holds with the whole confidence.

/// When a run that may grow is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Looks {
    /// Segments, each as long as the plan, that have ended at each look.
    segments: Vec<usize>,
    error: f64,
    /// The error spent grows with this power of the number of segments.
    power: i32,
}

/// The smallest number of pairs at which a look makes sense, unless fewer are planned.
const FEWEST_PAIRS: usize = 5;

impl Looks {
    /// Looks at a run of at most this many segments, which together are wrong with probability `error`: after the
    /// first and the last, and at most three between them, at growing distances.
    pub fn new(segments: usize, error: f64) -> Self {
        Looks {
            segments: goodput_grammar::proof::looks(segments),
            error,
            power: 1,
        }
    }

    /// Looks at pairs of runs, of which there are at most `most`: after five, the smallest number that shows anything
    /// in ordinary noise, then at growing distances, and not shortly before the last. Early looks get little of the
    /// error (its share goes with the square of the pairs), so that the last one loses little by them.
    pub fn at_pairs(most: usize, error: f64) -> Self {
        let mut segments = Vec::new();
        let mut next = FEWEST_PAIRS;
        while 3 * next <= 2 * most {
            segments.push(next);
            next = (next * 9).div_ceil(5);
        }
        segments.push(most.max(1));
        Looks {
            segments,
            error,
            power: 2,
        }
    }

    /// The number of segments that have ended at each look.
    pub fn segments(&self) -> &[usize] {
        &self.segments
    }

    /// The error probability of one look, counted from 0.
    pub fn error(&self, look: usize) -> f64 {
        let last = self.segments.len() - 1;
        let all = self.segments[last] as f64;
        let spent = |look: usize| (self.segments[look.min(last)] as f64 / all).powi(self.power);
        let before = if look == 0 { 0.0 } else { spent(look - 1) };
        self.error * (spent(look) - before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(1, &[1])]
    #[case(2, &[1, 2])]
    #[case(3, &[1, 2, 3])]
    #[case(5, &[1, 2, 3, 4, 5])]
    #[case(10, &[1, 2, 3, 6, 10])]
    #[case(100, &[1, 3, 10, 32, 100])]
    fn they_are_few_and_ever_further_apart(#[case] segments: usize, #[case] expected: &[usize]) {
        let looks = Looks::new(segments, 0.05);
        assert_eq!(looks.segments(), expected);
        let spent: f64 = (0..expected.len()).map(|look| looks.error(look)).sum();
        assert!((spent - 0.05).abs() < 1e-12);
    }

    #[rstest]
    #[case(1, &[1], &[0.01])]
    #[case(5, &[5], &[0.01])]
    #[case(7, &[7], &[0.01])]
    #[case(8, &[5, 8], &[0.003_906, 0.006_094])]
    #[case(10, &[5, 10], &[0.0025, 0.0075])]
    #[case(16, &[5, 9, 16], &[0.000_98, 0.002_19, 0.006_84])]
    fn pairs_are_looked_at_after_five(
        #[case] most: usize,
        #[case] expected: &[usize],
        #[case] errors: &[f64],
    ) {
        let looks = Looks::at_pairs(most, 0.01);
        assert_eq!(looks.segments(), expected);
        for (look, error) in errors.iter().enumerate() {
            assert!((looks.error(look) - error).abs() < 1e-5);
        }
    }
}
