//! The dialects that stream, and how their events are read.

use serde_json::{Value, json};

/// A dialect with a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    Chat,
    Completions,
    Responses,
    Messages,
    Tgi,
    Sglang,
    Llama,
    OllamaChat,
    OllamaGenerate,
}

/// What one event says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Said {
    /// The text of its tokens; of all so far with SGLang.
    pub(crate) text: Option<String>,
    /// The number of generated tokens.
    pub(crate) usage: Option<u64>,
    pub(crate) role: bool,
    pub(crate) done: bool,
    pub(crate) error: Option<String>,
}

impl Spoken {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Spoken::Chat => "/v1/chat/completions",
            Spoken::Completions => "/v1/completions",
            Spoken::Responses => "/v1/responses",
            Spoken::Messages => "/v1/messages",
            Spoken::Tgi => "/generate_stream",
            Spoken::Sglang => "/generate",
            Spoken::Llama => "/completion",
            Spoken::OllamaChat => "/api/chat",
            Spoken::OllamaGenerate => "/api/generate",
        }
    }

    /// A request for tokens, with usage where that must be asked for.
    pub(crate) fn body(self, tokens: u64, stream: bool) -> Value {
        let messages = json!([{"role": "user", "content": "Hello there"}]);
        let options = json!({"include_usage": true});
        match self {
            Spoken::Chat if stream => {
                json!({"model": "m", "messages": messages, "max_tokens": tokens, "stream": true, "stream_options": options})
            }
            Spoken::Completions if stream => {
                json!({"model": "m", "prompt": "Hello there", "max_tokens": tokens, "stream": true, "stream_options": options})
            }
            Spoken::Chat | Spoken::Messages => {
                json!({"model": "m", "messages": messages, "max_tokens": tokens, "stream": stream})
            }
            Spoken::Completions => {
                json!({"model": "m", "prompt": "Hello there", "max_tokens": tokens})
            }
            Spoken::Responses => {
                json!({"model": "m", "input": "Hello there", "max_output_tokens": tokens, "stream": stream})
            }
            Spoken::Tgi => {
                json!({"inputs": "Hello there", "parameters": {"max_new_tokens": tokens, "details": true}})
            }
            Spoken::Sglang => {
                json!({"text": "Hello there", "sampling_params": {"max_new_tokens": tokens}, "stream": stream})
            }
            Spoken::Llama => {
                json!({"prompt": "Hello there", "n_predict": tokens, "stream": stream})
            }
            Spoken::OllamaChat => {
                json!({"model": "m", "messages": messages, "options": {"num_predict": tokens}, "stream": stream})
            }
            Spoken::OllamaGenerate => {
                json!({"model": "m", "prompt": "Hello there", "options": {"num_predict": tokens}, "stream": stream})
            }
        }
    }

    /// The events of a body, or of a piece of it that ends with one.
    pub(crate) fn events(self, body: &str) -> Vec<Said> {
        let end = match self {
            Spoken::OllamaChat | Spoken::OllamaGenerate => "\n",
            _ => "\n\n",
        };
        body.split_terminator(end)
            .map(|event| self.read(event))
            .collect()
    }

    fn read(self, event: &str) -> Said {
        let (name, data) = match event.strip_prefix("event: ") {
            Some(rest) => {
                let (name, rest) = rest.split_once('\n').unwrap();
                (Some(name), rest)
            }
            None => (None, event),
        };
        let data = data.strip_prefix("data:").unwrap_or(data).trim_start();
        if data == "[DONE]" {
            return Said {
                done: true,
                ..Said::default()
            };
        }
        let json: Value = serde_json::from_str(data).unwrap();
        if let Some(name) = name {
            assert_eq!(json["type"], name);
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let message = match &json["error"] {
            Value::String(message) => Some(message.clone()),
            error => text(&error["message"]),
        };
        let said = Said {
            error: message,
            ..Said::default()
        };
        match self {
            Spoken::Chat => {
                let delta = &json["choices"][0]["delta"];
                let role = delta["role"].is_string();
                Said {
                    text: text(&delta["content"]).filter(|_| !role),
                    usage: json["usage"]["completion_tokens"].as_u64(),
                    role,
                    ..said
                }
            }
            Spoken::Completions => Said {
                text: text(&json["choices"][0]["text"]),
                usage: json["usage"]["completion_tokens"].as_u64(),
                ..said
            },
            Spoken::Responses => Said {
                text: text(&json["delta"]),
                usage: json["response"]["usage"]["output_tokens"].as_u64(),
                done: name == Some("response.completed"),
                error: text(&json["message"]).filter(|_| name == Some("error")),
                ..said
            },
            Spoken::Messages => Said {
                text: text(&json["delta"]["text"]),
                usage: json["usage"]["output_tokens"].as_u64(),
                done: name == Some("message_stop"),
                ..said
            },
            Spoken::Tgi => Said {
                text: text(&json["token"]["text"]),
                usage: json["details"]["generated_tokens"].as_u64(),
                done: json["generated_text"].is_string(),
                ..said
            },
            Spoken::Sglang => Said {
                text: text(&json["text"]),
                usage: json["meta_info"]["completion_tokens"].as_u64(),
                ..said
            },
            Spoken::Llama => {
                let stop = json["stop"] == true;
                Said {
                    text: text(&json["content"]).filter(|_| !stop),
                    usage: json["tokens_predicted"].as_u64(),
                    done: stop,
                    ..said
                }
            }
            Spoken::OllamaChat | Spoken::OllamaGenerate => {
                let done = json["done"] == true;
                let content = match self {
                    Spoken::OllamaChat => &json["message"]["content"],
                    _ => &json["response"],
                };
                Said {
                    text: text(content).filter(|_| !done),
                    usage: json["eval_count"].as_u64(),
                    done,
                    ..said
                }
            }
        }
    }

    /// The texts of the token events, each without what the ones before it said.
    pub(crate) fn texts(self, events: &[Said]) -> Vec<String> {
        let texts = events.iter().filter_map(|said| said.text.clone());
        let mut before = String::new();
        texts
            .map(|text| match self {
                Spoken::Sglang => {
                    // Spoiled text is another from its beginning.
                    let new = text.strip_prefix(&before).unwrap_or(&text).to_owned();
                    before = text;
                    new
                }
                _ => text,
            })
            .collect()
    }
}
