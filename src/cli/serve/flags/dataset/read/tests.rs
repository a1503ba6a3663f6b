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

/// Flags of one dataset say nothing about the classes of a mix.
#[test]
fn a_mix_takes_no_flag_of_one_dataset() {
    let (_, problems) = read("--mix 'a(random)' --random-input-len 5 --output-len 3");
    let fields: Vec<&str> = problems.iter().map(|p| p.field.as_str()).collect();
    assert_eq!(fields, ["--output-len", "--random-input-len"]);
    assert!(problems[0].message.starts_with("has no meaning for a mix"));
    assert_eq!(read("--mix 'a(random)'").1, []);
}
