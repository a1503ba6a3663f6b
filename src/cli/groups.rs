//! The groups that help shows the flags of `goodput serve` and `goodput ab` in.

use clap::Arg;

/// A heading with its flags, by the names of their fields.
struct Group {
    heading: &'static str,
    common: &'static [&'static str],
    /// Only in the long help.
    rare: &'static [&'static str],
}

/// The order within a group, and of the groups, is that of the fields.
const GROUPS: &[Group] = &[
    Group {
        heading: "Target",
        common: &[
            "a",
            "a_command",
            "api_key",
            "b",
            "b_command",
            "backend",
            "balance",
            "base_url",
            "bind",
            "endpoint",
            "faults",
            "header",
            "host",
            "insecure",
            "model",
            "port",
            "served_model_name",
            "target",
        ],
        rare: &["lora_assignment", "lora_modules"],
    },
    Group {
        heading: "Load",
        common: &[
            "batch_size",
            "burstiness",
            "cut_end",
            "cut_start",
            "duration",
            "find",
            "grace",
            "max_concurrency",
            "num_iters",
            "num_iters_warmup",
            "num_prompts",
            "num_warmups",
            "ramp",
            "ramp_up_end_rps",
            "ramp_up_start_rps",
            "ramp_up_strategy",
            "ready_check_timeout_sec",
            "request_rate",
            "rendezvous",
            "rounds",
            "salt",
            "search",
            "search_budget",
            "seed",
            "shard",
            "start_at",
            "stop_if",
            "warmup_rounds",
            "workers",
        ],
        rare: &[
            "between_tokens_timeout",
            "connect_timeout",
            "disable_stream",
            "exclusive",
            "first_token_timeout",
            "n",
            "no_prewarm",
            "rendezvous_timeout",
            "rendezvous_token_file",
            "request_id_prefix",
            "request_timeout_sec",
            "total_timeout",
        ],
    },
    Group {
        heading: "Dataset",
        common: &[
            "dataset_name",
            "dataset_path",
            "input_file",
            "input_len",
            "output_len",
            "random_input_len",
            "random_output_len",
            "random_prefix_len",
            "random_range_ratio",
            "tokenizer",
        ],
        rare: &[
            "agents_block_size",
            "agents_format",
            "agents_max_pause",
            "agents_orphans",
            "agents_time_scale",
            "asr_max_audio_len_sec",
            "asr_min_audio_len_sec",
            "bfcl_categories",
            "blazedit_max_distance",
            "blazedit_min_distance",
            "conversation_history",
            "conversation_sampling",
            "custom_output_len",
            "disable_shuffle",
            "document_length",
            "hf_name",
            "hf_output_len",
            "hf_split",
            "hf_subset",
            "image_url",
            "json_schema_path",
            "limit_max_tokens",
            "limit_min_tokens",
            "max_active_conversations",
            "max_turns",
            "mix",
            "no_align_prompts",
            "no_document_warmup",
            "no_oversample",
            "no_reranker",
            "no_self_timed",
            "no_stream",
            "num_documents",
            "prefix_repetition_num_prefixes",
            "prefix_repetition_output_len",
            "prefix_repetition_prefix_len",
            "prefix_repetition_suffix_len",
            "prefix_repetition_zipf",
            "prompt_token_ids",
            "random_batch_size",
            "random_mm_base_items_per_request",
            "random_mm_bucket_config",
            "random_mm_limit_mm_per_prompt",
            "random_mm_num_mm_items_range_ratio",
            "repeat_count",
            "repeat_mode",
            "self_timed",
            "sharegpt_output_len",
            "skip_tokenizer_init",
            "sonnet_input_len",
            "sonnet_output_len",
            "sonnet_prefix_len",
            "spec_bench_category",
            "spec_bench_output_len",
            "speed_bench_category",
            "speed_bench_dataset_subset",
            "speed_bench_output_len",
            "structured_set",
            "think_time",
            "timed_trace_chunk_hash_size",
            "timed_trace_label_hash_ids",
            "timed_trace_label_input_length",
            "timed_trace_label_output_length",
            "timed_trace_label_timestamp",
            "timed_trace_sec_multiplier",
        ],
    },
    Group {
        heading: "Sampling",
        common: &[
            "extra_body",
            "ignore_eos",
            "structured_output",
            "temperature",
        ],
        rare: &[
            "frequency_penalty",
            "logprobs",
            "min_p",
            "no_structured_output",
            "presence_penalty",
            "repetition_penalty",
            "structured_output_ratio",
            "top_k",
            "top_p",
        ],
    },
    Group {
        heading: "Verdict",
        common: &[
            "aa",
            "baseline",
            "confidence",
            "goodput",
            "max_extend",
            "on_inconclusive",
            "pairs",
            "save_baseline",
            "slo",
        ],
        rare: &[
            "baseline_dir",
            "baseline_strict",
            "expect",
            "false_alarms",
            "max_lateness",
            "noise_dir",
            "noise_threshold",
        ],
    },
    Group {
        heading: "Output",
        common: &[
            "dry_run",
            "export_requests",
            "live",
            "metric_percentiles",
            "output_json",
            "outputs",
            "percentile_metrics",
            "result_dir",
            "result_filename",
            "save_detailed",
            "save_result",
        ],
        rare: &[
            "append_result",
            "disable_tqdm",
            "excel_output",
            "journal",
            "label",
            "live_address",
            "message_format",
            "metadata",
            "no_journal",
            "output_file",
            "results",
            "stats_json_output",
            "structured_result",
            "verbose",
            "warmup_percentages",
        ],
    },
    Group {
        heading: "Sweep",
        common: &[
            "bench_params",
            "experiment_name",
            "num_runs",
            "output_dir",
            "resume",
            "against",
            "shuffle",
            "suite",
            "vary",
            "warmup_num_prompts",
        ],
        rare: &[
            "after_bench_cmd",
            "bench_cmd",
            "continue_on_error",
            "link_vars",
            "serve_cmd",
            "serve_params",
            "server_ready_timeout",
            "show_stdout",
        ],
    },
    Group {
        heading: "Server",
        common: &["server_metrics_interval"],
        rare: &["probe_request_rate", "profile"],
    },
    Group {
        heading: "vLLM compatibility",
        common: &[],
        rare: &[
            "enable_multimodal_chat",
            "no_early_stop",
            "skip_chat_template",
            "tokenizer_mode",
            "trust_remote_code",
        ],
    },
];

