//! The flags of `goodput serve`, named as in vLLM 0.33, and the bench they describe. All but those that
//! name the server are flags of `goodput ab` too.

mod address;
mod dataset;
mod export;
mod multi_turn;
mod ramp;
mod sampling;
mod server;

use self::{
    address::Server, dataset::DatasetFlags, export::ExportFlags, multi_turn::MultiTurnFlags,
    ramp::RampFlags, sampling::Sampling, server::ServerFlags,
};
use super::Script;
use crate::{
    baseline::Settings,
    bench::{Bench, LoraAssignment},
    cli::{argv::Origins, baseline::BaselineFlags, outputs::OutputArgs, words::Words},
    error::Error,
    grammar::{dataset::Dataset, names::BACKENDS},
    problem::Problem,
    tokenizer::{Tokenizer, TokenizerSpec},
};
use clap::{ArgAction, builder::ArgPredicate};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Flags of `goodput serve`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Serve {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    pub(super) args: Args,
    #[command(flatten)]
    baseline: BaselineFlags,
    /// Smallest relative change from a baseline that matters.
    #[arg(long, default_value_t = 0.05)]
    noise_threshold: f64,
    /// Maximum probability of calling an unchanged server worse than a baseline, over all metrics together.
    #[arg(long, default_value_t = 0.01)]
    false_alarms: f64,
}

