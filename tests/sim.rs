//! The simulated server from outside: over pipes on the virtual clock, and on a port.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/simulated.rs"]
mod simulated;

use goodput::{
    clock::{Clock, Nanos, on_real_time, on_virtual_time},
    grammar::sim::{Distribution, Script},
    sim::SimServer,
};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, client::conn::http1::handshake};
use hyper_util::rt::TokioIo;
use rand::SeedableRng;
use rand_distr::{Distribution as _, Exp};
use rand_pcg::Pcg64Mcg;
use rstest::rstest;
use serde_json::{Value, json};
use simulated::Simulated;
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    task::JoinSet,
};
use xxhash_rust::xxh3::Xxh3;

const CHAT: &str = "/v1/chat/completions";
const COMPLETIONS: &str = "/v1/completions";

fn script() -> Script {
    Script {
        ttft: Distribution::Constant(Duration::from_millis(50)),
        itl: Distribution::Constant(Duration::from_micros(5_300)),
        ..Script::default()
    }
}

/// Runs `work` with a simulation in virtual time.
fn simulate<T>(server: SimServer, work: impl AsyncFnOnce(Arc<Simulated>, Clock) -> T) -> T {
    on_virtual_time(async |clock| {
        let server = Arc::new(Simulated::new(server, clock.clone()));
        work(server, clock).await
    })
    .unwrap()
}

/// Sends one request over a connection of its own, which lives as long as the returned set.
async fn send<IO>(io: IO, request: Request<Full<Bytes>>) -> (Response<Incoming>, JoinSet<()>)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = handshake(TokioIo::new(io)).await.unwrap();
    let mut driver = JoinSet::new();
    driver.spawn(async { drop(connection.await) });
    (sender.send_request(request).await.unwrap(), driver)
}

fn post(path: &str, body: &Value) -> Request<Full<Bytes>> {
    Request::post(path)
        .body(Full::from(body.to_string()))
        .unwrap()
}

/// The chunks of a body and when they arrived.
async fn chunks(mut body: Incoming, clock: &Clock) -> Vec<(Nanos, Bytes)> {
    let mut chunks = Vec::new();
    while let Some(frame) = body.frame().await {
        chunks.push((clock.now(), frame.unwrap().into_data().unwrap()));
    }
    chunks
}

