//! Waiting for a server that is not there yet.
//!
//! One limit holds for everything that is asked of it before the run: the model's name, then the first request
//! of the plan, until it succeeds. An attempt may take a few seconds, and the next twice as long: a port that
//! takes connections before anybody answers does not use up the limit, and a model whose first answer is slow
//! gets the time. What cannot succeed later, such as a wrong key, ends the wait at once.

use super::{Bench, Control, prepare::Prepared};
use crate::{
    address::Endpoint,
    client::{Body, DialError, Dialer, Driver, IS_IT_RUNNING, TlsSettings, what_mends},
    clock::{Clock, on_real_time},
    error::Error,
    inspect::Unlisted,
    plan::Plan,
    record::{RequestError, SET_THE_KEY},
    targets::Place,
    tokenizer::Tokenizer,
};
use std::{
    fmt, io,
    time::{Duration, Instant},
};

/// What the only attempt may take, where there is no limit to wait for the server.
const ONLY_ATTEMPT: Duration = Duration::from_secs(30);

/// What the first attempt may take.
const FIRST_ATTEMPT: Duration = Duration::from_secs(5);

/// What to do about a server with which there is no TLS.
const IS_IT_TLS: &str = ". If the server speaks plain HTTP, begin the target's URL with http://; if its certificate \
                         is the trouble, let this machine trust it, or set `insecure`";

/// A server that is silent for so long is silent.
const LONG_ENOUGH: Duration = Duration::from_secs(1);

/// Less time than this is not worth an attempt.
const LEAST_ATTEMPT: Duration = Duration::from_millis(20);

/// Between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// What is the same since this long is said again.
const SAY_AGAIN: Duration = Duration::from_secs(30);

/// Why an attempt failed.
#[derive(Debug)]
pub(super) struct Failure {
    why: String,
    /// What usually mends it, behind a full stop; empty where that is not known.
    fix: String,
    /// The next attempt may succeed.
    passes: bool,
}

/// The wait for one server.
pub(super) struct Waiting<'a> {
    bench: &'a Bench,
    pub(super) control: &'a Control,
    address: String,
    /// How long it was waited before, without the time that it took to make a plan.
    spent: Duration,
    /// What the next attempt may take.
    patience: Duration,
    /// What was said last, and when.
    said: Option<(Duration, String)>,
}

impl<'a> Waiting<'a> {
    /// Begins now.
    pub(super) fn new(bench: &'a Bench, address: String, control: &'a Control) -> Self {
        Waiting {
            bench,
            control,
            address,
            spent: Duration::ZERO,
            patience: FIRST_ATTEMPT,
            said: None,
        }
    }

    /// What the attempt that begins now may take. `waited` is the time that has gone by.
    fn attempt(&mut self, waited: Duration) -> Duration {
        let Some(limit) = self.bench.ready_timeout else {
            return ONLY_ATTEMPT;
        };
        let patience = self.patience;
        self.patience = 2 * patience;
        patience.min(limit.saturating_sub(waited))
    }

    /// Whether the limit has passed, if there is one.
    pub(super) fn is_over(&self) -> bool {
        let limit = self.bench.ready_timeout;
        limit.is_some_and(|limit| self.spent >= limit)
    }

    /// An attempt that ended without an answer. Of one that was cut short, what the attempt before came to is told,
    /// too: a moment of silence alone says little.
    fn unanswered(&self, limit: Duration) -> Failure {
        let (said, short) = (&self.said, limit < LONG_ENOUGH);
        let why = match said {
            Some((_, before)) if short => {
                format!(
                    "no answer within {} ms; before that: {before}",
                    limit.as_millis()
                )
            }
            _ if short => format!("no answer within {} ms", limit.as_millis()),
            _ => format!("no answer within {:.1} s", limit.as_secs_f64()),
        };
        Failure {
            why,
            fix: String::new(),
            passes: true,
        }
    }

    /// After an attempt that failed: how long to pause before the next, if there is to be one.
    fn again(&mut self, waited: Duration, failure: Failure) -> Result<Duration, Error> {
        self.control.go_on("waited for the server to be ready")?;
        let Failure { why, fix, passes } = failure;
        let Some(limit) = self.bench.ready_timeout else {
            return Err(Error::Target(format!("{why}{fix}")));
        };
        let (address, seconds) = (&self.address, limit.as_secs_f64());
        if !passes {
            return Err(Error::Target(format!(
                "the ready check of {address} failed, and waiting would not help: {why}{fix}"
            )));
        }
        let left = limit.saturating_sub(waited);
        if left < LEAST_ATTEMPT {
            return Err(Error::Target(format!(
                "the server at {address} was not ready within {seconds} s; the last attempt: {why}{fix}"
            )));
        }
        let news = match &self.said {
            Some((when, said)) => *said != why || waited.saturating_sub(*when) >= SAY_AGAIN,
            None => true,
        };
        if news {
            self.control.observer.says(&format!(
                "{} waits up to {seconds} s for {address} to be ready; the last attempt: {why}",
                self.bench.name
            ));
            self.said = Some((waited, why));
        }
        Ok(PAUSE.min(left / 2))
    }

