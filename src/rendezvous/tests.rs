//! Shards meet on 127.0.0.1. Waits have deadlines; no test depends on how fast the machine is.

use super::*;
use crate::stop::Stop;
use rstest::rstest;
use std::{io::Write, net::TcpListener, thread};

/// Long enough for any machine; tests that pass never wait for it.
const LONG: Duration = Duration::from_secs(60);

/// A place where no process listens.
fn place() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

fn appointment(place: &str) -> Appointment {
    Appointment {
        place: place.to_owned(),
        token: Some("the-token".to_owned()),
        timeout: LONG,
    }
}

fn identity(host: &str) -> Identity {
    Identity {
        plan: "plan".to_owned(),
        settings: "settings".to_owned(),
        host: host.to_owned(),
        restarted: None,
    }
}

/// What a process brings, which a test may change.
struct Comes {
    shard: Shard,
    with: Appointment,
    identity: Identity,
}

/// Lets a process go all the way.
fn goes(comes: Comes) -> Result<(String, Agreed), Apart> {
    let meeting = Meeting::begin(comes.shard, comes.with, Stop::never())?;
    let run = meeting.gather(comes.identity)?;
    Ok((run, meeting.start()?))
}

/// All shards, each in a thread; `change` may change what one brings.
fn all(count: usize, change: impl Fn(usize, &mut Comes)) -> Vec<Result<(String, Agreed), Apart>> {
    let place = place();
    let threads: Vec<_> = (0..count)
        .map(|index| {
            let mut comes = Comes {
                shard: Shard { index, count },
                with: appointment(&place),
                identity: identity(&format!("host{index}")),
            };
            change(index, &mut comes);
            thread::spawn(move || goes(comes))
        })
        .collect();
    threads.into_iter().map(|t| t.join().unwrap()).collect()
}

#[test]
fn all_start_at_one_moment_of_the_same_run() {
    let met: Vec<_> = all(4, |_, _| {}).into_iter().map(Result::unwrap).collect();
    let (run, lead) = &met[0];
    assert!(lead.offset.is_none());
    for (other, agreed) in &met[1..] {
        assert_eq!((other, agreed.wall), (run, lead.wall));
        // All threads have one clock, so the true offset is known, and the bound must hold.
        let bound = agreed.offset.unwrap().bound;
        let off = agreed.at.max(lead.at) - agreed.at.min(lead.at);
        assert!(off <= bound + Duration::from_nanos(1), "{off:?} {bound:?}");
    }
}

#[rstest]
#[case::plan(|c: &mut Comes| c.identity.plan = "another".to_owned(), "shard 2 of 3 (host2) has another plan (another) than shard 0 (plan)")]
#[case::settings(|c: &mut Comes| c.identity.settings = "another".to_owned(), "shard 2 of 3 (host2) has other settings")]
#[case::count(|c: &mut Comes| c.shard.count = 4, "shard 2 of 4 (host2) came to a run of 3 shards")]
#[case::twice(|c: &mut Comes| c.shard.index = 1, "is there twice")]
#[case::restarted(|c: &mut Comes| c.identity.restarted = Some("SLURM_RESTART_COUNT = 1".to_owned()), "shard 2 of 3 (host2) was started again (SLURM_RESTART_COUNT = 1)")]
fn one_that_differs_stops_all_and_is_named(#[case] change: fn(&mut Comes), #[case] why: &str) {
    let met = all(3, |index, comes| {
        if index == 2 {
            change(comes);
        }
    });
    let told: Vec<String> = met
        .into_iter()
        .map(|met| met.unwrap_err().to_string())
        .collect();
    assert!(told[0].contains(why), "{told:?}");
    // Who comes after shard 0 has left hears that; who is there hears why.
    let left = "shard 0";
    assert!(
        told[1..]
            .iter()
            .all(|t| t.contains(why) || t.contains(left)),
        "{told:?}"
    );
    assert!(told[1..].iter().any(|t| t.contains(why)), "{told:?}");
}

