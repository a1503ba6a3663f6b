//! Renders answers: events for a stream, or the whole in one piece.

use super::{
    facts::{Facts, UsageEvents},
    form::Form,
    template::{Filling, Slot, Template},
};
use crate::{clock::Nanos, sim::structured::Wording};
use bytes::Bytes;
use serde_json::Value;
use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

/// The first two of the three bytes of a euro sign.
const HALF_A_CHARACTER: &[u8] = b"\xE2\x82";

/// Everything about one answer except its times.
#[derive(Debug)]
pub(crate) struct Answer {
    facts: Facts,
    form: Box<dyn Form>,
    /// The template for every token's event except the last, once the first was written.
    token: Option<Template>,
}

impl Answer {
    /// An answer of `tokens` tokens, at least one. `id` is without the dialect's prefix; `created`
    /// is in Unix seconds.
    pub(crate) fn new(
        form: Box<dyn Form>,
        id: &str,
        created: u64,
        model: &str,
        tokens: u64,
        prompt_tokens: u64,
    ) -> Self {
        Answer {
            facts: Facts {
                id: id.to_owned(),
                created,
                model: model.to_owned(),
                tokens: tokens.max(1),
                wording: None,
                prompt_tokens,
                cached: None,
                usage: UsageEvents::Never,
                withheld: false,
                done: true,
                stated: None,
                ids: None,
                arrival: Nanos(0),
                first_token: None,
                last_token: Nanos(0),
                sequence: 0,
            },
            form,
            token: None,
        }
    }

    /// States the usage in these events.
    pub(crate) fn usage(mut self, usage: UsageEvents) -> Self {
        self.facts.usage = usage;
        self
    }

    /// States how many tokens of the prompt a prefix cache had.
    pub(crate) fn cached(mut self, tokens: Option<Arc<OnceLock<u64>>>) -> Self {
        self.facts.cached = tokens;
        self
    }

    /// Says this text instead of words.
    pub(in crate::sim) fn saying(mut self, wording: Option<Wording>) -> Self {
        self.facts.wording = wording;
        self
    }

    /// Calls the words by these token ids.
    pub(crate) fn token_ids(mut self, ids: Option<Arc<[u64]>>) -> Self {
        self.facts.ids = ids;
        self
    }

    /// Counts the answer's times from here.
    pub(crate) fn arrived(mut self, arrival: Nanos) -> Self {
        self.facts.arrival = arrival;
        self
    }

    /// States this number of generated tokens, whatever was generated.
    pub(crate) fn stating(mut self, generated: u64) -> Self {
        self.facts.stated = Some(generated);
        self
    }

    /// States no usage, asked for or not.
    pub(crate) fn withholding_usage(mut self) -> Self {
        self.facts.usage = UsageEvents::Never;
        self.facts.withheld = true;
        self
    }

    /// Ends the stream without what marks its end.
    pub(crate) fn without_done(mut self) -> Self {
        self.facts.done = false;
        self
    }

    /// Tokens to generate.
    pub(crate) fn tokens(&self) -> u64 {
        self.facts.tokens
    }

