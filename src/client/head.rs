//! Heads of answers: status line and headers.

use super::{content::Content, not_http::not_http};
use crate::record::RequestError;
use memchr::memmem;
use ureq_proto::{
    BodyMode,
    client::{Call, RecvResponseResult, state::RecvResponse},
    http::{HeaderMap, HeaderName, Response, StatusCode, Version, header},
};

/// Limit for the size of a head.
const LONGEST: usize = 64 << 10;

/// A head on its way in.
pub(super) struct Head {
    /// Parser of the head; taken once the head is complete.
    call: Option<Call<RecvResponse>>,
    /// Whether the request asked to close the connection.
    closing: bool,
    /// Number of bytes in which no end of a head was found.
    searched: usize,
    /// Number of bytes at which to try again although there is no such end.
    patience: usize,
    /// Whether an interim answer came.
    pub(super) interim: bool,
}

/// Contents of a head.
#[derive(Debug)]
pub(super) struct Heading {
    pub(super) status: u16,
    pub(super) content: Content,
    /// Coding of the body besides its framing: `content-encoding: gzip`.
    pub(super) coding: Option<String>,
    /// `location`.
    pub(super) location: Option<String>,
}

impl Head {
    /// Head of the answer to a request that was sent with `call`. `closing`: the request asked to close the
    /// connection.
    pub(super) fn new(call: Call<RecvResponse>, closing: bool) -> Self {
        Head {
            call: Some(call),
            closing,
            searched: 0,
            patience: 0,
            interim: false,
        }
    }

    /// Parses these bytes once they contain the whole head; also returns how many are used. Unused bytes
    /// come again, with more behind them.
    pub(super) fn read(&mut self, bytes: &[u8]) -> (usize, Result<Option<Heading>, RequestError>) {
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            let call = match &mut self.call {
                Some(call) if is_worth_reading(rest, &mut self.searched, self.patience) => call,
                _ => return (used, held(rest)),
            };
            match call.try_response(rest, false) {
                Ok((more, Some(response))) => {
                    return (used + more, Ok(self.heading(&response)));
                }
                Ok((0, None)) => {
                    self.patience = rest.len().saturating_mul(2);
                    return (used, held(rest));
                }
                Ok((more, None)) => {
                    used += more;
                    self.interim = true;
                    (self.searched, self.patience) = (0, 0);
                }
                Err(error) => return (used, Err(not_a_head(rest, &error))),
            }
        }
    }

    fn heading(&mut self, response: &Response<()>) -> Option<Heading> {
        let mode = match self.call.take()?.proceed()? {
            RecvResponseResult::RecvBody(call) => call.body_mode(),
            RecvResponseResult::Cleanup(_) | RecvResponseResult::Redirect(_) => BodyMode::NoBody,
        };
        let headers = response.headers();
        let keeps = match response.version() {
            Version::HTTP_11 => !says(headers, "close"),
            _ => says(headers, "keep-alive"),
        };
        let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let text = |name| Some(headers.get(name)?.to_str().ok()?.trim().to_owned());
        Some(Heading {
            status: response.status().as_u16(),
            content: Content::new(mode, keeps && !switches && !self.closing),
            coding: coding(headers, &header::CONTENT_ENCODING, &["identity"]).or_else(|| {
                coding(
                    headers,
                    &header::TRANSFER_ENCODING,
                    &["identity", "chunked"],
                )
            }),
            location: text(header::LOCATION),
        })
    }
}

/// The header's value if it lists more than the plain codings.
fn coding(headers: &HeaderMap, name: &HeaderName, plain: &[&str]) -> Option<String> {
    let values = headers.get_all(name).into_iter();
    let values: Vec<_> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    let listed = values
        .iter()
        .flat_map(|value| value.split(','))
        .map(str::trim);
    let listed: Vec<&str> = listed.filter(|coding| !coding.is_empty()).collect();
    let is_plain = |coding: &&str| plain.iter().any(|known| coding.eq_ignore_ascii_case(known));
    (!listed.iter().all(is_plain)).then(|| format!("{name}: {}", listed.join(", ")))
}

/// Whether to parse a head that comes in small pieces: only when it may be complete or has doubled, so that
/// data that is not a head fails soon.
fn is_worth_reading(bytes: &[u8], searched: &mut usize, patience: usize) -> bool {
    let new = &bytes[searched.saturating_sub(3).min(bytes.len())..];
    *searched = bytes.len();
    !bytes.is_empty()
        && (bytes.len() >= patience.max(1)
            || memmem::find(new, b"\n\r\n").is_some()
            || memmem::find(new, b"\n\n").is_some())
}

/// Waits for the rest of an incomplete head, up to a limit.
fn held(bytes: &[u8]) -> Result<Option<Heading>, RequestError> {
    if bytes.len() <= LONGEST {
        Ok(None)
    } else {
        Err(not_http(&"the head of the answer is longer than 64 KiB"))
    }
}

/// Whether the header `connection` contains this word.
pub(super) fn says(headers: &HeaderMap, word: &str) -> bool {
    let values = headers.get_all(header::CONNECTION).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|said| said.trim().eq_ignore_ascii_case(word))
}

/// First byte of the TLS records with which a server begins: alert, handshake.
const TLS_RECORDS: [u8; 2] = [21, 22];

fn not_a_head(bytes: &[u8], error: &ureq_proto::Error) -> RequestError {
    match bytes {
        [kind, 3, ..] if TLS_RECORDS.contains(kind) => {
            not_http(&"the server speaks TLS on this port. Begin the target's URL with https://")
        }
        [0, 0, _, 4, ..] => not_http(
            &"the server speaks HTTP/2 on this port. goodput speaks HTTP/1.1: use the server's port \
              for that",
        ),
        _ => RequestError::Foreign {
            message: format!("not HTTP: {error}"),
        },
    }
}
