//! Tests of recorded agents: what plans are made of them, and what is refused.

use super::*;
use crate::{
    plan::{
        dataset::tests::draw,
        testing::{fixture, scratch},
    },
    tokenizer::Tokenizer,
};
use goodput_grammar::dataset::{AgentFormat, Dataset};
use rstest::rstest;
use std::{path::Path, time::Duration};

fn rows(settings: Agents, requests: usize) -> Result<Samples, PlanError> {
    draw(&Dataset::Agents(settings), requests, 0, &Tokenizer::none())
}

fn at(path: &Path) -> Agents {
    Agents {
        path: path.to_owned(),
        ..Agents::default()
    }
}

fn of_fixture(name: &str) -> Samples {
    rows(at(&fixture(&format!("datasets/agents_{name}.jsonl"))), 100).unwrap()
}

/// Reads a text as a file.
fn of(text: &str, format: Option<AgentFormat>) -> Result<Samples, PlanError> {
    let folder = scratch();
    let file = folder.file("trace.jsonl", text);
    rows(
        Agents {
            format,
            ..at(&file)
        },
        100,
    )
}

/// A line for each request: session, turn, when it is due, lengths and the start of its prompt.
fn shown(samples: &Samples) -> String {
    let mut lines: Vec<String> = samples.rows.iter().map(line).collect();
    lines.extend(samples.notes.iter().map(|note| format!("note: {note}")));
    lines.join("\n")
}

fn line(row: &Sample) -> String {
    let turn = row.turn.as_deref().unwrap();
    let at = row
        .at
        .map_or("-".to_owned(), |at| format!("{:.3}", at.as_secs_f64()));
    let due = match (turn.pause.as_secs_f64(), turn.earliest.as_secs_f64()) {
        (pause, 0.0) => format!("+{pause:.3}"),
        (_, earliest) => format!(">={earliest:.3}"),
    };
    let words = |text: &str| text.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let prompt = match &row.prompt {
        Prompt::Text(text) => words(text),
        Prompt::Messages(messages) => {
            let roles = messages
                .iter()
                .map(|message| message["role"].as_str().unwrap());
            roles.collect::<Vec<_>>().join(", ")
        }
        other => format!("{other:?}"),
    };
    let overrides: Vec<&str> = row.overrides.keys().map(String::as_str).collect();
    format!(
        "{} {}/{} at {at} after {:?} {due}: {} -> {}, {prompt} {}",
        turn.id.session,
        turn.id.name,
        turn.id.number,
        turn.after,
        row.input.tokens,
        row.output_tokens,
        overrides.join(" "),
    )
    .trim_end()
    .to_owned()
}

#[rstest]
#[case("mooncake")]
#[case("weka")]
#[case("bailian")]
#[case("otel")]
fn a_recording_is_read(#[case] name: &str) {
    insta::assert_snapshot!(name, shown(&of_fixture(name)));
}

