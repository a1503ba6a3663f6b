//! The numbers of a run. [`measure`] is a pure function of a stored [`Run`].
//!
//! Definitions follow `vllm bench serve` (0.33) wherever it has one, under its names. Where its
//! number is known to mislead, it stays and goodput adds an honest one.
//! Latencies are milliseconds, rates are per second, shares are 0–1.
//!
//! ```
//! use goodput::{Bench, metrics::measure};
//!
//! let bench = Bench::new("chat").target("sim(ttft = 50ms, itl = 10ms)").rate(10).requests(20);
//! let report = bench.goodput("ttft:60").run_blocking()?;
//! let metrics = report.metrics();
//!
//! assert_eq!(metrics.counts.completed, 20);
//! assert_eq!(metrics.gate.ttft.percentile(99.0), 50.0);
//! assert_eq!(metrics.goodput.ratio, 1.0);
//!
//! // The same run, with another limit on its requests.
//! let strict = goodput::grammar::goodput::parse("ttft:40").unwrap();
//! assert_eq!(measure(report.run(), &strict).goodput.ratio, 0.0);
//! # Ok::<(), goodput::Error>(())
//! ```
//!
//! Words of the table: *sent* is [`Record::sent`](crate::record::Record::sent); *intended* is the
//! planned send time; *first* and *last* are the first and the last token event (of an answer
//! without tokens, *last* is its last byte); *n* is the number of generated tokens; *D* is [`Run::duration`]. Latencies, tokens and throughput count
//! successes only.
//!
//! | Number | Formula | Unit | Source |
//! |---|---|---|---|
//! | [`Latencies::ttft`] | first − sent | ms | vLLM |
//! | [`Latencies::tpot`] | (last − first) / (n − 1); requests with n ≤ 1 are left out | ms | vLLM |
//! | [`Latencies::itl`] | every gap between neighbouring token events, pooled over requests | ms | vLLM |
//! | [`Latencies::e2el`] | last − sent; usage, `[DONE]` and the connection's close come later | ms | vLLM |
//! | [`Latencies::client_queue`] | sent − dispatched: the wait for a slot | ms | vLLM |
//! | [`Latencies::e2el_with_client_queue`] | last − dispatched | ms | vLLM |
//! | [`GateLatencies::ttft`] | first − intended in open loop, else first − sent | ms | goodput |
//! | [`GateLatencies::ttfat`] | the same to the first event of the answer, reasoning left out | ms | goodput |
//! | [`GateLatencies::e2el`] | last − intended in open loop, else last − sent | ms | goodput |
//! | [`GateLatencies::per_token`] | a gap over the tokens that came with it, once a token | ms | goodput |
//! | [`GateLatencies::queue`] | sent − intended | ms | goodput |
//! | [`GateLatencies::connect`] | connected − sent, where a connection was opened | ms | goodput |
//! | [`GateLatencies::lateness`] | dispatched − intended of all requests, open loop only | ms | goodput |
//! | [`Throughput`] | completed, input tokens, output tokens, both; each over D | 1/s | vLLM |
//! | [`Throughput::inputs`] | inputs of completed requests over D | 1/s | vLLM |
//! | [`Throughput::rtfx`] | seconds of recordings of completed requests over D | | vLLM |
//! | [`Throughput::send_rate`] | requests over the time until the last was sent | 1/s | goodput |
//! | [`Peaks::output_tokens_per_s`] | token *events* in the fullest second | 1/s | vLLM |
//! | [`Peaks::concurrent_requests`] | requests that touch the fullest second | | vLLM |
//! | [`Peaks::exact_output_tokens_per_s`] | *tokens* in the fullest second | 1/s | goodput |
//! | [`Peaks::exact_concurrent_requests`] | requests in flight at one instant | | goodput |
//! | [`Goodput::requests_per_s`] | successes within all limits, from sent, over D | 1/s | vLLM |
//! | [`Goodput::ratio`] | requests within all limits over all that were sent | 0–1 | goodput |
//! | [`Counts::cached_tokens`] | prompt tokens that a prefix cache had, by the usage of completed requests | | goodput |
//! | [`Metrics::cached_share`] | cached over all prompt tokens of completed requests whose usage has both | 0–1 | goodput |
//! | [`Structured::share`] | answers that have their structure, over the requests that asked for one that goodput can check; a request that failed or was refused is not valid, a cancelled one does not count | 0–1 | goodput |
//! | [`Structured::correct_percent`] | the same by the weaker checks of vLLM's `benchmark_serving_structured_output.py`, over all requests that have a structure, also those that its ratio leaves out | % | vLLM |
//! | [`Rounds::warm`] | a latency in later rounds over that in the first: Σ over requests of their mean over later rounds / Σ of their first | | goodput |
//! | [`Metrics::classes`] | the same numbers over the requests of one class, with the *D* of the run | | goodput |
//! | [`Fairness::jain`] | (Σ x)² / (n Σ x²) over n clients, x = input + 2 · output tokens of a client's successes | 0–1 | [Jain et al. 1984](https://arxiv.org/abs/cs/9809099), [Sheng et al. 2024](https://arxiv.org/abs/2401.00588) |
//! | [`Stalls::gaps`] | gaps longer than ten times the median gap | | goodput |
//! | [`Probes::e2el`] | last − sent of the probes | ms | vLLM |
//! | [`SpecDecodeRates`] | of the server's counters: accepted over draft tokens; 1 + accepted over drafts; accepted at each place over drafts | | vLLM |
//! | [`DiffusionRates`] | of the server's counters: canvas = positions / steps, canvases = committed / canvas, denoising = steps − canvases | | vLLM |
//! | [`Counts::error_ratio`] | failed over completed + failed | 0–1 | goodput |
//!
//! Percentiles are numpy's default (linear interpolation), `std` is the population's. What has no
//! value is NaN, which no limit holds for, and null in JSON: the statistics of an empty sample, shares of no requests,
//! rates of a run that took no time. vLLM's table and result file have vLLM's 0 there. See [`Summary`].
//!
//! Requests that were cancelled because the run was stopped are neither successes nor failures.

