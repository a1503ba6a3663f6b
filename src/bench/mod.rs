//! [`Bench`]: the one typed description that the attribute, the command and suites fill.

mod align;
mod alike;
mod api_key;
mod bounds;
#[cfg(test)]
mod calibration;
mod check;
mod conduct;
mod control;
mod deliver;
mod demands;
mod encode;
mod extend;
mod failure;
mod family;
mod journaled;
#[cfg(feature = "cli")]
pub(crate) mod keys;
mod live;
mod load;
mod lora;
mod made;
mod noise;
mod prepare;
mod probe;
mod profile;
mod proof;
mod provenance;
mod ready;
mod remarks;
mod setting;
mod several;
mod side;
mod tokens;
mod versus;
mod waiting;
mod watch;

use api_key::{ApiKey, secret};
pub use control::Control;
pub(crate) use family::Family;
pub use lora::LoraAssignment;
pub use setting::HeaderLines;

use crate::{
    backend::Backend,
    baseline,
    client::Timeouts,
    grammar::{
        dataset::{self, Dataset},
        fault::Fault,
        goodput::RequestLimit,
        names,
        ramp::Ramp,
        slo::Slo,
    },
    journal,
    judge::{Expect, OnInconclusive},
    problem::Problem,
    redact::{self, Hidden},
    setting::Setting,
    targets::{self, AnyTarget},
    tokenizer::TokenizerSpec,
};
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::{Map, Value};
use std::{sync::Arc, time::Duration};

/// What to measure, how to load it, and what to demand of it.
///
/// Nothing is checked before [`run`](Bench::run): then every problem is reported at once.
///
/// ```
/// use goodput::Bench;
///
/// let report = Bench::new("chat")
///     .target("sim(ttft = 80ms, itl = 5ms)")
///     .backend("openai-chat")
///     .dataset("random(input = 64, output = 16)")
///     .rate(20)
///     .requests(300)
///     .goodput("ttft:200 tpot:50")
///     .slo("p99(ttft) < 300ms, goodput >= 95%")
///     .run_blocking()?;
/// assert!(report.passed(), "{report}");
/// # Ok::<(), goodput::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a bench does nothing until it is run"]
pub struct Bench {
    pub(crate) name: String,
    pub(crate) backend: Option<Arc<dyn Backend>>,
    pub(crate) target: Option<AnyTarget>,
    pub(crate) versus: Option<AnyTarget>,
    pub(crate) pairs: usize,
    pub(crate) noise_threshold: f64,
    pub(crate) false_alarms: f64,
    /// Its part of that among the benches of a run.
    pub(crate) share: f64,
    pub(crate) faults: Vec<Fault>,
    pub(crate) endpoint: Hidden<Option<String>>,
    pub(crate) model: Option<String>,
    pub(crate) tokenizer: Option<TokenizerSpec>,
    pub(crate) dataset: Dataset,
    pub(crate) rate: f64,
    pub(crate) burstiness: f64,
    pub(crate) ramp: Option<Ramp>,
    pub(crate) max_concurrency: Option<usize>,
    pub(crate) workers: usize,
    pub(crate) requests: usize,
    pub(crate) seed: u64,
    pub(crate) request_id_prefix: String,
    pub(crate) goodput: Vec<RequestLimit>,
    pub(crate) slo: Vec<Slo>,
    pub(crate) confidence: f64,
    pub(crate) max_extend: usize,
    pub(crate) on_inconclusive: OnInconclusive,
    /// Its function holds the report against demands of its own.
    pub(crate) function: bool,
    pub(crate) expect: Expect,
    /// The bench's own baseline.
    pub(crate) baseline: Option<String>,
    /// That something must be stored there.
    pub(crate) require_baseline: bool,
    /// What was asked for beside it.
    pub(crate) baselines: baseline::Settings,
    pub(crate) stream: bool,
    pub(crate) ignore_eos: Option<bool>,
    pub(crate) logprobs: Option<u64>,
    pub(crate) extra_body: Hidden<Map<String, Value>>,
    pub(crate) headers: HeaderMap,
    /// Where a live run writes down what it has measured so far.
    pub(crate) journal: Option<journal::Place>,
    api_key: Option<ApiKey>,
    pub(crate) warmups: usize,
    pub(crate) prewarm: Option<bool>,
    pub(crate) ready_timeout: Option<Duration>,
    pub(crate) timeouts: Timeouts,
    pub(crate) insecure: bool,
    pub(crate) lora: (Vec<String>, LoraAssignment),
    pub(crate) profile: bool,
    pub(crate) server_metrics_interval: Option<Duration>,
    pub(crate) probe_rate: f64,
    pub(crate) align_prompts: bool,
    pub(crate) exclusive: bool,
    pub(crate) max_lateness: Duration,
    pub(crate) problems: Vec<Problem>,
}

