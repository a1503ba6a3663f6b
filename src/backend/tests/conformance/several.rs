//! Several answers to one request: the one with index 0 is measured, and only its tokens count.

use super::{all, in_pieces};

/// An answer that holds several.
struct Several {
    stream: bool,
    body: String,
    /// Generated tokens that the server counted for the first answer alone.
    counted: Option<u64>,
    /// Events of the first answer.
    events: usize,
    finish: Option<&'static str>,
}

/// A stream of these events.
fn streamed(events: &[&str], counted: Option<u64>, finish: Option<&'static str>) -> Several {
    Several {
        stream: true,
        body: events
            .iter()
            .map(|event| format!("data: {event}\n\n"))
            .collect(),
        counted,
        events: 2,
        finish,
    }
}

fn whole(body: &str, counted: Option<u64>, finish: Option<&'static str>) -> Several {
    Several {
        stream: false,
        body: body.to_owned(),
        counted,
        events: 1,
        finish,
    }
}

/// OpenAI's choices, with their text in this field, and with this number of events of the first. The count is of all
/// of them.
fn choices(events: usize, text: impl Fn(&str) -> String) -> Vec<Several> {
    let choice = |index: u64, fields: &str| format!("{{\"index\":{index},{fields}}}");
    let event = |choice: &str| format!("{{\"choices\":[{choice}]}}");
    let usage = "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}";
    let ended = |index: u64, finish: &str| {
        event(&choice(
            index,
            &format!("{},\"finish_reason\":\"{finish}\"", text("")),
        ))
    };
    let sent = [
        event(&choice(1, &text("x"))),
        event(&choice(0, &text("a"))),
        event(&[choice(1, &text("x")), choice(0, &text("b"))].join(",")),
        ended(1, "stop"),
        event("{\"index\":0,\"finish_reason\":\"length\"}"),
        format!("{{\"choices\":[],{usage}}}"),
        "[DONE]".to_owned(),
    ];
    let sent: Vec<&str> = sent.iter().map(String::as_str).collect();
    vec![Several {
        events,
        ..streamed(&sent, None, Some("length"))
    }]
}

/// The same answer in one piece.
fn whole_choices(text: impl Fn(&str) -> String) -> Several {
    let [one, two] = [(1, "x"), (0, "ab")].map(|(index, word)| {
        format!(
            "{{\"index\":{index},{},\"finish_reason\":\"length\"}}",
            text(word)
        )
    });
    let usage = "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}";
    whole(
        &format!("{{\"choices\":[{one},{two}],{usage}}}"),
        None,
        Some("length"),
    )
}

