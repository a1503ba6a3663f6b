//! Answers as servers and the gateways before them really write them. What each counts as is in
//! `docs/servers.md`; every backend reads all of them.

use super::{
    all,
    answers::{Golden, answers},
    in_pieces,
};
use crate::{
    backend::Backend,
    clock::Nanos,
    record::{CountSource, Reply, RequestError, Task, TokenCount},
};
use rstest::rstest;
use serde_json::{Map, Value};

/// Every golden answer of every backend.
fn each(mut check: impl FnMut(&dyn Backend, &Golden)) {
    for backend in all() {
        for golden in answers(backend.name()) {
            check(&*backend, &golden);
        }
    }
}

fn read(backend: &dyn Backend, golden: &Golden, body: &[u8]) -> (Reply, Result<(), RequestError>) {
    in_pieces(backend, golden.stream, &[body])
}

/// The body with every JSON object of the dialect changed.
fn with_objects(golden: &Golden, change: impl Fn(&str) -> Vec<u8>) -> Vec<u8> {
    let mut body = Vec::new();
    for line in golden.body.split_inclusive('\n') {
        match line.find('{') {
            Some(at) if line.ends_with("}\n") || line.ends_with("}\r\n") || line.ends_with('}') => {
                let end = line.rfind('}').unwrap() + 1;
                body.extend_from_slice(&line.as_bytes()[..at]);
                body.extend(change(&line[at..end]));
                body.extend_from_slice(&line.as_bytes()[end..]);
            }
            _ => body.extend_from_slice(line.as_bytes()),
        }
    }
    body
}

/// Fields that are not read do not matter, whatever they hold.
#[rstest]
#[case::half_a_pair(br#""zz":"\ud83d and \ude00","#)]
#[case::no_number(br#""zz":[NaN,Infinity,-Infinity],"#)]
#[case::huge_number(br#""zz":1e999,"#)]
#[case::no_text(b"\"zz\":\"\xF0\x9F \xFF\",")]
#[case::null_character(br#""zz":"\u0000","#)]
#[case::nested(br#""zz":{"choices":7,"usage":"none"},"#)]
fn odd_fields_change_nothing(#[case] field: &[u8]) {
    each(|backend, golden| {
        let body = with_objects(golden, |json| [b"{", field, &json.as_bytes()[1..]].concat());
        assert_ne!(body, golden.body.as_bytes(), "{}", backend.name());
        let plain = read(backend, golden, golden.body.as_bytes());
        assert_eq!(read(backend, golden, &body), plain, "{}", backend.name());
    });
}

#[test]
fn of_equal_keys_the_last_counts() {
    each(|backend, golden| {
        let body = with_objects(golden, |json| {
            let fields: Map<String, Value> = serde_json::from_str(json).unwrap();
            let wrong: String = fields
                .keys()
                .map(|key| format!("{key:?}:\"wrong\","))
                .collect();
            format!("{{{wrong}{}", &json[1..]).into_bytes()
        });
        let plain = read(backend, golden, golden.body.as_bytes());
        assert_eq!(read(backend, golden, &body), plain, "{}", backend.name());
    });
}

/// An invalid text is still a token.
#[rstest]
#[case::half_a_pair(b"\\ud83d")]
#[case::bytes(b"\xFF")]
fn what_is_no_text_is_replaced(#[case] inserted: &[u8]) {
    each(|backend, golden| {
        let plain = read(backend, golden, golden.body.as_bytes()).0;
        if plain.text.is_empty() {
            return;
        }
        // Wherever it begins, as some servers repeat it.
        let begins = |length: usize| format!("\"{}", &golden.text[..length]);
        let lengths = [2, 3, 1]
            .into_iter()
            .filter(|length| golden.text.is_char_boundary(*length));
        let found = lengths
            .map(begins)
            .find(|begin| golden.body.contains(begin.as_str()));
        let begin = found.unwrap();
        let body = golden
            .body
            .replace(&begin, &begin.replacen('"', "\"\u{1}", 1));
        let bytes = body.bytes().flat_map(|byte| match byte {
            1 => inserted.to_vec(),
            other => vec![other],
        });
        let body: Vec<u8> = bytes.collect();
        let (reply, result) = read(backend, golden, &body);
        assert_eq!(result, Ok(()), "{}", backend.name());
        // TGI repeats the whole text at the end.
        let repeats = backend.name() == "tgi" && golden.stream;
        assert!(
            repeats || reply.text.contains('\u{fffd}'),
            "{}",
            backend.name()
        );
        assert_eq!(reply.events.len(), plain.events.len(), "{}", backend.name());
    });
}