impl Bench {
    /// A bench with this name and the defaults: completions (`openai`), the target of
    /// `GOODPUT_URL` or else the built-in simulation, 100 `random` requests of 256 tokens for 64, all
    /// at once.
    pub fn new(name: impl Into<String>) -> Self {
        Bench {
            name: name.into(),
            backend: crate::backend::by_name("openai"),
            target: None,
            versus: None,
            pairs: names::DEFAULT_PAIRS as usize,
            noise_threshold: 0.05,
            false_alarms: 0.01,
            share: 1.0,
            faults: Vec::new(),
            endpoint: Hidden::default(),
            model: None,
            tokenizer: None,
            dataset: Dataset::Random(dataset::Random::default()),
            rate: f64::INFINITY,
            burstiness: 1.0,
            ramp: None,
            max_concurrency: None,
            workers: 1,
            requests: names::DEFAULT_REQUESTS as usize,
            seed: 0,
            request_id_prefix: "goodput-".to_owned(),
            goodput: Vec::new(),
            slo: Vec::new(),
            confidence: names::DEFAULT_CONFIDENCE,
            max_extend: 1,
            on_inconclusive: OnInconclusive::Warn,
            function: false,
            expect: Expect::Pass,
            baseline: None,
            require_baseline: false,
            baselines: baseline::Settings::default(),
            stream: true,
            ignore_eos: None,
            logprobs: None,
            extra_body: Hidden::default(),
            journal: None,
            headers: HeaderMap::new(),
            api_key: None,
            warmups: 0,
            prewarm: None,
            ready_timeout: None,
            timeouts: Timeouts::default(),
            insecure: false,
            lora: Default::default(),
            profile: false,
            server_metrics_interval: None,
            probe_rate: 0.0,
            align_prompts: true,
            exclusive: true,
            max_lateness: Duration::from_millis(25),
            problems: Vec::new(),
        }
    }

    fn set<T>(&mut self, field: &str, setting: impl Setting<T>) -> Option<T> {
        match setting.read() {
            Ok(value) => Some(value),
            Err((value, mistakes)) => {
                // A body may hold a key anywhere.
                let value = match field {
                    "extra_body" => String::new(),
                    _ => value,
                };
                let new = mistakes
                    .into_iter()
                    .map(|mistake| Problem::new(field, &value, mistake.0));
                self.problems.extend(new);
                None
            }
        }
    }

    /// A live run writes down what it has measured so far.
    pub(crate) fn journaled(mut self, place: Option<journal::Place>) -> Self {
        self.journal = place;
        self
    }

    /// The same bench under another name.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The bench's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Requests that are sent if nothing decides earlier, for progress.
    #[cfg(feature = "cli")]
    pub(crate) fn requests_at_most(&self) -> usize {
        match self.versus {
            Some(_) => 2 * self.pairs.saturating_mul(self.requests),
            None => self.requests,
        }
    }

