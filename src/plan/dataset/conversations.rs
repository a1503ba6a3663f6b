//! `conversations("file.json")`: chats of several turns. A conversation is a session; each message of its user, with
//! what stands next to it, is a request that waits for the answer to the one before.
//!
//! The file is a JSON array, or has a JSON object a line. An entry has `messages` as in OpenAI's API
//! (`{"id": "1", "messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}`), or
//! ShareGPT's `conversations` (`{"id": "1", "conversations": [{"from": "human", "value": "…"}, …]}`).

use super::{
    Sample, Samples, arrange,
    complaints::{self, Complaints},
    custom::chat_length,
    estimate,
    fields::kind,
};
use crate::{
    clock::Nanos,
    plan::{PlanError, PlanSpec, Prompt, Turn},
    record::TurnId,
    sampler::Sampler,
};
use goodput_grammar::dataset::{Conversations, History};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json, value::RawValue};
use std::collections::HashSet;

/// Output tokens of a turn that the file has no answer to, as in `custom`.
const USUAL_OUTPUT: u64 = 256;

/// A conversation as it is in the file.
struct Conversation {
    name: String,
    exchanges: Vec<Exchange>,
}

/// What is sent in one request, and the answer in the file.
struct Exchange {
    messages: Vec<Value>,
    answer: Option<Value>,
}

pub(super) fn sample(settings: &Conversations, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let mut conversations = load(settings)?;
    let found = conversations.len();
    let clients = spec.arrivals.max_concurrency;
    let clients = clients.filter(|_| !spec.arrivals.open_loop());
    if let Some(clients) = settings.active.or(clients)
        && clients > found
    {
        return Err(complaints::whole_file(
            &settings.path,
            format!(
                "has {found} conversations, fewer than the {clients} that are to go on at a time. Lower \
                 `max_concurrency`, or set `conversations(active = {found})`"
            ),
        ));
    }
    arrange(&mut conversations, settings.keep_order, spec.seed);
    let mut samples = Samples::default();
    // A file has no sampler; the grammar refuses it.
    let think = Sampler::new(&settings.think).map_err(PlanError::new)?;
    let mut random = Pcg64Mcg::seed_from_u64(spec.seed);
    for (session, conversation) in conversations.into_iter().enumerate() {
        spec.go_on()?;
        let left = spec.requests - samples.rows.len();
        let turns = settings.turns.map_or(left, |turns| turns.min(left));
        let mut said = Said::default();
        for (number, exchange) in conversation.exchanges.into_iter().take(turns).enumerate() {
            let before = samples.rows.len().checked_sub(1).filter(|_| number > 0);
            let answered = before.is_some() && settings.history == History::Server;
            let tokens = said.tokens + tokens(&exchange.messages, spec);
            let recorded = exchange.answer.as_ref();
            let recorded = recorded.map(|answer| self::tokens(std::slice::from_ref(answer), spec));
            let fixed = settings.output.map(|tokens| tokens as u64);
            let output_tokens = fixed.or(recorded).unwrap_or(USUAL_OUTPUT).max(1);
            let mut messages = exchange.messages;
            if !answered {
                messages.splice(0..0, said.answer);
            }
            said = Said {
                tokens: tokens
                    + match settings.history {
                        History::Server => output_tokens,
                        History::File => recorded.unwrap_or(0),
                    },
                answer: exchange.answer,
            };
            let pause = before.map_or(Nanos(0), |_| Nanos(0).after(think.draw(&mut random)));
            let turn = Turn {
                id: TurnId {
                    session,
                    name: conversation.name.clone(),
                    number,
                },
                after: before.into_iter().collect(),
                pause,
                history: before,
                answered,
            };
            let length = estimate(tokens as usize);
            samples.rows.push(Sample {
                turn: Some(Box::new(turn)),
                ..Sample::new(Prompt::Messages(messages), length, output_tokens)
            });
        }
    }
    samples.tell_fewer(spec.requests);
    Ok(samples)
}

/// What was said in a conversation before a turn.
#[derive(Default)]
struct Said {
    tokens: u64,
    /// The last answer in the file.
    answer: Option<Value>,
}

fn tokens(messages: &[Value], spec: &PlanSpec<'_>) -> u64 {
    chat_length(messages, spec.tokenizer).tokens
}