/// Names of the counts of generated tokens.
const GENERATED: [&str; 6] = [
    "completion_tokens",
    "output_tokens",
    "eval_count",
    "generated_tokens",
    "tokens_predicted",
    "total_tokens",
];

/// The body with all counts of generated tokens replaced.
fn with_counts(golden: &Golden, odd: impl Fn(&str) -> String) -> String {
    let mut body = golden.body.to_owned();
    for name in GENERATED {
        let key = format!("\"{name}\":");
        let mut done = String::new();
        while let Some(at) = body.find(&key) {
            let start = at + key.len();
            let value = body[start..].trim_start();
            let start = body.len() - value.len();
            let length = value.find(|c: char| !c.is_ascii_digit()).unwrap();
            done += &body[..start];
            done += &match length {
                0 => String::new(),
                _ => odd(&value[..length]),
            };
            body = body[start + length..].to_owned();
        }
        body = done + &body;
    }
    body
}

#[test]
fn a_whole_float_is_a_count() {
    each(|backend, golden| {
        let body = with_counts(golden, |count| format!("{count}.0"));
        let plain = read(backend, golden, golden.body.as_bytes());
        assert_eq!(
            read(backend, golden, body.as_bytes()),
            plain,
            "{}",
            backend.name()
        );
    });
}

#[rstest]
#[case::negative("-35")]
#[case::fraction("2.25")]
#[case::text("\"12\"")]
#[case::null("null")]
#[case::huge("18446744073709551615")]
#[case::huge_float("1e300")]
#[case::beyond_numbers("1e999")]
#[case::no_number("NaN")]
#[case::list("[12]")]
#[case::object("{}")]
#[case::truth("true")]
fn a_count_that_is_none_is_not_believed(#[case] odd: &str) {
    each(|backend, golden| {
        let name = backend.name();
        let body = with_counts(golden, |_| odd.to_owned());
        let (reply, result) = read(backend, golden, body.as_bytes());
        assert_eq!(result, Ok(()), "{name}");
        if backend.task() == Task::Pool {
            return assert!(reply.answered.is_some(), "{name}");
        }
        let usage = reply.usage.and_then(|usage| usage.completion_tokens);
        assert_eq!(usage, None, "{name}");
        let counted = TokenCount::of_reply(&reply);
        assert_eq!(counted.source, CountSource::Estimate, "{name}");
        assert!(counted.tokens >= reply.events.len() as u64, "{name}");
        assert_eq!(reply.text, golden.text, "{name}");
    });
}

/// What servers send to keep connections open.
const HEARTBEATS: [&str; 9] = [
    ": ping\n\n",
    ":\n",
    "data:\n\n",
    "data: ping\n\n",
    "data: 12\n\n",
    "data: null\n\n",
    "data: []\n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    "event: heartbeat\nid: 7\nretry: 10\n\n",
];

#[test]
fn heartbeats_are_passed_over() {
    each(|backend, golden| {
        if !golden.stream || !backend.streams() {
            return;
        }
        let lines = backend.name() == "ollama";
        let (end, heartbeats) = if lines {
            (
                "\n",
                vec!["\n", "ping\n", "\r\n", "0\n", "{\"type\":\"ping\"}\n"],
            )
        } else {
            ("\n\n", HEARTBEATS.to_vec())
        };
        let plain = read(backend, golden, golden.body.as_bytes()).0;
        for heartbeat in heartbeats {
            let body: String = golden
                .body
                .split_inclusive(end)
                .flat_map(|event| [heartbeat, event])
                .collect();
            let (reply, result) = read(backend, golden, body.as_bytes());
            let name = backend.name();
            assert_eq!(result, Ok(()), "{name}, {heartbeat:?}");
            // An object of Ollama's is a line, whatever it holds.
            let same = reply.text == plain.text && reply.usage == plain.usage;
            assert!(same, "{name}, {heartbeat:?}");
            if !heartbeat.starts_with('{') {
                assert_eq!(
                    reply.events.len(),
                    plain.events.len(),
                    "{name}, {heartbeat:?}"
                );
            }

            // Nor do they move a time limit.
            let mut decoder = backend.decoder(true);
            let mut reply = Reply::default();
            let half = body.len() / 2;
            let at = body[..half].rfind(end).unwrap() + end.len();
            decoder
                .data(Nanos(1), &body.as_bytes()[..at], &mut reply)
                .unwrap();
            let progress = reply.progress;
            for beat in 2..9 {
                decoder
                    .data(Nanos(beat), heartbeat.as_bytes(), &mut reply)
                    .unwrap();
            }
            assert_eq!(reply.progress, progress, "{name}, {heartbeat:?}");
        }
    });
}

