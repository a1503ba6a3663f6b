//! The flags that say what is asked.

mod buckets;
mod read;

use crate::grammar::dataset::{AgentFormat, NAMES, Set, SpeedBench};
use clap::{ArgAction, builder::ArgPredicate};
use std::path::PathBuf;

/// Flags of the dataset. docs/datasets.md describes each dataset.
#[derive(Debug, clap::Args)]
pub(super) struct DatasetFlags {
    /// Dataset to take prompts from; see docs/datasets.md.
    #[arg(
        long,
        value_parser = NAMES.to_vec(),
        default_value = "random",
        default_value_ifs([
            ("input_file", ArgPredicate::IsPresent, "conversations"),
            ("mix", ArgPredicate::IsPresent, "mix"),
        ])
    )]
    dataset_name: String,
    /// File or folder of the dataset; for hf, the id of a dataset of the hub or a folder.
    #[arg(long)]
    pub(super) dataset_path: Option<PathBuf>,
    /// Classes of requests, each with a dataset: 'chat(random, weight = 3), batch(sonnet("sonnet.txt"), priority = 5)'.
    #[arg(
        long,
        value_name = "CLASSES",
        long_help = "Classes of requests of --dataset-name mix, each with a dataset and its settings: 'chat(random, \
                     weight = 3), batch(sonnet(\"sonnet.txt\"), priority = 5)'; see docs/classes.md."
    )]
    mix: Option<String>,
    /// Keep the file's order.
    #[arg(long)]
    disable_shuffle: bool,
    /// Send fewer requests rather than repeat rows.
    #[arg(long)]
    no_oversample: bool,
    /// Sets --random-input-len.
    #[arg(long)]
    input_len: Option<usize>,
    /// Sets the output length of all datasets but speed_bench, burstgpt and timed_trace.
    #[arg(long)]
    output_len: Option<usize>,
    /// Output length of custom, custom_image and custom_audio; -1 takes each row's output_tokens.
    #[arg(long, default_value_t = 256, allow_negative_numbers = true)]
    custom_output_len: i64,
    /// Output length of sharegpt. Default: the recorded answer's.
    #[arg(long)]
    sharegpt_output_len: Option<usize>,
    #[command(flatten)]
    random: RandomFlags,
    #[command(flatten)]
    documents: DocumentFlags,
    #[command(flatten)]
    structured: StructuredFlags,
    #[command(flatten)]
    text: TextFlags,
    #[command(flatten)]
    conversations: ConversationFlags,
    #[command(flatten)]
    agents: AgentFlags,
    #[command(flatten)]
    trace: TraceFlags,
    #[command(flatten)]
    hub: HubFlags,
}

impl DatasetFlags {
    /// Sets lengths that no flag has set.
    pub(super) fn default_lengths(&mut self, input: usize, output: usize) {
        self.input_len.get_or_insert(input);
        self.output_len.get_or_insert(output);
    }
}

