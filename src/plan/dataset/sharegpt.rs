//! `sharegpt("file.json")`: recorded conversations. The first turn is the prompt, the length of
//! the second is the output length. A row may name an `image` or a `video`, as ShareGPT4V and
//! ShareGPT4Video do.
//!
//! The order and the rules are vLLM's: entries without two turns are left out, the rest is
//! shuffled by CPython's `random`, and conversations are kept in that order if the prompt has 4
//! to 1024 tokens, the answer at least 4 (not asked of a given output length), and both together
//! at most 2048.

use super::{
    Sample, Samples, arrange,
    complaints::{self, Complaints},
    fields::kind,
    media::Shelf,
    oversample,
};
use crate::plan::{MediaKind, PlanError, PlanSpec, Prompt};
use goodput_grammar::dataset::ShareGpt;
use serde_json::{Value, value::RawValue};
use std::path::Path;

const SHORTEST: u64 = 4;
const LONGEST_PROMPT: u64 = 1024;
const LONGEST_TOTAL: u64 = 2048;

struct Conversation {
    /// The conversation's place in the file, from 1.
    row: usize,
    prompt: String,
    answer: String,
    media: Option<(MediaKind, String)>,
}

pub(super) fn sample(sharegpt: &ShareGpt, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let path = &sharegpt.path;
    let mut conversations = load(path)?;
    let found = conversations.len();
    arrange(&mut conversations, sharegpt.keep_order, spec.seed);

    let fixed = sharegpt.output.map(|tokens| tokens as u64);
    let mut samples = Samples::default();
    let mut complaints = Complaints::about(path);
    let mut shelf = match &sharegpt.media {
        Some(folder) => Shelf::new(folder),
        None => Shelf::beside(path),
    };
    for Conversation {
        row,
        prompt,
        answer,
        media,
    } in conversations
    {
        spec.go_on()?;
        if samples.rows.len() >= spec.requests {
            break;
        }
        let input = spec.tokenizer.count(&prompt, true);
        let output_tokens = fixed.unwrap_or_else(|| spec.tokenizer.count(&answer, true).tokens);
        let kept = (SHORTEST..=LONGEST_PROMPT).contains(&input.tokens)
            && (fixed.is_some() || output_tokens >= SHORTEST)
            && input.tokens + output_tokens <= LONGEST_TOTAL;
        if !kept {
            continue;
        }
        let prompt = match media {
            None => Prompt::Text(prompt),
            Some((kind, reference)) => match shelf.media(&reference, kind) {
                Ok(media) => Prompt::Media {
                    text: prompt,
                    media: vec![media],
                },
                Err(why) => {
                    let what = format!("field `{}`: {why}", kind.name());
                    complaints.add(&format!("row {row}"), &what);
                    continue;
                }
            },
        };
        samples.rows.push(Sample::new(prompt, input, output_tokens));
    }
    complaints.check()?;
    if samples.rows.is_empty() {
        return Err(complaints::whole_file(
            path,
            format!(
                "none of its {found} conversations is left by the filter (prompt of {SHORTEST} to \
                 {LONGEST_PROMPT} tokens, answer of {SHORTEST} at least, {LONGEST_TOTAL} together \
                 at most)"
            ),
        ));
    }
    oversample(
        &mut samples,
        sharegpt.no_oversample,
        spec.requests,
        spec.seed,
    )?;
    Ok(samples)
}

/// All conversations with two turns in the file's order, or everything that is wrong with them.
fn load(path: &Path) -> Result<Vec<Conversation>, PlanError> {
    let text = complaints::read(path)?;
    let entries: Vec<&RawValue> = serde_json::from_str(&text).map_err(|error| {
        complaints::whole_file(
            path,
            format!(
                "is not a JSON array of conversations: {error}. A file with an object a line is a \
                 `custom` dataset"
            ),
        )
    })?;
    let mut complaints = Complaints::about(path);
    let mut conversations = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match conversation(entry, index + 1) {
            Ok(found) => conversations.extend(found),
            Err(mistake) => complaints.add(&format!("row {}", index + 1), &mistake),
        }
    }
    complaints.check()?;
    if conversations.is_empty() {
        return Err(complaints::whole_file(
            path,
            format!(
                "none of its {} rows has `conversations` with two turns",
                entries.len()
            ),
        ));
    }
    Ok(conversations)
}

/// The first two turns of an entry; `None` if it has fewer.
fn conversation(entry: &RawValue, row: usize) -> Result<Option<Conversation>, String> {
    let entry: Value = serde_json::from_str(entry.get())
        .map_err(|error| format!("is not JSON: {}", complaints::reason(&error)))?;
    if !entry.is_object() {
        return Err(format!("is {}, not an object", kind(&entry)));
    }
    let turns = match entry.get("conversations") {
        None => return Ok(None),
        Some(Value::Array(turns)) => turns,
        Some(other) => {
            let kind = kind(other);
            return Err(format!("field `conversations` is {kind}, not an array"));
        }
    };
    let [first, second, ..] = turns.as_slice() else {
        return Ok(None);
    };
    Ok(Some(Conversation {
        row,
        prompt: turn(first, 0)?,
        answer: turn(second, 1)?,
        media: shown(&entry)?,
    }))
}

