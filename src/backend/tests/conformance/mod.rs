//! What every backend must pass: golden bodies, golden answers, answers that are cut or are something
//! else, and the accounting of tokens.

mod answers;
mod oddities;
mod several;
mod wire;

use self::answers::{ANTHROPIC_THINKING, OLLAMA, answers};
use crate::{
    backend::{
        BACKENDS, Backend, WireOptions, by_name,
        testing::{decode, inline, linked, options, recording, request},
    },
    clock::Nanos,
    plan::{MediaKind, Prompt, Shape},
    record::{Channel, CountSource, Reply, RequestError, Task, TokenCount},
};
use rstest::rstest;
use serde_json::{Map, Value, json};
use std::{fmt::Write, sync::Arc};

fn all() -> impl Iterator<Item = Arc<dyn Backend>> {
    BACKENDS.iter().map(|name| by_name(name).expect(name))
}

/// A prompt of this kind.
fn prompt(shape: Shape) -> Prompt {
    let text = || "Say \"hi\".".to_owned();
    match shape {
        Shape::Text => Prompt::Text(text()),
        Shape::Tokens => Prompt::Tokens(vec![1, 2, 70_000]),
        Shape::Messages => Prompt::Messages(vec![
            json!({"role": "system", "content": "Be brief."}),
            json!({"role": "user", "content": "Hi"}),
        ]),
        Shape::Media(kind) => Prompt::Media {
            text: text(),
            media: vec![inline(kind)],
        },
        Shape::Audio => recording(),
        Shape::Batch => Prompt::Batch(vec!["a".to_owned(), "b".to_owned()]),
        Shape::Rerank => Prompt::Rerank {
            query: "q".to_owned(),
            documents: vec!["a".to_owned(), "b".to_owned()],
        },
    }
}

#[test]
fn every_backend_name_finds_its_backend() {
    for name in BACKENDS {
        assert_eq!(by_name(name).map(|backend| backend.name()), Some(*name));
    }
    assert!(by_name("openai_chat").is_none());
}

/// Every body that there is, as it goes out.
#[test]
fn bodies() {
    let mut bodies = String::new();
    for backend in all() {
        for stream in [true, false] {
            if stream && !backend.streams() {
                continue;
            }
            let path = backend.endpoint(stream);
            writeln!(bodies, "# {} {path}", backend.name()).unwrap();
            let mut options = options(stream);
            options.ignore_eos = stream && backend.ignores_eos();
            for shape in Shape::ALL {
                let prompt = prompt(shape);
                let refused = backend.refuses(&prompt).is_some();
                let body = backend.encode(&request(prompt), &options);
                assert_eq!(
                    body.is_some(),
                    backend.takes(shape) && !refused,
                    "{} and {}",
                    backend.name(),
                    shape.name()
                );
                // Without a stream the shape makes no further difference.
                let shown = stream || !backend.streams() || shape == Shape::Text;
                if let Some(body) = body.filter(|_| shown) {
                    let body = String::from_utf8(body.to_vec()).unwrap();
                    writeln!(bodies, "{}: {}", shape.name(), body.replace('\r', "")).unwrap();
                }
            }
        }
    }
    insta::assert_snapshot!(bodies);
}

/// Pictures and other media that the server fetches itself.
#[test]
fn bodies_with_links() {
    let mut bodies = String::new();
    for backend in all() {
        for kind in [MediaKind::Image, MediaKind::Video, MediaKind::Audio] {
            let prompt = Prompt::Media {
                text: String::new(),
                media: vec![linked(kind)],
            };
            let refused = backend.refuses(&prompt).is_some();
            let body = backend.encode(&request(prompt), &options(true));
            let taken = backend.takes(Shape::Media(kind)) && !refused;
            assert_eq!(body.is_some(), taken, "{}", backend.name());
            if let Some(body) = body {
                let body = String::from_utf8(body.to_vec()).unwrap();
                writeln!(bodies, "{}: {body}", backend.name()).unwrap();
            }
        }
    }
    insta::assert_snapshot!(bodies);
}

#[test]
fn extra_body_comes_last_and_may_replace_anything() {
    for backend in all().filter(|backend| !backend.takes(Shape::Audio)) {
        let mut options = options(true);
        let plain = Shape::ALL
            .into_iter()
            .find_map(|shape| backend.encode(&request(prompt(shape)), &options))
            .unwrap();
        let plain: Value = serde_json::from_slice(&plain).unwrap();
        let first = plain.as_object().unwrap().keys().next().unwrap().clone();
        options.extra_body = [(first.clone(), json!("x")), ("zz".to_owned(), json!(1))]
            .into_iter()
            .collect();
        let shape = Shape::ALL.into_iter().find(|shape| backend.takes(*shape));
        let body = backend
            .encode(&request(prompt(shape.unwrap())), &options)
            .unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body[first], &body["zz"]), (&json!("x"), &json!(1)));
    }
}

