use super::*;
use crate::{Report, backend::by_name, grammar::names::BACKENDS, metrics::Structured};
use rstest::rstest;
use serde_json::json;

fn bench() -> Bench {
    let bench = Bench::new("structured")
        .target("sim(ttft = 5ms, itl = 1ms)")
        .requests(40);
    bench
        .backend("openai-chat")
        .structured_output("choice(Positive, Negative)")
}

fn run(bench: Bench) -> Report {
    bench.run_blocking().unwrap()
}

fn counted(report: &Report) -> &Structured {
    report.metrics().structured.as_ref().unwrap()
}

/// Each backend that can ask for a structure gets a valid answer of the simulation, in one piece and as a stream.
#[rstest]
fn every_backend_is_answered_with_the_structure(
    #[values(
        "json('{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}}, \"required\": [\"a\"]}')",
        "regex(\"[a-z]+@[a-z]+\\.com\\n\")",
        "choice(Positive, 'Neg \"ä')",
        "structural_tag('{\"structures\": [{\"begin\": \"<f>\", \"schema\": {\"type\": \"array\"}, \"end\": \"</f>\"}], \"triggers\": [\"<f>\"]}')"
    )]
    structure: &str,
    #[values(true, false)] stream: bool,
) {
    let mut asked = 0;
    // Words without a trigger fit tags.
    let expected_of_words = if structure.starts_with("struct") {
        4
    } else {
        0
    };
    for name in BACKENDS {
        let bench = bench()
            .backend(*name)
            .requests(4)
            .stream(stream)
            .structured_output(structure);
        let Ok(report) = bench.clone().run_blocking() else {
            continue;
        };
        let counted = counted(&report);
        assert_eq!((counted.asked, counted.valid), (4, 4), "{name}: {report}");
        assert_eq!(
            counted.correct_percent,
            (!structure.starts_with("struct")).then_some(100.0)
        );
        let wrong = run(bench.faults("invalid_answer"));
        let counted = wrong.metrics().structured.as_ref().unwrap();
        assert_eq!(
            (counted.valid, wrong.failed()),
            (expected_of_words, 0),
            "{name}: {wrong}"
        );
        asked += 1;
    }
    let expected = match structure.split_once('(').unwrap().0 {
        "json" => 10,
        "regex" => 6,
        "choice" => 3,
        _ => 4,
    };
    assert_eq!(asked, expected);
}

fn body(backend: &str, structure: Structure) -> Value {
    let fields = by_name(backend).unwrap().structured(&structure);
    fields.map_or(Value::Null, Value::Object)
}

#[rstest]
#[case("openai", json!({"structured_outputs": {"json": {"type": "array"}}}))]
#[case("vllm", json!({"structured_outputs": {"json": {"type": "array"}}}))]
#[case("openai-chat", json!({"structured_outputs": {"json": {"type": "array"}}}))]
#[case("openai-responses", json!({"text": {"format": {"type": "json_schema", "name": "answer", "schema": {"type": "array"}, "strict": true}}}))]
#[case("anthropic", json!({"output_config": {"format": {"type": "json_schema", "schema": {"type": "array"}}}}))]
#[case("ollama", json!({"format": {"type": "array"}}))]
#[case("tgi", json!({"parameters": {"grammar": {"type": "json", "value": {"type": "array"}}}}))]
#[case("sglang", json!({"sampling_params": {"json_schema": "{\"type\":\"array\"}"}}))]
#[case("llama.cpp", json!({"json_schema": {"type": "array"}}))]
#[case("tensorrt-llm", json!({"guided_decoding_guide_type": "json_schema", "guided_decoding_guide": "{\"type\":\"array\"}"}))]
#[case("lmdeploy", Value::Null)]
#[case("openai-embeddings", Value::Null)]
fn schemas_are_asked_for_as_each_server_wants(#[case] backend: &str, #[case] expected: Value) {
    let structure = Structure::Json {
        schema: json!({"type": "array"}),
        response_format: false,
    };
    assert_eq!(body(backend, structure), expected);
}

#[test]
fn response_format_is_openais_way() {
    let structure = Structure::Json {
        schema: json!(true),
        response_format: true,
    };
    let format = json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": true, "strict": true}});
    assert_eq!(
        body("openai-chat", structure),
        json!({"response_format": format})
    );
    let report = run(bench().structured_output("json({\"type\": \"integer\"}, response_format)"));
    assert_eq!(counted(&report).share, Some(1.0));
}

