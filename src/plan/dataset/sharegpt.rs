//! `sharegpt("file.json")`: recorded conversations. The first turn is the prompt, the length of
//! the second is the output length.
//!
//! The order and the rules are vLLM's: entries without two turns are left out, the rest is
//! shuffled by CPython's `random`, and conversations are kept in that order if the prompt has 4
//! to 1024 tokens, the answer at least 4 (not asked of a given output length), and both together
//! at most 2048.

use super::{
    Sample, Samples, arrange,
    complaints::{self, Complaints},
    custom::kind,
    oversample,
};
use crate::plan::{PlanError, PlanSpec, Prompt};
use goodput_grammar::dataset::ShareGpt;
use serde_json::{Value, value::RawValue};
use std::path::Path;

const SHORTEST: u64 = 4;
const LONGEST_PROMPT: u64 = 1024;
const LONGEST_TOTAL: u64 = 2048;

struct Conversation {
    prompt: String,
    answer: String,
}

pub(super) fn sample(sharegpt: &ShareGpt, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let path = &sharegpt.path;
    let mut conversations = load(path)?;
    let found = conversations.len();
    arrange(&mut conversations, sharegpt.keep_order, spec.seed);

    let fixed = sharegpt.output.map(|tokens| tokens as u64);
    let mut samples = Samples::default();
    for Conversation { prompt, answer } in conversations {
        if samples.rows.len() >= spec.requests {
            break;
        }
        let input = spec.tokenizer.count(&prompt, true);
        let output_tokens = fixed.unwrap_or_else(|| spec.tokenizer.count(&answer, true).tokens);
        let kept = (SHORTEST..=LONGEST_PROMPT).contains(&input.tokens)
            && (fixed.is_some() || output_tokens >= SHORTEST)
            && input.tokens + output_tokens <= LONGEST_TOTAL;
        if kept {
            samples.rows.push(Sample {
                prompt: Prompt::Text(prompt),
                input,
                output_tokens,
            });
        }
    }
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
    oversample(&mut samples, sharegpt.no_oversample, spec);
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
        match conversation(entry) {
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

/// The first two turns of an entry; `None` if it does not have so many.
fn conversation(entry: &RawValue) -> Result<Option<Conversation>, String> {
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
        prompt: turn(first, 0)?,
        answer: turn(second, 1)?,
    }))
}

fn turn(turn: &Value, index: usize) -> Result<String, String> {
    let field = format!("field `conversations[{index}].value`");
    match turn.get("value") {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(format!("{field} is {}, not a string", kind(other))),
        None => Err(format!("{field} is missing")),
    }
}
