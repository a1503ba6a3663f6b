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

    /// Whether its rows may ask for structures of their own.
    pub fn has_structures(&self) -> bool {
        self.any_class(|dataset| matches!(dataset, Dataset::Structured(_) | Dataset::Custom(_)))
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
mod tests;