/// Status and JSON of an answer, which is null when the body is empty.
async fn ask(server: &Simulated, request: Request<Full<Bytes>>) -> (u16, Value) {
    let (response, _connection) = send(server.connect(), request).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[rstest]
#[case::chat(CHAT, json!({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 4, "stream": true}))]
#[case::completions(COMPLETIONS, json!({"prompt": "hi", "max_tokens": 4, "stream": true}))]
fn tokens_arrive_to_the_microsecond(#[case] path: &str, #[case] body: Value) {
    let chunks = simulate(SimServer::new(script()), async |server, clock| {
        clock.sleep_until(Nanos(1_234_000)).await;
        let (response, _connection) = send(server.connect(), post(path, &body)).await;
        assert_eq!(
            response.headers()["content-type"],
            "text/event-stream; charset=utf-8"
        );
        assert_eq!(response.headers()["transfer-encoding"], "chunked");
        chunks(response.into_body(), &clock).await
    });
    let mut micros: Vec<_> = chunks
        .iter()
        .map(|(at, _)| (at.0 - 1_234_000) / 1_000)
        .collect();
    assert_eq!(chunks.last().unwrap().1, "data: [DONE]\n\n");
    // One chunk an event: chat's role event is written with the first token, `[DONE]` with the last.
    assert_eq!(micros.len(), if path == CHAT { 6 } else { 5 });
    micros.dedup();
    assert_eq!(micros, [50_000, 55_300, 60_600, 65_900]);
}

#[test]
fn an_answer_in_one_piece_takes_as_long_as_its_stream() {
    simulate(SimServer::new(script()), async |server, clock| {
        let request = post(COMPLETIONS, &json!({"prompt": [1, 2, 3], "max_tokens": 4}));
        let (status, body) = ask(&server, request).await;
        assert_eq!((status, clock.now()), (200, Nanos(65_900_000)));
        assert_eq!(body["choices"][0]["text"], " the of and to");
        assert_eq!(
            body["usage"],
            json!({"prompt_tokens": 3, "total_tokens": 7, "completion_tokens": 4,
                "prompt_tokens_details": null, "completion_tokens_details": null})
        );
    });
}

/// Hash over the time and bytes of every chunk of 200 requests.
fn hash_of_a_run(seed: u64) -> u64 {
    let script = Script {
        ttft: Distribution::LogNormal(Duration::from_millis(80), Duration::from_millis(60)),
        itl: Distribution::Exponential(Duration::from_millis(7)),
        seed,
        ..Script::default()
    };
    simulate(SimServer::new(script), async |server, clock| {
        let gaps = Exp::new(50.0).unwrap();
        let mut rng = Pcg64Mcg::seed_from_u64(3);
        let mut at = 0.0;
        let mut requests = JoinSet::new();
        for index in 0..200_usize {
            at += gaps.sample(&mut rng);
            let (at, server, clock) = (Nanos::from_secs_f64(at), server.clone(), clock.clone());
            requests.spawn(async move {
                clock.sleep_until(at).await;
                let body = json!({
                    "messages": [{"role": "user", "content": "x".repeat(index)}],
                    "max_tokens": 1 + index % 40,
                    "stream": true,
                    "stream_options": {"include_usage": true},
                });
                let (response, _connection) = send(server.connect(), post(CHAT, &body)).await;
                (index, chunks(response.into_body(), &clock).await)
            });
        }
        let mut all = requests.join_all().await;
        all.sort_unstable_by_key(|&(index, _)| index);
        assert_eq!(server.server().accepted(), 200);
        assert_eq!(server.server().in_flight(), 0);
        let mut hash = Xxh3::new();
        for (at, bytes) in all.into_iter().flat_map(|(_, chunks)| chunks) {
            hash.update(&at.0.to_le_bytes());
            hash.update(&bytes);
        }
        hash.digest()
    })
}

#[test]
fn a_simulation_is_the_same_every_time() {
    let first = hash_of_a_run(1);
    assert_eq!(first, hash_of_a_run(1));
    assert_ne!(first, hash_of_a_run(2), "the seed must matter");
}

/// The requests in a capture, by their `content-length`.
fn captured(mut text: &[u8]) -> Vec<&[u8]> {
    let mut requests = Vec::new();
    while let Some(head) = text.windows(4).position(|four| four == b"\r\n\r\n") {
        let head = head + 4;
        let fields = std::str::from_utf8(&text[..head]).unwrap().to_lowercase();
        let length = fields.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        requests.push(&text[..head + length]);
        text = text[head + length..].trim_ascii_start();
    }
    requests
}

#[rstest]
#[case::aiperf(include_bytes!("fixtures/clients/aiperf.txt"), 100)]
#[case::guidellm(include_bytes!("fixtures/clients/guidellm.txt"), 100)]
#[case::inference_perf(include_bytes!("fixtures/clients/inference-perf.txt"), 30)]
#[case::sglang_py(include_bytes!("fixtures/clients/sglang-py.txt"), 100)]
#[case::sglang_rust(include_bytes!("fixtures/clients/sglang-rust.txt"), 100)]
#[case::vllm(include_bytes!("fixtures/clients/vllm.txt"), 100)]
fn requests_of_other_clients_are_served(#[case] capture: &[u8], #[case] tokens_of_the_last: usize) {
    let requests = captured(capture);
    assert_eq!(requests.len(), 2);
    let answers = simulate(SimServer::new(script()), async |server, _clock| {
        let mut connection = server.connect();
        let mut answers = Vec::new();
        for request in requests {
            connection.write_all(request).await.unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n0\r\n\r\n") {
                assert_ne!(connection.read_buf(&mut answer).await.unwrap(), 0);
            }
            answers.push(String::from_utf8(answer).unwrap());
        }
        answers
    });
    for answer in &answers {
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("data: [DONE]\n\n"), "{answer}");
    }
    let tokens = answers[1].matches("\"delta\":{\"content\"").count();
    assert_eq!(tokens, tokens_of_the_last);
}

#[rstest]
#[case::wrong_path("POST", "/v1/nope", "{}", 404, json!({"detail": "Not Found"}))]
#[case::wrong_method("GET", CHAT, "", 405, json!({"detail": "Method Not Allowed"}))]
#[case::unknown_model("POST", CHAT, r#"{"model":"nope","messages":[]}"#, 404, json!({"error": {
    "message": "The model `nope` does not exist. Valid aliases: tiny.",
    "type": "NotFoundError", "param": "model", "code": 404,
}}))]
#[case::broken_json("POST", CHAT, r#"{"model":"tiny","messages":[{"role""#, 400, json!({"error": {
    "message": "1 validation error:\n  {'type': 'json_invalid', 'loc': 'body.35', 'msg': 'JSON decode error', 'input': '<dict of 0 items>', 'ctx': {'error': \"Expecting ':' delimiter\"}}",
    "type": "Bad Request", "param": "body.35", "code": 400,
}}))]
#[case::health("GET", "/health", "", 200, Value::Null)]
#[case::version("GET", "/version", "", 200, json!({"version": concat!("goodput-sim ", env!("CARGO_PKG_VERSION"))}))]
#[case::tokenize("POST", "/tokenize", r#"{"prompt":"one two"}"#, 200,
    json!({"count": 2, "max_model_len": 1_048_576, "tokens": [0, 1], "token_strs": null}))]
