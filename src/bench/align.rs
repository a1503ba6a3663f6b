//! Prompts that are as long as planned by the server's own count.
//!
//! Synthetic prompts are made with the tokenizer at hand, which may not be the model's: then the server computes more
//! tokens or fewer than the plan says. vLLM asks `/tokenize` about the first prompt, and if its length is another it
//! cuts all that are too long; the short ones stay short. Here both become exact: a prompt that is too long is cut,
//! one that is too short continues with its own beginning, and the result is counted again until it fits. The result
//! follows from the prompt and the server's tokenizer alone.
//!
//! In vLLM `random` prompts leave room for what the model's tokenizer puts around them, such as a BOS token, so that
//! `input` is what is computed. A tokenizer that stands in for the model's does not know these tokens; the server
//! does.

use super::{Bench, checked::Checked, control::Control};
use crate::{
    grammar::dataset::Dataset,
    inspect::{Inspector, ServerTokenizer, Untold},
    plan::{Plan, Prompt},
    record::{CountSource, TokenCount},
    targets::Place,
    tokenizer::Tokenizer,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use hyper::HeaderMap;
use std::sync::Arc;

/// The number of prompts that are counted to see whether the tokenizers differ: one may have the same length by
/// chance.
const LOOKED_AT: usize = 8;

/// The number of prompts that are asked about at once, to hide the way there and back.
const AT_ONCE: usize = 32;

/// How many times to adjust a prompt. Some lengths are unreachable: re-tokenizing the text changes the count.
const REPAIRS: usize = 10;

/// Fits plans to a server's tokenizer.
#[derive(Clone)]
pub(super) struct Aligner {
    inspector: Arc<Inspector>,
    headers: HeaderMap,
    model: String,
    /// Special tokens around prompts that the plan's lengths have room for; `None` where the dataset's
    /// lengths are those of the texts alone.
    room: Option<u64>,
}

/// A prompt's place in the plan, its text, and its planned length.
type Planned<'a> = (usize, &'a str, u64);

/// A prompt after it was fitted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Aligned {
    text: String,
    tokens: u64,
    exact: bool,
}

impl Bench {
    /// Ask a live server's `/tokenize` before the run whether prompts of `random` and `prefix_repetition` have their
    /// planned lengths by its own tokenizer, and fit them to it if they do not. The plan that is sent is the one that
    /// is hashed. In comparisons one tokenizer counts for both servers: the target's, or the other's if only that one
    /// answers; none for servers that are started in turn. Default: true, as in vLLM.
    pub fn align_prompts(mut self, align: bool) -> Self {
        self.client.align_prompts = align;
        self
    }
}

impl Checked {
    /// The aligner of plans that were made with this tokenizer, if the server answers and vLLM does this for the
    /// dataset.
    pub(super) fn aligner(
        &self,
        place: &Place,
        tokenizer: &Tokenizer,
        model: &str,
        headers: &HeaderMap,
        control: &Control,
    ) -> Option<Aligner> {
        let room = match self.load.dataset {
            Dataset::Random(_) => {
                let here = tokenizer.codec();
                Some(here.map_or(0, |codec| codec.special_tokens_to_add() as u64))
            }
            Dataset::PrefixRepetition(_) => None,
            _ => return None,
        };
        match place {
            Place::Endpoint(endpoint) if self.client.align_prompts && self.target.has_metrics() => {
                Some(Aligner {
                    inspector: Arc::new(self.inspector(endpoint, control).ok()?),
                    headers: headers.clone(),
                    model: model.to_owned(),
                    room,
                })
            }
            _ => None,
        }
    }
}

impl Aligner {
    /// Fits the plan, and leaves a note of what was done.
    pub(super) fn align(&self, plan: &mut Plan) {
        let planned = texts(plan);
        let places: Vec<usize> = planned.iter().map(|(index, ..)| *index).collect();
        let aligned = match self
            .inspector
            .wait("/tokenize", async || self.aligned(&planned).await)
        {
            None | Some(Ok(None)) => return,
            Some(Ok(Some(aligned))) => aligned,
            Some(Err(why)) => {
                plan.notes.push(format!(
                    "the lengths of prompts are counted by the tokenizer here, because the \
                     server's is not available: {why}"
                ));
                return;
            }
        };
        if aligned.iter().all(Option::is_some) {
            plan.lengths_are_the_models();
        }
        let exact = aligned.iter().flatten().filter(|aligned| aligned.exact);
        plan.notes.push(format!(
            "the server's tokenizer differs from the one here: {} of {} prompts were adjusted to \
             its counts (/tokenize)",
            exact.count(),
            places.len()
        ));
        for (index, aligned) in places.into_iter().zip(aligned) {
            if let Some(Aligned { text, tokens, .. }) = aligned {
                let request = &mut plan.requests[index];
                request.prompt = Prompt::Text(text);
                request.input = TokenCount {
                    tokens,
                    source: CountSource::Tokenizer,
                };
            }
        }
    }

