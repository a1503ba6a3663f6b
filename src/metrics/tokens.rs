//! How many tokens came with each event.

use crate::record::{Channel, Record};

/// The tokens of one event.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct EventTokens {
    /// Whole tokens; over a request they add up to its output tokens.
    pub count: u64,
    /// The event's share, a fraction when tokens are spread evenly.
    pub share: f64,
}

/// The tokens of each of a record's events: the server's counts if it gave any, else the
/// request's output tokens spread evenly over the events that carry something (over all events
/// if none does).
pub fn tokens_of_events(record: &Record) -> Vec<EventTokens> {
    let events = &record.events;
    if events.iter().any(|event| event.tokens > 0) {
        return events
            .iter()
            .map(|event| EventTokens {
                count: u64::from(event.tokens),
                share: f64::from(event.tokens),
            })
            .collect();
    }
    let all_silent = events.iter().all(|event| event.channel == Channel::Silent);
    let carries = |channel| all_silent || channel != Channel::Silent;
    let carriers = events.iter().filter(|event| carries(event.channel)).count() as u128;
    let tokens = u128::from(record.output.tokens);
    let mut seen = 0;
    events
        .iter()
        .map(|event| {
            if !carries(event.channel) {
                return EventTokens::default();
            }
            let before = tokens * seen / carriers;
            seen += 1;
            EventTokens {
                count: (tokens * seen / carriers - before) as u64,
                share: tokens as f64 / carriers as f64,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::record;

    fn counts(record: &Record) -> Vec<u64> {
        tokens_of_events(record).iter().map(|t| t.count).collect()
    }

    #[test]
    fn the_servers_counts_win() {
        let mut record = record(0, &[10, 20, 30], 99);
        record.events.change(|events| events[1].tokens = 4);
        assert_eq!(counts(&record), [0, 4, 0]);
    }

    #[test]
    fn unknown_counts_are_spread_over_events_that_carry_something() {
        let mut record = record(0, &[10, 20, 30, 40], 7);
        record
            .events
            .change(|events| events[3].channel = Channel::Silent);
        let spread = tokens_of_events(&record);
        assert_eq!(counts(&record), [2, 2, 3, 0]);
        assert!((spread[0].share - 7.0 / 3.0).abs() < 1e-12);
        assert_eq!(spread[3], EventTokens::default());
    }

    #[test]
    fn silent_events_carry_the_tokens_when_there_is_nothing_else() {
        let mut record = record(0, &[10, 20], u64::MAX);
        record.events.change(|events| {
            for event in events {
                event.channel = Channel::Silent;
            }
        });
        assert_eq!(counts(&record).iter().sum::<u64>(), u64::MAX);
    }
}
