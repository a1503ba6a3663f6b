//! Spans as exporters write them.

use super::{
    super::{
        super::{fields::Fields, fields::kind, trace_csv::date},
        read::{Reader, chat},
        session::Output,
    },
    messages,
};
use serde_json::{Map, Value, json};

/// Fields of OTLP's JSON, and of objects that have a list of spans.
pub(super) const LISTS: [&str; 3] = ["resourceSpans", "resource_spans", "spans"];

/// Names of a span's id.
pub(super) const IDS: [&str; 2] = ["spanId", "span_id"];

const SCOPES: [&str; 3] = ["scopeSpans", "scope_spans", "instrumentationLibrarySpans"];
const TRACES: [&str; 2] = ["traceId", "trace_id"];
const PARENTS: [&str; 3] = ["parentSpanId", "parent_span_id", "parent_id"];
const STARTS: [&str; 3] = ["startTimeUnixNano", "start_time_unix_nano", "start_time"];
const ENDS: [&str; 3] = ["endTimeUnixNano", "end_time_unix_nano", "end_time"];

const OPERATION: &str = "gen_ai.operation.name";
const INPUT: &str = "gen_ai.input.messages";
const OUTPUT: &str = "gen_ai.output.messages";
const INSTRUCTIONS: &str = "gen_ai.system_instructions";
const TOOLS: &str = "gen_ai.tool.definitions";
const CONVERSATION: &str = "gen_ai.conversation.id";
const OUTPUT_TOKENS: [&str; 2] = [
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
];

/// Operations that call a model for text.
const CALLS: [&str; 3] = ["chat", "text_completion", "generate_content"];

/// Nanoseconds from 1970 to 2000-03-01, from which dates count.
const UNTIL_2000: i64 = 951_868_800_000_000_000;

/// A span.
pub(super) struct Span {
    pub(super) place: String,
    pub(super) trace: String,
    pub(super) id: String,
    pub(super) parent: Option<String>,
    /// Nanoseconds since 1970.
    pub(super) start: u64,
    pub(super) end: u64,
    /// The conversation that its trace is part of.
    pub(super) conversation: Option<String>,
    /// What it asked, if it is a call of a model.
    pub(super) call: Option<Asked>,
}

/// What a call of a model asked.
pub(super) struct Asked {
    pub(super) messages: Vec<Value>,
    pub(super) output: Output,
    pub(super) overrides: Map<String, Value>,
}

/// Reads the spans of an entry. `left_out` counts parts of messages that cannot be sent.
pub(super) fn read(
    mut fields: Fields,
    spans: &mut Vec<Span>,
    left_out: &mut usize,
    reader: &mut Reader<'_>,
) {
    let place = fields.place().to_owned();
    let Some(list) = LISTS.into_iter().find(|list| fields.has(list)) else {
        one(fields, spans, left_out, reader);
        return;
    };
    let all = fields.take(list).unwrap_or_default();
    if list == "spans" {
        each(all, &place, list, reader, |span, reader| {
            one(span, spans, left_out, reader);
        });
        return;
    }
    each(all, &place, list, reader, |mut resource, reader| {
        let place = resource.place().to_owned();
        let Some(scopes) = SCOPES.into_iter().find(|scopes| resource.has(scopes)) else {
            return;
        };
        let all = resource.take(scopes).unwrap_or_default();
        each(all, &place, scopes, reader, |mut scope, reader| {
            let place = scope.place().to_owned();
            let all = scope.take("spans").unwrap_or(Value::Array(Vec::new()));
            each(all, &place, "spans", reader, |span, reader| {
                one(span, spans, left_out, reader);
            });
        });
    });
}

