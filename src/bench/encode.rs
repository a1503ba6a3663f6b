//! From planned requests to the bodies that go out.
//!
//! Files are not copied into bodies: rows are repeated, and each of thousands of requests may carry a picture of
//! megabytes. A backend encodes a short word in the place of each file, and the body is put together of what is
//! around the words and of the files, which all bodies share.

use crate::{
    backend::{Backend, WireOptions},
    client::Body,
    plan::{Base64, File, MediaSource, PlannedRequest, Prompt, Salt},
    structure,
};
use bytes::Bytes;
use memchr::memmem;
use serde_json::{Map, Value};
use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher, RandomState},
};

/// Files shorter than this are copied, in characters of base64.
const SHARED_FROM: usize = 4 << 10;

/// Encodes the requests of a plan.
pub(super) struct Encoder<'a> {
    backend: &'a dyn Backend,
    options: &'a WireOptions,
    /// Options for classes whose answers go on after the end of text.
    ignoring: Option<WireOptions>,
    /// What stands before every prompt.
    salt: Option<&'a Salt>,
    /// Makes words that stand in no prompt.
    nonce: u64,
    /// Files as they are, by their text, for bodies that are not text.
    decoded: HashMap<*const u8, Bytes>,
}

/// A file that a word stands for.
struct Stored {
    /// The word in base64, as the files' texts are.
    word: Base64,
    content: Base64,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(backend: &'a dyn Backend, options: &'a WireOptions) -> Self {
        Encoder {
            backend,
            options,
            ignoring: (!options.ignoring_classes.is_empty()).then(|| WireOptions {
                ignore_eos: true,
                ..options.clone()
            }),
            salt: None,
            nonce: RandomState::new().build_hasher().finish(),
            decoded: HashMap::new(),
        }
    }

    /// The same encoder for a plan with this salt.
    pub(super) fn salted(self, salt: Option<&'a Salt>) -> Self {
        Encoder { salt, ..self }
    }

    /// What to send for a request, if the backend takes it.
    pub(super) fn body_of(&mut self, request: &PlannedRequest) -> Option<Body> {
        let mut stored = Vec::new();
        let salted = self.salt.map(|salt| salt.before(&request.prompt));
        let plain = self.without_files(salted.as_ref().unwrap_or(&request.prompt), &mut stored);
        let body = match plain.or(salted) {
            Some(prompt) => {
                let short = PlannedRequest {
                    prompt,
                    overrides: request.overrides.clone(),
                    id: request.id.clone(),
                    structure: request.structure.clone(),
                    turn: None,
                    class: None,
                    client: None,
                    ..*request
                };
                self.backend.encode(&short, self.options_of(request))?
            }
            None => self.backend.encode(request, self.options_of(request))?,
        };
        let asked = request.structure.as_deref().filter(|asked| asked.sent);
        let fields = asked.and_then(|asked| self.backend.structured(&asked.structure));
        let body = overridden(structured(body, fields), &request.overrides);
        Some(Body::of(self.with_files(&body, &stored)))
    }

    fn options_of(&self, request: &PlannedRequest) -> &WireOptions {
        let class = request.class.as_deref();
        let ignores = class.is_some_and(|class| self.options.ignoring_classes.contains(class));
        self.ignoring
            .as_ref()
            .filter(|_| ignores)
            .unwrap_or(self.options)
    }

    /// The prompt with words in place of its files, which are stored. `None` if it has no large file.
    fn without_files(&self, prompt: &Prompt, stored: &mut Vec<Stored>) -> Option<Prompt> {
        let mut store = |file: &mut File| {
            if file.content.as_str().len() >= SHARED_FROM {
                // A multiple of three bytes, so that its base64 is the same wherever it stands.
                let word = format!("goodput-{:016x}-{:08x}", self.nonce, stored.len());
                let word = Base64::encode(word.as_bytes());
                let content = std::mem::replace(&mut file.content, word.clone());
                stored.push(Stored { word, content });
            }
        };
        let mut short = match prompt {
            Prompt::Media { .. } | Prompt::Audio(_) => prompt.clone(),
            _ => return None,
        };
        match &mut short {
            Prompt::Media { media, .. } => {
                for media in media {
                    if let MediaSource::Inline(file) = &mut media.source {
                        store(file);
                    }
                }
            }
            Prompt::Audio(audio) => store(&mut audio.file),
            _ => {}
        }
        Some(short)
    }

    /// The pieces of a body, with the files for their words.
    fn with_files(&mut self, body: &Bytes, stored: &[Stored]) -> Vec<Bytes> {
        let mut found = Vec::new();
        for Stored { word, content } in stored {
            let text = word.as_str().as_bytes();
            for place in memmem::find_iter(body, text) {
                found.push((place, text.len(), content.text()));
            }
            let decoded = word.decode();
            for place in memmem::find_iter(body, &decoded) {
                let file = self.decoded.entry(content.as_str().as_ptr());
                let file = file.or_insert_with(|| content.decode().into());
                found.push((place, decoded.len(), file.clone()));
            }
        }
        found.sort_unstable_by_key(|(place, ..)| *place);
        let mut pieces = Vec::new();
        let mut from = 0;
        for (place, length, file) in found {
            pieces.extend([body.slice(from..place), file]);
            from = place + length;
        }
        pieces.push(body.slice(from..));
        pieces
    }
}

/// A JSON body with the fields that ask for a structure.
fn structured(body: Bytes, fields: Option<Map<String, Value>>) -> Bytes {
    let Some(asked) = fields else {
        return body;
    };
    match serde_json::from_slice::<Map<String, Value>>(&body) {
        Ok(mut fields) => {
            structure::merge(&mut fields, &asked);
            Bytes::from(Value::Object(fields).to_string())
        }
        Err(_) => body,
    }
}

