//! What every OpenAI-style request body has in common.

use super::WireOptions;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// A request body whose keys keep the order in which they are set.
#[derive(Debug)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    /// Begins with `model`.
    pub(super) fn new(options: &WireOptions) -> Self {
        let mut body = Body(Map::new());
        body.set("model", options.model.as_str());
        body
    }

    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    /// Ends with `stream`, `stream_options` when streaming, `ignore_eos` when on, and `extra_body`,
    /// whose values replace what was set before.
    pub(super) fn finish(mut self, options: &WireOptions) -> Bytes {
        self.set("stream", options.stream);
        if options.stream {
            self.set("stream_options", json!({"include_usage": true}));
        }
        if options.ignore_eos {
            self.set("ignore_eos", true);
        }
        for (key, value) in &options.extra_body {
            self.set(key, value.clone());
        }
        Bytes::from(Value::Object(self.0).to_string())
    }
}