/// Some servers write it until the last event, instead of null.
#[test]
fn an_empty_finish_reason_is_none() {
    each(|backend, golden| {
        let Some(finish) = golden.finish else { return };
        let name = backend.name();
        if name == "openai-responses" {
            // Its status says the end.
            return;
        }
        let empty = golden.body.replace(&format!(":\"{finish}\""), ":\"\"");
        let (reply, result) = read(backend, golden, empty.as_bytes());
        assert_eq!((reply.finish.as_deref(), result), (None, Ok(())), "{name}");
        if !golden.stream || !golden.body.contains("data: [DONE]") {
            return;
        }
        // Without anything else that says so the answer is not complete.
        let nulls = empty.replace("\"finish_reason\":null", "\"finish_reason\":\"\"");
        let end = nulls.find("data: [DONE]").unwrap();
        let cut = match nulls.find("\"choices\":[],\"usage\"") {
            Some(usage) => nulls[..usage].rfind("data: ").unwrap(),
            None => end,
        };
        let (_, result) = read(backend, golden, &nulls.as_bytes()[..cut]);
        assert!(
            matches!(result, Err(RequestError::Truncated { .. })),
            "{name}: {result:?}"
        );
    });
}

/// A stream says its end, and neither before nor behind that is anything taken for it.
#[test]
fn the_end_is_where_it_is_said() {
    each(|backend, golden| {
        if !golden.stream || !backend.streams() {
            return;
        }
        let name = backend.name();
        let (plain, _) = read(backend, golden, golden.body.as_bytes());
        let mut decoder = backend.decoder(true);
        let mut reply = Reply::default();
        let half = golden.body.len() / 2;
        decoder
            .data(Nanos(1), &golden.body.as_bytes()[..half], &mut reply)
            .unwrap();
        assert!(!reply.done && !decoder.said_end(&reply), "{name}");
        decoder
            .data(Nanos(1), &golden.body.as_bytes()[half..], &mut reply)
            .unwrap();
        // Triton's stream has no mark of its end.
        let marked = name != "tensorrt-llm";
        assert_eq!(decoder.said_end(&reply), marked, "{name}");
        assert_eq!(reply.done, marked, "{name}");
        if marked {
            let more = "data: {\"error\":\"late\"}\n\ndata: nonsense\n\n{\"error\":\"late\"}\n";
            decoder.data(Nanos(1), more.as_bytes(), &mut reply).unwrap();
            assert_eq!(decoder.end(Nanos(1), &mut reply), Ok(()), "{name}");
            assert_eq!(reply, plain, "{name}");
        }
    });
}

/// A byte order mark, and blanks around.
#[test]
fn marks_and_blanks_around_an_answer_are_not_part_of_it() {
    each(|backend, golden| {
        if golden.stream && backend.streams() {
            return;
        }
        let body = format!("\u{feff}\r\n {} \n", golden.body);
        let plain = read(backend, golden, golden.body.as_bytes());
        assert_eq!(
            read(backend, golden, body.as_bytes()),
            plain,
            "{}",
            backend.name()
        );
    });
}

/// The memory that an unfinished answer takes is known, so that it can be bounded.
#[test]
fn what_waits_for_more_is_counted() {
    for backend in all() {
        let mut decoder = backend.decoder(true);
        let mut reply = Reply::default();
        let piece = [b"data: {", "x".repeat(1000).as_bytes()].concat();
        decoder.data(Nanos(1), &piece, &mut reply).unwrap();
        decoder.data(Nanos(1), &piece, &mut reply).unwrap();
        assert!(decoder.held() >= 2000, "{}", backend.name());
    }
}
