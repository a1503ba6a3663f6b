//! How much load a second of CPU simulates: `cargo bench --bench simulation`, and `--profile dev` for what plain
//! `cargo test` gets.
//!
//! 600 virtual seconds (60 without optimisation) of 50 requests per second with 128 streamed tokens each, next to the
//! same number of chunks through bare hyper: a hyper client that only counts, a hyper server that only sleeps, the
//! same pipes, the same clock. The difference is goodput's own cost.

#![allow(clippy::unwrap_used, reason = "a bench that cannot run panics")]

#[path = "support/cpu.rs"]
mod cpu;

use cpu::cpu;
use goodput::{
    Bench,
    clock::{Clock, on_virtual_time},
};
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::{
    Request, Response,
    body::{Bytes, Frame, Incoming},
    client, server,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{convert::Infallible, time::Duration};
use tokio::task::JoinSet;

const RATE: u64 = 50;
const TOKENS: u64 = 128;
const TTFT: Duration = Duration::from_millis(80);
const ITL: Duration = Duration::from_millis(10);
/// As long as an event of a chat answer.
const EVENT: [u8; 280] = [b'x'; 280];

fn main() {
    // cargo test builds and runs benchmark targets too, without this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let seconds = if cfg!(debug_assertions) { 60 } else { 600 };
    let requests = seconds * RATE;
    let events = requests * TOKENS;
    println!("{seconds} virtual seconds, {RATE} req/s, {TOKENS} tokens each: {events} events");
    println!("| round | goodput CPU s | bare hyper CPU s | ratio | µs an event | same bytes |");
    println!("|---|---|---|---|---|---|");
    let mut first = None;
    for round in 1..=3 {
        let (ours, report) = cpu(|| simulate(requests));
        let (bare, chunks) = cpu(|| bare(requests));
        assert_eq!(chunks, events);
        let same = first.get_or_insert_with(|| report.clone()) == &report;
        println!(
            "| {round} | {ours:.2} | {bare:.2} | {:.2} | {:.2} | {same} |",
            ours / bare,
            ours * 1e6 / events as f64
        );
    }
}

fn simulate(requests: u64) -> String {
    let report = Bench::new("simulation")
        .target("sim(ttft = lognormal(80ms, 30ms), itl = 10ms)")
        .backend("openai-chat")
        .dataset(format!("random(input = 8, output = {TOKENS})"))
        .rate(RATE as u32)
        .requests(usize::try_from(requests).unwrap())
        .run_blocking()
        .unwrap();
    assert_eq!(report.completed(), requests);
    report.to_string()
}

/// Chunks that arrived.
fn bare(requests: u64) -> u64 {
    // As many as a request's time takes of the rate.
    let connections = RATE * 3 / 2;
    on_virtual_time(async |clock| {
        let mut workers = JoinSet::new();
        for worker in 0..connections {
            let share = requests / connections + u64::from(worker < requests % connections);
            workers.spawn_local(one_connection(share, clock.clone()));
        }
        workers.join_all().await.iter().sum()
    })
    .unwrap()
}

async fn one_connection(requests: u64, clock: Clock) -> u64 {
    let (near, far) = tokio::io::duplex(64 << 10);
    let answer = service_fn(move |_: Request<Incoming>| {
        let clock = clock.clone();
        let start = clock.now().after(TTFT);
        let chunks = futures_util::stream::unfold((clock, start, 0), async |(clock, at, sent)| {
            if sent == TOKENS {
                return None;
            }
            clock.sleep_until(at).await;
            let chunk = Ok::<_, Infallible>(Frame::data(Bytes::from_static(&EVENT)));
            Some((chunk, (clock, at.after(ITL), sent + 1)))
        });
        async { Ok::<_, Infallible>(Response::new(StreamBody::new(Box::pin(chunks)))) }
    });
    let serving = server::conn::http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(TokioIo::new(far), answer);
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(near))
        .await
        .unwrap();
    // Each in a task of its own, as in the simulation.
    let mut tasks = JoinSet::new();
    tasks.spawn_local(async move { connection.await.unwrap() });
    tasks.spawn_local(async move { serving.await.unwrap() });
    let mut chunks = 0;
    for _ in 0..requests {
        sender.ready().await.unwrap();
        let request = Request::post("/").body(Empty::<Bytes>::new()).unwrap();
        let mut body = sender.send_request(request).await.unwrap().into_body();
        while let Some(frame) = body.frame().await {
            frame.unwrap();
            chunks += 1;
        }
    }
    drop(sender);
    tasks.join_all().await;
    chunks
}
