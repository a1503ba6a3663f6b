//! What request bodies of JSON have in common.

use super::WireOptions;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// A request body whose keys keep the order in which they are set.
#[derive(Debug, Default)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    /// A body that begins with `model`.
    pub(super) fn new(options: &WireOptions) -> Self {
        let mut body = Body::default();
        body.set("model", options.model.as_str());
        body
    }

    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    /// Ends as completions do: with `stream`, `stream_options` when streaming, `ignore_eos` when on,
    /// and `extra_body`.
    pub(super) fn finish(mut self, options: &WireOptions) -> Bytes {
        self.set("stream", options.stream);
        if options.stream {
            self.set("stream_options", json!({"include_usage": true}));
        }
        if options.ignore_eos {
            self.set("ignore_eos", true);
        }
        self.extend(options)
    }

    /// Ends with `extra_body`, whose values replace what was set before; null takes a key out.
    pub(super) fn extend(mut self, options: &WireOptions) -> Bytes {
        patch(&mut self.0, &options.extra_body);
        Bytes::from(Value::Object(self.0).to_string())
    }

    /// Ends with `extra_body` where sampling is set in an object: the values of `extra_body` under that key are put
    /// into it, so that setting a temperature does not take the output length away.
    pub(super) fn extend_with(mut self, settings: &str, options: &WireOptions) -> Bytes {
        for (key, value) in &options.extra_body {
            match (self.0.get_mut(key), value) {
                (Some(Value::Object(set)), Value::Object(more)) if key == settings => {
                    patch(set, more);
                }
                _ => patch_one(&mut self.0, key, value),
            }
        }
        Bytes::from(Value::Object(self.0).to_string())
    }
}

/// Sets keys, and takes those out that are null, as a JSON merge patch does. Objects are replaced as a
/// whole, as vLLM replaces them.
fn patch(object: &mut Map<String, Value>, with: &Map<String, Value>) {
    for (key, value) in with {
        patch_one(object, key, value);
    }
}

fn patch_one(object: &mut Map<String, Value>, key: &str, value: &Value) {
    match value {
        // The others keep their order.
        Value::Null => drop(object.shift_remove(key)),
        value => drop(object.insert(key.to_owned(), value.clone())),
    }
}
