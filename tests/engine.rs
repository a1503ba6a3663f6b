//! The simulated server with an engine, from outside.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/simulated.rs"]
mod simulated;

use goodput::{
    Bench, Report, Simulation,
    clock::{Clock, Nanos, on_virtual_time},
    grammar::sim::Script,
    sim::{SimServer, engine::EngineConfig},
};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1::handshake,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use simulated::Simulated;
use std::sync::Arc;
use tokio::task::JoinSet;

const COMPLETIONS: &str = "/v1/completions";

/// Steps of 10 ms, whatever is in them.
fn linear() -> EngineConfig {
    EngineConfig::preset("linear").unwrap()
}

/// Runs `work` with a server that has this engine, in virtual time.
fn simulate<T>(engine: EngineConfig, work: impl AsyncFnOnce(Arc<Simulated>, Clock) -> T) -> T {
    let script = Script {
        engine: Some(Box::new(engine)),
        model: "base".to_owned(),
        ..Script::default()
    };
    on_virtual_time(async |clock| {
        let server = Simulated::new(SimServer::new(script), clock.clone());
        work(Arc::new(server), clock).await
    })
    .unwrap()
}

/// Sends one request over a connection of its own, which lives as long as the returned set.
async fn send(
    server: &Simulated,
    request: Request<Full<Bytes>>,
) -> (Response<Incoming>, JoinSet<()>) {
    let (mut sender, connection) = handshake(TokioIo::new(server.connect())).await.unwrap();
    let mut driver = JoinSet::new();
    driver.spawn(async { drop(connection.await) });
    (sender.send_request(request).await.unwrap(), driver)
}

fn post(path: &str, body: &Value) -> Request<Full<Bytes>> {
    Request::post(path)
        .body(Full::from(body.to_string()))
        .unwrap()
}

/// Status and JSON of an answer in one piece.
async fn ask(server: &Simulated, request: Request<Full<Bytes>>) -> (u16, Value) {
    let (response, _connection) = send(server, request).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

/// When each chunk arrived, in milliseconds, and its bytes.
async fn chunks(mut body: Incoming, clock: &Clock) -> Vec<(f64, String)> {
    let mut chunks = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        let text = String::from_utf8(data.to_vec()).unwrap();
        chunks.push((clock.now().as_millis_f64(), text));
    }
    chunks
}

#[test]
fn an_answer_in_one_piece_takes_as_many_steps_as_tokens() {
    simulate(linear(), async |server, clock| {
        let request = post(COMPLETIONS, &json!({"prompt": [1, 2, 3], "max_tokens": 4}));
        let (status, body) = ask(&server, request).await;
        assert_eq!((status, clock.now()), (200, Nanos(40_000_000)));
        assert_eq!(body["choices"][0]["text"], " the of and to");
        let state = server.server().engine().unwrap().state();
        assert_eq!((state.prompt_tokens, state.generation_tokens), (3, 4));
    });
}

#[test]
fn drafts_come_in_one_chunk() {
    let engine = EngineConfig {
        num_speculative_tokens: 2,
        acceptance: 1.0,
        ..linear()
    };
    simulate(engine, async |server, clock| {
        let body = json!({"prompt": [1], "max_tokens": 5, "stream": true});
        let (response, _connection) = send(&server, post(COMPLETIONS, &body)).await;
        let chunks = chunks(response.into_body(), &clock).await;
        let found: Vec<_> = chunks
            .iter()
            .filter_map(|(at, event)| {
                let event: Value = serde_json::from_str(event.strip_prefix("data: ")?).ok()?;
                Some((*at, event["choices"][0]["text"].as_str()?.to_owned()))
            })
            .collect();
        let expected = [(10.0, " the"), (20.0, " of and to"), (30.0, " in")];
        assert_eq!(found, expected.map(|(at, text)| (at, text.to_owned())));
        assert_eq!(chunks.last().unwrap().1, "data: [DONE]\n\n");
    });
}

#[test]
fn a_client_that_leaves_gives_its_blocks_back() {
    simulate(linear(), async |server, clock| {
        let body = json!({"prompt": [1, 2, 3], "max_tokens": 1_000, "stream": true});
        let (response, connection) = send(&server, post(COMPLETIONS, &body)).await;
        clock.sleep_until(Nanos(55_000_000)).await;
        let engine = server.server().engine().unwrap();
        assert_eq!((engine.state().running, engine.state().blocks_used), (1, 1));
        drop((response, connection));
        clock.sleep_until(Nanos(75_000_000)).await;
        let state = engine.state();
        assert_eq!(
            (state.running, state.blocks_used, state.cancelled),
            (0, 0, 1)
        );
        assert_eq!(server.server().in_flight(), 0);
    });
}

