//! Readings of a page, and the counts between two of them.

use super::{
    names::{ENGINES, Engine, Key},
    text::samples,
};
use crate::{
    clock::Nanos,
    run::{Diffusion, GaugeSample, PrefixCache, ServerCounts, ServerTtft, SpecDecode},
};
use std::collections::BTreeMap;

/// Start time of the server's process, which Prometheus' clients add to the engine's numbers.
const STARTED: &str = "process_start_time_seconds";

/// Resident memory of the server's process, which they add, too.
const MEMORY: &str = "process_resident_memory_bytes";

/// Maximum number of places in a draft.
const PLACES: u32 = 256;

/// Contents of a page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    /// `None` if the page has nothing but the memory of its process.
    engine: Option<&'static str>,
    values: [Option<f64>; Key::COUNT],
    accepted_at: BTreeMap<u32, f64>,
    started: Option<f64>,
    /// Maximum error of its counters, because the server writes few digits.
    rounding: f64,
}

/// Counts between two readings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Between {
    Counted(ServerCounts, Option<ServerTtft>),
    /// The server restarted.
    Restarted,
}

impl Reading {
    /// Parses a page; `None` if it has neither series of a known engine nor its process's memory.
    pub(crate) fn of(page: &str) -> Option<Self> {
        let known = |engine: &&Engine| samples(page).any(|s| engine.keys(s.name).next().is_some());
        let engine = ENGINES.iter().find(known);
        let mut reading = Reading {
            engine: engine.map(|engine| engine.name),
            values: [None; Key::COUNT],
            accepted_at: BTreeMap::new(),
            started: None,
            rounding: 0.0,
        };
        let mut roundings = [0.0; Key::COUNT];
        for sample in samples(page).filter(|sample| sample.value.is_finite()) {
            for (engine, key) in engine
                .iter()
                .flat_map(|e| e.keys(sample.name).map(move |key| (e, key)))
            {
                reading.note(key, sample.value);
                if key.counts() {
                    roundings[key as usize] += engine.rounding(sample.value);
                }
                if key == Key::AcceptedAt
                    && let Some(place) = sample.label("position").and_then(|p| p.parse().ok())
                    && place < PLACES
                {
                    *reading.accepted_at.entry(place).or_default() += sample.value;
                }
            }
            match sample.name {
                STARTED => reading.started = Some(sample.value),
                MEMORY => reading.note(Key::Memory, sample.value),
                _ => {}
            }
        }
        reading.rounding = roundings.into_iter().fold(0.0, f64::max);
        let of_use = reading.engine.is_some() || reading.value(Key::Memory).is_some();
        of_use.then_some(reading)
    }

