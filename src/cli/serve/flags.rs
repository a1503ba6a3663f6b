//! The flags of `goodput serve`, named as in vLLM 0.33. All but those that
//! name the server are flags of `goodput ab` too.

mod address;
mod bench;
mod connections;
mod dataset;
mod export;
mod multi_turn;
mod ramp;
mod sampling;
mod server;
mod shard;

pub(in crate::cli) use self::export::ExportFlags;
use self::{
    address::Server, connections::Connections, dataset::DatasetFlags, multi_turn::MultiTurnFlags,
    ramp::RampFlags, sampling::Sampling, server::ServerFlags, shard::ShardFlags,
};
use super::Script;
use crate::{
    cli::{baseline::BaselineFlags, outputs::OutputArgs},
    grammar::names::BACKENDS,
};
use clap::{ArgAction, builder::ArgPredicate};
use std::path::PathBuf;

/// Flags of `goodput serve`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Serve {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    pub(super) args: Args,
    #[command(flatten)]
    shard: ShardFlags,
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
    #[command(flatten)]
    connections: Connections,
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
    /// Search for the highest load at which the SLOs hold: rate, "rate(1..64)", "concurrency(1..256, within = 5%)". The
    /// number of prompts is that of one trial.
    #[arg(long, value_name = "SEARCH")]
    search: Option<String>,
    /// What a search may spend: "20000 requests" or 10m.
    #[arg(long, value_name = "BUDGET")]
    search_budget: Option<String>,
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
    pub(in crate::cli) no_journal: bool,
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
