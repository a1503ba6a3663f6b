//! The wait for a server that is not there yet.
//!
//! One limit holds for everything that is asked before the run: the model's name, then the first request of the plan,
//! until it succeeds. An attempt may take a few seconds, and the next twice as long: a port that takes connections
//! before a server answers does not use up the limit, and a model whose first answer is slow gets the time. What
//! cannot succeed later, such as a wrong key, ends the wait at once.

use super::{
    checked::Checked, control::Control, failure::Failure, line::frontends, prepare::Prepared,
    waiting::Waiting,
};
use crate::{
    address::Endpoint,
    client::{Balance, Body, Driver, Frontends},
    clock::{Clock, on_real_time},
    error::Error,
    plan::Plan,
    targets::Place,
    tokenizer::Tokenizer,
};

impl Checked {
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
        if self.client.ready_timeout.is_some() {
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
        let dialers = self.dialers(endpoint).await?;
        for dialer in &dialers {
            dialer.probe(clock, self.client.timeouts.connect).await?;
        }
        let first = prepared.plan.requests.first();
        let body = first.and_then(|request| prepared.body_of(request));
        // In turn one copy goes to each frontend.
        let copies = dialers.len();
        let driver = Driver {
            frontends: Frontends::new(frontends(dialers, prepared), Balance::RoundRobin),
            ..self.driver(Vec::new(), clock, prepared, control)
        };
        tried(&driver, &prepared.plan, body.as_slice(), copies).await
    }

    /// The ready check of a target in this process, by its own clock.
    pub(super) async fn until_ready(
        &self,
        driver: &Driver,
        (plan, bodies): (&Plan, &[Body]),
        control: &Control,
    ) -> Result<(), Error> {
        let waiting = Waiting::new(self, "the target".to_owned(), control);
        let attempt = async || tried(driver, plan, bodies, 1).await;
        waiting.until(&driver.clock, attempt).await
    }
}

/// Sends the first request of a plan, several times at once.
async fn tried(
    driver: &Driver,
    plan: &Plan,
    bodies: &[Body],
    copies: usize,
) -> Result<(), Failure> {
    let attempt = driver.rehearse(plan, bodies, copies).await;
    let errors = attempt.records.into_iter().find_map(|record| record.error);
    errors.map_or(Ok(()), |error| Err(Failure::from(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bench::Bench, observer::Observer, stop::Stop};
    use rstest::rstest;
    use std::{
        net::{SocketAddr, TcpListener},
        sync::{Arc, Mutex},
        time::Duration,
    };

    /// Takes connections from when the first attempt has failed, and does not answer.
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

    /// The message shows the last attempt, although it is shorter than a first one may be.
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
}