/// How a bench is measured, and what happens to the result.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The offline script that the command stands for.
    #[arg(skip)]
    pub(in crate::cli) script: Option<Script>,
    #[arg(long, default_value = "openai", default_value_if("input_file", ArgPredicate::IsPresent, "openai-chat"), alias = "endpoint-type", help = backends())]
    pub(super) backend: String,
    /// Path of the requests. Default: the backend's.
    #[arg(long)]
    endpoint: Option<String>,
    /// Header KEY=VALUE for every request; values are never shown.
    #[arg(long, num_args = 0.., action = ArgAction::Set, value_name = "KEY=VALUE")]
    header: Vec<String>,
    /// Bearer token, or `env:NAME` for the variable that holds it; never shown. Default: OPENAI_API_KEY, for
    /// anthropic ANTHROPIC_API_KEY.
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    /// Do not verify TLS certificates.
    #[arg(long)]
    insecure: bool,
    /// Faults of a simulated target, such as "reset@5%, stall(2s)@req:10"; docs/simulation.md has all.
    #[arg(long)]
    faults: Option<String>,
    /// Model, and the tokenizer's name unless --tokenizer is given. Default: the server's first.
    #[arg(long, short = 'm')]
    model: Option<String>,
    /// The model's name on the wire when it differs from --model.
    #[arg(long)]
    served_model_name: Option<String>,
    /// LoRA adapters; each request names one as its model.
    #[arg(long, num_args = 1.., action = ArgAction::Set, value_name = "NAME")]
    lora_modules: Vec<String>,
    /// Which adapter a request gets: random or round-robin.
    #[arg(long, default_value = "random")]
    lora_assignment: String,
    /// Requests to send. Default: 1000; with --input-file, all of the file; with --duration, as many as that has.
    #[arg(
        long,
        short = 'n',
        default_value_t = 1000,
        default_value_if("input_file", ArgPredicate::IsPresent, ALL),
        default_value_if("duration", ArgPredicate::IsPresent, ALL),
        hide_default_value = true,
        visible_aliases = ["requests", "max-num-requests"]
    )]
    pub(in crate::cli) num_prompts: usize,
    /// How long to send requests, such as 10m, instead of a number of them. With --num-prompts too, the run ends with
    /// whichever comes first.
    #[arg(long, value_name = "TIME")]
    duration: Option<String>,
    /// What counts in no number at the start of the run: 30s, "100 requests", or auto, until the server has settled.
    #[arg(long, value_name = "CUT")]
    cut_start: Option<String>,
    /// What counts in no number at its end: 10s or "50 requests".
    #[arg(long, value_name = "CUT")]
    cut_end: Option<String>,
    /// Send nothing more in these states: "errors > 20%, in_flight > 500, saturated"; repeatable.
    #[arg(long, value_name = "STATE")]
    stop_if: Vec<String>,
    /// How long to wait for answers once nothing more is sent, such as 30s. Default: without limit; 30s after --stop-if.
    #[arg(long, value_name = "TIME")]
    grace: Option<String>,
    /// Seed of prompts and arrivals.
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// Requests per second; inf sends all at once.
    #[arg(long, default_value_t = f64::INFINITY, visible_alias = "rate")]
    pub(super) request_rate: f64,
    /// Gamma shape of the gaps: 1 Poisson, below 1 burstier, inf constant.
    #[arg(long, default_value_t = 1.0)]
    burstiness: f64,
    /// Requests in flight at most.
    #[arg(long, short = 'p', visible_alias = "num-clients")]
    max_concurrency: Option<usize>,
    #[command(flatten)]
    pub(super) ramp: RampFlags,
    /// Copies of the first request to send before the run.
    #[arg(long, default_value_t = 0, visible_alias = "warmups")]
    num_warmups: usize,
    /// Wait up to this long for the server to answer the first request; 0 does not wait.
    #[arg(long, default_value_t = 0)]
    ready_check_timeout_sec: u64,
    /// Open connections only as requests need them, instead of before the first request.
    #[arg(long)]
    no_prewarm: bool,
    /// Threads that send, each with a part of the plan and of --max-concurrency.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Hold this user's measurement lock of the machine, so that measurements run one at a time.
    #[arg(long)]
    exclusive: bool,
    /// Ask for answers in one piece instead of a stream.
    #[arg(long)]
    disable_stream: bool,
    /// Put before the request's number in x-request-id.
    #[arg(long, default_value = "goodput-")]
    request_id_prefix: String,
    /// Limit on connecting, such as 5s.
    #[arg(long, default_value = "30s")]
    connect_timeout: String,
    /// Limit on the time to the first token, such as 30s.
    #[arg(long, default_value = "10m")]
    first_token_timeout: String,
    /// Limit on the silence between tokens, such as 10s.
    #[arg(long, default_value = "2m")]
    between_tokens_timeout: String,
    /// Limit on a whole request, such as 5m.
    #[arg(long, default_value = "6h")]
    total_timeout: String,

    #[command(flatten)]
    dataset: DatasetFlags,
    /// A tokenizer.json, a folder with one, or an id in the local Hugging Face cache;
    /// `embedded` or `none`. Default: the model's, else the embedded one.
    #[arg(long)]
    pub(super) tokenizer: Option<String>,
    /// Use no tokenizer, even with --tokenizer: lengths become estimates.
    #[arg(long)]
    pub(super) skip_tokenizer_init: bool,
    /// Do not adjust synthetic prompts to the server's token counts.
    #[arg(long)]
    no_align_prompts: bool,

    /// Ask the server to generate to the full length; always on for random.
    #[arg(long)]
    ignore_eos: bool,
    /// Structure that answers must have: "json(schema.json)", "regex(\\d{4})", "choice(yes, no)", "grammar(FILE)",
    /// "structural_tag(FILE)"; see docs/structured.md.
    #[arg(long, value_name = "STRUCTURE")]
    structured_output: Option<String>,
    /// Share of the requests that ask for their structure, from 0 to 1.
    #[arg(long, default_value_t = 1.0)]
    structured_output_ratio: f64,
    /// Ask for no structure; as --structured-output-ratio 0.
    #[arg(long)]
    no_structured_output: bool,
    /// Log-probabilities to ask for (completions only).
    #[arg(long)]
    logprobs: Option<u64>,
    /// JSON object merged into every request body, last; null removes a key from the body.
    #[arg(long)]
    extra_body: Option<String>,
    #[command(flatten)]
    sampling: Sampling,

    /// Limits on one request: ttft:200 tpot:50 e2el:5000 (ms, or 200ms, 0.2s).
    #[arg(long, num_args = 1.., action = ArgAction::Set, value_name = "KEY:VALUE")]
    pub(super) goodput: Vec<String>,
    /// Limits on the run: "p99(ttft) < 300ms, goodput >= 95%, errors < 1%"; if the flag is repeated, all of
    /// them must hold.
    #[arg(long)]
    slo: Vec<String>,
    /// Confidence of the intervals that --slo is decided by.
    #[arg(long, default_value_t = 0.95)]
    confidence: f64,
    /// Client's lateness (p99, open loop) above which the run is invalid, such as 10ms.
    #[arg(long, value_name = "TIME", default_value = "25ms")]
    max_lateness: String,
    /// Rounds to send before the measured ones, which count in no number.
    #[arg(long, default_value_t = 0)]
    warmup_rounds: usize,
    /// Put this text before every prompt, so that a prefix cache has nothing of earlier runs; without a value another one
    /// for each run.
    #[arg(long, value_name = "TEXT", num_args = 0..=1, default_missing_value = "auto")]
    salt: Option<String>,
    /// Send the plan this many times, each time after the last answer. With a prefix cache the first round is cold and
    /// later ones are warm.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// While an SLO is open, send --num-prompts again, up to this many times in all.
    #[arg(long, default_value_t = 1)]
    max_extend: usize,
    /// What to do when the run is inconclusive: fail (exit code 3), pass or warn. Default: fail; in a
    /// comparison, warn.
    #[arg(long)]
    on_inconclusive: Option<String>,
    /// What the run must do: pass, or fail for a test of the gate itself. With fail, an SLO must be missed or a
    /// comparison must be worse.
    #[arg(long, default_value = "pass")]
    expect: String,

    #[command(flatten)]
    pub(super) export: ExportFlags,
    #[command(flatten)]
    pub(super) multi_turn: MultiTurnFlags,
    /// Metrics to print and save, of ttft, tpot, itl, e2el. Default: ttft,tpot,itl; of answers
    /// without tokens e2el.
    #[arg(long, value_delimiter = ',', action = ArgAction::Set)]
    pub(super) percentile_metrics: Option<Vec<String>>,
    /// Percentiles to print and save.
    #[arg(long, default_value = "99", value_delimiter = ',', action = ArgAction::Set)]
    pub(super) metric_percentiles: Vec<f64>,
    /// Write down what a live run has measured so far, in case it is killed; `goodput report FILE` shows it. A run
    /// that ends removes the file. `ab` writes what A answered to a second one, FILE with `-a` before its ending. Default: a
    /// file in the folder of results, or in --result-dir with --save-result.
    #[arg(long, value_name = "FILE")]
    pub(super) journal: Option<PathBuf>,
    /// Write down nothing before the run has ended.
    #[arg(long, conflicts_with = "journal")]
    pub(super) no_journal: bool,
    /// Write the result to a JSON file.
    #[arg(long)]
    pub(super) save_result: bool,
    /// Keep values of single requests in it.
    #[arg(long)]
    pub(super) save_detailed: bool,
    /// Append the result to the file as one more line.
    #[arg(long)]
    pub(super) append_result: bool,
    /// Folder of the result file; made if it is missing.
    #[arg(long)]
    pub(super) result_dir: Option<PathBuf>,
    /// Name of the result file. Default: made of label, rate, model and date.
    #[arg(long)]
    pub(super) result_filename: Option<String>,
    /// File for the result with the keys of vLLM's benchmark_serving_structured_output.py; for the dataset structured.
    #[arg(long, value_name = "FILE")]
    pub(super) structured_result: Option<PathBuf>,
    /// Label of the result. Default in file names: the backend.
    #[arg(long)]
    pub(super) label: Option<String>,
    /// KEY=VALUE to put into the result file.
    #[arg(long, num_args = 0.., action = ArgAction::Set, value_name = "KEY=VALUE")]
    pub(super) metadata: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) to: OutputArgs,
    /// Show no progress.
    #[arg(long)]
    pub(in crate::cli) disable_tqdm: bool,
    /// Take flags from a YAML file, `num-prompts: 100` a line; the command line wins.
    // For the help: the file is read before this parser sees the arguments.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the plan and send nothing.
    #[arg(long, action = ArgAction::SetTrue)]
    pub(in crate::cli) dry_run: bool,

    /// Let the server profile itself during the run: POST /start_profile and /stop_profile.
    #[arg(long)]
    profile: bool,
    #[command(flatten)]
    about_server: ServerFlags,
    /// Tokenizer mode of vLLM; `auto` and `hf` are equivalent.
    #[arg(long, default_value = "auto", value_parser = ["auto", "hf"])]
    tokenizer_mode: String,
    #[command(flatten)]
    accepted: Accepted,
}

