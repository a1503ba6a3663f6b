//! `custom("prompts.jsonl")`: a JSON object a line.
//!
//! A row has either `prompt`, a text, or `messages`, a chat. Texts are sent unchanged: no chat template is put around
//! them, which is what vLLM's `--skip-chat-template` does. `output_tokens` is read when the dataset says `output =
//! row`, and `client`, a string or a number, says who a row is from. `structured_output`, such as `{"choice": ["yes", "no"]}`, is
//! the structure of the row's answer. Rows are shuffled by CPython's `random` with the plan's seed, and repeated by its `choice` when there are
//! too few, as in vLLM.

use super::{
    Sample, Samples, arrange, estimate,
    fields::{Fields, client, kind, lines},
    oversample,
};
use crate::{
    plan::{PlanError, PlanSpec, Prompt},
    record::TokenCount,
    structure::{Asked, Structure},
    tokenizer::Tokenizer,
};
use goodput_grammar::dataset::Custom;
use serde_json::Value;
use std::{path::Path, sync::Arc};

struct Row {
    prompt: Prompt,
    output_tokens: u64,
    client: Option<Box<str>>,
    structure: Option<Arc<Structure>>,
}

pub(super) fn sample(custom: &Custom, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let mut rows = load(&custom.path, custom.output)?;
    arrange(&mut rows, custom.keep_order, spec.seed);
    rows.truncate(spec.requests);
    let mut samples = Samples::default();
    for Row {
        prompt,
        output_tokens,
        client,
        structure,
    } in rows
    {
        spec.go_on()?;
        let input = length(&prompt, spec.tokenizer);
        samples.rows.push(Sample {
            client,
            structure: structure.map(Asked::of),
            ..Sample::new(prompt, input, output_tokens)
        });
    }
    oversample(&mut samples, custom.no_oversample, spec.requests, spec.seed)?;
    Ok(samples)
}

/// All rows of the file in its order, or everything that is wrong with them.
fn load(path: &Path, output: Option<usize>) -> Result<Vec<Row>, PlanError> {
    lines(path, "a `prompt`", |fields| row(fields, output).map(Some))
}

fn row(mut fields: Fields, output: Option<usize>) -> Result<Row, Vec<String>> {
    let prompt = match (fields.take("prompt"), fields.take("messages")) {
        (Some(Value::String(text)), None) => Some(Prompt::Text(text)),
        (Some(other), None) => {
            fields.complain(format!("field `prompt` is {}, not a string", kind(&other)));
            None
        }
        (None, Some(Value::Array(messages)))
            if !messages.is_empty() && messages.iter().all(Value::is_object) =>
        {
            Some(Prompt::Messages(messages))
        }
        (None, Some(_)) => {
            fields.complain("field `messages` must be an array of chat messages (objects)");
            None
        }
        (Some(_), Some(_)) => {
            fields.complain("has both `prompt` and `messages`; keep one");
            None
        }
        (None, None) => {
            fields.complain("field `prompt` is missing (or `messages`, for a chat)");
            None
        }
    };
    let output_tokens = fields.output(output);
    let client = client(fields.take("client")).unwrap_or_else(|mistake| {
        fields.complain(mistake);
        None
    });
    let structure = structure(&mut fields);
    fields
        .done(prompt.zip(output_tokens))
        .map(|(prompt, output_tokens)| Row {
            prompt,
            output_tokens,
            client,
            structure,
        })
}

/// The structure that a row asks for, in the form of vLLM's `structured_outputs`.
fn structure(fields: &mut Fields) -> Option<Arc<Structure>> {
    let read = match fields.take("structured_output")? {
        Value::Object(structure) => Structure::of_fields(&structure).and_then(Structure::checked),
        other => Err(format!(
            "is {}, not an object such as {{\"choice\": [\"yes\", \"no\"]}}",
            kind(&other)
        )),
    };
    match read {
        Ok(structure) => Some(Arc::new(structure)),
        Err(why) => {
            fields.complain(format!("field `structured_output`: {why}"));
            None
        }
    }
}

/// Tokens of a prompt, special tokens included. A chat's template is the server's, so its length
/// is that of its texts and always an estimate.
fn length(prompt: &Prompt, tokenizer: &Tokenizer) -> TokenCount {
    match prompt {
        Prompt::Text(text) => tokenizer.count(text, true),
        Prompt::Messages(messages) => chat_length(messages, tokenizer),
        // No row of this dataset makes any of them.
        _ => estimate(0),
    }
}

/// Tokens of a chat's texts.
pub(super) fn chat_length(messages: &[Value], tokenizer: &Tokenizer) -> TokenCount {
    let tokens = messages
        .iter()
        .flat_map(texts)
        .map(|text| tokenizer.count(text, false).tokens)
        .sum::<u64>();
    estimate(tokens as usize)
}