    /// Asks until there is an answer. The question is given what it may take.
    pub(super) fn ask<T>(
        &mut self,
        question: impl Fn(Duration) -> Result<T, Unlisted>,
    ) -> Result<T, Error> {
        let began = Instant::now();
        let before = self.spent;
        loop {
            let limit = self.attempt(before + began.elapsed());
            let answer = question(limit);
            self.spent = before + began.elapsed();
            match answer {
                Ok(answer) => return Ok(answer),
                Err(why) => {
                    let mut failure = Failure::from(why);
                    if let (Some((_, before)), true) = (&self.said, limit < LONG_ENOUGH)
                        && *before != failure.why
                    {
                        failure.why += &format!("; before that: {before}");
                    }
                    let pause = self.again(self.spent, failure)?;
                    self.control.stop.pause(pause);
                }
            }
        }
    }

    /// Tries until it succeeds.
    async fn until(
        mut self,
        clock: &Clock,
        mut attempt: impl AsyncFnMut() -> Result<(), Failure>,
    ) -> Result<(), Error> {
        let start = clock.now();
        let stop = self.control.stop.clone();
        loop {
            let limit = self.attempt(self.spent + (clock.now() - start));
            let tried = clock.timeout_at(clock.now().after(limit), attempt());
            let failure = match stop.or_ended(tried).await {
                Some(Ok(Ok(()))) => return Ok(()),
                Some(Ok(Err(failure))) => failure,
                Some(Err(_)) | None => self.unanswered(limit),
            };
            let pause = self.again(self.spent + (clock.now() - start), failure)?;
            let next = clock.now().after(pause);
            stop.or_ended(clock.sleep_until(next)).await;
        }
    }
}

impl Bench {
    /// Works out what is sent, to a server that is ready for it if there is a limit on that.
    pub(super) fn prepare(
        &self,
        place: &Place,
        tokenizer: Option<Tokenizer>,
        control: &Control,
    ) -> Result<Prepared, Error> {
        let Place::Endpoint(endpoint) = place else {
            let mut waiting = Waiting::new(self, String::new(), control);
            return Prepared::with(self, place, tokenizer, &mut waiting);
        };
        let mut waiting = Waiting::new(self, endpoint.to_string(), control);
        let prepared = Prepared::with(self, place, tokenizer, &mut waiting)?;
        control.go_on("prepared its requests")?;
        if self.ready_timeout.is_some() {
            let ready = on_real_time(async |clock| {
                let attempt = async || self.attempt(endpoint, &prepared, control, &clock).await;
                waiting.until(&clock, attempt).await
            });
            ready.map_err(Error::io("cannot start the runtime of the ready check"))??;
        }
        Ok(prepared)
    }

    /// One attempt at a server with an address, from its name to its answer.
    async fn attempt(
        &self,
        endpoint: &Endpoint,
        prepared: &Prepared,
        control: &Control,
        clock: &Clock,
    ) -> Result<(), Failure> {
        let tls = TlsSettings {
            insecure: self.insecure,
        };
        let dialer = Dialer::new(endpoint, &tls).await?;
        dialer.probe(clock, self.timeouts.connect).await?;
        let driver = self.driver(dialer, clock, prepared, control);
        let first = prepared.plan.requests.first();
        let body = first.and_then(|request| prepared.body_of(request));
        tried(&driver, &prepared.plan, body.as_slice()).await
    }

    /// The ready check of a target in this process, by its own clock.
    pub(super) async fn until_ready(
        &self,
        driver: &Driver,
        (plan, bodies): (&Plan, &[Body]),
        control: &Control,
    ) -> Result<(), Error> {
        let waiting = Waiting::new(self, "the target".to_owned(), control);
        let attempt = async || tried(driver, plan, bodies).await;
        waiting.until(&driver.clock, attempt).await
    }
}

/// Sends the first request of a plan.
async fn tried(driver: &Driver, plan: &Plan, bodies: &[Body]) -> Result<(), Failure> {
    let attempt = driver.rehearse(plan, bodies, 1).await;
    let errors = attempt.records.into_iter().find_map(|record| record.error);
    errors.map_or(Ok(()), |error| Err(Failure::from(error)))
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let passes = match &error {
            RequestError::Status { status, .. } => may_pass(*status),
            // Also those of a model that is being loaded.
            RequestError::Connect { .. }
            | RequestError::Timeout { .. }
            | RequestError::Truncated { .. }
            | RequestError::Server { .. } => true,
            RequestError::ClientLimit { .. }
            | RequestError::Tls { .. }
            | RequestError::Foreign { .. }
            | RequestError::Malformed { .. }
            | RequestError::NoTokens
            | RequestError::Cancelled => false,
        };
        let fix = error.hint().map(|hint| format!(". To mend it, {hint}"));
        Failure {
            why: error.to_string(),
            fix: fix.unwrap_or_default(),
            passes,
        }
    }
}