    /// Engine whose names the page uses.
    pub(crate) fn engine(&self) -> Option<&'static str> {
        self.engine
    }

    fn note(&mut self, key: Key, value: f64) {
        let noted = &mut self.values[key as usize];
        let before = noted.unwrap_or(0.0);
        *noted = Some(match key {
            Key::KvUsage => before.max(value),
            _ => before + value,
        });
    }

    fn value(&self, key: Key) -> Option<f64> {
        self.values[key as usize]
    }

    /// Counts since an earlier reading. A series that appears later counts from 0.
    pub(crate) fn since(&self, earlier: &Reading) -> Between {
        let moved = self
            .started
            .zip(earlier.started)
            .is_some_and(|(now, before)| now != before);
        if moved || self.engine != earlier.engine || self.went_down(earlier) {
            return Between::Restarted;
        }
        let grown = |key: Key| {
            let before = earlier.value(key).unwrap_or(0.0);
            Some((self.value(key)? - before).round() as u64)
        };
        let counts = ServerCounts {
            prompt_tokens: grown(Key::PromptTokens),
            cached_prompt_tokens: grown(Key::CachedPromptTokens),
            generation_tokens: grown(Key::GenerationTokens),
            preemptions: grown(Key::Preemptions),
            prefix_cache: grown(Key::CacheQueries)
                .zip(grown(Key::CacheHits))
                .map(|(queries, hits)| PrefixCache { queries, hits }),
            spec_decode: grown(Key::DraftTokens).map(|draft_tokens| SpecDecode {
                drafts: grown(Key::Drafts).unwrap_or(0),
                draft_tokens,
                accepted_tokens: grown(Key::AcceptedTokens).unwrap_or(0),
                accepted_at: self.accepted_since(earlier),
            }),
            diffusion: grown(Key::DenoisingSteps).map(|steps| Diffusion {
                steps,
                canvas_positions: grown(Key::CanvasPositions).unwrap_or(0),
                committed_tokens: grown(Key::CommittedTokens).unwrap_or(0),
            }),
            // One half before, one half after.
            off_by: self.rounding as u64,
        };
        Between::Counted(counts, self.ttft_since(earlier))
    }

    fn went_down(&self, earlier: &Reading) -> bool {
        let counters = ENGINES.iter().flat_map(|engine| engine.series);
        let mut counters = counters.map(|(_, key)| *key).filter(|key| key.counts());
        counters.any(|key| match (self.value(key), earlier.value(key)) {
            (Some(now), Some(before)) => now < before,
            (now, before) => now.is_none() && before.is_some(),
        })
    }

    /// Accepted tokens by place, from the first on; vLLM counts places from 0 without gaps.
    fn accepted_since(&self, earlier: &Reading) -> Vec<u64> {
        let grown = |(place, now): (&u32, &f64)| {
            let before = earlier.accepted_at.get(place).copied().unwrap_or(0.0);
            (now - before).max(0.0).round() as u64
        };
        self.accepted_at.iter().map(grown).collect()
    }

    fn ttft_since(&self, earlier: &Reading) -> Option<ServerTtft> {
        let grown = |key| Some(self.value(key)? - earlier.value(key).unwrap_or(0.0));
        let (count, seconds) = (grown(Key::TtftCount)?, grown(Key::TtftSum)?);
        (count > 0.0).then(|| ServerTtft {
            count: count as u64,
            mean_ms: seconds / count * 1e3,
        })
    }

    /// Sample of the run that began with the earlier reading.
    pub(crate) fn sample(&self, at: Nanos, earlier: &Reading) -> GaugeSample {
        let grown = |key| {
            let before = earlier.value(key).unwrap_or(0.0);
            // After a restart the counter starts from 0 again.
            Some((self.value(key)? - before).max(0.0).round() as u64)
        };
        GaugeSample {
            at,
            running: self.value(Key::Running),
            waiting: self.value(Key::Waiting),
            kv_usage: self.value(Key::KvUsage),
            preemptions: grown(Key::Preemptions),
            cached_prompt_tokens: grown(Key::CachedPromptTokens),
            generation_tokens: grown(Key::GenerationTokens),
            memory_bytes: self.value(Key::Memory),
        }
    }
}

impl Engine {
    fn keys(&self, name: &str) -> impl Iterator<Item = Key> {
        let series = self.series.iter().filter(move |(other, _)| *other == name);
        series.map(|(_, key)| *key)
    }

