//! Reads an answer as the client does, without a connection: for fuzzing.

use super::{
    body::Body,
    head::Head,
    message::{Envelope, Message},
};
use crate::record::RequestError;
use hyper::{HeaderMap, Uri};

/// Status and content of these bytes, which arrive in pieces of this size before the connection ends.
pub(crate) fn fuzzed_answer(bytes: &[u8], piece: usize) -> Result<(u16, Vec<u8>), RequestError> {
    let envelope = Envelope {
        path: Uri::from_static("/"),
        headers: HeaderMap::new(),
    };
    let message = Message {
        id: String::new(),
        body: Body::default(),
    };
    let sealed = envelope.seal(&message);
    let (_, call) = sealed.map_err(|e| super::not_http::not_http(&e))?;
    let ended = || RequestError::Truncated {
        message: "the connection was closed before an answer came".into(),
    };
    let mut head = Head::new(call, false);
    let mut pieces = bytes.chunks(piece.max(1));
    let mut unread = Vec::new();
    let heading = loop {
        unread.extend_from_slice(pieces.next().ok_or_else(ended)?);
        let (used, read) = head.read(&unread);
        unread.drain(..used);
        if let Some(heading) = read? {
            break heading;
        }
    };
    let (status, mut content) = (heading.status, heading.content);
    let mut body = Vec::new();
    while !content.is_ended() {
        let (used, taken) = content.take(&unread, |bytes| {
            body.extend_from_slice(bytes);
            Ok(())
        });
        unread.drain(..used);
        taken?;
        match pieces.next() {
            _ if content.is_ended() => {}
            Some(piece) => unread.extend_from_slice(piece),
            None => content.close()?,
        }
    }
    Ok((status, body))
}
