//! Names of backends and of attribute keys.

use crate::{Mistake, mistake::closest};

/// Calls a macro with the one list of backends: `"name" => Value;` each, in the order of the documentation.
/// This makes [`BACKENDS`], and in `goodput` the function that finds a backend by its name, where the values
/// are: a name without a backend does not compile, and a backend without a name is never used.
#[doc(hidden)]
#[macro_export]
#[rustfmt::skip]
macro_rules! with_backends {
    ($with:ident) => {
        $with! {
            "openai" => OpenAiCompletions::OPENAI;
            "vllm" => OpenAiCompletions::VLLM;
            "openai-chat" => OpenAiChat;
            "openai-responses" => OpenAiResponses;
            "openai-audio" => OpenAiAudio;
            "openai-embeddings" => OpenAiEmbeddings::TEXTS;
            "openai-embeddings-chat" => OpenAiEmbeddings::CHAT;
            "openai-embeddings-clip" => OpenAiEmbeddings::CLIP;
            "openai-embeddings-vlm2vec" => OpenAiEmbeddings::VLM2VEC;
            "infinity-embeddings" => InfinityEmbeddings::PLAIN;
            "infinity-embeddings-clip" => InfinityEmbeddings::CLIP;
            "vllm-pooling" => VllmPooling;
            "vllm-rerank" => VllmRerank;
            "anthropic" => Anthropic;
            "ollama" => Ollama;
            "tgi" => Tgi;
            "sglang" => Sglang;
            "tensorrt-llm" => TensorRtLlm;
            "lmdeploy" => OpenAiCompletions::LMDEPLOY;
            "llama.cpp" => LlamaCpp;
            "deepspeed-mii" => DeepSpeedMii;
            "scalellm" => OpenAiCompletions::SCALELLM;
        }
    };
}

macro_rules! backends {
    ($($name:literal => $backend:expr;)*) => {
        /// A wire dialect's name as people write it.
        pub const BACKENDS: &[&str] = &[$($name),*];
    };
}
with_backends!(backends);

/// What can be done with an inconclusive run.
pub const ON_INCONCLUSIVE: &[&str] = &["fail", "pass", "warn"];

/// Requests of a bench that does not say how many.
pub const DEFAULT_REQUESTS: u64 = 100;
/// Pairs of a comparison that does not say how many.
pub const DEFAULT_PAIRS: u64 = 10;
/// How sure intervals are where nothing is said.
pub const DEFAULT_CONFIDENCE: f64 = 0.95;

/// How requests are divided among several URLs.
pub const BALANCE: &[&str] = &["round-robin", "least-in-flight", "session"];

/// What a run must do.
pub const EXPECT: &[&str] = &["pass", "fail"];

/// Returns whether a baseline may have this name: a file name everywhere, which cannot lead out of the folder and is
/// not that of the hosts' noise, which lies in the same folder.
pub fn is_baseline(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(allowed)
        && name != "noise"
}

/// One key of `#[llm_bench(…)]`. The builder's method, the command's flag (with dashes) and the
/// suite file's field carry the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The key's name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// A value, as written in the attribute.
    pub example: &'static str,
    /// What it does, in a line.
    pub doc: &'static str,
}

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A string, or an array of strings.
    Texts,
    /// A number above 0, or `"inf"`.
    Number,
    /// A number above 0.5 and below 1.
    Share,
    /// A number of at least 0 and below 1.
    Fraction,
    /// A number from 0 to 1.
    Ratio,
    /// A whole number of at least 0.
    Whole,
    /// A whole number of at least 1.
    Positive,
    /// The key alone, `true` or `false`.
    Flag,
    /// A span of time: `"30s"`.
    Span,
    /// The key alone, or a string that says why. No setting of the builder.
    Reason,
    /// The key alone, `true` or `false`, or a share: `"10%"`. No setting of the builder.
    Tolerance,
    /// The key alone, which is the name `main`, or a string.
    Named,
    /// A path in Rust, plain or as a string. No setting of the builder.
    Path,
    /// A string, or any expression the builder takes.
    Any,
}