#[rstest]
#[case("grammar", json!({"structured_outputs": {"grammar": "g"}}), "openai")]
#[case("grammar", json!({"grammar": "g"}), "llama.cpp")]
#[case("grammar", json!({"sampling_params": {"ebnf": "g"}}), "sglang")]
#[case("grammar", json!({"guided_decoding_guide_type": "ebnf_grammar", "guided_decoding_guide": "g"}), "tensorrt-llm")]
#[case("regex", json!({"parameters": {"grammar": {"type": "regex", "value": "g"}}}), "tgi")]
#[case("regex", json!({"sampling_params": {"regex": "g"}}), "sglang")]
#[case("structural_tag", json!({"structured_outputs": {"structural_tag": "\"g\""}}), "openai-chat")]
#[case("structural_tag", json!({"sampling_params": {"structural_tag": "\"g\""}}), "sglang")]
fn other_structures(#[case] kind: &str, #[case] expected: Value, #[case] backend: &str) {
    let structure = match kind {
        "grammar" => Structure::Grammar("g".to_owned()),
        "regex" => Structure::Regex("g".to_owned()),
        _ => Structure::StructuralTag(json!("g")),
    };
    assert_eq!(body(backend, structure), expected);
}

#[test]
fn the_ratio_chooses_the_requests_of_the_script() {
    let plan = bench()
        .requests(10)
        .seed(0)
        .structured_output_ratio(0.5)
        .plan()
        .unwrap();
    let sent = plan
        .requests
        .iter()
        .map(|r| r.structure.as_ref().unwrap().sent);
    let chosen: Vec<usize> = sent
        .enumerate()
        .filter(|(_, sent)| *sent)
        .map(|(index, _)| index)
        .collect();
    // `random.seed(0); sorted(random.sample(range(10), 5))`
    assert_eq!(chosen, CHOSEN);
    let report = run(bench().requests(10).seed(0).structured_output_ratio(0.5));
    let counted = counted(&report);
    assert_eq!((counted.asked, counted.valid), (5, 5));
    // Those that did not ask are no choices, and the script counts them.
    assert_eq!(counted.correct_percent, Some(50.0));
}

const CHOSEN: [usize; 5] = [0, 2, 4, 6, 9];

#[test]
fn wrong_answers_and_refusals_are_told_apart() {
    let wrong = run(bench()
        .requests(100)
        .faults("invalid_answer@50%, invalid_answer@req:3")
        .slo("valid >= 95%"));
    let of = counted(&wrong);
    assert_eq!((of.valid + of.wrong, of.refused, of.failed), (100, 0, 0));
    assert!((30..70).contains(&of.wrong), "{}", of.wrong);
    assert!(of.first_wrong.as_ref().unwrap().index <= 3);
    assert_eq!(wrong.failed(), 0);
    assert_eq!(wrong.verdict(), crate::Verdict::Fail, "{wrong}");

    let schema = r#"json({"type": "array", "items": {"type": "boolean"}, "minItems": 3, "uniqueItems": true})"#;
    let refused = run(bench().structured_output(schema));
    let of = counted(&refused);
    assert_eq!((of.valid, of.wrong, of.refused, of.failed), (0, 0, 40, 0));
    assert_eq!(refused.failed(), 40);

    let failed = run(bench().faults("status(503)@req:0..10"));
    let of = counted(&failed);
    assert_eq!((of.valid, of.refused, of.failed), (30, 0, 10));
    assert_eq!(of.share, Some(0.75));
}

#[test]
fn an_answer_that_is_cut_off_is_wrong_and_said_to_be_cut() {
    let bench = bench()
        .dataset("random(input = 8, output = 2)")
        .structured_output(r"regex([a-z]{40})");
    let report = run(bench);
    let of = counted(&report);
    assert_eq!((of.valid, of.wrong, of.cut), (0, 40, 40));
    assert!(
        report.client().contains("(40 of them cut off"),
        "{}",
        report.client()
    );
}

#[test]
fn valid_is_a_limit_with_an_interval_also_of_a_part() {
    let bench = bench()
        .requests(200)
        .rounds(2)
        .faults("invalid_answer@req:200..400");
    let report = run(bench.slo("valid(round 1) >= 95%, valid(round 2) >= 95%"));
    let slos = &report.judgement().slos;
    let of = |index: usize| (slos[index].value.unwrap(), slos[index].verdict);
    assert_eq!(of(0), (1.0, crate::Verdict::Pass), "{report}");
    assert_eq!(of(1), (0.0, crate::Verdict::Fail), "{report}");
    let low = slos[0].interval.unwrap().low.unwrap();
    assert!(low > 0.95 && low < 1.0, "{low}");
    assert_eq!(report.value("valid").unwrap(), Some(0.5));
    assert_eq!(report.value("valid(round 2)").unwrap(), Some(0.0));
}

#[test]
fn classes_have_structures_of_their_own() {
    let mix = "mix(mood(structured(set = choice), weight = 1), free(random(input = 8, output = 4), weight = 1))";
    let bench = Bench::new("mixed").target("sim").requests(200).dataset(mix);
    let report = run(bench.slo("valid(mood) >= 90%"));
    assert_eq!(counted(&report).asked, 100);
    assert_eq!(report.verdict(), crate::Verdict::Pass, "{report}");
    assert_eq!(report.value("valid(mood)").unwrap(), Some(1.0));
    assert_eq!(report.value("valid(free)").unwrap(), None);
}

