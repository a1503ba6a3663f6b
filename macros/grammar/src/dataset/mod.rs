//! Datasets, where prompts come from: `random(input = 256, output = 64)`, `custom("prompts.jsonl")`, `sharegpt("file.json")`.

mod agents;
mod buckets;
mod lacks;
mod mix;
mod recorded;
mod settings;
mod size;
mod structured;
mod synthetic;

pub use agents::{AgentFormat, Agents};
pub use buckets::{Bucket, Buckets};
pub use mix::{Class, Mix};
pub use recorded::*;
pub use size::fits;
pub use structured::{Set, Structured};
pub use synthetic::*;

use crate::{Mistake, Mistakes, call::Call, slo};
use std::{fmt, path::PathBuf};

/// Calls a macro with the one list of datasets: `"name" => Settings, samples;` each, in the order of the
/// documentation. This makes [`Dataset`], and in `goodput` the function that draws a dataset's requests, where
/// `samples` is: settings without samples do not compile. The command has its names from here, too.
#[doc(hidden)]
#[macro_export]
#[rustfmt::skip]
macro_rules! with_datasets {
    ($with:ident) => {
        $with! {
            /// Synthetic prompts of an exact token length.
            "random" => Random, random::sample;
            /// Synthetic prompts with pictures and videos of noise.
            "random-mm" => RandomMm, random_mm::sample;
            /// A query and synthetic documents to score.
            "random-rerank" => RandomRerank, rerank::sample;
            /// Synthetic prompts that share some prefixes.
            "prefix_repetition" => PrefixRepetition, prefix_repetition::sample;
            /// Long documents, each asked about several times.
            "long_document_qa" => LongDocumentQa, long_document_qa::sample;
            /// The fixed sets of vLLM's script for structured output.
            "structured" => Structured, structured::sample;
            /// Conversations in ShareGPT's format: turn 0 is the prompt, turn 1 sets the output length.
            "sharegpt" => ShareGpt, sharegpt::sample;
            /// Conversations of several turns, each a session.
            "conversations" => Conversations, conversations::sample;
            /// Lines of a text.
            "sonnet" => Sonnet, sonnet::sample;
            /// Lengths of BurstGPT's trace.
            "burstgpt" => BurstGpt, burstgpt::sample;
            /// One JSON object with a `prompt` a line.
            "custom" => Custom, custom::sample;
            /// One JSON object with a `prompt` and pictures a line.
            "custom_image" => CustomImage, custom_image::sample;
            /// One JSON object with a `prompt` and a clip of sound a line.
            "custom_audio" => CustomAudio, custom_audio::sample;
            /// Spec-Bench: one JSON object with `turns` a line.
            "spec_bench" => SpecBench, bench_sets::spec_bench;
            /// SPEED-Bench: one JSON object with `messages` a line.
            "speed_bench" => SpeedBench, bench_sets::speed_bench;
            /// Recorded sessions that fork, join and wait for tools.
            "agents" => Agents, agents::sample;
            /// A recorded trace with its times.
            "timed_trace" => TimedTrace, trace::sample;
            /// A set of the Hugging Face hub.
            "hf" => Hf, hf::sample;
            /// Classes of requests, each with one of the others.
            "mix" => Mix, mix::sample;
        }
    };
}

