//! The bench that the flags describe.

use super::{ALL, Args, Serve};
use crate::{
    baseline::Settings,
    bench::{Bench, LoraAssignment},
    cli::{argv::Origins, words::Words},
    error::Error,
    grammar::dataset::Dataset,
    problem::Problem,
    tokenizer::{Tokenizer, TokenizerSpec},
};
use std::{path::Path, time::Duration};

impl Serve {
    /// The flags that other commands set, too.
    pub(in crate::cli) fn args_mut(&mut self) -> &mut Args {
        &mut self.args
    }

    /// The same flags, to read.
    pub(in crate::cli) fn args(&self) -> &Args {
        &self.args
    }

    /// `--config`, which in a sweep has lists.
    pub(in crate::cli) fn config(&self) -> Option<&Path> {
        self.args.config.as_deref()
    }

    /// Complaints about flags whose numbers another flag of the command sets.
    pub(in crate::cli) fn sets_load(&self, instead: &str) -> Vec<Problem> {
        let args = &self.args;
        let given = [
            // With a duration it is as many as that has.
            (
                "--num-prompts",
                args.num_prompts != 1000 && args.duration.is_none(),
            ),
            ("--duration", args.duration.is_some()),
            ("--request-rate", args.request_rate.is_finite()),
            ("--rounds", args.rounds != 1),
            ("--warmup-rounds", args.warmup_rounds != 0),
        ];
        let fix = format!(
            "has no meaning for a batch that is sent at once. Use {instead} and --num-iters"
        );
        let given = given.into_iter().filter(|(_, given)| *given);
        given
            .map(|(flag, _)| Problem::new(flag, "(set)", &fix))
            .collect()
    }

    /// How this command line names settings.
    pub(in crate::cli::serve) fn words<'a>(&self, origins: &'a Origins) -> Words<'a> {
        Words {
            origins,
            target: self.server.flag(),
            versus: "--a",
            ramp: self.args.ramp_flag(),
        }
    }

    /// The bench that the flags describe.
    pub(in crate::cli::serve) fn bench(&self) -> Result<Bench, Error> {
        let bench = self
            .args
            .bench("serve", "fail")
            .target(self.server.target())
            .baselines(Settings {
                proof: self.args.on_inconclusive.as_deref() == Some("fail"),
                ..self.baseline.settings()
            })
            .noise_threshold(self.noise_threshold)
            .false_alarms(self.false_alarms);
        let mut problems = Vec::new();
        let sharding = self.shard.read(&mut problems);
        let mut bench = bench.sharded(sharding);
        bench.problems.append(&mut problems);
        bench.check()?;
        self.args.whole_file(bench)
    }
}

impl Args {
    /// Sets lengths that no flag has set.
    pub(in crate::cli) fn default_lengths(&mut self, input: usize, output: usize) {
        self.dataset.default_lengths(input, output);
    }

    /// How often the plan is sent.
    pub(in crate::cli) fn send_rounds(&mut self, warmup: usize, timed: usize) {
        self.warmup_rounds = warmup;
        self.rounds = timed;
    }

    /// What is searched for; without a budget that of as many requests as trials mostly take.
    pub(in crate::cli) fn searches_for(&mut self, search: String) {
        const TRIALS: usize = 40;
        self.search = Some(search);
        if self.search_budget.is_none() {
            let requests = self.num_prompts.saturating_mul(TRIALS);
            self.search_budget = Some(format!("{requests} requests"));
        }
    }

