//! Requests as bytes.

use super::body::{Body, Rest};
use bytes::{Buf, Bytes, buf::Chain};
use hyper::{
    HeaderMap, Method, Request, Uri,
    header::{CONTENT_LENGTH, HeaderValue},
};
use ureq_proto::{
    Error,
    client::{
        Await100Result, Call, SendRequestResult,
        state::{RecvResponse, SendBody},
    },
};

/// Parts that all requests of a run share.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Path and query.
    pub path: Uri,
    /// All headers, including `host`, except those that depend on the body.
    pub headers: HeaderMap,
}

/// A request: its body, encoded before the run, and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Value of the `x-request-id` header; empty for none.
    pub id: String,
    /// The encoded body.
    pub body: Body,
}

/// Bytes of a request.
pub(super) type Outgoing = Chain<Bytes, Rest>;

impl Envelope {
    /// Returns the bytes to send, and the parser of the answer.
    pub(super) fn seal(&self, message: &Message) -> Result<(Outgoing, Call<RecvResponse>), Error> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.clone();
        let headers = request.headers_mut();
        *headers = self.headers.clone();
        if let (false, Ok(id)) = (message.id.is_empty(), HeaderValue::from_str(&message.id)) {
            headers.insert("x-request-id", id);
        }
        headers.insert(CONTENT_LENGTH, HeaderValue::from(message.body.size()));
        let lines = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 4);
        let room = self.path.path().len() + self.path.query().map_or(0, str::len) + 64;
        let mut head = vec![0; room + lines.sum::<usize>()];
        let mut call = Call::new(request)?.proceed();
        let length = call.write(&mut head)?;
        head.truncate(length);
        let body = |mut call: Call<SendBody>| {
            call.consume_direct_write(message.body.size())?;
            call.proceed().ok_or(Error::BodyContentAfterFinish)
        };
        let call = match call.proceed()?.ok_or(Error::OutputOverflow)? {
            SendRequestResult::SendBody(call) => body(call)?,
            SendRequestResult::RecvResponse(call) => call,
            // The body goes out at once, which servers that were asked for `100 Continue` accept.
            SendRequestResult::Await100(call) => match call.proceed()? {
                Await100Result::SendBody(call) => body(call)?,
                Await100Result::RecvResponse(call) => call,
            },
        };
        Ok((Bytes::from(head).chain(message.body.clone().into()), call))
    }
}
