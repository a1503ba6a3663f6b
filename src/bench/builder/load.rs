//! The load: prompts, their number and their times.

use crate::{
    bench::{Bench, LoraAssignment, lora::Lora},
    setting::Setting,
};
use goodput_grammar::{
    cut::Cut,
    dataset::Dataset,
    ramp::Ramp,
    search::{Budget, Search},
    stop_if::StopIf,
};
use std::time::Duration;

impl Bench {
    /// The dataset: `"random(input = 256, output = 64)"`, `"custom(\"prompts.jsonl\")"`, `"sharegpt(\"file.json\")"`.
    /// Default `"random"`, which is 256 and 64 tokens; the command's flags have vLLM's lengths, 1024 and 128.
    pub fn dataset(mut self, dataset: impl Setting<Dataset>) -> Self {
        if let Some(dataset) = self.set("dataset", dataset) {
            self.load.dataset = dataset;
        }
        self
    }

    /// The text before the request's number in its `x-request-id` header. Default `goodput-`.
    pub fn request_id_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.load.request_id_prefix = prefix.into();
        self
    }

    /// LoRA adapters, one of which each request names as its model, as vLLM serves them. Only for backends
    /// whose body is JSON and names a model. Default: none.
    ///
    /// ```
    /// # use goodput::{Bench, bench::LoraAssignment};
    /// let bench = Bench::new("chat").lora_modules(["sql", "law"], LoraAssignment::RoundRobin);
    /// assert_eq!(bench.plan().unwrap().requests[1].overrides["model"], "law");
    /// ```
    pub fn lora_modules<S: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = S>,
        assignment: LoraAssignment,
    ) -> Self {
        self.load.lora = Lora {
            modules: names.into_iter().map(Into::into).collect(),
            assignment,
        };
        self
    }

    /// Requests per second. Default: infinite, all at once.
    pub fn rate(mut self, per_second: impl Into<f64>) -> Self {
        self.load.rate = per_second.into();
        self
    }

    /// Gamma shape of the gaps between requests: 1 (the default) is Poisson, below is burstier,
    /// infinite is a constant gap.
    pub fn burstiness(mut self, shape: impl Into<f64>) -> Self {
        self.load.burstiness = shape.into();
        self
    }

    /// A rising rate, `"linear 1..10"` or `"exponential 1..16"` requests per second.
    pub fn ramp(mut self, ramp: impl Setting<Ramp>) -> Self {
        self.load.ramp = self.set("ramp", ramp).or(self.load.ramp);
        self
    }

    /// The largest number of requests in flight. Alone it is a closed loop; with a rate it is a cap whose waiting
    /// time counts.
    pub fn max_concurrency(mut self, requests: usize) -> Self {
        self.load.max_concurrency = Some(requests);
        self
    }

    /// Requests to send. Default 100.
    pub fn requests(mut self, count: usize) -> Self {
        self.load.requests = count;
        self.load.counted = true;
        self
    }

    /// How long requests are sent, instead of their number: `"10m"`, or a `Duration`. Default: as long as
    /// [`requests`](Self::requests) take.
    ///
    /// With a [`rate`](Self::rate) or a [`ramp`](Self::ramp) it is the number of requests that are due in this time. A
    /// trace ends at this time. A closed loop sends requests until the time is over, from a plan of ten a second for each
    /// client, 1,000 to 100,000. If `requests` is set too, the run ends with whichever comes first. Answers that are under
    /// way at the end are waited for.
    ///
    /// ```
    /// use goodput::Bench;
    ///
    /// let report = Bench::new("soak").target("sim").rate(20).duration("1m").run_blocking()?;
    /// assert_eq!(report.run().records.len(), 1200);
    /// let report = Bench::new("soak").target("sim").max_concurrency(4).duration("10s").run_blocking()?;
    /// assert_eq!(report.run().ending.unwrap().at.as_secs_f64(), 10.0);
    /// # Ok::<(), goodput::Error>(())
    /// ```
    pub fn duration(mut self, span: impl Setting<Duration>) -> Self {
        let span = self.set("duration", span);
        self.load.duration = span.or(self.load.duration);
        self
    }

    /// What counts in no number at the start of the run: `"30s"`, `"100 requests"`, or `"auto"` for the requests before the
    /// server has settled (MSER-5, `docs/long_runs.md`). Such requests are sent and stored, and the report counts them.
    /// Default: nothing.
    ///
    /// ```
    /// use goodput::Bench;
    ///
    /// let cold = "sim(ttft = normal(50ms, 5ms), cold = 3x@20s)";
    /// let bench = Bench::new("soak").target(cold).rate(10).duration("2m").cut_start("25s").cut_end("5s");
    /// let report = bench.run_blocking()?;
    /// assert_eq!(report.run().records.len(), 1200);
    /// assert!(report.completed() < 1000 && report.ttft().max < 100.0);
    /// # Ok::<(), goodput::Error>(())
    /// ```
    pub fn cut_start(mut self, cut: impl Setting<Cut>) -> Self {
        let cut = self.set("cut_start", cut);
        self.load.cut_start = cut.or(self.load.cut_start);
        self
    }

    /// What counts in no number at the end of the run: `"10s"` or `"50 requests"`. Default: nothing.
    pub fn cut_end(mut self, cut: impl Setting<Cut>) -> Self {
        let cut = self.set("cut_end", cut);
        self.load.cut_end = cut.or(self.load.cut_end);
        self
    }

    /// States of the run in which nothing more is sent: `"errors > 20%"` of the last 100 requests, `"in_flight > 500"`,
    /// `"saturated"` when the requests in flight grow and grow, or several of them. Answers under way are then waited for,
    /// at most for [`grace`](Self::grace). What was measured is kept. Such a run never passes: it fails if the evidence says
    /// so, and is inconclusive otherwise. Default: none.
    ///
    /// ```
    /// use goodput::{Bench, Verdict, run::EndReason};
    ///
    /// let bench = Bench::new("soak").target("sim").faults("status(500)@t:10s..1h").rate(10).duration("10m");
    /// let report = bench.stop_if("errors > 20%").run_blocking()?;
    /// let ending = report.run().ending.unwrap();
    /// assert!(matches!(ending.why, EndReason::Errors { .. }) && ending.at.as_secs_f64() < 20.0);
    /// assert_eq!(report.verdict(), Verdict::Fail);
    /// # Ok::<(), goodput::Error>(())
    /// ```
    pub fn stop_if(mut self, states: impl Setting<Vec<StopIf>>) -> Self {
        let states = self.set("stop_if", states);
        self.load.stop_if = states.unwrap_or_default();
        self
    }

    /// How long answers are waited for once nothing more is sent, because the plan, its [`duration`](Self::duration) or the
    /// run is over by [`stop_if`](Self::stop_if). What has not ended by then is given up, counts in no number, and is
    /// counted in the report. Default: as long as the time limits of requests allow; 30 s after `stop_if`.
    pub fn grace(mut self, span: impl Setting<Duration>) -> Self {
        let span = self.set("grace", span);
        self.load.grace = span.or(self.load.grace);
        self
    }

    /// Searches for the highest load at which the SLOs hold: `"rate"`, `"rate(1..64)"`,
    /// `"concurrency(1..256, within = 10%)"`. The number of [`requests`](Self::requests) is that of one trial. Default:
    /// the load is given.
    ///
    /// ```
    /// use goodput::Bench;
    ///
    /// // Four answers at a time: the fifth request waits until one has ended.
    /// let bench = Bench::new("capacity").target("sim(engine = linear, max_num_seqs = 4)").requests(200);
    /// let bench = bench.dataset("random(input = 32, output = 16)").slo("p90(ttft) < 100ms");
    /// let report = bench.search("concurrency").run_blocking()?;
    /// let capacity = report.capacity().unwrap();
    /// assert_eq!(capacity.value, Some(4.0));
    /// println!("{}", capacity.sentence());
    /// # Ok::<(), goodput::Error>(())
    /// ```
    pub fn search(mut self, search: impl Setting<Search>) -> Self {
        let search = self.set("search", search);
        self.load.search = search.or(self.load.search);
        self
    }

    /// What a search may spend before it answers with what it knows: `"20000 requests"` or `"10m"`. It ends sooner once its
    /// interval is narrow enough. A search of a live server needs one. Default: 100 times [`requests`](Self::requests).
    pub fn search_budget(mut self, budget: impl Setting<Budget>) -> Self {
        let budget = self.set("search_budget", budget);
        self.load.search_budget = budget.or(self.load.search_budget);
        self
    }

    /// How many times the plan is sent: the same prompts at the same times, each round after the last answer of the one
    /// before. Default 1. With a prefix cache the first round is cold and later ones are warm; `warm(ttft)` and
    /// `p99(ttft, round 2+)` are limits on that.
    ///
    /// ```
    /// use goodput::Bench;
    ///
    /// let bench = Bench::new("warm").target("sim(engine = linear, tp = 100us)").dataset("random(input = 2048)");
    /// let report = bench.requests(8).max_concurrency(1).rounds(2).slo("cached(round 2) >= 90%").run_blocking()?;
    /// assert_eq!(report.run().records.len(), 16);
    /// assert!(report.value("warm(ttft)")?.is_some_and(|ratio| ratio < 1.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rounds(mut self, times: usize) -> Self {
        self.load.rounds = times;
        self
    }

    /// Rounds that are sent before the measured ones and count in no number. Default 0. With a number of requests that are
    /// sent at once, and `round_e2el` as the number that counts, this is `vllm bench latency`:
    ///
    /// ```
    /// use goodput::Bench;
    ///
    /// let batch = Bench::new("batch").target("sim(ttft = 50ms, itl = 10ms)").requests(8);
    /// let report = batch.warmup_rounds(2).rounds(30).slo("p50(round_e2el) < 1s").run_blocking()?;
    /// report.ensure_passed()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn warmup_rounds(mut self, times: usize) -> Self {
        self.load.warmup_rounds = times;
        self
    }

    /// Text before every prompt, so that a server's prefix cache has nothing of earlier runs; `auto` is another one for
    /// each run. Prompts with the same beginning still share it. Default: none.
    ///
    /// The plan's hash leaves it out, so salted runs can be compared. A few tokens are added to every prompt. With vLLM,
    /// the field `cache_salt` in `extra_body` does the same without them.
    pub fn salt(mut self, text: impl Into<String>) -> Self {
        self.load.salt = Some(text.into());
        self
    }

    /// Seed of prompts and arrivals. Default 0. The same seed gives the same plan.
    pub fn seed(mut self, seed: u64) -> Self {
        self.load.seed = seed;
        self
    }
}
