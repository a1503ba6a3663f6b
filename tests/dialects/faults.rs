//! Every fault in every dialect that streams: four tokens at 50, 60, 70 and 80 ms.

use crate::{
    Answered, End, answer,
    spoken::{Said, Spoken},
};
use goodput::{clock::Nanos, grammar::fault::KINDS};
use rstest::rstest;

const TOKENS: [&str; 4] = [" the", " of", " and", " to"];

struct Heard {
    spoken: Spoken,
    answered: Answered,
    events: Vec<Said>,
}

fn hear(spoken: Spoken, faults: &str) -> Heard {
    let answered = answer(faults, spoken.path(), &spoken.body(4, true)).unwrap();
    assert_eq!(answered.status, 200);
    // What was cut off in the middle of an event is no event.
    let text = String::from_utf8_lossy(&answered.bytes()).replace("\r\n", "\n");
    let end = match spoken {
        Spoken::OllamaChat | Spoken::OllamaGenerate => "\n",
        _ => "\n\n",
    };
    let whole = text.rfind(end).map_or("", |at| &text[..at + end.len()]);
    Heard {
        spoken,
        events: spoken.events(whole),
        answered,
    }
}

impl Heard {
    fn texts(&self) -> Vec<String> {
        self.spoken.texts(&self.events)
    }

    fn usage(&self) -> Option<u64> {
        self.events.iter().rev().find_map(|said| said.usage)
    }

    fn done(&self) -> bool {
        self.events.last().is_some_and(|said| said.done)
    }

    fn error(&self) -> Option<&str> {
        self.events.iter().find_map(|said| said.error.as_deref())
    }

    /// The milliseconds at which chunks came, each once.
    fn times(&self) -> Vec<u64> {
        let each = self.answered.chunks.iter();
        let mut times: Vec<u64> = each.map(|(at, _)| at.0 / 1_000_000).collect();
        times.dedup();
        times
    }
}

/// Every kind of fault, in a form that shows.
const FAULTS: [&str; 21] = [
    "refuse",
    "slow_headers(1s)",
    "stall(1s, after = 2)",
    "stall(after = 2)",
    "reset(after = 2)",
    "cut(after = 2)",
    "end_early(after = 2)",
    "truncated_utf8(after = 2)",
    "error_event(after = 2, message = 'out of memory')",
    "status(503, retry_after = 3)",
    "no_usage",
    "wrong_usage(7)",
    "no_done",
    "duplicate(after = 2)",
    "role_only(after = 2)",
    "empty(after = 2)",
    "usage_only(after = 2)",
    "tokens_per_chunk(2)",
    "crlf",
    "drip(1ms, bytes = 16)",
    "no_tokens",
];

#[test]
fn no_kind_is_left_out() {
    // It shows where a request asks for a structure: `bench/structured/tests.rs` looks at it in every dialect.
    let elsewhere = ["invalid_answer"];
    for kind in KINDS.iter().filter(|kind| !elsewhere.contains(kind)) {
        let looked_at = |fault: &&str| fault.split('(').next() == Some(*kind);
        assert!(FAULTS.iter().any(looked_at), "`{kind}` is not looked at");
    }
}

/// What a fault changes, for each dialect: `hear` it and compare with what no fault gives.
#[rstest]
fn every_fault_shows(
    #[values(
        Spoken::Chat,
        Spoken::Completions,
        Spoken::Responses,
        Spoken::Messages,
        Spoken::Tgi,
        Spoken::Sglang,
        Spoken::Llama,
        Spoken::OllamaChat,
        Spoken::OllamaGenerate
    )]
    spoken: Spoken,
) {
    for fault in FAULTS {
        it_shows(spoken, fault);
    }
}