/// Flags of the synthetic datasets.
#[derive(Debug, clap::Args)]
struct RandomFlags {
    /// Prompt tokens of random, prefix not included.
    #[arg(long, default_value_t = 1024)]
    random_input_len: usize,
    /// Output tokens of random.
    #[arg(long, default_value_t = 128)]
    random_output_len: usize,
    /// Lengths of random vary by ± this ratio: a number in [0, 1), or
    /// {"input": r, "output": r}.
    #[arg(long, default_value = "0.0")]
    random_range_ratio: String,
    /// Tokens of the prefix that all random prompts share.
    #[arg(long, default_value_t = 0)]
    random_prefix_len: usize,
    /// Prompts of one request (embeddings), or documents of one (random-rerank).
    #[arg(long, default_value_t = 1)]
    random_batch_size: usize,
    /// random-rerank for models that embed query and documents apart.
    #[arg(long)]
    no_reranker: bool,
    /// Send random prompts as token ids (completions only).
    #[arg(long)]
    prompt_token_ids: bool,
    /// An image that every random request shows (chat backends): an address or a file.
    #[arg(long)]
    image_url: Option<String>,
    /// Pictures and videos of a random-mm request.
    #[arg(long, default_value_t = 1)]
    random_mm_base_items_per_request: usize,
    /// The number of items varies by ± this ratio, in [0, 1].
    #[arg(long, default_value_t = 0.0)]
    random_mm_num_mm_items_range_ratio: f64,
    /// How many of each kind at most, as JSON.
    #[arg(long, default_value = r#"{"image": 255, "video": 1}"#)]
    random_mm_limit_mm_per_prompt: String,
    /// {(height, width, frames): share, …}; 1 frame is a picture.
    #[arg(
        long,
        default_value = "{(256, 256, 1): 0.5, (720, 1280, 1): 0.5, (720, 1280, 16): 0.0}"
    )]
    random_mm_bucket_config: String,
    /// Tokens of a prefix of prefix_repetition.
    #[arg(long, default_value_t = 256)]
    prefix_repetition_prefix_len: usize,
    /// Tokens of a suffix of prefix_repetition.
    #[arg(long, default_value_t = 256)]
    prefix_repetition_suffix_len: usize,
    /// Different prefixes of prefix_repetition.
    #[arg(long, default_value_t = 10)]
    prefix_repetition_num_prefixes: usize,
    /// Output tokens of prefix_repetition.
    #[arg(long, default_value_t = 128)]
    prefix_repetition_output_len: usize,
    /// Popularity of the prefixes of prefix_repetition: the one of rank k has a weight of 1 / k to this power. 0: each has
    /// the same number of requests.
    #[arg(long, default_value_t = 0.0, value_name = "POWER")]
    prefix_repetition_zipf: f64,
}

/// Flags of long_document_qa, as in vLLM's script.
#[derive(Debug, clap::Args)]
struct DocumentFlags {
    /// Documents of long_document_qa.
    #[arg(long, default_value_t = 8)]
    num_documents: usize,
    /// Words of a document; about as many tokens.
    #[arg(long, default_value_t = 20_000)]
    document_length: usize,
    /// Requests for each document.
    #[arg(long, default_value_t = 2)]
    repeat_count: usize,
    /// Order of the requests: random (shuffled by --seed), tile or interleave.
    #[arg(long, default_value = "random")]
    repeat_mode: String,
    /// Leave out the requests about other documents that are sent first.
    #[arg(long)]
    no_document_warmup: bool,
}

/// Flags of structured, as in vLLM's script.
#[derive(Debug, clap::Args)]
struct StructuredFlags {
    /// Set of structured; --dataset-path has the rows of xgrammar_bench.
    #[arg(long, default_value = "json", value_parser = Set::NAMES.to_vec())]
    structured_set: String,
    /// File of the schema of the sets json and json-unique. Default: a user's profile.
    #[arg(long, value_name = "FILE")]
    json_schema_path: Option<PathBuf>,
}

/// Flags of texts and questions.
#[derive(Debug, clap::Args)]
struct TextFlags {
    /// Prompt tokens of sonnet at most.
    #[arg(long, default_value_t = 550)]
    sonnet_input_len: usize,
    /// Output tokens of sonnet.
    #[arg(long, default_value_t = 150)]
    sonnet_output_len: usize,
    /// About how many tokens all sonnet prompts share.
    #[arg(long, default_value_t = 200)]
    sonnet_prefix_len: usize,
    /// Output tokens of spec_bench.
    #[arg(long, default_value_t = 256)]
    spec_bench_output_len: usize,
    /// Only rows of spec_bench of this category.
    #[arg(long)]
    spec_bench_category: Option<String>,
    /// Which file of speed_bench.
    #[arg(long, default_value = "qualitative", value_parser = SpeedBench::SUBSETS.to_vec())]
    speed_bench_dataset_subset: String,
    /// Output tokens of speed_bench.
    #[arg(long, default_value_t = 4096)]
    speed_bench_output_len: usize,
    /// Only rows of speed_bench of this category.
    #[arg(long)]
    speed_bench_category: Option<String>,
}

