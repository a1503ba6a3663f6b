//! The wait for a server: one limit for all questions.

use super::{checked::Checked, control::Control, failure::Failure};
use crate::{clock::Clock, error::Error, inspect::Unlisted};
use std::time::{Duration, Instant};

/// The limit on the only attempt, where there is no limit to wait for the server.
const ONLY_ATTEMPT: Duration = Duration::from_secs(30);

/// The limit on the first attempt.
const FIRST_ATTEMPT: Duration = Duration::from_secs(5);

/// Silence of this length means that the server does not answer.
const LONG_ENOUGH: Duration = Duration::from_secs(1);

/// Less time than this is not worth an attempt.
const LEAST_ATTEMPT: Duration = Duration::from_millis(20);

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// After this time an unchanged failure is reported again.
const SAY_AGAIN: Duration = Duration::from_secs(30);

/// The wait for one server.
pub(super) struct Waiting<'a> {
    bench: &'a Checked,
    pub(super) control: &'a Control,
    address: String,
    /// The time of earlier waits, without the time that it took to make a plan.
    spent: Duration,
    /// The limit on the next attempt.
    patience: Duration,
    /// The last message, and when it was shown.
    said: Option<(Duration, String)>,
}

impl<'a> Waiting<'a> {
    /// Begins the wait now.
    pub(super) fn new(bench: &'a Checked, address: String, control: &'a Control) -> Self {
        Waiting {
            bench,
            control,
            address,
            spent: Duration::ZERO,
            patience: FIRST_ATTEMPT,
            said: None,
        }
    }

    /// The limit on the attempt that begins now. `waited` is the time that has gone by.
    fn attempt(&mut self, waited: Duration) -> Duration {
        let Some(limit) = self.bench.client.ready_timeout else {
            return ONLY_ATTEMPT;
        };
        let patience = self.patience;
        self.patience = 2 * patience;
        patience.min(limit.saturating_sub(waited))
    }

    /// Returns whether the limit has passed, if there is one.
    pub(super) fn is_over(&self) -> bool {
        let limit = self.bench.client.ready_timeout;
        limit.is_some_and(|limit| self.spent >= limit)
    }

    /// The failure of an attempt that ended without an answer. For one that was cut short, the message also has the
    /// result of the attempt before: a moment of silence alone says little.
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

    /// How long to pause after an attempt that failed, if there is another one.
    fn again(&mut self, waited: Duration, failure: Failure) -> Result<Duration, Error> {
        self.control.go_on("waited for the server to be ready")?;
        let Failure { why, fix, passes } = failure;
        let Some(limit) = self.bench.client.ready_timeout else {
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

    /// Asks until there is an answer. `question` gets the limit on its time.
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
    pub(super) async fn until(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Bench;

    #[test]
    fn of_a_moment_of_silence_the_reason_before_is_told_too() {
        let bench = Bench::new("chat").checked().unwrap();
        let control = Control::default();
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
}
