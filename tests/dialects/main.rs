//! Everything that the simulated server speaks: its shape against recorded answers of real servers, and
//! what each fault does in each dialect.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod faults;
mod metrics;
mod pooled;
mod shapes;
#[path = "../support/simulated.rs"]
mod simulated;
mod spoken;
mod vocabulary;

use goodput::{
    clock::{Clock, Nanos, on_virtual_time},
    grammar::{fault, sim::Script},
    sim::SimServer,
};
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, body::Bytes, client::conn::http1::handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use simulated::Simulated;
use tokio::task::JoinSet;

/// An answer as a client saw it.
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// When the head was there.
    pub(crate) head_at: Nanos,
    /// The chunks of the body and when each was there.
    pub(crate) chunks: Vec<(Nanos, Bytes)>,
    pub(crate) end: End,
}

/// How a body ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Complete,
    Broken,
    /// Nothing came for a minute.
    Silent,
}

impl Answered {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let each = self.chunks.iter().map(|(_, chunk)| chunk.as_ref());
        each.collect::<Vec<_>>().concat()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes()).unwrap()
    }
}

/// A server with these faults whose first token is ready after 50 ms and each other 10 ms later.
pub(crate) fn server(faults: &str) -> SimServer {
    let faults = match faults {
        "" => Vec::new(),
        faults => fault::parse(faults).unwrap(),
    };
    SimServer::new(Script {
        faults,
        ..Script::default()
    })
}

/// Runs `work` with a simulation in virtual time.
pub(crate) fn simulate<T>(server: SimServer, work: impl AsyncFnOnce(&Simulated, Clock) -> T) -> T {
    on_virtual_time(async |clock| {
        let server = Simulated::new(server, clock.clone());
        work(&server, clock).await
    })
    .unwrap()
}

/// Posts a body; `None` when the connection is closed before there is an answer.
pub(crate) async fn post(
    server: &Simulated,
    clock: &Clock,
    path: &str,
    body: &Value,
) -> Option<Answered> {
    let request = Request::post(path).body(Full::from(body.to_string()));
    send(server, clock, request.unwrap()).await
}

pub(crate) async fn get(server: &Simulated, clock: &Clock, path: &str) -> Answered {
    let request = Request::get(path).body(Full::default()).unwrap();
    send(server, clock, request).await.unwrap()
}

async fn send(
    server: &Simulated,
    clock: &Clock,
    request: Request<Full<Bytes>>,
) -> Option<Answered> {
    let (mut sender, connection) = handshake(TokioIo::new(server.connect())).await.ok()?;
    let mut driver = JoinSet::new();
    driver.spawn(async { drop(connection.await) });
    let response = sender.send_request(request).await.ok()?;
    let head_at = clock.now();
    let (head, mut body) = response.into_parts();
    let mut chunks = Vec::new();
    let end = loop {
        let patience = Nanos(clock.now().0 + 60_000_000_000);
        match clock.timeout_at(patience, body.frame()).await {
            Err(_) => break End::Silent,
            Ok(None) => break End::Complete,
            Ok(Some(Err(_))) => break End::Broken,
            Ok(Some(Ok(frame))) => chunks.push((clock.now(), frame.into_data().unwrap())),
        }
    };
    Some(Answered {
        status: head.status.as_u16(),
        headers: head.headers,
        head_at,
        chunks,
        end,
    })
}

/// One answer of a server.
pub(crate) fn answer(faults: &str, path: &str, body: &Value) -> Option<Answered> {
    simulate(server(faults), async |server, clock| {
        post(server, &clock, path, body).await
    })
}
