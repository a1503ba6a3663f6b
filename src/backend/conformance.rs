//! What every backend must pass: golden bodies, golden answers, answers that are cut or are something
//! else, and the accounting of tokens.

use super::{
    BACKENDS, Backend, by_name,
    fixtures::{decode, inline, linked, options, recording, request},
};
use crate::{
    clock::Nanos,
    plan::{MediaKind, Prompt, Shape},
    record::{Channel, CountSource, Reply, RequestError, TokenCount},
    run::Task,
};
use rstest::rstest;
use serde_json::{Value, json};
use std::{fmt::Write, sync::Arc};

macro_rules! captured {
    ($name:literal) => {
        include_str!(concat!("../../fixtures/captures/", $name, ".body"))
    };
}

fn all() -> impl Iterator<Item = Arc<dyn Backend>> {
    BACKENDS.iter().map(|name| by_name(name).expect(name))
}

/// An answer and what is in it.
struct Golden {
    body: &'static str,
    stream: bool,
    /// As the server counted them, the prompt's and the generated ones.
    counted: (Option<u64>, Option<u64>),
    events: usize,
    text: &'static str,
    finish: Option<&'static str>,
}

const TGI: &str = concat!(
    "data:{\"index\":1,\"token\":{\"id\":262,\"text\":\" a\",\"logprob\":-1.1,\"special\":false},\"generated_text\":null,\"details\":null}\n\n",
    ": ping\n\n",
    "data:{\"index\":2,\"token\":{\"id\":263,\"text\":\" b\",\"logprob\":-0.2,\"special\":false},\"generated_text\":null,\"details\":null}\n\n",
    "data:{\"index\":3,\"token\":{\"id\":2,\"text\":\"</s>\",\"logprob\":-0.1,\"special\":true},\"generated_text\":\" a b\",\"details\":{\"finish_reason\":\"eos_token\",\"generated_tokens\":3,\"seed\":null,\"input_length\":4}}\n\n",
);

const SGLANG: &str = concat!(
    "data: {\"text\":\" a\",\"output_ids\":[5],\"meta_info\":{\"id\":\"1\",\"finish_reason\":null,\"prompt_tokens\":4,\"completion_tokens\":1,\"cached_tokens\":0}}\n\n",
    "data: {\"text\":\" a b c\",\"output_ids\":[5,6,7],\"meta_info\":{\"id\":\"1\",\"finish_reason\":null,\"prompt_tokens\":4,\"completion_tokens\":3,\"cached_tokens\":0}}\n\n",
    "data: {\"text\":\" a b c\",\"output_ids\":[5,6,7],\"meta_info\":{\"id\":\"1\",\"finish_reason\":{\"type\":\"length\",\"length\":3},\"prompt_tokens\":4,\"completion_tokens\":3,\"cached_tokens\":0,\"e2e_latency\":0.1}}\n\n",
    "data: [DONE]\n\n",
);

/// As a server does it whose streams have only what is new.
const SGLANG_NEW_ONLY: &str = concat!(
    "data: {\"text\":\" a\",\"meta_info\":{\"id\":\"1\",\"finish_reason\":null,\"prompt_tokens\":4,\"completion_tokens\":1}}\n\n",
    "data: {\"text\":\" b\",\"meta_info\":{\"id\":\"1\",\"finish_reason\":{\"type\":\"stop\",\"matched\":2},\"prompt_tokens\":4,\"completion_tokens\":2}}\n\n",
    "data: [DONE]\n\n",
);

const TRITON: &str = concat!(
    "data: {\"model_name\":\"ensemble\",\"model_version\":\"1\",\"sequence_end\":false,\"sequence_id\":0,\"sequence_start\":false,\"text_output\":\" a\"}\n\n",
    "data: {\"model_name\":\"ensemble\",\"model_version\":\"1\",\"sequence_end\":false,\"sequence_id\":0,\"sequence_start\":false,\"text_output\":\" b\"}\n\n",
);