#[test]
fn answers_end_when_the_structure_does() {
    let report = run(bench());
    assert!(
        report
            .run()
            .records
            .iter()
            .all(|record| record.finish.as_deref() == Some("stop"))
    );
    let plan = bench().structured_output("choice(a)").plan().unwrap();
    assert!(
        plan.requests
            .iter()
            .all(|request| request.structure.is_some())
    );
}

#[test]
fn a_grammar_is_unchecked_and_never_valid() {
    let bench = bench().structured_output("grammar('root ::= \"a\" root?')");
    let error = bench
        .clone()
        .slo("valid >= 90%")
        .run_blocking()
        .unwrap_err()
        .to_string();
    assert!(error.contains("rules that refer to themselves"), "{error}");
    let report = run(bench);
    let of = counted(&report);
    assert_eq!(
        (of.asked, of.checked, of.share, of.refused_in_all),
        (40, 0, None, 40)
    );
}

#[rstest]
#[case::kind(bench().structured_output("jsn(a)"), &["unknown structure `jsn`"])]
#[case::schema(bench().structured_output("json({\"type\": 5})"), &["structured_output", "is not a JSON schema at `/type`"])]
#[case::file(bench().structured_output("json(no/such.json)"), &["cannot read `no/such.json`"])]
#[case::regex(bench().structured_output("regex(a[)"), &["does not compile"])]
#[case::all_at_once(
    bench().structured_output("json(no/such.json)").structured_output_ratio(2).rate(-1),
    &["cannot read", "structured_output_ratio = 2", "rate"]
)]
#[case::backend(
    bench().backend("sglang"),
    &["is not in the API of the backend `sglang`, which has only `json`, `regex`, `grammar`", "Write `regex(Positive|Negative)`"]
)]
#[case::embeddings(bench().backend("openai-embeddings"), &["no other structure either"])]
#[case::twice(
    bench().extra_body(r#"{"structured_outputs": {"regex": "a"}}"#),
    &["extra_body", "structured_outputs", "Remove one of them"]
)]
#[case::ratio_alone(Bench::new("a").target("sim").structured_output_ratio(0.5), &["has no meaning without a structure"])]
#[case::slo_alone(Bench::new("a").target("sim").slo("valid >= 90%"), &["no request asks for a structure"])]
#[case::dataset(bench().dataset("structured"), &["has structures of its own"])]
fn what_makes_no_sense_is_refused(#[case] bench: Bench, #[case] parts: &[&str]) {
    let error = bench.check().unwrap_err();
    assert_eq!(error.exit_code(), 2);
    for part in parts {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
}

/// The sets of vLLM's script against the simulation.
#[rstest]
#[case("json", Some(100.0))]
#[case("json-unique", Some(100.0))]
#[case("regex", Some(100.0))]
#[case("choice", Some(100.0))]
#[case("grammar", None)]
fn the_sets_of_the_script_run(#[case] set: &str, #[case] correct: Option<f64>) {
    let bench = Bench::new("script").target("sim(itl = 1ms)").requests(20);
    let report = run(bench
        .dataset(&*format!("structured(set = {set})"))
        .tokenizer("none"));
    assert_eq!(counted(&report).correct_percent, correct);
    assert_eq!(counted(&report).share, Some(1.0));
}

/// vLLM goes on behind a structure with `ignore_eos`, and so does the simulation; a mix does not ask for it by itself.
#[rstest]
#[case::by_itself(None, Some(1.0))]
#[case::asked_for(Some(true), Some(0.0))]
fn an_answer_ends_with_its_structure(
    #[case] ignore_eos: Option<bool>,
    #[case] share: Option<f64>,
    #[values("openai", "openai-chat")] backend: &str,
    #[values("random", "mix(a(random), b(random))")] dataset: &str,
) {
    let mut bench = Bench::new("ends").target("sim(itl = 1ms)").requests(20);
    if let Some(ignore) = ignore_eos {
        bench = bench.ignore_eos(ignore);
    }
    let report = run(bench
        .backend(backend)
        .dataset(dataset)
        .structured_output("grammar('root ::= [a-z]{3,5}')"));
    assert_eq!(counted(&report).share, share);
    let whole = counted(&report).cut == 0;
    assert_eq!(whole, ignore_eos.is_none());
}

#[test]
fn a_row_that_a_backend_cannot_ask_for_is_refused() {
    let error = Bench::new("a")
        .backend("tgi")
        .dataset("structured(set = choice)")
        .plan()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("is not in the API of the backend `tgi`"),
        "{error}"
    );
}