/// Flags of vLLM that have nothing left to do.
#[derive(Debug, clap::Args)]
struct Accepted {
    /// Accepted: goodput never applies a chat template on the client's side.
    #[arg(long, alias = "custom-skip-chat-template")]
    skip_chat_template: bool,
    /// Accepted: pictures, videos and sound always go into chat messages.
    #[arg(long)]
    enable_multimodal_chat: bool,
    /// Accepted: goodput always sends the whole plan.
    #[arg(long)]
    no_early_stop: bool,
    /// Accepted: goodput runs no code of a dataset or a model.
    #[arg(long)]
    trust_remote_code: bool,
}

/// Requests of a file, however many it has: as many as a run may have.
const ALL: &str = "5000000";

fn backends() -> String {
    let names = BACKENDS.join(", ");
    format!("Dialect of the API: {names}; see docs/backends.md")
}

impl Serve {
    /// The flags that other commands set, too.
    pub(in crate::cli) fn args_mut(&mut self) -> &mut Args {
        &mut self.args
    }

    /// Complaints about flags whose numbers another flag of the command sets.
    pub(in crate::cli) fn sets_load(&self, instead: &str) -> Vec<Problem> {
        let args = &self.args;
        let given = [
            ("--num-prompts", args.num_prompts != 1000),
            ("--duration", args.duration.is_some()),
            ("--request-rate", args.request_rate.is_finite()),
            ("--rounds", args.rounds != 1),
            ("--warmup-rounds", args.warmup_rounds != 0),
        ];
        let fix = format!(
            "has no meaning for a batch that is sent at once. Use {instead} and --num-iters"
        );
        let given = given.into_iter().filter(|(_, given)| *given);
        given
            .map(|(flag, _)| Problem::new(flag, "(set)", &fix))
            .collect()
    }

