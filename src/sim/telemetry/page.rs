//! `/metrics`, with vLLM 0.32's names.

use super::{Telemetry, exposition::Exposition};
use crate::{
    clock::Nanos,
    label::escaped,
    sim::{engine::State, server::SimServer},
};
use std::{collections::BTreeSet, sync::atomic::Ordering::Relaxed};

/// All series at this time since the server's start, which is `epoch` in Unix seconds.
pub(in crate::sim) fn page(server: &SimServer, up: Nanos, epoch: f64) -> String {
    let now = epoch + up.as_secs_f64();
    let mut page = Exposition::new(&server.script.model);
    page.of_process(
        "process_resident_memory_bytes",
        "Resident memory size in bytes.",
        server.memory(up),
    );
    let telemetry = server.telemetry();
    let state = server.engine().map(|engine| engine.state());
    gauges(
        &mut page,
        telemetry,
        state.unwrap_or_default(),
        state.is_none(),
    );
    counters(&mut page, telemetry, state.unwrap_or_default());
    histograms(&mut page, telemetry);
    if let Some(engine) = server.engine() {
        let config = engine.config();
        if config.num_speculative_tokens > 0 {
            speculation(&mut page, telemetry);
        }
        if !config.lora_modules.is_empty() {
            let (running, waiting) = engine.adapters();
            let names = |adapters: BTreeSet<usize>| {
                let names = adapters.iter().filter_map(|&a| config.lora_modules.get(a));
                escaped(&names.cloned().collect::<Vec<_>>().join(","))
            };
            page.info(
                "vllm:lora_requests_info",
                "Running stats on lora requests.",
                &[
                    ("max_lora", &config.max_loras.to_string()),
                    ("running_lora_adapters", &names(running)),
                    ("waiting_lora_adapters", &names(waiting)),
                ],
                now,
            );
        }
        page.info(
            "vllm:cache_config_info",
            "Information of the LLMEngine CacheConfig",
            &[
                ("block_size", &config.block_size.to_string()),
                ("cache_dtype", "auto"),
                (
                    "enable_prefix_caching",
                    if config.enable_prefix_caching {
                        "True"
                    } else {
                        "False"
                    },
                ),
                ("engine", "0"),
                ("num_gpu_blocks", &config.num_blocks.to_string()),
            ],
            1.0,
        );
    }
    page.finish()
}

fn gauges(page: &mut Exposition, telemetry: &Telemetry, state: State, scripted: bool) {
    let running = if scripted {
        telemetry.running.load(Relaxed)
    } else {
        state.running
    };
    page.gauge(
        "vllm:num_requests_running",
        "Number of requests in model execution batches.",
        running as f64,
    );
    page.gauge(
        "vllm:num_requests_waiting",
        "Number of requests waiting to be processed.",
        state.waiting as f64,
    );
    page.gauge(
        "vllm:kv_cache_usage_perc",
        "KV-cache usage. 1 means 100 percent usage.",
        state.kv_usage(),
    );
}

fn counters(page: &mut Exposition, telemetry: &Telemetry, state: State) {
    page.counter(
        "vllm:prefix_cache_queries",
        "Prefix cache queries, in terms of number of queried tokens.",
        state.prefix_queries,
    );
    page.counter(
        "vllm:prefix_cache_hits",
        "Prefix cache hits, in terms of number of cached tokens.",
        state.prefix_hits,
    );
    page.counter(
        "vllm:num_preemptions",
        "Cumulative number of preemption from the engine.",
        state.preemptions,
    );
    page.counter(
        "vllm:prompt_tokens",
        "Number of prefill tokens processed.",
        telemetry.prompt_tokens.load(Relaxed),
    );
    page.counter(
        "vllm:prompt_tokens_cached",
        "Number of cached prompt tokens (local + external).",
        state.cached_prompt_tokens,
    );
    page.counter(
        "vllm:generation_tokens",
        "Number of generation tokens processed.",
        telemetry.generation_tokens.load(Relaxed),
    );
    let length = telemetry.finished.load(Relaxed);
    let abort = telemetry.aborted.load(Relaxed);
    page.counters(
        "vllm:request_success",
        "Count of successfully processed requests.",
        "finished_reason",
        [
            ("stop", 0),
            ("length", length),
            ("abort", abort),
            ("error", 0),
            ("repetition", 0),
        ]
        .map(|(reason, count)| (reason.to_owned(), count)),
    );
}

