//! The event of a token, put together once for an answer, so that each token costs one copy.

use super::facts::Facts;
use bytes::Bytes;
use std::ops::Range;

/// What changes from one token event to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// The text of the event's tokens.
    Text,
    /// The text of all tokens up to and with the event's.
    TextSoFar,
    /// The ids of the event's tokens, with commas.
    Ids,
    /// The id of the last of the event's tokens.
    LastId,
    /// The ids of all tokens up to and with the event's, with commas.
    IdsSoFar,
    /// The number of tokens up to and with the event's.
    Count,
    /// The number of generated tokens, as usage states it.
    Generated,
    /// Stated tokens and those of the prompt.
    Total,
    /// The number of the event in its stream.
    Sequence,
}

/// Constant pieces and the slots between them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Template {
    /// A piece and the slot behind it.
    pieces: Vec<(String, Slot)>,
    tail: String,
    /// Bytes that every event has.
    fixed: usize,
}

/// What goes into the slots of one event.
#[derive(Debug)]
pub(super) struct Filling<'a> {
    pub(super) facts: &'a Facts,
    pub(super) tokens: Range<u64>,
    /// Bytes before the text.
    pub(super) before_text: &'static [u8],
    pub(super) sequence: u64,
}

impl Template {
    /// A template that starts with `text`.
    pub(super) fn new(text: impl AsRef<str>) -> Self {
        Template::default().then(text)
    }

    pub(super) fn then(mut self, text: impl AsRef<str>) -> Self {
        self.tail.push_str(text.as_ref());
        self.fixed += text.as_ref().len();
        self
    }

    pub(super) fn slot(mut self, slot: Slot) -> Self {
        self.pieces.push((std::mem::take(&mut self.tail), slot));
        self
    }

    /// One event.
    pub(super) fn render(&self, filling: &Filling<'_>) -> Bytes {
        // With its exact size `Bytes` takes the vector over as it is.
        let size = self.pieces.iter().map(|(_, slot)| filling.size(*slot));
        let mut event = Vec::with_capacity(self.fixed + size.sum::<usize>());
        for (piece, slot) in &self.pieces {
            event.extend_from_slice(piece.as_bytes());
            filling.write(*slot, &mut event);
        }
        event.extend_from_slice(self.tail.as_bytes());
        Bytes::from(event)
    }
}

impl Filling<'_> {
    fn number(&self, slot: Slot) -> u64 {
        let count = self.tokens.end;
        match slot {
            Slot::LastId => self.facts.token_id(count.saturating_sub(1)),
            Slot::Generated => self.facts.stated(count),
            Slot::Total => self.facts.prompt_tokens + self.facts.stated(count),
            Slot::Sequence => self.sequence,
            _ => count,
        }
    }

    fn ids(&self, tokens: Range<u64>) -> impl Iterator<Item = u64> {
        tokens.map(|index| self.facts.token_id(index))
    }

    fn size(&self, slot: Slot) -> usize {
        let texts = |tokens: Range<u64>| -> usize {
            self.before_text.len()
                + tokens
                    .map(|index| self.facts.escaped(index).len())
                    .sum::<usize>()
        };
        let ids = |tokens: Range<u64>| -> usize {
            let commas = (tokens.end - tokens.start).saturating_sub(1) as usize;
            commas + self.ids(tokens).map(digits).sum::<usize>()
        };
        match slot {
            Slot::Text => texts(self.tokens.clone()),
            Slot::TextSoFar => texts(0..self.tokens.end),
            Slot::Ids => ids(self.tokens.clone()),
            Slot::IdsSoFar => ids(0..self.tokens.end),
            number => digits(self.number(number)),
        }
    }

    fn write(&self, slot: Slot, event: &mut Vec<u8>) {
        let texts = |tokens: Range<u64>, event: &mut Vec<u8>| {
            event.extend_from_slice(self.before_text);
            tokens.for_each(|index| event.extend_from_slice(self.facts.escaped(index).as_bytes()));
        };
        let ids = |tokens: Range<u64>, event: &mut Vec<u8>| {
            for (place, id) in self.ids(tokens).enumerate() {
                if place > 0 {
                    event.push(b',');
                }
                push_number(event, id);
            }
        };
        match slot {
            Slot::Text => texts(self.tokens.clone(), event),
            Slot::TextSoFar => texts(0..self.tokens.end, event),
            Slot::Ids => ids(self.tokens.clone(), event),
            Slot::IdsSoFar => ids(0..self.tokens.end, event),
            number => push_number(event, self.number(number)),
        }
    }
}

fn digits(number: u64) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

fn push_number(event: &mut Vec<u8>, mut number: u64) {
    let start = event.len();
    event.resize(start + digits(number), b'0');
    for digit in event[start..].iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}