macro_rules! datasets {
    ($($(#[$doc:meta])* $name:literal => $Dataset:ident, $samples:path;)*) => {
        /// A dataset and its settings.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Dataset {
            $($(#[$doc])* $Dataset($Dataset),)*
        }

        /// The names of all datasets, as in vLLM.
        pub const NAMES: &[&str] = &[$($name),*];

        /// Reads a dataset expression. Paths may stand in double or single quotes, or bare; `-`
        /// and `_` are the same in names.
        ///
        /// # Errors
        /// Every setting that is unknown, repeated or out of range, and a missing path.
        pub fn parse(text: &str) -> Result<Dataset, Mistakes> {
            let call = Call::parse(text).map_err(|mistake| vec![mistake])?;
            let mut mistakes = Mistakes::new();
            let same = |name: &str| name.replace('-', "_") == call.name.replace('-', "_");
            let dataset = match NAMES.iter().find(|name| same(name)) {
                $(Some(&$name) => Dataset::$Dataset($Dataset::read(call.args(), &mut mistakes)),)*
                _ => return Err(vec![Mistake::unknown("dataset", call.name, NAMES)]),
            };
            if mistakes.is_empty() {
                Ok(dataset)
            } else {
                Err(mistakes)
            }
        }

        /// The dataset of this name with its defaults, and an empty path if it has one.
        pub fn named(name: &str) -> Option<Dataset> {
            Some(match name {
                $($name => Dataset::$Dataset($Dataset::default()),)*
                _ => return None,
            })
        }

        impl Dataset {
            /// Where its data is; `None` if it is made up.
            pub fn path_mut(&mut self) -> Option<&mut PathBuf> {
                match self {
                    $(Dataset::$Dataset(dataset) => dataset.path_mut(),)*
                }
            }

            /// The whole numbers among its settings, each with its name.
            pub fn wholes(&self) -> Vec<(&'static str, u64)> {
                match self {
                    $(Dataset::$Dataset(dataset) => dataset.wholes(),)*
                }
            }
        }

        /// Written so that [`parse`] reads the same dataset back.
        impl fmt::Display for Dataset {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Dataset::$Dataset(dataset) => dataset.fmt(f),)*
                }
            }
        }
    };
}

with_datasets!(datasets);

impl Dataset {
    /// The largest number of gaps between the tokens of an answer; `None` if it is not known before the run.
    pub fn most_gaps(&self) -> Option<u64> {
        let (output, ratio) = match self {
            Dataset::Random(random) => (random.output, random.output_range_ratio),
            Dataset::RandomMm(random) => (random.output, random.output_range_ratio),
            Dataset::PrefixRepetition(prefixes) => (prefixes.output, 0.0),
            Dataset::LongDocumentQa(documents) => (documents.output, 0.0),
            Dataset::Mix(mix) => {
                let each = mix.classes.iter().map(|class| class.dataset.most_gaps());
                return each.collect::<Option<Vec<u64>>>()?.into_iter().max();
            }
            _ => return None,
        };
        Some(((output as f64 * (1.0 + ratio)).ceil() as u64).saturating_sub(1))
    }

    /// The largest number of tokens of a prompt, by the dataset's settings; `None` for prompts of a file.
    pub fn most_input(&self) -> Option<f64> {
        let varied = |tokens: usize, ratio: f64| tokens as f64 * (1.0 + ratio);
        Some(match self {
            Dataset::Random(set) => varied(set.input, set.input_range_ratio) + set.prefix as f64,
            Dataset::RandomMm(set) => varied(set.input, set.input_range_ratio) + set.prefix as f64,
            Dataset::RandomRerank(set) => varied(set.input, set.range_ratio) * set.batch as f64,
            Dataset::PrefixRepetition(set) => (set.prefix + set.suffix) as f64,
            Dataset::LongDocumentQa(set) => set.length as f64,
            Dataset::Sonnet(set) => (set.input + set.prefix) as f64,
            _ => return None,
        })
    }

    /// Whether answers go on after the end of text unless the bench says otherwise: synthetic prompts would end at
    /// any time, and a trace says how long its answers were.
    pub fn ignores_eos(&self) -> bool {
        if let Dataset::Mix(mix) = self {
            return mix.classes.iter().all(|class| class.dataset.ignores_eos());
        }
        matches!(
            self,
            Dataset::Random(_)
                | Dataset::RandomMm(_)
                | Dataset::TimedTrace(_)
                | Dataset::Conversations(_)
                | Dataset::Agents(_)
        )
    }

    /// Requests that it has at most, if its settings say so.
    pub fn requests(&self) -> Option<u64> {
        match self {
            Dataset::LongDocumentQa(documents) => Some(documents.requests()),
            _ => None,
        }
    }

    /// Requests of a class that a run of this many has at most; of the smallest class for the worst.
    pub fn requests_for(&self, class: slo::Class, all: u64) -> u64 {
        let all = self.requests().map_or(all, |most| most.min(all));
        let Dataset::Mix(mix) = self else { return all };
        let counts = mix.requests(all);
        match class {
            slo::Class::All => all,
            slo::Class::One(name) => {
                let place = mix.classes.iter().position(|class| class.name == name);
                place.map_or(0, |place| counts[place])
            }
            slo::Class::Worst => counts
                .into_iter()
                .filter(|count| *count > 0)
                .min()
                .unwrap_or(0),
        }
    }

