//! Schedules of streams, which a private header passes to the front.

use crate::clock::Nanos;
use std::{str::FromStr, time::Duration};

/// Header between [`StreamTemplate`](super::StreamTemplate) and [`Front`](super::Front).
pub(super) const SCHEDULE: &str = "x-goodput-schedule";

/// Times of a stream. Events share beats: events before the first token go with it, and events after the
/// last token go with that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schedule {
    /// Time from arrival to the first beat.
    pub(super) ttft: Duration,
    /// Time between beats.
    pub(super) itl: Duration,
    /// Number of events before the first token.
    pub(super) lead: u64,
    /// Number of beats.
    pub(super) beats: u64,
}

impl Schedule {
    /// Due time of an event in a stream whose request came at `arrival`.
    pub(super) fn due(&self, event: u64, arrival: Nanos) -> Nanos {
        let beat = event
            .saturating_sub(self.lead)
            .min(self.beats.saturating_sub(1));
        let gap = u64::try_from(self.itl.as_nanos()).unwrap_or(u64::MAX);
        arrival
            .after(self.ttft)
            .after(Duration::from_nanos(gap.saturating_mul(beat)))
    }

    /// Value of the header.
    pub(super) fn header(&self) -> String {
        let Schedule {
            ttft,
            itl,
            lead,
            beats,
        } = self;
        format!("{} {} {lead} {beats}", ttft.as_nanos(), itl.as_nanos())
    }
}

/// Error for a header that is not a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoSchedule;

impl FromStr for Schedule {
    type Err = NoSchedule;

    fn from_str(header: &str) -> Result<Self, NoSchedule> {
        let mut numbers = header.split(' ').map(|number| number.parse::<u64>());
        let mut next = || numbers.next().and_then(Result::ok).ok_or(NoSchedule);
        let schedule = Schedule {
            ttft: Duration::from_nanos(next()?),
            itl: Duration::from_nanos(next()?),
            lead: next()?,
            beats: next()?,
        };
        match numbers.next() {
            None => Ok(schedule),
            Some(_) => Err(NoSchedule),
        }
    }
}

/// Splits a stream into its events, each with the blank line that ends it. A rest without one counts as an
/// event.
pub(super) fn events(body: &[u8]) -> Vec<&[u8]> {
    let mut events = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let end = [&b"\n\n"[..], b"\r\n\r\n"]
            .into_iter()
            .filter_map(|blank| Some(find(rest, blank)? + blank.len()))
            .min()
            .unwrap_or(rest.len());
        let (event, tail) = rest.split_at(end);
        events.push(event);
        rest = tail;
    }
    events
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const CHAT: Schedule = Schedule {
        ttft: Duration::from_millis(80),
        itl: Duration::from_micros(5_300),
        lead: 1,
        beats: 3,
    };

    #[rstest]
    #[case::role(0, 80_000)]
    #[case::first_token(1, 80_000)]
    #[case::second_token(2, 85_300)]
    #[case::last_token(3, 90_600)]
    #[case::usage(4, 90_600)]
    #[case::done(5, 90_600)]
    fn events_share_beats(#[case] event: u64, #[case] micros: u64) {
        let arrival = Nanos(7_000);
        assert_eq!(CHAT.due(event, arrival), Nanos(7_000 + micros * 1_000));
    }

    #[rstest]
    #[case::nothing("")]
    #[case::too_few("1 2 3")]
    #[case::too_many("1 2 3 4 5")]
    #[case::negative("1 2 -3 4")]
    #[case::words("a b c d")]
    fn not_a_schedule(#[case] header: &str) {
        assert_eq!(header.parse::<Schedule>(), Err(NoSchedule));
    }

    #[rstest]
    #[case::none("", &[])]
    #[case::two("data: a\n\ndata: b\n\n", &["data: a\n\n", "data: b\n\n"])]
    #[case::several_lines("event: x\ndata: a\n\ndata: b\n\n", &["event: x\ndata: a\n\n", "data: b\n\n"])]
    #[case::carriage_returns("data: a\r\n\r\ndata: b\r\n\r\n", &["data: a\r\n\r\n", "data: b\r\n\r\n"])]
    #[case::cut_off("data: a\n\ndata: b", &["data: a\n\n", "data: b"])]
    fn cut_at_blank_lines(#[case] body: &str, #[case] expected: &[&str]) {
        let expected: Vec<_> = expected.iter().map(|event| event.as_bytes()).collect();
        assert_eq!(events(body.as_bytes()), expected);
    }

    proptest! {
        #[test]
        fn a_schedule_survives_its_header(ttft: u64, itl: u64, lead: u64, beats: u64) {
            let (ttft, itl) = (Duration::from_nanos(ttft), Duration::from_nanos(itl));
            let schedule = Schedule { ttft, itl, lead, beats };
            prop_assert_eq!(schedule.header().parse(), Ok(schedule));
        }

        #[test]
        fn cutting_loses_nothing(body in "[a\r\n]{0,30}") {
            prop_assert_eq!(events(body.as_bytes()).concat(), body.into_bytes());
        }
    }
}
