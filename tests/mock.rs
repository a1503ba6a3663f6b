//! wiremock with streaming in front.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use goodput::{
    Bench, Verdict,
    mock::{Front, MockTarget, StreamTemplate},
};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, client::conn::http1::handshake};
use hyper_util::rt::TokioIo;
use rstest::rstest;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::{net::TcpStream, task::JoinSet};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_partial_json, header, method, path},
};

const CHAT: &str = "/v1/chat/completions";
const COMPLETIONS: &str = "/v1/completions";
const TTFT: Duration = Duration::from_millis(20);
const ITL: Duration = Duration::from_micros(2_300);

/// A client with one connection.
struct Client {
    sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
    _driver: JoinSet<()>,
}

impl Client {
    async fn connect(url: &str) -> Self {
        let stream = TcpStream::connect(url.strip_prefix("http://").unwrap())
            .await
            .unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(async { drop(connection.await) });
        Client {
            sender,
            _driver: driver,
        }
    }

    async fn post(&mut self, path: &str) -> Response<Incoming> {
        let body = json!({"model": "tiny", "prompt": [1, 2, 3], "messages": [{"role": "user", "content": "12345678"}]});
        let request = Request::post(path)
            .header("host", "mocked")
            .header("x-team", "a");
        self.sender.ready().await.unwrap();
        self.sender
            .send_request(request.body(Full::from(body.to_string())).unwrap())
            .await
            .unwrap()
    }
}

/// The chunks of a body, with their times since `start`.
async fn chunks(mut body: Incoming, start: Instant) -> Vec<(Duration, String)> {
    let mut chunks = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        chunks.push((start.elapsed(), String::from_utf8(data.to_vec()).unwrap()));
    }
    chunks
}

async fn mocked(path_of: &str, template: StreamTemplate) -> MockServer {
    let mocks = MockServer::start().await;
    let mock = Mock::given(method("POST"))
        .and(path(path_of))
        .respond_with(template);
    mock.mount(&mocks).await;
    mocks
}

#[rstest]
#[case::chat(CHAT, StreamTemplate::chat(), 1, 2)]
#[case::completions(COMPLETIONS, StreamTemplate::completions(), 0, 2)]
#[case::without_usage(CHAT, StreamTemplate::chat().without_usage(), 1, 1)]
#[case::without_done(CHAT, StreamTemplate::chat().without_done(), 1, 1)]
#[case::bare(COMPLETIONS, StreamTemplate::completions().without_done().without_usage(), 0, 0)]
#[case::events(CHAT, StreamTemplate::chat().events((0..5).map(|i| format!("{{\"i\":{i}}}")).collect()), 0, 1)]
#[tokio::test]
async fn events_are_replayed_one_by_one_and_never_early(
    #[case] path: &str,
    #[case] template: StreamTemplate,
    #[case] before: usize,
    #[case] after: usize,
) {
    let mocks = mocked(path, template.tokens(5).ttft(TTFT).itl(ITL)).await;
    let front = Front::start(&mocks).unwrap();
    let mut client = Client::connect(&front.url()).await;
    // Twice, because the connections are used again.
    for _ in 0..2 {
        let start = Instant::now();
        let response = client.post(path).await;
        assert_eq!(
            response.headers()["content-type"],
            "text/event-stream; charset=utf-8"
        );
        assert_eq!(response.headers()["transfer-encoding"], "chunked");
        assert!(!response.headers().contains_key("x-goodput-schedule"));
        let chunks = chunks(response.into_body(), start).await;
        assert_eq!(chunks.len(), before + 5 + after, "{chunks:?}");
        for (event, (at, data)) in chunks.iter().enumerate() {
            assert!(
                data.starts_with("data: ") && data.ends_with("\n\n"),
                "{data}"
            );
            let beat = event.saturating_sub(before).min(4) as u32;
            assert!(*at >= TTFT + ITL * beat, "event {event} came after {at:?}");
        }
    }
    assert_eq!(mocks.received_requests().await.unwrap().len(), 2);
}

#[rstest]
#[case::chat(CHAT, StreamTemplate::chat(), "\"prompt_tokens\":2,")]
#[case::completions(COMPLETIONS, StreamTemplate::completions(), "\"prompt_tokens\":3,")]
#[tokio::test]
async fn the_front_replays_what_the_mock_server_itself_says(
    #[case] path: &str,
    #[case] template: StreamTemplate,
    #[case] usage: &str,
) {
    let mocks = mocked(path, template.tokens(3)).await;
    let front = Front::start(&mocks).unwrap();
    let mut bodies = Vec::new();
    for url in [mocks.uri(), front.url()] {
        let mut client = Client::connect(&url).await;
        let response = client.post(path).await;
        assert_eq!(
            response.headers()["content-type"],
            "text/event-stream; charset=utf-8"
        );
        bodies.push(response.into_body().collect().await.unwrap().to_bytes());
    }
    assert_eq!(bodies[0], bodies[1]);
    let body = std::str::from_utf8(&bodies[0]).unwrap();
    assert!(
        body.contains(usage) && body.contains("\"model\":\"tiny\""),
        "{body}"
    );
    assert!(body.ends_with("data: [DONE]\n\n"), "{body}");
}

#[tokio::test]
async fn an_event_of_several_lines_stays_one_event() {
    let events = vec!["a\nb".to_owned(), String::new()];
    let mocks = mocked(CHAT, StreamTemplate::chat().events(events).without_done()).await;
    let front = Front::start(&mocks).unwrap();
    let mut client = Client::connect(&front.url()).await;
    let response = client.post(CHAT).await;
    let chunks = chunks(response.into_body(), Instant::now()).await;
    let data: Vec<_> = chunks.iter().map(|(_, data)| data.as_str()).collect();
    assert_eq!(data, ["data: a\ndata: b\n\n", "data: \n\n"]);
}

