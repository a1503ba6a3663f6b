//! Frontends: the URLs of a target that share its requests.

use super::{dial::Dialer, message::Envelope};
use crate::{
    grammar::{Mistake, names::BALANCE},
    shard::Shard,
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A URL that requests are sent to.
#[derive(Clone)]
pub struct Frontend {
    /// Connections to it.
    pub dialer: Dialer,
    /// Parts that all requests to it share.
    pub envelope: Envelope,
}

/// Which frontend gets a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Balance {
    /// The frontends take turns, in the order of the plan.
    #[default]
    RoundRobin,
    /// The frontend with the fewest requests in flight, over all threads of the run.
    LeastInFlight,
    /// All requests of a session have the same frontend; sessions take turns.
    Session,
}

impl Balance {
    /// Reads the name of a policy.
    ///
    /// # Errors
    /// The name is unknown.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        match text {
            "round-robin" => Ok(Balance::RoundRobin),
            "least-in-flight" => Ok(Balance::LeastInFlight),
            "session" => Ok(Balance::Session),
            _ => Err(Mistake::unknown("policy", text, BALANCE)),
        }
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Balance::RoundRobin => "round-robin",
            Balance::LeastInFlight => "least-in-flight",
            Balance::Session => "session",
        })
    }
}

/// The frontends of a target, and the requests in flight at each. Clones share these counts.
#[derive(Clone)]
pub struct Frontends {
    pub(super) all: Vec<Frontend>,
    balance: Balance,
    in_flight: Arc<[AtomicUsize]>,
}

impl From<Frontend> for Frontends {
    fn from(only: Frontend) -> Self {
        Frontends::new(vec![only], Balance::default())
    }
}

/// A request's place, by which its frontend is chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    /// Place in the plan.
    pub(super) index: usize,
    /// Number of its session; that of the request if it is alone.
    pub(super) session: usize,
    /// The part of the plan that this process sends.
    pub(super) shard: Shard,
}

impl Order {
    /// The place of a request that is its own session.
    pub(super) fn alone(index: usize, shard: Shard) -> Self {
        Order {
            index,
            session: index,
            shard,
        }
    }

    /// The turn of a number among those of its shard, so that each shard uses all frontends. Shards begin with different
    /// ones.
    fn turn(self, number: usize) -> usize {
        number / self.shard.count + self.shard.index
    }
}

impl Frontends {
    /// Frontends that share requests by this policy; at least one.
    pub fn new(all: Vec<Frontend>, balance: Balance) -> Self {
        Frontends {
            in_flight: all.iter().map(|_| AtomicUsize::new(0)).collect(),
            all,
            balance,
        }
    }

    /// Chooses the frontend of a request, and counts the request there while the claim lives.
    pub(super) fn claim(&self, order: Order) -> Claim {
        let count = self.in_flight.len();
        let frontend = match self.balance {
            _ if count < 2 => 0,
            Balance::RoundRobin => order.turn(order.index) % count,
            Balance::Session => order.turn(order.session) % count,
            Balance::LeastInFlight => {
                // Equal ones take turns.
                let turns = (0..count).map(|step| (order.turn(order.index) + step) % count);
                let load = |frontend: &usize| self.in_flight[*frontend].load(Ordering::Relaxed);
                turns.min_by_key(load).unwrap_or_default()
            }
        };
        if let Some(in_flight) = self.in_flight.get(frontend) {
            in_flight.fetch_add(1, Ordering::Relaxed);
        }
        Claim {
            frontend,
            in_flight: self.in_flight.clone(),
        }
    }
}

/// A request's place at a frontend.
pub(super) struct Claim {
    frontend: usize,
    in_flight: Arc<[AtomicUsize]>,
}

impl Claim {
    /// Number of the frontend, from 0.
    pub(super) fn frontend(&self) -> usize {
        self.frontend
    }

    /// The same for a record, which names the frontend only if there are several.
    pub(super) fn named(&self) -> Option<u32> {
        let several = self.in_flight.len() > 1;
        u32::try_from(self.frontend).ok().filter(|_| several)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(in_flight) = self.in_flight.get(self.frontend) {
            in_flight.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn frontends(count: usize, balance: Balance) -> Frontends {
        Frontends {
            all: Vec::new(),
            balance,
            in_flight: (0..count).map(|_| AtomicUsize::new(0)).collect(),
        }
    }

    /// Requests 0 to 5, two of each session.
    fn chosen(frontends: &Frontends) -> Vec<usize> {
        let order = |index| Order {
            index,
            session: index / 2,
            shard: Shard::WHOLE,
        };
        let claims: Vec<Claim> = (0..6).map(|index| frontends.claim(order(index))).collect();
        claims.iter().map(Claim::frontend).collect()
    }

    #[rstest]
    #[case(Balance::RoundRobin, [0, 1, 2, 0, 1, 2])]
    #[case(Balance::LeastInFlight, [0, 1, 2, 0, 1, 2])]
    #[case(Balance::Session, [0, 0, 1, 1, 2, 2])]
    fn requests_take_turns(#[case] balance: Balance, #[case] expected: [usize; 6]) {
        assert_eq!(chosen(&frontends(3, balance)), expected);
        assert_eq!(Balance::parse(&balance.to_string()), Ok(balance));
    }

    #[test]
    fn a_slow_frontend_gets_fewer() {
        let frontends = frontends(2, Balance::LeastInFlight);
        let claim = |index| frontends.claim(Order::alone(index, Shard::WHOLE));
        let slow = [claim(0), claim(2)];
        assert_eq!(slow.each_ref().map(Claim::frontend), [0, 1]);
        let [first, second] = slow;
        drop(second);
        for index in [2, 4, 6] {
            assert_eq!(claim(index).frontend(), 1, "{index}");
        }
        drop(first);
        assert_eq!(claim(8).frontend(), 0);
    }

    /// As many shards as frontends must not mean one frontend for each shard.
    #[test]
    fn each_shard_uses_all_frontends() {
        let frontends = frontends(2, Balance::RoundRobin);
        let of = |index: usize| {
            let shard = Shard { index, count: 2 };
            let orders = [0, 1, 2, 3].map(|k| Order::alone(2 * k + index, shard));
            orders.map(|order| frontends.claim(order).frontend())
        };
        assert_eq!([of(0), of(1)], [[0, 1, 0, 1], [1, 0, 1, 0]]);
    }

    #[test]
    fn only_one_of_several_is_named() {
        let of = |count| frontends(count, Balance::RoundRobin);
        let order = Order::alone(3, Shard::WHOLE);
        assert_eq!(of(1).claim(order).named(), None);
        assert_eq!(of(2).claim(order).named(), Some(1));
    }

    #[test]
    fn unknown_policies_are_refused() {
        let told = Balance::parse("round_robin").unwrap_err().to_string();
        assert!(told.contains("round-robin"), "{told}");
    }
}
