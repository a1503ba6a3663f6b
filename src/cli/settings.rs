//! Maps the library's dataset settings, such as `random(input = 256)`, to the command's flags.

/// Settings of a dataset with their flags. A setting with a value has a flag without one.
type Settings = &'static [(&'static str, &'static str)];

/// All settings that a message may name.
const DATASETS: &[(&str, Settings)] = &[
    (
        "random",
        &[
            ("input", "--random-input-len"),
            ("output", "--random-output-len"),
            ("prefix", "--random-prefix-len"),
            ("batch", "--random-batch-size"),
            ("token_ids", "--prompt-token-ids"),
            ("image_url", "--image-url"),
        ],
    ),
    (
        "random-mm",
        &[
            ("input", "--random-input-len"),
            ("output", "--random-output-len"),
            ("prefix", "--random-prefix-len"),
            ("items", "--random-mm-base-items-per-request"),
            ("items_range_ratio", "--random-mm-num-mm-items-range-ratio"),
            ("max_images", "--random-mm-limit-mm-per-prompt.image"),
            ("max_videos", "--random-mm-limit-mm-per-prompt.video"),
        ],
    ),
    (
        "random-rerank",
        &[
            ("input", "--random-input-len"),
            ("batch", "--random-batch-size"),
            ("no_reranker", "--no-reranker"),
        ],
    ),
    (
        "prefix_repetition",
        &[
            ("prefix", "--prefix-repetition-prefix-len"),
            ("suffix", "--prefix-repetition-suffix-len"),
            ("prefixes", "--prefix-repetition-num-prefixes"),
            ("output", "--prefix-repetition-output-len"),
            ("zipf", "--prefix-repetition-zipf"),
        ],
    ),
    (
        "long_document_qa",
        &[
            ("documents", "--num-documents"),
            ("length", "--document-length"),
            ("repeat", "--repeat-count"),
            ("output", "--output-len"),
            ("mode", "--repeat-mode"),
            ("warmup = false", "--no-document-warmup"),
        ],
    ),
    (
        "structured",
        &[
            ("output", "--output-len"),
            ("rows", "--dataset-path"),
            ("schema", "--json-schema-path"),
            ("set", "--structured-set"),
        ],
    ),
    ("sharegpt", &[("output", "--sharegpt-output-len")]),
    (
        "conversations",
        &[
            ("active", "--max-active-conversations"),
            ("history", "--conversation-history"),
            ("output", "--output-len"),
            ("think", "--think-time"),
            ("turns", "--max-turns"),
        ],
    ),
    (
        "agents",
        &[
            ("active", "--max-active-conversations"),
            ("block_size", "--agents-block-size"),
            ("format", "--agents-format"),
            ("max_pause", "--agents-max-pause"),
            ("orphans", "--agents-orphans"),
            ("output", "--output-len"),
            ("self_timed = false", "--no-self-timed"),
            ("time_scale", "--agents-time-scale"),
        ],
    ),
    (
        "sonnet",
        &[
            ("input", "--sonnet-input-len"),
            ("output", "--sonnet-output-len"),
            ("prefix", "--sonnet-prefix-len"),
        ],
    ),
    ("custom", &[("output", "--custom-output-len")]),
    ("custom_image", &[("output", "--custom-output-len")]),
    ("custom_audio", &[("output", "--custom-output-len")]),
    ("spec_bench", &[("output", "--spec-bench-output-len")]),
    ("speed_bench", &[("output", "--speed-bench-output-len")]),
    (
        "timed_trace",
        &[
            ("chunk_hash_size", "--timed-trace-chunk-hash-size"),
            ("sec_multiplier", "--timed-trace-sec-multiplier"),
            ("self_timed = false", "--no-self-timed"),
        ],
    ),
    (
        "hf",
        &[
            ("name", "--hf-name"),
            ("split", "--hf-split"),
            ("output", "--hf-output-len"),
            ("min_distance", "--blazedit-min-distance"),
            ("min_audio", "--asr-min-audio-len-sec"),
            ("max_audio", "--asr-max-audio-len-sec"),
            ("categories", "--bfcl-categories"),
        ],
    ),
];

/// Flag of a dataset's setting.
pub(super) fn of_setting(dataset: &str, key: &str) -> Option<&'static str> {
    let settings = DATASETS.iter().find(|(known, _)| *known == dataset)?.1;
    Some(settings.iter().find(|(known, _)| *known == key)?.1)
}

/// Flag for a quoted setting: `--sonnet-input-len 550` for `sonnet(input = 550)`.
pub(super) fn of_dataset(quoted: &str) -> Option<String> {
    let (dataset, setting) = quoted.strip_suffix(')')?.split_once('(')?;
    if let Some(flag) = of_setting(dataset, setting) {
        return Some(flag.to_owned());
    }
    let (key, value) = setting.split_once(" = ")?;
    let flag = of_setting(dataset, key).filter(|_| !value.contains(','))?;
    Some(format!("{flag} {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cli::Cli, grammar::dataset};
    use clap::CommandFactory;
    use rstest::rstest;

    /// Settings are those of the attribute, and their flags are there.
    #[test]
    fn settings_and_flags_exist() {
        let command = Cli::command();
        let serve = command.find_subcommand("serve").unwrap();
        let flags: Vec<&str> = serve
            .get_arguments()
            .filter_map(|arg| arg.get_long())
            .collect();
        for (name, settings) in DATASETS {
            for (key, flag) in *settings {
                let flag = flag.strip_prefix("--").unwrap();
                let flag = flag.split('.').next().unwrap();
                assert!(flags.contains(&flag), "{flag}");
                let key = key.split(' ').next().unwrap();
                // A setting that is not known would be the complaint.
                let read = dataset::parse(&format!("{name}({key} = ?)"));
                let mistakes = format!("{:?}", read.err());
                assert!(
                    !mistakes.contains("unknown setting"),
                    "{name} {key}: {mistakes}"
                );
            }
        }
    }

    /// Lengths that have bounds, which messages name.
    #[rstest]
    #[case("random(input = 1)")]
    #[case("random-mm(input = 1)")]
    #[case("random-rerank(input = 8)")]
    #[case("prefix_repetition(prefix = 1)")]
    #[case("long_document_qa(documents = 1)")]
    #[case("structured(output = 1)")]
    #[case("sharegpt(f, output = 1)")]
    #[case("sonnet(f)")]
    #[case("custom(f)")]
    #[case("custom_image(f)")]
    #[case("custom_audio(f)")]
    #[case("spec_bench(f)")]
    #[case("speed_bench(f)")]
    #[case("timed_trace(f)")]
    #[case("agents(f, block_size = 1, output = 1, active = 1)")]
    #[case("hf(f, output = 1)")]
    fn lengths_have_flags(#[case] text: &str) {
        let (name, _) = text.split_once('(').unwrap();
        for (key, _) in dataset::parse(text).unwrap().wholes() {
            assert!(of_setting(name, key).is_some(), "{name}({key})");
        }
    }

    #[rstest]
    #[case("sonnet(input = 550)", Some("--sonnet-input-len 550"))]
    #[case("hf(name)", Some("--hf-name"))]
    #[case("timed_trace(self_timed = false)", Some("--no-self-timed"))]
    #[case("sonnet(words)", None)]
    #[case("sonnet(input = 550, output = 150)", None)]
    #[case("sim(itl)", None)]
    #[case("model", None)]
    fn a_quoted_setting_is_a_flag(#[case] quoted: &str, #[case] flag: Option<&str>) {
        assert_eq!(of_dataset(quoted).as_deref(), flag);
    }
}