/// The shared prefix of two prompts, in words.
fn shared(samples: &Samples, one: usize, other: usize) -> usize {
    let words = |row: usize| match &samples.rows[row].prompt {
        Prompt::Text(text) => text.split(' ').map(str::to_owned).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let (one, other) = (words(one), words(other));
    one.iter().zip(&other).take_while(|(a, b)| a == b).count()
}

#[test]
fn prompts_share_the_blocks_that_they_shared() {
    let weka = of_fixture("weka");
    let row = |session: &str, number: usize| {
        let turn = |row: &Sample| row.turn.as_deref().map(|turn| turn.id.clone()).unwrap();
        let here = |row: &Sample| turn(row).name == session && turn(row).number == number;
        weka.rows.iter().position(here).unwrap()
    };
    // 5 blocks of 64 tokens, and what is behind them is new in each request.
    let first = row("8712b46f-04e", 0);
    assert_eq!(shared(&weka, first, first + 1), 5 * 64);
    // Ids mean something else in another session.
    assert_eq!(shared(&weka, first, row("1f0e5a22-9b1", 0)), 0);
    let bailian = of_fixture("bailian");
    assert_eq!(shared(&bailian, 1, 2), 5 * 16);
}

#[test]
fn a_session_that_only_says_what_is_new_sends_the_answers_back() {
    let text = r#"{"session_id": "a", "input_length": 3, "output_length": 5}
{"session_id": "b", "messages": [{"role": "user", "content": "x"}], "assistant_responses": "live"}
{"session_id": "a", "delay": 2000, "input_length": 4, "output_length": 1}
{"session_id": "b", "delay": 10, "messages": [{"role": "user", "content": "y"}], "assistant_responses": "live"}
{"session_id": "c", "text_input": "alone"}"#;
    let samples = of(text, None).unwrap();
    insta::assert_snapshot!(shown(&samples));
    let history = |row: &Sample| {
        row.turn
            .as_deref()
            .map(|turn| (turn.history, turn.answered))
    };
    let history: Vec<_> = samples
        .rows
        .iter()
        .map(|row| history(row).unwrap())
        .collect();
    assert_eq!(
        history,
        [
            (None, false),
            (Some(0), true),
            (None, false),
            (Some(2), true),
            (None, false)
        ]
    );
}

#[test]
fn times_are_scaled_and_pauses_cut() {
    let path = fixture("datasets/agents_weka.jsonl");
    let fast = Agents {
        time_scale: 0.5,
        max_pause: Some(Duration::from_millis(600)),
        ..at(&path)
    };
    let samples = rows(fast, 100).unwrap();
    let pauses = samples.rows.iter().filter_map(|row| row.turn.as_deref());
    let pauses: Vec<Duration> = pauses.map(|turn| turn.pause - Nanos(0)).collect();
    assert_eq!(pauses[1], Duration::from_millis(500));
    assert_eq!(pauses.iter().max(), Some(&Duration::from_millis(600)));
    // Without think times, a request is due at its time since the begin: each gap is cut.
    let earliest = samples.rows.iter().filter_map(|row| row.turn.as_deref());
    let last = earliest.map(|turn| turn.earliest).max().unwrap();
    assert_eq!(last - Nanos(0), Duration::from_millis(1_450));
}

#[test]
fn the_rate_says_when_sessions_begin_if_asked_for() {
    let path = fixture("datasets/agents_bailian.jsonl");
    let untimed = Agents {
        self_timed: false,
        ..at(&path)
    };
    let samples = rows(untimed, 100).unwrap();
    assert!(samples.rows.iter().all(|row| row.at.is_none()));
}

#[test]
fn a_plan_ends_with_the_requests_that_were_asked_for() {
    let path = fixture("datasets/agents_weka.jsonl");
    let samples = rows(at(&path), 4).unwrap();
    assert_eq!(samples.rows.len(), 4);
    for (index, row) in samples.rows.iter().enumerate() {
        let turn = row.turn.as_deref().unwrap();
        assert!(turn.after.iter().all(|before| *before < index));
    }
}

#[test]
fn a_folder_is_read_by_the_names_of_its_files() {
    let folder = scratch();
    let trace = |id: &str| {
        format!(
            "{{\n  \"id\": \"{id}\",\n  \"requests\": [\n    {{\"t\": 0, \"in\": 5, \"out\": 1}}]}}"
        )
    };
    let second = folder.file("b.json", &trace("second"));
    folder.file("a.json", &trace("first"));
    folder.file("notes.txt", "not read");
    let path = second.parent().unwrap();
    let samples = rows(at(path), 9).unwrap();
    let names = samples.rows.iter().filter_map(|row| row.turn.as_deref());
    let names: Vec<&str> = names.map(|turn| &*turn.id.name).collect();
    assert_eq!(names, ["first", "second"]);
    folder.file(
        "c.json",
        "{\"id\": \"first\", \"requests\": [{\"t\": -1, \"in\": 5}]}\n",
    );
    let error = rows(at(path), 9).unwrap_err().to_string();
    assert!(
        error.contains("`c.json`, line 1, requests[0]: field `t` is -1"),
        "{error}"
    );
}

#[test]
fn spans_as_sdks_print_them_are_read() {
    let text = r#"{"name": "chat m", "context": {"trace_id": "0xAB", "span_id": "0x01", "trace_state": "[]"}, "kind": "SpanKind.CLIENT", "parent_id": null, "start_time": "2026-02-25T10:00:00.000000Z", "end_time": "2026-02-25T10:00:01.500000Z", "attributes": {"gen_ai.operation.name": "chat", "gen_ai.input.messages": "[{\"role\": \"user\", \"content\": \"hi\"}]", "gen_ai.output.messages": "[{\"role\": \"assistant\", \"parts\": [{\"type\": \"text\", \"content\": \"one two three\"}]}]"}}
{"trace_id": "ab", "span_id": "02", "name": "chat m", "start_time": "2026-02-25T10:00:02Z", "end_time": "2026-02-25T10:00:03Z", "attributes": {}, "events": [{"name": "gen_ai.client.inference.operation.details", "attributes": {"gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "more"}, {"type": "uri", "modality": "image", "uri": "http://h/a.png"}, {"type": "file", "file_id": "f"}]}]}}]}"#;
    let samples = of(text, None).unwrap();
    insta::assert_snapshot!(shown(&samples));
    let Prompt::Messages(messages) = &samples.rows[1].prompt else {
        panic!("messages")
    };
    let expected = json!([{"role": "user", "content": [
        {"type": "text", "text": "more"},
        {"type": "image_url", "image_url": {"url": "http://h/a.png"}}
    ]}]);
    assert_eq!(json!(messages), expected);
}

#[test]
fn messages_of_the_conventions_become_those_of_an_api() {
    let samples = of_fixture("otel");
    let last = samples
        .rows
        .iter()
        .rfind(|row| row.overrides.is_empty())
        .unwrap();
    assert!(matches!(&last.prompt, Prompt::Messages(messages) if messages.len() == 1));
    let joined = samples.rows.iter().find(|row| {
        row.turn
            .as_deref()
            .is_some_and(|turn| turn.after.len() == 2)
    });
    let Prompt::Messages(messages) = &joined.unwrap().prompt else {
        panic!("messages")
    };
    insta::assert_snapshot!(serde_json::to_string_pretty(messages).unwrap());
}

#[test]
fn a_call_that_two_libraries_recorded_is_sent_once() {
    let span = |id: &str, parent: &str, text: &str| {
        format!(
            r#"{{"trace_id": "a", "span_id": "{id}", "parent_span_id": "{parent}", "start_time": 5, "end_time": 9, "attributes": {{"gen_ai.operation.name": "chat", "gen_ai.input.messages": [{{"role": "user", "content": "{text}"}}]}}}}"#
        )
    };
    let text = [span("1", "", "x"), span("2", "1", "x"), span("3", "2", "y")].join("\n");
    let samples = of(&text, None).unwrap();
    assert_eq!(samples.rows.len(), 2, "{}", shown(&samples));
    assert!(
        samples.notes[0].contains("1 spans of model calls repeat"),
        "{:?}",
        samples.notes
    );
}

#[rstest]
#[case::mooncake(
    r#"{"input_length": 5, "text_input": "x"}
{"output_length": 5, "session_id": "a"}
{"session_id": " ", "input_length": 9, "hash_ids": [1, "2"]}
{"input_length": 900, "hash_ids": [1]}
{"text_input": "x", "hash_ids": [1], "delay": -5, "timestamp": "now"}
{"session_id": "s", "timestamp": 5, "input_length": 5, "hash_ids": [1]}
{"session_id": "s", "timestamp": 4, "text_input": "x"}
{"messages": [{"role": "assistant", "content": "x"}], "tools": []}
{"messages": [{"content": "x"}], "assistant_responses": "maybe"}
{"payload": {"model": "m"}}
{"text_input": "late"
{"input_length": 20000000}"#,
    AgentFormat::Mooncake
)]
#[case::weka(
    r#"{"id": "a", "requests": [{"in": 5}, {"t": 1, "type": "x"}, {"t": 2, "in": 5, "api_time": -1, "hash_ids": 3}, 7]}
{"id": "", "block_size": 0, "hash_id_scope": 1, "requests": []}
{"id": "b", "requests": []}
{"id": "c", "requests": [{"t": 0, "in": 5}]}
{"id": "c", "requests": [{"t": 0, "in": 5}, {"t": 1, "type": "subagent", "requests": [{"t": 1e9, "in": 1}]}]}
{"requests": 3}"#,
    AgentFormat::Weka
)]
#[case::bailian(
    r#"{"chat_id": 1, "parent_chat_id": 2, "timestamp": 1, "input_length": 5, "output_length": 5}
{"chat_id": 2, "parent_chat_id": 1, "timestamp": 1, "input_length": 5, "output_length": 5}
{"chat_id": 3, "parent_chat_id": -1, "timestamp": 9, "input_length": 5, "output_length": 5}
{"chat_id": 3, "parent_chat_id": -1, "timestamp": 1, "input_length": 5, "output_length": 5}
{"chat_id": 4, "parent_chat_id": 3, "timestamp": 0, "input_length": 5, "output_length": 5}
{"chat_id": 5, "parent_chat_id": 99, "timestamp": 0, "input_length": 5, "output_length": 5}
{"chat_id": "x", "timestamp": null, "input_length": 17, "output_length": -5, "hash_ids": [1]}
[]"#,
    AgentFormat::Bailian
)]
#[case::otel(
    r#"{"spans": [{"trace_id": "a", "span_id": "1", "start_time": 5, "end_time": 4}, {"span_id": "0x00", "start_time": "noon"}, 3]}
{"resourceSpans": [{"scopeSpans": [{"spans": 3}]}]}
{"trace_id": "a", "span_id": "2", "parent_span_id": "3", "start_time": 5, "end_time": 9}
{"trace_id": "a", "span_id": "3", "parent_span_id": "2", "start_time": 5, "end_time": 9, "attributes": {"gen_ai.input.messages": [{"role": "user", "content": "x"}]}}
{"trace_id": "a", "span_id": "4", "start_time": 5, "end_time": 9, "attributes": {"gen_ai.operation.name": "chat"}}
{"trace_id": "a", "span_id": "5", "start_time": 5, "end_time": 9, "attributes": {"gen_ai.input.messages": "[oops"}}
{"trace_id": "a", "span_id": "6", "start_time": 5, "end_time": 9, "attributes": {"gen_ai.input.messages": [{"role": "system", "content": "x"}]}}
{"trace_id": "a", "span_id": "2", "start_time": 5, "end_time": 9}"#,
    AgentFormat::Otel
)]
fn every_problem_is_named_with_its_place(#[case] text: &str, #[case] format: AgentFormat) {
    let error = of(text, Some(format)).unwrap_err();
    let shown: Vec<String> = error
        .sentences()
        .iter()
        .map(|sentence| sentence.rsplit_once("trace.jsonl`").unwrap().1.to_owned())
        .collect();
    insta::assert_snapshot!(format!("problems_{}", format.name()), shown.join("\n"));
}

