//! Shard 0, to which the others come.

use super::{
    AHEAD, Agreed, Apart, Identity, Meets, Reached,
    listen::listen,
    message::{Hello, PROTOCOL, ToLead, ToShard, Wire},
};
use crate::shard::named;
use futures_util::future::{join_all, try_join_all};
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    io,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    task::JoinSet,
    time::{sleep_until, timeout_at},
};

/// The limit on one message to a shard that does not read.
const LONGEST_SAY: Duration = Duration::from_secs(5);

/// How long shard 0 says why the run does not start to those that come too late.
const LATE: Duration = Duration::from_secs(10);

/// Connections that have not said what they are.
const STRANGERS: usize = 64;

/// Another shard that is here.
struct Peer {
    wire: Wire,
    host: String,
    index: usize,
}

/// What is wrong with a newcomer.
enum Refused {
    /// A process that is not part of this run, which goes on.
    Stranger(&'static str),
    /// A shard with which the run cannot start.
    Spoils(String),
}

pub(super) async fn meet(meets: &mut Meets) -> Result<(), Apart> {
    let place = &meets.with.place;
    let listener = listen(place).await.map_err(|e| {
        Apart::why(format!(
            "shard 0 cannot listen at {place}: {e}. Name an address of this machine and a free port"
        ))
    })?;
    meets.reached(Reached::Place)?;

    let identity = meets.identity().await?;
    let mut room = Room {
        count: meets.shard.count,
        token: meets.with.token.clone(),
        identity,
        peers: Vec::new(),
        know: 0,
        origin: Instant::now(),
    };
    let met = async {
        room.gather(&listener, meets.with.timeout).await?;
        let run = drawn();
        room.tell(&ToShard::Welcome { run: run.clone() }).await?;
        meets.reached(Reached::Together(run))?;
        let limit = meets.with.timeout;
        let asked = &mut meets.asked;
        tokio::try_join!(room.ready(limit), async {
            // Without a limit of its own: what shard 0 does before it is ready has limits.
            Meets::ready(asked).await.map_err(|_| {
                Apart::why("shard 0 gave up before the start; its own output says why")
            })
        })?;
        room.start().await
    };
    match met.await {
        Ok(agreed) => meets.reached(Reached::Start(agreed)),
        Err(apart) => {
            room.stop(&apart).await;
            room.refuse_late(&listener, &apart).await;
            Err(apart)
        }
    }
}

/// A name that no other run has.
fn drawn() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// The shards that are here.
struct Room {
    count: usize,
    token: Option<String>,
    identity: Identity,
    peers: Vec<Peer>,
    /// Number of other shards that know why the run does not start.
    know: usize,
    /// Where the clock of shard 0 counts from.
    origin: Instant,
}

impl Room {
    /// Waits until all shards are here.
    async fn gather(&mut self, listener: &TcpListener, limit: Duration) -> Result<(), Apart> {
        if let Some(restarted) = &self.identity.restarted {
            return Err(restarted_shard(
                0,
                self.count,
                &self.identity.host,
                restarted,
            ));
        }
        let until = Instant::now() + limit;
        let mut newcomers: JoinSet<io::Result<(Wire, Hello)>> = JoinSet::new();
        while self.peers.len() + 1 < self.count {
            let most = self.count + STRANGERS;
            select! {
                biased;
                Some(said) = newcomers.join_next(), if !newcomers.is_empty() => {
                    if let Ok(Ok((wire, hello))) = said {
                        self.admit(wire, hello).await?;
                    }
                }
                () = sleep_until(until.into()) => {
                    // All have had their time.
                    self.know = self.count;
                    return Err(self.missing(limit));
                }
                accepted = listener.accept(), if newcomers.len() < most => {
                    let Ok((stream, _)) = accepted else { continue };
                    newcomers.spawn(introduced(stream, until));
                }
            }
        }
        Ok(())
    }

