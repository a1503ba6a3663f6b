//! Stands before a server, passes on every byte at once, and keeps what clients sent.

use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What was read of one connection, in order.
type Sent = Arc<Mutex<Vec<u8>>>;

pub struct Recorder {
    pub address: SocketAddr,
    connections: Arc<Mutex<Vec<Sent>>>,
}

/// One measured request as a client wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

impl Recorder {
    pub fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::<Mutex<Vec<Sent>>>::default();
        let kept = connections.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(server)) else {
                    break;
                };
                for stream in [&client, &server] {
                    stream.set_nodelay(true).unwrap();
                }
                let sent = Sent::default();
                kept.lock().unwrap().push(sent.clone());
                let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || {
                    pass(client, server, |bytes| sent.lock().unwrap().extend(bytes))
                });
                thread::spawn(move || pass(back.0, back.1, |_| ()));
            }
        });
        Recorder {
            address,
            connections,
        }
    }

    /// What was sent to this path, by the ids of requests; warm-ups have none.
    pub fn requests(&self, path: &str) -> BTreeMap<String, Vec<Request>> {
        let mut requests = BTreeMap::<String, Vec<Request>>::new();
        for sent in self.connections.lock().unwrap().iter() {
            for request in read_all(&sent.lock().unwrap()) {
                if request.path == path {
                    let id = request.headers.get("x-request-id").cloned();
                    requests
                        .entry(id.unwrap_or_default())
                        .or_default()
                        .push(request);
                }
            }
        }
        requests
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut see: impl FnMut(&[u8])) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        see(&buffer[..read]);
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn read_all(mut bytes: &[u8]) -> Vec<Request> {
    let mut requests = Vec::new();
    while !bytes.is_empty() {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(head) = request.parse(bytes).unwrap() else {
            break;
        };
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        let headers: BTreeMap<_, _> = request
            .headers
            .iter()
            .map(|header| (header.name.to_lowercase(), text(header.value)))
            .collect();
        let length = headers
            .get("content-length")
            .map_or(0, |length| length.parse().unwrap());
        let body = &bytes[head..head + length];
        requests.push(Request {
            path: request.path.unwrap().to_owned(),
            headers,
            body: serde_json::from_slice(body).unwrap_or_default(),
        });
        bytes = &bytes[head + length..];
    }
    requests
}
