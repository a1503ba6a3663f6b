//! Makes texts of an exact token length, as vLLM does.
//!
//! Token ids are decoded and encoded again. If that gave too few tokens, random ones are appended;
//! if too many, the end is cut off; then once more, ten times at most, after which any length is
//! accepted. The text is that of the last decoding, the length that of the last encoding.
//!
//! Random tokens come from one generator that all requests share, one request after the other.
//! Everything up to a request's first such draw depends on nothing else, so that part is worked
//! out on all cores.

use crate::plan::{Codec, PlanError, numpy::Generator};
use std::{num::NonZeroUsize, panic, thread};

const REPAIRS: usize = 10;

/// Requests that are worked on before the draws of the first of them are made: bounds memory.
const BATCH: usize = 1024;

/// A text on its way to its length.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    pub(super) text: String,
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

    /// Tokens more than asked for, once it is finished.
    pub(super) fn surplus(&self) -> i64 {
        self.ids.len() as i64 - self.target as i64
    }

    /// Works until it is finished, or until it needs this many random tokens.
    fn advance(&mut self, codec: &Codec) -> Result<Option<NonZeroUsize>, PlanError> {
        loop {
            if !self.encoded {
                self.text = codec.decode(&self.ids)?;
                self.ids = codec.encode(&self.text, false)?;
                self.encoded = true;
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
        codec: &Codec,
        generator: &mut Generator,
    ) -> Result<Self, PlanError> {
        while let Some(missing) = self.advance(codec)? {
            // Any id of the vocabulary may come, special ones too.
            let drawn = (0..missing.get()).map(|_| generator.below(codec.vocab_size()) as u32);
            self.ids.extend(drawn);
            self.repaired();
        }
        Ok(self)
    }
}

/// Finishes all of them, in order as far as draws go.
pub(super) fn fit_all(
    fits: impl Iterator<Item = Fit>,
    codec: &Codec,
    generator: &mut Generator,
) -> Result<Vec<Fit>, PlanError> {
    let mut finished = Vec::new();
    let mut fits = fits.peekable();
    while fits.peek().is_some() {
        let mut batch: Vec<Fit> = fits.by_ref().take(BATCH).collect();
        advance_all(&mut batch, codec)?;
        for fit in batch {
            finished.push(fit.finish(codec, generator)?);
        }
    }
    Ok(finished)
}

/// Brings each of them to its first draw, on all cores.
fn advance_all(batch: &mut [Fit], codec: &Codec) -> Result<(), PlanError> {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let share = batch.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let workers: Vec<_> = batch
            .chunks_mut(share)
            .map(|share| {
                scope.spawn(|| {
                    share
                        .iter_mut()
                        .try_for_each(|fit| fit.advance(codec).map(|_| ()))
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|panicked| panic::resume_unwind(panicked))
        })
    })
}
