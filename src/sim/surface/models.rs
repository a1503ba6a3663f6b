//! What the server says about itself.

use super::EPOCH;
use crate::sim::server::SimServer;
use serde_json::json;
use std::iter;

/// `/v1/models`
pub(super) fn list(server: &SimServer) -> String {
    let base = server.script.model.as_str();
    let model = |id: &str, parent: Option<&str>, max_model_len: Option<u64>| {
        json!({
            "id": id,
            "object": "model",
            "created": EPOCH,
            "owned_by": "goodput",
            "root": id,
            "parent": parent,
            "max_model_len": max_model_len,
            "permission": [{
                "id": format!("modelperm-{id}"),
                "object": "model_permission",
                "created": EPOCH,
                "allow_create_engine": false,
                "allow_sampling": true,
                "allow_logprobs": true,
                "allow_search_indices": false,
                "allow_view": true,
                "allow_fine_tuning": false,
                "organization": "*",
                "group": null,
                "is_blocking": false,
            }],
        })
    };
    let adapters = server.adapters().iter();
    // vLLM states the length of the base model only.
    let data: Vec<_> = iter::once(model(base, None, Some(server.max_model_len())))
        .chain(adapters.map(|name| model(name, Some(base), None)))
        .collect();
    json!({"object": "list", "data": data}).to_string()
}

/// llama.cpp's `/props`, with what a client needs.
pub(super) fn props(server: &SimServer) -> String {
    let slots = server
        .engine()
        .map_or(1, |engine| engine.config().max_num_seqs);
    json!({
        "default_generation_settings": {"n_ctx": server.max_model_len()},
        "total_slots": slots,
        "model_alias": server.script.model,
        "model_path": server.script.model,
        "build_info": concat!("goodput-sim ", env!("CARGO_PKG_VERSION")),
    })
    .to_string()
}