const OLLAMA: &str = concat!(
    "{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"hm\"},\"done\":false}\n",
    "{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\" a\"},\"done\":false}\n",
    "{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\" b\"},\"done\":false}\n",
    "{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"total_duration\":5,\"prompt_eval_count\":4,\"eval_count\":3,\"eval_duration\":2}\n",
);

/// As vLLM words it in its source.
const TRANSCRIPTION: &str = concat!(
    "data: {\"id\":\"trsc-1\",\"object\":\"transcription.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\" a\"},\"finish_reason\":null,\"stop_reason\":null}],\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":1,\"total_tokens\":51}}\n\n",
    "data: {\"id\":\"trsc-1\",\"object\":\"transcription.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\" b c\"},\"finish_reason\":null,\"stop_reason\":null}],\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":3,\"total_tokens\":53}}\n\n",
    "data: {\"id\":\"trsc-1\",\"object\":\"transcription.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\",\"stop_reason\":null}],\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":4,\"total_tokens\":54}}\n\n",
    "data: {\"id\":\"trsc-1\",\"object\":\"transcription.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":4,\"total_tokens\":54}}\n\n",
    "data: [DONE]\n\n",
);

const ANTHROPIC_THINKING: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"model\":\"m\",\"stop_reason\":null,\"usage\":{\"input_tokens\":4,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":6,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"xx\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":7}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

const INFINITY: &str = r#"{"object":"list","data":[{"object":"embedding","embedding":[0.5],"index":0}],"model":"m","usage":{"prompt_tokens":9,"total_tokens":9},"id":"infinity-1","created":1}"#;