/// All conversations in the file's order, or everything that is wrong with them.
fn load(settings: &Conversations) -> Result<Vec<Conversation>, PlanError> {
    let path = &settings.path;
    let text = complaints::read(path)?;
    let entries = entries(&text).map_err(|error| {
        complaints::whole_file(
            path,
            format!("is neither a JSON array of conversations nor one JSON object a line: {error}"),
        )
    })?;
    let mut complaints = Complaints::about(path);
    let mut names = HashSet::new();
    let mut conversations = Vec::new();
    for (line, entry) in entries {
        let place = format!("line {line}");
        match conversation(entry) {
            Ok(conversation) => {
                if !names.insert(conversation.name.clone()) {
                    let name = &conversation.name;
                    complaints.add(&place, &format!("field `id` is \"{name}\", as in an earlier conversation; give each its own"));
                }
                conversations.push(conversation);
            }
            Err(mistakes) => mistakes
                .iter()
                .for_each(|what| complaints.add(&place, what)),
        }
    }
    complaints.check()?;
    if conversations.is_empty() {
        return Err(complaints::whole_file(path, "has no conversation"));
    }
    Ok(conversations)
}

/// The entries of a file, each with the line on which it begins.
fn entries(text: &str) -> Result<Vec<(usize, &RawValue)>, serde_json::Error> {
    let raw: Vec<&RawValue> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text)?
    } else {
        serde_json::Deserializer::from_str(text)
            .into_iter()
            .collect::<Result<_, _>>()?
    };
    let (mut line, mut from) = (1, 0);
    let placed = |entry: &'_ RawValue| {
        let at = entry.get().as_ptr() as usize - text.as_ptr() as usize;
        line += text[from..at].matches('\n').count();
        from = at;
        line
    };
    let lines: Vec<usize> = raw.iter().copied().map(placed).collect();
    Ok(lines.into_iter().zip(raw).collect())
}

/// A conversation, or everything that is wrong with it.
fn conversation(entry: &RawValue) -> Result<Conversation, Vec<String>> {
    let entry: Value = serde_json::from_str(entry.get())
        .map_err(|error| vec![format!("is not JSON: {}", complaints::reason(&error))])?;
    let Value::Object(mut entry) = entry else {
        return Err(vec![format!("is {}, not an object", kind(&entry))]);
    };
    let mut mistakes = Vec::new();
    let name = match entry.remove("id") {
        Some(Value::String(name)) if !name.trim().is_empty() => name,
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(_)) => {
            mistakes.push("field `id` is empty; give each conversation its own".to_owned());
            String::new()
        }
        Some(other) => {
            mistakes.push(format!("field `id` is {}, not a string", kind(&other)));
            String::new()
        }
        None => {
            mistakes.push("field `id` is missing; give each conversation its own".to_owned());
            String::new()
        }
    };
    let messages = match (entry.remove("messages"), entry.remove("conversations")) {
        (Some(Value::Array(messages)), _) => Some(messages),
        (None, Some(Value::Array(turns))) => shared(turns, &mut mistakes),
        (Some(other), _) => {
            mistakes.push(format!(
                "field `messages` is {}, not an array",
                kind(&other)
            ));
            None
        }
        (None, Some(other)) => {
            let kind = kind(&other);
            mistakes.push(format!("field `conversations` is {kind}, not an array"));
            None
        }
        (None, None) => {
            mistakes.push("field `messages` is missing (ShareGPT's is `conversations`)".to_owned());
            None
        }
    };
    let exchanges = messages.map(|messages| exchanges(messages, &mut mistakes));
    let exchanges = exchanges.unwrap_or_default();
    if mistakes.is_empty() {
        Ok(Conversation { name, exchanges })
    } else {
        Err(mistakes)
    }
}

/// ShareGPT's turns as messages, unless one is wrong.
fn shared(turns: Vec<Value>, mistakes: &mut Vec<String>) -> Option<Vec<Value>> {
    let count = turns.len();
    let message = |(index, turn): (usize, Value)| {
        let from = turn.get("from").and_then(Value::as_str);
        let role = match from {
            Some("human" | "user") => "user",
            Some("gpt" | "chatgpt" | "bing" | "bard" | "assistant") => "assistant",
            Some("system") => "system",
            _ => {
                mistakes.push(format!(
                    "field `conversations[{index}].from` is not `human`, `gpt` or `system`"
                ));
                return None;
            }
        };
        match turn.get("value") {
            Some(Value::String(text)) => Some(json!({"role": role, "content": text})),
            _ => {
                mistakes.push(format!(
                    "field `conversations[{index}].value` is not a string"
                ));
                None
            }
        }
    };
    let messages: Vec<Value> = turns.into_iter().enumerate().filter_map(message).collect();
    (messages.len() == count).then_some(messages)
}

