//! What the tests of the dialects share.

use super::{Backend, WireOptions};
use crate::{
    clock::Nanos,
    plan::{PlannedRequest, Prompt},
    record::{CountSource, Reply, RequestError, TokenCount},
};

pub(super) fn request(prompt: Prompt) -> PlannedRequest {
    PlannedRequest {
        at: Nanos(0),
        prompt,
        input: TokenCount {
            tokens: 2,
            source: CountSource::Estimate,
        },
        output_tokens: 16,
        id: "bench-0".to_owned(),
        overrides: serde_json::Map::new(),
    }
}

pub(super) fn options(stream: bool) -> WireOptions {
    WireOptions {
        model: "tiny".to_owned(),
        stream,
        ..WireOptions::default()
    }
}

pub(super) fn body(
    backend: &dyn Backend,
    request: &PlannedRequest,
    options: &WireOptions,
) -> String {
    let body = backend.encode(request, options).expect("a kind it takes");
    String::from_utf8(body.to_vec()).unwrap()
}

pub(super) fn decode(
    backend: &dyn Backend,
    stream: bool,
    body: &[u8],
    reply: &mut Reply,
) -> Result<(), RequestError> {
    let mut decoder = backend.decoder(stream);
    decoder.data(Nanos(1), body, reply)?;
    decoder.end(Nanos(2), reply)
}
