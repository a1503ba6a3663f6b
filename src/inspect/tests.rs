//! Servers that are late, endless, or lead elsewhere.

use super::{
    inspector::{IDLE, Inspector, SAY_AFTER},
    question::{Question, Unanswered},
    *,
};
use crate::{
    address::{Endpoint, Origin},
    observer::Observer,
    stop::Stop,
};
use reqwest::header::HeaderMap;
use rstest::rstest;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

const LIMIT: Duration = Duration::from_secs(20);

/// A request's first line and headers, in small letters.
type Seen = Arc<Mutex<Vec<String>>>;

/// A server that answers each connection's one request; its address, and what it has seen.
fn server(answer: impl Fn(&str, TcpStream) + Send + 'static) -> (String, Seen) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Seen::default();
    let seeing = seen.clone();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(&stream);
            let lines = reader.by_ref().lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let head = head.join("\n").to_lowercase();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            seeing.lock().unwrap().push(head);
            answer(&path, stream);
        }
    });
    (url, seen)
}

fn reply(mut stream: TcpStream, status: &str, headers: &str, body: &str) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n"
    );
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

fn inspector(url: &str) -> Inspector {
    let endpoint = Endpoint::Url(Origin::parse(url).unwrap());
    Inspector::new(&endpoint, false).unwrap()
}

fn key() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-api-key", "SECRET".parse().unwrap());
    headers
}

/// Answers a request, and closes the connection without a word before the next.
#[test]
fn a_connection_that_idled_is_not_trusted() {
    let (url, _) = server(|_, mut stream| {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).unwrap();
        // Until the port is closed.
        thread::sleep(IDLE / 2);
    });
    let inspector = inspector(&url);
    assert!(inspector.answers_ok("/", LIMIT));
    thread::sleep(IDLE + Duration::from_millis(100));
    assert!(inspector.answers_ok("/", LIMIT));
}

#[rstest]
#[case::moved("301 Moved Permanently")]
#[case::found("302 Found")]
#[case::temporary("307 Temporary Redirect")]
#[case::permanent("308 Permanent Redirect")]
fn keys_and_prompts_do_not_follow_a_redirect(#[case] status: &'static str) {
    let (elsewhere, seen) = server(|_, stream| {
        reply(
            stream,
            "200 OK",
            "content-type: text/plain\r\n",
            "{\"data\":[{\"id\":\"m\"}]}",
        );
    });
    let to = format!(
        "{}/v1/models?key=SECRET",
        elsewhere.replace("http://", "http://me:SECRET@")
    );
    let shown = elsewhere.replace("http://", "http://***@");
    let (url, _) = server(move |_, stream| {
        reply(stream, status, &format!("location: {to}\r\n"), "");
    });
    let inspector = inspector(&url);
    let said = inspector.first_model(key(), LIMIT).unwrap_err().to_string();
    assert!(
        said.contains(status) && said.contains(&format!("redirects to {shown}/v1/models.")),
        "{said}"
    );
    assert!(!said.contains("SECRET"), "{said}");
    assert_eq!(inspector.metrics_page(&key(), false), None);
    assert!(
        inspector
            .post("/start_profile", &key(), LIMIT, &Stop::never())
            .is_err()
    );
    assert!(inspector.about("m", &key()).is_empty());
    let headers = key();
    let find = ServerTokenizer::find(&inspector, &headers, "m", "SECRET");
    let found = inspector.block_on("/tokenize", find);
    assert!(matches!(found, Some(Err(Untold::Refused(_)))));
    assert!(seen.lock().unwrap().is_empty());
}

/// Sends this without end, until the reader is gone.
fn endless(mut stream: TcpStream, media: &str, start: &str, more: &str) {
    let head =
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: {media}\r\n\r\n{start}");
    let mut sent = stream.write_all(head.as_bytes());
    let more = more.repeat(10_000);
    while sent.is_ok() {
        sent = stream.write_all(more.as_bytes());
    }
}

#[test]
fn answers_without_end_are_given_up() {
    let (url, _) = server(|path, stream| match path {
        "/v1/models" => endless(stream, "application/json", "{\"data\":[{\"id\":\"", "x"),
        "/metrics" => endless(stream, "text/plain", "", "vllm:num_requests_running 1\n"),
        _ => endless(stream, "application/json", "{\"tokens\":[1", ",1"),
    });
    let inspector = inspector(&url);
    let said = inspector
        .first_model(HeaderMap::new(), LIMIT)
        .unwrap_err()
        .to_string();
    assert!(said.contains("more than 16777216 bytes"), "{said}");
    assert_eq!(inspector.metrics_page(&HeaderMap::new(), false), None);
    assert!(inspector.about("m", &HeaderMap::new()).is_empty());
    let headers = HeaderMap::new();
    let find = ServerTokenizer::find(&inspector, &headers, "m", "a text");
    let found = inspector.block_on("/tokenize", find).unwrap();
    let said = found.err().unwrap().to_string();
    assert!(
        said.contains("/tokenize answers with more than 65728 bytes"),
        "{said}"
    );
}