#[test]
fn more_active_sessions_than_there_are_are_refused() {
    let settings = Agents {
        active: Some(99),
        ..at(&fixture("datasets/agents_weka.jsonl"))
    };
    let error = rows(settings, 100).unwrap_err().to_string();
    assert!(
        error.contains("fewer than the 99 that are to go on at a time"),
        "{error}"
    );
}

#[test]
fn a_window_of_a_recording_may_begin_in_the_middle_of_sessions() {
    let line = r#"{"chat_id": 5, "parent_chat_id": 99, "timestamp": 0, "input_length": 5, "output_length": 5}"#;
    let error = of(line, None).unwrap_err().to_string();
    assert!(error.contains("set `agents(orphans)`"), "{error}");
    let folder = scratch();
    let path = folder.file("window.jsonl", line);
    let settings = Agents {
        path,
        orphans: true,
        ..Agents::default()
    };
    let samples = draw(&Dataset::Agents(settings), 100, 0, &Tokenizer::none()).unwrap();
    assert_eq!(samples.rows.len(), 1);
    assert!(
        samples.notes[0].starts_with("1 request goes on"),
        "{:?}",
        samples.notes
    );
}

#[rstest]
#[case::empty("", "has no session with a request")]
#[case::no_json("hello", "line 1: is not JSON")]
#[case::cut("[{\"chat_id\": 1}\n", "line 2: is not JSON")]
#[case::unknown(
    "{\"prompt\": \"x\"}",
    "has the fields `prompt`, which no known format has"
)]
#[case::no_calls(
    "{\"trace_id\": \"a\", \"span_id\": \"1\", \"start_time\": 5, \"end_time\": 9}",
    "has no span of a model call"
)]
#[case::half_timed(
    "{\"text_input\": \"a\", \"timestamp\": 1}\n{\"text_input\": \"b\"}",
    "line 2: field `timestamp` is missing, but other sessions have one"
)]
fn files_that_are_refused(#[case] text: &str, #[case] why: &str) {
    let error = of(text, None).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
}

#[test]
fn a_session_of_years_is_refused() {
    let line = "{\"session_id\": \"a\", \"text_input\": \"x\", \"delay\": 31000000000}\n";
    let error = of(&line.repeat(3), None).unwrap_err().to_string();
    assert!(error.contains("session `a` lasts 718 days"), "{error}");
}

/// Neither a long chain nor a wide fork takes more than about linear time: these would take hours otherwise.
#[rstest]
#[case::a_chain(|index: usize| index as i64 - 1)]
#[case::a_fan(|index: usize| if index == 0 { -1 } else { 0 })]
fn large_trees_are_read(#[case] parent: fn(usize) -> i64) {
    let line = |index| {
        format!(
            "{{\"chat_id\": {index}, \"parent_chat_id\": {}, \"timestamp\": 1, \"input_length\": 1, \"output_length\": 1}}\n",
            parent(index)
        )
    };
    let text: String = (0..50_000).rev().map(line).collect();
    let samples = of(&text, None).unwrap();
    assert_eq!(samples.rows.len(), 100);
}
