//! The answers of dialects with OpenAI's events.

use super::{
    Form,
    answer::running_usage,
    data,
    facts::{Facts, UsageEvents},
    openai,
    template::{Slot, Template},
};
use bytes::Bytes;
use serde_json::Value;
use std::fmt;

/// What differs between the dialects with OpenAI's events.
pub(super) trait Choices: fmt::Debug + Send + Sync {
    /// The key of the text in an answer in one piece.
    fn text_key(&self) -> &'static str;

    /// What the JSON of every event starts with, up to the choice: see [`openai::head`].
    fn head(&self, facts: &Facts) -> String;

    /// An event with a role and no text, which comes first.
    fn role(&self, facts: &Facts) -> Option<Bytes> {
        let _ = facts;
        None
    }

    /// What stands before and behind the text in the choice of an event; `finish` is how the answer ends with it, as JSON, or
    /// `null`.
    fn choice(&self, finish: &str) -> (&'static str, String);

    /// What an event of tokens ends with.
    fn tail(&self, facts: &Facts, last: bool) -> String {
        openai::fingerprint(facts, last)
    }

    /// The answer in one piece, with this number of tokens.
    fn whole(&self, facts: &Facts, generated: u64) -> Value;
}

impl<C: Choices> Form for C {
    fn text_key(&self) -> &'static str {
        Choices::text_key(self)
    }

    fn opening(&self, facts: &mut Facts) -> Vec<Bytes> {
        Vec::from_iter(Choices::role(self, facts))
    }

    fn role(&self, facts: &Facts) -> Option<Bytes> {
        Choices::role(self, facts)
    }

    fn token(&self, facts: &Facts, last: bool) -> Template {
        let finish = if last {
            format!("\"{}\"", facts.finish(facts.tokens))
        } else {
            "null".to_owned()
        };
        let (before, behind) = self.choice(&finish);
        let choice = Template::new(self.head(facts))
            .then(before)
            .slot(Slot::Text)
            .then(behind);
        running_usage(choice, facts)
            .then(self.tail(facts, last))
            .then("}\n\n")
    }

    fn closing(&self, facts: &mut Facts, generated: u64) -> Vec<Bytes> {
        let usage = (facts.usage != UsageEvents::Never)
            .then(|| openai::usage_event(&self.head(facts), facts, generated));
        usage.into_iter().chain(openai::done(facts)).collect()
    }

    fn usage(&self, facts: &mut Facts, generated: u64) -> Option<Bytes> {
        Some(openai::usage_event(&self.head(facts), facts, generated))
    }

    /// Nothing comes after it but `[DONE]`, as vLLM writes it inside a stream.
    fn error(&self, facts: &mut Facts, message: &str) -> Vec<Bytes> {
        let error = data(&openai::error(message));
        [error].into_iter().chain(openai::done(facts)).collect()
    }

    fn whole(&self, facts: &Facts, generated: u64) -> Value {
        Choices::whole(self, facts, generated)
    }
}
