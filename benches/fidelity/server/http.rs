//! A request as its bytes arrive. Bodies are not kept: only both ends of one are looked at.

use crate::machine::Fallible;
use memchr::memmem;

/// How much of each end of a body is looked at.
const END: usize = 4096;

/// What the server needs to know of a request.
#[derive(Debug, PartialEq)]
pub(super) struct Request {
    pub(super) path: String,
    /// `x-request-id`; empty without one.
    pub(super) id: String,
    /// `max_tokens` of the body.
    pub(super) max_tokens: Option<usize>,
}

/// A request that is not yet complete.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    head: Vec<u8>,
    body: Option<Body>,
}

#[derive(Debug)]
struct Body {
    request: Request,
    left: usize,
    front: Vec<u8>,
    back: Vec<u8>,
}

impl Incoming {
    /// Takes bytes; gives the request once it is complete.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Fallible<Option<Request>> {
        if self.body.is_none() {
            let before = self.head.len();
            self.head.extend_from_slice(bytes);
            let Some(end) = memmem::find(&self.head, b"\r\n\r\n") else {
                return Ok(None);
            };
            bytes = &bytes[end + 4 - before..];
            self.body = Some(parse(&self.head)?);
        }
        let Some(body) = &mut self.body else {
            return Ok(None);
        };
        if bytes.len() > body.left {
            return Err(
                "a client sent a request before the answer to the last was complete".into(),
            );
        }
        body.take(bytes);
        if body.left > 0 {
            return Ok(None);
        }
        self.head.clear();
        Ok(self.body.take().map(Body::request))
    }
}

impl Body {
    fn take(&mut self, bytes: &[u8]) {
        self.left -= bytes.len();
        let room = (END - self.front.len()).min(bytes.len());
        let (front, rest) = bytes.split_at(room);
        self.front.extend_from_slice(front);
        self.back
            .extend_from_slice(&rest[rest.len().saturating_sub(END)..]);
        let surplus = self.back.len().saturating_sub(END);
        self.back.drain(..surplus);
    }

    fn request(self) -> Request {
        let ends = [self.front, self.back].concat();
        Request {
            max_tokens: max_tokens(&ends),
            ..self.request
        }
    }
}

fn parse(head: &[u8]) -> Fallible<Body> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    parsed.parse(head)?;
    let header = |name: &str| {
        let found = parsed
            .headers
            .iter()
            .find(|h| h.name.eq_ignore_ascii_case(name));
        found.map_or(Ok(""), |h| std::str::from_utf8(h.value))
    };
    if !header("transfer-encoding")?.is_empty() {
        return Err("a client sent a chunked body, which this server does not read".into());
    }
    let left = match header("content-length")? {
        "" => 0,
        length => length.parse()?,
    };
    Ok(Body {
        request: Request {
            path: parsed.path.unwrap_or_default().to_owned(),
            id: header("x-request-id")?.to_owned(),
            max_tokens: None,
        },
        left,
        front: Vec::new(),
        back: Vec::new(),
    })
}

fn max_tokens(body: &[u8]) -> Option<usize> {
    ["\"max_tokens\":", "\"max_completion_tokens\":"]
        .iter()
        .find_map(|key| {
            let value = &body[memmem::find(body, key.as_bytes())? + key.len()..];
            let value = value.trim_ascii_start();
            let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
            std::str::from_utf8(&value[..digits]).ok()?.parse().ok()
        })
}