/// The picture or video of a row; an empty name is none.
fn shown(entry: &Value) -> Result<Option<(MediaKind, String)>, String> {
    for kind in [MediaKind::Image, MediaKind::Video] {
        match entry.get(kind.name()) {
            None | Some(Value::Null) => {}
            Some(Value::String(reference)) if reference.is_empty() => {}
            Some(Value::String(reference)) => return Ok(Some((kind, reference.clone()))),
            Some(other) => {
                let (name, kind) = (kind.name(), self::kind(other));
                return Err(format!(
                    "field `{name}` is {kind}, not a path or an address"
                ));
            }
        }
    }
    Ok(None)
}

fn turn(turn: &Value, index: usize) -> Result<String, String> {
    let field = format!("field `conversations[{index}].value`");
    match turn.get("value") {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(format!("{field} is {}, not a string", kind(other))),
        None => Err(format!("{field} is missing")),
    }
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
    use goodput_grammar::dataset::Dataset;
    use rstest::rstest;

    fn recorded() -> ShareGpt {
        ShareGpt {
            path: fixture("sharegpt.json"),
            ..ShareGpt::default()
        }
    }

    fn of(content: &str) -> Result<Samples, PlanError> {
        let folder = scratch();
        let path = folder.file("talks.json", content);
        let dataset = Dataset::ShareGpt(ShareGpt { path, ..recorded() });
        draw(&dataset, 2, 0, &Tokenizer::none())
    }

    #[cfg(feature = "tokenizers")]
    #[test]
    fn conversations_agree_with_vllm() {
        use crate::{plan::testing::golden, tokenizer::TokenizerSpec};
        let tokenizer = Tokenizer::load(&TokenizerSpec::Embedded).unwrap();
        for case in golden("prompts.json")["sharegpt"].as_array().unwrap() {
            let dataset = Dataset::ShareGpt(ShareGpt {
                output: case["output_len"].as_u64().map(|tokens| tokens as usize),
                keep_order: case["keep_order"].as_bool().unwrap(),
                no_oversample: case["no_oversample"].as_bool().unwrap_or(false),
                ..recorded()
            });
            let requests = case["requests"].as_u64().unwrap() as usize;
            let seed = case["seed"].as_u64().unwrap();
            let samples = draw(&dataset, requests, seed, &tokenizer).unwrap();
            let expected = case["samples"].as_array().unwrap();
            assert_eq!(samples.rows.len(), expected.len(), "{case}");
            for (row, expected) in samples.rows.iter().zip(expected) {
                let text = expected[0].as_str().unwrap().to_owned();
                assert_eq!(row.prompt, Prompt::Text(text), "seed {seed}");
                assert_eq!(row.input.tokens, expected[1].as_u64().unwrap());
                assert_eq!(row.output_tokens, expected[2].as_u64().unwrap());
            }
        }
    }

    #[cfg(feature = "tokenizers")]
    #[test]
    fn pictures_and_videos_agree_with_vllm() {
        crate::plan::dataset::testing::check("sharegpt4v");
    }

    #[rstest]
    #[case::object("{}", &["is not a JSON array"])]
    #[case::broken("[{", &["is not a JSON array", "line 1 column 2"])]
    #[case::none("[]", &["none of its 0 rows"])]
    #[case::one_turn(r#"[{"conversations": [{"value": "alone"}]}, {}]"#, &["none of its 2 rows"])]
    #[case::number("[3]", &["row 1: is a number, not an object"])]
    #[case::text(r#"[{"conversations": "hi"}]"#, &["row 1: field `conversations` is a string"])]
    #[case::values(
        r#"[{"conversations": [{"value": 1}, {}]}, {"conversations": [{"value": "a"}, {}]}]"#,
        &["row 1: field `conversations[0].value` is a number", "row 2: field `conversations[1].value` is missing"]
    )]
    #[case::filtered(
        r#"[{"conversations": [{"value": "short"}, {"value": "answer"}]}]"#,
        &["none of its 1 conversations is left"]
    )]
    #[case::picture(
        r#"[{"image": 1, "conversations": [{"value": "a"}, {"value": "b"}]}]"#,
        &["row 1: field `image` is a number, not a path"]
    )]
    #[case::no_picture(
        r#"[{"image": "gone.png", "conversations": [{"value": "what is on this picture?"},
            {"value": "nothing that anybody could see"}]}]"#,
        &["row 1: field `image`: `", "gone.png` cannot be read"]
    )]
    fn bad_files_are_told_by_row(#[case] content: &str, #[case] parts: &[&str]) {
        let error = of(content).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{error}");
        }
    }
}
