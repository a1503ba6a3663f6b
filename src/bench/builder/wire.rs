//! How requests are worded and who they are from.

use crate::{
    backend::Backend,
    bench::{
        Bench, Texts,
        api_key::{ApiKey, secret},
    },
    grammar::structured::StructuredOutput,
    problem::Problem,
    redact,
    setting::Setting,
    tokenizer::TokenizerSpec,
};
use reqwest::header::HeaderName;
use serde_json::{Map, Value};
use std::sync::Arc;

impl Bench {
    /// The wire dialect: `openai-chat`, `openai` or `vllm` (completions). Default `openai`.
    pub fn backend(mut self, backend: impl Setting<Arc<dyn Backend>>) -> Self {
        if let Some(backend) = self.set("backend", backend) {
            self.wire.backend = Some(backend);
        }
        self
    }

    /// The path requests go to. Default: the backend's.
    pub fn endpoint(mut self, path: impl Into<String>) -> Self {
        let path = path.into();
        redact::own(&path);
        *self.wire.endpoint = Some(path);
        self
    }

    /// The model's name on the wire. Default: the first one the server lists.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.wire.model = Some(model.into());
        self
    }

    /// The tokenizer: `"embedded"`, `"none"`, a `tokenizer.json`, or an id in the local Hugging Face cache. Default:
    /// the model's if it is on this machine, else the embedded one.
    pub fn tokenizer(mut self, tokenizer: impl Setting<TokenizerSpec>) -> Self {
        self.wire.tokenizer = self.set("tokenizer", tokenizer).or(self.wire.tokenizer);
        self
    }

    /// Ask for streamed answers. Default true.
    pub fn stream(mut self, stream: bool) -> Self {
        self.wire.stream = stream;
        self
    }

    /// Ask the server to generate to the full length. Default: true for `random`, as in vLLM.
    pub fn ignore_eos(mut self, ignore: bool) -> Self {
        self.wire.ignore_eos = Some(ignore);
        self
    }

    /// The structure that answers must have: `"json(schema.json)"`, `"regex(\\d{4})"`, `"choice(yes, no)"`,
    /// `"grammar(sql.ebnf)"`, `"structural_tag(tags.json)"`. Each backend asks in its own way, and answers are checked:
    /// `valid` is their share. Default: free answers. A row of the dataset `custom` may have a structure of its own. With a
    /// structure, `ignore_eos` is false unless it is set.
    ///
    /// ```
    /// use goodput::Bench;
    ///
    /// let bench = Bench::new("mood").target("sim").backend("openai-chat").requests(100);
    /// let report = bench.structured_output("choice(Positive, Negative)").slo("valid >= 95%").run_blocking()?;
    /// report.ensure_passed()?;
    /// assert!(["Positive", "Negative"].contains(&report.run().records[0].text.as_str()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn structured_output(mut self, structure: impl Setting<StructuredOutput>) -> Self {
        self.wire.structured_output = self
            .set("structured_output", structure)
            .or(self.wire.structured_output);
        self
    }

    /// The share of the requests that ask for their structure, 0–1; which ones is drawn from the seed, as vLLM's script
    /// draws them. Default 1.
    pub fn structured_output_ratio(mut self, share: impl Into<f64>) -> Self {
        self.wire.structured_output_ratio = share.into();
        self
    }

    /// Completions: log-probabilities to ask for.
    pub fn logprobs(mut self, count: u64) -> Self {
        self.wire.logprobs = Some(count);
        self
    }

    /// A JSON object merged into every request body, last. A key that is null is taken out of the body.
    pub fn extra_body(mut self, object: impl Setting<Map<String, Value>>) -> Self {
        if let Some(object) = self.set("extra_body", object) {
            object
                .iter()
                .for_each(|(name, value)| redact::learn_field(name, value));
            self.wire.extra_body.extend(object);
        }
        self
    }

    /// Headers `Name: value` for every request. Values never show in logs or reports.
    pub fn headers(mut self, lines: impl Texts) -> Self {
        for line in lines.lines() {
            let Some((name, value)) = line.split_once(':') else {
                let message = "is not a header. Write `Name: value`";
                self.problems.push(Problem::new("headers", "***", message));
                continue;
            };
            let name = name.trim();
            // Not only when it is sent: the bench may be shown before.
            redact::learn_header(name, value.trim());
            match (HeaderName::try_from(name), secret(value.trim())) {
                (Ok(name), Some(value)) => {
                    self.wire.headers.insert(name, value);
                }
                (Err(_), _) => self.problems.push(Problem::new(
                    "headers",
                    format!("{name:?}"),
                    "is not a header name. Use letters, digits and hyphens",
                )),
                (_, None) => self.problems.push(Problem::new(
                    "headers",
                    format!("\"{name}: ***\""),
                    "has a value with control characters. Remove them",
                )),
            }
        }
        self
    }

    /// The key, which is sent as `Authorization: Bearer …`, to Anthropic as `x-api-key`; `"env:NAME"` takes it from
    /// the environment when the run begins. Default: `OPENAI_API_KEY` (`ANTHROPIC_API_KEY`) of the environment.
    /// Simulations get only a key that is given here as it is. Never shown.
    pub fn api_key(mut self, key: impl AsRef<str>) -> Self {
        self.wire.api_key = ApiKey::read(key.as_ref());
        if self.wire.api_key.is_none() {
            let message = "has control characters. Remove them";
            self.problems.push(Problem::new("api_key", "***", message));
        }
        self
    }
}
