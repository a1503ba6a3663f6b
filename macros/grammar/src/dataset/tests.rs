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