    /// The bench that the flags describe, but for its target. It is not checked.
    pub(in crate::cli) fn bench(&self, name: &str, on_inconclusive: &str) -> Bench {
        let mut problems = Vec::new();
        let on_inconclusive = self.on_inconclusive.as_deref().unwrap_or(on_inconclusive);
        let mut bench = Bench::new(name)
            .backend(self.backend.as_str())
            .rate(self.request_rate)
            .burstiness(self.burstiness)
            .seed(self.seed)
            .request_id_prefix(&self.request_id_prefix)
            .extra_body(self.sampling.body())
            .headers(self.header_lines(&mut problems))
            .insecure(self.insecure)
            .profile(self.profile)
            .stream(!self.disable_stream)
            .warmups(self.num_warmups)
            .workers(self.workers)
            .connect_timeout(self.connect_timeout.as_str())
            .first_token_timeout(self.first_token_timeout.as_str())
            .between_tokens_timeout(self.between_tokens_timeout.as_str())
            .total_timeout(self.total_timeout.as_str())
            .confidence(self.confidence)
            .max_lateness(self.max_lateness.as_str())
            .rounds(self.rounds)
            .warmup_rounds(self.warmup_rounds)
            .max_extend(self.max_extend)
            .on_inconclusive(on_inconclusive)
            .expect(self.expect.as_str())
            .exclusive(self.exclusive);
        if self.duration.is_none() || !self.takes_all() {
            bench = bench.requests(self.num_prompts);
        }
        if let Some(span) = &self.duration {
            bench = bench.duration(span);
        }
        if let Some(cut) = &self.cut_start {
            bench = bench.cut_start(cut);
        }
        if let Some(cut) = &self.cut_end {
            bench = bench.cut_end(cut);
        }
        if !self.stop_if.is_empty() {
            bench = bench.stop_if(self.stop_if.join(", "));
        }
        if let Some(search) = &self.search {
            bench = bench.search(search);
        }
        if let Some(budget) = &self.search_budget {
            bench = bench.search_budget(budget);
        }
        if let Some(span) = &self.grace {
            bench = bench.grace(span);
        }
        if let Some(key) = &self.api_key {
            bench = bench.api_key(key);
        }
        if let Some(salt) = &self.salt {
            bench = bench.salt(salt);
        }
        if let Some(faults) = &self.faults {
            bench = bench.faults(faults.as_str());
        }
        bench = self
            .about_server
            .apply(self.connections.apply(bench))
            .align_prompts(!self.no_align_prompts);
        self.sampling.check(&self.backend, &mut problems);
        match LoraAssignment::parse(&self.lora_assignment) {
            Ok(assignment) => bench = bench.lora_modules(self.lora_modules.clone(), assignment),
            Err(mistake) => {
                let (field, value) = ("--lora-assignment", &self.lora_assignment);
                problems.push(Problem::new(field, value, mistake.0));
            }
        }
        if self.no_prewarm {
            bench = bench.prewarm(false);
        }
        match self.dataset(&mut problems) {
            Some(dataset) => bench = bench.dataset(dataset),
            // What is wrong with it is said once, and not once more about the default dataset.
            None => bench = bench.requests(1),
        }
        if let Some(ramp) = self.ramp.read(&mut problems) {
            bench = bench.ramp(ramp);
        }
        if let Some(body) = &self.extra_body {
            bench = bench.extra_body(body);
        }
        if let Some(endpoint) = &self.endpoint {
            bench = bench.endpoint(endpoint);
        }
        if let Some(model) = self.served_model_name.as_ref().or(self.model.as_ref()) {
            bench = bench.model(model);
        }
        if let Some(tokenizer) = self.tokenizer_spec() {
            bench = bench.tokenizer(tokenizer);
        }
        if let Some(limit) = self.clients() {
            bench = bench.max_concurrency(limit);
        }
        if self.ready_check_timeout_sec > 0 {
            bench = bench.ready_timeout(Duration::from_secs(self.ready_check_timeout_sec));
        }
        bench = self.multi_turn.apply(bench, &mut problems);
        if self.ignore_eos {
            bench = bench.ignore_eos(true);
        }
        if let Some(structure) = &self.structured_output {
            bench = bench.structured_output(structure);
        }
        bench = bench.structured_output_ratio(if self.no_structured_output {
            0.0
        } else {
            self.structured_output_ratio
        });
        if let Some(count) = self.logprobs {
            bench = bench.logprobs(count);
        }
        if !self.goodput.is_empty() {
            bench = bench.goodput(self.goodput.join(" "));
        }
        if !self.slo.is_empty() {
            bench = bench.slo(self.slo.join(", "));
        }
        bench.problems.append(&mut problems);
        bench
    }