/// The texts of a chat message: its content, or its text parts.
fn texts(message: &Value) -> Vec<&str> {
    match message.get("content") {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| part.get("text")?.as_str())
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{dataset::tests::draw, numpy::PyRandom, testing::scratch};
    use crate::record::CountSource;
    use goodput_grammar::dataset::Dataset;
    use rstest::rstest;

    const ROWS: &str = r#"{"prompt": "a", "output_tokens": 3}
{"prompt": "b", "output_tokens": 4}

{"prompt": "c", "output_tokens": 5}
"#;

    fn of(content: &str, adjust: impl FnOnce(&mut Custom)) -> Result<Samples, PlanError> {
        let folder = scratch();
        let mut custom = Custom {
            path: folder.file("rows.jsonl", content),
            output: Some(64),
            keep_order: true,
            no_oversample: false,
        };
        adjust(&mut custom);
        draw(&Dataset::Custom(custom), 5, 7, &Tokenizer::none())
    }

    fn texts_of(samples: &Samples) -> Vec<&str> {
        samples
            .rows
            .iter()
            .map(|row| match &row.prompt {
                Prompt::Text(text) => text.as_str(),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn too_few_rows_are_repeated_as_cpython_chooses() {
        let samples = of(ROWS, |_| {}).unwrap();
        let mut random = PyRandom::new(7);
        let rows = ["a", "b", "c"];
        let expected = ["a", "b", "c", rows[random.below(3)], rows[random.below(3)]];
        assert_eq!(texts_of(&samples), expected);
        assert!(samples.notes[0].starts_with("2 of 5 requests repeat"));
    }

    #[test]
    fn the_order_is_cpythons_shuffle() {
        let samples = of(ROWS, |custom| {
            custom.keep_order = false;
            custom.no_oversample = true;
        })
        .unwrap();
        let mut expected = ["a", "b", "c"];
        PyRandom::new(7).shuffle(&mut expected);
        assert_eq!(texts_of(&samples), expected);
        assert!(samples.notes[0].starts_with("3 requests are planned, not 5"));
    }

    #[test]
    fn rows_may_set_their_own_output() {
        let samples = of(ROWS, |custom| custom.output = None).unwrap();
        let outputs: Vec<u64> = samples.rows.iter().map(|row| row.output_tokens).collect();
        assert_eq!(outputs[..3], [3, 4, 5]);
    }

    #[test]
    fn rows_may_ask_for_their_own_structures() {
        let rows = r#"{"prompt": "a", "structured_output": {"choice": ["yes", "no"]}}
{"prompt": "b"}
{"prompt": "c", "structured_output": {"json": {"type": "object"}}}
"#;
        let samples = of(rows, |custom| custom.no_oversample = true).unwrap();
        let kind = |row: &Sample| row.structure.as_deref().map(|asked| asked.structure.kind());
        let kinds: Vec<_> = samples.rows.iter().map(kind).collect();
        assert_eq!(kinds, [Some("choice"), None, Some("json")]);
    }

    #[test]
    fn chats_are_sent_as_they_are() {
        let row = r#"{"messages": [{"role": "user", "content": "eight by"}, {"role": "user", "content": [{"type": "text", "text": "tes!"}]}]}"#;
        let samples = of(row, |_| {}).unwrap();
        assert!(
            matches!(&samples.rows[0].prompt, Prompt::Messages(messages) if messages.len() == 2)
        );
        assert_eq!(samples.rows[0].input.tokens, 3);
        assert_eq!(samples.rows[0].input.source, CountSource::Estimate);
    }

    #[rstest]
    #[case::not_json("{\"prompt\": \"a\"}\n{oops", &["line 2, column 2: is not JSON: key must be"])]
    #[case::not_an_object("[1]", &["line 1: is an array, not a JSON object"])]
    #[case::missing("{\"text\": \"a\"}", &["line 1: field `prompt` is missing"])]
    #[case::wrong_type("{\"prompt\": 3}", &["field `prompt` is a number, not a string"])]
    #[case::both("{\"prompt\": \"a\", \"messages\": []}", &["has both"])]
    #[case::no_messages("{\"messages\": []}", &["`messages` must be an array"])]
    #[case::empty("\n \n", &["rows.jsonl`: is empty"])]
    #[case::structure(
        "{\"prompt\": \"a\", \"structured_output\": {\"regex\": \"(\"}}",
        &["line 1: field `structured_output`: the regular expression `(` does not compile"]
    )]
    #[case::no_structure(
        "{\"prompt\": \"a\", \"structured_output\": \"json\"}",
        &["field `structured_output`: is a string, not an object"]
    )]
    #[case::several("{}\n{\"prompt\": \"a\"}\n7", &["line 1: field", "\n", "line 3: is a number"])]
    fn bad_files_are_told_by_line(#[case] content: &str, #[case] parts: &[&str]) {
        let error = of(content, |_| {}).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{error}");
        }
    }

    #[rstest]
    #[case("{\"prompt\": \"a\"}", "`output_tokens` is missing")]
    #[case(
        "{\"prompt\": \"a\", \"output_tokens\": 0}",
        "`output_tokens` is 0, not a whole"
    )]
    #[case(
        "{\"prompt\": \"a\", \"output_tokens\": \"9\"}",
        "is \"9\", not a whole"
    )]
    fn a_rows_own_output_must_be_there(#[case] content: &str, #[case] part: &str) {
        let error = of(content, |custom| custom.output = None).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }

    #[test]
    fn ten_mistakes_are_shown() {
        let error = of(&"{}\n".repeat(13), |_| {}).unwrap_err();
        assert_eq!(error.sentences().len(), 11);
        assert!(error.sentences()[10].ends_with("3 more such mistakes"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = of("", |custom| custom.path = "no/such.jsonl".into()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("dataset `no/such.jsonl`: no such file")
        );
    }
}