#[case::models("GET", "/v1/models", "", 200, json!({"object": "list", "data": [{
    "id": "tiny", "object": "model", "created": 1_700_000_000, "owned_by": "goodput", "root": "tiny",
    "parent": null, "max_model_len": 1_048_576, "permission": [{
        "id": "modelperm-tiny", "object": "model_permission", "created": 1_700_000_000,
        "allow_create_engine": false, "allow_sampling": true, "allow_logprobs": true,
        "allow_search_indices": false, "allow_view": true, "allow_fine_tuning": false,
        "organization": "*", "group": null, "is_blocking": false,
    }],
}]}))]
fn answers_that_take_no_time(
    #[case] method: &str,
    #[case] path: &str,
    #[case] body: &'static str,
    #[case] status: u16,
    #[case] expected: Value,
) {
    let model = "tiny".to_owned();
    let server = SimServer::new(Script { model, ..script() });
    simulate(server, async |server, clock| {
        let request = Request::builder().method(method).uri(path);
        let answer = ask(&server, request.body(Full::from(body)).unwrap()).await;
        assert_eq!(answer, (status, expected));
        assert_eq!(clock.now(), Nanos(0));
        assert_eq!(server.server().accepted(), 0);
    });
}

#[test]
fn any_model_is_served_unless_the_script_names_one() {
    simulate(SimServer::new(script()), async |server, _| {
        let request = post(COMPLETIONS, &json!({"model": "whatever", "prompt": "x"}));
        let (status, body) = ask(&server, request).await;
        assert_eq!((status, &body["model"]), (200, &json!("whatever")));
        assert_eq!(body["usage"]["completion_tokens"], 16);
    });
}

#[rstest]
#[case::text(json!("one two three"), 3)]
#[case::token_ids(json!([5, 6, 7, 8, 9]), 5)]
fn prompts_are_counted_by_the_owner(#[case] prompt: Value, #[case] tokens: u64) {
    let words = |text: &str| text.split_whitespace().count() as u64;
    simulate(
        SimServer::new(script()).count_tokens(words),
        async |server, _| {
            let (_, body) = ask(&server, post(COMPLETIONS, &json!({"prompt": prompt}))).await;
            assert_eq!(body["usage"]["prompt_tokens"], tokens);
        },
    );
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    simulate(SimServer::new(script()), async |server, _| {
        let mut connection = server.connect();
        let head = format!(
            "POST {CHAT} HTTP/1.1\r\nhost: sim\r\ncontent-length: {}\r\n\r\n",
            (64 << 20) + 1
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 37];
        connection.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413 Payload Too Large\r\nconte");
    });
}

#[test]
fn the_request_id_becomes_the_id_of_the_answer() {
    simulate(SimServer::new(script()), async |server, _| {
        let request = Request::post(CHAT).header("x-request-id", "bench-7");
        let (_, body) = ask(
            &server,
            request
                .body(Full::from(
                    r#"{"messages":[{"role":"user","content":"x"}]}"#,
                ))
                .unwrap(),
        )
        .await;
        assert_eq!(body["id"], "chatcmpl-bench-7");
    });
}

#[rstest]
#[case::streamed(true)]
#[case::in_one_piece(false)]
fn a_client_that_leaves_stops_its_generation(#[case] stream: bool) {
    simulate(SimServer::new(script()), async |server, clock| {
        let body = json!({"prompt": "x", "max_tokens": 1_000, "stream": stream});
        let work = async {
            let (response, _connection) = send(server.connect(), post(COMPLETIONS, &body)).await;
            response.into_body().collect().await.unwrap();
        };
        let given_up = clock.timeout_at(Nanos(60_000_000), work).await;
        assert!(given_up.is_err());
        assert_eq!(server.server().in_flight(), 1);
        clock.sleep_until(Nanos(70_000_000)).await;
        assert_eq!(server.server().in_flight(), 0);
    });
}

#[test]
fn dropping_the_server_ends_its_connections() {
    simulate(SimServer::new(script()), async |server, clock| {
        let mut connection = server.connect();
        clock.sleep_until(Nanos(1_000_000)).await;
        drop(server);
        assert_eq!(connection.read(&mut [0; 1]).await.unwrap(), 0);
    });
}

#[test]
fn a_server_on_a_port_keeps_the_times_at_least() {
    let server = Arc::new(SimServer::new(script()));
    let listening = server.listen("127.0.0.1:0").unwrap();
    assert_eq!(listening.url(), format!("http://{}", listening.address()));
    on_real_time(async |clock| {
        let stream = tokio::net::TcpStream::connect(listening.address())
            .await
            .unwrap();
        let before = clock.now();
        let request = post(
            COMPLETIONS,
            &json!({"prompt": "x", "max_tokens": 3, "stream": true}),
        );
        let (response, _connection) = send(stream, request).await;
        let chunks = chunks(response.into_body(), &clock).await;
        assert_eq!(chunks.len(), 4);
        for (token, (at, _)) in chunks.iter().take(3).enumerate() {
            let earliest = Duration::from_millis(50) + Duration::from_micros(5_300) * token as u32;
            assert!(
                *at - before >= earliest,
                "token {token} came after {:?}",
                *at - before
            );
        }
    })
    .unwrap();
    assert_eq!(server.accepted(), 1);
    let address = listening.address();
    drop(listening);
    assert!(std::net::TcpStream::connect(address).is_err());
    assert_eq!(Arc::strong_count(&server), 1);
}

#[test]
fn a_port_in_use_is_an_error() {
    let server = Arc::new(SimServer::new(script()));
    let first = server.listen("127.0.0.1:0").unwrap();
    let error = server.listen(first.address()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}