/// Reads the objects of a list.
fn each(
    list: Value,
    place: &str,
    name: &str,
    reader: &mut Reader<'_>,
    mut read: impl FnMut(Fields, &mut Reader<'_>),
) {
    let Value::Array(list) = list else {
        let what = format!("field `{name}` is {}, not an array", kind(&list));
        reader.complaints.add(place, &what);
        return;
    };
    for (index, item) in list.into_iter().enumerate() {
        let place = format!("{place}, {name}[{index}]");
        match item {
            Value::Object(row) => read(Fields::new(&place, row), reader),
            other => {
                let what = format!("is {}, not an object", kind(&other));
                reader.complaints.add(&place, &what);
            }
        }
    }
}

fn one(mut fields: Fields, spans: &mut Vec<Span>, left_out: &mut usize, reader: &mut Reader<'_>) {
    let span = span(&mut fields, left_out);
    spans.extend(reader.done(fields, span));
}

fn span(fields: &mut Fields, left_out: &mut usize) -> Option<Span> {
    let context = match fields.take("context") {
        Some(Value::Object(context)) => context,
        _ => Map::new(),
    };
    let trace = id(fields, &context, &TRACES);
    let own = id(fields, &context, &IDS);
    let parent = PARENTS.iter().find_map(|name| fields.take(name));
    let parent = parent.as_ref().and_then(Value::as_str).map(plain);
    let start = time(fields, &STARTS);
    let end = time(fields, &ENDS);
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        fields.complain("ends before it starts");
        return None;
    }
    let mut attributes = attributes(fields.take("attributes"));
    // Content may be in an event of the span.
    if let Some(Value::Array(events)) = fields.take("events") {
        for mut event in events {
            let event = event.get_mut("attributes").map(Value::take);
            for (name, value) in self::attributes(event) {
                attributes.entry(name).or_insert(value);
            }
        }
    }
    let conversation = match attributes.remove(CONVERSATION) {
        Some(Value::String(id)) if !id.trim().is_empty() => Some(id),
        _ => None,
    };
    let operation = attributes.get(OPERATION).and_then(Value::as_str);
    let is_call = operation.map_or(attributes.contains_key(INPUT), |name| CALLS.contains(&name));
    let call = if is_call {
        Some(asked(fields, attributes, left_out)?)
    } else {
        None
    };
    Some(Span {
        place: fields.place().to_owned(),
        trace: trace?,
        id: own?,
        parent: parent.filter(|parent| !parent.is_empty()),
        start: start?,
        end: end?,
        conversation,
        call,
    })
}

/// An id without its prefix; zeros alone are none.
fn plain(id: &str) -> String {
    let id = id.trim().trim_start_matches("0x");
    if id.bytes().all(|byte| byte == b'0') {
        String::new()
    } else {
        id.to_ascii_lowercase()
    }
}

fn id(fields: &mut Fields, context: &Map<String, Value>, names: &[&str]) -> Option<String> {
    let own = names.iter().find_map(|name| fields.take(name));
    let of_context = || names.iter().find_map(|name| context.get(*name).cloned());
    let id = own.or_else(of_context);
    let found = id.as_ref().and_then(Value::as_str).map(plain);
    let found = found.filter(|id| !id.is_empty());
    if found.is_none() {
        let name = names.join("` or `");
        fields.complain(format!("field `{name}` is missing, empty, or not a string"));
    }
    found
}

/// A time in nanoseconds since 1970: a number of them, also as a text, or a date.
fn time(fields: &mut Fields, names: &[&str]) -> Option<u64> {
    let Some((name, value)) = names
        .iter()
        .find_map(|name| Some((name, fields.take(name)?)))
    else {
        fields.complain(format!("field `{}` is missing", names.join("` or `")));
        return None;
    };
    let time = match &value {
        Value::Number(nanos) => nanos.as_u64(),
        Value::String(text) => text.parse().ok().or_else(|| {
            let since = date(text)?.checked_add(UNTIL_2000)?;
            u64::try_from(since).ok()
        }),
        _ => None,
    };
    // Later times cannot be told apart from mistakes, and sums of them would overflow.
    let time = time.filter(|time| *time <= u64::MAX / 2);
    if time.is_none() {
        let what = match value {
            Value::Array(_) | Value::Object(_) => kind(&value).to_owned(),
            plain => plain.to_string(),
        };
        fields.complain(format!(
            "field `{name}` is {what}, not nanoseconds since 1970 or a date such as \"2026-02-25T10:00:00.5Z\""
        ));
    }
    time
}

