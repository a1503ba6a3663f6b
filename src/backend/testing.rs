//! What the tests of the dialects share.

use super::{Backend, WireOptions};
use crate::{
    clock::Nanos,
    plan::{Audio, Base64, File, Media, MediaKind, MediaSource, PlannedRequest, Prompt},
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
        structure: None,
        turn: None,
        class: None,
        client: None,
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

/// A recording that is text, so that it can be shown.
pub(super) fn recording() -> Prompt {
    Prompt::Audio(Audio {
        file: file("audio.wav", "audio/wav"),
        seconds: 2.5,
    })
}

fn file(name: &str, mime: &str) -> File {
    File {
        name: name.to_owned(),
        mime: mime.to_owned(),
        content: Base64::encode(b"RIFF"),
    }
}

/// A part that is in the request.
pub(super) fn inline(kind: MediaKind) -> Media {
    let (name, mime) = match kind {
        MediaKind::Image => ("a.png", "image/png"),
        MediaKind::Video => ("a.mp4", "video/mp4"),
        MediaKind::Audio => ("a.wav", "audio/wav"),
    };
    Media {
        kind,
        source: MediaSource::Inline(file(name, mime)),
    }
}

/// A part that the server fetches.
pub(super) fn linked(kind: MediaKind) -> Media {
    Media {
        kind,
        source: MediaSource::Url(format!("https://example.org/{}", kind.name())),
    }
}