    /// How this command line names settings.
    pub(super) fn words<'a>(&self, origins: &'a Origins) -> Words<'a> {
        Words {
            origins,
            target: self.server.flag(),
            versus: "--a",
            ramp: self.args.ramp_flag(),
        }
    }

    /// The bench that the flags describe.
    pub(super) fn bench(&self) -> Result<Bench, Error> {
        let bench = self
            .args
            .bench("serve", "fail")
            .target(self.server.target())
            .baselines(Settings {
                proof: self.args.on_inconclusive.as_deref() == Some("fail"),
                ..self.baseline.settings()
            })
            .noise_threshold(self.noise_threshold)
            .false_alarms(self.false_alarms);
        bench.check()?;
        self.args.whole_file(bench)
    }
}

impl Args {
    /// Sets lengths that no flag has set.
    pub(in crate::cli) fn default_lengths(&mut self, input: usize, output: usize) {
        self.dataset.default_lengths(input, output);
    }

    /// How often the plan is sent.
    pub(in crate::cli) fn send_rounds(&mut self, warmup: usize, timed: usize) {
        self.warmup_rounds = warmup;
        self.rounds = timed;
    }

    /// The bench that the flags describe, but for its target. It is not checked.
    pub(in crate::cli) fn bench(&self, name: &str, on_inconclusive: &str) -> Bench {
        let mut problems = Vec::new();
        let on_inconclusive = self.on_inconclusive.as_deref().unwrap_or(on_inconclusive);
        let mut bench = Bench::new(name)
            .backend(self.backend.as_str())
            .rate(self.request_rate)
            .burstiness(self.burstiness)
            .seed(self.seed)
            .request_id_prefix(&self.request_id_prefix)
            .extra_body(self.sampling.body())
            .headers(self.header_lines(&mut problems))
            .insecure(self.insecure)
            .profile(self.profile)
            .stream(!self.disable_stream)
            .warmups(self.num_warmups)
            .workers(self.workers)
            .connect_timeout(self.connect_timeout.as_str())
            .first_token_timeout(self.first_token_timeout.as_str())
            .between_tokens_timeout(self.between_tokens_timeout.as_str())
            .total_timeout(self.total_timeout.as_str())
            .confidence(self.confidence)
            .max_lateness(self.max_lateness.as_str())
            .rounds(self.rounds)
            .warmup_rounds(self.warmup_rounds)
            .max_extend(self.max_extend)
            .on_inconclusive(on_inconclusive)
            .expect(self.expect.as_str())
            .exclusive(self.exclusive);
        if self.duration.is_none() || !self.takes_all() {
            bench = bench.requests(self.num_prompts);
        }
        if let Some(span) = &self.duration {
            bench = bench.duration(span);
        }
        if let Some(cut) = &self.cut_start {
            bench = bench.cut_start(cut);
        }
        if let Some(cut) = &self.cut_end {
            bench = bench.cut_end(cut);
        }
        if !self.stop_if.is_empty() {
            bench = bench.stop_if(self.stop_if.join(", "));
        }
        if let Some(span) = &self.grace {
            bench = bench.grace(span);
        }
        if let Some(key) = &self.api_key {
            bench = bench.api_key(key);
        }
        if let Some(salt) = &self.salt {
            bench = bench.salt(salt);
        }
        if let Some(faults) = &self.faults {
            bench = bench.faults(faults.as_str());
        }
        bench = self
            .about_server
            .apply(bench)
            .align_prompts(!self.no_align_prompts);
        self.sampling.check(&self.backend, &mut problems);
        match LoraAssignment::parse(&self.lora_assignment) {
            Ok(assignment) => bench = bench.lora_modules(self.lora_modules.clone(), assignment),
            Err(mistake) => {
                let (field, value) = ("--lora-assignment", &self.lora_assignment);
                problems.push(Problem::new(field, value, mistake.0));
            }
        }
        if self.no_prewarm {
            bench = bench.prewarm(false);
        }
        match self.dataset(&mut problems) {
            Some(dataset) => bench = bench.dataset(dataset),
            // What is wrong with it is said once, and not once more about the default dataset.
            None => bench = bench.requests(1),
        }
        if let Some(ramp) = self.ramp.read(&mut problems) {
            bench = bench.ramp(ramp);
        }
        if let Some(body) = &self.extra_body {
            bench = bench.extra_body(body);
        }
        if let Some(endpoint) = &self.endpoint {
            bench = bench.endpoint(endpoint);
        }
        if let Some(model) = self.served_model_name.as_ref().or(self.model.as_ref()) {
            bench = bench.model(model);
        }
        if let Some(tokenizer) = self.tokenizer_spec() {
            bench = bench.tokenizer(tokenizer);
        }
        if let Some(limit) = self.clients() {
            bench = bench.max_concurrency(limit);
        }
        if self.ready_check_timeout_sec > 0 {
            bench = bench.ready_timeout(Duration::from_secs(self.ready_check_timeout_sec));
        }
        bench = self.multi_turn.apply(bench, &mut problems);
        if self.ignore_eos {
            bench = bench.ignore_eos(true);
        }
        if let Some(structure) = &self.structured_output {
            bench = bench.structured_output(structure);
        }
        bench = bench.structured_output_ratio(if self.no_structured_output {
            0.0
        } else {
            self.structured_output_ratio
        });
        if let Some(count) = self.logprobs {
            bench = bench.logprobs(count);
        }
        if !self.goodput.is_empty() {
            bench = bench.goodput(self.goodput.join(" "));
        }
        if !self.slo.is_empty() {
            bench = bench.slo(self.slo.join(", "));
        }
        bench.problems.append(&mut problems);
        bench
    }

