//! The HTTP side of faults: answers that come late, are refusals, or end with their connection.

use super::{
    disturb::Disturbed,
    hang_up::{Ending, HangUp},
    pace::{self, Body},
    script::TokenTimes,
    server::Accepted,
    surface::{json_response, stream_response},
};
use crate::clock::{Clock, Nanos};
use bytes::Bytes;
use goodput_grammar::fault::Kind;
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
};
use serde_json::json;
use std::{convert::Infallible, iter, sync::Arc, time::Duration};

/// Waits as long as headers are slow, and gives the answer that comes in place of the one asked
/// for, if one does.
pub(super) async fn instead(
    faults: &[Kind],
    clock: &Clock,
    arrival: Nanos,
) -> Option<Response<Body>> {
    let slow = faults.iter().filter_map(|kind| match kind {
        Kind::SlowHeaders(time) => Some(*time),
        _ => None,
    });
    let slow = slow.fold(Duration::ZERO, Duration::saturating_add);
    if !slow.is_zero() {
        clock.sleep_until(arrival.after(slow)).await;
    }
    faults.iter().find_map(|kind| match kind {
        Kind::Status {
            code,
            body,
            retry_after,
        } => Some(refusal(*code, body.as_deref(), *retry_after)),
        _ => None,
    })
}

fn refusal(code: u16, body: Option<&str>, retry_after: Option<u64>) -> Response<Body> {
    // Whoever writes faults is held to 400..=599, so that the other branch is not taken.
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = status.canonical_reason().unwrap_or("Error");
    let mut response = match body {
        Some(text) => {
            let mut response = json_response(text.to_owned());
            if !text.trim_start().starts_with('{') {
                let kind = HeaderValue::from_static("text/plain; charset=utf-8");
                response.headers_mut().insert(CONTENT_TYPE, kind);
            }
            response
        }
        None => {
            let message = format!("injected fault: {code} {reason}");
            let error = json!({"message": message, "type": reason, "param": null, "code": code});
            json_response(json!({ "error": error }).to_string())
        }
    };
    *response.status_mut() = status;
    if let Some(seconds) = retry_after {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

/// What serving one disturbed answer needs.
#[derive(Debug)]
pub(super) struct Serving {
    /// Kept for as long as the answer lives: a stall holds its place, a reset frees it.
    pub(super) accepted: Accepted,
    pub(super) clock: Clock,
    pub(super) hang_up: HangUp,
}

impl Serving {
    /// The answer, whose tokens are ready at these times.
    pub(super) async fn answer(
        self,
        disturbed: Disturbed,
        times: TokenTimes,
        stream: bool,
    ) -> Response<Body> {
        match stream {
            true => self.stream(disturbed, times),
            false => self.whole(&disturbed, times).await,
        }
    }

    fn stream(self, mut disturbed: Disturbed, times: TokenTimes) -> Response<Body> {
        let ending = disturbed.ending();
        let accepted = Arc::new(self.accepted);
        let streamed = accepted.clone();
        let beats = (0..disturbed.tokens())
            .zip(times)
            .map_while(move |(index, at)| {
                let _in_flight = &streamed;
                disturbed.token(index, at)
            })
            .flatten();
        let Some(ending) = ending else {
            return stream_response(pace::paced(self.clock, beats));
        };
        let tail = async move {
            let _in_flight = accepted;
            self.hang_up.end(ending).await
        };
        stream_response(pace::paced_then(self.clock, beats, tail))
    }

    async fn whole(self, disturbed: &Disturbed, mut times: TokenTimes) -> Response<Body> {
        let last = usize::try_from(disturbed.tokens() - 1).unwrap_or(usize::MAX);
        let Some(ready) = times.nth(last) else {
            // The times of a script have no end.
            return json_response(Bytes::new());
        };
        let (at, body) = disturbed.whole(ready);
        self.clock.sleep_until(at).await;
        match (body, disturbed.ending()) {
            (Some(body), None) => json_response(body),
            (Some(part), Some(ending)) => {
                let accepted = self.accepted;
                let tail = async move {
                    let _in_flight = accepted;
                    self.hang_up.end(ending).await
                };
                let mut response = json_response(Bytes::new());
                let parts = iter::once((at, vec![part]));
                *response.body_mut() = pace::paced_then(self.clock, parts, tail);
                response
            }
            (None, ending) => {
                let never: Infallible = self.hang_up.end(ending.unwrap_or(Ending::Silence)).await;
                match never {}
            }
        }
    }
}
