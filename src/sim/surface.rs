//! The HTTP surface: which path does what.

use super::{
    disturb::Disturbed,
    engine::{Job, Stall, Ticket, TooLong},
    hang_up::HangUp,
    misbehave,
    pace::{self, Body},
    prefix,
    refusal::Refusal,
    request::{Dialect, Generation},
    server::SimServer,
    stall,
    streamed::Streamed,
    tokens::TokenSource,
    wire::{Answer, EVENT_STREAM, UsageEvents},
};
use crate::clock::{Clock, Nanos};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Request, Response,
    body::{Body as _, Incoming},
    header::{ALLOW, CONTENT_TYPE, HeaderValue},
};
use serde::Deserialize;
use serde_json::json;
use std::{iter, sync::Arc};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Bytes in a request body at most.
const BODY_LIMIT: usize = 64 << 20;

/// What `created` is at time 0. Fixed, because answers must not depend on the day.
const EPOCH: u64 = 1_700_000_000;

#[derive(Debug, Clone, Copy)]
enum Endpoint {
    Generate(Dialect),
    Models,
    Health,
    Version,
    Tokenize,
}

impl Endpoint {
    fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/v1/chat/completions" => Endpoint::Generate(Dialect::Chat),
            "/v1/completions" => Endpoint::Generate(Dialect::Completions),
            "/v1/models" => Endpoint::Models,
            "/health" => Endpoint::Health,
            "/version" => Endpoint::Version,
            "/tokenize" => Endpoint::Tokenize,
            _ => return None,
        })
    }

    fn method(self) -> &'static str {
        match self {
            Endpoint::Generate(_) | Endpoint::Tokenize => "POST",
            Endpoint::Models | Endpoint::Health | Endpoint::Version => "GET",
        }
    }
}

/// Answers one request whose head was read at `arrival`.
pub(super) async fn answer(
    server: &Arc<SimServer>,
    clock: &Clock,
    arrival: Nanos,
    hang_up: &HangUp,
    request: Request<Incoming>,
) -> Response<Body> {
    match serve(server, clock, arrival, hang_up, request).await {
        Ok(response) => response,
        Err(refusal) => refuse(&refusal),
    }
}

async fn serve(
    server: &Arc<SimServer>,
    clock: &Clock,
    arrival: Nanos,
    hang_up: &HangUp,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let (head, body) = request.into_parts();
    let endpoint = Endpoint::at(head.uri.path()).ok_or_else(Refusal::not_found)?;
    if head.method != endpoint.method() {
        return Err(Refusal::method_not_allowed(endpoint.method()));
    }
    match endpoint {
        Endpoint::Health => Ok(Response::new(pace::whole(""))),
        Endpoint::Version => {
            let version = concat!("goodput-sim ", env!("CARGO_PKG_VERSION"));
            Ok(json_response(json!({ "version": version }).to_string()))
        }
        Endpoint::Models => Ok(json_response(models(server))),
        Endpoint::Tokenize => tokenize(server, &read(body).await?),
        Endpoint::Generate(dialect) => {
            let asked = Generation::read(dialect, &read(body).await?)?;
            generate(
                server,
                clock,
                arrival,
                hang_up,
                dialect,
                &asked,
                &head.headers,
            )
            .await
        }
    }
}

/// The whole request body.
async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    // Refused by what it announces already, so that the client need not send it.
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Err(Refusal::too_large(BODY_LIMIT));
    }
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::too_large(BODY_LIMIT)),
        Err(_) => Err(Refusal::unreadable_body()),
    }
}