    /// The lengths of a plan's first prompts by the server's count. `None` if the server does not answer.
    pub(super) fn lengths(&self, plan: &Plan) -> Option<Vec<u64>> {
        let planned = texts(plan);
        let lengths = async || {
            let (_, first, _) = planned.first()?;
            let tokenizer = self.found(first).await.ok()?;
            let (_, around) = self.special(&tokenizer, first).await.ok()?;
            let mut lengths = Vec::new();
            for (_, text, _) in planned.iter().take(LOOKED_AT) {
                lengths.push(tokenizer.encode(text).await.ok()?.len() as u64 + around);
            }
            Some(lengths)
        };
        self.inspector.wait("/tokenize", lengths).flatten()
    }

    /// The prompts after fitting. `None` for all that need no change; `None` in a place if the prompt could not be
    /// fitted.
    async fn aligned(
        &self,
        planned: &[Planned<'_>],
    ) -> Result<Option<Vec<Option<Aligned>>>, Untold> {
        let Some((_, first, _)) = planned.first() else {
            return Ok(None);
        };
        let tokenizer = self.found(first).await?;
        let (room, around) = self.special(&tokenizer, first).await?;
        // Something has to be asked.
        let target = |tokens: u64| (tokens + room).saturating_sub(around).max(1);
        for (_, text, tokens) in planned.iter().take(LOOKED_AT) {
            if tokenizer.encode(text).await?.len() as u64 != target(*tokens) {
                let fitted = stream::iter(planned)
                    .map(|(_, text, tokens)| fitted(&tokenizer, text, target(*tokens)))
                    .buffered(AT_ONCE)
                    // If it says nothing about this one, it would say nothing about all the others.
                    .map(|fitted| match fitted {
                        Err(silent @ Untold::Silent(_)) => Err(silent),
                        told => Ok(told.ok()),
                    });
                return fitted.try_collect().await.map(Some);
            }
        }
        Ok(None)
    }

    /// The number of special tokens that lengths have room for, and the number that the server puts around such a
    /// prompt; none where they do not count.
    async fn special(
        &self,
        tokenizer: &ServerTokenizer<'_>,
        text: &str,
    ) -> Result<(u64, u64), Untold> {
        Ok(match self.room {
            Some(room) => (room, tokenizer.special_tokens_to_add(text).await?),
            None => (0, 0),
        })
    }

    /// The server's tokenizer.
    async fn found(&self, text: &str) -> Result<ServerTokenizer<'_>, Untold> {
        ServerTokenizer::find(&self.inspector, &self.headers, &self.model, text).await
    }
}

/// The prompts of a plan that are texts.
fn texts(plan: &Plan) -> Vec<Planned<'_>> {
    let requests = plan.requests.iter().enumerate();
    requests
        .filter_map(|(index, request)| match &request.prompt {
            Prompt::Text(text) => Some((index, text.as_str(), request.input.tokens)),
            _ => None,
        })
        .collect()
}

/// A prompt of this many tokens, or as close as possible.
async fn fitted(
    tokenizer: &ServerTokenizer<'_>,
    text: &str,
    target: u64,
) -> Result<Aligned, Untold> {
    let aligned = |text: String, tokens: &[u32]| Aligned {
        text,
        tokens: tokens.len() as u64,
        exact: tokens.len() as u64 == target,
    };
    let mut tokens = tokenizer.encode(text).await?;
    let mut nearest = aligned(text.to_owned(), &tokens);
    for _ in 0..REPAIRS {
        if nearest.exact {
            break;
        }
        resize(&mut tokens, target);
        let text = tokenizer.decode(&tokens).await?;
        tokens = tokenizer.encode(&text).await?;
        let next = aligned(text, &tokens);
        if next.tokens.abs_diff(target) < nearest.tokens.abs_diff(target) {
            nearest = next;
        }
    }
    Ok(nearest)
}

/// Cuts the end off, or continues with the beginning.
fn resize(tokens: &mut Vec<u32>, target: u64) {
    let target = usize::try_from(target).unwrap_or(usize::MAX);
    let had = tokens.len();
    tokens.truncate(target);
    if had > 0 {
        while tokens.len() < target {
            tokens.push(tokens[tokens.len() - had]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn prompts_keep_what_they_begin_with(tokens in prop::collection::vec(0u32..9, 1..20), target in 1u64..50) {
            let mut resized = tokens.clone();
            resize(&mut resized, target);
            prop_assert_eq!(resized.len() as u64, target);
            for (place, token) in resized.iter().enumerate() {
                prop_assert_eq!(*token, tokens[place % tokens.len()]);
            }
        }
    }

    #[test]
    fn nothing_goes_on_with_nothing() {
        let mut tokens = Vec::new();
        resize(&mut tokens, 5);
        assert!(tokens.is_empty());
    }
}
