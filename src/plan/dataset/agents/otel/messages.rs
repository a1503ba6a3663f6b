//! Messages of OpenTelemetry's conventions as messages of a chat API.

use serde_json::{Map, Value, json};

/// Messages of a chat. What is not a list stays as it is; messages without `parts` are those of an API already.
/// `left_out` counts parts that cannot be sent.
pub(super) fn of(messages: Value, left_out: &mut usize) -> Value {
    let Value::Array(messages) = messages else {
        return messages;
    };
    let mut calls = Numbers::default();
    let each = messages.into_iter().flat_map(|message| match message {
        Value::Object(message) => parts(message, &mut calls, left_out),
        other => vec![other],
    });
    Value::Array(each.collect())
}

/// Names for tool calls and results that have none, which belong together by their order.
#[derive(Default)]
struct Numbers {
    calls: usize,
    results: usize,
}

/// The messages that a message is.
fn parts(mut message: Map<String, Value>, calls: &mut Numbers, left_out: &mut usize) -> Vec<Value> {
    let own = message.remove("parts");
    let parts = match (own, message.get("content")) {
        (Some(Value::Array(parts)), _) => parts,
        (None, Some(Value::Array(parts))) if parts.iter().any(of_a_tool) => parts.clone(),
        _ => return vec![Value::Object(message)],
    };
    let role = message.remove("role").unwrap_or_default();
    let mut all = Vec::new();
    let mut content: Vec<Value> = Vec::new();
    let mut asked: Vec<Value> = Vec::new();
    for mut part in parts {
        let word = part.get("type").and_then(Value::as_str).unwrap_or_default();
        match word {
            "text" => content.push(json!({"type": "text", "text": text(&mut part)})),
            "tool_call" | "tool_use" => asked.push(call(part, calls)),
            "tool_call_response" | "tool_result" => all.push(result(part, calls)),
            "uri" | "blob" => match picture(&part) {
                Some(picture) => content.push(picture),
                None => *left_out += 1,
            },
            // What a model thought is not sent back.
            "reasoning" | "thinking" => {}
            _ => *left_out += 1,
        }
    }
    if all.is_empty() || !content.is_empty() || !asked.is_empty() {
        let mut said = Map::new();
        said.insert("role".to_owned(), role);
        if !content.is_empty() || asked.is_empty() {
            said.insert("content".to_owned(), joined(content));
        }
        if !asked.is_empty() {
            said.insert("tool_calls".to_owned(), Value::Array(asked));
        }
        all.push(Value::Object(said));
    }
    all
}

fn of_a_tool(part: &Value) -> bool {
    let word = part.get("type").and_then(Value::as_str);
    matches!(
        word,
        Some("tool_call" | "tool_use" | "tool_call_response" | "tool_result")
    )
}

/// Texts as one text, or parts.
fn joined(content: Vec<Value>) -> Value {
    let texts: Option<Vec<&str>> = content
        .iter()
        .map(|part| part.get("text")?.as_str())
        .collect();
    match texts {
        Some(texts) => json!(texts.join("\n")),
        None => Value::Array(content),
    }
}

/// The first of these fields, taken out.
fn taken(part: &mut Value, names: &[&str]) -> Option<Value> {
    let name = names.iter().find(|name| part.get(**name).is_some())?;
    part.get_mut(*name).map(Value::take)
}

/// A field as a text.
fn written(value: Option<Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
    }
}

fn text(part: &mut Value) -> String {
    written(taken(part, &["content", "text"]))
}

fn call(mut part: Value, calls: &mut Numbers) -> Value {
    calls.calls += 1;
    let id = match part.get("id").and_then(Value::as_str) {
        Some(id) => id.to_owned(),
        None => format!("call_{}", calls.calls),
    };
    let name = written(taken(&mut part, &["name"]));
    let arguments = match written(taken(&mut part, &["arguments", "input"])) {
        none if none.is_empty() => "{}".to_owned(),
        arguments => arguments,
    };
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn result(mut part: Value, calls: &mut Numbers) -> Value {
    calls.results += 1;
    let ids = ["id", "tool_use_id"];
    let id = match ids.into_iter().find_map(|name| part.get(name)?.as_str()) {
        Some(id) => id.to_owned(),
        None => format!("call_{}", calls.results),
    };
    let result = written(taken(&mut part, &["response", "result", "content"]));
    json!({"role": "tool", "tool_call_id": id, "content": result})
}

/// A picture by its address or its bytes.
fn picture(part: &Value) -> Option<Value> {
    let field = |name: &str| part.get(name).and_then(Value::as_str);
    let mime = field("mime_type");
    let kind = field("modality").or_else(|| mime?.split_once('/').map(|(kind, _)| kind));
    if kind != Some("image") {
        return None;
    }
    let url = match (field("uri"), field("content")) {
        (Some(uri), _) => uri.to_owned(),
        (None, Some(content)) => format!("data:{};base64,{content}", mime.unwrap_or("image/png")),
        (None, None) => return None,
    };
    Some(json!({"type": "image_url", "image_url": {"url": url}}))
}

/// Definitions of tools as an API takes them; `None` if there are none.
pub(super) fn tools(tools: Value) -> Option<Value> {
    let Value::Array(tools) = tools else {
        return None;
    };
    let each = tools.into_iter().map(|tool| match tool {
        Value::Object(mut tool) if !tool.contains_key("function") => {
            tool.remove("type");
            json!({"type": "function", "function": tool})
        }
        other => other,
    });
    let tools: Vec<Value> = each.collect();
    (!tools.is_empty()).then_some(Value::Array(tools))
}
