//! The dataset that the flags describe.

use super::{super::multi_turn::MultiTurnFlags, DatasetFlags, buckets};
use crate::{
    cli::argv::float,
    grammar::{
        dataset::{
            self, AgentFormat, Agents, Conversations, Custom, CustomAudio, CustomImage, Dataset,
            Hf, History, LongDocumentQa, PrefixRepetition, Random, RandomMm, RandomRerank, Repeat,
            Set, ShareGpt, Sonnet, SpecBench, SpeedBench, Structured, TimedTrace,
        },
        duration, sim,
    },
    problem::Problem,
};
use serde_json::{Map, Value};
use std::path::PathBuf;

impl DatasetFlags {
    /// The dataset, unless there are problems.
    pub(in crate::cli::serve::flags) fn read(
        &self,
        multi_turn: &MultiTurnFlags,
        problems: &mut Vec<Problem>,
    ) -> Option<Dataset> {
        // Clap takes no other name.
        let mut dataset = dataset::named(&self.dataset_name)?;
        if let Some(classes) = &self.mix
            && !matches!(dataset, Dataset::Mix(_))
        {
            let fix = "goes with --dataset-name mix. Leave one of them out";
            problems.push(Problem::new("--mix", classes, fix));
            return None;
        }
        if matches!(dataset, Dataset::Mix(_)) {
            return self.mix(problems);
        }
        let trace = &self.trace;
        let replays = matches!(dataset, Dataset::TimedTrace(_) | Dataset::Agents(_));
        if (trace.self_timed || trace.no_self_timed) && !replays {
            problems.push(Problem::new(
                "--self-timed",
                "(set)",
                "has no meaning for this dataset. Add --dataset-name timed_trace or agents",
            ));
        }
        let input = multi_turn.input_file.as_ref();
        if input.is_some() && !matches!(dataset, Dataset::Conversations(_)) {
            problems.push(Problem::new(
                "--dataset-name",
                &self.dataset_name,
                "does not go with --input-file, which names conversations. Leave one of them out",
            ));
            return None;
        }
        if input.is_some() && self.hub.no_stream {
            problems.push(Problem::new(
                "--no-stream",
                "(set)",
                "is for datasets of the hub, as in vllm bench serve. For answers in one piece, write --disable-stream",
            ));
        }
        let structured = matches!(dataset, Dataset::Structured(_));
        match (dataset.path_mut(), self.dataset_path.as_ref().or(input)) {
            (Some(path), Some(given)) => path.clone_from(given),
            (Some(_), None) => {
                problems.push(Problem::new(
                    "--dataset-path",
                    "(missing)",
                    "names no file with prompts. Add --dataset-path FILE",
                ));
                return None;
            }
            // Rows of one of its sets.
            (None, Some(_)) if structured => {}
            (None, Some(given)) => problems.push(Problem::new(
                "--dataset-path",
                given.display(),
                "has no meaning for a synthetic dataset. Add --dataset-name, such as custom or \
                 sharegpt",
            )),
            (None, None) => {}
        }
        self.with_flags(dataset, multi_turn, problems)
    }

    fn mix(&self, problems: &mut Vec<Problem>) -> Option<Dataset> {
        let Some(classes) = &self.mix else {
            let fix =
                "has no classes. Add --mix 'chat(random, weight = 3), batch(random, priority = 5)'";
            problems.push(Problem::new("--dataset-name", "mix", fix));
            return None;
        };
        match dataset::parse(&format!("mix({classes})")) {
            Ok(dataset) => Some(dataset),
            Err(mistakes) => {
                let said = mistakes
                    .into_iter()
                    .map(|mistake| Problem::new("--mix", classes, mistake.0));
                problems.extend(said);
                None
            }
        }
    }

    /// The order of the requests of long_document_qa; `None` for another dataset.
    pub(in crate::cli::serve::flags) fn repeat_mode(&self) -> Option<&str> {
        let documents = dataset::named(&self.dataset_name);
        matches!(documents, Some(Dataset::LongDocumentQa(_)))
            .then_some(self.documents.repeat_mode.as_str())
    }