    /// The wire dialect: `openai-chat`, `openai` or `vllm` (completions). Default `openai`.
    pub fn backend(mut self, backend: impl Setting<Arc<dyn Backend>>) -> Self {
        if let Some(backend) = self.set("backend", backend) {
            self.backend = Some(backend);
        }
        self
    }

    /// What is measured. Default: the URL in `GOODPUT_URL`, else the built-in simulation.
    pub fn target(mut self, target: impl Into<AnyTarget>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// What goes wrong at a simulated target, in addition to what does already, such as
    /// `"reset@5%, stall(2s)@req:10"`; see [`fault::Kind`](crate::grammar::fault::Kind) for all that
    /// can. Only simulations take it. Default nothing.
    pub fn faults(mut self, faults: impl Setting<Vec<Fault>>) -> Self {
        let faults = self.set("faults", faults);
        self.faults.extend(faults.into_iter().flatten());
        self
    }

    /// The path requests go to. Default: the backend's.
    pub fn endpoint(mut self, path: impl Into<String>) -> Self {
        let path = path.into();
        redact::own(&path);
        *self.endpoint = Some(path);
        self
    }

    /// The model's name on the wire. Default: the first one the server lists.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// `"embedded"`, `"none"`, a `tokenizer.json`, or an id in the local Hugging Face cache.
    /// Default: the model's if it is on this machine, else the embedded one.
    pub fn tokenizer(mut self, tokenizer: impl Setting<TokenizerSpec>) -> Self {
        self.tokenizer = self.set("tokenizer", tokenizer).or(self.tokenizer);
        self
    }

    /// What is asked: `"random(input = 256, output = 64)"`, `"custom(\"prompts.jsonl\")"`,
    /// `"sharegpt(\"file.json\")"`. Default `"random"`, which is 256 and 64
    /// tokens; the command's flags have vLLM's lengths, 1024 and 128.
    pub fn dataset(mut self, dataset: impl Setting<Dataset>) -> Self {
        if let Some(dataset) = self.set("dataset", dataset) {
            self.dataset = dataset;
        }
        self
    }

    /// Put before the request's number in its `x-request-id` header. Default `goodput-`.
    pub fn request_id_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.request_id_prefix = prefix.into();
        self
    }

    /// Ask for streamed answers. Default true.
    pub fn stream(mut self, stream: bool) -> Self {
        self.stream = stream;
        self
    }

    /// Ask the server to generate to the full length. Default: true for `random`, as in vLLM.
    pub fn ignore_eos(mut self, ignore: bool) -> Self {
        self.ignore_eos = Some(ignore);
        self
    }

    /// Completions: log-probabilities to ask for.
    pub fn logprobs(mut self, count: u64) -> Self {
        self.logprobs = Some(count);
        self
    }

    /// A JSON object merged into every request body, last. A key that is null is taken out of the body.
    pub fn extra_body(mut self, object: impl Setting<Map<String, Value>>) -> Self {
        if let Some(object) = self.set("extra_body", object) {
            object
                .iter()
                .for_each(|(name, value)| redact::learn_field(name, value));
            self.extra_body.extend(object);
        }
        self
    }

