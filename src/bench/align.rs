//! Prompts as long as planned by the server's own count.
//!
//! Synthetic prompts are made with the tokenizer at hand, which may not be the model's: then the server
//! computes more tokens or fewer than the plan says. vLLM asks `/tokenize` about the first prompt, and
//! if its length is another it cuts all that are too long; the short ones stay short. Here both become
//! exact: what is too long is cut, what is too short goes on with its own beginning, and the result is
//! counted again until it fits. All of it follows from the prompt and the server's tokenizer.

use super::Bench;
use crate::{
    grammar::dataset::Dataset,
    inspect::{Inspector, ServerTokenizer, Untold},
    plan::{Plan, Prompt},
    record::{CountSource, TokenCount},
    target::{Endpoint, Place},
};
use futures_util::{StreamExt, stream};
use hyper::HeaderMap;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Prompts that are counted to see whether the tokenizers differ: one may have the same length by chance.
const LOOKED_AT: usize = 8;

/// Prompts that are asked about at once, to hide the way there and back.
const AT_ONCE: usize = 32;

/// How often a prompt is mended. Some lengths cannot be had, as texts of tokens become other tokens.
const REPAIRS: usize = 10;

/// Between two tries to reach a server that is not there yet.
const PAUSE: Duration = Duration::from_millis(500);

/// Fits plans to a server's tokenizer.
#[derive(Clone)]
pub(super) struct Aligner(Arc<Inspector>);

/// What became of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Aligned {
    text: String,
    tokens: u64,
}

impl Bench {
    /// Ask a live server's `/tokenize` before the run whether prompts of `random` and `prefix_repetition` have
    /// their planned lengths by its own tokenizer, and fit them to it if they have not. The plan that is
    /// sent is the one that is hashed. Not in comparisons, where both servers get the same prompts.
    /// Default: true, as in vLLM.
    pub fn align_prompts(mut self, align: bool) -> Self {
        self.align_prompts = align;
        self
    }

    /// What fits plans to the server, if it is one that tells: of the datasets that vLLM does this for.
    pub(super) fn aligner(&self, place: &Place) -> Option<Aligner> {
        let synthetic = matches!(
            self.dataset,
            Dataset::Random(_) | Dataset::PrefixRepetition(_)
        );
        match place {
            Place::Endpoint(endpoint)
                if self.align_prompts && synthetic && self.chosen_target().has_metrics() =>
            {
                self.aligner_at(endpoint)
            }
            _ => None,
        }
    }

    fn aligner_at(&self, endpoint: &Endpoint) -> Option<Aligner> {
        let inspector = Inspector::new(endpoint, self.insecure).ok()?;
        Some(Aligner(Arc::new(inspector)))
    }
}

/// A prompt, its place in the plan, and its planned length.
type Planned<'a> = (usize, &'a str, u64);

impl Aligner {
    /// Fits the plan to the tokenizer of this model, and leaves a note of what was done. With `patience` a
    /// server may take that long to be there.
    pub(super) fn align(
        &self,
        plan: &mut Plan,
        model: &str,
        headers: &HeaderMap,
        patience: Duration,
    ) {
        let requests = plan.requests.iter().enumerate();
        let planned: Vec<Planned<'_>> = requests
            .filter_map(|(index, request)| match &request.prompt {
                Prompt::Text(text) => Some((index, text.as_str(), request.input.tokens)),
                _ => None,
            })
            .collect();
        let tokenizer = ServerTokenizer {
            inspector: &self.0,
            headers,
            model,
        };
        let (note, aligned) = match self.aligned(&tokenizer, &planned, patience) {
            Ok(None) => return,
            Ok(Some(aligned)) => {
                let (exact, all) = (exact(&planned, &aligned), planned.len());
                let note = format!(
                    "the server's tokenizer is another than the one here: {exact} of {all} prompts \
                     were given their lengths by it (/tokenize)"
                );
                (note, aligned)
            }
            Err(why) => {
                let note = format!(
                    "prompts have their lengths by the tokenizer here, not by the server's, which does \
                     not tell: {why}"
                );
                (note, Vec::new())
            }
        };
        let all_told = !aligned.is_empty() && aligned.iter().all(Option::is_some);
        let places: Vec<usize> = planned.iter().map(|(index, _, _)| *index).collect();
        for (index, aligned) in places.into_iter().zip(aligned) {
            if let Some(Aligned { text, tokens }) = aligned {
                let request = &mut plan.requests[index];
                request.prompt = Prompt::Text(text);
                request.input = TokenCount {
                    tokens,
                    source: CountSource::Tokenizer,
                };
            }
        }
        if all_told {
            plan.lengths_are_the_models();
        }
        plan.notes.push(note);
    }

    /// `None` for all that need no change; `None` in a place for what could not be had.
    fn aligned(
        &self,
        tokenizer: &ServerTokenizer<'_>,
        planned: &[Planned<'_>],
        patience: Duration,
    ) -> Result<Option<Vec<Option<Aligned>>>, Untold> {
        let all = self.0.wait(async || {
            let until = Instant::now() + patience;
            for (_, text, tokens) in planned.iter().take(LOOKED_AT) {
                if counted(tokenizer, text, until).await? != *tokens {
                    let fitted = stream::iter(planned)
                        .map(|(_, text, tokens)| fitted(tokenizer, text, *tokens))
                        .buffered(AT_ONCE);
                    return Ok(Some(fitted.map(Result::ok).collect().await));
                }
            }
            Ok(None)
        });
        all.unwrap_or(Ok(None))
    }
}

/// Tokens of a text; a server that is not there yet is waited for.
async fn counted(
    tokenizer: &ServerTokenizer<'_>,
    text: &str,
    until: Instant,
) -> Result<u64, Untold> {
    loop {
        match tokenizer.encode(text).await {
            Err(Untold::Unreachable) if Instant::now() < until => tokio::time::sleep(PAUSE).await,
            told => return told.map(|tokens| tokens.len() as u64),
        }
    }
}

/// A prompt of this many tokens, or as near as it gets.
async fn fitted(
    tokenizer: &ServerTokenizer<'_>,
    text: &str,
    target: u64,
) -> Result<Aligned, Untold> {
    let mut tokens = tokenizer.encode(text).await?;
    let mut nearest = Aligned {
        text: text.to_owned(),
        tokens: tokens.len() as u64,
    };
    for _ in 0..REPAIRS {
        if nearest.tokens == target {
            break;
        }
        resize(&mut tokens, target);
        let text = tokenizer.decode(&tokens).await?;
        tokens = tokenizer.encode(&text).await?;
        let count = tokens.len() as u64;
        if count.abs_diff(target) < nearest.tokens.abs_diff(target) {
            nearest = Aligned {
                text,
                tokens: count,
            };
        }
    }
    Ok(nearest)
}

/// Cuts the end off, or goes on with the beginning.
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

/// How many have exactly their planned length.
fn exact(planned: &[Planned<'_>], aligned: &[Option<Aligned>]) -> usize {
    let lengths = planned.iter().map(|(_, _, tokens)| tokens);
    let exact = lengths.zip(aligned).filter(|(tokens, aligned)| {
        aligned
            .as_ref()
            .is_some_and(|aligned| aligned.tokens == **tokens)
    });
    exact.count()
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
