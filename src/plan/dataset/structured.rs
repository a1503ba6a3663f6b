//! `structured(set = json, output = 128)`: the sets of vLLM's `benchmark_serving_structured_output.py` (0.33), with its
//! prompts. The sets are as long as the run; the rows of `xgrammar_bench` come in their order, again and again, without
//! those whose schemas xgrammar lacks.

mod xgrammar;

use super::{Sample, Samples};
use crate::{
    plan::{PlanError, PlanSpec, Prompt},
    structure::{Asked, Structure},
};
use goodput_grammar::{
    dataset::{Set, Structured},
    structured::{Source, StructuredOutput},
};
use serde_json::{Value, json};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128_with_seed;

const EMAIL: &str = r"\w+@\w+\.com\n";

const SQL: &str = r#"
        root ::= select_statement

        select_statement ::= "SELECT " column " from " table " where " condition

        column ::= "col_1 " | "col_2 "

        table ::= "table_1 " | "table_2 "

        condition ::= column "= " number

        number ::= "1 " | "2 "
        "#;

// The script's prompts have the spaces of its indented lines.
const ASKS_SQL: &str =
    "Generate an SQL query to show the 'username'             and 'email' from the 'users' table.";
const ASKS_EMAIL: &str = "Generate an email address for Alan Turing,             who works in Enigma. End in .com and \
                          new line.                 Example result: alan.turing@enigma.com\n";
const ASKS_CHOICE: &str = "Classify this sentiment: vLLM is wonderful!";

pub(super) fn sample(set: &Structured, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let mistakes = set.mistakes().into_iter().map(|mistake| mistake.0);
    PlanError::check(mistakes.collect())?;
    if let Some(rows) = set.rows.as_deref() {
        return xgrammar::sample(rows, set.output, spec);
    }
    let made: Box<dyn Fn(usize) -> (String, Arc<Structure>)> = match set.set {
        Set::Grammar => fixed(ASKS_SQL, Structure::Grammar(SQL.to_owned())),
        Set::Regex => fixed(ASKS_EMAIL, Structure::Regex(EMAIL.to_owned())),
        Set::Choice => {
            let choices = ["Positive", "Negative"].map(str::to_owned);
            fixed(ASKS_CHOICE, Structure::Choice(choices.into()))
        }
        Set::Json | Set::XgrammarBench => {
            let schema = schema(set)?;
            let prompt = asks_json(&schema);
            fixed(&prompt, of_schema(schema))
        }
        Set::JsonUnique => {
            let schema = schema(set)?;
            let seed = spec.seed;
            Box::new(move |index| {
                let schema = unique(&schema, index, seed);
                (asks_json(&schema), Arc::new(of_schema(schema)))
            })
        }
    };
    let mut samples = Samples::default();
    for index in 0..spec.requests {
        spec.go_on()?;
        let (prompt, structure) = made(index);
        let input = spec.tokenizer.count(&prompt, true);
        samples.rows.push(Sample {
            structure: Some(Asked::of(structure)),
            ..Sample::new(Prompt::Text(prompt), input, set.output as u64)
        });
    }
    samples.tell_tokenizer(spec);
    Ok(samples)
}

/// The same for each request.
fn fixed(prompt: &str, structure: Structure) -> Box<dyn Fn(usize) -> (String, Arc<Structure>)> {
    let (prompt, structure) = (prompt.to_owned(), Arc::new(structure));
    Box::new(move |_| (prompt.clone(), structure.clone()))
}

fn of_schema(schema: Value) -> Structure {
    Structure::Json {
        schema,
        response_format: false,
    }
}

/// The schema of the file, or the script's own.
fn schema(set: &Structured) -> Result<Value, PlanError> {
    let Some(path) = &set.schema else {
        return Ok(profile());
    };
    let setting = StructuredOutput::Json {
        schema: Source::File(path.clone()),
        response_format: false,
    };
    match Structure::read(&setting) {
        Ok(Structure::Json { schema, .. }) => Ok(schema),
        Ok(_) => Ok(profile()),
        Err(sentences) => Err(PlanError::new(sentences.join("; "))),
    }
}

fn profile() -> Value {
    let text = || json!({"type": "string"});
    json!({
        "type": "object",
        "properties": {
            "name": text(),
            "email": text(),
            "street": text(),
            "city": text(),
            "state": text(),
            "zip": text(),
            "phone": text(),
            "website": text(),
            "company": text(),
            "age": {"type": "integer"},
        },
        "required": ["name", "email"],
    })
}

fn asks_json(schema: &Value) -> String {
    let schema = python(schema);
    format!("Generate an example of a brief user profile given the following schema: {schema}")
}

/// JSON as Python's `json.dumps` writes it: with a space behind commas and colons.
fn python(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| format!("{}: {}", json!(key), python(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            format!(
                "[{}]",
                items.iter().map(python).collect::<Vec<_>>().join(", ")
            )
        }
        plain => plain.to_string(),
    }
}

/// The schema with an optional field that no other request has. The script draws its name at random; here it follows from
/// the seed, so that the plan stays the same.
fn unique(schema: &Value, index: usize, seed: u64) -> Value {
    let mut schema = schema.clone();
    let id = format!(
        "{:032x}",
        xxh3_128_with_seed(&(index as u64).to_le_bytes(), seed)
    );
    let dashed = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-");
    if let Some(fields) = schema.as_object_mut() {
        let properties = fields.entry("properties").or_insert_with(|| json!({}));
        properties[format!("__optional_field_{dashed}")] = json!({
            "type": "string",
            "description": "An unique optional field to avoid cached schemas",
        });
    }
    schema
}

#[cfg(test)]
mod tests;