    /// Headers `Name: value` for every request. Values never show in logs or reports.
    pub fn headers(mut self, lines: impl HeaderLines) -> Self {
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
                    self.headers.insert(name, value);
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

    /// Sent as `Authorization: Bearer …`, to Anthropic as `x-api-key`; `"env:NAME"` takes it from the
    /// environment when the run begins. Default: `OPENAI_API_KEY` (`ANTHROPIC_API_KEY`) of the
    /// environment. Simulations get only a key that is given here as it is. Never shown.
    pub fn api_key(mut self, key: impl AsRef<str>) -> Self {
        self.api_key = ApiKey::read(key.as_ref());
        if self.api_key.is_none() {
            let message = "has control characters. Remove them";
            self.problems.push(Problem::new("api_key", "***", message));
        }
        self
    }

    /// Copies of the first request to send before the run, not measured. Default 0.
    pub fn warmups(mut self, requests: usize) -> Self {
        self.warmups = requests;
        self
    }

    /// Open connections before the first request: as many as `max_concurrency`, or as many as
    /// are due in the first second. Default: for running servers, so that connecting delays no
    /// request that is due.
    pub fn prewarm(mut self, prewarm: bool) -> Self {
        self.prewarm = Some(prewarm);
        self
    }

    /// Wait up to this long for the server to be ready: it is asked for the model if none was named, and gets the
    /// first request again and again until it succeeds. A refused connection, a name that is not known yet, a
    /// status of 5xx, 408, 425 or 429 and silence are waited out; any other status, such as 401 or 404, and a
    /// certificate that is refused end the wait at once. Attempts may take 5 s, then twice as long each.
    /// Default: no such check.
    pub fn ready_timeout(mut self, limit: impl Setting<Duration>) -> Self {
        self.ready_timeout = self.set("ready_timeout", limit).or(self.ready_timeout);
        self
    }

    /// Limit on DNS, TCP and TLS of a connection. Default 30 s.
    pub fn connect_timeout(mut self, limit: impl Setting<Duration>) -> Self {
        if let Some(limit) = self.set("connect_timeout", limit) {
            self.timeouts.connect = limit;
        }
        self
    }

    /// Limit on the time from sending to the first token. Default 10 min.
    pub fn first_token_timeout(mut self, limit: impl Setting<Duration>) -> Self {
        if let Some(limit) = self.set("first_token_timeout", limit) {
            self.timeouts.first_token = limit;
        }
        self
    }

    /// Limit on the silence between two reads after the first token. Default 2 min.
    pub fn between_tokens_timeout(mut self, limit: impl Setting<Duration>) -> Self {
        if let Some(limit) = self.set("between_tokens_timeout", limit) {
            self.timeouts.between_tokens = limit;
        }
        self
    }

    /// Limit on a whole request. Default 6 h, as in vLLM.
    pub fn total_timeout(mut self, limit: impl Setting<Duration>) -> Self {
        if let Some(limit) = self.set("total_timeout", limit) {
            self.timeouts.total = limit;
        }
        self
    }

    /// LoRA adapters, one of which each request names as its model, as vLLM serves them. Only for backends
    /// whose body is JSON and names a model. Default: none.
    ///
    /// ```
    /// # use goodput::{Bench, bench::LoraAssignment};
    /// let bench = Bench::new("chat").lora_modules(["sql", "law"], LoraAssignment::RoundRobin);
    /// assert_eq!(bench.plan().unwrap().requests[1].overrides["model"], "law");
    /// ```
    pub fn lora_modules<S: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = S>,
        assignment: LoraAssignment,
    ) -> Self {
        self.lora = (names.into_iter().map(Into::into).collect(), assignment);
        self
    }

    /// Asks the server to profile itself during the run, as vLLM can: a POST to `/start_profile` before
    /// the first request and to `/stop_profile` after the last answer. Only for servers with an
    /// address, and not in comparisons. Default: false.
    pub fn profile(mut self, profile: bool) -> Self {
        self.profile = profile;
        self
    }

    /// Accept any TLS certificate. Default false.
    pub fn insecure(mut self, insecure: bool) -> Self {
        self.insecure = insecure;
        self
    }

    /// Hold this user's measurement lock of the machine during the run. Where it cannot be taken, a line on stderr says
    /// so and the run goes on. Default true; simulated benches
    /// never take it.
    pub fn exclusive(mut self, exclusive: bool) -> Self {
        self.exclusive = exclusive;
        self
    }

    /// What will be measured, defaults applied.
    pub(crate) fn chosen_target(&self) -> AnyTarget {
        let target = self.target.clone().unwrap_or_else(targets::default_target);
        match target.simulation() {
            Some(simulation) if !self.faults.is_empty() => {
                simulation.clone().faults(self.faults.clone()).into()
            }
            _ => target,
        }
    }
}