/// Calls a macro with the one list of keys: `name: Kind = example, doc;` each, in the order of the documentation.
/// [`KEYS`] comes from this list, and in `goodput` the calls of the builder's methods for suite files, so that a key
/// without a method does not compile.
#[doc(hidden)]
#[macro_export]
#[rustfmt::skip]
macro_rules! with_keys {
    ($with:ident) => {
        $with! {
            backend: Text = r#""openai-chat""#, "Wire dialect: `openai-chat`, `vllm`, `anthropic`, `tgi`, `openai-embeddings`, …: `docs/backends.md`.";
            target: Any = r#""env:LLM_URL""#, "Server to measure: `http://…`, `unix:…`, `env:NAME`, `sim(…)`, or a value; several URLs share the requests.";
            balance: Text = r#""session""#, "Which of several URLs gets a request: `round-robin`, `least-in-flight` or `session`.";
            bind: Texts = r#"["10.0.0.1", "10.0.0.2"]"#, "Local addresses that connections leave from, in turn: `docs/ports.md`.";
            faults: Text = r#""reset@5%, stall(2s)@req:10""#, "Faults of a simulated target.";
            endpoint: Text = r#""/v1/completions""#, "Path on the target, if it differs from the backend's.";
            model: Text = r#""my-model""#, "Model name on the wire; default: the server's first.";
            tokenizer: Text = r#""embedded""#, "`embedded`, `none`, a `tokenizer.json` or a model id.";
            dataset: Text = r#""random(input = 256, output = 64)""#, "Dataset to take prompts from: `random(…)`, `sharegpt(…)`, `custom(…)`, `timed_trace(…)`, `hf(…)`, …: `docs/datasets.md`.";
            rate: Number = "10", "Requests per second; `\"inf\"` sends all at once.";
            burstiness: Number = "1.0", "Shape of the gaps: 1 is Poisson, below 1 bursty, `\"inf\"` even.";
            ramp: Text = r#""linear 1..10""#, "A rising rate: `linear 1..10`, `exponential 1..16`.";
            max_concurrency: Positive = "8", "Maximum number of requests in flight.";
            workers: Positive = "2", "Number of threads that send.";
            requests: Positive = "200", "Number of requests of the run.";
            duration: Span = r#""10m""#, "How long requests are sent, instead of their number: `docs/long_runs.md`.";
            cut_start: Text = r#""30s""#, "What counts in no number at the start of the run: a time, `100 requests`, or `auto`, until the server has settled.";
            cut_end: Text = r#""10s""#, "What counts in no number at its end: a time, or `50 requests`.";
            stop_if: Text = r#""errors > 20%, saturated""#, "States of a run in which nothing more is sent: `errors > 20%`, `in_flight > 500`, `saturated`.";
            grace: Span = r#""30s""#, "How long answers are waited for once nothing more is sent.";
            search: Text = r#""rate(1..64)""#, "Search for the highest load at which the SLOs hold: `rate` or `concurrency`, with a range and a precision: `docs/capacity.md`.";
            search_budget: Text = r#""20000 requests""#, "What the search may spend: a number of requests or a time.";
            rounds: Positive = "2", "How many times the plan is sent, each time after the last answer; the first round is cold.";
            warmup_rounds: Whole = "10", "Rounds before the measured ones, which count in no number.";
            salt: Text = r#""auto""#, "Text before every prompt, so that a prefix cache has nothing of earlier runs; `auto`: another one for each run.";
            seed: Whole = "7", "Seed of prompts and arrivals.";
            goodput: Text = r#""ttft:200 tpot:50""#, "Limits on each request, plain numbers in milliseconds.";
            slo: Text = r#""p99(ttft) < 300ms, errors < 1%""#, "Limits on the run.";
            confidence: Share = "0.95", "Confidence of an SLO's interval.";
            max_extend: Positive = "3", "How many times `requests` the run may extend to while an SLO is undecided.";
            on_inconclusive: Text = r#""warn""#, "Result of an inconclusive run: `fail`, `pass` or `warn`.";
            expect: Text = r#""fail""#, "`fail`: an SLO must be missed or a comparison worse, for a test of the gate itself.";
            baseline: Named = r#""main""#, "Compare the run with this baseline; without a value, with `main`.";
            require_baseline: Flag = "true", "Fail without a stored run, instead of counting as new.";
            versus: Any = r#""env:OLD_URL""#, "Reference to compare the target with, in pairs of runs; a worse target fails.";
            pairs: Positive = "10", "Maximum number of pairs of runs of a comparison.";
            noise_threshold: Fraction = "0.05", "Smallest relative change that counts.";
            false_alarms: Fraction = "0.01", "Maximum probability of calling an unchanged server worse.";
            stream: Flag = "false", "Ask for a stream of tokens.";
            ignore_eos: Flag = "true", "Ask the server to generate the full output length.";
            structured_output: Text = r#""choice(yes, no)""#, "Structure that answers must have: `json(…)`, `regex(…)`, `choice(…)`, `grammar(…)`, `structural_tag(…)`: `docs/structured.md`.";
            structured_output_ratio: Ratio = "0.5", "Share of the requests that ask for the structure, from 0 to 1.";
            logprobs: Whole = "1", "Log-probabilities to ask for (completions).";
            extra_body: Text = r##"r#"{"temperature": 0}"#"##, "JSON object merged into every request.";
            headers: Texts = r#""X-Team: search""#, "Headers of every request, each `Name: value`.";
            api_key: Any = r#""env:LLM_KEY""#, "Bearer token, or the variable with the token; never shown.";
            request_id_prefix: Text = r#""nightly-""#, "Prefix of each request's number in its `x-request-id`.";
            warmups: Whole = "5", "Requests before the measured ones.";
            prewarm: Flag = "true", "Open the connections before the first request.";
            align_prompts: Flag = "false", "Fit synthetic prompts to the server's own tokenizer (`/tokenize`).";
            probe_rate: Number = "5", "Probes per second during the plan: `docs/server.md`.";
            server_metrics_interval: Span = r#""1s""#, "Interval between reads of the server's `/metrics` during the run.";
            ready_timeout: Span = r#""2m""#, "Maximum time until the server answers.";
            connect_timeout: Span = r#""5s""#, "Maximum time to connect.";
            first_token_timeout: Span = r#""30s""#, "Maximum time to a request's first token.";
            between_tokens_timeout: Span = r#""10s""#, "Maximum time between two tokens.";
            total_timeout: Span = r#""5m""#, "Maximum total time of a request.";
            insecure: Flag = "true", "Accept any TLS certificate.";
            exclusive: Flag = "false", "Hold the machine-wide measurement lock during the run.";
            max_lateness: Span = r#""25ms""#, "The run is invalid if the client was later than this (p99).";
            snapshot: Tolerance = r#""10%""#, "Compare the numbers with an insta snapshot: a simulation's exactly, other latencies within 20 % or this share.";
            crate: Path = "my_kit::goodput", "Path of goodput, if it is renamed or re-exported; starts with a crate's name.";
            ignore: Reason = r#""needs a GPU""#, "Run only on request, as with `#[ignore]`.";
        }
    };
}

