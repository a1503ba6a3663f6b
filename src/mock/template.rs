//! A wiremock responder for streams.

use super::schedule::{SCHEDULE, Schedule};
use crate::sim::{
    dialect::{Answer, Chat, Completions, Dialect, EVENT_STREAM, Form, UsageEvents},
    estimate_tokens,
};
use std::{fmt::Write as _, time::Duration};
use wiremock::{Request, Respond, ResponseTemplate};

/// Value of `created` in answers. Fixed, because answers must not depend on the date.
const CREATED: u64 = 1_700_000_000;

/// A streamed answer, with vLLM's framing unless [`events`](StreamTemplate::events) are given.
#[derive(Debug, Clone)]
pub struct StreamTemplate {
    content: Content,
    ttft: Duration,
    itl: Duration,
    usage: bool,
    done: bool,
}

#[derive(Debug, Clone)]
enum Content {
    Generated { dialect: Dialect, tokens: u64 },
    Events(Vec<String>),
}

impl StreamTemplate {
    /// Creates an answer of `/v1/chat/completions`: 16 tokens at once, usage, `[DONE]`.
    pub fn chat() -> Self {
        StreamTemplate::generated(Dialect::Chat)
    }

    /// Creates an answer of `/v1/completions`: 16 tokens at once, usage, `[DONE]`.
    pub fn completions() -> Self {
        StreamTemplate::generated(Dialect::Completions)
    }

    fn generated(dialect: Dialect) -> Self {
        StreamTemplate {
            content: Content::Generated {
                dialect,
                tokens: 16,
            },
            ttft: Duration::ZERO,
            itl: Duration::ZERO,
            usage: true,
            done: true,
        }
    }

    /// Sets the number of tokens, each in a separate event; at least 1. Given
    /// [`events`](StreamTemplate::events) ignore it.
    #[must_use]
    pub fn tokens(mut self, count: u64) -> Self {
        if let Content::Generated { tokens, .. } = &mut self.content {
            *tokens = count.max(1);
        }
        self
    }

    /// Sets the time from the arrival of the request to the first token. Default 0.
    #[must_use]
    pub fn ttft(mut self, ttft: Duration) -> Self {
        self.ttft = ttft;
        self
    }

    /// Sets the time between tokens. Default 0.
    #[must_use]
    pub fn itl(mut self, itl: Duration) -> Self {
        self.itl = itl;
        self
    }

    /// Sends these data instead of generated tokens, each as one event at its own time, followed by
    /// `[DONE]`. Line breaks in an item make it an event of several `data:` lines.
    #[must_use]
    pub fn events(mut self, data: Vec<String>) -> Self {
        self.content = Content::Events(data);
        self
    }

    /// Ends the stream without `[DONE]`.
    #[must_use]
    pub fn without_done(mut self) -> Self {
        self.done = false;
        self
    }

    /// Leaves the usage event out. By default it is sent whether the request asks for it or not.
    #[must_use]
    pub fn without_usage(mut self) -> Self {
        self.usage = false;
        self
    }

    fn answer(&self, dialect: Dialect, tokens: u64, request: &Request) -> Answer {
        // The mock's matchers decide which requests it answers, so any request is valid here.
        let asked = dialect.read(&request.body).ok();
        let prompt_tokens = asked.as_ref().map_or(0, |asked| {
            let inputs = asked.inputs.iter();
            inputs.map(|input| input.tokens(estimate_tokens)).sum()
        });
        let model = asked.and_then(|asked| asked.model);
        let model = model.as_deref().unwrap_or("mock");
        let form: Box<dyn Form> = match dialect {
            Dialect::Chat => Box::new(Chat),
            _ => Box::new(Completions),
        };
        let answer = Answer::new(form, "mock", CREATED, model, tokens, prompt_tokens);
        let answer = if self.usage {
            answer.usage(UsageEvents::Last)
        } else {
            answer
        };
        if self.done {
            answer
        } else {
            answer.without_done()
        }
    }

    fn body(&self, request: &Request) -> Vec<u8> {
        match &self.content {
            Content::Generated { dialect, tokens } => {
                let mut answer = self.answer(*dialect, *tokens, request);
                (0..answer.tokens())
                    .flat_map(|index| answer.burst(index..index + 1))
                    .flatten()
                    .collect()
            }
            Content::Events(data) => {
                let mut body = String::new();
                for data in data {
                    for line in data.split('\n') {
                        // Writing to a string cannot fail.
                        let _ = writeln!(body, "data: {line}");
                    }
                    body.push('\n');
                }
                if self.done {
                    body.push_str("data: [DONE]\n\n");
                }
                body.into_bytes()
            }
        }
    }

    fn schedule(&self) -> Schedule {
        let (lead, beats) = match &self.content {
            // The role event comes before the first token of a chat.
            Content::Generated { dialect, tokens } => {
                (u64::from(*dialect == Dialect::Chat), *tokens)
            }
            Content::Events(data) => (0, data.len() as u64),
        };
        Schedule {
            ttft: self.ttft,
            itl: self.itl,
            lead,
            beats,
        }
    }
}

impl Respond for StreamTemplate {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        ResponseTemplate::new(200)
            .insert_header(SCHEDULE, self.schedule().header())
            .set_body_raw(self.body(request), EVENT_STREAM)
    }
}
