//! Everything that asks a server something outside the measured path, by reqwest.

use crate::{run::ServerTtft, target::Endpoint};
use reqwest::header::{CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// `/metrics` is a courtesy: a server that is slow to give it is not waited for.
const METRICS_TIMEOUT: Duration = Duration::from_secs(1);

/// Nor is what a server says of itself.
const ABOUT_TIMEOUT: Duration = Duration::from_secs(2);

/// Characters that are taken of something that a server says of itself.
const LONGEST: usize = 100;

/// Asks a server about itself.
pub(crate) struct Inspector {
    base: String,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

/// The first model of `/v1/models`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Model {
    /// Its name on the wire.
    pub(crate) id: String,
    /// What it was loaded from; vLLM gives it, and a tokenizer may stand there.
    #[serde(default)]
    pub(crate) root: Option<String>,
}

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

impl Inspector {
    pub(crate) fn new(endpoint: &Endpoint, insecure: bool) -> Result<Self, String> {
        let builder = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30));
        #[cfg(feature = "tls")]
        let builder = {
            // Fails only when a provider is installed already, which is as good.
            let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
            builder.tls_danger_accept_invalid_certs(insecure)
        };
        #[cfg(not(feature = "tls"))]
        let _ = insecure;
        let (base, builder) = match endpoint {
            Endpoint::Url(origin) => (origin.base(), builder),
            #[cfg(unix)]
            Endpoint::Unix(path) => (
                "http://localhost".to_owned(),
                builder.unix_socket(path.clone()),
            ),
            #[cfg(not(unix))]
            Endpoint::Unix(_) => return Err("unix sockets are not available here".to_owned()),
        };
        Ok(Inspector {
            base,
            client: builder.build().map_err(|e| e.to_string())?,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|e| e.to_string())?,
        })
    }

    /// Whether a path answers with a success status.
    pub(crate) fn answers_ok(&self, path: &str) -> bool {
        let url = format!("{}{path}", self.base);
        // In an async block: reqwest wants a runtime around it from the start.
        let answer = self
            .runtime
            .block_on(async { self.client.get(url).send().await });
        answer.is_ok_and(|response| response.status().is_success())
    }

    /// Posts nothing to a path and waits for success. As [`ttft_counted`](Self::ttft_counted), never while
    /// something is measured.
    pub(crate) fn post(&self, path: &str, headers: &HeaderMap) -> Result<(), String> {
        let url = format!("{}{path}", self.base);
        let ask = async {
            let request = self.client.post(&url).headers(headers.clone());
            request.header(CONNECTION, "close").send().await
        };
        let asking = || self.runtime.block_on(ask);
        let answer = std::thread::scope(|scope| scope.spawn(asking).join());
        match answer {
            Ok(Ok(response)) if response.status().is_success() => Ok(()),
            Ok(Ok(response)) => Err(format!("{url} answers {}", response.status())),
            Ok(Err(e)) => Err(format!("{url} does not answer: {}", root_cause(&e))),
            Err(_) => Err(format!("{url} was not asked")),
        }
    }

    /// What the server has counted of times to first token; `None` if it does not say so at once.
    ///
    /// May be called inside of another runtime, which waits: never while something is measured.
    pub(crate) fn ttft_counted(&self) -> Option<TtftCounted> {
        let url = format!("{}/metrics", self.base);
        let ask = async {
            // Nothing of ours stays open during the run.
            let request = self.client.get(url).header(CONNECTION, "close");
            let response = request
                .timeout(METRICS_TIMEOUT)
                .send()
                .await
                .ok()?
                .error_for_status()
                .ok()?;
            let plain = |value: &HeaderValue| {
                value
                    .to_str()
                    .is_ok_and(|kind| kind.starts_with("text/plain"))
            };
            let kind = response.headers().get(CONTENT_TYPE);
            if !kind.is_some_and(plain) {
                return None;
            }
            TtftCounted::read(&response.text().await.ok()?)
        };
        let asking = || self.runtime.block_on(ask);
        // A runtime may not wait inside of another one on the same thread.
        std::thread::scope(|scope| scope.spawn(asking).join())
            .ok()
            .flatten()
    }

    /// What the server says of its version and configuration, as far as it does: vLLM's `/version`,
    /// llama.cpp's `/props`, SGLang's `/get_server_info`, Ollama's `/api/version`, and the model in
    /// `/v1/models`. Only fields that are known to hold no secret are taken.
    pub(crate) fn about(&self, model: &str, headers: &HeaderMap) -> BTreeMap<String, String> {
        let ask = async |path: &str| -> Option<Value> {
            let request = self.client.get(format!("{}{path}", self.base));
            let request = request.headers(headers.clone()).header(CONNECTION, "close");
            let answer = request.timeout(ABOUT_TIMEOUT).send().await.ok()?;
            answer.error_for_status().ok()?.json().await.ok()
        };
        self.runtime.block_on(async {
            let (vllm, llama, sglang, ollama, models) = tokio::join!(
                ask("/version"),
                ask("/props"),
                ask("/get_server_info"),
                ask("/api/version"),
                ask("/v1/models"),
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
        })
    }

    /// The first model that the server lists.
    pub(crate) fn first_model(&self, headers: reqwest::header::HeaderMap) -> Result<Model, String> {
        let url = format!("{}/v1/models", self.base);
        let ask = async {
            let response = self
                .client
                .get(&url)
                .headers(headers)
                .send()
                .await
                .map_err(|e| format!("{url} does not answer: {}", root_cause(&e)))?;
            let status = response.status();
            if !status.is_success() {
                return Err(format!("{url} answers {status}"));
            }
            let models: Models = response
                .json()
                .await
                .map_err(|e| format!("{url} does not list models: {}", root_cause(&e)))?;
            models
                .data
                .into_iter()
                .next()
                .ok_or_else(|| format!("{url} lists no model"))
        };
        self.runtime.block_on(ask)
    }
}