    /// Whether its requests may be turns of sessions.
    pub fn has_sessions(&self) -> bool {
        self.any_class(|dataset| matches!(dataset, Dataset::Conversations(_) | Dataset::Agents(_)))
    }

    /// Whether its rows may say who they are from, in a field `client`.
    pub fn names_clients(&self) -> bool {
        self.any_class(|dataset| matches!(dataset, Dataset::Custom(_) | Dataset::Conversations(_)))
    }

    /// Whether the dataset is such, or that of one of its classes.
    fn any_class(&self, is: impl Fn(&Dataset) -> bool) -> bool {
        match self {
            Dataset::Mix(mix) => mix.classes.iter().any(|class| is(&class.dataset)),
            dataset => is(dataset),
        }
    }

    /// The classes of a mix; none of another dataset.
    pub fn classes(&self) -> &[Class] {
        match self {
            Dataset::Mix(mix) => &mix.classes,
            _ => &[],
        }
    }

    /// Sessions that may go on at a time, if the dataset says so.
    pub fn max_sessions(&self) -> Option<usize> {
        match self {
            Dataset::Conversations(conversations) => conversations.active,
            Dataset::Agents(agents) => agents.active,
            _ => None,
        }
    }

    /// Whether later requests of a session send the server's own answers back, where the settings decide that.
    pub fn sends_answers(&self) -> bool {
        self.any_class(|dataset| {
            matches!(dataset, Dataset::Conversations(set) if set.history == History::Server)
        })
    }

    /// Pixels of a request at most.
    pub fn most_pixels(&self) -> f64 {
        let Dataset::RandomMm(set) = self else {
            return 0.0;
        };
        let largest = set.buckets.0.iter().filter(|bucket| bucket.weight > 0.0);
        let largest = largest.map(Bucket::pixels).fold(0.0, f64::max);
        let items = (set.items as f64 * (1.0 + set.items_range_ratio)).ceil();
        items.min(set.max_images as f64 + set.max_videos as f64) * largest
    }

