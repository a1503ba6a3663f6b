//! `/tokenize` and `/detokenize`.

use super::{json_response, length};
use crate::{
    sim::{
        dialect::{TokenizeBody, json as bodies},
        pace::Body,
        refusal::Refusal,
        server::SimServer,
    },
    tokenizer::Codec,
};
use hyper::Response;
use serde::Deserialize;
use serde_json::{Value, json};

/// Encodes a prompt, or a conversation without a chat template. A body with `content` is llama.cpp's form. Without a
/// tokenizer the answer has only the numbers from 0 up to the prompt's number of tokens.
pub(super) fn tokenize(server: &SimServer, body: &[u8]) -> Result<Response<Body>, Refusal> {
    let asked: TokenizeBody = bodies::parse(body)?;
    let answer = match &asked.content {
        Some(content) => {
            length::check(server, content)?;
            content_answer(server, &asked, content)
        }
        None => {
            super::check_model(server, asked.model.as_deref())?;
            let text = asked
                .text()
                .map_err(|r| r.with_items(|| bodies::items(body)))?;
            length::check(server, &text)?;
            prompt_answer(server, &asked, &text)
        }
    };
    Ok(json_response(answer.to_string()))
}

fn prompt_answer(server: &SimServer, asked: &TokenizeBody, text: &str) -> Value {
    let tokens = ids(server, text, asked.add_special_tokens.unwrap_or(true));
    let strs = match asked.return_token_strs {
        Some(true) => texts(server, &tokens),
        _ => None,
    };
    let max = server.max_model_len();
    json!({"count": tokens.len(), "max_model_len": max, "tokens": tokens, "token_strs": strs})
}

fn content_answer(server: &SimServer, asked: &TokenizeBody, text: &str) -> Value {
    let tokens = ids(server, text, asked.add_special.unwrap_or(false));
    let pieces = match asked.with_pieces {
        Some(true) => texts(server, &tokens),
        _ => None,
    };
    match pieces {
        Some(pieces) => {
            let each = tokens.iter().zip(pieces);
            let each = each.map(|(id, piece)| json!({"id": id, "piece": piece}));
            json!({"tokens": each.collect::<Vec<_>>()})
        }
        None => json!({ "tokens": tokens }),
    }
}

fn ids(server: &SimServer, text: &str, add_special: bool) -> Vec<u32> {
    let encode = |codec: &Codec| codec.encode(text, add_special).ok();
    let counted = || (0..server.count(text)).map(|id| id as u32).collect();
    server.codec().and_then(encode).unwrap_or_else(counted)
}

/// The text of each token. `None` without a tokenizer.
fn texts(server: &SimServer, ids: &[u32]) -> Option<Vec<String>> {
    let codec = server.codec()?;
    ids.iter().map(|&id| codec.decode(&[id]).ok()).collect()
}

#[derive(Deserialize)]
struct DetokenizeBody {
    model: Option<String>,
    tokens: Vec<u32>,
}

/// Decodes token ids. The request does not show which engine it is for, so the text has the keys of vLLM and of
/// llama.cpp.
pub(super) fn detokenize(server: &SimServer, body: &[u8]) -> Result<Response<Body>, Refusal> {
    let asked: DetokenizeBody = bodies::parse(body)?;
    super::check_model(server, asked.model.as_deref())?;
    let Some(codec) = server.codec() else {
        let message = "This simulation has no tokenizer, so token ids mean nothing.";
        return Err(Refusal::bad_request("tokens", message));
    };
    let text = codec
        .decode(&asked.tokens)
        .map_err(|error| Refusal::bad_request("tokens", error.to_string()))?;
    let answer = json!({"prompt": text, "content": text});
    Ok(json_response(answer.to_string()))
}
