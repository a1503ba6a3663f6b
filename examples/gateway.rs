//! An LLM gateway written in Rust whose SLO is kept as a test: it is measured in this process,
//! without a socket, on virtual time.
//!
//! `cargo run --example gateway` measures two versions. The second waits for the whole answer of
//! the model before it passes the first token on: every answer is right, no unit test would
//! notice, and the bench does.

use axum::{
    Router,
    body::{Body, Bytes},
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::{Stream, StreamExt, stream};
use goodput::{Service, llm_bench};
use std::{convert::Infallible, time::Duration};
use tokio::time::sleep;

const TOKENS: usize = 20;

/// The model behind the gateway: a token every 10 ms, the first after 40.
fn model() -> impl Stream<Item = Bytes> {
    stream::iter(0..TOKENS).then(|index| async move {
        sleep(Duration::from_millis(if index == 0 { 40 } else { 10 })).await;
        let finish = if index + 1 == TOKENS {
            "\"length\""
        } else {
            "null"
        };
        let event = format!(
            "data: {{\"choices\":[{{\"index\":0,\"text\":\" w\",\"finish_reason\":{finish}}}]}}\n\n"
        );
        Bytes::from(event)
    })
}

fn answer(body: Body) -> Response {
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// Passes each token on as it comes.
async fn streaming() -> Response {
    answer(Body::from_stream(model().map(Ok::<_, Infallible>)))
}

/// Gathers the answer, to log it, and only then sends it.
async fn logging() -> Response {
    let events: Vec<Bytes> = model().collect().await;
    answer(Body::from(events.concat()))
}

fn gateway(version: &str) -> Service {
    let router = match version {
        "streaming" => Router::new().route("/v1/completions", post(streaming)),
        _ => Router::new().route("/v1/completions", post(logging)),
    };
    Service::new(router).on_virtual_time()
}

#[llm_bench(
    target = gateway("streaming"),
    model = "any",
    dataset = "random(input = 16, output = 20)",
    rate = 50,
    requests = 300,
    slo = "p99(ttft) < 50ms, errors < 1%"
)]
fn passes_tokens_on() {}

/// The same SLO finds the bug.
#[llm_bench(
    target = gateway("logging"),
    model = "any",
    dataset = "random(input = 16, output = 20)",
    rate = 50,
    requests = 300,
    slo = "p99(ttft) < 50ms, errors < 1%",
    expect = "fail"
)]
fn holds_tokens_back() {}

goodput::main!();