#[test]
fn a_missing_one_is_named_when_the_time_is_over() {
    let place = place();
    let with = |timeout| Appointment {
        timeout,
        ..appointment(&place)
    };
    let short = Duration::from_millis(1500);
    let lead = Comes {
        shard: Shard { index: 0, count: 4 },
        with: with(short),
        identity: identity("host0"),
    };
    let other = Comes {
        shard: Shard { index: 2, count: 4 },
        with: with(LONG),
        identity: identity("host2"),
    };
    let lead = thread::spawn(move || goes(lead));
    let other = thread::spawn(move || goes(other));
    let told = lead.join().unwrap().unwrap_err().to_string();
    assert!(
        told.contains("shards 1 and 3 of 4 did not come within 1.5 s"),
        "{told}"
    );
    assert_eq!(other.join().unwrap().unwrap_err().to_string(), told);
}

#[test]
fn shard_0_that_never_comes_is_named() {
    let comes = Comes {
        shard: Shard { index: 1, count: 2 },
        with: Appointment {
            timeout: Duration::from_millis(200),
            ..appointment(&place())
        },
        identity: identity("host1"),
    };
    let told = goes(comes).unwrap_err().to_string();
    assert!(
        told.starts_with("shard 0 of 2 did not come to 127.0.0.1:"),
        "{told}"
    );
}

/// A process without the token, and one that speaks nonsense, disturb no shard.
#[test]
fn strangers_are_turned_away() {
    let place = place();
    let comes = |index, token: &str| Comes {
        shard: Shard { index, count: 2 },
        with: Appointment {
            token: Some(token.to_owned()),
            ..appointment(&place)
        },
        identity: identity(&format!("host{index}")),
    };
    let lead = comes(0, "the-token");
    let lead = thread::spawn(move || goes(lead));
    let stranger = goes(comes(1, "guessed")).unwrap_err().to_string();
    assert!(stranger.contains("shard 0 has another token"), "{stranger}");
    assert!(!stranger.contains("the-token") && !stranger.contains("guessed"));
    for nonsense in ["GET / HTTP/1.1\r\n\r\n".to_owned(), "x".repeat(100_000)] {
        let mut stream = std::net::TcpStream::connect(&place).unwrap();
        // Shard 0 may hang up before it has read all.
        let _ = stream.write_all(nonsense.as_bytes());
    }
    assert!(goes(comes(1, "the-token")).is_ok());
    assert!(lead.join().unwrap().is_ok());
}

#[test]
fn who_leaves_between_hello_and_start_stops_all() {
    let place = place();
    let leaves = {
        let (shard, with) = (Shard { index: 1, count: 3 }, appointment(&place));
        thread::spawn(move || {
            let meeting = Meeting::begin(shard, with, Stop::never()).unwrap();
            meeting.gather(identity("host1")).map(drop)
        })
    };
    let others: Vec<_> = [0, 2]
        .map(|index| Comes {
            shard: Shard { index, count: 3 },
            with: appointment(&place),
            identity: identity(&format!("host{index}")),
        })
        .into_iter()
        .map(|comes| thread::spawn(move || goes(comes)))
        .collect();
    assert_eq!(leaves.join().unwrap(), Ok(()));
    for other in others {
        let told = other.join().unwrap().unwrap_err().to_string();
        assert!(
            told.contains("shard 1 of 3 (host1) has left before the start"),
            "{told}"
        );
    }
}

#[test]
fn a_stop_ends_every_wait() {
    let (stopper, stop) = Stop::pair();
    let shard = Shard { index: 0, count: 2 };
    let meeting = Meeting::begin(shard, appointment(&place()), stop).unwrap();
    let waits = thread::spawn(move || meeting.gather(identity("host0")));
    stopper.stop();
    assert_eq!(waits.join().unwrap(), Err(Apart::Ended));
}

#[test]
fn a_place_that_is_taken_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = taken.local_addr().unwrap().to_string();
    let shard = Shard { index: 0, count: 2 };
    let told = Meeting::begin(shard, appointment(&place), Stop::never());
    let told = told.unwrap_err().to_string();
    assert!(
        told.contains(&format!("cannot listen at {place}")),
        "{told}"
    );
}

#[test]
fn a_token_is_never_shown() {
    let shown = format!("{:?}", appointment("host:1"));
    assert!(!shown.contains("the-token"), "{shown}");
}