    fn structured(&self, problems: &mut Vec<Problem>) -> Option<Dataset> {
        let set = Structured {
            set: Set::parse(&self.structured.structured_set).ok()?,
            schema: self.structured.json_schema_path.clone(),
            rows: self.dataset_path.clone(),
            output: self.output_len.unwrap_or(Structured::default().output),
        };
        let field = "--structured-set";
        let mistakes = set.mistakes().into_iter();
        let before = problems.len();
        problems.extend(mistakes.map(|mistake| Problem::new(field, set.set.name(), mistake.0)));
        (problems.len() == before).then_some(Dataset::Structured(set))
    }

    /// The set of structured; `None` for another dataset.
    pub(in crate::cli::serve::flags) fn structured_set(&self) -> Option<&str> {
        let dataset = dataset::named(&self.dataset_name);
        matches!(dataset, Some(Dataset::Structured(_)))
            .then_some(self.structured.structured_set.as_str())
    }

    fn zipf(&self, problems: &mut Vec<Problem>) -> Option<f64> {
        let zipf = self.random.prefix_repetition_zipf;
        if (0.0..=10.0).contains(&zipf) {
            return Some(zipf);
        }
        let fix = "must be a number from 0 to 10, such as 1.1";
        problems.push(Problem::new("--prefix-repetition-zipf", zipf, fix));
        None
    }

    fn documents(&self, problems: &mut Vec<Problem>) -> Option<Dataset> {
        let flags = &self.documents;
        let least = [
            ("--num-documents", flags.num_documents),
            ("--document-length", flags.document_length),
            ("--repeat-count", flags.repeat_count),
        ];
        let zeros = least.into_iter().filter(|(_, number)| *number == 0);
        problems.extend(zeros.map(|(flag, _)| Problem::new(flag, 0, "must be at least 1")));
        match Repeat::parse(&flags.repeat_mode) {
            Ok(mode) => Some(Dataset::LongDocumentQa(LongDocumentQa {
                documents: flags.num_documents.max(1),
                length: flags.document_length.max(1),
                repeat: flags.repeat_count.max(1),
                output: self.output_len.unwrap_or(LongDocumentQa::default().output),
                mode,
                warmup: !flags.no_document_warmup,
            })),
            Err(mistake) => {
                let field = "--repeat-mode";
                problems.push(Problem::new(field, &flags.repeat_mode, mistake.0));
                None
            }
        }
    }

    /// The dataset with the settings that vLLM's flags have for it. One that vLLM does not know has its defaults.
    fn with_flags(
        &self,
        dataset: Dataset,
        multi_turn: &MultiTurnFlags,
        problems: &mut Vec<Problem>,
    ) -> Option<Dataset> {
        let (keep_order, no_oversample) = (self.disable_shuffle, self.no_oversample);
        let (random, text) = (&self.random, &self.text);
        let input = self.input_len.unwrap_or(random.random_input_len);
        let output = self.output_len.unwrap_or(random.random_output_len);
        Some(match dataset {
            Dataset::Random(_) => {
                let (input_range_ratio, output_range_ratio) = self.range_ratios(problems)?;
                Dataset::Random(Random {
                    input,
                    output,
                    input_range_ratio,
                    output_range_ratio,
                    prefix: random.random_prefix_len,
                    token_ids: random.prompt_token_ids,
                    batch: random.random_batch_size.max(1),
                    image_url: random.image_url.clone(),
                })
            }
            Dataset::RandomMm(_) => self.random_mm(input, output, problems)?,
            Dataset::RandomRerank(_) => Dataset::RandomRerank(RandomRerank {
                input,
                range_ratio: self.range_ratios(problems)?.0,
                batch: random.random_batch_size.max(1),
                no_reranker: random.no_reranker,
            }),
            Dataset::PrefixRepetition(_) => {
                self.range_ratios(problems)?;
                Dataset::PrefixRepetition(PrefixRepetition {
                    prefix: random.prefix_repetition_prefix_len,
                    suffix: random.prefix_repetition_suffix_len,
                    prefixes: random.prefix_repetition_num_prefixes.max(1),
                    output: self
                        .output_len
                        .unwrap_or(random.prefix_repetition_output_len),
                    zipf: self.zipf(problems)?,
                    keep_order,
                })
            }
            Dataset::LongDocumentQa(_) => self.documents(problems)?,
            Dataset::Structured(_) => self.structured(problems)?,
            Dataset::ShareGpt(set) => Dataset::ShareGpt(ShareGpt {
                output: self.output_len.or(self.sharegpt_output_len),
                keep_order,
                no_oversample,
                ..set
            }),
            Dataset::Conversations(set) => self.conversations(set.path, multi_turn, problems)?,
            Dataset::Agents(set) => self.agents(set.path, problems)?,
            Dataset::Sonnet(set) => Dataset::Sonnet(Sonnet {
                input: self.input_len.unwrap_or(text.sonnet_input_len),
                output: self.output_len.unwrap_or(text.sonnet_output_len),
                prefix: text.sonnet_prefix_len,
                ..set
            }),
            Dataset::Custom(set) => Dataset::Custom(Custom {
                output: self.custom_output(problems)?,
                keep_order,
                no_oversample,
                ..set
            }),
            Dataset::CustomImage(set) => Dataset::CustomImage(CustomImage {
                output: self.custom_output(problems)?,
                keep_order,
                no_oversample,
                ..set
            }),
            Dataset::CustomAudio(set) => Dataset::CustomAudio(CustomAudio {
                output: self.custom_output(problems)?,
                keep_order,
                no_oversample,
                ..set
            }),
            Dataset::SpecBench(set) => Dataset::SpecBench(SpecBench {
                output: self.output_len.unwrap_or(text.spec_bench_output_len),
                category: text.spec_bench_category.clone(),
                keep_order,
                no_oversample,
                ..set
            }),
            Dataset::SpeedBench(set) => Dataset::SpeedBench(SpeedBench {
                subset: text.speed_bench_dataset_subset.clone(),
                output: text.speed_bench_output_len,
                category: text.speed_bench_category.clone(),
                keep_order,
                no_oversample,
                ..set
            }),
            Dataset::TimedTrace(set) => self.timed_trace(set.path, problems)?,
            Dataset::Hf(set) => self.hf(set.path),
            set => set,
        })
    }