/// A JSON body with fields of its own, which replace those of the bench.
fn overridden(body: Bytes, overrides: &Map<String, Value>) -> Bytes {
    if overrides.is_empty() {
        return body;
    }
    match serde_json::from_slice::<Map<String, Value>>(&body) {
        Ok(mut fields) => {
            fields.extend(overrides.clone());
            Bytes::from(Value::Object(fields).to_string())
        }
        Err(_) => body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::by_name,
        clock::Nanos,
        grammar::names::BACKENDS,
        plan::{Audio, Media, MediaKind, Shape},
        record::{CountSource, TokenCount},
    };
    use rstest::rstest;
    use serde_json::json;

    fn file(mime: &str, size: usize) -> File {
        let bytes: Vec<u8> = (0..size).map(|byte| (byte * byte / 7) as u8).collect();
        File {
            name: "a.bin".to_owned(),
            mime: mime.to_owned(),
            content: Base64::encode(&bytes),
        }
    }

    fn media(kind: MediaKind, size: usize) -> Media {
        let mime = format!("{}/wav", kind.name());
        Media {
            kind,
            source: MediaSource::Inline(file(&mime, size)),
        }
    }

    fn request(prompt: Prompt) -> PlannedRequest {
        PlannedRequest {
            at: Nanos(0),
            prompt,
            input: TokenCount {
                tokens: 2,
                source: CountSource::Estimate,
            },
            output_tokens: 16,
            id: "bench-0".to_owned(),
            overrides: [("model".to_owned(), json!("adapter"))]
                .into_iter()
                .collect(),
            structure: None,
            turn: None,
            class: None,
            client: None,
        }
    }

    /// A prompt of this kind with two files, if it may have files.
    fn prompt(shape: Shape, sizes: [usize; 2]) -> Option<Prompt> {
        match shape {
            Shape::Media(kind) => Some(Prompt::Media {
                text: String::new(),
                media: sizes.map(|size| media(kind, size)).into(),
            }),
            Shape::Audio => Some(Prompt::Audio(Audio {
                file: file("audio/wav", sizes[0]),
                seconds: 1.0,
            })),
            _ => None,
        }
    }

    fn whole(body: &Body) -> Vec<u8> {
        body.pieces().flat_map(|piece| piece.to_vec()).collect()
    }

    /// Every body with files is what its backend encodes.
    #[rstest]
    #[case::large([5000, 70_001], true)]
    #[case::one_large([5, 70_002], true)]
    #[case::small([5, 6], false)]
    fn bodies_are_those_of_the_backend(#[case] sizes: [usize; 2], #[case] shared: bool) {
        let mut seen = 0;
        for backend in BACKENDS.iter().filter_map(|name| by_name(name)) {
            let options = WireOptions::default();
            for prompt in Shape::ALL
                .into_iter()
                .filter_map(|shape| prompt(shape, sizes))
            {
                let mut planned = vec![request(prompt)];
                // Some take one part.
                if let Prompt::Media { media, .. } = &planned[0].prompt {
                    planned.push(request(Prompt::Media {
                        text: String::new(),
                        media: vec![media[1].clone()],
                    }));
                }
                for request in planned {
                    let name = backend.name();
                    let Some(encoded) = backend.encode(&request, &options) else {
                        continue;
                    };
                    let expected = overridden(encoded, &request.overrides);
                    let mut encoder = Encoder::new(&*backend, &options);
                    let body = encoder.body_of(&request).unwrap();
                    assert!(whole(&body) == expected, "{name}");
                    assert_eq!(body.size(), expected.len(), "{name}");
                    let is_shared = body.pieces().count() > 1;
                    // The recording is the first of the two.
                    let small_audio = matches!(request.prompt, Prompt::Audio(_)) && sizes[0] < 10;
                    assert_eq!(is_shared, shared && !small_audio, "{name}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 10, "{seen}");
    }

    /// Answers of some classes go on after the end of text, where the bench does not say it of all.
    #[test]
    fn classes_have_options_of_their_own() {
        let backend = by_name("openai").unwrap();
        let options = WireOptions {
            ignoring_classes: ["made".to_owned()].into(),
            ..WireOptions::default()
        };
        let mut encoder = Encoder::new(&*backend, &options);
        for (class, ignores) in [(Some("made"), true), (Some("real"), false), (None, false)] {
            let mut request = request(Prompt::Text("hi".to_owned()));
            request.class = class.map(Into::into);
            let body = whole(&encoder.body_of(&request).unwrap());
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body.get("ignore_eos").is_some(), ignores, "{body}");
        }
    }

    /// A file is in memory once, however many bodies have it.
    #[rstest]
    #[case::picture("openai-chat", Shape::Media(MediaKind::Image))]
    #[case::recording("openai-audio", Shape::Audio)]
    fn files_are_shared(#[case] name: &str, #[case] shape: Shape) {
        let backend = by_name(name).unwrap();
        let options = WireOptions::default();
        let mut encoder = Encoder::new(&*backend, &options);
        let first = request(prompt(shape, [70_000, 8]).unwrap());
        let bodies = [first.clone(), first].map(|request| encoder.body_of(&request).unwrap());
        let [one, two] = bodies.each_ref().map(|body| {
            let pieces = body.pieces();
            let large = pieces.filter(|piece| piece.len() > 60_000);
            large.map(|piece| piece.as_ptr()).collect::<Vec<_>>()
        });
        assert_eq!(one.len(), 1);
        assert_eq!(one, two);
    }
}
