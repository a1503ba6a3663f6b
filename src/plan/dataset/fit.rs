//! Makes texts of an exact token length, as vLLM does.
//!
//! Token ids are decoded and encoded again. If that gave too few tokens, random ones are appended;
//! if too many, the end is cut off; then once more, ten times at most, after which any length is
//! accepted. The text is that of the last decoding, the length that of the last encoding.
//!
//! Random tokens come from one generator that all requests share, one request after the other.
//! Everything up to a request's first such draw depends on nothing else, so that part is worked
//! out on all cores.

use crate::{
    plan::{
        PlanError,
        numpy::{Generator, Integers},
    },
    tokenizer::{Codec, Memo},
};
use std::{mem, num::NonZeroUsize, panic, thread};

const REPAIRS: usize = 10;

/// A text on its way to its length.
#[derive(Debug)]
pub(super) struct Fit {
    text: String,
    pub(super) ids: Vec<u32>,
    target: usize,
    repairs_left: usize,
    /// Whether `ids` are the encoding of `text`, so that their number counts.
    encoded: bool,
}

impl Fit {
    pub(super) fn new(ids: Vec<u32>, target: usize) -> Self {
        Fit {
            text: String::new(),
            ids,
            target,
            repairs_left: REPAIRS,
            encoded: false,
        }
    }

    /// Works until it is finished, or until it needs this many random tokens.
    fn advance(&mut self, memo: &mut Memo<'_>) -> Result<Option<NonZeroUsize>, PlanError> {
        loop {
            if !self.encoded {
                self.text = memo.decode(&self.ids)?;
                let before = mem::replace(&mut self.ids, memo.encode(&self.text)?);
                self.encoded = true;
                if before.len() == self.target && self.ids.starts_with(&before) {
                    // Cutting gives what was there before, however often.
                    self.repairs_left = 0;
                }
            }
            if self.repairs_left == 0 || self.ids.len() == self.target {
                return Ok(None);
            }
            if let Some(missing) = NonZeroUsize::new(self.target.saturating_sub(self.ids.len())) {
                return Ok(Some(missing));
            }
            self.ids.truncate(self.target);
            self.repaired();
        }
    }

    fn repaired(&mut self) {
        self.repairs_left -= 1;
        self.encoded = false;
    }

    /// Works until it is finished.
    pub(super) fn finish(
        mut self,
        memo: &mut Memo<'_>,
        integers: &mut impl Integers,
    ) -> Result<Self, PlanError> {
        while let Some(missing) = self.advance(memo)? {
            // Any id of the vocabulary may come, special ones too.
            let vocabulary = memo.codec().vocab_size();
            let drawn = (0..missing.get()).map(|_| integers.below(vocabulary) as u32);
            self.ids.extend(drawn);
            self.repaired();
        }
        Ok(self)
    }
}

/// A text cut to the wanted length, or as close as possible.
#[derive(Debug)]
pub(super) struct Fitted {
    pub(super) text: String,
    /// Tokens that it encodes to.
    pub(super) tokens: usize,
    /// How many more these are than was asked for.
    pub(super) surplus: i64,
}

impl From<Fit> for Fitted {
    fn from(fit: Fit) -> Self {
        Fitted {
            text: fit.text,
            tokens: fit.ids.len(),
            surplus: fit.ids.len() as i64 - fit.target as i64,
        }
    }
}

/// How far a text came without random tokens.
enum Progress {
    Finished(Fitted),
    NeedsTokens(Fit),
}

/// Finishes `count` texts, in order if draws require it; `start` gives each its beginning, or says why it does not go
/// on.
pub(super) fn fit_all(
    count: usize,
    start: impl Fn(usize) -> Result<Fit, PlanError> + Sync,
    codec: &Codec,
    generator: &mut Generator,
) -> Result<Vec<Fitted>, PlanError> {
    let advance = |memo: &mut Memo<'_>, index: usize| {
        let mut fit = start(index)?;
        Ok::<_, PlanError>(match fit.advance(memo)? {
            None => Progress::Finished(fit.into()),
            Some(_) => Progress::NeedsTokens(fit),
        })
    };
    let mut memo = Memo::new(codec);
    on_all_cores(count, || Memo::new(codec), &advance)
        .into_iter()
        .map(|progress| match progress? {
            Progress::Finished(fitted) => Ok(fitted),
            Progress::NeedsTokens(fit) => fit.finish(&mut memo, generator).map(Fitted::from),
        })
        .collect()
}