    fn random_mm(
        &self,
        input: usize,
        output: usize,
        problems: &mut Vec<Problem>,
    ) -> Option<Dataset> {
        let random = &self.random;
        let (input_range_ratio, output_range_ratio) = self.range_ratios(problems)?;
        let buckets = buckets::read(&random.random_mm_bucket_config);
        let buckets = buckets.map_err(|why| {
            let given = &random.random_mm_bucket_config;
            problems.push(Problem::new("--random-mm-bucket-config", given, why));
        });
        let (max_images, max_videos) = self.limits(problems)?;
        Some(Dataset::RandomMm(RandomMm {
            input,
            output,
            input_range_ratio,
            output_range_ratio,
            prefix: random.random_prefix_len,
            items: random.random_mm_base_items_per_request,
            items_range_ratio: random.random_mm_num_mm_items_range_ratio,
            max_images,
            max_videos,
            buckets: buckets.ok()?,
        }))
    }

    /// `Some(None)` takes each row's own.
    fn custom_output(&self, problems: &mut Vec<Problem>) -> Option<Option<usize>> {
        match (self.output_len, usize::try_from(self.custom_output_len)) {
            (Some(length), _) | (None, Ok(length)) if length > 0 => Some(Some(length)),
            (None, Err(_)) if self.custom_output_len == -1 => Some(None),
            _ => {
                problems.push(Problem::new(
                    "--custom-output-len",
                    self.custom_output_len,
                    "must be at least 1, or -1 for each row's output_tokens",
                ));
                None
            }
        }
    }

    fn conversations(
        &self,
        path: PathBuf,
        multi_turn: &MultiTurnFlags,
        problems: &mut Vec<Problem>,
    ) -> Option<Dataset> {
        let flags = &self.conversations;
        let before = problems.len();
        let think = sim::parse_distribution(&flags.think_time);
        let think = think.map_err(|mistake| {
            problems.push(Problem::new("--think-time", &flags.think_time, mistake.0));
        });
        if flags.max_turns == Some(0) {
            let fix = "must be at least 1; each answer counts, too";
            problems.push(Problem::new("--max-turns", 0, fix));
        }
        if flags.max_active_conversations == Some(0) {
            let fix = "must be at least 1";
            problems.push(Problem::new("--max-active-conversations", 0, fix));
        }
        (problems.len() == before).then_some(())?;
        Some(Dataset::Conversations(Conversations {
            path,
            history: match flags.conversation_history.as_str() {
                "file" => History::File,
                _ => History::Server,
            },
            think: think.ok()?,
            active: flags.max_active_conversations,
            turns: flags.max_turns.map(|messages| messages.div_ceil(2)),
            output: multi_turn.output().or(self.output_len),
            keep_order: self.disable_shuffle || multi_turn.input_file.is_some(),
        }))
    }

