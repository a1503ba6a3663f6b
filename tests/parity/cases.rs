//! What is asked of both clients.

/// One set of arguments and the server that they meet.
pub struct Case {
    pub name: &'static str,
    /// vLLM has the same default for every backend, so both are told.
    pub endpoint: &'static str,
    /// Separated by spaces; `fixture:` begins a path in `fixtures/`.
    pub flags: &'static str,
    pub server: &'static str,
    /// Why contents of bodies differ on purpose, if they do: what is left to compare is their form.
    pub contents_differ: Option<&'static str>,
    /// vLLM gives these requests no ids, goodput does.
    pub nameless: bool,
}

const COMPLETIONS: &str = "/v1/completions";
const CHAT: &str = "/v1/chat/completions";
/// Slow enough that a Python client keeps up.
const SERVER: &str = "ttft = 60ms, itl = 12ms";

const fn case(name: &'static str, endpoint: &'static str, flags: &'static str) -> Case {
    Case {
        name,
        endpoint,
        flags,
        server: SERVER,
        contents_differ: None,
        nameless: false,
    }
}

pub const CASES: &[Case] = &[
    case(
        "completions-at-once",
        COMPLETIONS,
        "--backend openai --random-input-len 64 --random-output-len 12 --num-prompts 16",
    ),
    case(
        "completions-poisson",
        COMPLETIONS,
        "--backend vllm --random-input-len 48 --random-output-len 10 --random-range-ratio 0.5 --random-prefix-len 16 \
         --num-prompts 40 --request-rate 20 --seed 7",
    ),
    case(
        "completions-bursty",
        COMPLETIONS,
        "--backend openai --random-input-len 32 --random-output-len 8 --num-prompts 40 --request-rate 25 \
         --burstiness 0.4 --seed 3 --metric-percentiles 50,90,99.9",
    ),
    case(
        "chat-goodput",
        CHAT,
        "--backend openai-chat --random-input-len 32 --random-output-len 8 --num-prompts 30 --request-rate 20 \
         --goodput ttft:500 e2el:5000 --percentile-metrics ttft,tpot,itl,e2el --metric-percentiles 25,50,99",
    ),
    case(
        "chat-sharegpt",
        CHAT,
        "--backend openai-chat --dataset-name sharegpt --dataset-path fixture:plan/sharegpt.json --num-prompts 20 \
         --sharegpt-output-len 6 --max-concurrency 4",
    ),
    case(
        "queue",
        COMPLETIONS,
        "--backend openai --random-input-len 16 --random-output-len 10 --num-prompts 30 --request-rate 40 \
         --max-concurrency 3 --percentile-metrics ttft,e2el,client_queue_time,e2el_including_client_queue",
    ),
    Case {
        nameless: true,
        ..case(
            "prefix-repetition",
            COMPLETIONS,
            "--backend openai --dataset-name prefix_repetition --prefix-repetition-prefix-len 32 \
         --prefix-repetition-suffix-len 16 --prefix-repetition-num-prefixes 4 --prefix-repetition-output-len 6 \
         --num-prompts 16 --request-rate 20",
        )
    },
    case(
        "ramp-linear",
        COMPLETIONS,
        "--backend openai --random-input-len 16 --random-output-len 4 --num-prompts 40 --ramp-up-strategy linear \
         --ramp-up-start-rps 5 --ramp-up-end-rps 25",
    ),
    case(
        "ramp-exponential",
        CHAT,
        "--backend openai-chat --random-input-len 16 --random-output-len 4 --num-prompts 40 \
         --ramp-up-strategy exponential --ramp-up-start-rps 4 --ramp-up-end-rps 32 --burstiness 2",
    ),
    case(
        "sampling",
        COMPLETIONS,
        "--backend openai --random-input-len 16 --random-output-len 6 --num-prompts 8 --temperature 0.5 --top-p 0.9 \
         --top-k 20 --min-p 0.1 --repetition-penalty 1.1 --presence-penalty 0.2 --frequency-penalty 0.3 --logprobs 2 \
         --extra-body {\"seed\":5,\"top_k\":7} --header X-Team=a --metadata commit=1a2b tag=x --label night",
    ),
    case(
        "warm-ups",
        COMPLETIONS,
        "--backend openai --random-input-len 16 --random-output-len 6 --num-prompts 9 --num-warmups 3",
    ),
    case(
        "lora",
        COMPLETIONS,
        "--backend openai --random-input-len 16 --random-output-len 6 --num-prompts 9 \
         --lora-modules one two --lora-assignment round-robin",
    ),
    case(
        "custom",
        COMPLETIONS,
        "--backend openai --dataset-name custom --dataset-path fixture:plan/datasets/parity.jsonl \
         --custom-output-len 7 --skip-chat-template --num-prompts 6",
    ),
    Case {
        contents_differ: Some("vLLM draws other tokens each time"),
        ..case(
            "timed-trace",
            COMPLETIONS,
            "--backend openai --dataset-name timed_trace --dataset-path fixture:plan/datasets/mooncake.jsonl \
             --timed-trace-sec-multiplier 0.001 --num-prompts 2",
        )
    },
    case(
        "burstgpt",
        COMPLETIONS,
        "--backend openai --dataset-name burstgpt --dataset-path fixture:plan/datasets/burstgpt.csv --num-prompts 4",
    ),
    case(
        "chat-images",
        CHAT,
        "--backend openai-chat --dataset-name custom_image --dataset-path fixture:plan/datasets/parity_image.jsonl \
         --custom-output-len 5 --num-prompts 4",
    ),
    Case {
        contents_differ: Some("either makes random pixels in its own way"),
        ..case(
            "chat-random-mm",
            CHAT,
            "--backend openai-chat --dataset-name random-mm --random-input-len 24 --random-output-len 5 \
             --random-mm-base-items-per-request 1 --random-mm-bucket-config {(32,32,1):1.0} --num-prompts 6",
        )
    },
    case(
        "responses",
        "/v1/responses",
        "--backend openai-responses --random-input-len 24 --random-output-len 6 --num-prompts 10 --request-rate 20",
    ),
    case(
        "embeddings",
        "/v1/embeddings",
        "--backend openai-embeddings --random-input-len 24 --num-prompts 20 --request-rate 20",
    ),
    case(
        "embeddings-batch",
        "/v1/embeddings",
        "--backend openai-embeddings --random-input-len 12 --random-batch-size 4 --num-prompts 12",
    ),
    case(
        "rerank",
        "/v1/rerank",
        "--backend vllm-rerank --dataset-name random-rerank --random-input-len 24 --random-batch-size 3 --num-prompts 12",
    ),
    case(
        "pooling",
        "/pooling",
        "--backend vllm-pooling --random-input-len 24 --num-prompts 10 --request-rate 20 --percentile-metrics e2el --metric-percentiles 50,99",
    ),
    Case {
        server: "engine = llama-3-8b@h100, num_speculative_tokens = 3",
        ..case(
            "drafts",
            COMPLETIONS,
            "--backend vllm --random-input-len 64 --random-output-len 24 --num-prompts 20 --request-rate 10",
        )
    },
    Case {
        server: "ttft = 60ms, itl = 12ms, faults = status(500)@req:3",
        ..case(
            "failures",
            COMPLETIONS,
            "--backend openai --random-input-len 16 --random-output-len 6 --num-prompts 8 --request-rate 20",
        )
    },
];
