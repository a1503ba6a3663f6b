//! Asks a server about itself.

use super::{
    inspector::Inspector,
    question::{MODELS, Question},
};
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// These answers are optional: a slow server gets no more time.
const ABOUT_TIMEOUT: Duration = Duration::from_secs(2);

/// Limit for a value that a server reports, in characters.
const LONGEST: usize = 100;

impl Inspector {
    /// Version and configuration that the server reports: vLLM's `/version`, llama.cpp's `/props`, SGLang's
    /// `/get_server_info`, Ollama's `/api/version`, and the model in `/v1/models`. Takes only fields that
    /// are known to contain no secret.
    pub(crate) fn about(&self, model: &str, headers: &HeaderMap) -> BTreeMap<String, String> {
        let ask = async |path: &str| -> Option<Value> {
            let question = Question {
                within: ABOUT_TIMEOUT,
                ..Question::get(path, headers)
            };
            self.ask(&question).await.ok()?.json().ok()
        };
        let listed = async || -> Option<Value> {
            let question = Question {
                within: ABOUT_TIMEOUT,
                ..Question::get(MODELS, headers)
            };
            self.ask_at(&self.api, &question).await.ok()?.json().ok()
        };
        let told = self.block_on("/version", async {
            let (vllm, llama, sglang, ollama, models) = tokio::join!(
                ask("/version"),
                ask("/props"),
                ask("/get_server_info"),
                ask("/api/version"),
                listed(),
            );
            let mut about = BTreeMap::new();
            let mut take = |name: &str, answer: &Option<Value>, path: &str| {
                let value = answer.as_ref().and_then(|answer| answer.pointer(path));
                let text = match value {
                    Some(Value::String(text)) => text.clone(),
                    Some(number @ Value::Number(_)) => number.to_string(),
                    _ => return,
                };
                let text: String = text.chars().take(LONGEST).collect();
                about.entry(name.to_owned()).or_insert(text);
            };
            take("version", &vllm, "/version");
            take("version", &sglang, "/version");
            take("version", &ollama, "/version");
            take("build", &llama, "/build_info");
            take("total_slots", &llama, "/total_slots");
            take("n_ctx", &llama, "/default_generation_settings/n_ctx");
            let ours = models.and_then(|models| {
                let listed = models.get("data")?.as_array()?;
                let named = listed.iter().find(|entry| entry["id"] == model);
                named.or(listed.first()).cloned()
            });
            take("max_model_len", &ours, "/max_model_len");
            take("model_root", &ours, "/root");
            take("owned_by", &ours, "/owned_by");
            about
        });
        told.unwrap_or_default()
    }
}