/// Attributes by name: a list of OTLP, or an object.
fn attributes(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(attributes)) => attributes,
        Some(Value::Array(list)) => list
            .into_iter()
            .filter_map(|mut attribute| {
                let name = attribute.get("key")?.as_str()?.to_owned();
                Some((name, any(attribute.get_mut("value")?.take())))
            })
            .collect(),
        _ => Map::new(),
    }
}

/// A value of OTLP as plain JSON.
fn any(value: Value) -> Value {
    let Value::Object(value) = value else {
        return value;
    };
    let Some((kind, mut value)) = value.into_iter().next() else {
        return Value::Null;
    };
    let values = |value: &mut Value| match value.get_mut("values").map(Value::take) {
        Some(Value::Array(values)) => values,
        _ => Vec::new(),
    };
    match &*kind {
        "intValue" => match value.as_str().and_then(|text| text.parse::<i64>().ok()) {
            Some(number) => json!(number),
            None => value,
        },
        "arrayValue" => values(&mut value).into_iter().map(any).collect(),
        "kvlistValue" => Value::Object(attributes(Some(Value::Array(values(&mut value))))),
        _ => value,
    }
}

/// A value that may be written as a JSON text.
fn structured(fields: &mut Fields, name: &str, value: Value) -> Option<Value> {
    let Value::String(text) = value else {
        return Some(value);
    };
    match serde_json::from_str(&text) {
        Ok(value) => Some(value),
        Err(error) => {
            fields.complain(format!("attribute `{name}` is not JSON: {error}"));
            None
        }
    }
}

fn asked(
    fields: &mut Fields,
    mut attributes: Map<String, Value>,
    left_out: &mut usize,
) -> Option<Asked> {
    let Some(input) = attributes.remove(INPUT) else {
        fields.complain(format!(
            "attribute `{INPUT}` is missing, so nothing says what was asked. Record the content of messages"
        ));
        return None;
    };
    let input = structured(fields, INPUT, input)?;
    let mut said = messages::of(input, left_out);
    if let Some(instructions) = attributes.remove(INSTRUCTIONS) {
        let instructions = structured(fields, INSTRUCTIONS, instructions)?;
        let system = json!({"role": "system", "parts": instructions});
        if let (Value::Array(said), Value::Array(mut system)) =
            (&mut said, messages::of(json!([system]), left_out))
        {
            said.splice(0..0, system.drain(..));
        }
    }
    let messages = chat(fields, INPUT, said)?;
    let mut overrides = Map::new();
    if let Some(tools) = attributes.remove(TOOLS) {
        let tools = structured(fields, TOOLS, tools)?;
        overrides.extend(messages::tools(tools).map(|tools| ("tools".to_owned(), tools)));
    }
    let tokens = OUTPUT_TOKENS
        .iter()
        .find_map(|name| attributes.get(*name)?.as_u64());
    let output = match (tokens, attributes.remove(OUTPUT)) {
        (Some(tokens), _) => Output::Tokens(tokens),
        (None, Some(output)) => {
            let output = structured(fields, OUTPUT, output)?;
            match messages::of(output, &mut 0) {
                Value::Array(said) => Output::Messages(said),
                _ => Output::Unknown,
            }
        }
        (None, None) => Output::Unknown,
    };
    if let Output::Tokens(tokens) = output
        && tokens > goodput_grammar::bounds::WHOLE
    {
        let name = OUTPUT_TOKENS[0];
        let most = goodput_grammar::bounds::WHOLE;
        fields.complain(format!(
            "attribute `{name}` is {tokens}; the most is {most}"
        ));
        return None;
    }
    Some(Asked {
        messages,
        output,
        overrides,
    })
}
