//! What is demanded of a run: limits, how sure they are decided, and what the run is compared with.

use crate::{
    bench::Bench,
    grammar::{goodput::RequestLimit, slo::Slo},
    judge::{Expect, OnInconclusive},
    setting::Setting,
    targets::AnyTarget,
};

impl Bench {
    /// Limits on one request, `"ttft:200 tpot:50 e2el:5s"` (bare numbers are milliseconds).
    pub fn goodput(mut self, limits: impl Setting<Vec<RequestLimit>>) -> Self {
        if let Some(limits) = self.set("goodput", limits) {
            self.demands.goodput = limits;
        }
        self
    }

    /// Limits on the run, `"p99(ttft) < 300ms, goodput >= 95%, errors < 1%"`.
    pub fn slo(mut self, limits: impl Setting<Vec<Slo>>) -> Self {
        if let Some(limits) = self.set("slo", limits) {
            self.demands.slo = limits;
        }
        self
    }

    /// The bench's function, which gets the report after the run, demands something.
    pub(crate) fn with_function(mut self, demands: bool) -> Self {
        self.demands.function = demands;
        self
    }

    /// Confidence of the intervals that SLOs are decided by, above 0.5 and below 1. Default 0.95.
    pub fn confidence(mut self, confidence: impl Into<f64>) -> Self {
        self.demands.confidence = confidence.into();
        self
    }

    /// While an SLO is undecided, send as many requests as `requests` again, up to this many times in all; at most
    /// 100. The looks share the error that `confidence` leaves. Default 1: the run does not grow.
    pub fn max_extend(mut self, times: usize) -> Self {
        self.demands.max_extend = times;
        self
    }

    /// What to do with an inconclusive run: `"fail"` (the verdict is
    /// *inconclusive*, which no test passes), `"pass"`, or `"warn"` (it passes with a note).
    /// Default `warn`: a test fails when it is shown that a limit is missed.
    pub fn on_inconclusive(mut self, answer: impl Setting<OnInconclusive>) -> Self {
        if let Some(answer) = self.set("on_inconclusive", answer) {
            self.demands.on_inconclusive = answer;
        }
        self
    }

    /// What the run must do: `"pass"`, or `"fail"` for a test of the gate itself. With `"fail"` the bench passes if
    /// an SLO is missed or a comparison shows that the target is worse; not if the server is down or fails requests
    /// that no SLO on `errors` limits. Default `pass`.
    ///
    /// ```
    /// use goodput::Bench;
    ///
    /// let slow = Bench::new("slow").target("sim(ttft = 400ms)").slo("max(ttft) < 300ms");
    /// slow.expect("fail").run_blocking()?.ensure_passed()?;
    /// # Ok::<(), goodput::Error>(())
    /// ```
    pub fn expect(mut self, what: impl Setting<Expect>) -> Self {
        if let Some(what) = self.set("expect", what) {
            self.demands.expect = what;
        }
        self
    }

    /// A second server that the target is compared with, in pairs of runs of the same plan in random order. The
    /// report is the target's, over all its runs, and [`Report::comparison`](crate::Report::comparison) says how it
    /// compares with this one: if it is worse, the verdict is *fail*. Default: nothing.
    ///
    /// ```
    /// use goodput::{Bench, Verdict};
    ///
    /// let bench = Bench::new("chat").rate(20).requests(50).versus("sim(itl = 10ms, noise = 2%)");
    /// let report = bench.target("sim(itl = 12ms, noise = 2%)").run_blocking()?;
    /// assert_eq!(report.verdict(), Verdict::Fail, "{report}");
    /// # Ok::<(), goodput::Error>(())
    /// ```
    ///
    /// Servers that run are opened once. A [`ServerProcess`](crate::ServerProcess) is started for each of its runs,
    /// so that two versions need not fit the machine together.
    pub fn versus(mut self, target: impl Into<AnyTarget>) -> Self {
        self.demands.versus = Some(target.into());
        self
    }

    /// The largest number of pairs of runs, each with `requests` on either side, from 1 to 16. Default 10: at 4 %
    /// run-to-run noise they show a change of 10 % nearly always, and one of 15 % usually after five. Fewer than five
    /// hardly show anything, and one nothing.
    pub fn pairs(mut self, pairs: usize) -> Self {
        self.demands.pairs = pairs;
        self
    }

    /// The smallest relative change that matters in a comparison. Default 0.05.
    pub fn noise_threshold(mut self, change: impl Into<f64>) -> Self {
        self.demands.noise_threshold = change.into();
        self
    }

    /// How often, at most, a comparison may call an unchanged server worse, over all its metrics and
    /// looks; above 0 and at most 0.1. Default 0.01. Benches of one run share it: all those of a suite
    /// file, of a benchmark target, or of a test binary.
    pub fn false_alarms(mut self, probability: impl Into<f64>) -> Self {
        self.demands.false_alarms = probability.into();
        self
    }
}