mod cached;
mod classes;
mod course;
mod definition;
mod errors;
mod fairness;
mod goodput;
mod latency;
mod peaks;
mod percentile;
mod request;
mod rounds;
mod server;
mod sessions;
mod stalls;
mod steady;
mod structured;
mod tally;
mod throughput;
mod timeline;
mod tokens;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use crate::histogram::{Bucket, HistogramError, LatencyHistogram};
pub use classes::ClassMetrics;
pub use course::{Course, Spot};
pub use errors::{ErrorGroup, error_kind};
pub use fairness::{ClientService, Fairness};
pub use goodput::Goodput;
pub use latency::{GateLatencies, Latencies};
pub use peaks::Peaks;
pub use percentile::Summary;
pub use request::{Basis, RequestTimes};
pub use rounds::{RoundMetrics, Rounds, Warm};
pub use server::{DiffusionRates, Probes, SpecDecodeRates};
pub use sessions::{SessionMetrics, Sessions, TurnMetrics};
pub use stalls::Stalls;
pub use structured::{Structured, WrongAnswer, is_refused};
pub use throughput::{Counts, Throughput};
pub use timeline::{Gap, Timeline};
pub use tokens::{EventTokens, tokens_of_events};

pub(crate) use cached::cached_and_all;
pub(crate) use definition::definition;
pub(crate) use errors::one_line;
pub(crate) use fairness::index_by_request;
pub(crate) use goodput::{is_good, limit_ratio};
pub(crate) use request::{gaps, millis};
pub(crate) use rounds::warm_and_cold;
pub(crate) use structured::{is_checked, is_valid};
pub(crate) use tally::Tally;

use crate::run::Run;
use goodput_grammar::goodput::RequestLimit;
use serde::Serialize;

/// Every number of a run; the module's table defines them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    /// How many requests and tokens.
    pub counts: Counts,
    /// Per second over the whole run.
    pub throughput: Throughput,
    /// vLLM's latencies.
    pub latency: Latencies,
    /// The latencies that limits are compared with, and others that vLLM lacks.
    pub gate: GateLatencies,
    /// The fullest second.
    pub peaks: Peaks,
    /// Requests within their limits.
    pub goodput: Goodput,
    /// Share of the prompt tokens that the server's prefix cache had, 0–1, over the requests whose usage has both; if none
    /// has, by the counters on the server's page. `None` without either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_share: Option<f64>,
    /// How requests for a structure were answered, if there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured: Option<Structured>,
    /// What went wrong, most frequent first.
    pub errors: Vec<ErrorGroup>,
    /// The probes: requests in addition to the plan, if there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probes: Option<Probes>,
    /// Sessions and their turns, if the plan had sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Sessions>,
    /// Each round, if the plan was sent several times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<Rounds>,
    /// Each class of a mix, in its order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassMetrics>,
    /// How evenly the server's work is spread over clients, if requests say who they are from or have classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fairness: Option<Fairness>,
}

impl Metrics {
    /// Whether it matters from when requests count, from the plan or from the send: a percentile of TTFT or
    /// E2EL, or the share of good requests, differs by more than 1 %.
    pub fn plan_and_send_differ(&self) -> bool {
        let differ = |plan: f64, sent: f64| (plan - sent).abs() > 0.01 * plan.max(sent);
        let latencies = [
            (&self.gate.ttft, &self.latency.ttft),
            (&self.gate.e2el, &self.latency.e2el),
        ];
        let at = |q| {
            let mut of_both = latencies.iter();
            of_both.any(|(plan, sent)| differ(plan.percentile(q), sent.percentile(q)))
        };
        let goodput = &self.goodput;
        self.gate.basis == Basis::Intended
            && ([50.0, 90.0, 99.0].into_iter().any(at)
                || differ(goodput.good as f64, goodput.good_from_sent as f64))
    }
}

/// Measures a run; `limits` say which requests are good.
pub fn measure(run: &Run, limits: &[RequestLimit]) -> Metrics {
    Tally::default().measure(run, limits)
}
