//! `conversations("file.json")`: chats of several turns. A conversation is a session; each message of its user, with
//! what stands next to it, is a request that waits for the answer to the one before.
//!
//! The file is a JSON array, or has a JSON object a line. An entry has `messages` as in OpenAI's API
//! (`{"id": "1", "messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}`), or
//! ShareGPT's `conversations` (`{"id": "1", "conversations": [{"from": "human", "value": "…"}, …]}`).
//!
//! A file with one object that has a `filetype` describes conversations to be made: see `generator`.

mod file;
mod generator;

use super::{
    Sample, Samples, arrange,
    complaints::{self, Complaints},
    custom::chat_length,
    estimate,
};
use crate::{
    clock::Nanos,
    plan::{PlanError, PlanSpec, Prompt, Turn},
    record::TurnId,
    sampler::Sampler,
};
use file::{Content, Conversation, load};
use goodput_grammar::dataset::{Conversations, History};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use serde_json::Value;

/// Output tokens of a turn that the file has no answer to, as in `custom`.
const USUAL_OUTPUT: u64 = 256;

pub(super) fn sample(settings: &Conversations, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let content = load(&settings.path)?;
    let found = match &content {
        Content::Listed(conversations, _) => conversations.len(),
        Content::Described(generator) => generator.conversations,
    };
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
    let mut samples = Samples::default();
    let conversations = match content {
        Content::Listed(mut conversations, note) => {
            samples.notes.extend(note);
            if settings.history == History::Server {
                check_tools(settings, &conversations)?;
            }
            arrange(&mut conversations, settings.keep_order, spec.seed);
            conversations
        }
        // All of them are drawn in the same way, so their order says nothing.
        Content::Described(generator) => {
            let made = generator.make(&settings.path, settings.turns, spec)?;
            samples.notes.extend(made.stats);
            samples.tell_tokenizer(spec);
            made.conversations
        }
    };
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
                earliest: Nanos(0),
                history: before,
                answered,
            };
            let length = estimate(tokens as usize);
            samples.rows.push(Sample {
                turn: Some(Box::new(turn)),
                client: conversation.client.clone(),
                ..Sample::new(Prompt::Messages(messages), length, output_tokens)
            });
        }
    }
    samples.tell_fewer(spec.requests);
    Ok(samples)
}

/// How the conversations of a file are made, as names and values; empty if they are in the file.
#[cfg(feature = "cli")]
pub(crate) fn described(path: &std::path::Path) -> Vec<(String, String)> {
    match load(path) {
        Ok(Content::Described(generator)) => generator.parameters(),
        _ => Vec::new(),
    }
}

/// Refuses results of tools after an answer of the server, which has not called these tools.
fn check_tools(settings: &Conversations, conversations: &[Conversation]) -> Result<(), PlanError> {
    let of_tool = |message: &Value| matches!(message["role"].as_str(), Some("tool" | "function"));
    let with_tools = conversations.iter().filter(|conversation| {
        let mut later = conversation.exchanges.iter().skip(1);
        later.any(|exchange| exchange.messages.iter().any(of_tool))
    });
    let mut complaints = Complaints::about(&settings.path);
    for conversation in with_tools {
        let place = format!("conversation \"{}\"", conversation.name);
        complaints.add(
            &place,
            "has results of tools, and the server's own answers, which are sent back, did not call them. Set \
             `conversations(history = file)`",
        );
    }
    complaints.check()
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

    /// A server that did not call tools would refuse their results.
    #[test]
    fn results_of_tools_need_the_files_answers() {
        let chat = r#"[{"id": "t", "messages": [
            {"role": "user", "content": "weather?"},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "c"}]},
            {"role": "tool", "tool_call_id": "c", "content": "rain"}
        ]}]"#;
        let folder = scratch();
        let file = folder.file("tools.json", chat);
        let error = rows(settings(&file), 5).unwrap_err().to_string();
        assert!(
            error.contains("Set `conversations(history = file)`"),
            "{error}"
        );
        let of_file = Conversations {
            history: History::File,
            ..settings(&file)
        };
        assert_eq!(rows(of_file, 5).unwrap().rows.len(), 2);
    }

    #[test]
    fn chats_of_sharegpt_are_sent_as_far_as_they_can_be() {
        let chats = r#"[{"id": "empty", "conversations": []}, {"id": "late", "conversations": [
  {"from": "gpt", "value": "hello"}, {"from": "human", "value": "one"}, {"from": "gpt", "value": "two"},
  {"from": "gpt", "value": "three"}, {"from": "human", "value": "four"}]}, {"id": "answers", "conversations": [
  {"from": "gpt", "value": "five"}]}]"#;
        let folder = scratch();
        let file = folder.file("sharegpt.json", chats);
        let samples = rows(settings(&file), 5).unwrap();
        assert_eq!(samples.rows.len(), 1);
        assert_eq!(texts(&samples.rows[0]), ["one"]);
        assert_eq!(
            samples.notes[0],
            "2 of 3 conversations of the file are left out: they have no message of a user"
        );
    }

    #[test]
    fn entries_on_one_line_are_counted() {
        let folder = scratch();
        let file = folder.file(
            "line.json",
            r#"[{"id": "a", "messages": 1}, {"id": "", "messages": []}]"#,
        );
        let error = rows(settings(&file), 5).unwrap_err().to_string();
        assert!(
            error.contains("line 1, entry 1: field `messages`"),
            "{error}"
        );
        assert!(
            error.contains("line 1, entry 2: field `id` is empty"),
            "{error}"
        );
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
