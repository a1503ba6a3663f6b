//! The head of an answer.

use super::{content::Content, not_http::not_http};
use crate::record::RequestError;
use memchr::memmem;
use ureq_proto::{
    BodyMode,
    client::{Call, RecvResponseResult, state::RecvResponse},
    http::{HeaderMap, HeaderName, Response, StatusCode, Version, header},
};

/// A head is refused beyond this size.
const LONGEST: usize = 64 << 10;

/// A head as it comes in.
pub(super) struct Head {
    /// What reads it; taken once it is complete.
    call: Option<Call<RecvResponse>>,
    /// The request asked for the end of the connection.
    closing: bool,
    /// Bytes in which no end of a head was found.
    searched: usize,
    /// With how many bytes it is worth another look although there is no such end.
    patience: usize,
    /// An interim answer came.
    pub(super) interim: bool,
}

/// What a head says.
#[derive(Debug)]
pub(super) struct Heading {
    pub(super) status: u16,
    pub(super) content: Content,
    /// What its body is coded with, besides its framing: `content-encoding: gzip`.
    pub(super) coding: Option<String>,
    /// `location`.
    pub(super) location: Option<String>,
}

impl Head {
    /// Of the answer to a request that was sent with `call`. `closing` says that it asked for the end
    /// of the connection.
    pub(super) fn new(call: Call<RecvResponse>, closing: bool) -> Self {
        Head {
            call: Some(call),
            closing,
            searched: 0,
            patience: 0,
            interim: false,
        }
    }

    /// What these bytes say, once they hold the whole head; how many of them are done with. What is
    /// not done with comes again, with more behind it.
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

/// The header with all that it lists, if that is more than these.
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

/// A head that comes in small pieces is not read anew with each: only when it may be complete, or has
/// doubled, so that what is no head at all is told soon.
fn is_worth_reading(bytes: &[u8], searched: &mut usize, patience: usize) -> bool {
    let new = &bytes[searched.saturating_sub(3).min(bytes.len())..];
    *searched = bytes.len();
    !bytes.is_empty()
        && (bytes.len() >= patience.max(1)
            || memmem::find(new, b"\n\r\n").is_some()
            || memmem::find(new, b"\n\n").is_some())
}

/// What is not complete is waited for, up to a limit.
fn held(bytes: &[u8]) -> Result<Option<Heading>, RequestError> {
    match bytes.len() <= LONGEST {
        true => Ok(None),
        false => Err(not_http(&"the head of the answer is longer than 64 KiB")),
    }
}

/// Whether `connection` says this.
pub(super) fn says(headers: &HeaderMap, word: &str) -> bool {
    let values = headers.get_all(header::CONNECTION).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|said| said.trim().eq_ignore_ascii_case(word))
}

/// The kinds of a TLS record that a server begins with: an alert, a handshake.
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