    async fn admit(&mut self, mut wire: Wire, hello: Hello) -> Result<(), Apart> {
        match self.check(&hello) {
            Ok(()) => {
                self.peers.push(Peer {
                    wire,
                    host: hello.identity.host,
                    index: hello.shard.index,
                });
                Ok(())
            }
            Err(Refused::Stranger(why)) => {
                let why = why.to_owned();
                let _ = said(&mut wire, &ToShard::Stop { why }).await;
                Ok(())
            }
            Err(Refused::Spoils(why)) => {
                let stop = ToShard::Stop { why: why.clone() };
                self.know += usize::from(said(&mut wire, &stop).await.is_ok());
                Err(Apart::Why(why))
            }
        }
    }

    fn check(&self, hello: &Hello) -> Result<(), Refused> {
        if self.token != hello.token {
            return Err(Refused::Stranger(
                "shard 0 has another token. Give all shards the same GOODPUT_RENDEZVOUS_TOKEN",
            ));
        }
        let Hello {
            shard, identity, ..
        } = hello;
        let host = &identity.host;
        let who = format!("shard {} of {} ({host})", shard.index, shard.count);
        let spoils = |why: String| Err(Refused::Spoils(format!("{who} {why}")));
        let version = env!("CARGO_PKG_VERSION");
        if hello.protocol != PROTOCOL || hello.version != version {
            let theirs = &hello.version;
            return spoils(format!(
                "has goodput {theirs}, and shard 0 has {version}. Install the same version everywhere"
            ));
        }
        if shard.count != self.count {
            let count = self.count;
            return spoils(format!(
                "came to a run of {count} shards. Give all shards the same number"
            ));
        }
        if let Some(restarted) = &identity.restarted {
            let apart = restarted_shard(shard.index, shard.count, host, restarted);
            return Err(Refused::Spoils(apart.to_string()));
        }
        let same = match shard.index {
            0 => Some(&self.identity.host),
            index => self
                .peers
                .iter()
                .find(|p| p.index == index)
                .map(|p| &p.host),
        };
        if let Some(first) = same {
            return spoils(format!(
                "is there twice: the first one is on {first}. Each process needs a number of its own, and a process that \
                 was started again cannot take part"
            ));
        }
        if identity.plan != self.identity.plan {
            let (theirs, ours) = (&identity.plan, &self.identity.plan);
            return spoils(format!(
                "has another plan ({theirs}) than shard 0 ({ours}). Give all shards the same flags, files and tokenizer"
            ));
        }
        if identity.settings != self.identity.settings {
            return spoils(
                "has other settings than shard 0. Give all shards the same flags".to_owned(),
            );
        }
        Ok(())
    }

    fn missing(&self, limit: Duration) -> Apart {
        let here = |index: &usize| self.peers.iter().any(|peer| peer.index == *index);
        let missing: Vec<usize> = (1..self.count).filter(|index| !here(index)).collect();
        Apart::why(format!(
            "{} of {} did not come within {} s. Check that all shards run at the same time, or raise \
             --rendezvous-timeout",
            named(&missing),
            self.count,
            limit.as_secs_f64(),
        ))
    }

    /// Answers pings until all shards are ready.
    async fn ready(&mut self, limit: Duration) -> Result<(), Apart> {
        let until = Instant::now() + limit;
        let (origin, count) = (self.origin, self.count);
        let each = self.peers.iter_mut().map(|peer| async move {
            loop {
                let heard = timeout_at(until.into(), peer.wire.hear()).await;
                match heard {
                    Ok(Ok(ToLead::Ping)) => {
                        let pong = ToShard::Pong {
                            at: nanos(origin.elapsed()),
                        };
                        peer.wire.say(&pong).await.map_err(|_| peer.left(count))?;
                    }
                    Ok(Ok(ToLead::Ready)) => return Ok(()),
                    Ok(_) => return Err(peer.left(count)),
                    Err(_) => {
                        let (who, seconds) = (peer.name(count), limit.as_secs_f64());
                        return Err(Apart::why(format!(
                            "{who} was not ready within {seconds} s. Raise --rendezvous-timeout"
                        )));
                    }
                }
            }
        });
        try_join_all(each).await.map(drop)
    }