#[test]
fn null_takes_any_key_out_and_leaves_the_others_as_they_were() {
    for backend in all().filter(|backend| !backend.takes(Shape::Audio)) {
        let shape = Shape::ALL.into_iter().find(|shape| backend.takes(*shape));
        let request = request(prompt(shape.unwrap()));
        let object = |options: &WireOptions| -> Map<String, Value> {
            serde_json::from_slice(&backend.encode(&request, options).unwrap()).unwrap()
        };
        let plain = object(&options(true));
        for key in plain.keys() {
            let mut options = options(true);
            options.extra_body = [(key.clone(), Value::Null)].into_iter().collect();
            let mut expected = plain.clone();
            expected.shift_remove(key);
            let without = object(&options);
            assert!(without.iter().eq(&expected), "{}: {key}", backend.name());
        }
    }
}

#[rstest]
#[case::tgi("tgi", "parameters", "max_new_tokens")]
#[case::sglang("sglang", "sampling_params", "max_new_tokens")]
#[case::ollama("ollama", "options", "num_predict")]
fn settings_are_added_to_ours(#[case] name: &str, #[case] settings: &str, #[case] length: &str) {
    let mut options = options(true);
    let extra = json!({"temperature": 0.5});
    options.extra_body = [(settings.to_owned(), extra)].into_iter().collect();
    let body = by_name(name)
        .unwrap()
        .encode(&request(prompt(Shape::Text)), &options)
        .unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body[settings]["temperature"], 0.5);
    assert_eq!(body[settings][length], 16);
    options.extra_body[settings] = json!({length: null});
    let body = by_name(name).unwrap();
    let body = body
        .encode(&request(prompt(Shape::Text)), &options)
        .unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body[settings].get(length), None);
}

#[test]
fn answers_are_what_they_say() {
    for backend in all() {
        let name = backend.name();
        for golden in answers(name) {
            let mut reply = Reply::default();
            let body = golden.body.as_bytes();
            assert_eq!(
                decode(&*backend, golden.stream, body, &mut reply),
                Ok(()),
                "{name}"
            );
            let usage = reply.usage.unwrap_or_default();
            let counted = (usage.prompt_tokens, usage.completion_tokens);
            assert_eq!(counted, golden.counted, "{name}");
            assert_eq!(reply.events.len(), golden.events, "{name}");
            assert_eq!(reply.finish.as_deref(), golden.finish, "{name}");
            assert_eq!(reply.text, golden.text, "{name}");
            let pools = backend.task() == Task::Pool;
            assert_eq!(reply.answered.is_some(), pools, "{name}");
            accounts(name, &reply);
        }
    }
}

/// What the events say adds up to what usage says, and usage is what is taken.
fn accounts(name: &str, reply: &Reply) {
    let of_events: Vec<u32> = reply.events.iter().map(|event| event.tokens).collect();
    let generated = reply.usage.and_then(|usage| usage.completion_tokens);
    let taken = TokenCount::of_reply(reply);
    match generated {
        Some(tokens) if tokens > 0 => {
            assert_eq!(
                (taken.tokens, taken.source),
                (tokens, CountSource::Usage),
                "{name}"
            );
            if of_events.iter().all(|tokens| *tokens > 0) {
                let sum: u64 = of_events.iter().map(|tokens| u64::from(*tokens)).sum();
                assert_eq!(sum, tokens, "{name}");
            }
        }
        _ => assert_eq!(taken.tokens, reply.events.len() as u64, "{name}"),
    }
}

/// Decodes pieces that arrive one after the other.
fn in_pieces(
    backend: &dyn Backend,
    stream: bool,
    pieces: &[&[u8]],
) -> (Reply, Result<(), RequestError>) {
    let mut decoder = backend.decoder(stream);
    let mut reply = Reply::default();
    for piece in pieces {
        if let Err(error) = decoder.data(Nanos(1), piece, &mut reply) {
            return (reply, Err(error));
        }
    }
    let result = decoder.end(Nanos(1), &mut reply);
    (reply, result)
}

#[test]
fn however_the_bytes_are_split_the_answer_is_the_same() {
    for backend in all() {
        for golden in answers(backend.name()) {
            let body = golden.body.as_bytes();
            let whole = in_pieces(&*backend, golden.stream, &[body]);
            let byte_by_byte: Vec<&[u8]> = body.chunks(1).collect();
            let split = in_pieces(&*backend, golden.stream, &byte_by_byte);
            assert_eq!(split, whole, "{}", backend.name());
            for at in (0..body.len()).step_by(body.len() / 97 + 1) {
                let (head, tail) = body.split_at(at);
                let split = in_pieces(&*backend, golden.stream, &[head, tail]);
                assert_eq!(split, whole, "{} cut at {at}", backend.name());
            }
        }
    }
}