    fn agents(&self, path: PathBuf, problems: &mut Vec<Problem>) -> Option<Dataset> {
        let flags = &self.agents;
        let before = problems.len();
        let scale = flags.agents_time_scale;
        if !(scale > 0.0 && scale.is_finite()) {
            let fix = "must be above 0, such as 0.5 for twice as fast";
            problems.push(Problem::new("--agents-time-scale", scale, fix));
        }
        for (flag, value) in [
            ("--agents-block-size", flags.agents_block_size),
            (
                "--max-active-conversations",
                self.conversations.max_active_conversations,
            ),
        ] {
            if value == Some(0) {
                problems.push(Problem::new(flag, 0, "must be at least 1"));
            }
        }
        let max_pause = flags.agents_max_pause.as_deref();
        let max_pause = max_pause.and_then(|text| match duration::parse(text) {
            Ok(span) => Some(span),
            Err(mistake) => {
                problems.push(Problem::new("--agents-max-pause", text, mistake.0));
                None
            }
        });
        (problems.len() == before).then_some(())?;
        Some(Dataset::Agents(Agents {
            path,
            // Clap takes no other name.
            format: flags.agents_format.as_deref().and_then(AgentFormat::named),
            block_size: flags.agents_block_size,
            output: self.output_len,
            active: self.conversations.max_active_conversations,
            time_scale: scale,
            max_pause,
            orphans: flags.agents_orphans,
            self_timed: !self.trace.no_self_timed,
        }))
    }

    fn timed_trace(&self, path: PathBuf, problems: &mut Vec<Problem>) -> Option<Dataset> {
        let trace = &self.trace;
        let multiplier = trace.timed_trace_sec_multiplier;
        if !(multiplier > 0.0 && multiplier.is_finite()) {
            let fix = "must be above 0, such as 0.001 for milliseconds";
            problems.push(Problem::new(
                "--timed-trace-sec-multiplier",
                multiplier,
                fix,
            ));
            return None;
        }
        Some(Dataset::TimedTrace(TimedTrace {
            path,
            chunk_hash_size: trace.timed_trace_chunk_hash_size.max(1),
            sec_multiplier: multiplier,
            label_timestamp: trace.timed_trace_label_timestamp.clone(),
            label_input_length: trace.timed_trace_label_input_length.clone(),
            label_output_length: trace.timed_trace_label_output_length.clone(),
            label_hash_ids: trace.timed_trace_label_hash_ids.clone(),
            self_timed: !trace.no_self_timed,
        }))
    }

    fn hf(&self, path: PathBuf) -> Dataset {
        let hub = &self.hub;
        Dataset::Hf(Hf {
            path,
            name: hub.hf_name.clone(),
            subset: hub.hf_subset.clone(),
            split: hub.hf_split.clone(),
            output: self.output_len.or(hub.hf_output_len),
            no_stream: hub.no_stream,
            keep_order: self.disable_shuffle,
            no_oversample: self.no_oversample,
            min_distance: hub.blazedit_min_distance,
            max_distance: hub.blazedit_max_distance,
            min_audio: hub.asr_min_audio_len_sec,
            max_audio: Some(hub.asr_max_audio_len_sec).filter(|most| most.is_finite()),
            categories: hub.bfcl_categories.clone(),
        })
    }

