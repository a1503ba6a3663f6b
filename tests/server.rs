//! What servers tell beside their answers, and what is asked of them beside the plan.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use goodput::{Bench, Report, run::Run, sim::SimServer};
use rstest::rstest;
use serde_json::Value;
use std::{
    io::Write,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use support::{RawServer, good_stream, http};

fn bench(target: &str) -> Bench {
    Bench::new("server")
        .target(target)
        .dataset("random(input = 32, output = 4)")
        .requests(20)
        .rate(10)
        .burstiness(f64::INFINITY)
        .exclusive(false)
}

fn run(bench: Bench) -> Report {
    let report = bench.run_blocking().unwrap();
    assert_eq!(
        report.completed() as usize,
        report.run().records.len(),
        "{report}"
    );
    report
}

const SLOW: &str = "sim(ttft = 300ms, itl = 10ms)";

/// What the simulation counted, without asking twice.
fn counted(run: &Run) -> &goodput::run::ServerCounts {
    run.server.as_ref().unwrap().counted.as_ref().unwrap()
}

#[test]
fn the_simulation_counts_what_was_measured() {
    let report = run(bench("sim(engine = linear, num_blocks = 4096)").backend("vllm"));
    let counts = counted(report.run());
    let ours = report.metrics().counts;
    assert_eq!(counts.prompt_tokens, Some(ours.input_tokens));
    assert_eq!(counts.generation_tokens, Some(80));
    assert_eq!(counts.preemptions, Some(0));
    assert!(counts.spec_decode.is_none() && counts.diffusion.is_none());
    assert!(
        report.to_string().contains("80 generated (80 here)"),
        "{report}"
    );
}

#[test]
fn preemptions_are_the_runs_own() {
    let small = "sim(engine = linear, num_blocks = 24, block_size = 4)";
    let report = run(bench(small)
        .backend("vllm")
        .dataset("random(input = 8, output = 60)")
        .rate(1_000)
        .warmups(5));
    let counts = counted(report.run());
    assert!(counts.preemptions > Some(0), "{counts:?}");
    // The warm-up came before.
    assert_eq!(counts.generation_tokens, Some(20 * 60));
}

#[test]
fn drafts_are_counted_as_vllm_counts_them() {
    let drafting = "sim(engine = linear, num_speculative_tokens = 3, acceptance = 0.8)";
    let bench = || {
        bench(drafting)
            .backend("vllm")
            .dataset("random(input = 8, output = 40)")
    };
    let report = run(bench());
    let drafted = counted(report.run()).spec_decode.clone().unwrap();
    let rates = drafted.rates().unwrap();
    assert_eq!(drafted.accepted_at.len(), 3);
    assert_eq!(
        drafted.accepted_at.iter().sum::<u64>(),
        drafted.accepted_tokens
    );
    assert!(rates.acceptance_at.is_sorted_by(|a, b| a >= b), "{rates:?}");
    assert!((0.7..0.9).contains(&rates.acceptance_at[0]), "{rates:?}");
    assert_eq!(run(bench()).run(), report.run());
}

#[test]
fn a_prefix_cache_is_seen_by_both_sides() {
    let report = run(bench("sim(engine = linear)")
        .backend("vllm")
        .dataset("prefix_repetition(prefix = 64, suffix = 8, prefixes = 1, output = 4)"));
    let counts = counted(report.run());
    let cached = counts.cached_prompt_tokens.unwrap();
    assert!(cached > 0, "{counts:?}");
    assert_eq!(counts.prefix_cache.unwrap().hits, cached);
}

#[test]
fn a_series_on_virtual_time_is_exact_and_the_same_every_time() {
    let sampled = || run(bench(SLOW).server_metrics_interval("100ms"));
    let report = sampled();
    let series = report.run().server.clone().unwrap().gauges.unwrap();
    let at: Vec<u64> = series.samples.iter().map(|sample| sample.at.0).collect();
    let steps: Vec<u64> = (0..at.len() as u64)
        .map(|step| step * 100_000_000)
        .collect();
    assert_eq!(at, steps);
    // By the end of the run at 2.33 s.
    assert_eq!(at.len(), 24);
    // Each request takes 330 ms, and one comes every 100 ms.
    let running: Vec<_> = series.samples[5..20]
        .iter()
        .map(|sample| sample.running)
        .collect();
    assert!(
        running
            .iter()
            .all(|running| *running == Some(3.0) || *running == Some(4.0)),
        "{running:?}"
    );
    assert_eq!(sampled().run(), report.run());
    // Looking changes nothing.
    assert_eq!(run(bench(SLOW)).run().records, report.run().records);
}

#[test]
fn a_live_server_is_sampled_too() {
    let server = Arc::new(SimServer::new(Default::default()));
    let listening = server.listen((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let report = run(bench(&listening.url())
        .rate(40)
        .server_metrics_interval("50ms"));
    let side = report.run().server.clone().unwrap();
    assert_eq!(side.engine.as_deref(), Some("vLLM"));
    assert!(side.about["version"].starts_with("goodput-sim"), "{side:?}");
    let samples = side.gauges.unwrap().samples;
    assert!(!samples.is_empty());
    assert!(samples.windows(2).all(|two| two[0].at < two[1].at));
    assert!(samples.iter().all(|sample| sample.running.is_some()));
    assert_eq!(side.counted.unwrap().generation_tokens, Some(80));
}

#[test]
fn a_page_that_fails_is_asked_for_no_more_often() {
    let asked = Arc::new(AtomicUsize::new(0));
    let pages = asked.clone();
    let server = RawServer::telling(move |stream, request| {
        let answer = match request {
            page if page.starts_with("GET /metrics") => {
                match pages.fetch_add(1, Ordering::SeqCst) {
                    0 => http("200 OK", "text/plain", "vllm:prompt_tokens_total 1\n"),
                    _ => http("503 Service Unavailable", "text/plain", ""),
                }
            }
            post if post.starts_with("POST /v1/completions") => good_stream(),
            _ => http("404 Not Found", "text/plain", ""),
        };
        stream.write_all(answer.as_bytes()).is_ok()
    });
    let report = run(bench(&server.url)
        .rate(20)
        .model("m")
        .requests(10)
        .server_metrics_interval("200ms"));
    // One before, one after, one as it begins.
    let most = 3 + (report.run().duration.as_secs_f64() / 0.2).ceil() as usize;
    let asked = asked.load(Ordering::SeqCst);
    assert!((3..=most).contains(&asked), "{asked}, at most {most}");
}

#[test]
fn probes_keep_to_their_times_and_out_of_the_numbers() {
    let probed = || run(bench(SLOW).probe_rate(20));
    let report = probed();
    let probes = &report.run().probes;
    // The run lasts 2.33 s.
    assert_eq!(probes.len(), 47);
    for (index, probe) in probes.iter().enumerate() {
        assert_eq!(probe.sent.0, index as u64 * 50_000_000);
        assert_eq!((probe.output.tokens, probe.events.len()), (1, 1));
    }
    let numbers = report.metrics().probes.clone().unwrap();
    assert_eq!((numbers.completed, numbers.failed), (47, 0));
    assert_eq!((numbers.e2el.median, numbers.e2el.max), (300.0, 300.0));
    let alone = run(bench(SLOW));
    assert_eq!(report.metrics().counts, alone.metrics().counts);
    assert_eq!(report.run().duration, alone.run().duration);
    assert_eq!(report.run().setup.plan_hash, alone.run().setup.plan_hash);
    assert_eq!(probed().run(), report.run());
}

#[test]
fn probes_do_not_wait_for_a_slot() {
    let bench = bench(SLOW)
        .max_concurrency(1)
        .rate(f64::INFINITY)
        .requests(3)
        .probe_rate(10);
    let report = run(bench);
    assert_eq!(report.run().probes.len(), 10);
    assert_eq!(report.metrics().peaks.exact_concurrent_requests, 1);
}

#[test]
fn a_run_that_grows_is_probed_in_every_segment() {
    let report = bench("sim(ttft = lognormal(100ms, 100ms), seed = 3)")
        .probe_rate(10)
        .slo("p99(ttft) < 400ms")
        .max_extend(3)
        .server_metrics_interval("200ms")
        .run_blocking()
        .unwrap();
    let run = report.run();
    assert!(run.records.len() > 20, "it was decided at once: {report}");
    let indices: Vec<usize> = run.probes.iter().map(|probe| probe.index).collect();
    assert_eq!(indices, (0..indices.len()).collect::<Vec<_>>());
    assert!(run.probes.windows(2).all(|two| two[0].sent < two[1].sent));
    let side = run.server.as_ref().unwrap();
    let generated = report.metrics().counts.output_tokens + run.probes.len() as u64;
    assert_eq!(counted(run).generation_tokens, Some(generated));
    let samples = &side.gauges.as_ref().unwrap().samples;
    assert!(samples.windows(2).all(|two| two[0].at < two[1].at));
    assert!(
        samples
            .windows(2)
            .all(|two| two[0].generation_tokens <= two[1].generation_tokens)
    );
}

#[rstest]
#[case::negative("openai", -1.0, "must be 0 (no probes) or from 0.0001 to 1000")]
#[case::endless(
    "openai",
    f64::INFINITY,
    "must be 0 (no probes) or from 0.0001 to 1000"
)]
#[case::undefined("openai", f64::NAN, "must be 0 (no probes) or from 0.0001 to 1000")]
#[case::without_a_text("openai-audio", 1.0, "a probe asks \"Hi\"")]
fn what_probes_need(#[case] backend: &str, #[case] rate: f64, #[case] told: &str) {
    let error = bench(SLOW)
        .backend(backend)
        .probe_rate(rate)
        .check()
        .unwrap_err();
    assert!(error.to_string().contains(told), "{error}");
}

#[test]
fn pages_have_a_shortest_interval() {
    let error = bench(SLOW)
        .server_metrics_interval("1ms")
        .check()
        .unwrap_err();
    assert!(error.to_string().contains("at least 10ms"), "{error}");
}

#[test]
fn a_stored_run_without_all_this_is_read() {
    let bench = bench(SLOW).probe_rate(10).server_metrics_interval("1s");
    // What is infinite has no form in JSON.
    let report = run(bench.burstiness(1.0));
    let mut stored = serde_json::to_value(report.run()).unwrap();
    let back: Run = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(&back, report.run());
    let fields = stored.as_object_mut().unwrap();
    assert!(fields.remove("server").is_some() && fields.remove("probes").is_some());
    let older: Run = serde_json::from_value(Value::Object(fields.clone())).unwrap();
    assert!(older.server.is_none() && older.probes.is_empty());
    assert_eq!(older.records, back.records);
}

#[cfg(feature = "tokenizers")]
mod alignment {
    use super::*;
    use crate::support::{STREAM_HEAD, chunk};
    use goodput::{
        record::CountSource,
        tokenizer::{Tokenizer, TokenizerSpec},
    };
    use serde_json::json;
    use std::{collections::BTreeSet, sync::Mutex};

    /// A server that counts by the embedded tokenizer, and prompts that were made without one.
    #[rstest]
    #[case::random("random(input = 40, output = 2)")]
    #[case::prefixes("prefix_repetition(prefix = 24, suffix = 12, prefixes = 2, output = 2)")]
    fn prompts_get_their_lengths_by_the_servers_tokenizer(#[case] dataset: &str) {
        let tokenizer = Tokenizer::load(&TokenizerSpec::Embedded).unwrap();
        let server = SimServer::new(Default::default()).tokenizer(tokenizer.clone());
        let listening = Arc::new(server).listen((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let bench = || {
            bench(&listening.url())
                .dataset(dataset)
                .tokenizer("none")
                .rate(f64::INFINITY)
        };
        let asked = bench().align_prompts(false).plan().unwrap();
        let report = run(bench());
        for (planned, record) in asked.requests.iter().zip(&report.run().records) {
            assert_eq!(record.input.source, CountSource::Usage);
            assert_eq!(record.input.tokens, planned.input.tokens);
        }
        let notes = report.notes().join("\n");
        assert!(notes.contains("20 of 20 prompts were adjusted"), "{notes}");
        assert!(!notes.contains("estimates"), "{notes}");
        // What was sent is what is hashed, and it is the same every time.
        assert_ne!(report.run().setup.plan_hash, asked.hash());
        assert_eq!(
            run(bench()).run().setup.plan_hash,
            report.run().setup.plan_hash
        );
        let unaligned = run(bench().align_prompts(false));
        assert_eq!(unaligned.run().setup.plan_hash, asked.hash());
        assert_ne!(
            unaligned.metrics().counts.input_tokens,
            report.metrics().counts.input_tokens
        );
    }

    /// The embedded tokenizer, with a token that it puts before every prompt.
    fn with_bos() -> Tokenizer {
        let text = include_str!("../src/tokenizer/embedded/tokenizer.json");
        let mut json: Value = serde_json::from_str(text).unwrap();
        let bos = json["added_tokens"][0].clone();
        let sequence = |id: &str| json!({"Sequence": {"id": id, "type_id": 0}});
        let special = json!({"SpecialToken": {"id": bos["content"], "type_id": 0}});
        json["post_processor"] = json!({
            "type": "TemplateProcessing",
            "single": [special, sequence("A")],
            "pair": [special, sequence("A"), sequence("B")],
            "special_tokens": {bos["content"].as_str().unwrap(): {
                "id": bos["content"], "ids": [bos["id"]], "tokens": [bos["content"]],
            }},
        });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        std::fs::write(&path, json.to_string()).unwrap();
        Tokenizer::load(&TokenizerSpec::Named(path.display().to_string())).unwrap()
    }

    /// Lengths of `random` are what is computed, those of `prefix_repetition` what is written, as in vLLM.
    #[rstest]
    #[case::random("random(input = 40, output = 2)", 40)]
    #[case::prefixes(
        "prefix_repetition(prefix = 24, suffix = 12, prefixes = 2, output = 2)",
        37
    )]
    fn what_a_server_puts_around_prompts_is_of_their_length(
        #[case] dataset: &str,
        #[case] computed: u64,
    ) {
        let server = SimServer::new(Default::default()).tokenizer(with_bos());
        let listening = Arc::new(server).listen((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let bench = bench(&listening.url()).dataset(dataset).tokenizer("none");
        let report = run(bench.rate(f64::INFINITY));
        for record in &report.run().records {
            assert_eq!(record.input.tokens, computed, "{record:?}");
        }
    }

    /// A server that counts by the embedded tokenizer and one token more.
    struct Counting {
        server: RawServer,
        prompts: Arc<Mutex<Vec<String>>>,
    }

    /// The names that `/tokenize` and `/detokenize` have for text, special tokens and the text that is answered.
    /// A body without a text has no tokens, as in llama.cpp.
    type Form = [&'static str; 3];

    const LLAMA: Form = ["content", "add_special", "content"];
    const SGLANG: Form = ["prompt", "add_special_tokens", "text"];
    /// It does not know of the one token more.
    const WITHOUT_SPECIAL: Form = ["prompt", "never", "prompt"];
    const SILENT: Form = ["never", "never", "never"];

    fn counting([text, special, answer]: Form) -> Counting {
        let tokenizer = Tokenizer::load(&TokenizerSpec::Embedded).unwrap();
        let prompts = Arc::new(Mutex::new(Vec::new()));
        let asked = prompts.clone();
        let server = RawServer::telling(move |stream, request| {
            let codec = tokenizer.codec().unwrap();
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            let body: Value = serde_json::from_str(body).unwrap_or_default();
            let ids = |text: &str| codec.encode(text, false).unwrap();
            let json = |value: Value| http("200 OK", "application/json", &value.to_string());
            let answer = match head.split(' ').nth(1).unwrap() {
                "/tokenize" => {
                    let mut tokens = body[text].as_str().map(ids).unwrap_or_default();
                    if body[special] == true {
                        tokens.insert(0, 0);
                    }
                    json(json!({"tokens": tokens}))
                }
                "/detokenize" => {
                    let ids: Vec<u32> = serde_json::from_value(body["tokens"].clone()).unwrap();
                    json(json!({answer: codec.decode(&ids).unwrap()}))
                }
                "/completion" => {
                    let prompt = body["prompt"].as_str().unwrap();
                    asked.lock().unwrap().push(prompt.to_owned());
                    let evaluated = ids(prompt).len() + 1;
                    let event = json!({
                        "content": "a b", "stop": true, "stop_type": "limit", "tokens_predicted": 2,
                        "tokens_evaluated": evaluated,
                    });
                    let event = chunk(&format!("data: {event}\n\n"));
                    format!("{STREAM_HEAD}{event}0\r\n\r\n")
                }
                _ => http("404 Not Found", "text/plain", ""),
            };
            stream.write_all(answer.as_bytes()).is_ok()
        });
        Counting { server, prompts }
    }

    fn completions(target: &Counting) -> Bench {
        bench(&target.server.url)
            .backend("llama.cpp")
            .tokenizer("none")
            .rate(f64::INFINITY)
    }

    #[rstest]
    #[case::llama(LLAMA)]
    #[case::sglang(SGLANG)]
    fn each_engine_is_asked_in_its_form(#[case] form: Form) {
        let report = run(completions(&counting(form)));
        for record in &report.run().records {
            let expected = (32, CountSource::Usage);
            assert_eq!((record.input.tokens, record.input.source), expected);
        }
        let notes = report.notes().join("\n");
        assert!(notes.contains("20 of 20 prompts were adjusted"), "{notes}");
    }

    #[rstest]
    #[case::alike(LLAMA, SGLANG, Some(32), &[])]
    #[case::different(WITHOUT_SPECIAL, LLAMA, Some(32), &["of A and B count differently", "by B's"])]
    #[case::different_the_other_way(LLAMA, WITHOUT_SPECIAL, Some(33), &["of A and B count differently", "by B's"])]
    #[case::only_a_tells(LLAMA, SILENT, Some(32), &["by A's tokenizer, because B's is not available"])]
    #[case::only_b_tells(SILENT, LLAMA, Some(32), &[])]
    #[case::neither_tells(SILENT, SILENT, None, &["because the server's is not available"])]
    fn two_servers_get_the_same_prompts(
        #[case] a: Form,
        #[case] b: Form,
        #[case] computed: Option<u64>,
        #[case] told: &[&str],
    ) {
        let (a, b) = (counting(a), counting(b));
        let report = run(completions(&b).versus(a.server.url.as_str()).pairs(2));
        let lengths: BTreeSet<u64> = report
            .run()
            .records
            .iter()
            .map(|r| r.input.tokens)
            .collect();
        match computed {
            Some(tokens) => assert_eq!(lengths, [tokens].into()),
            None => assert!(lengths.len() > 1, "{lengths:?}"),
        }
        let text = report.to_string() + &report.notes().join("\n");
        for part in told {
            assert!(text.contains(part), "{text}");
        }
        let differs = told.iter().any(|part| part.contains("A"));
        assert_eq!(text.contains("are the same for both"), differs, "{text}");
        let sorted = |side: Counting| {
            let mut prompts = side.prompts.lock().unwrap().clone();
            prompts.sort();
            prompts
        };
        let asked = sorted(b);
        // A quarter of a plan to warm up, then two pairs, and those that a busy machine spoils.
        assert!(asked.len() >= 5 + 2 * 20, "{}", asked.len());
        assert_eq!(sorted(a), asked);
    }

    #[test]
    fn equal_tokenizers_leave_the_plan_alone() {
        let tokenizer = Tokenizer::load(&TokenizerSpec::Embedded).unwrap();
        let server = SimServer::new(Default::default()).tokenizer(tokenizer);
        let listening = Arc::new(server).listen((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let bench = || {
            bench(&listening.url())
                .tokenizer("embedded")
                .rate(f64::INFINITY)
        };
        let report = run(bench());
        assert_eq!(report.run().setup.plan_hash, bench().plan().unwrap().hash());
        assert!(!report.notes().join("\n").contains("/tokenize"));
    }
}