impl From<DialError> for Failure {
    fn from(error: DialError) -> Self {
        let passes = match &error {
            // A container's name may come with the container.
            DialError::Resolve { .. } => true,
            // What is not TLS, or a certificate, will not become another.
            DialError::Unreachable { source, .. } => !matches!(
                source.kind(),
                io::ErrorKind::InvalidData
                    | io::ErrorKind::InvalidInput
                    | io::ErrorKind::PermissionDenied
            ),
            DialError::Tls { .. } | DialError::NoUnixSockets(_) => false,
        };
        let (why, fix) = match error {
            DialError::Unreachable { source, target } => (
                format!("cannot connect to {target}: {source}"),
                what_mends(&source).to_owned(),
            ),
            other => (other.to_string(), String::new()),
        };
        Failure { why, fix, passes }
    }
}

impl From<Unlisted> for Failure {
    fn from(error: Unlisted) -> Self {
        let unnamed = |why: &dyn fmt::Display| {
            format!("no model was named and the server did not tell one: {why}")
        };
        let set = ". Set `model`";
        match &error {
            Unlisted::Unreachable { for_good, .. } => Failure {
                why: error.to_string(),
                fix: match for_good {
                    true => IS_IT_TLS.to_owned(),
                    false => IS_IT_RUNNING.to_owned(),
                },
                passes: !for_good,
            },
            Unlisted::Silent(_) => Failure {
                why: unnamed(&error),
                fix: set.to_owned(),
                passes: true,
            },
            Unlisted::Refused { status, .. } => Failure {
                why: unnamed(&error),
                fix: match status.as_u16() {
                    401 | 403 => format!(". To mend it, {SET_THE_KEY}"),
                    _ => ". If the server has no model list, set `model`".into(),
                },
                passes: may_pass(status.as_u16()),
            },
            Unlisted::Nameless(_) => Failure {
                why: unnamed(&error),
                fix: set.to_owned(),
                passes: false,
            },
        }
    }
}

/// Whether a server that answers this may answer otherwise later: gateways and servers that load a model say
/// that they are not available yet. A model or a path that is not found is most often misspelt.
fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599) && !matches!(status, 501 | 505)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{observer::Observer, stop::Stop};
    use rstest::rstest;
    use std::{
        net::{SocketAddr, TcpListener},
        sync::{Arc, Mutex},
    };

    /// Takes connections from when the first attempt has failed, and answers nobody.
    struct SilentLater {
        address: SocketAddr,
        port: Mutex<Option<TcpListener>>,
    }

    impl Observer for SilentLater {
        fn says(&self, line: &str) {
            if line.contains("the last attempt") {
                let mut port = self.port.lock().unwrap();
                port.get_or_insert_with(|| TcpListener::bind(self.address).unwrap());
            }
        }
    }

    /// The last attempt is what is told, although it is shorter than a first one may be.
    #[rstest]
    #[case::first_request(Some("m"), "no answer within ")]
    #[case::model(None, "/v1/models did not answer within ")]
    fn a_server_that_falls_silent_is_told(#[case] model: Option<&str>, #[case] told: &str) {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = port.local_addr().unwrap();
        drop(port);
        let control = Control {
            stop: Stop::never(),
            observer: Arc::new(SilentLater {
                address,
                port: Mutex::new(None),
            }),
        };
        let bench = Bench::new("chat").target(format!("http://{address}"));
        let bench = bench
            .requests(1)
            .exclusive(false)
            .ready_timeout(Duration::from_millis(3500));
        let bench = match model {
            Some(model) => bench.model(model),
            None => bench,
        };
        let error = bench.run_blocking_with(control).unwrap_err().to_string();
        assert!(
            error.contains(&format!("http://{address} was not ready")),
            "{error}"
        );
        assert!(error.contains(told) && error.contains("2."), "{error}");
        assert!(!error.contains("refused"), "{error}");
    }

    #[test]
    fn of_a_moment_of_silence_the_reason_before_is_told_too() {
        let (bench, control) = (Bench::new("chat"), Control::default());
        let mut waiting = Waiting::new(&bench, "http://x".to_owned(), &control);
        let moment = Duration::from_millis(300);
        assert_eq!(waiting.unanswered(moment).why, "no answer within 300 ms");
        waiting.said = Some((Duration::ZERO, "Connection refused".to_owned()));
        assert_eq!(
            waiting.unanswered(moment).why,
            "no answer within 300 ms; before that: Connection refused"
        );
        assert_eq!(
            waiting.unanswered(Duration::from_secs(2)).why,
            "no answer within 2.0 s"
        );
    }

    #[rstest]
    #[case::loading(503, true)]
    #[case::gateway(502, true)]
    #[case::busy(429, true)]
    #[case::no_such_model(404, false)]
    #[case::wrong_key(401, false)]
    #[case::wrong_body(400, false)]
    #[case::no_such_method(501, false)]
    fn only_what_may_pass_is_repeated(#[case] status: u16, #[case] passes: bool) {
        let body = String::new();
        let failure = Failure::from(RequestError::Status { status, body });
        assert_eq!(failure.passes, passes);
    }
}