async fn generate(
    server: &Arc<SimServer>,
    clock: &Clock,
    arrival: Nanos,
    hang_up: &HangUp,
    dialect: Dialect,
    asked: &Generation,
    headers: &HeaderMap,
) -> Result<Response<Body>, Refusal> {
    check_model(server, asked.model.as_deref())?;
    let prompt_tokens = asked.input.tokens(|text| server.count(text));
    if let Some(engine) = server.engine() {
        let limit = engine.config().max_model_len();
        TooLong::check(limit, prompt_tokens.max(1), asked.max_tokens).map_err(too_long)?;
    }
    let accepted = server.accept(arrival, clock);
    let faults = server.faults(accepted.ordinal, arrival);
    // Before the engine hears of it: what is refused costs no step.
    if let Some(response) = misbehave::instead(&faults, clock, arrival).await {
        return Ok(response);
    }
    let stalls = stall::stalls(&faults, asked.max_tokens);
    let ticket = submit(server, clock, arrival, asked, prompt_tokens, stalls)?;
    let script = &server.script;
    let id = match headers.get("x-request-id").map(HeaderValue::to_str) {
        Some(Ok(id)) => id.to_owned(),
        _ => format!(
            "{:016x}",
            xxh3_64_with_seed(&accepted.ordinal.to_be_bytes(), script.seed)
        ),
    };
    let created = EPOCH + arrival.0 / 1_000_000_000;
    let model = asked.model.as_deref().unwrap_or(&script.model);
    let usage = match (asked.include_usage, asked.continuous_usage) {
        (false, _) => UsageEvents::Never,
        (true, false) => UsageEvents::Last,
        (true, true) => UsageEvents::All,
    };
    let answer = Answer::new(
        dialect,
        &id,
        created,
        model,
        asked.max_tokens,
        prompt_tokens,
    )
    .usage(usage);
    let source = match ticket {
        Some(ticket) => TokenSource::Engine(ticket),
        None => TokenSource::scripted(
            server.latencies().map_err(Refusal::internal)?,
            accepted.ordinal,
            prompt_tokens,
            arrival,
            clock,
        ),
    };
    if !faults.is_empty() {
        let disturbed = Disturbed::new(answer, faults);
        let served = misbehave::Serving {
            accepted,
            arrival,
            clock: clock.clone(),
            hang_up: hang_up.clone(),
        };
        return Ok(served.answer(disturbed, source, asked.stream).await);
    }
    if asked.stream {
        let body = Streamed::new(source, answer, accepted);
        return Ok(stream_response(body.boxed_unsync()));
    }
    source.all(answer.tokens()).await;
    Ok(json_response(answer.whole()))
}

/// Hands a generation to the engine, if there is one.
fn submit(
    server: &SimServer,
    clock: &Clock,
    arrival: Nanos,
    asked: &Generation,
    prompt_tokens: u64,
    stalls: Vec<Stall>,
) -> Result<Option<Ticket>, Refusal> {
    let Some(engine) = server.engine() else {
        return Ok(None);
    };
    let model = asked.model.as_deref();
    let adapters = server.adapters().iter();
    let lora = adapters
        .map(String::as_str)
        .position(|name| Some(name) == model);
    let job = Job {
        prompt_tokens,
        block_hashes: prefix::block_hashes(&asked.input, engine.config().block_size, lora),
        max_output: asked.max_tokens,
        priority: asked.priority,
        lora,
        stalls,
    };
    engine
        .submit(clock, arrival, job)
        .map(Some)
        .map_err(too_long)
}

fn too_long(error: TooLong) -> Refusal {
    Refusal::bad_request("max_tokens", error.to_string())
}

fn check_model(server: &SimServer, asked: Option<&str>) -> Result<(), Refusal> {
    match (server.only_model(), asked) {
        (Some(served), Some(asked))
            if asked != served && !server.adapters().iter().any(|name| name == asked) =>
        {
            Err(Refusal::unknown_model(asked, served))
        }
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
struct TokenizeBody {
    model: Option<String>,
    prompt: String,
}

/// Says how many tokens a prompt has. There is no vocabulary behind it: the token ids are numbers
/// from 0.
fn tokenize(server: &SimServer, body: &[u8]) -> Result<Response<Body>, Refusal> {
    let asked: TokenizeBody =
        serde_json::from_slice(body).map_err(|error| Refusal::json(&error))?;
    check_model(server, asked.model.as_deref())?;
    let count = server.count(&asked.prompt);
    let tokens: Vec<u64> = (0..count).collect();
    Ok(json_response(
        json!({"count": count, "max_model_len": server.max_model_len(), "tokens": tokens, "token_strs": null})
            .to_string(),
    ))
}

fn models(server: &SimServer) -> String {
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
        })
    };
    let adapters = server.adapters().iter();
    // vLLM states the length of the base model only.
    let data: Vec<_> = iter::once(model(base, None, Some(server.max_model_len())))
        .chain(adapters.map(|name| model(name, Some(base), None)))
        .collect();
    json!({"object": "list", "data": data}).to_string()
}

pub(super) fn stream_response(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static(EVENT_STREAM);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

pub(super) fn json_response(body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(pace::whole(body));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn refuse(refusal: &Refusal) -> Response<Body> {
    let mut response = json_response(refusal.body());
    *response.status_mut() = refusal.status();
    if let Some(allow) = refusal.allow {
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static(allow));
    }
    response
}