/// Cuts a chat after each answer. Every piece has a message of its user, or a tool's result.
fn exchanges(messages: Vec<Value>, mistakes: &mut Vec<String>) -> Vec<Exchange> {
    let mut all = Vec::new();
    let mut own = Vec::new();
    let mut asks = false;
    let field = |index: usize| format!("field `messages[{index}]");
    if messages.is_empty() {
        mistakes.push("field `messages` is empty".to_owned());
    }
    for (index, message) in messages.into_iter().enumerate() {
        match message.get("role").and_then(Value::as_str) {
            Some("assistant") => {
                if !asks {
                    mistakes.push(format!(
                        "{}` is an answer, but no message of a user comes before it",
                        field(index)
                    ));
                }
                asks = false;
                all.push(Exchange {
                    messages: std::mem::take(&mut own),
                    answer: Some(message),
                });
            }
            Some(role @ ("user" | "tool" | "function" | "system" | "developer")) => {
                asks |= !matches!(role, "system" | "developer");
                own.push(message);
            }
            Some(role) => mistakes.push(format!(
                "{}.role` is \"{role}\"; expected `user`, `assistant`, `system`, `developer` or `tool`",
                field(index)
            )),
            None => mistakes.push(format!("{}.role` is missing, or not a string", field(index))),
        }
    }
    match (asks, own.is_empty()) {
        (true, _) => all.push(Exchange {
            messages: own,
            answer: None,
        }),
        (false, false) if all.is_empty() => {
            mistakes.push("has no message of a user".to_owned());
        }
        // A system message at the end is followed by nothing that could be asked.
        _ => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{
            dataset::tests::draw,
            testing::{fixture, scratch},
        },
        tokenizer::Tokenizer,
    };
    use goodput_grammar::{dataset::Dataset, sim::Distribution};
    use rstest::rstest;
    use std::{path::Path, time::Duration};

    const TWO: &str = r#"[
  {"id": "a", "messages": [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "one two"},
    {"role": "assistant", "content": "three four five"},
    {"role": "user", "content": "six"},
    {"role": "assistant", "content": "seven"}
  ]},
  {"id": 7, "conversations": [
    {"from": "human", "value": "eight"},
    {"from": "gpt", "value": "nine ten"},
    {"from": "human", "value": "eleven"}
  ]}
]"#;

    fn settings(path: &Path) -> Conversations {
        Conversations {
            path: path.to_owned(),
            keep_order: true,
            ..Conversations::default()
        }
    }

    fn rows(settings: Conversations, requests: usize) -> Result<Samples, PlanError> {
        draw(
            &Dataset::Conversations(settings),
            requests,
            0,
            &Tokenizer::none(),
        )
    }

    fn texts(sample: &Sample) -> Vec<String> {
        let Prompt::Messages(messages) = &sample.prompt else {
            panic!("{sample:?}")
        };
        let text = |message: &Value| message["content"].as_str().unwrap().to_owned();
        messages.iter().map(text).collect()
    }

    #[test]
    fn a_turn_waits_for_the_answer_before_it() {
        let folder = scratch();
        let file = folder.file("two.json", TWO);
        let samples = rows(settings(&file), 9).unwrap();
        let turns: Vec<&Turn> = samples
            .rows
            .iter()
            .filter_map(|row| row.turn.as_deref())
            .collect();
        let places: Vec<(&str, usize, &[usize])> = turns
            .iter()
            .map(|turn| (&*turn.id.name, turn.id.number, &turn.after[..]))
            .collect();
        assert_eq!(
            places,
            [
                ("a", 0, &[][..]),
                ("a", 1, &[0][..]),
                ("7", 0, &[][..]),
                ("7", 1, &[2][..])
            ]
        );
        assert_eq!(texts(&samples.rows[0]), ["be brief", "one two"]);
        // The server's own answer goes between them.
        assert_eq!(texts(&samples.rows[1]), ["six"]);
        assert!(turns[1].answered && turns[1].history == Some(0));
        assert_eq!(samples.notes.len(), 1, "{:?}", samples.notes);
    }

    #[test]
    fn the_files_answers_are_the_history_if_asked_for() {
        let folder = scratch();
        let file = folder.file("history.json", TWO);
        let of_file = Conversations {
            history: History::File,
            ..settings(&file)
        };
        let samples = rows(of_file, 2).unwrap();
        assert_eq!(texts(&samples.rows[1]), ["three four five", "six"]);
        let turn = samples.rows[1].turn.as_deref().unwrap();
        assert!(!turn.answered && turn.history == Some(0));
    }

    #[test]
    fn lengths_are_those_of_the_file_and_add_up() {
        let folder = scratch();
        let file = folder.file("lengths.json", TWO);
        let lengths = |settings: Conversations| {
            let samples = rows(settings, 4).unwrap();
            let length = |row: &Sample| (row.input.tokens, row.output_tokens);
            samples.rows.iter().map(length).collect::<Vec<_>>()
        };
        let [first, second, .., last] = lengths(settings(&file))[..] else {
            panic!("four requests")
        };
        assert!(second.0 > first.0 + first.1);
        assert_eq!(last.1, USUAL_OUTPUT);
        let fixed = Conversations {
            output: Some(3),
            ..settings(&file)
        };
        assert!(lengths(fixed).iter().all(|(_, output)| *output == 3));
    }

    #[test]
    fn think_time_and_turns_are_settings() {
        let folder = scratch();
        let file = folder.file("think.json", TWO);
        let settings = Conversations {
            think: Distribution::Uniform(Duration::from_secs(1), Duration::from_secs(2)),
            turns: Some(1),
            ..settings(&file)
        };
        let samples = rows(settings.clone(), 9).unwrap();
        assert_eq!(samples.rows.len(), 2);
        let samples = rows(
            Conversations {
                turns: None,
                ..settings
            },
            9,
        )
        .unwrap();
        let pauses = samples
            .rows
            .iter()
            .map(|row| row.turn.as_deref().unwrap().pause);
        let pauses: Vec<f64> = pauses.map(|pause| pause.as_secs_f64()).collect();
        assert_eq!((pauses[0], pauses[2]), (0.0, 0.0));
        assert!((1.0..=2.0).contains(&pauses[1]) && (1.0..=2.0).contains(&pauses[3]));
    }

    #[test]
    fn lines_of_json_are_read_too() {
        let lines = "{\"id\": \"a\", \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}\n\n\
                     {\"id\": \"b\", \"messages\": [{\"role\": \"user\", \"content\": \"y\"}]}\n";
        let folder = scratch();
        let file = folder.file("lines.jsonl", lines);
        assert_eq!(rows(settings(&file), 5).unwrap().rows.len(), 2);
    }

    #[test]
    fn the_fixture_is_read() {
        let samples = rows(settings(&fixture("datasets/conversations.json")), 100).unwrap();
        assert!(samples.rows.len() > 4);
    }

    #[test]
    fn every_problem_is_named_with_its_line() {
        let bad = r#"[
{"messages": [{"role": "user", "content": "x"}]},
{"id": " ", "messages": []},
{"id": "a", "messages": [{"role": "assistant", "content": "x"}]},
{"id": "b", "messages": [{"role": "system", "content": "x"}]},
{"id": "c", "messages": [{"role": "user", "content": "x"}, {"role": "robot"}, {}]},
{"id": "d", "conversations": [{"from": "moon", "value": 1}]},
{"id": "e", "messages": 3},
{"id": "f"},
7]"#;
        let folder = scratch();
        let file = folder.file("bad.json", bad);
        let error = rows(settings(&file), 5).unwrap_err();
        let shown: Vec<String> = error
            .sentences()
            .iter()
            .map(|sentence| sentence.rsplit_once("bad.json`").unwrap().1.to_owned())
            .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[rstest]
    #[case::same_id(
        "[{\"id\": \"a\", \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]},\n\
         {\"id\": \"a\", \"messages\": [{\"role\": \"user\", \"content\": \"y\"}]}]",
        "line 2: field `id` is \"a\", as in an earlier conversation"
    )]
    #[case::none("[]", "has no conversation")]
    #[case::text(
        "hello",
        "is neither a JSON array of conversations nor one JSON object a line"
    )]
    fn files_that_are_refused(#[case] text: &str, #[case] why: &str) {
        let folder = scratch();
        let file = folder.file("refused.json", text);
        let error = rows(settings(&file), 5).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn more_clients_than_conversations_are_refused() {
        let folder = scratch();
        let file = folder.file("few.json", TWO);
        let settings = Conversations {
            active: Some(3),
            ..settings(&file)
        };
        let error = rows(settings, 5).unwrap_err().to_string();
        assert!(
            error.contains("has 2 conversations, fewer than the 3"),
            "{error}"
        );
    }
}
