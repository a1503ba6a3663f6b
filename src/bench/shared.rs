//! What two servers have in common: how prompts are made, and the plan of the pair that runs.
//!
//! Prompts are fitted to one tokenizer for both: that of B, which is under test, or that of A if only A answers. Both
//! servers have to be there before the first plan, so servers that are started in turn are not asked.

use super::{align::Aligner, prepare::Prepared};
use crate::{error::Error, plan::Plan, tokenizer::Tokenizer};

/// What both sides of a comparison share.
#[derive(Default)]
pub(super) struct Shared {
    /// The tokenizer that prompts are made with: that of the server that was opened first.
    pub(super) tokenizer: Option<Tokenizer>,
    /// The aligner that fits prompts.
    aligner: Option<Aligner>,
    /// The plan that was made last, and its segment.
    last: Option<(usize, Plan)>,
    /// A note on whose tokenizer is used, if there is something to know.
    pub(super) note: Option<&'static str>,
}

impl Shared {
    /// Chooses whose tokenizer prompts are fitted to.
    pub(super) fn choose(&mut self, a: &Prepared, b: &Prepared) {
        let (of_a, of_b) = (a.lengths(), b.lengths());
        self.note = match (&of_a, &of_b) {
            (Some(of_a), Some(of_b)) if of_a != of_b => Some(
                "the tokenizers of A and B count differently: prompts have their lengths by B's \
                 tokenizer, and are the same for both",
            ),
            (Some(_), None) => Some(
                "prompts have their lengths by A's tokenizer, because B's is not available, and \
                 are the same for both",
            ),
            _ => None,
        };
        let only_a = of_a.is_some() && of_b.is_none();
        let teller = if only_a { a } else { b };
        self.aligner = teller.aligner.clone();
    }

    /// The plan of a segment, made once and fitted.
    pub(super) fn plan(
        &mut self,
        segment: usize,
        make: impl FnOnce() -> Result<Plan, Error>,
    ) -> Result<Plan, Error> {
        let last = self.last.take().filter(|(of, _)| *of == segment);
        let (_, plan) = match last {
            Some(made) => self.last.insert(made),
            None => {
                let mut plan = make()?;
                if let Some(aligner) = &self.aligner {
                    aligner.align(&mut plan);
                }
                self.last.insert((segment, plan))
            }
        };
        Ok(plan.clone())
    }
}