    /// Pictures and videos at most; a kind that is not named has none.
    fn limits(&self, problems: &mut Vec<Problem>) -> Option<(usize, usize)> {
        let text = &self.random.random_mm_limit_mm_per_prompt;
        let limits: Option<Map<String, Value>> = serde_json::from_str(text).ok();
        let known = |limits: &Map<String, Value>| {
            limits
                .iter()
                .all(|(kind, most)| matches!(kind.as_str(), "image" | "video") && most.is_u64())
        };
        let Some(limits) = limits.filter(known) else {
            let fix = r#"must be like {"image": 3, "video": 0}"#;
            problems.push(Problem::new("--random-mm-limit-mm-per-prompt", text, fix));
            return None;
        };
        let most = |kind: &str| limits.get(kind).and_then(Value::as_u64).unwrap_or_default();
        Some((most("image") as usize, most("video") as usize))
    }

    /// A number for both, or a JSON object with one each.
    fn range_ratios(&self, problems: &mut Vec<Problem>) -> Option<(f64, f64)> {
        let text = self.random.random_range_ratio.as_str();
        // As there: a number, or else JSON.
        let (input, output) = match (float(text), serde_json::from_str::<Value>(text)) {
            (Some(ratio), _) => (Some(ratio), Some(ratio)),
            (None, Ok(Value::Object(ratios))) => {
                let ratio = |key| ratios.get(key).and_then(Value::as_f64);
                (ratio("input"), ratio("output"))
            }
            _ => (None, None),
        };
        let valid = |ratio: &f64| (0.0..1.0).contains(ratio);
        match (input.filter(valid), output.filter(valid)) {
            (Some(input), Some(output)) => Some((input, output)),
            _ => {
                problems.push(Problem::new(
                    "--random-range-ratio",
                    text,
                    "must be a number in [0, 1), or {\"input\": 0.1, \"output\": 0.2}",
                ));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use rstest::rstest;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        dataset: DatasetFlags,
        #[command(flatten)]
        multi_turn: MultiTurnFlags,
    }

    fn read(flags: &str) -> (Option<Dataset>, Vec<Problem>) {
        let flags = shell_words::split(flags).unwrap();
        let flags = std::iter::once("serve".to_owned()).chain(flags);
        let mut problems = Vec::new();
        let command = Command::parse_from(flags);
        let dataset = command.dataset.read(&command.multi_turn, &mut problems);
        (dataset, problems)
    }

    #[rstest]
    #[case("", "random(input = 1024, output = 128)")]
    #[case(
        "--random-batch-size 3 --input-len 9 --output-len 2",
        "random(input = 9, output = 2, batch = 3)"
    )]
    #[case(
        "--random-range-ratio ' .2_5 '",
        "random(input = 1024, output = 128, range_ratio = 0.25)"
    )]
    #[case(
        "--image-url http://h/a.png",
        "random(input = 1024, output = 128, image_url = 'http://h/a.png')"
    )]
    #[case("--dataset-name random-mm", "random-mm(input = 1024, output = 128)")]
    #[case(
        "--dataset-name random-mm --random-mm-base-items-per-request 2 \
         --random-mm-num-mm-items-range-ratio 0.5 --random-mm-limit-mm-per-prompt '{\"image\": 3}' \
         --random-mm-bucket-config '{(8, 16, 1): 1.0}'",
        "random-mm(input = 1024, output = 128, items = 2, items_range_ratio = 0.5, max_images = 3, max_videos = 0, \
         buckets = '8x16 = 1')"
    )]
    #[case(
        "--dataset-name random-rerank --no-reranker --random-batch-size 4",
        "random-rerank(input = 1024, batch = 4, no_reranker)"
    )]
    #[case(
        "--dataset-name prefix_repetition --prefix-repetition-num-prefixes 2 \
         --prefix-repetition-prefix-len 3 --prefix-repetition-suffix-len 4 \
         --prefix-repetition-output-len 5",
        "prefix_repetition(prefix = 3, suffix = 4, prefixes = 2, output = 5)"
    )]
    #[case(
        "--dataset-name sonnet --dataset-path s --sonnet-prefix-len 7",
        "sonnet(s, prefix = 7)"
    )]
    #[case("--dataset-name agents --dataset-path a", "agents(a)")]
    #[case(
        "--dataset-name agents --dataset-path a --agents-format otel --agents-block-size 32 --agents-time-scale 0.5 \
         --agents-max-pause 15s --agents-orphans --max-active-conversations 3 --output-len 7 --no-self-timed",
        "agents(a, format = otel, block_size = 32, output = 7, active = 3, time_scale = 0.5, max_pause = 15s, orphans, \
         self_timed = false)"
    )]
    #[case("--dataset-name burstgpt --dataset-path b", "burstgpt(b)")]
    #[case(
        "--dataset-name conversations --dataset-path c --conversation-history file --think-time 2s \
         --max-active-conversations 4 --max-turns 6 --output-len 9 --disable-shuffle",
        "conversations(c, history = file, think = 2s, active = 4, turns = 3, output = 9, keep_order)"
    )]
    #[case("--dataset-name conversations --dataset-path c", "conversations(c)")]
    #[case("--input-file c", "conversations(c, keep_order)")]
    #[case(
        "-i c -k 4 --max-turns 3 --limit-min-tokens 5 --limit-max-tokens 9",
        "conversations(c, active = 4, turns = 2, output = 9, keep_order)"
    )]
    #[case(
        "--dataset-name custom_image --dataset-path q --custom-output-len -1 --disable-shuffle",
        "custom_image(q, output = row, keep_order)"
    )]
    #[case("--dataset-name custom_audio --dataset-path q", "custom_audio(q)")]
    #[case(
        "--dataset-name spec_bench --dataset-path q --spec-bench-category math --output-len 3",
        "spec_bench(q, output = 3, category = math)"
    )]
    #[case(
        "--dataset-name speed_bench --dataset-path q --speed-bench-dataset-subset throughput_1k \
         --output-len 3",
        "speed_bench(q, subset = throughput_1k)"
    )]
    #[case(
        "--dataset-name timed_trace --dataset-path t --timed-trace-sec-multiplier 0.001 \
         --timed-trace-chunk-hash-size 512 --timed-trace-label-timestamp at --no-self-timed",
        "timed_trace(t, sec_multiplier = 0.001, chunk_hash_size = 512, label_timestamp = at, \
         self_timed = false)"
    )]
    #[case(
        "--dataset-name hf --dataset-path d --hf-name a/b --hf-split s --hf-subset u \
         --hf-output-len 5 --no-stream --no-oversample --blazedit-min-distance 0.1 \
         --blazedit-max-distance 0.9 --asr-min-audio-len-sec 1 --asr-max-audio-len-sec 30 \
         --bfcl-categories simple",
        "hf(d, name = a/b, split = s, subset = u, output = 5, no_stream, no_oversample, \
         min_distance = 0.1, max_distance = 0.9, min_audio = 1, max_audio = 30, \
         categories = simple)"
    )]
    fn flags_and_attribute_say_the_same(#[case] flags: &str, #[case] attribute: &str) {
        let (dataset, problems) = read(flags);
        assert!(problems.is_empty(), "{problems:?}");
        let expected = crate::grammar::dataset::parse(attribute).unwrap();
        assert_eq!(dataset, Some(expected));
    }

    #[rstest]
    #[case("--dataset-name hf", "--dataset-path")]
    #[case("--dataset-name random-mm --dataset-path x", "--dataset-path")]
    #[case("--self-timed", "--self-timed")]
    #[case("-i x --no-stream", "--no-stream")]
    #[case("-i x --dataset-name random", "--dataset-name")]
    #[case(
        "--dataset-name conversations --dataset-path x --think-time soon",
        "--think-time"
    )]
    #[case(
        "--dataset-name conversations --dataset-path x --max-turns 0",
        "--max-turns"
    )]
    #[case(
        "--dataset-name conversations --dataset-path x --max-active-conversations 0",
        "--max-active-conversations"
    )]
    #[case(
        "--dataset-name random-mm --random-mm-bucket-config x",
        "--random-mm-bucket-config"
    )]
    #[case(
        "--dataset-name random-mm --random-mm-limit-mm-per-prompt '{\"sound\": 1}'",
        "--random-mm-limit-mm-per-prompt"
    )]
    #[case(
        "--dataset-name timed_trace --dataset-path x --timed-trace-sec-multiplier 0",
        "--timed-trace-sec-multiplier"
    )]
    #[case(
        "--dataset-name custom_image --dataset-path x --custom-output-len 0",
        "--custom-output-len"
    )]
    fn problems_name_their_flag(#[case] flags: &str, #[case] flag: &str) {
        let (_, problems) = read(flags);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(format!("{:?}", problems[0]).contains(flag), "{problems:?}");
    }
}