    /// Announces the start, and confirms it once all shards know the time.
    async fn start(&mut self) -> Result<Agreed, Apart> {
        let at = Instant::now() + AHEAD;
        let since = (SystemTime::now() + AHEAD).duration_since(UNIX_EPOCH);
        let wall = since.map_or(0, |since| nanos(since).unsigned_abs());
        let there = nanos(at - self.origin);
        self.tell(&ToShard::Start { at: there, wall }).await?;
        let until = at - AHEAD / 2;
        let count = self.count;
        let each = self.peers.iter_mut().map(|peer| async move {
            match timeout_at(until.into(), peer.wire.hear()).await {
                Ok(Ok(ToLead::Set)) => Ok(()),
                Ok(_) => Err(peer.left(count)),
                Err(_) => {
                    let who = peer.name(count);
                    Err(Apart::why(format!(
                        "{who} did not confirm the start: its network or its machine is too slow"
                    )))
                }
            }
        });
        try_join_all(each).await?;
        self.tell(&ToShard::Go).await?;
        Ok(Agreed {
            at,
            wall,
            offset: None,
        })
    }

    /// Says the same to all.
    async fn tell(&mut self, message: &ToShard) -> Result<(), Apart> {
        let count = self.count;
        let each = self.peers.iter_mut().map(|peer| async move {
            let told = said(&mut peer.wire, message).await;
            told.map_err(|_| peer.left(count))
        });
        try_join_all(each).await.map(drop)
    }

    /// Says to all why they must not start.
    async fn stop(&mut self, apart: &Apart) {
        let stop = ToShard::Stop {
            why: apart.to_string(),
        };
        let each = self
            .peers
            .iter_mut()
            .map(|peer| said(&mut peer.wire, &stop));
        join_all(each).await;
        self.know += self.peers.len();
    }

    /// Waits a little for shards that are on their way, so that they do not wait for a run that does not start.
    async fn refuse_late(&self, listener: &TcpListener, apart: &Apart) {
        let until = Instant::now() + LATE;
        let mut newcomers: JoinSet<bool> = JoinSet::new();
        let mut know = self.know;
        while know + 1 < self.count {
            let most = self.count + STRANGERS;
            select! {
                biased;
                Some(told) = newcomers.join_next(), if !newcomers.is_empty() => {
                    know += usize::from(told.unwrap_or(false));
                }
                () = sleep_until(until.into()) => return,
                accepted = listener.accept(), if newcomers.len() < most => {
                    let Ok((stream, _)) = accepted else { continue };
                    let why = apart.to_string();
                    let token = self.token.clone();
                    newcomers.spawn(async move {
                        let Ok((mut wire, hello)) = introduced(stream, until).await else {
                            return false;
                        };
                        let ours = hello.token == token;
                        ours && said(&mut wire, &ToShard::Stop { why }).await.is_ok()
                    });
                }
            }
        }
    }
}

/// A newcomer's first words.
async fn introduced(stream: TcpStream, until: Instant) -> io::Result<(Wire, Hello)> {
    let mut wire = Wire::new(stream)?;
    // A shard may make its plan first.
    match timeout_at(until.into(), wire.hear()).await?? {
        ToLead::Hello(hello) => Ok((wire, *hello)),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

impl Peer {
    fn name(&self, count: usize) -> String {
        format!("shard {} of {count} ({})", self.index, self.host)
    }

    fn left(&self, count: usize) -> Apart {
        let who = self.name(count);
        Apart::why(format!(
            "{who} has left before the start; its own output says why"
        ))
    }
}

async fn said(wire: &mut Wire, message: &ToShard) -> io::Result<()> {
    let until = Instant::now() + LONGEST_SAY;
    timeout_at(until.into(), wire.say(message)).await?
}

fn restarted_shard(index: usize, count: usize, host: &str, restarted: &str) -> Apart {
    Apart::why(format!(
        "shard {index} of {count} ({host}) was started again ({restarted}), so its part may have been sent before. Submit \
         the job anew, with `--no-requeue`"
    ))
}

fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}