/// What the server of this backend sends that was asked for several answers, or why it cannot be asked.
fn answers(backend: &str) -> Result<Vec<Several>, &'static str> {
    const ONE: &str = "no field of its requests asks for several answers";
    const VECTORS: &str = "its answers are vectors and scores, one for each text of the request";
    let text = |word: &str| format!("\"text\":\"{word}\"");
    let content =
        |key: &'static str| move |word: &str| format!("\"{key}\":{{\"content\":\"{word}\"}}");
    Ok(match backend {
        "openai" | "vllm" | "lmdeploy" | "scalellm" => {
            // An event without text moves the token clock, as in vLLM.
            let mut several = choices(3, text);
            several.push(whole_choices(text));
            several
        }
        "openai-chat" => {
            let mut several = choices(2, content("delta"));
            several.push(whole_choices(content("message")));
            several
        }
        // In one piece it is a text alone.
        "openai-audio" => choices(3, content("delta")),
        "deepspeed-mii" => vec![
            whole_choices(text),
            whole("{\"text\":[\"ab\",\"x\"]}", None, None),
        ],
        "sglang" => {
            let event = |index: u64, text: &str, tokens: u64, finish: &str| {
                format!(
                    "{{\"text\":\"{text}\",\"meta_info\":{{\"id\":\"1\",\"finish_reason\":{finish},\
                     \"prompt_tokens\":3,\"completion_tokens\":{tokens}}},\"index\":{index}}}"
                )
            };
            let (length, stop) = ("{\"type\":\"length\"}", "{\"type\":\"stop\"}");
            let events = [
                event(1, "x", 1, "null"),
                event(0, "a", 1, "null"),
                event(1, "xyz", 3, stop),
                event(0, "ab", 2, length),
                "[DONE]".to_owned(),
            ];
            let events: Vec<&str> = events.iter().map(String::as_str).collect();
            vec![streamed(&events, Some(2), Some("length"))]
        }
        "llama.cpp" => {
            let event = |index: u64, text: &str, rest: &str| {
                format!("{{\"index\":{index},\"content\":\"{text}\",\"tokens\":[5]{rest}}}")
            };
            let end = |tokens: u64| {
                format!(
                    ",\"stop\":true,\"stop_type\":\"limit\",\"tokens_predicted\":{tokens},\
                     \"tokens_evaluated\":3"
                )
            };
            let events = [
                event(1, "x", ",\"stop\":false"),
                event(0, "a", ",\"stop\":false"),
                event(1, "y", &end(9)),
                event(0, "b", &end(2)),
            ];
            let events: Vec<&str> = events.iter().map(String::as_str).collect();
            vec![streamed(&events, Some(2), Some("limit"))]
        }
        "tensorrt-llm" => {
            let event = |index: u64, text: &str| {
                format!("{{\"sequence_index\":{index},\"text_output\":\"{text}\"}}")
            };
            let events = [event(1, "x"), event(0, "a"), event(1, "y"), event(0, "b")];
            let events: Vec<&str> = events.iter().map(String::as_str).collect();
            vec![streamed(&events, None, None)]
        }
        // The best of several, with the others behind it; it does not stream them.
        "tgi" => vec![whole(
            "{\"generated_text\":\"ab\",\"details\":{\"finish_reason\":\"length\",\"generated_tokens\":2,\
             \"best_of_sequences\":[{\"generated_text\":\"xyz\",\"finish_reason\":\"length\",\
             \"generated_tokens\":3}]}}",
            Some(2),
            Some("length"),
        )],
        "openai-responses" | "anthropic" | "ollama" => return Err(ONE),
        "openai-embeddings"
        | "openai-embeddings-chat"
        | "openai-embeddings-clip"
        | "openai-embeddings-vlm2vec"
        | "infinity-embeddings"
        | "infinity-embeddings-clip"
        | "vllm-pooling"
        | "vllm-rerank" => return Err(VECTORS),
        other => panic!("{other}: can it be asked for several answers?"),
    })
}

#[test]
fn of_several_answers_the_first_is_measured() {
    let mut without = Vec::new();
    for backend in all() {
        let name = backend.name();
        let several = match answers(name) {
            Ok(several) => several,
            Err(why) => {
                without.push(format!("{name}: {why}"));
                continue;
            }
        };
        for answer in several {
            let (reply, result) = in_pieces(&*backend, answer.stream, &[answer.body.as_bytes()]);
            let body = &answer.body;
            assert_eq!((&*reply.text, result), ("ab", Ok(())), "{name}: {body}");
            assert_eq!(reply.events.len(), answer.events, "{name}: {body}");
            assert_eq!(reply.finish.as_deref(), answer.finish, "{name}: {body}");
            let usage = reply.usage.unwrap_or_default();
            assert_eq!(usage.completion_tokens, answer.counted, "{name}: {body}");
        }
    }
    insta::assert_snapshot!(without.join("\n"), @r"
    openai-responses: no field of its requests asks for several answers
    openai-embeddings: its answers are vectors and scores, one for each text of the request
    openai-embeddings-chat: its answers are vectors and scores, one for each text of the request
    openai-embeddings-clip: its answers are vectors and scores, one for each text of the request
    openai-embeddings-vlm2vec: its answers are vectors and scores, one for each text of the request
    infinity-embeddings: its answers are vectors and scores, one for each text of the request
    infinity-embeddings-clip: its answers are vectors and scores, one for each text of the request
    vllm-pooling: its answers are vectors and scores, one for each text of the request
    vllm-rerank: its answers are vectors and scores, one for each text of the request
    anthropic: no field of its requests asks for several answers
    ollama: no field of its requests asks for several answers
    ");
}
