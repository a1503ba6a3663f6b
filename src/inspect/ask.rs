//! One question to a server: it ends soon, reads no more than it may, and goes nowhere else.

use super::{Inspector, root_cause};
use crate::redact;
use bytes::Bytes;
use reqwest::{
    Response, StatusCode, Url,
    header::{CONNECTION, CONTENT_TYPE, HeaderMap, LOCATION},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{error::Error, io, time::Duration};

/// Most questions are answered at once; a server that accepts and is silent is not waited for much longer.
const SOON: Duration = Duration::from_secs(5);

/// Bytes of a short answer.
const SHORT: usize = 1 << 20;

/// The list of models, below the address of the API.
pub(super) const MODELS: &str = "/models";

/// What is asked.
pub(super) struct Question<'a> {
    pub(super) path: &'a str,
    pub(super) how: How<'a>,
    pub(super) headers: &'a HeaderMap,
    /// Bytes of the answer that are read at most.
    pub(super) most: usize,
    /// From the first byte of the question to the last of the answer.
    pub(super) within: Duration,
    /// Keeps the connection for the next question.
    pub(super) again: bool,
}

impl<'a> Question<'a> {
    /// A short question with a short answer.
    pub(super) fn get(path: &'a str, headers: &'a HeaderMap) -> Self {
        Question {
            path,
            how: How::Get,
            headers,
            most: SHORT,
            within: SOON,
            again: false,
        }
    }
}

/// How something is asked for.
pub(super) enum How<'a> {
    Get,
    /// Without a body.
    Post,
    Json(&'a Value),
}

/// An answer of status 2xx.
#[derive(Debug)]
pub(super) struct Answer {
    url: String,
    pub(super) media: Option<String>,
    pub(super) body: Bytes,
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unanswered {
    #[error("cannot connect to {place}: {why}")]
    Unreachable {
        place: String,
        why: String,
        /// It will be the same the next time, as with a certificate.
        for_good: bool,
    },
    #[error("{url} does not answer: {why}")]
    Broken { url: String, why: String },
    #[error("{url} did not answer within {:.1} s", .within.as_secs_f64())]
    Silent { url: String, within: Duration },
    #[error("{url} answers {status}")]
    Status { url: String, status: StatusCode },
    /// Keys must not go where nobody has sent them.
    #[error(
        "{url} answers {status} and sends to {to}. goodput follows no redirects, so that keys stay with \
         the server that was named; name that address if it is the right one"
    )]
    Elsewhere {
        url: String,
        status: StatusCode,
        to: String,
    },
    #[error("{url} answers with more than {most} bytes, which are not read")]
    TooLong { url: String, most: usize },
    #[error("{url} answers with something else than expected: {why}")]
    Unreadable { url: String, why: String },
}

impl Answer {
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Unanswered> {
        serde_json::from_slice(&self.body).map_err(|e| Unanswered::Unreadable {
            url: self.url.clone(),
            why: e.to_string(),
        })
    }
}

impl Inspector {
    /// Asks at the places where the path may be, in their order. What is not found at one is asked for at the
    /// next; where it was found, it is asked for from then on.
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
            why: "there is no address".to_owned(),
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

/// The body of a success, as far as it may be read.
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
    match error.is_connect() {
        true => Unanswered::Unreachable {
            place: place.to_owned(),
            why,
            for_good: is_for_good(error),
        },
        false => Unanswered::Broken {
            url: url.to_owned(),
            why,
        },
    }
}

/// Whether a connection failed by what rustls saw, which will be the same the next time.
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

/// Where a redirect leads, without what may be secret in it.
fn target(url: &str, headers: &HeaderMap) -> String {
    let to = headers.get(LOCATION).and_then(|to| to.to_str().ok());
    let to = to.and_then(|to| Url::parse(url).ok()?.join(to).ok());
    match to {
        Some(to) => redact::place(to.as_str()),
        None => "no address".to_owned(),
    }
}
