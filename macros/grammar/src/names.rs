//! Names of backends and of attribute keys.

/// A wire dialect's name as people write it.
pub const BACKENDS: &[&str] = &["openai", "vllm", "openai-chat"];

/// What may become of a run whose evidence decides neither way.
pub const ON_INCONCLUSIVE: &[&str] = &["fail", "pass", "warn"];

/// Whether a baseline may have this name: a file name everywhere, which cannot lead out of the folder
/// and is not that of the hosts' noise, which lies beside.
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
    /// Its name.
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
    /// The key alone, which is the name `main`, or a string.
    Named,
    /// A string, or any expression the builder takes.
    Any,
}

const fn key(name: &'static str, kind: Kind, example: &'static str, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        example,
        doc,
    }
}

/// The keys of `#[llm_bench(…)]`, in the order of the documentation.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key("backend", Kind::Text, r#""openai-chat""#, "Wire dialect: `openai`, `vllm` or `openai-chat`."),
    key("target", Kind::Any, r#""env:LLM_URL""#, "What is measured: `http://…`, `unix:…`, `env:NAME`, `sim(…)`, or a value."),
    key("faults", Kind::Text, r#""reset@5%, stall(2s)@req:10""#, "What goes wrong at a simulated target."),
    key("endpoint", Kind::Text, r#""/v1/completions""#, "Path on the target, when it is not the backend's own."),
    key("model", Kind::Text, r#""my-model""#, "Model name on the wire; otherwise the server's first."),
    key("tokenizer", Kind::Text, r#""embedded""#, "`embedded`, `none`, a `tokenizer.json` or a model id."),
    key("dataset", Kind::Text, r#""random(input = 256, output = 64)""#, "What is asked: `random(…)`, `custom(…)`, `sharegpt(…)`."),
    key("rate", Kind::Number, "10", "Requests per second; `\"inf\"` sends all at once."),
    key("burstiness", Kind::Number, "1.0", "Shape of the gaps: 1 is Poisson, below 1 bursty, `\"inf\"` even."),
    key("ramp", Kind::Text, r#""linear 1..10""#, "A rising rate: `linear 1..10`, `exponential 1..16`."),
    key("max_concurrency", Kind::Positive, "8", "Most requests in flight."),
    key("workers", Kind::Positive, "2", "Threads that send."),
    key("requests", Kind::Positive, "200", "Requests of the run."),
    key("seed", Kind::Whole, "7", "Seed of prompts and arrivals."),
    key("goodput", Kind::Text, r#""ttft:200 tpot:50""#, "Limits on each request, bare numbers in milliseconds."),
    key("slo", Kind::Text, r#""p99(ttft) < 300ms, errors < 1%""#, "Limits on the run."),
    key("confidence", Kind::Share, "0.95", "How sure an SLO's interval is."),
    key("max_extend", Kind::Positive, "3", "How many times its requests the run may grow to while an SLO is open."),
    key("on_inconclusive", Kind::Text, r#""warn""#, "What becomes of a run that decides neither way: `fail`, `pass` or `warn`."),
    key("baseline", Kind::Named, r#""main""#, "Hold the run against this baseline; alone, against `main`."),
    key("stream", Kind::Flag, "false", "Ask for a stream of tokens."),
    key("ignore_eos", Kind::Flag, "true", "Ask the server to go on to the full output length."),
    key("logprobs", Kind::Whole, "1", "Log-probabilities to ask for (completions)."),
    key("extra_body", Kind::Text, r##"r#"{"temperature": 0}"#"##, "JSON object merged into every request."),
    key("headers", Kind::Texts, r#""X-Team: search""#, "Headers of every request, each `Name: value`."),
    key("api_key", Kind::Any, r#"std::env::var("KEY").unwrap()"#, "Bearer token; never shown."),
    key("request_id_prefix", Kind::Text, r#""nightly-""#, "Put before each request's number in its `x-request-id`."),
    key("warmups", Kind::Whole, "5", "Requests before the measured ones."),
    key("prewarm", Kind::Flag, "true", "Open the connections before the first request."),
    key("ready_timeout", Kind::Span, r#""2m""#, "Longest wait until the server answers."),
    key("connect_timeout", Kind::Span, r#""5s""#, "Longest wait for a connection."),
    key("first_token_timeout", Kind::Span, r#""30s""#, "Longest wait for a request's first token."),
    key("between_tokens_timeout", Kind::Span, r#""10s""#, "Longest wait between two tokens."),
    key("total_timeout", Kind::Span, r#""5m""#, "Longest life of a request."),
    key("insecure", Kind::Flag, "true", "Accept any TLS certificate."),
    key("exclusive", Kind::Flag, "false", "Hold the machine-wide measurement lock during the run."),
    key("max_lateness", Kind::Span, r#""25ms""#, "The run is invalid when the client was later than this (p99)."),
    key("ignore", Kind::Reason, r#""needs a GPU""#, "Run only when asked for, as `#[ignore]` does."),
];

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
}
