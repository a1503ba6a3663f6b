//! Servers that misbehave in one given way, on raw sockets.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

#[cfg(all(unix, feature = "cli"))]
pub mod program;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// A server that calls `answer` for each request it reads; connections stay open until the
/// function says otherwise by returning false.
pub struct RawServer {
    pub url: String,
    pub connections: Arc<AtomicUsize>,
}

impl RawServer {
    /// A server that tells nothing of itself.
    pub fn start(answer: impl Fn(&mut TcpStream, &str) -> bool + Send + Sync + 'static) -> Self {
        RawServer::run(answer, false)
    }

    /// A server whose function answers also what it is asked about itself.
    pub fn telling(answer: impl Fn(&mut TcpStream, &str) -> bool + Send + Sync + 'static) -> Self {
        RawServer::run(answer, true)
    }

    fn run(
        answer: impl Fn(&mut TcpStream, &str) -> bool + Send + Sync + 'static,
        tells: bool,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { break };
                count.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                let count = count.clone();
                thread::spawn(move || {
                    while let Some(request) = read_request(&mut stream) {
                        if !tells && is_about_the_server(&request) {
                            count.fetch_sub(1, Ordering::SeqCst);
                            let none = http("404 Not Found", "text/plain", "");
                            let _ = stream.write_all(none.as_bytes());
                            break;
                        }
                        if !answer(&mut stream, &request) {
                            break;
                        }
                    }
                });
            }
        });
        RawServer { url, connections }
    }

    /// A server that sends these bytes for every request.
    pub fn sending(bytes: impl Into<Vec<u8>>, keep_open: bool) -> Self {
        let bytes = bytes.into();
        RawServer::start(move |stream, _| stream.write_all(&bytes).is_ok() && keep_open)
    }
}

/// Asked before and after a run, and no part of it.
fn is_about_the_server(request: &str) -> bool {
    let asked = [
        "GET /metrics",
        "GET /version",
        "GET /props",
        "GET /get_server_info",
        "GET /api/version",
        "GET /v1/models",
        "POST /tokenize",
    ];
    asked.iter().any(|head| request.starts_with(head))
}

fn read_request(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return None,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length:")?
                .trim()
                .parse()
                .ok()
        })
        .unwrap_or(0usize);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8(body).unwrap())
}

/// A complete answer with this body.
pub fn http(status: &str, content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The head of a chunked event stream.
pub const STREAM_HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// One HTTP chunk.
pub fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

/// A completions event with this text.
pub fn event(text: &str, finish: Option<&str>) -> String {
    let finish = finish.map_or("null".to_owned(), |f| format!("\"{f}\""));
    format!(
        "data: {{\"choices\":[{{\"index\":0,\"text\":\"{text}\",\"finish_reason\":{finish}}}]}}\n\n"
    )
}

/// A whole streamed completion of two tokens.
pub fn good_stream() -> String {
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n";
    [
        STREAM_HEAD.to_owned(),
        chunk(&event("a", None)),
        chunk(&event("b", Some("length"))),
        chunk(usage),
        chunk("data: [DONE]\n\n"),
        "0\r\n\r\n".to_owned(),
    ]
    .concat()
}