#[test]
fn prompts_that_start_alike_are_computed_once() {
    simulate(linear(), async |server, _| {
        for last in [7, 8] {
            let prompt: Vec<u64> = (0..40).chain([last]).collect();
            ask(
                &server,
                post(COMPLETIONS, &json!({"prompt": prompt, "max_tokens": 1})),
            )
            .await;
        }
        let state = server.server().engine().unwrap().state();
        // Two blocks of 16 tokens.
        assert_eq!((state.prefix_queries, state.prefix_hits), (82, 32));
    });
}

#[test]
fn adapters_are_models_that_share_the_slots() {
    let engine = EngineConfig {
        lora_modules: ["sql", "chat"].map(str::to_owned).into(),
        ..linear()
    };
    simulate(engine, async |server, clock| {
        let (_, models) = ask(
            &server,
            Request::get("/v1/models").body(Full::default()).unwrap(),
        )
        .await;
        let models = models["data"].as_array().unwrap();
        let models: Vec<_> = models
            .iter()
            .map(|m| (m["id"].as_str(), m["parent"].as_str()))
            .collect();
        let base = Some("base");
        assert_eq!(
            models,
            [(base, None), (Some("sql"), base), (Some("chat"), base)]
        );

        let request = |model: &str| {
            post(
                COMPLETIONS,
                &json!({"model": model, "prompt": [1], "max_tokens": 3}),
            )
        };
        let (status, _) = ask(&server, request("nope")).await;
        assert_eq!((status, clock.now()), (404, Nanos(0)));
        let mut all = JoinSet::new();
        for model in ["sql", "chat", "base"] {
            let (server, clock, request) = (server.clone(), clock.clone(), request(model));
            all.spawn(async move {
                let (status, _) = ask(&server, request).await;
                (model, status, clock.now().0 / 1_000_000)
            });
        }
        let mut done = all.join_all().await;
        done.sort_unstable_by_key(|(_, _, at)| *at);
        // There is one slot, so that the second adapter waits until the first has left it.
        let models: Vec<_> = done
            .iter()
            .map(|(model, status, _)| (*model, *status))
            .collect();
        assert_eq!(models.last(), Some(&("chat", 200)));
        assert_eq!(done.last().unwrap().2 - done[0].2, 30);
    });
}

#[test]
fn what_could_never_fit_is_refused() {
    let engine = EngineConfig {
        num_blocks: 4,
        ..linear()
    };
    simulate(engine, async |server, clock| {
        let (status, body) = ask(
            &server,
            post(COMPLETIONS, &json!({"prompt": [1, 2], "max_tokens": 63})),
        )
        .await;
        assert_eq!((status, clock.now()), (400, Nanos(0)));
        let message = body["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("maximum context length is 64 tokens"),
            "{message}"
        );
        assert!(
            message.contains("requested 65 tokens (2 in the prompt, 63"),
            "{message}"
        );
        assert_eq!(server.server().accepted(), 0);
    });
}

fn bench(target: &str, rate: f64) -> Report {
    Bench::new("engine")
        .backend("openai-chat")
        .target(target)
        .dataset("random(input = 256, output = 32)")
        .rate(rate)
        .requests(100)
        .run_blocking()
        .unwrap()
}

#[test]
fn load_makes_an_engine_slow() {
    let target = "sim(engine = \"llama-3-8b@h100\", max_num_seqs = 8)";
    let (calm, busy) = (bench(target, 2.0), bench(target, 100.0));
    assert_eq!((calm.completed(), busy.completed()), (100, 100));
    // Alone, a request has its first token after one step: 16.06 GB of weights at 2.68 TB/s, and some
    // 260 prompt tokens of 32.5 µs; it waits for at most one other step.
    let ttft = calm.ttft().mean;
    assert!((14.0..24.0).contains(&ttft), "{ttft} ms");
    // 8 slots make 8 tokens in 6.3 ms or more, which is 1,270 a second; 3,200 are wanted.
    assert!(busy.ttft().mean > 10.0 * ttft);
    assert!(busy.tpot().mean > calm.tpot().mean);
}

#[test]
fn the_same_bench_gives_the_same_run() {
    let target = "sim(engine = linear, num_speculative_tokens = 3, max_num_seqs = 8, seed = 4)";
    let (first, second) = (bench(target, 40.0), bench(target, 40.0));
    assert_eq!(first.run(), second.run());
    let other = bench(
        "sim(engine = linear, num_speculative_tokens = 3, max_num_seqs = 8, seed = 5)",
        40.0,
    );
    assert_ne!(first.run().records, other.run().records);
}

#[test]
fn an_impossible_engine_is_an_error_that_names_the_field() {
    let engine = EngineConfig {
        block_size: 0,
        ..linear()
    };
    let bench = Bench::new("engine").target(Simulation::new().engine(engine));
    let error = bench.run_blocking().unwrap_err().to_string();
    assert!(error.contains("`block_size = 0`"), "{error}");
}
