//! Provenance of a run: what two runs must have in common to be compared, and what may differ between them.

use super::host::Host;
use crate::run::{is_once, once};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Provenance of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Load: must agree.
    #[serde(rename = "asked")]
    pub load: ComparedLoad,
    /// Circumstances: may differ.
    #[serde(rename = "told")]
    pub circumstances: Circumstances,
}

/// Load and clock of a run. Runs with different loads are not comparable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedLoad {
    /// Hash of the plan: prompts, output lengths and times.
    pub plan: String,
    /// Dataset; explains a different plan.
    pub dataset: String,
    /// Arrivals; explains a different plan.
    pub arrivals: String,
    /// Number of requests; explains a different plan.
    pub requests: usize,
    /// How long requests are sent, if the bench says that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// What counts in no number at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_start: Option<String>,
    /// What counts in no number at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_end: Option<String>,
    /// How many times the plan is sent.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub rounds: usize,
    /// How many times the plan is sent before that, which a prefix cache remembers.
    #[serde(default, skip_serializing_if = "is_none")]
    pub warmup_rounds: usize,
    /// Whether a text before every prompt keeps them out of the caches of earlier runs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub salted: bool,
    /// Seed of the plan; explains a different plan.
    pub seed: u64,
    /// Maximum number of requests in flight.
    pub max_concurrency: Option<usize>,
    /// Wire dialect.
    pub backend: String,
    /// Path of the requests, if it is not the dialect's own.
    pub endpoint: Option<String>,
    /// Model name on the wire.
    pub model: String,
    /// Whether answers were streamed.
    pub stream: bool,
    /// Whether answers had to have their full length.
    pub ignore_eos: bool,
    /// Number of log-probabilities that requests asked for.
    pub logprobs: Option<u64>,
    /// Hash of `extra_body`, which may contain secrets.
    pub extra_body: Option<String>,
    /// `real`, or `virtual`, which jumps over waits.
    pub clock: String,
    /// Kind of target: `server`, `simulation` or `service`.
    pub target: String,
}

/// Circumstances of a run. The comparison lists the differences.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Circumstances {
    /// Target, without secrets.
    pub target: String,
    /// Version and configuration that the server reports.
    pub server: BTreeMap<String, String>,
    /// Tokenizer that counted the tokens.
    pub tokenizer: Option<String>,
    /// Limits on requests that define goodput.
    pub limits: String,
    /// Version of goodput.
    pub goodput: String,
    /// Machine of the client.
    pub host: Host,
}

impl Provenance {
    /// Whether time is virtual, so that machine and time of day make no difference.
    pub(crate) fn is_on_virtual_time(&self) -> bool {
        self.load.clock == "virtual"
    }

    /// Whether the run certainly has no random part: the built-in simulation draws from its seed alone. A
    /// service of the user's own may draw random numbers, on virtual time too.
    pub(crate) fn is_deterministic(&self) -> bool {
        self.is_on_virtual_time() && self.load.target == "simulation"
    }

    /// Differences that make a run incomparable with a stored one: each field with both values. Empty if
    /// there are none.
    pub fn conflicts(&self, stored: &Provenance) -> Vec<String> {
        let (old, new) = (&stored.load, &self.load);
        let mut conflicts = Vec::new();
        if old.plan != new.plan {
            let reasons = differences([
                ("dataset", old.dataset.clone(), new.dataset.clone()),
                ("arrivals", old.arrivals.clone(), new.arrivals.clone()),
                (
                    "requests",
                    old.requests.to_string(),
                    new.requests.to_string(),
                ),
                ("seed", old.seed.to_string(), new.seed.to_string()),
                (
                    "tokenizer",
                    shown(&stored.circumstances.tokenizer),
                    shown(&self.circumstances.tokenizer),
                ),
            ]);
            conflicts = if reasons.is_empty() {
                differences([("plan", old.plan.clone(), new.plan.clone())])
            } else {
                reasons
            };
        }
        conflicts.extend(differences([
            (
                "max_concurrency",
                shown(&old.max_concurrency),
                shown(&new.max_concurrency),
            ),
            ("backend", old.backend.clone(), new.backend.clone()),
            ("endpoint", shown(&old.endpoint), shown(&new.endpoint)),
            ("model", old.model.clone(), new.model.clone()),
            ("stream", old.stream.to_string(), new.stream.to_string()),
            (
                "ignore_eos",
                old.ignore_eos.to_string(),
                new.ignore_eos.to_string(),
            ),
            ("logprobs", shown(&old.logprobs), shown(&new.logprobs)),
            ("extra_body", shown(&old.extra_body), shown(&new.extra_body)),
            ("duration", shown(&old.duration), shown(&new.duration)),
            ("cut_start", shown(&old.cut_start), shown(&new.cut_start)),
            ("cut_end", shown(&old.cut_end), shown(&new.cut_end)),
            ("rounds", old.rounds.to_string(), new.rounds.to_string()),
            (
                "warmup_rounds",
                old.warmup_rounds.to_string(),
                new.warmup_rounds.to_string(),
            ),
            ("salted", old.salted.to_string(), new.salted.to_string()),
            ("clock", old.clock.clone(), new.clock.clone()),
            ("target", old.target.clone(), new.target.clone()),
        ]));
        conflicts
    }