    /// Value of the last digit that the server writes of a whole number, if it is more than one.
    fn rounding(&self, value: f64) -> f64 {
        let unit = |digits| {
            libm::pow(
                10.0,
                libm::floor(libm::log10(value)) + 1.0 - f64::from(digits),
            )
        };
        self.digits
            .map(unit)
            .filter(|unit| *unit > 1.0)
            .unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const VLLM: &str = include_str!("../../fixtures/captures/vllm-metrics.body");
    const LLAMA: &str = include_str!("../../fixtures/captures/llama-metrics.body");
    const LLAMA_DRAFTS: &str = include_str!("../../fixtures/captures/llama-metrics-drafts.body");
    const LLAMA_LARGE: [&str; 2] = [
        include_str!("../../fixtures/captures/llama-metrics-large-before.body"),
        include_str!("../../fixtures/captures/llama-metrics-large-after.body"),
    ];

    fn json(value: &impl serde::Serialize) -> String {
        serde_json::to_string(value).unwrap()
    }

    /// What was counted since a server's start, from one page.
    fn counted(page: &str) -> (ServerCounts, Option<ServerTtft>) {
        let reading = Reading::of(page).unwrap();
        let nothing = Reading {
            values: [None; Key::COUNT],
            accepted_at: BTreeMap::new(),
            ..reading.clone()
        };
        match reading.since(&nothing) {
            Between::Counted(counts, ttft) => (counts, ttft),
            Between::Restarted => panic!("restarted"),
        }
    }

    #[test]
    fn a_page_of_vllm() {
        let (counts, ttft) = counted(VLLM);
        insta::assert_snapshot!(json(&counts), @r#"{"prompt_tokens":257,"cached_prompt_tokens":0,"generation_tokens":149,"preemptions":0,"prefix_cache":{"queries":257,"hits":0}}"#);
        let ttft = ttft.unwrap();
        assert_eq!(ttft.count, 20);
        assert!(ttft.mean_ms > 1.0 && ttft.mean_ms < 1_000.0, "{ttft:?}");
    }

    #[test]
    fn a_page_of_llama_cpp() {
        let (counts, ttft) = counted(LLAMA);
        insta::assert_snapshot!(json(&counts), @r#"{"prompt_tokens":289,"cached_prompt_tokens":151,"generation_tokens":258,"spec_decode":{"drafts":0,"draft_tokens":0,"accepted_tokens":0}}"#);
        assert_eq!(ttft, None);
    }

    #[test]
    fn drafts_of_llama_cpp_are_told_by_their_places() {
        let (counts, _) = counted(LLAMA_DRAFTS);
        insta::assert_snapshot!(json(&counts), @r#"{"prompt_tokens":396,"cached_prompt_tokens":0,"generation_tokens":192,"spec_decode":{"drafts":93,"draft_tokens":261,"accepted_tokens":82,"accepted_at":[36,25,21]}}"#);
        // Before the first draft a page has no places.
        let before = Reading::of(&LLAMA_DRAFTS.replace("_per_pos_", "_not_yet_")).unwrap();
        let Between::Counted(counts, _) = Reading::of(LLAMA_DRAFTS).unwrap().since(&before) else {
            panic!("restarted")
        };
        assert_eq!(counts.spec_decode.unwrap().accepted_at, [36, 25, 21]);
    }

    /// By usage the ten requests between these two pages had 288 tokens, 242 of them cached.
    #[test]
    fn llama_cpp_writes_six_digits() {
        let [before, after] = LLAMA_LARGE.map(|page| Reading::of(page).unwrap());
        let Between::Counted(counts, _) = after.since(&before) else {
            panic!("restarted")
        };
        insta::assert_snapshot!(json(&counts), @r#"{"prompt_tokens":296,"cached_prompt_tokens":250,"generation_tokens":80,"spec_decode":{"drafts":0,"draft_tokens":0,"accepted_tokens":0},"off_by":10}"#);
    }

    #[rstest]
    #[case(0.0, 0.0)]
    #[case(999_999.0, 0.0)]
    #[case(1e6, 10.0)]
    #[case(9.99999e6, 10.0)]
    #[case(1.06172e8, 1_000.0)]
    fn six_digits_of_a_number(#[case] value: f64, #[case] off: f64) {
        let engine = |name| ENGINES.iter().find(|engine| engine.name == name).unwrap();
        assert_eq!(engine("llama.cpp").rounding(value), off);
        assert_eq!(engine("vLLM").rounding(value), 0.0);
    }

    #[test]
    fn a_page_of_sglang() {
        let page = r#"
sglang:prompt_tokens_total{is_streaming="false",model_name="m"} 10
sglang:prompt_tokens_total{is_streaming="true",model_name="m"} 8.128902e+06
sglang:generation_tokens_total{model_name="m"} 30
sglang:cached_tokens_total{cache_source="device",model_name="m"} 40
sglang:cached_tokens_total{cache_source="host",model_name="m"} 2
sglang:num_retracted_requests_total{model_name="m"} 3
sglang:num_retracted_reqs{model_name="m"} 1
sglang:num_running_reqs{model_name="m"} 162
sglang:num_queue_reqs{model_name="m"} 2826
sglang:token_usage{model_name="m"} 0.28
sglang:time_to_first_token_seconds_sum{model_name="m"} 12.5
sglang:time_to_first_token_seconds_count{model_name="m"} 50
"#;
        let (counts, ttft) = counted(page);
        insta::assert_snapshot!(json(&counts), @r#"{"prompt_tokens":8128912,"cached_prompt_tokens":42,"generation_tokens":30,"preemptions":3}"#);
        assert_eq!(ttft.unwrap().mean_ms, 250.0);
        let reading = Reading::of(page).unwrap();
        let sample = reading.sample(Nanos(5), &reading);
        insta::assert_snapshot!(json(&sample), @r#"{"at":5,"running":162.0,"waiting":2826.0,"kv_usage":0.28,"preemptions":0,"cached_prompt_tokens":0,"generation_tokens":0}"#);
    }

    #[test]
    fn a_page_of_tgi() {
        let page = "tgi_queue_size 3\ntgi_batch_current_size 4\ntgi_request_input_length_sum 70\n\
                    tgi_request_input_length_count 7\ntgi_request_generated_tokens_sum 500\n";
        let (counts, _) = counted(page);
        insta::assert_snapshot!(json(&counts), @r#"{"prompt_tokens":70,"generation_tokens":500}"#);
    }

    #[rstest]
    #[case("")]
    #[case("data: {\"a\": 1}")]
    #[case("http_requests_total 5\nprocess_start_time_seconds 1")]
    #[case("<html>vllm:prompt_tokens_total</html>")]
    fn other_pages_say_nothing(#[case] page: &str) {
        assert_eq!(Reading::of(page), None);
    }

    fn vllm(lines: &str) -> Reading {
        Reading::of(&format!("vllm:prompt_tokens_total 1\n{lines}")).unwrap()
    }

    #[test]
    fn engines_are_added_up_and_the_fullest_memory_counts() {
        let reading = vllm(
            "vllm:num_requests_running{engine=\"0\"} 2\nvllm:num_requests_running{engine=\"1\"} 3\n\
             vllm:kv_cache_usage_perc{engine=\"0\"} 0.25\nvllm:kv_cache_usage_perc{engine=\"1\"} 0.5\n",
        );
        let sample = reading.sample(Nanos(0), &reading);
        assert_eq!((sample.running, sample.kv_usage), (Some(5.0), Some(0.5)));
    }

    #[rstest]
    #[case::a_counter_went_down("vllm:generation_tokens_total 9", "vllm:generation_tokens_total 8")]
    #[case::a_counter_is_gone("vllm:generation_tokens_total 9", "")]
    #[case::another_process("process_start_time_seconds 1", "process_start_time_seconds 2")]
    fn a_server_that_was_started_anew_has_counted_nothing(
        #[case] before: &str,
        #[case] after: &str,
    ) {
        assert_eq!(vllm(after).since(&vllm(before)), Between::Restarted);
    }

    #[rstest]
    #[case::gauges_may_fall("vllm:num_requests_running 9", "vllm:num_requests_running 0")]
    #[case::series_may_come("", "vllm:generation_tokens_total 8")]
    #[case::undefined_numbers_are_none("", "vllm:generation_tokens_total NaN")]
    fn what_no_restart_is(#[case] before: &str, #[case] after: &str) {
        assert_ne!(vllm(after).since(&vllm(before)), Between::Restarted);
    }

    #[test]
    fn places_of_drafts_are_in_order_whatever_the_pages() {
        let page = |first: u64| {
            vllm(&format!(
                "vllm:spec_decode_num_drafts_total 4\nvllm:spec_decode_num_draft_tokens_total {}\n\
                 vllm:spec_decode_num_accepted_tokens_total 3\n\
                 vllm:spec_decode_num_accepted_tokens_per_pos_total{{position=\"10\"}} 1\n\
                 vllm:spec_decode_num_accepted_tokens_per_pos_total{{position=\"2\",engine=\"0\"}} 2\n\
                 vllm:spec_decode_num_accepted_tokens_per_pos_total{{position=\"2\",engine=\"1\"}} 2\n\
                 vllm:spec_decode_num_accepted_tokens_per_pos_total{{position=\"1\"}} {first}\n",
                20 + first
            ))
        };
        let Between::Counted(counts, _) = page(12).since(&page(5)) else {
            panic!("restarted")
        };
        let drafts = counts.spec_decode.unwrap();
        assert_eq!(
            (drafts.draft_tokens, drafts.accepted_at),
            (7, vec![7, 0, 0])
        );
    }
}