/// An answer that ends before its mark of the end is not a success. Triton's has no such mark.
#[test]
fn what_is_cut_is_no_success() {
    for backend in all() {
        let name = backend.name();
        for golden in answers(name) {
            let body = golden.body.as_bytes();
            let whole = in_pieces(&*backend, golden.stream, &[body]).0;
            for at in (0..body.len()).step_by(body.len() / 97 + 1) {
                let (reply, result) = in_pieces(&*backend, golden.stream, &[&body[..at]]);
                if result.is_ok() {
                    let same = reply.finish == whole.finish && reply.text == whole.text;
                    let markless = name == "tensorrt-llm" && !reply.events.is_empty();
                    assert!(same || markless, "{name} cut at {at}");
                }
            }
        }
    }
}

/// Wherever it is cut: between events, or inside one that would have brought usage.
#[test]
fn a_cut_after_the_end_was_said_changes_no_success() {
    let mut tried = 0;
    for backend in all().filter(|backend| backend.streams()) {
        let name = backend.name();
        for golden in answers(name).into_iter().filter(|golden| golden.stream) {
            let body = golden.body.as_bytes();
            let mut decoder = backend.decoder(true);
            let mut reply = Reply::default();
            let mut said = false;
            for (at, byte) in body.iter().enumerate() {
                if said {
                    let (_, result) = in_pieces(&*backend, true, &[&body[..at]]);
                    assert_eq!(result, Ok(()), "{name} cut at {at}");
                    tried += 1;
                }
                decoder.data(Nanos(1), &[*byte], &mut reply).unwrap();
                said = decoder.said_end(&reply);
            }
        }
    }
    assert!(tried > 1000, "{tried}");
}

#[test]
fn errors_are_no_success() {
    let error = r#"{"error":{"message":"no room","type":"server_error","code":500}}"#;
    for backend in all() {
        let name = backend.name();
        for stream in [true, false] {
            let streams = stream && backend.streams();
            let framed = match (streams, name) {
                (true, "ollama") => format!("{error}\n"),
                (true, _) => format!("data: {error}\n\n"),
                (false, _) => error.to_owned(),
            };
            let (_, result) = in_pieces(&*backend, stream, &[framed.as_bytes()]);
            let busy = RequestError::Server {
                message: "no room".to_owned(),
            };
            assert_eq!(result, Err(busy), "{name}, stream {stream}");
            for (body, kind) in [
                ("<html><title>Login</title></html>", "Foreign"),
                ("OK", "Foreign"),
                ("", "Truncated"),
            ] {
                let (_, result) = in_pieces(&*backend, stream, &[body.as_bytes()]);
                let found = format!("{:?}", result.unwrap_err());
                assert!(found.starts_with(kind), "{name}, {body:?}: {found}");
            }
        }
    }
}

/// After some tokens.
#[test]
fn an_error_in_a_stream_fails_what_came_before_it() {
    for backend in all().filter(|backend| backend.streams()) {
        let name = backend.name();
        let golden = answers(name).remove(0);
        let end = if name == "ollama" { "\n" } else { "\n\n" };
        let events: Vec<&str> = golden.body.split_inclusive(end).collect();
        let error = match name {
            "ollama" => "{\"error\":\"no room\"}\n",
            "anthropic" => {
                "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"no room\"}}\n\n"
            }
            "openai-responses" => {
                "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"no room\",\"param\":null}\n\n"
            }
            "tgi" => "data:{\"error\":\"no room\",\"error_type\":\"generation\"}\n\n",
            _ => "data: {\"error\":{\"message\":\"no room\"}}\n\n",
        };
        let half = events.len() / 2;
        let body = format!("{}{error}", events[..half].concat());
        let (reply, result) = in_pieces(&*backend, true, &[body.as_bytes()]);
        let message = "no room".to_owned();
        assert_eq!(result, Err(RequestError::Server { message }), "{name}");
        assert!(!reply.events.is_empty(), "{name}");
    }
}

#[test]
fn an_empty_list_is_no_answer() {
    for backend in all().filter(|backend| backend.task() == Task::Pool) {
        for body in [
            r#"{"data":[],"usage":{"prompt_tokens":3}}"#,
            r#"{"results":[]}"#,
            "{}",
        ] {
            let (reply, result) = in_pieces(&*backend, true, &[body.as_bytes()]);
            let found = result.unwrap_err().to_string();
            assert!(found.contains("data or results"), "{found}");
            assert_eq!(reply.answered, None);
        }
    }
}

#[test]
fn reasoning_is_told_from_the_answer() {
    for (name, golden) in [("anthropic", ANTHROPIC_THINKING), ("ollama", OLLAMA)] {
        let mut reply = Reply::default();
        let backend = by_name(name).unwrap();
        decode(&*backend, true, golden.as_bytes(), &mut reply).unwrap();
        let first = reply.events.iter().next().unwrap().channel;
        assert_eq!(
            (first, reply.reasoning.as_str()),
            (Channel::Reasoning, "hm"),
            "{name}"
        );
    }
}
