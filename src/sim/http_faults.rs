//! The HTTP side of faults: answers that come late, are refusals, or end with their connection.

use super::{
    disturb::Disturbed,
    hang_up::{Ending, HangUp},
    pace::{self, Body},
    server::Accepted,
    stall::{self, Stalling},
    surface::{json_response, response},
    telemetry::Progress,
    tokens::TokenSource,
};
use crate::clock::{Clock, Nanos};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use goodput_grammar::fault::Kind;
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
};
use serde_json::json;
use std::{collections::VecDeque, time::Duration};

/// The refusal that comes in place of an answer, if one does, at the time at which its head may be
/// sent.
pub(super) async fn instead(
    faults: &[Kind],
    clock: &Clock,
    arrival: Nanos,
) -> Option<Response<Body>> {
    let response = faults.iter().find_map(|kind| match kind {
        Kind::Status {
            code,
            body,
            retry_after,
        } => Some(refusal(*code, body.as_deref(), *retry_after)),
        _ => None,
    })?;
    clock.sleep_until(head_at(faults, arrival)).await;
    Some(response)
}

/// When the head of an answer may be sent.
fn head_at(faults: &[Kind], arrival: Nanos) -> Nanos {
    let slow = faults.iter().filter_map(|kind| match kind {
        Kind::SlowHeaders { time } => Some(*time),
        _ => None,
    });
    arrival.after(slow.fold(Duration::ZERO, Duration::saturating_add))
}

fn refusal(code: u16, body: Option<&str>, retry_after: Option<u64>) -> Response<Body> {
    // The grammar of faults allows 400..=599 only, so that the other branch is not taken.
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
    pub(super) arrival: Nanos,
    pub(super) clock: Clock,
    pub(super) hang_up: HangUp,
    /// The counters of the answer, where there is no engine.
    pub(super) progress: Option<Progress>,
}

impl Serving {
    /// Sends the answer, whose tokens become ready as the source says.
    pub(super) async fn answer(
        self,
        disturbed: Disturbed,
        source: TokenSource,
        stream: bool,
    ) -> Response<Body> {
        let stalls = stall::stalls(disturbed.faults(), disturbed.tokens());
        let source = Stalling::new(source, stalls);
        let head = head_at(disturbed.faults(), self.arrival);
        self.clock.sleep_until(head).await;
        if stream {
            self.stream(disturbed, source)
        } else {
            self.whole(disturbed, source).await
        }
    }

    fn count(&mut self, at: Nanos, tokens: u64) {
        if let Some(progress) = &mut self.progress {
            progress.tokens(at, tokens);
        }
    }

    fn stream(self, disturbed: Disturbed, source: Stalling) -> Response<Body> {
        let ending = disturbed.ending();
        let media = disturbed.media();
        let start = Some((self, disturbed, source, VecDeque::new()));
        let beats = stream::unfold(start, move |state| async move {
            let (mut serving, mut disturbed, mut source, mut writes) = state?;
            while writes.is_empty() && !disturbed.is_over() {
                let (at, tokens) = source.next().await?;
                serving.count(at, tokens);
                writes.extend(disturbed.take(tokens, at));
            }
            let Some((at, chunks)) = writes.pop_front() else {
                // The source stays in use here: its tokens are held through a silence.
                let chunks = serving.hang_up.end(ending?).await;
                return Some((chunks, None));
            };
            serving.clock.sleep_until(at).await;
            Some((chunks, Some((serving, disturbed, source, writes))))
        });
        response(media, pace::chunked(beats))
    }

    async fn whole(mut self, mut disturbed: Disturbed, mut source: Stalling) -> Response<Body> {
        let mut missing = disturbed.tokens();
        let mut ready = Nanos(0);
        while missing > 0
            && let Some((at, tokens)) = source.next().await
        {
            missing = missing.saturating_sub(tokens);
            ready = at;
            disturbed.ready(at);
            self.count(at, tokens);
        }
        self.clock.sleep_until(ready).await;
        match (disturbed.whole(), disturbed.ending()) {
            (Some(body), None) => json_response(body),
            (Some(part), Some(ending)) => {
                let beats = stream::once(async { vec![part] });
                let tail = stream::once(async move {
                    let _in_flight = self.accepted;
                    self.hang_up.end(ending).await
                });
                let mut response = json_response(Bytes::new());
                *response.body_mut() = pace::chunked(beats.chain(tail));
                response
            }
            (None, ending) => {
                let ending = ending.unwrap_or(Ending::Silence);
                self.hang_up.end(ending).await
            }
        }
    }
}
