//! A shard that comes to shard 0.

use super::{
    Agreed, Apart, Meets, Reached,
    message::{Hello, PROTOCOL, ToLead, ToShard, Wire},
    offset::Offset,
};
use std::{
    io,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout, timeout_at},
};

/// Pings, of which the fastest counts.
const PINGS: usize = 16;

/// The pause after a first attempt to connect, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The limit on one attempt.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Shard 0 names the shard that is missing, so the others wait this much longer than it does.
const LONGER: Duration = Duration::from_secs(10);

pub(super) async fn meet(meets: &mut Meets) -> Result<(), Apart> {
    let mut wire = connected(meets).await?;
    meets.reached(Reached::Place)?;

    let identity = meets.identity().await?;
    let hello = Hello {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        token: meets.with.token.clone(),
        shard: meets.shard,
        identity,
    };
    let patience = meets.with.timeout + LONGER;
    let run = within(patience, async {
        say(&mut wire, &ToLead::Hello(Box::new(hello))).await?;
        match hear(&mut wire).await? {
            ToShard::Welcome { run } => Ok(run),
            _ => Err(unexpected()),
        }
    })
    .await?;
    meets.reached(Reached::Together(run))?;

    Meets::ready(&mut meets.asked).await?;
    let agreed = within(patience, started(&mut wire)).await?;
    meets.reached(Reached::Start(agreed))
}

/// Connects to shard 0, which listens once its server is ready.
async fn connected(meets: &Meets) -> Result<Wire, Apart> {
    let place = &meets.with.place;
    let began = Instant::now();
    let mut pause = PAUSES.0;
    loop {
        let attempt = async { Wire::new(TcpStream::connect(place.as_str()).await?) };
        let left = meets.with.timeout.saturating_sub(began.elapsed());
        let why = match timeout(ATTEMPT.min(left), attempt).await {
            Ok(Ok(wire)) => return Ok(wire),
            Ok(Err(e)) => e.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        let left = meets.with.timeout.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Err(Apart::why(format!(
                "shard 0 of {} did not come to {place} within {} s; the last attempt: {why}. It listens once its server \
                 is ready",
                meets.shard.count,
                meets.with.timeout.as_secs_f64(),
            )));
        }
        sleep(pause.min(left)).await;
        pause = (2 * pause).min(PAUSES.1);
    }
}

/// Measures the offset, says that this shard is ready, and returns the common start.
async fn started(wire: &mut Wire) -> Result<Agreed, Apart> {
    let origin = Instant::now();
    let now = || i64::try_from(origin.elapsed().as_nanos()).unwrap_or(i64::MAX);
    let mut offset: Option<Offset> = None;
    for _ in 0..PINGS {
        let sent = now();
        say(wire, &ToLead::Ping).await?;
        let ToShard::Pong { at } = hear(wire).await? else {
            return Err(unexpected());
        };
        let ping = Offset::of_ping(sent, at, now());
        offset = Some(offset.map_or(ping, |best| best.or(ping)));
    }
    let offset = offset.ok_or_else(unexpected)?;
    say(wire, &ToLead::Ready).await?;
    let ToShard::Start { at, wall } = hear(wire).await? else {
        return Err(unexpected());
    };
    let here = u64::try_from(offset.here(at)).ok();
    let at = here.map(|at| origin + Duration::from_nanos(at));
    let Some(at) = at.filter(|at| *at > Instant::now()) else {
        return Err(Apart::why(
            "this shard heard of the start too late: the network or this machine is too slow",
        ));
    };
    say(wire, &ToLead::Set).await?;
    match timeout_at(at.into(), hear(wire)).await {
        Ok(Ok(ToShard::Go)) => Ok(Agreed {
            at,
            wall,
            offset: Some(offset),
        }),
        Ok(Ok(_)) => Err(unexpected()),
        Ok(Err(apart)) => Err(apart),
        Err(_) => Err(Apart::why(
            "shard 0 did not confirm the start: another shard has left, or the network is too slow",
        )),
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Apart>>,
) -> Result<T, Apart> {
    match timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(Apart::why(format!(
            "shard 0 has said nothing for {} s",
            limit.as_secs_f64()
        ))),
    }
}

async fn say(wire: &mut Wire, message: &ToLead) -> Result<(), Apart> {
    wire.say(message).await.map_err(|e| gone(&e))
}

/// What shard 0 says, unless it stops all.
async fn hear(wire: &mut Wire) -> Result<ToShard, Apart> {
    match wire.hear().await {
        Ok(ToShard::Stop { why }) => Err(Apart::Why(why)),
        Ok(said) => Ok(said),
        Err(e) => Err(gone(&e)),
    }
}

fn gone(e: &io::Error) -> Apart {
    match e.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => {
            Apart::why("shard 0 has left before the start; its own output says why")
        }
        _ => Apart::why(format!("the connection to shard 0 failed: {e}")),
    }
}

fn unexpected() -> Apart {
    Apart::why(
        "what listens at the rendezvous is not shard 0 of this run: it said something unexpected",
    )
}
