//! What is the same for every dialect.

use super::words::{self, place};
use crate::clock::Nanos;
use crate::sim::structured::Wording;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// What is the same for every dialect.
#[derive(Debug)]
pub(crate) struct Facts {
    /// The id without the dialect's prefix.
    pub(super) id: String,
    /// The time of creation in Unix seconds.
    pub(super) created: u64,
    pub(super) model: String,
    /// Tokens to generate; at least 1.
    pub(super) tokens: u64,
    /// The text, where a request asks for one with a structure; else words.
    pub(super) wording: Option<Wording>,
    pub(super) prompt_tokens: u64,
    /// Tokens of the prompt that a prefix cache had, if there is one; set when the first token is ready.
    pub(super) cached: Option<Arc<OnceLock<u64>>>,
    pub(super) usage: UsageEvents,
    /// Usage is left out even where the dialect always has it.
    pub(super) withheld: bool,
    /// Whether the mark of a stream's end is sent.
    pub(super) done: bool,
    /// The number of generated tokens that usage states, when that is not the truth.
    pub(super) stated: Option<u64>,
    /// The ids of the words.
    pub(super) ids: Option<Arc<[u64]>>,
    pub(super) arrival: Nanos,
    pub(super) first_token: Option<Nanos>,
    pub(super) last_token: Nanos,
    /// Events so far, where the dialect counts them.
    pub(super) sequence: u64,
}

/// Which events of a stream state the usage, where a request can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UsageEvents {
    /// No event.
    Never,
    /// One more event at the end.
    Last,
    /// All events, and one more at the end.
    All,
}

impl Facts {
    /// The number of tokens that usage states when this number was generated.
    pub(super) fn stated(&self, generated: u64) -> u64 {
        self.stated.unwrap_or(generated)
    }

    /// The number of prompt tokens that a prefix cache had; `None` for a server without one.
    pub(super) fn cached_tokens(&self) -> Option<u64> {
        let cached = self.cached.as_ref()?;
        Some(cached.get().copied().unwrap_or(0))
    }

    /// The id of a token: the vocabulary's if the server has one, else the place of its word.
    pub(super) fn token_id(&self, index: u64) -> u64 {
        let place = place(index);
        let id = self.ids.as_ref().and_then(|ids| ids.get(place));
        id.copied().unwrap_or(place as u64)
    }

    /// The ids of the first tokens.
    pub(super) fn token_ids(&self, tokens: u64) -> Vec<u64> {
        (0..tokens).map(|index| self.token_id(index)).collect()
    }

    /// The text of a token, as it stands in a string of JSON.
    pub(super) fn escaped(&self, index: u64) -> &str {
        match &self.wording {
            Some(wording) => wording.escaped(index),
            None => words::word(index),
        }
    }

    /// The text of a token.
    pub(super) fn word(&self, index: u64) -> &str {
        match &self.wording {
            Some(wording) => wording.word(index),
            None => words::word(index),
        }
    }

    /// The text of the first tokens.
    pub(super) fn text(&self, tokens: u64) -> String {
        (0..tokens).map(|index| self.word(index)).collect()
    }

    /// Returns whether an answer of this number of tokens ends by itself, as one with a structure does. Others end because
    /// they have all tokens that they may have.
    pub(super) fn stops(&self, tokens: u64) -> bool {
        tokens == self.tokens && self.wording.as_ref().is_some_and(Wording::is_whole)
    }

    /// OpenAI's word for how an answer of this number of tokens ends.
    pub(super) fn finish(&self, tokens: u64) -> &'static str {
        if self.stops(tokens) { "stop" } else { "length" }
    }

    /// The number of the next event.
    pub(super) fn next_sequence(&mut self) -> u64 {
        let next = self.sequence;
        self.sequence += 1;
        next
    }

    /// The time from the arrival of the request to its first token.
    pub(super) fn prefill(&self) -> Duration {
        self.first_token.unwrap_or(self.arrival) - self.arrival
    }

    /// The time from the first token to the last so far.
    pub(super) fn decode(&self) -> Duration {
        self.last_token - self.first_token.unwrap_or(self.last_token)
    }
}
