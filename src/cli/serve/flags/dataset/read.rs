//! The dataset that the flags describe.

mod recorded;
mod synthetic;

use super::{super::multi_turn::MultiTurnFlags, DatasetFlags};
use crate::{
    grammar::dataset::{
        self, Custom, CustomAudio, CustomImage, Dataset, PrefixRepetition, Random, RandomRerank,
        ShareGpt, Sonnet, SpecBench, SpeedBench,
    },
    problem::Problem,
};

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
        self.refuse_in_a_mix(problems);
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

    /// Complains about flags of one dataset, which no class of a mix has.
    fn refuse_in_a_mix(&self, problems: &mut Vec<Problem>) {
        let random = &self.random;
        let given = [
            ("--dataset-path", self.dataset_path.is_some()),
            ("--input-len", self.input_len.is_some()),
            ("--output-len", self.output_len.is_some()),
            ("--random-input-len", random.random_input_len != 1024),
            ("--random-output-len", random.random_output_len != 128),
            ("--random-prefix-len", random.random_prefix_len != 0),
            ("--random-range-ratio", random.random_range_ratio != "0.0"),
            ("--custom-output-len", self.custom_output_len != 256),
            ("--sharegpt-output-len", self.sharegpt_output_len.is_some()),
        ];
        let fix = "has no meaning for a mix, whose classes have settings of their own. Write such as --mix \
                   'chat(random(input = 256, output = 64))'";
        let given = given.into_iter().filter(|(_, given)| *given);
        problems.extend(given.map(|(flag, _)| Problem::new(flag, "(set)", fix)));
    }

    /// The order of the requests of long_document_qa; `None` for another dataset.
    pub(in crate::cli::serve::flags) fn repeat_mode(&self) -> Option<&str> {
        let documents = dataset::named(&self.dataset_name);
        matches!(documents, Some(Dataset::LongDocumentQa(_)))
            .then_some(self.documents.repeat_mode.as_str())
    }

    /// The set of structured; `None` for another dataset.
    pub(in crate::cli::serve::flags) fn structured_set(&self) -> Option<&str> {
        let dataset = dataset::named(&self.dataset_name);
        matches!(dataset, Some(Dataset::Structured(_)))
            .then_some(self.structured.structured_set.as_str())
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
}

#[cfg(test)]
mod tests;
