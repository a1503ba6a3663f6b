//! Whether this machine has the ports and descriptors for a plan, found out before anything is sent.
//!
//! Each request in flight has a connection of its own. How many are in flight depends on the server, so a run is refused only if
//! its requests are surely more: those that are sent at once. A minute of requests in flight at once is a note.

use super::checked::Checked;
use crate::{
    client::{Dialer, PortRange, open_descriptors},
    error::Error,
    plan::{Plan, Turn},
    problem::Problem,
};
use std::{collections::BTreeMap, net::SocketAddr};

/// Answers that take longer are rare, and a closed connection keeps its port as long (Linux's TIME_WAIT).
const MINUTE: u64 = 60_000_000_000;

/// How many requests of a plan are in flight at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Peak {
    /// Surely, because they are sent at once.
    surely: usize,
    /// If each takes a minute.
    perhaps: usize,
}

impl Peak {
    fn of(plan: &Plan, open_loop: bool, cap: Option<usize>) -> Self {
        let begins = plan
            .requests
            .iter()
            .filter(|request| request.turn.as_deref().is_none_or(Turn::begins));
        let mut times: Vec<u64> = begins.map(|request| request.at.0).collect();
        times.sort_unstable();
        let cap = cap.unwrap_or(usize::MAX);
        let at_once = |span: u64| {
            let (mut from, mut most) = (0, 0);
            for (to, at) in times.iter().enumerate() {
                while at - times[from] > span {
                    from += 1;
                }
                most = most.max(to - from + 1);
            }
            most.min(cap)
        };
        if open_loop {
            Peak {
                surely: at_once(0),
                perhaps: at_once(MINUTE),
            }
        } else {
            let all = times.len().min(cap);
            Peak {
                surely: all,
                perhaps: all,
            }
        }
    }
}

/// Ports and descriptors that connections need, and how many this machine has.
struct Room {
    ports: Option<PortRange>,
    /// Local addresses and frontends, by the address that connections go to.
    remotes: BTreeMap<SocketAddr, (usize, usize)>,
    frontends: usize,
    /// Files and sockets that this process may have open, and has.
    descriptors: Option<(u64, usize)>,
    /// Descriptors of a connection: two if the server is in this process.
    each: usize,
}

/// Too few of something for a number of connections.
struct TooFew {
    /// Connections that there is enough for.
    most: usize,
    why: String,
    fix: String,
}

impl Room {
    /// What there is too little of for this number of connections.
    fn lacks(&self, connections: usize) -> Vec<TooFew> {
        let ports = self.ports.iter().flat_map(|range| {
            let lacks = |(remote, counts)| self.lacks_ports(connections, range, remote, counts);
            self.remotes.iter().filter_map(lacks)
        });
        ports.chain(self.lacks_descriptors(connections)).collect()
    }

    fn lacks_ports(
        &self,
        connections: usize,
        range: &PortRange,
        remote: &SocketAddr,
        &(local, frontends): &(usize, usize),
    ) -> Option<TooFew> {
        let PortRange { first, last, free } = range;
        let room = free * local;
        let needs = (connections * frontends).div_ceil(self.frontends);
        (needs > room).then(|| TooFew {
            most: room * self.frontends / frontends,
            why: format!(
                "{needs} connections to {remote}, for which this machine has {room} ports: {free} from {first} to {last} \
                 for each of {local} local address{}",
                if local == 1 { "" } else { "es" },
            ),
            fix: "give the target more URLs, `bind` more local addresses, widen net.ipv4.ip_local_port_range".to_owned(),
        })
    }

    fn lacks_descriptors(&self, connections: usize) -> Option<TooFew> {
        let (allowed, open) = self.descriptors?;
        let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
        let left = allowed.saturating_sub(open);
        (connections * self.each > left).then(|| TooFew {
            most: left / self.each,
            why: format!(
                "{connections} connections, and this process may open {left} more files and sockets: its limit is {allowed}, \
                 and it has {open}",
            ),
            fix: "raise the limit (`ulimit -n`)".to_owned(),
        })
    }
}

