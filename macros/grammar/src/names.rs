//! Names of backends and of attribute keys.

/// A wire dialect's name as people write it.
pub const BACKENDS: &[&str] = &["openai", "vllm", "openai-chat"];

/// One key of `#[llm_bench(…)]`. The builder's method, the command's flag (with dashes) and the
/// suite file's field carry the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
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
    /// A number of at least 0, or `"inf"`.
    Number,
    /// A whole number of at least 0.
    Whole,
    /// A whole number of at least 1.
    Positive,
    /// The key alone, `true` or `false`.
    Flag,
    /// A span of time: `"30s"`.
    Span,
    /// The key alone, or a string that says why.
    Reason,
    /// A string, or any expression the builder takes.
    Any,
}

const fn key(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { name, kind, doc }
}

/// The keys of `#[llm_bench(…)]`, in the order of the documentation.
pub const KEYS: &[Key] = &[
    key(
        "backend",
        Kind::Text,
        "Wire dialect: `openai`, `vllm` or `openai-chat`.",
    ),
    key(
        "target",
        Kind::Any,
        "What is measured: `http://…`, `unix:…`, `env:NAME`, `sim(…)`, or a value.",
    ),
    key(
        "endpoint",
        Kind::Text,
        "Path on the target, when it is not the backend's own.",
    ),
    key(
        "model",
        Kind::Text,
        "Model name on the wire; otherwise the server's first.",
    ),
    key(
        "tokenizer",
        Kind::Text,
        "`embedded`, `none`, a `tokenizer.json` or a model id.",
    ),
    key(
        "dataset",
        Kind::Text,
        "What is asked: `random(…)`, `custom(…)`, `sharegpt(…)`.",
    ),
    key(
        "rate",
        Kind::Number,
        "Requests per second; `\"inf\"` sends all at once.",
    ),
    key(
        "burstiness",
        Kind::Number,
        "Shape of the gaps: 1 is Poisson, below 1 bursty, `\"inf\"` even.",
    ),
    key(
        "ramp",
        Kind::Text,
        "A rising rate: `linear 1..10`, `exponential 1..16`.",
    ),
    key(
        "max_concurrency",
        Kind::Positive,
        "Most requests in flight.",
    ),
    key("requests", Kind::Positive, "Requests of the run."),
    key("seed", Kind::Whole, "Seed of prompts and arrivals."),
    key(
        "goodput",
        Kind::Text,
        "Limits on each request: `ttft:200 tpot:50` (milliseconds).",
    ),
    key(
        "slo",
        Kind::Text,
        "Limits on the run: `p99(ttft) < 300ms, errors < 1%`.",
    ),
    key("stream", Kind::Flag, "Ask for a stream of tokens."),
    key(
        "ignore_eos",
        Kind::Flag,
        "Ask the server to go on to the full output length.",
    ),
    key(
        "extra_body",
        Kind::Text,
        "JSON object merged into every request.",
    ),
    key(
        "headers",
        Kind::Texts,
        "Headers of every request, each `Name: value`.",
    ),
    key("api_key", Kind::Any, "Bearer token; never shown."),
    key("warmups", Kind::Whole, "Requests before the measured ones."),
    key(
        "prewarm",
        Kind::Flag,
        "Open the connections before the first request.",
    ),
    key(
        "ready_timeout",
        Kind::Span,
        "Longest wait until the server answers.",
    ),
    key(
        "connect_timeout",
        Kind::Span,
        "Longest wait for a connection.",
    ),
    key(
        "first_token_timeout",
        Kind::Span,
        "Longest wait for a request's first token.",
    ),
    key(
        "between_tokens_timeout",
        Kind::Span,
        "Longest wait between two tokens.",
    ),
    key("total_timeout", Kind::Span, "Longest life of a request."),
    key(
        "ignore",
        Kind::Reason,
        "Run only when asked for, as `#[ignore]` does.",
    ),
];

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
}
