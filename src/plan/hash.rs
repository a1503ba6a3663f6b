//! Hashes of plans.

use super::{File, MediaKind, MediaSource, Plan, PlannedRequest, Prompt};
use xxhash_rust::xxh3::Xxh3;

/// Changes with the encoding below, so that hashes of two versions never match.
const ENCODING: &[u8] = b"goodput plan 1";

impl Plan {
    /// Hash of the plan: 32 hexadecimal digits that two plans share if and only if they send the same
    /// requests at the same times (xxh3-128 of their content). Request ids and notes do not count, nor do
    /// input lengths, which follow from the prompts.
    ///
    /// The hashed bytes are `goodput plan 1`, the number of requests, then for each request its
    /// `at` in nanoseconds, its output tokens, and its prompt: a kind byte (0 text, 1 token ids,
    /// 2 messages), a length, and as many UTF-8 bytes, 32-bit ids, or JSON texts that have their
    /// own length first. All numbers are little-endian, lengths and times with 64 bits.
    ///
    /// The other kinds consist of texts, each with its length first: 3 is text, the number of its parts,
    /// and for each part a byte (0 image, 1 video, 2 audio), then 0 and its URL, or 1 and its file; 4 is a
    /// recording's file and seconds (bits of a double); 5 is a number of texts; 6 is a query and a number
    /// of documents. A file is its name, media type and base64. A request with its own fields ends with the
    /// byte 255 and their JSON text. A request for a structure has the byte 252 and the JSON text of the structure. A turn of a session ends with the byte 254, its session, the number of
    /// requests that it waits for, their places, its pause in nanoseconds, one more than the place of the
    /// request whose messages it repeats (0 for none), and a byte: 1 if the server's answer follows them. A turn that is
    /// not due before a time of its session then has the byte 253 and the time. So the hash covers the rule by which later
    /// requests are made, but no answer.
    pub fn hash(&self) -> String {
        hash(&[&self.requests])
    }
}

/// Hash of a plan that consists of these parts, one after the other.
pub(crate) fn hash(parts: &[&[PlannedRequest]]) -> String {
    let mut hasher = Xxh3::new();
    hasher.update(ENCODING);
    let count: usize = parts.iter().map(|part| part.len()).sum();
    number(&mut hasher, count as u64);
    for request in parts.iter().copied().flatten() {
        number(&mut hasher, request.at.0);
        number(&mut hasher, request.output_tokens);
        match &request.prompt {
            Prompt::Text(text) => {
                hasher.update(&[0]);
                bytes(&mut hasher, text.as_bytes());
            }
            Prompt::Tokens(ids) => {
                hasher.update(&[1]);
                number(&mut hasher, ids.len() as u64);
                for id in ids {
                    hasher.update(&id.to_le_bytes());
                }
            }
            Prompt::Messages(messages) => {
                hasher.update(&[2]);
                number(&mut hasher, messages.len() as u64);
                for message in messages {
                    bytes(&mut hasher, message.to_string().as_bytes());
                }
            }
            Prompt::Media { text, media } => {
                hasher.update(&[3]);
                bytes(&mut hasher, text.as_bytes());
                number(&mut hasher, media.len() as u64);
                for part in media {
                    hasher.update(&[match part.kind {
                        MediaKind::Image => 0,
                        MediaKind::Video => 1,
                        MediaKind::Audio => 2,
                    }]);
                    match &part.source {
                        MediaSource::Url(url) => {
                            hasher.update(&[0]);
                            bytes(&mut hasher, url.as_bytes());
                        }
                        MediaSource::Inline(content) => {
                            hasher.update(&[1]);
                            file(&mut hasher, content);
                        }
                    }
                }
            }
            Prompt::Audio(audio) => {
                hasher.update(&[4]);
                file(&mut hasher, &audio.file);
                number(&mut hasher, audio.seconds.to_bits());
            }
            Prompt::Batch(texts) => {
                hasher.update(&[5]);
                list(&mut hasher, texts);
            }
            Prompt::Rerank { query, documents } => {
                hasher.update(&[6]);
                bytes(&mut hasher, query.as_bytes());
                list(&mut hasher, documents);
            }
        }
        if !request.overrides.is_empty() {
            hasher.update(&[255]);
            let overrides = serde_json::to_vec(&request.overrides).unwrap_or_default();
            bytes(&mut hasher, &overrides);
        }
        if let Some(asked) = request.structure.as_deref().filter(|asked| asked.sent) {
            hasher.update(&[252]);
            let structure = serde_json::to_vec(&*asked.structure).unwrap_or_default();
            bytes(&mut hasher, &structure);
        }
        if let Some(turn) = &request.turn {
            hasher.update(&[254]);
            number(&mut hasher, turn.id.session as u64);
            number(&mut hasher, turn.after.len() as u64);
            for before in &turn.after {
                number(&mut hasher, *before as u64);
            }
            number(&mut hasher, turn.pause.0);
            number(
                &mut hasher,
                turn.history.map_or(0, |before| before as u64 + 1),
            );
            hasher.update(&[u8::from(turn.answered)]);
            if turn.earliest.0 > 0 {
                hasher.update(&[253]);
                number(&mut hasher, turn.earliest.0);
            }
        }
        if let Some(class) = &request.class {
            hasher.update(&[252]);
            bytes(&mut hasher, class.as_bytes());
        }
    }
    format!("{:032x}", hasher.digest128())
}

