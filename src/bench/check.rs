//! Whether a bench's settings make sense together.

use super::{Bench, check_plan::refuse_comparisons, classes, lora};
use crate::{
    error::Error,
    grammar::{
        Mistake,
        dataset::Dataset,
        fault,
        goodput::RequestMetric,
        slo::{Latency, Level, Place, Subject, Throughput},
    },
    metrics::definition,
    plan::Shape,
    problem::Problem,
    run::Task,
    stats::compare::MOST_PAIRS,
    targets::AnyTarget,
};
use serde_json::Value;

impl Bench {
    /// Reports every problem at once.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all of them.
    pub fn check(&self) -> Result<(), Error> {
        self.clone().lasting().searching().check_lasting()
    }

    /// Checks a bench that has its number of requests.
    pub(super) fn check_lasting(&self) -> Result<(), Error> {
        let mut problems = self.problems.clone();
        let target = self.chosen_target();
        self.check_faults(&target, &mut problems);
        self.check_sharding(&target, &mut problems);
        if let AnyTarget::Unreadable(text, mistakes) = target {
            let field = if self.target.is_some() {
                "target"
            } else {
                "GOODPUT_URL"
            };
            let shown = format!("{text:?}");
            problems.extend(
                mistakes
                    .into_iter()
                    .map(|mistake| Problem::new(field, &shown, mistake.0)),
            );
        }
        self.check_arrivals(&mut problems);
        self.check_dataset(&mut problems);
        self.check_history(&mut problems);
        self.check_duration(&mut problems);
        self.check_cuts(&mut problems);
        self.check_drift(&mut problems);
        self.check_stops(&mut problems);
        self.check_search(&mut problems);
        if self.load.requests == 0 && self.load.duration.is_none() {
            let fix = "must be at least 1, or there is nothing to measure";
            problems.push(Problem::new("requests", 0, fix));
        }
        self.check_evidence(&mut problems);
        self.check_bounds(&mut problems);
        self.check_versus(&mut problems);
        self.check_parts(&mut problems);
        classes::check(
            &self.load.dataset,
            &self.demands.slo,
            &self.demands.goodput,
            self.wire.backend.as_deref(),
            self.load.requests as u64,
            &mut problems,
        );
        self.check_salt(&mut problems);
        self.check_backend(&mut problems);
        self.check_structure(&mut problems);
        self.check_probes(&mut problems);
        self.check_server_metrics(&mut problems);
        // This check needs settings that make sense.
        if problems.is_empty() {
            self.check_proof(&mut problems);
        }
        if classes::limits(&self.load, &self.demands).is_empty()
            && self
                .demands
                .slo
                .iter()
                .any(|slo| slo.subject == Subject::Goodput)
        {
            problems.push(Problem::new(
                "slo",
                "goodput",
                "limits goodput, but no per-request limits say what is good. Add \
                 `goodput = \"ttft:200 tpot:50\"`",
            ));
        }
        if let Some(endpoint) = &*self.wire.endpoint
            && !endpoint.starts_with('/')
        {
            problems.push(Problem::new(
                "endpoint",
                format!("{endpoint:?}"),
                format!("must start with a slash. Write \"/{endpoint}\""),
            ));
        }
        if self.wire.extra_body.contains_key("stream") {
            problems.push(Problem::new(
                "extra_body",
                "stream",
                "overrides `stream`. Use the `stream` setting instead",
            ));
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(problems))
        }
    }

    fn check_faults(&self, target: &AnyTarget, problems: &mut Vec<Problem>) {
        if let Some(simulation) = target.simulation() {
            problems.extend(simulation.problems().iter().cloned());
        } else if !self.faults.is_empty() && matches!(target, AnyTarget::Known(_)) {
            let whence = match self.target {
                Some(_) => "",
                None => " (from GOODPUT_URL)",
            };
            problems.push(Problem::new(
                "faults",
                format!("{:?}", fault::format(&self.faults)),
                format!(
                    "only a simulation can have faults, and the target is {}{whence}. Remove \
                     `faults`, or measure \"sim\"",
                    target.describe()
                ),
            ));
        }
    }

    fn check_arrivals(&self, problems: &mut Vec<Problem>) {
        if self.load.rate.is_nan() || self.load.rate <= 0.0 {
            let fix = "must be above 0 requests per second; leave it out for all at once";
            problems.push(Problem::new("rate", self.load.rate, fix));
        }
        if self.load.burstiness.is_nan() || self.load.burstiness <= 0.0 {
            let fix = "must be above 0: 1 is Poisson, infinite is a constant gap";
            problems.push(Problem::new("burstiness", self.load.burstiness, fix));
        }
        if self.load.max_concurrency == Some(0) {
            let fix = "must be at least 1; leave it out for no limit";
            problems.push(Problem::new("max_concurrency", 0, fix));
        }
        if self.client.workers == 0 {
            let fix = "must be at least 1";
            problems.push(Problem::new("workers", 0, fix));
        }
        if self.load.ramp.is_some() && self.load.rate.is_finite() {
            let fix = "cannot be given together with `ramp`, which sets the rate. Remove one";
            problems.push(Problem::new("rate", self.load.rate, fix));
        }
    }

    fn check_evidence(&self, problems: &mut Vec<Problem>) {
        if self.keeping.require_baseline
            && self.keeping.baseline.is_none()
            && !self.keeping.baselines.compares()
        {
            let fix = "names no baseline. Write which one must exist: `baseline = \"main\"`";
            problems.push(Problem::new("require_baseline", true, fix));
        }
        if let (Some(name), Some(_)) = (&self.keeping.baseline, &self.demands.versus) {
            let fix = "cannot be given together with `versus`: a run is compared with one or the other. \
                       Remove one";
            problems.push(Problem::new("baseline", format!("{name:?}"), fix));
        }
        // NaN is not in the range either.
        if !(self.demands.confidence > 0.5 && self.demands.confidence < 1.0) {
            let fix = "must be above 0.5 and below 1, such as 0.95";
            problems.push(Problem::new("confidence", self.demands.confidence, fix));
        }
        if !(1..=100).contains(&self.demands.max_extend) {
            let fix = "must be from 1 (the run does not grow) to 100 times its requests";
            problems.push(Problem::new("max_extend", self.demands.max_extend, fix));
        }
    }

    fn check_versus(&self, problems: &mut Vec<Problem>) {
        match &self.demands.versus {
            Some(AnyTarget::Unreadable(text, mistakes)) => {
                let shown = format!("{text:?}");
                let of = |mistake: &Mistake| Problem::new("versus", &shown, &mistake.0);
                problems.extend(mistakes.iter().map(of));
            }
            Some(known) => {
                let simulation = known.simulation();
                problems.extend(simulation.into_iter().flat_map(|s| s.problems().to_vec()));
            }
            None => {}
        }
        if self.demands.versus.is_some() && self.client.profile {
            let fix = "cannot be given together with `versus`: it slows the runs. Remove one";
            problems.push(Problem::new("profile", true, fix));
        }
        if self.demands.versus.is_some() && self.demands.max_extend != 1 {
            let fix = "cannot be given together with `versus`, whose `pairs` say how long it runs. Remove one";
            problems.push(Problem::new("max_extend", self.demands.max_extend, fix));
        }
        if !(1..=MOST_PAIRS).contains(&self.demands.pairs) {
            let fix = format!("must be from 1 to {MOST_PAIRS}; 10 is a good number");
            problems.push(Problem::new("pairs", self.demands.pairs, fix));
        }
        // NaN is not in the range either.
        if !(self.demands.noise_threshold >= 0.0 && self.demands.noise_threshold < 1.0) {
            let fix = "must be at least 0 and below 1, such as 0.05";
            problems.push(Problem::new(
                "noise_threshold",
                self.demands.noise_threshold,
                fix,
            ));
        }
        if !(self.demands.false_alarms > 0.0 && self.demands.false_alarms <= 0.1) {
            let fix = "must be above 0 and at most 0.1, such as 0.01";
            problems.push(Problem::new("false_alarms", self.demands.false_alarms, fix));
        }
    }

    fn check_salt(&self, problems: &mut Vec<Problem>) {
        let Some(salt) = &self.load.salt else {
            return;
        };
        let plain = |c: char| c.is_ascii_graphic();
        if salt.is_empty() || salt.len() > 64 || !salt.chars().all(plain) {
            let fix = "must be 1 to 64 letters, digits and signs without a space, or \"auto\"";
            problems.push(Problem::new("salt", format!("{salt:?}"), fix));
        }
    }

    /// Checks rounds, and that there are requests that a limit on a part of the run is about.
    fn check_parts(&self, problems: &mut Vec<Problem>) {
        let rounds = self.load.rounds;
        if !(1..=100).contains(&rounds) {
            let fix = "must be from 1 (the plan is sent once) to 100";
            problems.push(Problem::new("rounds", rounds, fix));
        }
        if self.load.warmup_rounds > 0 && rounds == 1 {
            let fix = "come before rounds, and the bench has one. Set `rounds`, or `warmups`";
            problems.push(Problem::new("warmup_rounds", self.load.warmup_rounds, fix));
        }
        let others = [
            ("versus", self.demands.versus.is_some()),
            ("max_extend", self.demands.max_extend > 1),
        ];
        for (other, _) in others.iter().filter(|(_, set)| *set && rounds > 1) {
            let fix = format!(
                "cannot be given together with `{other}`, which sends plans again by its own rule. Remove one"
            );
            problems.push(Problem::new("rounds", rounds, fix));
        }
        for slo in &self.demands.slo {
            let fix = match (slo.part.place, slo.subject) {
                (Place::Round(span), _) if span.first as usize > rounds => format!(
                    "limits a round that the bench does not have. Set `rounds = {}`",
                    span.first
                ),
                (_, Subject::Warm(_)) if rounds == 1 => {
                    "compares rounds, and the bench has one. Set `rounds = 2`".to_owned()
                }
                (_, Subject::Latency(_, Latency::RoundE2el)) if rounds == 1 => {
                    "limits the time of a round, and the bench has one. Set `rounds`, or limit `e2el`"
                        .to_owned()
                }
                (Place::Turn(span), _) if span.first > 1 && !self.load.dataset.has_sessions() => {
                    "limits later turns of sessions, and requests of this dataset have none. Take a dataset with \
                     sessions, such as `conversations`"
                        .to_owned()
                }
                _ => continue,
            };
            problems.push(Problem::new("slo", slo, fix));
        }
    }

    fn check_backend(&self, problems: &mut Vec<Problem>) {
        let Some(backend) = &self.wire.backend else {
            return;
        };
        let name = backend.name();
        if self.wire.ignore_eos == Some(true) && !backend.ignores_eos() {
            let fix = format!("is not supported by the backend `{name}`. Leave it out");
            problems.push(Problem::new("ignore_eos", true, fix));
        }
        if let Some(adapter) = self.load.lora.modules.first()
            && !lora::can_be_named(&**backend)
        {
            let fix = format!("cannot be named in a request of the backend `{name}`. Leave it out");
            problems.push(Problem::new("lora_modules", adapter, fix));
        }
        if backend.task() == Task::Generate {
            return;
        }
        let no_tokens = |subject: &str, instead: &str| {
            format!(
                "limits {subject}, which answers of the backend `{name}` do not have: they have no \
                 tokens. {instead}"
            )
        };
        for slo in &self.demands.slo {
            let (subject, instead) = match slo.subject {
                Subject::Latency(_, latency)
                | Subject::Warm(latency)
                | Subject::Drift(Level::Latency(_, latency))
                    if !definition(latency).of_tokens =>
                {
                    continue;
                }
                Subject::Latency(_, latency)
                | Subject::Warm(latency)
                | Subject::Drift(Level::Latency(_, latency)) => {
                    (latency.to_string(), "Limit e2el instead")
                }
                Subject::Throughput(Throughput::Output) => (
                    "output throughput".to_owned(),
                    "Limit throughput(input) or throughput(requests)",
                ),
                _ => continue,
            };
            let fix = no_tokens(&subject, instead);
            problems.push(Problem::new("slo", slo, fix));
        }
        for limit in &classes::limits(&self.load, &self.demands) {
            if limit.metric != RequestMetric::E2el {
                let fix = no_tokens(limit.metric.name(), "Limit e2el instead");
                problems.push(Problem::new("goodput", limit, fix));
            }
        }
        if let Some(Value::String(format)) = self.wire.extra_body.get("encoding_format")
            && !["float", "base64"].contains(&format.as_str())
        {
            let fix = "cannot be read. Ask for \"float\" or \"base64\"";
            let field = "extra_body.encoding_format";
            problems.push(Problem::new(field, format!("{format:?}"), fix));
        }
    }

    /// A plan that sends the server's own answers back is another load in every run.
    fn check_history(&self, problems: &mut Vec<Problem>) {
        if self.load.dataset.sends_answers() {
            refuse_comparisons(
                &self.load,
                &self.demands,
                &self.keeping,
                "Set `conversations(history = file)`",
                problems,
            );
        }
    }

    fn check_dataset(&self, problems: &mut Vec<Problem>) {
        if self.load.replays() && self.load.ramp.is_some() {
            let fix = "has no meaning for a trace, which is sent at its own times. Leave it out, \
                       or set `timed_trace(self_timed = false)`";
            problems.push(Problem::new("ramp", "(set)", fix));
        }
        let Some(backend) = &self.wire.backend else {
            return;
        };
        let alone = std::slice::from_ref(&self.load.dataset);
        let of_classes = self
            .load
            .dataset
            .classes()
            .iter()
            .map(|class| &class.dataset);
        for dataset in alone.iter().chain(of_classes) {
            let Dataset::Random(random) = dataset else {
                continue;
            };
            if random.token_ids && !backend.takes(Shape::Tokens) {
                problems.push(Problem::new(
                    "dataset",
                    "random(token_ids)",
                    format!(
                        "the backend `{}` does not take token ids. Use `openai`, or send text",
                        backend.name()
                    ),
                ));
            }
            if random.input == 0 && random.prefix == 0 {
                let fix = "asks for empty prompts. Give at least one token of input or prefix";
                problems.push(Problem::new("dataset", "random(input = 0)", fix));
            }
            if random.output == 0 && backend.task() == Task::Generate {
                let fix = "asks for no output. Give at least one token";
                problems.push(Problem::new("dataset", "random(output = 0)", fix));
            }
        }
    }
}