    /// Differences that may exist, each in words; most of them are the reason to compare.
    pub fn differences(&self, stored: &Provenance) -> Vec<String> {
        let (old, new) = (&stored.circumstances, &self.circumstances);
        let names: BTreeSet<&String> = old.server.keys().chain(new.server.keys()).collect();
        let mut changed: Vec<String> = Vec::new();
        for name in names {
            let of = |found: &Circumstances| shown(&found.server.get(name.as_str()));
            changed.extend(differences([(
                format!("server's {name}").as_str(),
                of(old),
                of(new),
            )]));
        }
        changed.extend(differences([
            ("target", old.target.clone(), new.target.clone()),
            ("tokenizer", shown(&old.tokenizer), shown(&new.tokenizer)),
            (
                "goodput's version",
                old.goodput.clone(),
                new.goodput.clone(),
            ),
            ("client's host", old.host.to_string(), new.host.to_string()),
        ]));
        changed
    }

    /// Whether goodput has the same definition on both sides.
    pub(crate) fn has_limits_of(&self, stored: &Provenance) -> bool {
        self.circumstances.limits == stored.circumstances.limits
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_none(rounds: &usize) -> bool {
    *rounds == 0
}

fn shown<T: ToString>(value: &Option<T>) -> String {
    value.as_ref().map_or("none".to_owned(), T::to_string)
}

fn differences<const N: usize>(fields: [(&str, String, String); N]) -> Vec<String> {
    let differ = fields.into_iter().filter(|(_, old, new)| old != new);
    differ
        .map(|(field, old, new)| format!("{field} was {old}, now it is {new}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::provenance;
    use super::*;
    use rstest::rstest;

    fn load(change: impl FnOnce(&mut ComparedLoad)) -> Provenance {
        let mut new = provenance();
        change(&mut new.load);
        new
    }

    #[rstest]
    #[case::plan(load(|a| a.plan = "11".into()), &["plan was 00ff, now it is 11"])]
    #[case::dataset(
        load(|a| { a.plan = "11".into(); a.dataset = "random(input = 8, output = 4)".into() }),
        &["dataset was random(input = 32, output = 8), now it is random(input = 8, output = 4)"]
    )]
    #[case::rate_and_seed(
        load(|a| { a.plan = "11".into(); a.arrivals = "20 a second, burstiness 1".into(); a.seed = 8 }),
        &["arrivals was 10 a second, burstiness 1, now it is 20 a second, burstiness 1",
          "seed was 7, now it is 8"]
    )]
    #[case::concurrency(
        load(|a| a.max_concurrency = Some(4)), &["max_concurrency was none, now it is 4"]
    )]
    #[case::rounds(load(|a| a.rounds = 2), &["rounds was 1, now it is 2"])]
    #[case::warmup_rounds(
        load(|a| a.warmup_rounds = 3), &["warmup_rounds was 0, now it is 3"]
    )]
    #[case::salt(load(|a| a.salted = true), &["salted was false, now it is true"])]
    #[case::backend(load(|a| a.backend = "vllm".into()), &["backend was openai, now it is vllm"])]
    #[case::endpoint(load(|a| a.endpoint = Some("/x".into())), &["endpoint was none, now it is /x"])]
    #[case::model(load(|a| a.model = "b".into()), &["model was m, now it is b"])]
    #[case::stream(load(|a| a.stream = false), &["stream was true, now it is false"])]
    #[case::eos(load(|a| a.ignore_eos = false), &["ignore_eos was true, now it is false"])]
    #[case::logprobs(load(|a| a.logprobs = Some(1)), &["logprobs was none, now it is 1"])]
    #[case::body(load(|a| a.extra_body = Some("ab".into())), &["extra_body was none, now it is ab"])]
    #[case::clock(load(|a| a.clock = "virtual".into()), &["clock was real, now it is virtual"])]
    #[case::target(
        load(|a| a.target = "simulation".into()), &["target was server, now it is simulation"]
    )]
    fn other_loads_are_refused_by_the_field(#[case] new: Provenance, #[case] conflicts: &[&str]) {
        assert_eq!(new.conflicts(&provenance()), conflicts);
        assert!(new.differences(&provenance()).is_empty());
    }

    #[rstest]
    #[case::version(|t: &mut Circumstances| { t.server.insert("version".into(), "0.33".into()); },
        "server's version was 0.32, now it is 0.33")]
    #[case::config(|t: &mut Circumstances| { t.server.insert("max_model_len".into(), "4096".into()); },
        "server's max_model_len was none, now it is 4096")]
    #[case::url(|t: &mut Circumstances| t.target = "http://b:1".into(),
        "target was http://a:1, now it is http://b:1")]
    #[case::goodput(|t: &mut Circumstances| t.goodput = "9.9.9".into(),
        "goodput's version was 0.1.0, now it is 9.9.9")]
    #[case::host(|t: &mut Circumstances| t.host.cpus = 4,
        "client's host was ci (linux x86_64, 2 × EPYC), now it is ci (linux x86_64, 4 × EPYC)")]
    fn what_may_differ_is_said(#[case] change: fn(&mut Circumstances), #[case] sentence: &str) {
        let mut new = provenance();
        change(&mut new.circumstances);
        assert!(new.conflicts(&provenance()).is_empty());
        assert_eq!(new.differences(&provenance()), [sentence]);
    }
}
