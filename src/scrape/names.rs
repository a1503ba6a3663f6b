//! Each engine's names for the numbers that goodput reads.
//!
//! Each name comes from a page of the engine itself or from its source or documentation: vLLM 0.32's page
//! and `v1/metrics/loggers.py`, llama.cpp's page (b11434, with and without drafts), SGLang's
//! `srt/metrics/collector.py` and production metrics, TGI 3's list of metrics.

/// A number that engines count or show. Counters only grow; their value is the sum over all labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// Tokens of prompts, cached or not.
    PromptTokens,
    /// Prompt tokens that came from a cache.
    CachedPromptTokens,
    GenerationTokens,
    Preemptions,
    /// Tokens (in older engines blocks) that were looked up in the prefix cache.
    CacheQueries,
    /// Look-ups that the cache had.
    CacheHits,
    Drafts,
    DraftTokens,
    AcceptedTokens,
    /// Accepted tokens by their place in a draft, which is the label `position`.
    AcceptedAt,
    DenoisingSteps,
    CanvasPositions,
    CommittedTokens,
    /// Sum of seconds until first tokens, and their number.
    TtftSum,
    TtftCount,
    /// A gauge: requests in the batch.
    Running,
    /// A gauge: requests that wait for the batch.
    Waiting,
    /// A gauge: share of KV memory in use. Of several engines the fullest counts.
    KvUsage,
    /// A gauge: resident memory of the process, bytes.
    Memory,
}

impl Key {
    pub(super) const COUNT: usize = Key::Memory as usize + 1;

    /// Whether the number only grows.
    pub(super) fn counts(self) -> bool {
        !matches!(
            self,
            Key::Running | Key::Waiting | Key::KvUsage | Key::Memory
        )
    }
}

/// Names of an engine. Several names of one key are added up.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) name: &'static str,
    pub(super) series: &'static [(&'static str, Key)],
    /// Number of digits that the engine writes, if it rounds.
    pub(super) digits: Option<i32>,
}

pub(super) const ENGINES: &[Engine] = &[
    Engine {
        name: "vLLM",
        series: &[
            ("vllm:prompt_tokens_total", Key::PromptTokens),
            ("vllm:prompt_tokens_cached_total", Key::CachedPromptTokens),
            ("vllm:generation_tokens_total", Key::GenerationTokens),
            ("vllm:num_preemptions_total", Key::Preemptions),
            ("vllm:prefix_cache_queries_total", Key::CacheQueries),
            ("vllm:prefix_cache_hits_total", Key::CacheHits),
            ("vllm:spec_decode_num_drafts_total", Key::Drafts),
            ("vllm:spec_decode_num_draft_tokens_total", Key::DraftTokens),
            (
                "vllm:spec_decode_num_accepted_tokens_total",
                Key::AcceptedTokens,
            ),
            (
                "vllm:spec_decode_num_accepted_tokens_per_pos_total",
                Key::AcceptedAt,
            ),
            (
                "vllm:diffusion_num_denoising_steps_total",
                Key::DenoisingSteps,
            ),
            (
                "vllm:diffusion_num_canvas_positions_total",
                Key::CanvasPositions,
            ),
            (
                "vllm:diffusion_num_committed_tokens_total",
                Key::CommittedTokens,
            ),
            ("vllm:time_to_first_token_seconds_sum", Key::TtftSum),
            ("vllm:time_to_first_token_seconds_count", Key::TtftCount),
            ("vllm:num_requests_running", Key::Running),
            ("vllm:num_requests_waiting", Key::Waiting),
            ("vllm:kv_cache_usage_perc", Key::KvUsage),
            // Before vLLM 0.10.
            ("vllm:gpu_cache_usage_perc", Key::KvUsage),
        ],
        digits: None,
    },
    Engine {
        name: "SGLang",
        series: &[
            ("sglang:prompt_tokens_total", Key::PromptTokens),
            ("sglang:cached_tokens_total", Key::CachedPromptTokens),
            ("sglang:generation_tokens_total", Key::GenerationTokens),
            ("sglang:num_retracted_requests_total", Key::Preemptions),
            ("sglang:time_to_first_token_seconds_sum", Key::TtftSum),
            ("sglang:time_to_first_token_seconds_count", Key::TtftCount),
            ("sglang:num_running_reqs", Key::Running),
            ("sglang:num_queue_reqs", Key::Waiting),
            ("sglang:token_usage", Key::KvUsage),
        ],
        digits: None,
    },
    Engine {
        name: "llama.cpp",
        series: &[
            // Without cached tokens.
            ("llamacpp:prompt_tokens_total", Key::PromptTokens),
            ("llamacpp:prompt_tokens_cached_total", Key::PromptTokens),
            (
                "llamacpp:prompt_tokens_cached_total",
                Key::CachedPromptTokens,
            ),
            ("llamacpp:tokens_predicted_total", Key::GenerationTokens),
            ("llamacpp:spec_decode_num_drafts_total", Key::Drafts),
            (
                "llamacpp:spec_decode_num_draft_tokens_total",
                Key::DraftTokens,
            ),
            (
                "llamacpp:spec_decode_num_accepted_tokens_total",
                Key::AcceptedTokens,
            ),
            // Exists from the first draft on.
            (
                "llamacpp:spec_decode_num_accepted_tokens_per_pos_total",
                Key::AcceptedAt,
            ),
            ("llamacpp:requests_processing", Key::Running),
            ("llamacpp:requests_deferred", Key::Waiting),
            // Older builds.
            ("llamacpp:kv_cache_usage_ratio", Key::KvUsage),
        ],
        // C++'s default for a double.
        digits: Some(6),
    },
    Engine {
        name: "TGI",
        series: &[
            ("tgi_request_input_length_sum", Key::PromptTokens),
            ("tgi_request_generated_tokens_sum", Key::GenerationTokens),
            ("tgi_batch_current_size", Key::Running),
            ("tgi_queue_size", Key::Waiting),
        ],
        digits: None,
    },
];