#[test]
fn a_server_that_says_nothing_is_named_with_the_limit() {
    let (url, _) = server(|_, stream| {
        // Held open until the client has gone.
        let _ = (&stream).read(&mut [0; 16]);
    });
    let inspector = inspector(&url);
    let headers = HeaderMap::new();
    let question = Question {
        within: Duration::from_millis(100),
        ..Question::get("/version", &headers)
    };
    let asked = inspector.block_on("/version", inspector.ask(&question));
    assert!(
        matches!(asked, Some(Err(Unanswered::Silent { .. }))),
        "{asked:?}"
    );
    assert_eq!(inspector.metrics_page(&headers, false), None);
}

#[test]
fn what_takes_long_is_said() {
    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);
    impl Observer for Heard {
        fn says(&self, message: &str) {
            self.0.lock().unwrap().push(message.to_owned());
        }
    }
    let (url, _) = server(|_, stream| {
        let _ = (&stream).read(&mut [0; 16]);
    });
    let heard = Arc::new(Heard::default());
    let inspector = inspector(&format!("{url}/v1")).attended(Stop::never(), heard.clone());
    let limit = SAY_AFTER + Duration::from_millis(100);
    let said = inspector.first_model(HeaderMap::new(), limit).unwrap_err();
    assert!(said.to_string().contains("did not answer within"), "{said}");
    assert_eq!(
        *heard.0.lock().unwrap(),
        [format!("waiting for {url}/v1/models")]
    );
}

/// A server that has an API with a version, and its own paths at one place.
#[rstest]
#[case::root("", "/v1/models", "")]
#[case::version("/v1", "/v1/models", "")]
#[case::version_with_all_in_it("/v1", "/v1/models", "/v1")]
#[case::google("/v1beta/openai/", "/v1beta/openai/models", "")]
#[case::proxy("/proxy/llm", "/proxy/llm/v1/models", "/proxy/llm")]
#[case::proxy_with_version("/proxy/llm/v1/", "/proxy/llm/v1/models", "/proxy/llm")]
#[case::proxy_that_hides_its_pages("/proxy/llm/v1", "/proxy/llm/v1/models", "")]
fn side_questions_find_their_place(
    #[case] base: &str,
    #[case] models: &'static str,
    #[case] own: &'static str,
) {
    let (url, seen) = server(move |path, stream| {
        let json = |stream, body: Value| {
            reply(
                stream,
                "200 OK",
                "content-type: application/json\r\n",
                &body.to_string(),
            );
        };
        match path {
            path if path == models => {
                json(stream, json!({"data": [{"id": "m", "max_model_len": 8}]}))
            }
            path => match path.strip_prefix(own) {
                Some("/version") => json(stream, json!({"version": "1.2"})),
                Some("/tokenize") => json(stream, json!({"tokens": [1, 2]})),
                Some("/metrics") => {
                    reply(stream, "200 OK", "content-type: text/plain\r\n", "a 1\n")
                }
                Some("/start_profile") => reply(stream, "200 OK", "", ""),
                _ => reply(stream, "404 Not Found", "", ""),
            },
        }
    });
    let inspector = inspector(&format!("{url}{base}"));
    let headers = HeaderMap::new();
    assert_eq!(
        inspector.first_model(HeaderMap::new(), LIMIT).unwrap().id,
        "m"
    );
    assert_eq!(
        inspector.metrics_page(&headers, false).as_deref(),
        Some("a 1\n")
    );
    let about = inspector.about("m", &headers);
    assert_eq!(
        (about["version"].as_str(), about["max_model_len"].as_str()),
        ("1.2", "8")
    );
    let find = ServerTokenizer::find(&inspector, &headers, "m", "a text");
    assert!(inspector.block_on("/tokenize", find).unwrap().is_ok());
    assert_eq!(
        inspector.post("/start_profile", &headers, LIMIT, &Stop::never()),
        Ok(())
    );

    // What was found is not looked for again.
    seen.lock().unwrap().clear();
    assert!(inspector.metrics_page(&headers, true).is_some());
    assert_eq!(seen.lock().unwrap().len(), 1);
}
