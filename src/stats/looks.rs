//! Looking at a run several times while it grows.
//!
//! Every look may be wrong, so the looks share the error probability: each has as much of it as it
//! adds requests. No look profits from what earlier ones saw (Bonferroni), so whichever look ends
//! the run, its interval holds with the whole confidence.

/// When a run that may grow is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Looks {
    /// Segments, each as long as the plan, that have ended at each look.
    segments: Vec<usize>,
    error: f64,
}

impl Looks {
    /// Looks at a run of at most so many segments, which together are wrong with probability
    /// `error`: after the first and the last, and at most three between them, ever further apart.
    pub fn new(segments: usize, error: f64) -> Self {
        let last = segments.max(1);
        let count = last.min(5);
        let mut looks: Vec<usize> = (0..count)
            .map(|look| {
                let progress = look as f64 / (count.max(2) - 1) as f64;
                libm::round(libm::pow(last as f64, progress)) as usize
            })
            .collect();
        // Where rounding put two looks together, the later one moves on.
        for look in 1..count {
            looks[look] = looks[look].max(looks[look - 1] + 1);
        }
        Looks {
            segments: looks,
            error,
        }
    }

    /// Looks after these numbers of segments, or of pairs, which rise; with one look at least.
    pub fn at(segments: Vec<usize>, error: f64) -> Self {
        Looks { segments, error }
    }

    /// Segments that have ended at each look.
    pub fn segments(&self) -> &[usize] {
        &self.segments
    }

    /// The error probability of one look, counted from 0.
    pub fn error(&self, look: usize) -> f64 {
        let at = |look: usize| self.segments[look.min(self.segments.len() - 1)] as f64;
        let before = if look == 0 { 0.0 } else { at(look - 1) };
        let all = at(self.segments.len() - 1);
        self.error * (at(look) - before) / all
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
}