    /// Requests of the plan that are sent as one.
    pub fn batch(&self) -> u64 {
        match self {
            Dataset::Random(random) => random.batch as u64,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use std::path::PathBuf;

    #[rstest]
    #[case("random", "random(input = 256, output = 64)")]
    #[case("random()", "random(input = 256, output = 64)")]
    #[case("random(input = 256, output=64)", "random(input = 256, output = 64)")]
    #[case(
        "random(input = 1_000, range_ratio = 0.25, prefix = 32, token_ids,)",
        "random(input = 1000, output = 64, range_ratio = 0.25, prefix = 32, token_ids)"
    )]
    #[case(
        "random(input_range_ratio = 0, output_range_ratio = .5, token_ids = false)",
        "random(input = 256, output = 64, output_range_ratio = 0.5)"
    )]
    #[case(r#"custom("p.jsonl")"#, r#"custom("p.jsonl")"#)]
    #[case(
        "custom('a b/p, q.jsonl', output = row)",
        r#"custom("a b/p, q.jsonl", output = row)"#
    )]
    #[case(
        "custom(p.jsonl, output = 64, keep_order, no_oversample = true)",
        r#"custom("p.jsonl", output = 64, keep_order, no_oversample)"#
    )]
    #[case(r#"sharegpt("x.json")"#, r#"sharegpt("x.json")"#)]
    #[case(
        r#"sharegpt("x.json", no_oversample, output = 5)"#,
        r#"sharegpt("x.json", output = 5, no_oversample)"#
    )]
    #[case(
        "random(batch = 4, image_url = 'http://host/a.png')",
        r#"random(input = 256, output = 64, batch = 4, image_url = "http://host/a.png")"#
    )]
    #[case("random_mm", "random-mm(input = 256, output = 64)")]
    #[case(
        "random-mm(items = 2, items_range_ratio = 1, max_videos = 0, buckets = '8x8 = 1')",
        "random-mm(input = 256, output = 64, items = 2, items_range_ratio = 1, max_videos = 0, \
         buckets = \"8x8 = 1\")"
    )]
    #[case(
        "random-rerank(batch = 3, no_reranker)",
        "random-rerank(input = 256, batch = 3, no_reranker)"
    )]
    #[case(
        "prefix-repetition(prefixes = 2)",
        "prefix_repetition(prefix = 256, suffix = 256, prefixes = 2, output = 128)"
    )]
    #[case("structured", "structured(set = json, output = 128)")]
    #[case(
        "structured(set = json-unique, schema = s.json, output = 64)",
        "structured(set = json-unique, schema = \"s.json\", output = 64)"
    )]
    #[case(
        "structured(set = xgrammar_bench, rows = 'a, b.jsonl')",
        "structured(set = xgrammar_bench, rows = \"a, b.jsonl\", output = 128)"
    )]
    #[case(
        "sharegpt(x.json, media = 'a b')",
        r#"sharegpt("x.json", media = "a b")"#
    )]
    #[case(
        "sonnet(s.txt, input = 600)",
        r#"sonnet("s.txt", input = 600, output = 150, prefix = 200)"#
    )]
    #[case("burstgpt(b.csv)", r#"burstgpt("b.csv")"#)]
    #[case(
        "custom_image(q.jsonl, output = row)",
        r#"custom_image("q.jsonl", output = row)"#
    )]
    #[case("custom_audio(q.jsonl)", r#"custom_audio("q.jsonl")"#)]
    #[case(
        "spec_bench(q.jsonl, category = math)",
        r#"spec_bench("q.jsonl", output = 256, category = "math")"#
    )]
    #[case(
        "speed_bench(folder, subset = throughput_1k)",
        r#"speed_bench("folder", subset = "throughput_1k", output = 4096)"#
    )]
    #[case(
        "timed_trace(t.jsonl, sec_multiplier = 0.001, self_timed = false)",
        r#"timed_trace("t.jsonl", sec_multiplier = 0.001, self_timed = false)"#
    )]
    #[case(
        "agents(t.jsonl, format = weka, time_scale = 0.5, max_pause = 15s, self_timed = false)",
        r#"agents("t.jsonl", format = weka, time_scale = 0.5, max_pause = 15s, self_timed = false)"#
    )]
    #[case(
        "agents('a folder', block_size = 64, active = 8, output = 3)",
        r#"agents("a folder", block_size = 64, output = 3, active = 8)"#
    )]
    #[case(
        "hf(AI-MO/NuminaMath-CoT, split = test, max_audio = 30)",
        r#"hf("AI-MO/NuminaMath-CoT", split = "test", max_audio = 30)"#
    )]
    fn reads(#[case] text: &str, #[case] plain: &str) {
        assert_eq!(parse(text).unwrap().to_string(), plain);
    }

    #[test]
    fn files_have_vllms_defaults() {
        let custom = Custom {
            path: "p.jsonl".into(),
            output: Some(256),
            keep_order: false,
            no_oversample: false,
        };
        assert_eq!(parse("custom(p.jsonl)"), Ok(Dataset::Custom(custom)));
        assert_eq!(parse("random"), Ok(Dataset::Random(Random::default())));
    }

    #[rstest]
    #[case("randm(input = 1)", "unknown dataset `randm`; did you mean `random`?")]
    #[case("qa(x)", &format!("unknown dataset `qa`. Valid: {}", NAMES.join(", ")))]
    #[case(
        "random(inputs = 1)",
        "unknown setting of `random` `inputs`; did you mean `input`? Valid: \
         range_ratio, input, output, input_range_ratio, output_range_ratio, prefix, token_ids, \
         batch, image_url"
    )]
    #[case(
        "random(input = 0)",
        "`input = 0`: expected a whole number of at least 1"
    )]
    #[case(
        "random(input = 1.5)",
        "`input = 1.5`: expected a whole number of at least 1"
    )]
    #[case("random(input)", "`input` has no value; write `input = …`")]
    #[case("random(input = 1, input = 2)", "`input` is given twice; keep one")]
    #[case(
        "random(range_ratio = 1)",
        "`range_ratio = 1`: expected a ratio of at least 0 and below 1, such as `0.2`"
    )]
    #[case(
        "random(range_ratio = 0.1, output_range_ratio = 0.2)",
        "`range_ratio` already sets `output_range_ratio`; keep one of them"
    )]
    #[case(
        "random(token_ids = yes)",
        "`token_ids = yes`: expected `true`, `false` or `token_ids` alone"
    )]
    #[case(
        "custom",
        "`custom` needs the path of its data first, as in `custom(\"prompts.jsonl\")`"
    )]
    #[case(
        "sharegpt(keep_order)",
        "`sharegpt` needs the path of its data first, as in `sharegpt(\"conversations.json\")`"
    )]
    #[case(
        "custom(p.jsonl, output = -1)",
        "`output = -1`: to take each row's `output_tokens`, write `output = row`"
    )]
    #[case(
        "sharegpt(x.json, output = row)",
        "`output = row`: expected a whole number of at least 1"
    )]
    #[case("random(input = 1", "`random(input = 1` lacks its closing `)`")]
    #[case(
        "random-mm(buckets = '8x8')",
        "bucket `8x8`: expected height x width, then x frames for a video, and a weight, as in \
         `256x256 = 0.5` or `720x1280x16 = 0.1`"
    )]
    #[case(
        "random-mm(items_range_ratio = 1.5)",
        "`items_range_ratio = 1.5`: expected a number from 0 to 1, such as `0.5`"
    )]
    #[case(
        "speed_bench(x, subset = quantitative)",
        "unknown subset of `speed_bench` `quantitative`; did you mean `qualitative`? Valid: \
         qualitative, throughput_1k, throughput_2k, throughput_8k, throughput_16k, throughput_32k"
    )]
    #[case(
        "timed_trace(x, sec_multiplier = 0)",
        "`sec_multiplier = 0`: expected a number above 0, such as `0.001`"
    )]
    #[case(
        "hf",
        "`hf` needs the path of its data first, as in `hf(\"AI-MO/aimo-validation-aime\")`"
    )]
    #[case(
        "agents(t.jsonl, format = mooncakes)",
        "unknown format of `agents` `mooncakes`; did you mean `mooncake`? Valid: weka, bailian, otel, mooncake"
    )]
    #[case(
        "agents(t.jsonl, max_pause = 15)",
        "`max_pause = 15`: `15` has no unit; write `15ms`, `15us` or `15s`"
    )]
    #[case(
        "burstgpt(b.csv, output = 4)",
        "unknown setting of `burstgpt` `output`; it has none"
    )]
    fn refuses(#[case] text: &str, #[case] said: &str) {
        let mistakes = parse(text).unwrap_err();
        assert_eq!(mistakes, [Mistake::new(said)]);
    }

    #[test]
    fn says_all_mistakes_at_once() {
        let mistakes = parse("random(inputs = 1, output = x, token_ids = 2)").unwrap_err();
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    }

    prop_compose! {
        fn any_random()(
            input in 1..10_000_000_usize,
            output in 1..10_000_000_usize,
            input_range_ratio in 0.0..1.0_f64,
            output_range_ratio in 0.0..1.0_f64,
            prefix in 0..10_000_000_usize,
            token_ids: bool,
        ) -> Random {
            Random {
                input, output, input_range_ratio, output_range_ratio, prefix, token_ids,
                ..Random::default()
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            random in any_random(),
            path in ".+",
            output in proptest::option::of(1..10_000_000_usize),
            keep_order: bool,
            no_oversample: bool,
        ) {
            let path = PathBuf::from(path);
            for dataset in [
                Dataset::Random(random),
                Dataset::Custom(Custom { path: path.clone(), output, keep_order, no_oversample }),
                Dataset::ShareGpt(ShareGpt {
                    path: path.clone(), output, media: Some(path.clone()), keep_order,
                    no_oversample,
                }),
                Dataset::TimedTrace(TimedTrace {
                    path: path.clone(), label_timestamp: path.to_string_lossy().into_owned(),
                    self_timed: keep_order, ..TimedTrace::default()
                }),
                Dataset::Hf(Hf { path, output, keep_order, no_oversample, ..Hf::default() }),
            ] {
                prop_assert_eq!(parse(&dataset.to_string()), Ok(dataset));
            }
        }
    }
}
