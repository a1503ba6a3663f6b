//! How the client works: threads, connections, time limits.

use crate::{
    bench::{Bench, setting::Texts},
    client::Balance,
    problem::Problem,
    setting::Setting,
};
use std::time::Duration;

impl Bench {
    /// Which of several URLs gets a request: `round-robin` (default), `least-in-flight` or `session`.
    ///
    /// ```
    /// use goodput::Bench;
    ///
    /// let bench = Bench::new("chat").target("http://10.0.0.1:8000 http://10.0.0.2:8000").balance("session");
    /// assert!(bench.check().is_ok());
    /// ```
    pub fn balance(mut self, policy: impl Setting<Balance>) -> Self {
        if let Some(policy) = self.set("balance", policy) {
            self.client.balance = policy;
        }
        self
    }

    /// Local addresses that connections leave from, in turn: each has about 28,000 ports for each URL. Default: the system
    /// chooses one address.
    pub fn bind(mut self, addresses: impl Texts) -> Self {
        self.client.bind.clear();
        for text in addresses.lines() {
            match text.trim().parse() {
                Ok(address) if self.client.bind.contains(&address) => {
                    let fix = "is given twice. Keep one";
                    self.problems.push(Problem::new("bind", address, fix));
                }
                Ok(address) => self.client.bind.push(address),
                Err(_) => {
                    let fix = "is not an IP address. Write a local one, such as \"10.0.0.1\"";
                    self.problems
                        .push(Problem::new("bind", format!("{text:?}"), fix));
                }
            }
        }
        self
    }

    /// Copies of the first request to send before the run, not measured. Default 0.
    pub fn warmups(mut self, requests: usize) -> Self {
        self.client.warmups = requests;
        self
    }

    /// Open connections before the first request: as many as `max_concurrency`, or as many as
    /// are due in the first second. Default: for running servers, so that connecting delays no
    /// request that is due.
    pub fn prewarm(mut self, prewarm: bool) -> Self {
        self.client.prewarm = Some(prewarm);
        self
    }

    /// Wait up to this long for the server to be ready: it is asked for the model if none was named, and gets the
    /// first request again and again until it succeeds. A refused connection, a name that is not known yet, a status
    /// of 5xx, 408, 425 or 429, and silence only prolong the wait; any other status, such as 401 or 404, and a
    /// certificate that is refused end it at once. Attempts may take 5 s, then twice as long each. Default: no such
    /// check.
    pub fn ready_timeout(mut self, limit: impl Setting<Duration>) -> Self {
        self.client.ready_timeout = self
            .set("ready_timeout", limit)
            .or(self.client.ready_timeout);
        self
    }

    /// Limit on DNS, TCP and TLS of a connection. Default 30 s.
    pub fn connect_timeout(mut self, limit: impl Setting<Duration>) -> Self {
        if let Some(limit) = self.set("connect_timeout", limit) {
            self.client.timeouts.connect = limit;
        }
        self
    }

    /// Limit on the time from sending to the first token. Default 10 min.
    pub fn first_token_timeout(mut self, limit: impl Setting<Duration>) -> Self {
        if let Some(limit) = self.set("first_token_timeout", limit) {
            self.client.timeouts.first_token = limit;
        }
        self
    }

    /// Limit on the silence between two reads after the first token. Default 2 min.
    pub fn between_tokens_timeout(mut self, limit: impl Setting<Duration>) -> Self {
        if let Some(limit) = self.set("between_tokens_timeout", limit) {
            self.client.timeouts.between_tokens = limit;
        }
        self
    }

    /// Limit on a whole request. Default 6 h, as in vLLM.
    pub fn total_timeout(mut self, limit: impl Setting<Duration>) -> Self {
        if let Some(limit) = self.set("total_timeout", limit) {
            self.client.timeouts.total = limit;
        }
        self
    }

    /// Asks the server to profile itself during the run, as vLLM can: a POST to `/start_profile` before
    /// the first request and to `/stop_profile` after the last answer. Only for servers with an
    /// address, and not in comparisons. Default: false.
    pub fn profile(mut self, profile: bool) -> Self {
        self.client.profile = profile;
        self
    }

    /// Accept any TLS certificate. Default false.
    pub fn insecure(mut self, insecure: bool) -> Self {
        self.client.insecure = insecure;
        self
    }

    /// Hold this user's measurement lock of the machine during the run. If it is not available, a line on stderr says
    /// so and the run goes on. Default true; simulated benches never take it.
    pub fn exclusive(mut self, exclusive: bool) -> Self {
        self.client.exclusive = exclusive;
        self
    }

    /// Threads that send, each with a part of the plan and of `max_concurrency`. Default 1, which is good for tens of
    /// thousands of events a second; on virtual time there is only ever one.
    pub fn workers(mut self, threads: usize) -> Self {
        self.client.workers = threads;
        self
    }

    /// The run is invalid when the 99th percentile of the client's lateness is above this.
    /// Default 25 ms. Open loop only.
    pub fn max_lateness(mut self, limit: impl Setting<Duration>) -> Self {
        if let Some(limit) = self.set("max_lateness", limit) {
            self.client.max_lateness = limit;
        }
        self
    }
}