#[tokio::test]
async fn other_answers_pass_through() {
    let mocks = MockServer::start().await;
    let template = ResponseTemplate::new(429)
        .insert_header("retry-after", "7")
        .set_body_json(json!({"error": "slow down"}));
    Mock::given(method("POST"))
        .respond_with(template)
        .mount(&mocks)
        .await;
    let front = Front::start(&mocks).unwrap();
    let mut client = Client::connect(&front.url()).await;
    let response = client.post(CHAT).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(response.headers()["content-length"], "21");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, r#"{"error":"slow down"}"#);
}

#[tokio::test]
async fn matchers_see_the_request_as_it_was_sent() {
    let mocks = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(CHAT))
        .and(header("x-team", "a"))
        .and(header("host", "mocked"))
        .and(body_partial_json(json!({"model": "tiny"})))
        .respond_with(StreamTemplate::chat())
        .expect(1)
        .mount(&mocks)
        .await;
    let front = Front::start(&mocks).unwrap();
    let mut client = Client::connect(&front.url()).await;
    let missed = client.post(COMPLETIONS).await;
    assert_eq!(missed.status(), 404);
    missed.into_body().collect().await.unwrap();
    assert_eq!(client.post(CHAT).await.status(), 200);
    mocks.verify().await;
}

#[rstest]
#[case::too_few(1, false)]
#[case::as_expected(2, true)]
#[case::too_many(3, false)]
#[tokio::test]
async fn verification_counts_what_came_through_the_front(
    #[case] sent: usize,
    #[case] passes: bool,
) {
    let mocks = MockServer::start().await;
    let mock = Mock::given(method("POST")).respond_with(StreamTemplate::chat().tokens(2));
    mock.expect(2).mount(&mocks).await;
    let front = Front::start(&mocks).unwrap();
    let mut client = Client::connect(&front.url()).await;
    for _ in 0..sent {
        client.post(CHAT).await.into_body().collect().await.unwrap();
    }
    // Dropping the server verifies it; in a thread, where the panic can be caught.
    let verdict = std::thread::spawn(move || drop(mocks)).join();
    assert_eq!(verdict.is_ok(), passes);
}

#[tokio::test]
async fn a_mock_server_that_is_gone_is_a_bad_gateway() {
    // Not from the pool, whose servers live on.
    let mocks = MockServer::builder().start().await;
    let front = Front::start(&mocks).unwrap();
    drop(mocks);
    let mut client = Client::connect(&front.url()).await;
    let response = client.post(CHAT).await;
    assert_eq!(response.status(), 502);
}

/// `expect` is verified after the run, and what is not met fails the bench.
#[rstest]
// That nothing was complained of proves nothing: perhaps nothing was expected.
#[case::met(3, Verdict::NoVerdict)]
#[case::too_many(4, Verdict::Fail)]
fn a_mock_target_is_verified_after_the_run(#[case] expected: u64, #[case] verdict: Verdict) {
    let target = MockTarget::new(move || {
        let answer = StreamTemplate::chat().tokens(2);
        vec![
            Mock::given(path("/v1/chat/completions"))
                .respond_with(answer)
                .expect(expected),
        ]
    });
    let report = Bench::new("mocked")
        .target(target)
        .backend("openai-chat")
        .model("any")
        .dataset("random(input = 4, output = 2)")
        .requests(3)
        .exclusive(false)
        .run_blocking()
        .unwrap();
    assert_eq!(report.verdict(), verdict, "{report}");
    assert_eq!(report.completed(), 3);
    assert_eq!(
        report.reasons().contains("4"),
        verdict == Verdict::Fail,
        "{}",
        report.reasons()
    );
}

/// Both switches once; a profiler that cannot be switched off costs no numbers, one that cannot be
/// switched on ends the run before it begins.
#[rstest]
#[case::both(200, 200, None)]
#[case::not_off(200, 500, Some("may still be on"))]
#[case::not_on(404, 200, None)]
fn a_server_is_profiled_while_it_is_measured(
    #[case] on: u16,
    #[case] off: u16,
    #[case] note: Option<&str>,
) {
    let starts = on == 200;
    let target = MockTarget::new(move || {
        let switch = |at: &str, status: u16| {
            Mock::given(method("POST"))
                .and(path(at))
                .and(header("x-team", "a"))
                .respond_with(ResponseTemplate::new(status))
        };
        vec![
            switch("/start_profile", on).expect(1),
            switch("/stop_profile", off).expect(u64::from(starts)),
            Mock::given(path(CHAT)).respond_with(StreamTemplate::chat().tokens(2)),
        ]
    });
    let ran = Bench::new("profiled")
        .target(target)
        .backend("openai-chat")
        .model("any")
        .headers("X-Team: a")
        .dataset("random(input = 4, output = 2)")
        .requests(3)
        .profile(true)
        .exclusive(false)
        .run_blocking();
    if !starts {
        let error = ran.unwrap_err().to_string();
        assert!(error.contains("/start_profile answers 404"), "{error}");
        return;
    }
    let report = ran.unwrap();
    assert_eq!(
        (report.verdict(), report.completed()),
        (Verdict::NoVerdict, 3),
        "{report}"
    );
    let noted = report
        .notes()
        .iter()
        .any(|said| note.is_some_and(|note| said.contains(note)));
    assert_eq!(noted, note.is_some(), "{:?}", report.notes());
}

#[test]
fn what_has_no_address_is_not_profiled() {
    let error = Bench::new("profiled")
        .profile(true)
        .run_blocking()
        .unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    assert!(error.to_string().contains("profile"), "{error}");
}
