//! The HTTP surface: which path does what.

mod generate;
mod length;
mod models;
mod tokens;

use super::{
    dialect::Dialect,
    hang_up::HangUp,
    pace::{self, Body},
    refusal::Refusal,
    server::SimServer,
    telemetry,
};
use crate::clock::{Clock, Nanos};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    Method, Request, Response,
    body::{Body as _, Incoming},
    header::{ALLOW, CONTENT_TYPE, HeaderValue},
};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// The largest request body, in bytes.
const BODY_LIMIT: usize = 64 << 20;

/// The value of `created` at time 0. Fixed, because answers must not depend on the day.
const EPOCH: u64 = 1_700_000_000;

#[derive(Debug, Clone, Copy)]
enum Endpoint {
    Work(Dialect),
    Tokenize,
    Detokenize,
    Models,
    Health,
    Version,
    Props,
    Metrics,
}

impl Endpoint {
    fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/v1/models" | "/models" => Endpoint::Models,
            "/health" | "/ping" => Endpoint::Health,
            "/version" => Endpoint::Version,
            "/metrics" => Endpoint::Metrics,
            "/props" => Endpoint::Props,
            "/tokenize" => Endpoint::Tokenize,
            "/detokenize" => Endpoint::Detokenize,
            path => Endpoint::Work(Dialect::at(path)?),
        })
    }

    fn method(self) -> Method {
        match self {
            Endpoint::Work(_) | Endpoint::Tokenize | Endpoint::Detokenize => Method::POST,
            _ => Method::GET,
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
        return Err(Refusal::method_not_allowed(match endpoint.method() {
            Method::POST => "POST",
            _ => "GET",
        }));
    }
    match endpoint {
        Endpoint::Health => Ok(Response::new(pace::whole(""))),
        Endpoint::Version => {
            let version = concat!("goodput-sim ", env!("CARGO_PKG_VERSION"));
            Ok(json_response(json!({ "version": version }).to_string()))
        }
        Endpoint::Models => Ok(json_response(models::list(server))),
        Endpoint::Props => Ok(json_response(models::props(server))),
        Endpoint::Metrics => {
            let page = metrics_page(server, clock.now());
            Ok(response(telemetry::TEXT, pace::whole(page)))
        }
        Endpoint::Tokenize => tokens::tokenize(server, &read(body).await?),
        Endpoint::Detokenize => tokens::detokenize(server, &read(body).await?),
        Endpoint::Work(dialect) => {
            let call = generate::Call {
                server,
                clock,
                arrival,
                hang_up,
                headers: &head.headers,
            };
            let body = read(body).await?;
            match dialect.read(&body) {
                Ok(asked) => call.answer(asked).await,
                Err(refusal) => Err(named_first(server, &body, refusal)),
            }
        }
    }
}

/// The page `/metrics`.
pub(crate) fn metrics_page(server: &SimServer, now: Nanos) -> String {
    telemetry::page(server, now, EPOCH as f64)
}

/// The whole request body.
async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    // Refused by its announced length, so that the client need not send it.
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Err(Refusal::too_large(BODY_LIMIT));
    }
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::too_large(BODY_LIMIT)),
        Err(_) => Err(Refusal::unreadable_body()),
    }
}

/// Refuses an unknown model first: vLLM looks for the model before it looks at anything but the types of a body.
fn named_first(server: &SimServer, body: &[u8], refusal: Refusal) -> Refusal {
    #[derive(Deserialize)]
    struct Named {
        model: Option<String>,
    }
    let named = || serde_json::from_slice::<Named>(body).ok()?.model;
    if refusal.is_of_types() {
        refusal
    } else {
        check_model(server, named().as_deref())
            .err()
            .unwrap_or(refusal)
    }
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

/// An answer of this media type.
pub(super) fn response(media: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static(media);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

pub(super) fn json_response(body: impl Into<Bytes>) -> Response<Body> {
    response("application/json", pace::whole(body))
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
