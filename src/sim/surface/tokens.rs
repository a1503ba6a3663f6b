//! `/tokenize` and `/detokenize`.

use super::json_response;
use crate::sim::{dialect::TokenizeBody, pace::Body, refusal::Refusal, server::SimServer};
use hyper::Response;
use serde::Deserialize;
use serde_json::json;

/// Encodes a prompt, or a conversation without a chat template. Without a tokenizer there are only
/// as many numbers, from 0, as the prompt is said to have tokens.
pub(super) fn tokenize(server: &SimServer, body: &[u8]) -> Result<Response<Body>, Refusal> {
    let asked: TokenizeBody =
        serde_json::from_slice(body).map_err(|error| Refusal::json(&error))?;
    super::check_model(server, asked.model.as_deref())?;
    let text = asked.text()?;
    let exact = server.codec().and_then(|codec| {
        let ids = codec.encode(&text, false).ok()?;
        let mut strs = None;
        if asked.return_token_strs == Some(true) {
            let each = ids.iter().map(|&id| codec.decode(&[id]).ok());
            strs = Some(each.collect::<Option<Vec<_>>>()?);
        }
        Some((ids.into_iter().map(u64::from).collect(), strs))
    });
    let (tokens, strs): (Vec<u64>, _) =
        exact.unwrap_or_else(|| ((0..server.count(&text)).collect(), None));
    let max = server.max_model_len();
    Ok(json_response(
        json!({"count": tokens.len(), "max_model_len": max, "tokens": tokens, "token_strs": strs})
            .to_string(),
    ))
}

#[derive(Deserialize)]
struct DetokenizeBody {
    model: Option<String>,
    tokens: Vec<u32>,
}

/// Decodes token ids.
pub(super) fn detokenize(server: &SimServer, body: &[u8]) -> Result<Response<Body>, Refusal> {
    let asked: DetokenizeBody =
        serde_json::from_slice(body).map_err(|error| Refusal::json(&error))?;
    super::check_model(server, asked.model.as_deref())?;
    let Some(codec) = server.codec() else {
        let message = "This simulation has no tokenizer, so token ids mean nothing.";
        return Err(Refusal::bad_request("tokens", message));
    };
    let text = codec
        .decode(&asked.tokens)
        .map_err(|error| Refusal::bad_request("tokens", error.to_string()))?;
    Ok(json_response(json!({ "prompt": text }).to_string()))
}