    /// Media type of its stream.
    pub(crate) fn media(&self) -> &'static str {
        self.form.media()
    }

    /// Returns whether tokens that are ready at once have events of their own.
    pub(crate) fn is_one_by_one(&self) -> bool {
        self.form.is_one_by_one()
    }

    /// Notes that tokens were ready at `at`.
    pub(crate) fn ready(&mut self, at: Nanos) {
        self.facts.first_token.get_or_insert(at);
        self.facts.last_token = at;
    }

    /// The events for tokens that are ready at once.
    pub(crate) fn burst(&mut self, tokens: Range<u64>) -> Vec<Bytes> {
        let last = tokens.end == self.facts.tokens;
        let mut events = match tokens.start {
            0 => self.opening(),
            _ => Vec::with_capacity(1),
        };
        if self.form.is_one_by_one() {
            events.extend(tokens.map(|index| self.token_event(index..index + 1)));
        } else {
            events.push(self.token_event(tokens));
        }
        if last {
            events.extend(self.closing());
        }
        events
    }

    /// The events before the first token.
    pub(crate) fn opening(&mut self) -> Vec<Bytes> {
        self.form.opening(&mut self.facts)
    }

    /// One more event with a role and no text, in the dialects that have one.
    pub(crate) fn role_event(&mut self) -> Option<Bytes> {
        self.form.role(&self.facts)
    }

    /// One event with these tokens, at least one.
    pub(crate) fn token_event(&mut self, tokens: Range<u64>) -> Bytes {
        self.event(tokens, b"")
    }

    /// One event with these tokens, which begins in the middle of a character.
    pub(crate) fn spoiled_token_event(&mut self, tokens: Range<u64>) -> Bytes {
        self.event(tokens, HALF_A_CHARACTER)
    }

    /// An event without text, after `generated` tokens.
    pub(crate) fn empty_event(&mut self, generated: u64) -> Bytes {
        self.event(generated..generated, b"")
    }

    fn event(&mut self, tokens: Range<u64>, before_text: &'static [u8]) -> Bytes {
        let last = !tokens.is_empty() && tokens.end == self.facts.tokens;
        let Answer { facts, form, token } = self;
        let filling = Filling {
            tokens,
            before_text,
            sequence: facts.next_sequence(),
            facts,
        };
        if last {
            form.token(facts, true).render(&filling)
        } else {
            token
                .get_or_insert_with(|| form.token(facts, false))
                .render(&filling)
        }
    }

    /// The events after the last token.
    pub(crate) fn closing(&mut self) -> Vec<Bytes> {
        self.closing_after(self.facts.tokens)
    }

    /// The events that end the answer after fewer tokens.
    pub(crate) fn closing_after(&mut self, generated: u64) -> Vec<Bytes> {
        self.form.closing(&mut self.facts, generated)
    }

    /// An error in the middle of a stream, and the events after it.
    pub(crate) fn error_events(&mut self, message: &str) -> Vec<Bytes> {
        self.form.error(&mut self.facts, message)
    }

    /// An event with usage and no text, after `generated` tokens, in the dialects that have one.
    pub(crate) fn usage_event(&mut self, generated: u64) -> Option<Bytes> {
        self.form.usage(&mut self.facts, generated)
    }

    /// The answer in one piece, for a request that does not stream.
    pub(crate) fn whole(&self) -> String {
        self.whole_of(self.facts.tokens)
    }

    /// The answer in one piece, with fewer tokens.
    pub(crate) fn whole_of(&self, generated: u64) -> String {
        self.form.whole(&self.facts, generated).to_string()
    }

    /// The answer in one piece, its text beginning in the middle of a character.
    pub(crate) fn spoiled_whole(&self) -> Vec<u8> {
        let whole = self.whole();
        // In strings quotes are escaped, so that the key occurs nowhere else.
        let key = format!("\"{}\":\"", self.form.text_key());
        match whole.find(&key).map(|at| at + key.len()) {
            Some(text) => [
                &whole.as_bytes()[..text],
                HALF_A_CHARACTER,
                &whole.as_bytes()[text..],
            ]
            .concat(),
            None => whole.into_bytes(),
        }
    }

    /// The body that replaces an answer in one piece when something breaks.
    pub(crate) fn error_body(&self, message: &str) -> Value {
        self.form.error_body(message)
    }
}

/// `"key":` usage that grows with each token, for the events of a stream.
pub(super) fn running_usage(template: Template, facts: &Facts) -> Template {
    if facts.usage != UsageEvents::All {
        return template;
    }
    let prompt = facts.prompt_tokens;
    template
        .then(format!(
            ",\"usage\":{{\"prompt_tokens\":{prompt},\"total_tokens\":"
        ))
        .slot(Slot::Total)
        .then(",\"completion_tokens\":")
        .slot(Slot::Generated)
        .then("}")
}

#[cfg(test)]
mod tests;
