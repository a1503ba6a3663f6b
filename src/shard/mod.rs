//! Shards: the parts of one plan that several processes send, on one machine or on many.
//!
//! A plan follows from its seed, so every process knows the whole plan and sends its own part without asking another. Session
//! `k` of the plan belongs to shard `k` modulo the number of shards; a request without turns is a session. So a session
//! stays whole, and every part has all kinds of requests.
//!
//! ```
//! use goodput::shard::Shard;
//!
//! let second: Shard = "1/4".parse()?;
//! assert_eq!((second.index, second.count), (1, 4));
//! assert!(second.has(5) && !second.has(6));
//! # Ok::<(), goodput::grammar::Mistake>(())
//! ```

pub mod auto;
mod named;

pub(crate) use named::named;

use crate::grammar::Mistake;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The largest number of shards of a run.
pub const MOST: usize = 4096;

/// One part of a plan, by its number. A stored shard with an impossible number is refused when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Shard {
    /// Number of the shard, from 0.
    pub index: usize,
    /// Number of shards.
    pub count: usize,
}

/// A shard as it is stored, which may be one that there is not.
#[derive(Deserialize)]
struct Parts {
    index: usize,
    count: usize,
}

impl TryFrom<Parts> for Shard {
    type Error = Mistake;

    fn try_from(parts: Parts) -> Result<Self, Mistake> {
        Shard::new(parts.index, parts.count)
    }
}

impl Shard {
    /// The only shard of a run.
    pub const WHOLE: Shard = Shard { index: 0, count: 1 };

    /// The shard with this number of this many.
    ///
    /// # Errors
    /// There is no such shard.
    pub fn new(index: usize, count: usize) -> Result<Self, Mistake> {
        if !(1..=MOST).contains(&count) {
            return Err(Mistake(format!(
                "has {count} shards; it must be from 1 to {MOST}"
            )));
        }
        if index >= count {
            let last = count - 1;
            return Err(Mistake(format!(
                "shards count from 0, so the last of {count} is {last}/{count}"
            )));
        }
        Ok(Shard { index, count })
    }

    /// Whether the run has only this shard.
    pub fn is_whole(self) -> bool {
        self.count == 1
    }

    /// Whether this shard does what is done once for a run: it waits for the server, warms it up, reads its pages and
    /// probes it.
    pub fn leads(self) -> bool {
        self.index == 0
    }

    /// Whether the session with this number belongs to this shard.
    pub fn has(self, session: usize) -> bool {
        session % self.count == self.index
    }

    /// This shard's part of a total. The parts of all shards add up to it.
    pub fn of(self, all: usize) -> usize {
        all / self.count + usize::from(self.index < all % self.count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Self, Mistake> {
        let number = |text: &str| text.trim().parse::<usize>().ok();
        let parts = text
            .split_once('/')
            .and_then(|(index, count)| Some((number(index)?, number(count)?)));
        match parts {
            Some((index, count)) => Shard::new(index, count),
            None => Err(Mistake::new(
                "is not a shard. Write number and count, such as 0/4 for the first of four",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::first("0/4", 0, 4)]
    #[case::spaces(" 3 / 4 ", 3, 4)]
    #[case::alone("0/1", 0, 1)]
    fn texts_name_shards(#[case] text: &str, #[case] index: usize, #[case] count: usize) {
        let shard: Shard = text.parse().unwrap();
        assert_eq!(shard, Shard { index, count });
        assert_eq!(shard.to_string().parse::<Shard>().unwrap(), shard);
    }

    #[rstest]
    #[case::beyond("4/4", "the last of 4 is 3/4")]
    #[case::none("0/0", "has 0 shards; it must be from 1 to 4096")]
    #[case::many("0/5000", "has 5000 shards")]
    #[case::negative("-1/4", "is not a shard")]
    #[case::a_word("first", "is not a shard")]
    #[case::half("1/", "is not a shard")]
    fn other_texts_are_refused(#[case] text: &str, #[case] why: &str) {
        let mistake = text.parse::<Shard>().unwrap_err().0;
        assert!(mistake.contains(why), "{mistake}");
    }

    proptest! {
        #[test]
        fn all_is_divided(all in 0..10_000_usize, count in 1..40_usize) {
            let shards = || (0..count).map(|index| Shard { index, count });
            prop_assert_eq!(shards().map(|shard| shard.of(all)).sum::<usize>(), all);
            for shard in shards() {
                prop_assert_eq!((0..all).filter(|k| shard.has(*k)).count(), shard.of(all));
            }
        }
    }
}