/// A server's counters of time to first token, which only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct TtftCounted {
    count: f64,
    seconds: f64,
}

impl TtftCounted {
    /// Reads the histogram of vLLM or SGLang from Prometheus' text format, over all of its labels.
    fn read(page: &str) -> Option<Self> {
        let total = |name: &str| {
            let values = page.lines().filter_map(|line| {
                let (series, value) = match line.split_once('}') {
                    Some((labelled, value)) => (labelled.split('{').next()?, value),
                    None => line.split_once(' ')?,
                };
                let ours = ["vllm", "sglang"]
                    .iter()
                    .any(|server| series == format!("{server}:time_to_first_token_seconds_{name}"));
                // A time may follow the value.
                let value = value.split_ascii_whitespace().next()?;
                ours.then(|| value.parse::<f64>().ok()).flatten()
            });
            let values: Vec<f64> = values.collect();
            (!values.is_empty()).then(|| values.iter().sum())
        };
        Some(TtftCounted {
            count: total("count")?,
            seconds: total("sum")?,
        })
    }

    /// What was counted since; `None` if it was nothing, or the server was started anew.
    pub(crate) fn since(self, earlier: TtftCounted) -> Option<ServerTtft> {
        let count = self.count - earlier.count;
        (count > 0.0).then(|| ServerTtft {
            count: count as u64,
            mean_ms: (self.seconds - earlier.seconds) / count * 1e3,
        })
    }
}

/// reqwest says what it was doing first; the reason stands at the end of the chain.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"# HELP vllm:time_to_first_token_seconds Histogram of TTFT.
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.1",model_name="m"} 3.0
vllm:time_to_first_token_seconds_count{engine="0",model_name="m"} 3.0
vllm:time_to_first_token_seconds_sum{engine="0",model_name="m"} 0.25
vllm:time_to_first_token_seconds_count{engine="1",model_name="m"} 1.0
vllm:time_to_first_token_seconds_sum{engine="1",model_name="m"} 0.15 1700000000
vllm:time_to_first_token_seconds_created{engine="0",model_name="m"} 1.7e+09
vllm:e2e_request_latency_seconds_sum{engine="0",model_name="m"} 9.5
"#;

    #[test]
    fn all_engines_count() {
        let counted = TtftCounted::read(PAGE).unwrap();
        let ttft = counted.since(TtftCounted::default()).unwrap();
        assert_eq!(ttft.count, 4);
        assert!((ttft.mean_ms - 100.0).abs() < 1e-9);
        assert_eq!(counted.since(counted), None);
    }

    #[test]
    fn other_pages_say_nothing() {
        for page in ["", "data: {\"a\": 1}", "http_requests_total 5"] {
            assert_eq!(TtftCounted::read(page), None);
        }
        let sglang = PAGE.replace("vllm:", "sglang:");
        assert!(TtftCounted::read(&sglang).is_some());
    }
}