fn histograms(page: &mut Exposition, telemetry: &Telemetry) {
    for (name, help, histogram) in [
        (
            "request_prompt_tokens",
            "Number of prefill tokens processed.",
            &telemetry.request_prompt_tokens,
        ),
        (
            "request_generation_tokens",
            "Number of generation tokens processed.",
            &telemetry.request_generation_tokens,
        ),
        (
            "iteration_tokens_total",
            "Histogram of number of tokens per engine_step.",
            &telemetry.step_tokens,
        ),
        (
            "request_max_num_generation_tokens",
            "Histogram of maximum number of requested generation tokens.",
            &telemetry.request_max_tokens,
        ),
        (
            "request_params_n",
            "Histogram of the n request parameter.",
            &telemetry.request_n,
        ),
        (
            "request_params_max_tokens",
            "Histogram of the max_tokens request parameter.",
            &telemetry.request_max_tokens,
        ),
        (
            "time_to_first_token_seconds",
            "Histogram of time to first token in seconds.",
            &telemetry.ttft,
        ),
        (
            "inter_token_latency_seconds",
            "Histogram of inter-token latency in seconds.",
            &telemetry.itl,
        ),
        (
            "request_time_per_output_token_seconds",
            "Histogram of time_per_output_token_seconds per request.",
            &telemetry.tpot,
        ),
        (
            "e2e_request_latency_seconds",
            "Histogram of e2e request latency in seconds.",
            &telemetry.e2el,
        ),
        (
            "request_queue_time_seconds",
            "Histogram of time spent in WAITING phase for request.",
            &telemetry.queue,
        ),
        (
            "request_inference_time_seconds",
            "Histogram of time spent in RUNNING phase for request.",
            &telemetry.inference,
        ),
        (
            "request_prefill_time_seconds",
            "Histogram of time spent in PREFILL phase for request.",
            &telemetry.prefill,
        ),
        (
            "request_decode_time_seconds",
            "Histogram of time spent in DECODE phase for request.",
            &telemetry.decode,
        ),
        (
            "request_num_preemptions",
            "Histogram of the number of times a request was preempted.",
            &telemetry.request_preemptions,
        ),
        (
            "request_prefill_kv_computed_tokens",
            "Histogram of new KV tokens computed during prefill (excluding cached tokens).",
            &telemetry.request_computed_tokens,
        ),
    ] {
        page.histogram(&format!("vllm:{name}"), help, histogram);
    }
}

fn speculation(page: &mut Exposition, telemetry: &Telemetry) {
    page.counter(
        "vllm:spec_decode_num_drafts",
        "Number of spec decoding drafts.",
        telemetry.drafts.load(Relaxed),
    );
    page.counter(
        "vllm:spec_decode_num_draft_tokens",
        "Number of draft tokens.",
        telemetry.draft_tokens.load(Relaxed),
    );
    let accepted: Vec<u64> = telemetry.accepted.iter().map(|n| n.load(Relaxed)).collect();
    page.counter(
        "vllm:spec_decode_num_accepted_tokens",
        "Number of accepted tokens.",
        accepted.iter().sum(),
    );
    page.counters(
        "vllm:spec_decode_num_accepted_tokens_per_pos",
        "Accepted tokens per draft position.",
        "position",
        accepted
            .into_iter()
            .enumerate()
            .map(|(position, count)| (position.to_string(), count)),
    );
}
