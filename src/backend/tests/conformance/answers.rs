//! Answers of real servers, as recorded or as their source words them, and what is in them.

macro_rules! captured {
    ($name:literal) => {
        include_str!(concat!("../../../../fixtures/captures/", $name, ".body"))
    };
}

/// An answer and what is in it.
pub(super) struct Golden {
    pub(super) body: &'static str,
    pub(super) stream: bool,
    /// The server's counts: the prompt's and the generated tokens.
    pub(super) counted: (Option<u64>, Option<u64>),
    pub(super) events: usize,
    pub(super) text: &'static str,
    pub(super) finish: Option<&'static str>,
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

/// The stream of a server that sends only what is new.
const SGLANG_NEW_ONLY: &str = concat!(
    "data: {\"text\":\" a\",\"meta_info\":{\"id\":\"1\",\"finish_reason\":null,\"prompt_tokens\":4,\"completion_tokens\":1}}\n\n",
    "data: {\"text\":\" b\",\"meta_info\":{\"id\":\"1\",\"finish_reason\":{\"type\":\"stop\",\"matched\":2},\"prompt_tokens\":4,\"completion_tokens\":2}}\n\n",
    "data: [DONE]\n\n",
);

const TRITON: &str = concat!(
    "data: {\"model_name\":\"ensemble\",\"model_version\":\"1\",\"sequence_end\":false,\"sequence_id\":0,\"sequence_start\":false,\"text_output\":\" a\"}\n\n",
    "data: {\"model_name\":\"ensemble\",\"model_version\":\"1\",\"sequence_end\":false,\"sequence_id\":0,\"sequence_start\":false,\"text_output\":\" b\"}\n\n",
);

pub(super) const OLLAMA: &str = concat!(
    "{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"hm\"},\"done\":false}\n",
    "{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\" a\"},\"done\":false}\n",
    "{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\" b\"},\"done\":false}\n",
    "{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"total_duration\":5,\"prompt_eval_count\":4,\"eval_count\":3,\"eval_duration\":2}\n",
);

/// The answer as vLLM words it in its source.
const TRANSCRIPTION: &str = concat!(
    "data: {\"id\":\"trsc-1\",\"object\":\"transcription.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\" a\"},\"finish_reason\":null,\"stop_reason\":null}],\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":1,\"total_tokens\":51}}\n\n",
    "data: {\"id\":\"trsc-1\",\"object\":\"transcription.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\" b c\"},\"finish_reason\":null,\"stop_reason\":null}],\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":3,\"total_tokens\":53}}\n\n",
    "data: {\"id\":\"trsc-1\",\"object\":\"transcription.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\",\"stop_reason\":null}],\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":4,\"total_tokens\":54}}\n\n",
    "data: {\"id\":\"trsc-1\",\"object\":\"transcription.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":4,\"total_tokens\":54}}\n\n",
    "data: [DONE]\n\n",
);

pub(super) const ANTHROPIC_THINKING: &str = concat!(
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
pub(super) fn answers(backend: &str) -> Vec<Golden> {
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