/// Answers of servers that this backend is for.
fn answers(backend: &str) -> Vec<Golden> {
    let golden = |stream, body, counted, events, text, finish| Golden {
        body,
        stream,
        counted,
        events,
        text,
        finish,
    };
    let both = |prompt, generated| (Some(prompt), Some(generated));
    let pooled = |body, prompt| vec![golden(true, body, both(prompt, 0), 0, "", None)];
    match backend {
        "openai" | "vllm" | "lmdeploy" | "scalellm" => {
            let text = " rightsPATlightly337pltselect nameoptional addsablingGWjay";
            let finish = Some("length");
            let stream = captured!("vllm-completions-stream-usage");
            let whole = captured!("vllm-completions-nostream");
            vec![
                golden(true, stream, both(9, 12), 12, text, finish),
                golden(false, whole, both(9, 12), 1, text, finish),
            ]
        }
        "openai-chat" => {
            let text = " rightsPATlightly337 linkerselect nameoptional addsablingGWjay";
            let finish = Some("length");
            let stream = captured!("vllm-chat-stream-usage");
            let whole = captured!("vllm-chat-nostream");
            vec![
                golden(true, stream, both(21, 12), 7, text, finish),
                golden(false, whole, both(21, 12), 1, text, finish),
            ]
        }
        "openai-responses" => vec![
            golden(
                true,
                captured!("vllm-responses-stream"),
                both(14, 8),
                6,
                "upg headsums configurations hardening login LIABLE Int",
                Some("max_output_tokens"),
            ),
            golden(
                false,
                r#"{"id":"resp_1","object":"response","status":"completed","incomplete_details":null,"error":null,"output":[{"type":"reasoning","content":[{"type":"reasoning_text","text":"hm"}]},{"type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"a b","annotations":[]}]}],"usage":{"input_tokens":4,"input_tokens_details":{"cached_tokens":0},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":9}}"#,
                both(4, 5),
                1,
                "a b",
                Some("completed"),
            ),
        ],
        "openai-audio" => vec![
            golden(true, TRANSCRIPTION, both(50, 4), 3, " a b c", Some("stop")),
            golden(
                false,
                r#"{"text":" a b c","usage":{"type":"duration","seconds":3}}"#,
                (None, None),
                1,
                " a b c",
                None,
            ),
        ],
        "anthropic" => vec![
            golden(
                true,
                captured!("vllm-anthropic-stream"),
                both(21, 8),
                8,
                " depending Michael768 native libdl Pa delimit exist",
                Some("max_tokens"),
            ),
            golden(
                true,
                ANTHROPIC_THINKING,
                both(10, 7),
                2,
                "a",
                Some("end_turn"),
            ),
            golden(
                false,
                r#"{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"text","text":"a b"}],"model":"m","stop_reason":"max_tokens","stop_sequence":null,"usage":{"input_tokens":4,"output_tokens":2}}"#,
                both(4, 2),
                1,
                "a b",
                Some("max_tokens"),
            ),
        ],
        "ollama" => vec![
            golden(true, OLLAMA, both(4, 3), 3, " a b", Some("stop")),
            golden(
                false,
                r#"{"model":"m","message":{"role":"assistant","content":"a b"},"done":true,"done_reason":"length","prompt_eval_count":4,"eval_count":2}"#,
                both(4, 2),
                1,
                "a b",
                Some("length"),
            ),
        ],
        "tgi" => vec![
            golden(true, TGI, both(4, 3), 3, " a b", Some("eos_token")),
            golden(
                false,
                r#"{"generated_text":" a b","details":{"finish_reason":"length","generated_tokens":2,"seed":null,"prefill":[],"tokens":[]}}"#,
                (None, Some(2)),
                1,
                " a b",
                Some("length"),
            ),
        ],
        "sglang" => vec![
            golden(true, SGLANG, both(4, 3), 2, " a b c", Some("length")),
            golden(true, SGLANG_NEW_ONLY, both(4, 2), 2, " a b", Some("stop")),
            golden(
                false,
                r#"{"text":" a b","meta_info":{"id":"1","finish_reason":{"type":"length","length":2},"prompt_tokens":4,"completion_tokens":2,"cached_tokens":0}}"#,
                both(4, 2),
                1,
                " a b",
                Some("length"),
            ),
        ],
        "tensorrt-llm" => vec![
            golden(true, TRITON, (None, None), 2, " a b", None),
            golden(
                false,
                r#"{"model_name":"ensemble","model_version":"1","text_output":" a b"}"#,
                (None, None),
                1,
                " a b",
                None,
            ),
        ],
        "llama.cpp" => vec![
            golden(
                true,
                captured!("llama-native-completion-stream"),
                both(5, 8),
                8,
                "/safari safari is a must see",
                Some("limit"),
            ),
            golden(
                false,
                r#"{"index":0,"content":" a b","tokens":[],"stop":true,"tokens_predicted":2,"tokens_evaluated":4,"stop_type":"eos"}"#,
                both(4, 2),
                1,
                " a b",
                Some("eos"),
            ),
        ],
        "deepspeed-mii" => vec![
            golden(
                true,
                r#"{"choices":[{"index":0,"text":" a b","finish_reason":"length"}],"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6}}"#,
                both(4, 2),
                1,
                " a b",
                Some("length"),
            ),
            golden(true, r#"{"text":[" a b"]}"#, (None, None), 1, " a b", None),
        ],
        "vllm-pooling" => pooled(captured!("vllm-pooling"), 2),
        "vllm-rerank" => pooled(captured!("vllm-rerank"), 4),
        "infinity-embeddings" | "infinity-embeddings-clip" => pooled(INFINITY, 9),
        name if name.starts_with("openai-embeddings") => [
            pooled(captured!("vllm-embeddings"), 6),
            pooled(captured!("llama-embeddings"), 5),
        ]
        .into_iter()
        .flatten()
        .collect(),
        other => panic!("{other} has no golden answer"),
    }
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

/// Pictures and the like that the server fetches itself.
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

/// An answer that ends before its mark of the end is no success. Triton's has no such mark.
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
                ("<html><title>Login</title></html>", "Malformed"),
                ("OK", "Malformed"),
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
