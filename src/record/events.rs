//! Token events of a request, packed: a run keeps all of them, and there are millions.

use super::{Channel, TokenEvent};
use crate::clock::Nanos;
use integer_encoding::VarInt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Usual size of an event: 4 bytes for 20 ms in nanoseconds, and a fifth for one token and its channel.
const USUAL_BYTES: usize = 5;

/// Token events in order of arrival.
///
/// An event is stored as its distance from the previous one, in 5 bytes instead of 16, so events are added
/// at the end and read from the start.
///
/// ```
/// use goodput::{clock::Nanos, record::{Channel, Events, TokenEvent}};
///
/// let event = |at| TokenEvent { at: Nanos(at), tokens: 1, channel: Channel::Answer };
/// let events: Events = [event(100), event(120)].into_iter().collect();
/// assert_eq!(events.len(), 2);
/// assert_eq!((events.first_at(), events.last_at()), (Some(Nanos(100)), Some(Nanos(120))));
/// assert!(events.iter().eq([event(100), event(120)]));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Events {
    /// For each event the nanoseconds since the previous one (0 for the first), then its number of tokens
    /// times four plus its channel.
    packed: Vec<u8>,
    count: u32,
    first: Nanos,
    last: Nanos,
}

impl Events {
    /// Number of events.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are no events.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// When the first event arrived.
    pub fn first_at(&self) -> Option<Nanos> {
        (self.count > 0).then_some(self.first)
    }

    /// When the last event arrived.
    pub fn last_at(&self) -> Option<Nanos> {
        (self.count > 0).then_some(self.last)
    }

    /// Adds an event at the end.
    pub fn push(&mut self, event: TokenEvent) {
        if self.count == 0 {
            (self.first, self.last) = (event.at, event.at);
        }
        let gap = event.at.0.wrapping_sub(self.last.0).cast_signed();
        let carried = u64::from(event.tokens) << 2 | number(event.channel);
        // Maximum size of two 64-bit numbers.
        let mut bytes = [0; 20];
        let mut size = gap.encode_var(&mut bytes);
        size += carried.encode_var(&mut bytes[size..]);
        self.packed.extend_from_slice(&bytes[..size]);
        self.last = event.at;
        self.count += 1;
    }

    /// Iterates over the events from the first.
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            packed: &self.packed,
            left: self.len(),
            at: self.first,
        }
    }

    /// Reserves space for more events of the usual size.
    pub(crate) fn reserve(&mut self, events: usize) {
        self.packed.reserve_exact(events * USUAL_BYTES);
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.packed.shrink_to_fit();
    }

    /// Moves all events in time; their distances stay.
    pub(crate) fn shift(&mut self, nanos: i64) {
        for at in [&mut self.first, &mut self.last] {
            at.0 = at.0.saturating_add_signed(nanos);
        }
    }

    /// The events as bytes, without the time of the first.
    #[cfg(feature = "cli")]
    pub(crate) fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// Events from such bytes; `None` if they are not.
    #[cfg(feature = "cli")]
    pub(crate) fn unpacked(first: Nanos, packed: Vec<u8>) -> Option<Self> {
        let mut events = Iter {
            packed: &packed,
            left: 0,
            at: first,
        };
        let (mut count, mut last) = (0_u32, first);
        while !events.packed.is_empty() {
            let gap: i64 = events.number()?;
            let _: u64 = events.number()?;
            last.0 = last.0.wrapping_add_signed(gap);
            count = count.checked_add(1)?;
        }
        Some(Events {
            first,
            last,
            count,
            packed,
        })
    }

    /// Changes the events one by one.
    #[cfg(test)]
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut [TokenEvent])) {
        let mut events: Vec<TokenEvent> = self.iter().collect();
        change(&mut events);
        *self = events.into_iter().collect();
    }
}

/// Iterator over events, from the first.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    packed: &'a [u8],
    left: usize,
    at: Nanos,
}

impl Iter<'_> {
    fn number<N: VarInt>(&mut self) -> Option<N> {
        let (number, size) = N::decode_var(self.packed)?;
        self.packed = &self.packed[size..];
        Some(number)
    }
}

impl Iterator for Iter<'_> {
    type Item = TokenEvent;

    fn next(&mut self) -> Option<TokenEvent> {
        let gap: i64 = self.number()?;
        let carried: u64 = self.number()?;
        self.left -= 1;
        self.at.0 = self.at.0.wrapping_add_signed(gap);
        Some(TokenEvent {
            at: self.at,
            tokens: (carried >> 2) as u32,
            channel: channel(carried & 3),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

fn number(channel: Channel) -> u64 {
    match channel {
        Channel::Answer => 0,
        Channel::Reasoning => 1,
        Channel::Tool => 2,
        Channel::Silent => 3,
    }
}

fn channel(number: u64) -> Channel {
    match number {
        0 => Channel::Answer,
        1 => Channel::Reasoning,
        2 => Channel::Tool,
        _ => Channel::Silent,
    }
}

impl<'a> IntoIterator for &'a Events {
    type Item = TokenEvent;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl FromIterator<TokenEvent> for Events {
    fn from_iter<I: IntoIterator<Item = TokenEvent>>(iter: I) -> Self {
        let mut events = Events::default();
        iter.into_iter().for_each(|event| events.push(event));
        events
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl Serialize for Events {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

impl<'de> Deserialize<'de> for Events {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<TokenEvent>::deserialize(deserializer)?
            .into_iter()
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event() -> impl Strategy<Value = TokenEvent> {
        let channel = prop_oneof![
            Just(Channel::Answer),
            Just(Channel::Reasoning),
            Just(Channel::Tool),
            Just(Channel::Silent)
        ];
        let at = prop_oneof![0..u64::MAX, 0..10_000_000_000_u64];
        let tokens = prop_oneof![0..9_u32, 0..=u32::MAX];
        (at, tokens, channel).prop_map(|(at, tokens, channel)| TokenEvent {
            at: Nanos(at),
            tokens,
            channel,
        })
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_came(all in proptest::collection::vec(event(), 0..40)) {
            let events: Events = all.iter().copied().collect();
            prop_assert_eq!(events.iter().collect::<Vec<_>>(), all.clone());
            prop_assert_eq!(events.iter().len(), all.len());
            prop_assert_eq!(events.first_at(), all.first().map(|event| event.at));
            prop_assert_eq!(events.last_at(), all.last().map(|event| event.at));
            let text = serde_json::to_string(&events).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&all).unwrap());
            prop_assert_eq!(serde_json::from_str::<Events>(&text).unwrap(), events);
        }
    }

    #[test]
    fn a_usual_event_takes_what_is_reserved_for_it() {
        let mut events = Events::default();
        events.reserve(100);
        let room = events.packed.capacity();
        for k in 0..100 {
            events.push(TokenEvent {
                at: Nanos(100_000_000 + k * 20_000_000),
                tokens: 1,
                channel: Channel::Answer,
            });
        }
        assert_eq!(events.packed.capacity(), room);
        assert!(events.packed.len() > 100 * (USUAL_BYTES - 1));
    }

    #[test]
    fn shifted_events_keep_their_distances() {
        let at = |at| TokenEvent {
            at: Nanos(at),
            tokens: 0,
            channel: Channel::Answer,
        };
        let mut events: Events = [at(50), at(70)].into_iter().collect();
        events.shift(-20);
        assert!(events.iter().eq([at(30), at(50)]));
        assert_eq!(events.last_at(), Some(Nanos(50)));
    }
}