    /// The flag that names the ramp.
    pub(in crate::cli) fn ramp_flag(&self) -> &'static str {
        self.ramp.flag()
    }

    /// A tokenizer that was named must exist; the model's is taken only if it happens to be here.
    fn tokenizer_spec(&self) -> Option<TokenizerSpec> {
        if self.skip_tokenizer_init {
            return Some(TokenizerSpec::None);
        }
        if let Some(name) = &self.tokenizer {
            return Some(TokenizerSpec::named(name));
        }
        // The server knows the model by another name, under which there is no tokenizer.
        self.served_model_name.as_ref()?;
        let model = TokenizerSpec::named(self.model.as_deref()?);
        Tokenizer::load(&model).is_ok().then_some(model)
    }

    fn header_lines(&self, problems: &mut Vec<Problem>) -> Vec<String> {
        let mut lines = Vec::new();
        for header in &self.header {
            match header.split_once('=') {
                Some((name, value)) => lines.push(format!("{name}: {value}")),
                None => problems.push(Problem::new(
                    "--header",
                    "***",
                    "is not NAME=VALUE. Write it like X-Team=search",
                )),
            }
        }
        lines
    }

    /// The order of the requests of long_document_qa; `None` for another dataset.
    pub(super) fn repeat_mode(&self) -> Option<&str> {
        self.dataset.repeat_mode()
    }

    /// The set of the dataset structured; `None` for another dataset.
    pub(super) fn structured_set(&self) -> Option<&str> {
        self.dataset.structured_set()
    }

    /// The dataset, and what is wrong with it.
    fn dataset(&self, problems: &mut Vec<Problem>) -> Option<Dataset> {
        self.dataset.read(&self.multi_turn, problems)
    }

    /// Requests in flight at most: those of the flag. A file of conversations has one client, unless a rate says when they
    /// arrive.
    pub(super) fn clients(&self) -> Option<usize> {
        let one = self.multi_turn.input_file.is_some()
            && self.request_rate.is_infinite()
            && self.ramp.read(&mut Vec::new()).is_none();
        self.max_concurrency.or(one.then_some(1))
    }

    /// Conversations that may go on at a time, if a flag says so.
    pub(super) fn active(&self) -> Option<usize> {
        self.dataset(&mut Vec::new())?.max_sessions()
    }

    /// The flag that names the file of the dataset, and the file, if there is one.
    pub(super) fn dataset_path(&self) -> Option<(&'static str, &Path)> {
        let input = self.multi_turn.input_file.as_deref();
        let input = input.map(|path| ("--input-file", path));
        let path = self.dataset.dataset_path.as_deref();
        input.or(path.map(|path| ("--dataset-path", path)))
    }

    /// Whether no flag says how many requests there are.
    fn takes_all(&self) -> bool {
        self.num_prompts.to_string() == ALL
    }

    /// Sets the number of requests to those of the file, if it says how many there are.
    ///
    /// # Errors
    /// The file cannot be planned.
    pub(in crate::cli) fn whole_file(&self, bench: Bench) -> Result<Bench, Error> {
        let whole = self.multi_turn.input_file.is_some() && self.takes_all();
        if !whole {
            return Ok(bench);
        }
        let planned = bench.plan()?.requests.len();
        Ok(bench.requests(planned))
    }

    /// What was asked, for results.
    pub(super) fn dataset_text(&self) -> String {
        let dataset = self.dataset(&mut Vec::new());
        dataset
            .map(|dataset| dataset.to_string())
            .unwrap_or_default()
    }

    /// What names the model in results.
    pub(super) fn model_id<'a>(&'a self, wire_name: &'a str) -> &'a str {
        self.model.as_deref().unwrap_or(wire_name)
    }
}