    /// The flag that names the ramp.
    pub(in crate::cli) fn ramp_flag(&self) -> &'static str {
        self.ramp.flag()
    }

    /// A tokenizer that was named must exist; the model's is taken only if it happens to be here.
    fn tokenizer_spec(&self) -> Option<TokenizerSpec> {
        if self.skip_tokenizer_init {
            return Some(TokenizerSpec::None);
        }
        if let Some(name) = &self.tokenizer {
            return Some(TokenizerSpec::named(name));
        }
        // The server knows the model by another name, under which there is no tokenizer.
        self.served_model_name.as_ref()?;
        let model = TokenizerSpec::named(self.model.as_deref()?);
        Tokenizer::load(&model).is_ok().then_some(model)
    }

    fn header_lines(&self, problems: &mut Vec<Problem>) -> Vec<String> {
        let mut lines = Vec::new();
        for header in &self.header {
            match header.split_once('=') {
                Some((name, value)) => lines.push(format!("{name}: {value}")),
                None => problems.push(Problem::new(
                    "--header",
                    "***",
                    "is not NAME=VALUE. Write it like X-Team=search",
                )),
            }
        }
        lines
    }

    /// The order of the requests of long_document_qa; `None` for another dataset.
    pub(in crate::cli::serve) fn repeat_mode(&self) -> Option<&str> {
        self.dataset.repeat_mode()
    }

    /// The set of the dataset structured; `None` for another dataset.
    pub(in crate::cli::serve) fn structured_set(&self) -> Option<&str> {
        self.dataset.structured_set()
    }

    /// The dataset, and what is wrong with it.
    fn dataset(&self, problems: &mut Vec<Problem>) -> Option<Dataset> {
        self.dataset.read(&self.multi_turn, problems)
    }

    /// Requests in flight at most: those of the flag. A file of conversations has one client, unless a rate says when they
    /// arrive.
    pub(in crate::cli::serve) fn clients(&self) -> Option<usize> {
        let one = self.multi_turn.input_file.is_some()
            && self.request_rate.is_infinite()
            && self.ramp.read(&mut Vec::new()).is_none();
        self.max_concurrency.or(one.then_some(1))
    }

    /// Conversations that may go on at a time, if a flag says so.
    pub(in crate::cli::serve) fn active(&self) -> Option<usize> {
        self.dataset(&mut Vec::new())?.max_sessions()
    }

    /// The flag that names the file of the dataset, and the file, if there is one.
    pub(in crate::cli::serve) fn dataset_path(&self) -> Option<(&'static str, &Path)> {
        let input = self.multi_turn.input_file.as_deref();
        let input = input.map(|path| ("--input-file", path));
        let path = self.dataset.dataset_path.as_deref();
        input.or(path.map(|path| ("--dataset-path", path)))
    }

    /// Whether no flag says how many requests there are.
    fn takes_all(&self) -> bool {
        self.num_prompts.to_string() == ALL
    }

    /// Sets the number of requests to those of the file, if it says how many there are.
    ///
    /// # Errors
    /// The file cannot be planned.
    pub(in crate::cli) fn whole_file(&self, bench: Bench) -> Result<Bench, Error> {
        let whole = self.multi_turn.input_file.is_some() && self.takes_all();
        if !whole {
            return Ok(bench);
        }
        let planned = bench.plan()?.requests.len();
        Ok(bench.requests(planned))
    }

    /// What was asked, for results.
    pub(in crate::cli::serve) fn dataset_text(&self) -> String {
        let dataset = self.dataset(&mut Vec::new());
        dataset
            .map(|dataset| dataset.to_string())
            .unwrap_or_default()
    }

    /// What names the model in results.
    pub(in crate::cli::serve) fn model_id<'a>(&'a self, wire_name: &'a str) -> &'a str {
        self.model.as_deref().unwrap_or(wire_name)
    }
}