macro_rules! table {
    ($($name:ident: $kind:ident = $example:literal, $doc:literal;)*) => {
        /// The keys of `#[llm_bench(…)]` and of suite files, in the order of the documentation.
        pub const KEYS: &[Key] = &[$(Key {
            name: stringify!($name),
            kind: Kind::$kind,
            example: $example,
            doc: $doc,
        }),*];
    };
}
with_keys!(table);

/// Names from elsewhere that are too far from ours to be slips of the pen.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("base_url", "target"),
    ("host", "target"),
    ("url", "target"),
    ("dataset_name", "dataset"),
    ("request_rate", "rate"),
    ("probe_request_rate", "probe_rate"),
    ("rps", "rate"),
    ("qps", "rate"),
    ("ramp_up_strategy", "ramp"),
    ("concurrency", "max_concurrency"),
    ("num_prompts", "requests"),
    ("num_requests", "requests"),
    ("num_warmups", "warmups"),
    ("timeout", "total_timeout"),
    ("header", "headers"),
    ("streaming", "stream"),
    ("slos", "slo"),
    ("max_tokens", "dataset"),
    ("input_len", "dataset"),
    ("output_len", "dataset"),
    ("warmup", "warmups"),
];

/// The key with this name, or what its writer may have meant.
///
/// # Errors
/// There is no such key.
pub fn known_key(name: &str) -> Result<&'static Key, Mistake> {
    key_named(name).ok_or_else(|| {
        let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
        let other = OTHER_NAMES.iter().find(|(other, _)| *other == name);
        // Nearly fifty names would bury the one that was meant.
        Mistake::new(match (other, closest(name, &names)) {
            (Some((_, ours)), _) => {
                let key = key_named(ours).map_or("…", |key| key.example);
                format!(
                    "unknown key `{name}`; here it is called `{ours}`, such as `{ours} = {key}`"
                )
            }
            (None, Some(near)) => format!("unknown key `{name}`; did you mean `{near}`?"),
            (None, None) => format!("unknown key `{name}`. Valid: {}", names.join(", ")),
        })
    })
}

/// The key with this name.
pub fn key_named(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn keys_are_distinct_and_documented() {
        let names: BTreeSet<_> = KEYS.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), KEYS.len());
        assert!(KEYS.iter().all(|key| key.doc.ends_with('.')));
    }

    #[test]
    fn names_from_elsewhere_are_translated() {
        for (other, ours) in OTHER_NAMES {
            assert!(key_named(other).is_none() && key_named(ours).is_some());
        }
        let told = known_key("num_prompts").unwrap_err().to_string();
        let start = "unknown key `num_prompts`; here it is called `requests`";
        assert!(told.starts_with(start), "{told}");
    }
}