impl Checked {
    /// Refuses a plan that cannot fit; returns notes on one that might not.
    pub(super) fn find_room(
        &self,
        plan: &Plan,
        dialers: &[Dialer],
        descriptors: Option<u64>,
        is_here: bool,
    ) -> Result<Vec<String>, Error> {
        let mut remotes = BTreeMap::new();
        for (remote, local) in dialers.iter().filter_map(Dialer::ports) {
            remotes.entry(remote).or_insert((local, 0)).1 += 1;
        }
        let room = Room {
            ports: PortRange::of_system(),
            remotes,
            frontends: dialers.len(),
            descriptors: descriptors.map(|allowed| (allowed, open_descriptors())),
            each: if is_here { 2 } else { 1 },
        };
        let caps = [self.load.max_concurrency, self.load.max_sessions(plan)];
        let cap = caps.into_iter().flatten().min();
        let peak = Peak::of(plan, self.load.open_loop(plan), cap);
        // Other machines have room of their own for the other shards.
        let peak = Peak {
            surely: self.shard().of(peak.surely),
            perhaps: self.shard().of(peak.perhaps),
        };
        let lacks = room.lacks(peak.surely);
        if lacks.is_empty() {
            return Ok(noted(&room, peak));
        }
        let field = match self.load.max_concurrency {
            Some(most) => ("max_concurrency", most),
            None => ("requests", plan.requests.len()),
        };
        let refused = |lack: TooFew| {
            let TooFew { most, why, fix } = lack;
            // Of the whole run, as the field is.
            let most = most * self.shard().count;
            let message = format!(
                "the run needs {why}. Set `max_concurrency` to at most {most}, {fix}, or divide the plan among machines \
                 with --shard"
            );
            Problem::new(field.0, field.1, message)
        };
        Err(Error::Invalid(lacks.into_iter().map(refused).collect()))
    }
}

/// Notes on a plan that might need more than there is.
fn noted(room: &Room, peak: Peak) -> Vec<String> {
    let lacks = room.lacks(peak.perhaps).into_iter();
    lacks
        .map(|TooFew { why, fix, .. }| {
            format!("if requests take a minute, the run needs {why}. Requests beyond that would fail: {fix}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bench::Bench, clock::Nanos};
    use rstest::rstest;

    fn plan_at(times: &[u64]) -> Plan {
        let bench = Bench::new("room").target("sim").requests(times.len());
        let mut plan = bench
            .dataset("random(input = 1, output = 1)")
            .plan()
            .unwrap();
        for (request, at) in plan.requests.iter_mut().zip(times) {
            request.at = Nanos(at * 1_000_000_000);
        }
        plan
    }

    #[rstest]
    #[case::at_once(&[0, 0, 0, 0], false, None, 4, 4)]
    #[case::a_closed_loop(&[0, 0, 0, 0], false, Some(3), 3, 3)]
    #[case::more_slots_than_requests(&[0, 0], false, Some(9), 2, 2)]
    #[case::on_a_schedule(&[0, 1, 2, 90, 91], true, None, 1, 3)]
    #[case::a_burst_of_a_trace(&[0, 5, 5, 5, 200], true, None, 3, 4)]
    #[case::a_cap_on_a_schedule(&[0, 5, 5, 5, 200], true, Some(2), 2, 2)]
    fn peaks(
        #[case] times: &[u64],
        #[case] open_loop: bool,
        #[case] cap: Option<usize>,
        #[case] surely: usize,
        #[case] perhaps: usize,
    ) {
        let peak = Peak::of(&plan_at(times), open_loop, cap);
        assert_eq!(peak, Peak { surely, perhaps });
    }

    /// A machine with 100 ports and 1,000 descriptors, for two frontends that may be one address.
    fn room(remotes: &[(&str, usize, usize)]) -> Room {
        let remotes = remotes
            .iter()
            .map(|(remote, local, frontends)| (remote.parse().unwrap(), (*local, *frontends)));
        Room {
            ports: Some(PortRange {
                first: 1_000,
                last: 1_099,
                free: 100,
            }),
            remotes: remotes.collect(),
            frontends: 2,
            descriptors: Some((1_000, 10)),
            each: 1,
        }
    }

    #[rstest]
    #[case::two_addresses(&[("10.0.0.1:80", 1, 1), ("10.0.0.2:80", 1, 1)], 200)]
    #[case::one_address_twice(&[("10.0.0.1:80", 1, 2)], 100)]
    #[case::four_local_addresses(&[("10.0.0.1:80", 4, 2)], 400)]
    #[case::no_ports_are_needed(&[], 990)]
    fn what_fits_is_exact(#[case] remotes: &[(&str, usize, usize)], #[case] most: usize) {
        let room = room(remotes);
        assert!(room.lacks(most).is_empty());
        let lacks = room.lacks(most + 1);
        assert!(!lacks.is_empty());
        assert!(
            lacks.iter().all(|lack| lack.most == most),
            "{}",
            lacks[0].why
        );
    }

    #[test]
    fn a_server_of_this_process_needs_descriptors_too() {
        let room = Room {
            each: 2,
            ..room(&[])
        };
        assert!(room.lacks(495).is_empty());
        assert_eq!(room.lacks(496)[0].most, 495);
    }

    #[test]
    fn a_schedule_is_noted_but_not_refused() {
        let room = room(&[("10.0.0.1:80", 1, 2)]);
        let of = |perhaps| noted(&room, Peak { surely: 1, perhaps });
        assert!(of(100).is_empty());
        let notes = of(101);
        assert!(notes[0].contains("100 ports"), "{notes:?}");
    }
}