/// Flags of conversations.
#[derive(Debug, clap::Args)]
struct ConversationFlags {
    /// Answers that later turns of conversations send back: the server's own, or the file's.
    #[arg(long, default_value = "server", value_parser = ["server", "file"])]
    conversation_history: String,
    /// Time from an answer until the next turn is due, such as 2s or lognormal(2s, 1s).
    #[arg(long, default_value = "0s")]
    think_time: String,
    /// Conversations, or sessions of agents, that may go on at a time. Default: --max-concurrency without a rate, else no
    /// limit.
    #[arg(long, short = 'k')]
    max_active_conversations: Option<usize>,
    /// Messages of a conversation at most, answers included; an odd number counts as the next even one.
    #[arg(long)]
    max_turns: Option<usize>,
}

/// Flags of agents.
#[derive(Debug, clap::Args)]
struct AgentFlags {
    /// Format of recorded agents. Default: the one that the file's first entry has.
    #[arg(long, value_parser = AgentFormat::NAMES.to_vec())]
    agents_format: Option<String>,
    /// Tokens that a hash id of recorded agents stands for. Default: those of the format.
    #[arg(long)]
    agents_block_size: Option<usize>,
    /// Factor of all times of recorded agents: 0.5 is twice as fast.
    #[arg(long, default_value_t = 1.0)]
    agents_time_scale: f64,
    /// Longest pause between requests of a session of recorded agents, such as 15s. Default: no limit.
    #[arg(long)]
    agents_max_pause: Option<String>,
    /// Let requests of recorded agents begin a session whose parents are not in the file, instead of refusing them.
    #[arg(long)]
    agents_orphans: bool,
}

/// Flags of timed_trace.
#[derive(Debug, clap::Args)]
struct TraceFlags {
    /// Tokens that a hash id of timed_trace stands for.
    #[arg(long, default_value_t = 16)]
    timed_trace_chunk_hash_size: usize,
    /// A timestamp of timed_trace times this is seconds.
    #[arg(long, default_value_t = 1.0)]
    timed_trace_sec_multiplier: f64,
    /// Field of the time.
    #[arg(long, default_value = "timestamp")]
    timed_trace_label_timestamp: String,
    /// Field of the prompt's length.
    #[arg(long, default_value = "input_length")]
    timed_trace_label_input_length: String,
    /// Field of the answer's length.
    #[arg(long, default_value = "output_length")]
    timed_trace_label_output_length: String,
    /// Field of the hash ids.
    #[arg(long, default_value = "hash_ids")]
    timed_trace_label_hash_ids: String,
    /// Send timed_trace and agents at their own times, which is the default.
    #[arg(long, overrides_with = "no_self_timed")]
    self_timed: bool,
    /// Send timed_trace and agents at --request-rate.
    #[arg(long, action = ArgAction::SetTrue, overrides_with = "self_timed")]
    no_self_timed: bool,
}

/// Flags of datasets of the Hugging Face hub.
#[derive(Debug, clap::Args)]
struct HubFlags {
    /// Subset of an hf dataset.
    #[arg(long)]
    hf_subset: Option<String>,
    /// Split of an hf dataset. Default: the one of its kind.
    #[arg(long)]
    hf_split: Option<String>,
    /// Id of an hf dataset whose path is a folder.
    #[arg(long)]
    hf_name: Option<String>,
    /// Output tokens of an hf dataset. Default: the number of its kind.
    #[arg(long)]
    hf_output_len: Option<usize>,
    /// Shuffle all rows of an hf dataset at once, not 1000 at a time.
    #[arg(long)]
    no_stream: bool,
    /// Categories of BFCL.
    #[arg(long, default_value = "simple,live_simple,multiple")]
    bfcl_categories: String,
    /// Smallest normalized edit distance of Blazedit.
    #[arg(long, default_value_t = 0.0)]
    blazedit_min_distance: f64,
    /// Largest normalized edit distance of Blazedit.
    #[arg(long, default_value_t = 1.0)]
    blazedit_max_distance: f64,
    /// Shortest clip of speech in seconds.
    #[arg(long, default_value_t = 0.0)]
    asr_min_audio_len_sec: f64,
    /// Longest clip of speech in seconds.
    #[arg(long, default_value_t = f64::INFINITY)]
    asr_max_audio_len_sec: f64,
}
