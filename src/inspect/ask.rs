//! Asks a server one question, with limits on time, size and destination.

use super::{
    inspector::Inspector,
    question::{Answer, How, Question, Unanswered},
};
use crate::{redact, stop::Stop};
use bytes::Bytes;
use reqwest::{
    Response, Url,
    header::{CONNECTION, CONTENT_TYPE, HeaderMap, LOCATION},
};
use std::{error::Error, io, time::Duration};

impl Inspector {
    /// Whether a path answers with a success status within this time.
    pub(crate) fn answers_ok(&self, path: &str, within: Duration) -> bool {
        let headers = HeaderMap::new();
        let question = Question {
            again: true,
            within,
            ..Question::get(path, &headers)
        };
        // In an async block: reqwest requires a runtime from the start.
        let answer = self.block_on(path, async { self.ask(&question).await });
        answer.is_some_and(|answer| answer.is_ok())
    }

    /// Posts an empty body to a path and waits for success, up to `within` and until `stop`. May be called
    /// inside another runtime, which then blocks: never during a measurement.
    pub(crate) fn post(
        &self,
        path: &str,
        headers: &HeaderMap,
        within: Duration,
        stop: &Stop,
    ) -> Result<(), String> {
        let question = Question {
            how: How::Post,
            within,
            ..Question::get(path, headers)
        };
        let answer = self.wait(path, async || stop.or_ended(self.ask(&question)).await);
        match answer.flatten() {
            Some(answer) => answer.map(drop).map_err(|why| why.to_string()),
            None => Err(format!("the run ended before it asked {path}")),
        }
    }

    /// Asks at the possible addresses of the path, in order. A path that is not found at one address is
    /// tried at the next; once found, it stays there.
    pub(super) async fn ask(&self, question: &Question<'_>) -> Result<Answer, Unanswered> {
        let path = question.path;
        if let Some(place) = self.found_at(path) {
            return self.ask_at(&self.places[place], question).await;
        }
        let mut first = None;
        for (index, place) in self.places.iter().enumerate() {
            match self.ask_at(place, question).await {
                Ok(answer) => {
                    self.note_place(path, index);
                    return Ok(answer);
                }
                Err(why @ (Unanswered::Status { .. } | Unanswered::Elsewhere { .. })) => {
                    first.get_or_insert(why);
                }
                Err(why) => return Err(first.unwrap_or(why)),
            }
        }
        Err(first.unwrap_or_else(|| Unanswered::Broken {
            url: path.to_owned(),
            why: "the host has no address".to_owned(),
        }))
    }

    /// Asks below this address.
    pub(super) async fn ask_at(
        &self,
        place: &str,
        question: &Question<'_>,
    ) -> Result<Answer, Unanswered> {
        let url = format!("{place}{}", question.path);
        let request = match question.how {
            How::Get => self.client.get(&url),
            How::Post => self.client.post(&url),
            How::Json(body) => self.client.post(&url).json(body),
        };
        let mut request = request.headers(question.headers.clone());
        if !question.again {
            request = request.header(CONNECTION, "close");
        }
        let within = question.within;
        let asked = async {
            let response = request.send().await;
            let response = response.map_err(|e| unreachable(&self.base, &url, &e))?;
            read(&self.base, &url, response, question.most).await
        };
        match tokio::time::timeout(within, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(Unanswered::Silent { url, within }),
        }
    }
}

/// Reads the body of a success, up to its limit.
async fn read(
    place: &str,
    url: &str,
    mut response: Response,
    most: usize,
) -> Result<Answer, Unanswered> {
    let (url, status) = (url.to_owned(), response.status());
    if status.is_redirection() {
        let to = target(&url, response.headers());
        return Err(Unanswered::Elsewhere { url, status, to });
    }
    if !status.is_success() {
        return Err(Unanswered::Status { url, status });
    }
    let media = response.headers().get(CONTENT_TYPE);
    let media = media.and_then(|media| Some(media.to_str().ok()?.to_owned()));
    let mut body = Vec::new();
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|e| unreachable(place, &url, &e))?
    {
        if body.len() + piece.len() > most {
            return Err(Unanswered::TooLong { url, most });
        }
        body.extend_from_slice(&piece);
    }
    let body = Bytes::from(body);
    Ok(Answer { url, media, body })
}

fn unreachable(place: &str, url: &str, error: &reqwest::Error) -> Unanswered {
    let why = root_cause(error);
    if error.is_connect() {
        Unanswered::Unreachable {
            place: place.to_owned(),
            why,
            for_good: is_for_good(error),
        }
    } else {
        Unanswered::Broken {
            url: url.to_owned(),
            why,
        }
    }
}

/// Whether a connection failed for a reason that rustls saw, which will not change.
fn is_for_good(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let system = error.downcast_ref::<io::Error>();
        if system.is_some_and(|error| error.kind() == io::ErrorKind::InvalidData) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Address of a redirect, without possible secrets.
fn target(url: &str, headers: &HeaderMap) -> String {
    let to = headers.get(LOCATION).and_then(|to| to.to_str().ok());
    let to = to.and_then(|to| Url::parse(url).ok()?.join(to).ok());
    match to {
        Some(to) => redact::place(to.as_str()),
        None => "no address".to_owned(),
    }
}

/// The root cause of an error: reqwest's own text says what it was doing, and the reason is at the end of
/// the chain.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