/// The end of the short help.
pub(super) const MORE: &str =
    "All flags and examples: --help. Flags with WORD in their names: --help=WORD.";

/// Puts a flag under its heading.
pub(super) fn grouped(arg: Arg) -> Arg {
    let name = arg.get_id().as_str();
    for group in GROUPS {
        let rare = group.rare.contains(&name);
        if rare || group.common.contains(&name) {
            return arg.help_heading(group.heading).hide_short_help(rare);
        }
    }
    arg
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;
    use std::collections::BTreeSet;

    #[test]
    fn every_flag_is_in_one_group() {
        let command = Cli::command();
        let of = |name| command.find_subcommand(name).unwrap().get_arguments();
        let commands = ["serve", "ab", "latency", "throughput", "search", "sweep"];
        let flags = commands.into_iter().flat_map(of);
        let flags: BTreeSet<&str> = flags.map(|arg| arg.get_id().as_str()).collect();
        let listed = GROUPS.iter().flat_map(|group| [group.common, group.rare]);
        let listed: Vec<&str> = listed.flatten().copied().collect();
        let groups: BTreeSet<&str> = listed.iter().copied().collect();
        assert_eq!(groups.len(), listed.len(), "a flag is in two groups");
        let general = BTreeSet::from(["config"]);
        let expected: BTreeSet<&str> = flags.difference(&general).copied().collect();
        assert_eq!(groups, expected);
    }

    #[test]
    fn short_help_is_a_part_of_the_long_one_and_both_have_the_groups_in_this_order() {
        let mut command = Cli::command();
        let serve = command.find_subcommand_mut("serve").unwrap();
        let short = serve.render_help().to_string();
        let long = serve.render_long_help().to_string();
        for (text, left_out) in [(&short, 1), (&long, 0)] {
            let headings = GROUPS[..GROUPS.len() - left_out].iter();
            // The flags of another command.
            let headings = headings.filter(|group| group.heading != "Sweep");
            let places: Vec<usize> = headings
                .map(|group| text.find(&format!("\n{}:\n", group.heading)))
                .map(|place| place.expect("a heading"))
                .collect();
            assert!(places.is_sorted(), "{places:?}");
        }
        let flags = |text: &str| text.matches("\n      --").count();
        assert!(flags(&short) * 2 < flags(&long), "{}", flags(&short));
        assert!(!short.contains("--blazedit-min-distance"));
        assert!(long.contains("--blazedit-min-distance"));
    }
}