/// `work` of `0..count`, in that order, with what a core keeps for itself.
pub(super) fn on_all_cores<C, T: Send>(
    count: usize,
    core: impl Fn() -> C + Sync,
    work: &(impl Fn(&mut C, usize) -> T + Sync),
) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let share = count.div_ceil(threads).max(1);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..count)
            .step_by(share)
            .map(|from| {
                let to = (from + share).min(count);
                let core = &core;
                scope.spawn(move || {
                    let mut core = core();
                    (from..to)
                        .map(|index| work(&mut core, index))
                        .collect::<Vec<T>>()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panicked| panic::resume_unwind(panicked))
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_shared_out_in_order() {
        for count in [0, 1, 2, 7, 100] {
            let squares = on_all_cores(count, || (), &|(), index| index * index);
            assert_eq!(
                squares,
                (0..count).map(|index| index * index).collect::<Vec<_>>()
            );
        }
    }

    #[cfg(feature = "tokenizers")]
    mod with_a_tokenizer {
        use super::*;
        use crate::tokenizer::{Tokenizer, TokenizerSpec};
        use proptest::prelude::*;
        use std::sync::LazyLock;

        static EMBEDDED: LazyLock<Tokenizer> =
            LazyLock::new(|| Tokenizer::load(&TokenizerSpec::Embedded).unwrap());

        /// vLLM's loop as it is written there.
        fn loop_of_vllm(
            mut ids: Vec<u32>,
            target: usize,
            codec: &Codec,
            generator: &mut Generator,
        ) -> (String, usize) {
            let mut repairs = 0;
            loop {
                let text = codec.decode(&ids).unwrap();
                ids = codec.encode(&text, false).unwrap();
                if repairs == REPAIRS || ids.len() == target {
                    return (text, ids.len());
                }
                ids.truncate(target);
                while ids.len() < target {
                    ids.push(generator.below(codec.vocab_size()) as u32);
                }
                repairs += 1;
            }
        }

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(32))]

            #[test]
            fn texts_and_draws_are_those_of_vllms_loop(
                seed: u64,
                start in 0u32..4096,
                lengths in prop::collection::vec((1usize..400, 0usize..8), 1..6),
            ) {
                let codec = EMBEDDED.codec().unwrap();
                let ids = |index: usize| -> Vec<u32> {
                    let first = start + index as u32;
                    (first..).map(|id| id % 4095 + 1).take(lengths[index].0).collect()
                };
                // Some targets are farther off than any prompt's.
                let target = |index: usize| lengths[index].0 + lengths[index].1 * 40;
                let mut generator = Generator::new(seed);
                let begin = |index: usize| Ok(Fit::new(ids(index), target(index)));
                let fitted = fit_all(lengths.len(), begin, codec, &mut generator).unwrap();
                let mut draws = Generator::new(seed);
                for (index, fitted) in fitted.into_iter().enumerate() {
                    let target = target(index);
                    let (text, tokens) = loop_of_vllm(ids(index), target, codec, &mut draws);
                    prop_assert_eq!(fitted.text, text);
                    prop_assert_eq!(fitted.tokens, tokens);
                }
                prop_assert_eq!(generator.below(1 << 30), draws.below(1 << 30));
            }
        }

        #[test]
        fn cores_do_not_change_the_draws() {
            let tokenizer = Tokenizer::load(&TokenizerSpec::Embedded).unwrap();
            let codec = tokenizer.codec().unwrap();
            // Every one is too short at first, so that all of them draw.
            let start = |index: usize| Fit::new(vec![900 + index as u32; 5], 12 + index);
            let mut generator = Generator::new(4);
            let together = fit_all(9, |index| Ok(start(index)), codec, &mut generator).unwrap();
            let mut generator = Generator::new(4);
            for (index, fitted) in together.into_iter().enumerate() {
                let mut memo = Memo::new(codec);
                let alone = start(index).finish(&mut memo, &mut generator).unwrap();
                assert_eq!(fitted.text, alone.text);
                assert_eq!(fitted.tokens, alone.ids.len());
            }
        }
    }
}