fn it_shows(spoken: Spoken, fault: &str) {
    let (path, body) = (spoken.path(), spoken.body(4, true));
    match fault {
        "refuse" => return assert!(answer(fault, path, &body).is_none()),
        "status(503, retry_after = 3)" => {
            let answered = answer(fault, path, &body).unwrap();
            assert_eq!(answered.status, 503);
            assert_eq!(answered.headers["retry-after"], "3");
            return;
        }
        _ => {}
    }
    let plain = hear(spoken, "");
    assert_eq!(plain.texts(), TOKENS);
    assert_eq!(plain.times(), [50, 60, 70, 80]);
    assert_eq!((plain.usage(), plain.done()), (Some(4), true));
    assert_eq!(plain.answered.end, End::Complete);

    let heard = hear(spoken, fault);
    let texts = heard.texts();
    let end = &heard.answered.end;
    match fault {
        "slow_headers(1s)" => {
            assert_eq!(heard.answered.head_at, Nanos(1_000_000_000));
            assert_eq!((texts, heard.done()), (plain.texts(), true));
        }
        "stall(1s, after = 2)" => {
            assert_eq!(heard.times(), [50, 60, 1_070, 1_080]);
            assert_eq!(texts, TOKENS);
        }
        "stall(after = 2)" => {
            assert_eq!(texts, TOKENS[..2]);
            assert_eq!(end, &End::Silent);
        }
        "reset(after = 2)" => {
            assert_eq!(texts, TOKENS[..2]);
            assert_eq!(end, &End::Broken);
        }
        "cut(after = 2)" => {
            assert_eq!((texts.len(), end), (2, &End::Broken));
            let plain = plain.answered.bytes();
            let cut = heard.answered.bytes();
            assert!(plain.starts_with(&cut) && !cut.ends_with(b"\n"));
        }
        "end_early(after = 2)" => {
            assert_eq!(texts, TOKENS[..2]);
            assert_eq!(
                (end, heard.done(), heard.error()),
                (&End::Complete, false, None)
            );
        }
        "truncated_utf8(after = 2)" => {
            let bytes = heard.answered.bytes();
            assert!(std::str::from_utf8(&bytes).is_err());
            let without: Vec<u8> = String::from_utf8_lossy(&bytes)
                .replace('\u{FFFD}', "")
                .into();
            assert_eq!(without, plain.answered.bytes());
        }
        "error_event(after = 2, message = 'out of memory')" => {
            assert!(heard.error().unwrap().contains("out of memory"));
            assert_eq!(texts[..2], TOKENS[..2]);
            assert_eq!((texts.len(), end), (2, &End::Complete));
        }
        "no_usage" => {
            assert_eq!(heard.usage(), None);
            assert_eq!((texts, heard.done()), (plain.texts(), true));
        }
        "wrong_usage(7)" => {
            assert_eq!(heard.usage(), Some(7));
            assert_eq!(texts, TOKENS);
        }
        "no_done" => {
            assert!(!heard.done());
            assert_eq!((&texts, end), (&plain.texts(), &End::Complete));
        }
        "duplicate(after = 2)" => {
            let third = if spoken == Spoken::Sglang { "" } else { " and" };
            assert_eq!(texts, [" the", " of", " and", third, " to"]);
        }
        "role_only(after = 2)" => {
            let roles = |heard: &Heard| heard.events.iter().filter(|said| said.role).count();
            let more = usize::from(spoken == Spoken::Chat);
            assert_eq!(roles(&heard), roles(&plain) + more);
            assert_eq!(texts, TOKENS);
        }
        "empty(after = 2)" => assert_eq!(texts, [" the", " of", "", " and", " to"]),
        "usage_only(after = 2)" => {
            let counts = |heard: &Heard| {
                heard
                    .events
                    .iter()
                    .filter_map(|said| said.usage)
                    .collect::<Vec<_>>()
            };
            let (mut with, without) = (counts(&heard), counts(&plain));
            match spoken {
                Spoken::Tgi | Spoken::Llama | Spoken::OllamaChat | Spoken::OllamaGenerate => {}
                _ => {
                    let extra = with.iter().position(|&count| count == 2).unwrap();
                    with.remove(extra);
                }
            }
            assert_eq!(with, without);
            assert_eq!(texts.concat(), TOKENS.concat());
        }
        "tokens_per_chunk(2)" => {
            assert_eq!(texts, [" the of", " and to"]);
            assert_eq!(heard.times(), [60, 80]);
        }
        "crlf" => {
            let text = heard.answered.text();
            assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
            assert_eq!(text.replace("\r\n", "\n"), plain.answered.text());
        }
        "drip(1ms, bytes = 16)" => {
            assert!(
                heard
                    .answered
                    .chunks
                    .iter()
                    .all(|(_, chunk)| chunk.len() <= 16)
            );
            assert_eq!(heard.answered.text(), plain.answered.text());
        }
        "no_tokens" => {
            assert_eq!(texts.concat(), "");
            assert_eq!((heard.done(), end), (true, &End::Complete));
        }
        other => panic!("{other} is not looked at"),
    }
}

/// The same in one piece, where something is left of a fault.
#[rstest]
fn faults_of_whole_answers(
    #[values(
        Spoken::Chat,
        Spoken::Completions,
        Spoken::Responses,
        Spoken::Messages,
        Spoken::Sglang,
        Spoken::Llama,
        Spoken::OllamaChat,
        Spoken::OllamaGenerate
    )]
    spoken: Spoken,
) {
    let ask = |fault: &str| answer(fault, spoken.path(), &spoken.body(4, false)).unwrap();
    let plain = ask("").text();
    assert_eq!(plain.matches(" the of and to").count(), 1, "{plain}");
    assert_eq!(ask("").chunks[0].0, Nanos(80_000_000));

    let cut = ask("cut");
    assert_eq!(cut.end, End::Broken);
    assert!(plain.starts_with(&cut.text()) && cut.text() != plain);

    let spoiled = ask("truncated_utf8").bytes();
    assert!(std::str::from_utf8(&spoiled).is_err());
    assert_eq!(
        String::from_utf8_lossy(&spoiled).replace('\u{FFFD}', ""),
        plain
    );

    assert!(
        ask("error_event(message = 'out of memory')")
            .text()
            .contains("out of memory")
    );
    assert!(!ask("no_tokens").text().contains(" the of"));
    assert_ne!(ask("wrong_usage(7)").text(), plain);
    assert_ne!(ask("no_usage").text(), plain);
}
