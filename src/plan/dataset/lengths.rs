//! How long synthetic prompts and outputs are, and what tokens they are made of.
//!
//! Drawn from numpy's `default_rng`: all input lengths, all output lengths, then all offsets. The
//! body of request *i* is a run of consecutive ordinary token ids that starts at `offset_i + i`.

use crate::{
    plan::{PlanError, numpy::Generator},
    tokenizer::Codec,
};

/// What lengths are drawn around.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lengths {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) input_range_ratio: f64,
    pub(super) output_range_ratio: f64,
}

impl Lengths {
    pub(super) fn mistakes(&self) -> Vec<String> {
        [
            ("input", self.input_range_ratio),
            ("output", self.output_range_ratio),
        ]
        .into_iter()
        .filter(|(_, ratio)| !(0.0..1.0).contains(ratio))
        .map(|(which, ratio)| {
            format!("the range ratio of the random {which} length is {ratio}; it must be in [0, 1)")
        })
        .collect()
    }

    /// An error if a prompt can be without a token; `special` tokens are subtracted from it.
    pub(super) fn check(&self, prefix: usize, special: usize) -> Result<(), PlanError> {
        let (low, _) = range(self.input.saturating_sub(special), self.input_range_ratio);
        if prefix as u64 + low < 1 {
            return Err(PlanError::new(format!(
                "`random(input = {})` can leave a prompt without a token: the tokenizer adds \
                 {special} special tokens and the range ratio is {}; ask for a longer input or a \
                 prefix",
                self.input, self.input_range_ratio
            )));
        }
        Ok(())
    }
}

/// The first draws: what every request asks for.
#[derive(Debug, Clone)]
pub(super) struct Draws {
    pub(super) inputs: Vec<usize>,
    pub(super) outputs: Vec<u64>,
    pub(super) offsets: Vec<usize>,
}

impl Draws {
    /// `vocabulary` bounds the offsets; `special` tokens are subtracted from the input length.
    pub(super) fn new(
        lengths: Lengths,
        count: usize,
        special: usize,
        vocabulary: usize,
        generator: &mut Generator,
    ) -> Self {
        let (low, high) = range(
            lengths.input.saturating_sub(special),
            lengths.input_range_ratio,
        );
        let (short, long) = range(lengths.output, lengths.output_range_ratio);
        let (short, long) = (short.max(1), long.max(1));
        let mut draw = |low: u64, high: u64| -> Vec<u64> {
            (0..count)
                .map(|_| generator.integer(low, high - low))
                .collect()
        };
        let indices = |drawn: Vec<u64>| drawn.into_iter().map(|drawn| drawn as usize).collect();
        Draws {
            inputs: indices(draw(low, high)),
            outputs: draw(short, long),
            offsets: indices(draw(0, (vocabulary as u64).saturating_sub(1))),
        }
    }
}

/// The inclusive range of a length that varies by a ratio.
fn range(length: usize, ratio: f64) -> (u64, u64) {
    let length = length as f64;
    let low = (length * (1.0 - ratio)).floor();
    let high = (length * (1.0 + ratio)).ceil();
    (low as u64, high as u64)
}

/// Token ids that stand for text, ascending: all but those.
pub(super) fn ordinary(codec: &Codec, special: &[u32]) -> Result<Vec<u32>, PlanError> {
    let ids: Vec<u32> = (0..codec.vocab_size() as u32)
        .filter(|id| special.binary_search(id).is_err())
        .collect();
    if ids.is_empty() {
        return Err(PlanError::new(
            "the tokenizer has no token besides special ones, so random prompts cannot be made; \
             name another tokenizer",
        ));
    }
    Ok(ids)
}

/// `length` consecutive items from `start`, wrapping round.
pub(super) fn run<T: Copy>(
    items: &[T],
    start: usize,
    length: usize,
) -> impl Iterator<Item = T> + '_ {
    let (before, from) = items.split_at(start % items.len().max(1));
    from.iter().chain(before).cycle().copied().take(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const SMALL: Lengths = Lengths {
        input: 20,
        output: 5,
        input_range_ratio: 0.0,
        output_range_ratio: 0.0,
    };

    #[rstest]
    #[case::fixed(0.0, [1024; 4], [128; 4], [42749, 32011, 25688, 13558])]
    #[case::varied(
        0.3,
        [1240, 1109, 1031, 882],
        [113, 92, 94, 90],
        [8808, 40872, 32637, 45872]
    )]
    fn the_published_lengths_hold(
        #[case] ratio: f64,
        #[case] inputs: [usize; 4],
        #[case] outputs: [u64; 4],
        #[case] offsets: [usize; 4],
    ) {
        let lengths = Lengths {
            input: 1024,
            output: 128,
            input_range_ratio: ratio,
            output_range_ratio: ratio,
        };
        let draws = Draws::new(lengths, 4, 0, 50257, &mut Generator::new(0));
        assert_eq!(draws.inputs, inputs);
        assert_eq!(draws.outputs, outputs);
        assert_eq!(draws.offsets, offsets);
    }

    #[test]
    fn special_tokens_shorten_the_input_only() {
        let draws = Draws::new(SMALL, 2, 3, 100, &mut Generator::new(0));
        assert_eq!(draws.inputs, [17, 17]);
        assert_eq!(draws.outputs, [5, 5]);
        assert!(SMALL.check(0, 19).is_ok());
        assert!(SMALL.check(0, 20).is_err());
    }

    #[test]
    fn a_run_wraps_round() {
        let taken: Vec<u32> = run(&[3, 5, 8], 4, 5).collect();
        assert_eq!(taken, [5, 8, 3, 5, 8]);
    }
}