fn file(hasher: &mut Xxh3, file: &File) {
    for text in [&*file.name, &*file.mime, file.content.as_str()] {
        bytes(hasher, text.as_bytes());
    }
}

fn list(hasher: &mut Xxh3, texts: &[String]) {
    number(hasher, texts.len() as u64);
    for text in texts {
        bytes(hasher, text.as_bytes());
    }
}

fn number(hasher: &mut Xxh3, value: u64) {
    hasher.update(&value.to_le_bytes());
}

fn bytes(hasher: &mut Xxh3, bytes: &[u8]) {
    number(hasher, bytes.len() as u64);
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Nanos,
        plan::{Audio, Base64, Media, PlannedRequest},
        record::{CountSource, TokenCount},
        structure::{Asked, Structure},
    };
    use rstest::rstest;
    use serde_json::json;
    use xxhash_rust::xxh3::xxh3_128;

    fn plan(prompts: impl IntoIterator<Item = Prompt>) -> Plan {
        let requests = prompts.into_iter().map(|prompt| PlannedRequest {
            at: Nanos(7),
            prompt,
            input: TokenCount {
                tokens: 1,
                source: CountSource::Estimate,
            },
            output_tokens: 9,
            id: "a".into(),
            overrides: serde_json::Map::new(),
            structure: None,
            turn: None,
            class: None,
            client: None,
        });
        Plan {
            requests: requests.collect(),
            notes: Vec::new(),
            timed: false,
            salt: None,
            warmup: Vec::new(),
        }
    }

    fn text(text: &str) -> Prompt {
        Prompt::Text(text.into())
    }

    #[test]
    fn the_encoding_is_the_documented_one() {
        let mut bytes = b"goodput plan 1".to_vec();
        for number in [1, 7, 9] {
            bytes.extend(u64::to_le_bytes(number));
        }
        bytes.push(0);
        bytes.extend(u64::to_le_bytes(2));
        bytes.extend(b"hi");
        let expected = format!("{:032x}", xxh3_128(&bytes));
        assert_eq!(plan([text("hi")]).hash(), expected);
    }

    #[test]
    fn hashes_do_not_change_between_versions() {
        let messages = vec![json!({"role": "user", "content": "hi"})];
        let plan = plan([
            text("hi"),
            Prompt::Tokens(vec![1, 2, 70_000]),
            Prompt::Messages(messages),
        ]);
        insta::assert_snapshot!(plan.hash(), @"b3c75b1224261e8685e4b3223196ed80");
    }

    fn picture(bytes: &[u8]) -> File {
        File {
            name: "a.png".into(),
            mime: "image/png".into(),
            content: Base64::encode(bytes),
        }
    }

    fn media(kind: MediaKind, source: MediaSource) -> Plan {
        plan([Prompt::Media {
            text: "hi".into(),
            media: vec![Media { kind, source }],
        }])
    }

    fn url(url: &str) -> MediaSource {
        MediaSource::Url(url.into())
    }

    fn audio(seconds: f64) -> Plan {
        plan([Prompt::Audio(Audio {
            file: picture(b"x"),
            seconds,
        })])
    }

    fn batch(texts: &[&str]) -> Prompt {
        Prompt::Batch(texts.iter().map(|&text| text.to_owned()).collect())
    }

    #[test]
    fn hashes_of_the_other_kinds_do_not_change_either() {
        let media = |source| Media {
            kind: MediaKind::Video,
            source,
        };
        let plan = plan([
            Prompt::Media {
                text: "hi".into(),
                media: vec![
                    media(url("http://a")),
                    media(MediaSource::Inline(picture(b"x"))),
                ],
            },
            Prompt::Audio(Audio {
                file: picture(b"x"),
                seconds: 1.5,
            }),
            batch(&["a", "b"]),
            Prompt::Rerank {
                query: "q".into(),
                documents: vec!["d".into()],
            },
        ]);
        insta::assert_snapshot!(plan.hash(), @"13876b0b2a32a037099476d7696402ab");
    }

    #[rstest]
    #[case::media_kind(media(MediaKind::Image, url("a")), media(MediaKind::Video, url("a")))]
    #[case::media_url(media(MediaKind::Image, url("a")), media(MediaKind::Image, url("b")))]
    #[case::media_bytes(
        media(MediaKind::Image, MediaSource::Inline(picture(b"x"))),
        media(MediaKind::Image, MediaSource::Inline(picture(b"y")))
    )]
    #[case::audio_seconds(audio(1.0), audio(2.0))]
    #[case::batch(plan([batch(&["ab", "c"])]), plan([batch(&["a", "bc"])]))]
    #[case::boundaries(plan([text("ab"), text("c")]), plan([text("a"), text("bc")]))]
    #[case::kinds(plan([text("")]), plan([Prompt::Tokens(Vec::new())]))]
    #[case::order(plan([text("a"), text("b")]), plan([text("b"), text("a")]))]
    #[case::time(plan([text("a")]), later(plan([text("a")])))]
    #[case::structure(plan([text("a")]), structured(plan([text("a")]), true))]
    #[case::another_structure(
        structured(plan([text("a")]), true), structured(plan([text("a")]), false)
    )]
    #[case::output(plan([text("a")]), longer(plan([text("a")])))]
    fn what_is_sent_counts(#[case] one: Plan, #[case] other: Plan) {
        assert_ne!(one.hash(), other.hash());
    }

    fn later(mut plan: Plan) -> Plan {
        plan.requests[0].at = Nanos(8);
        plan
    }

    /// Asks for a choice, or for a regular expression.
    fn structured(mut plan: Plan, choice: bool) -> Plan {
        let structure = if choice {
            Structure::Choice(vec!["a".into()])
        } else {
            Structure::Regex("a".into())
        };
        plan.requests[0].structure = Some(Asked::of(structure.into()));
        plan
    }

    #[test]
    fn a_structure_that_is_not_asked_for_does_not_count() {
        let mut left_out = structured(plan([text("a")]), true);
        left_out.requests[0].structure.as_mut().unwrap().sent = false;
        assert_eq!(left_out.hash(), plan([text("a")]).hash());
    }

    fn longer(mut plan: Plan) -> Plan {
        plan.requests[0].output_tokens += 1;
        plan
    }

    #[test]
    fn names_and_notes_do_not_count() {
        let mut renamed = plan([text("a")]);
        renamed.requests[0].id = "another".into();
        renamed.notes.push("a note".into());
        assert_eq!(renamed.hash(), plan([text("a")]).hash());
    }
}
