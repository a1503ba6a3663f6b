//! LoRA adapters: each request names one of them as its model.

use super::parts::names;
use crate::{
    backend::Backend,
    grammar::Mistake,
    plan::{Plan, PyRandom},
};
use serde::Serialize;

/// How adapters are given to requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoraAssignment {
    /// An adapter drawn from the seed for each request. The default.
    #[default]
    Random,
    /// One after the other.
    RoundRobin,
}

impl LoraAssignment {
    /// Reads `random` or `round-robin`.
    ///
    /// # Errors
    /// The text is any other word.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        match text {
            "random" => Ok(LoraAssignment::Random),
            "round-robin" => Ok(LoraAssignment::RoundRobin),
            _ => Err(Mistake::unknown(
                "assignment",
                text,
                &["random", "round-robin"],
            )),
        }
    }
}

/// The adapters of a bench.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Lora {
    /// The names of the adapters; none is the model itself.
    #[serde(rename = "lora_modules", serialize_with = "names")]
    pub(crate) modules: Vec<String>,
    /// Which of them a request gets.
    #[serde(rename = "lora_assignment")]
    pub(crate) assignment: LoraAssignment,
}

/// Whether a request of this backend can name an adapter.
pub(super) fn can_be_named(backend: &dyn Backend) -> bool {
    let is_json = |(_, value): &(&str, &str)| *value == "application/json";
    backend.names_model() && backend.headers().iter().any(is_json)
}

/// Gives each request an adapter; without adapters nothing changes.
///
/// vLLM draws on where the dataset stopped drawing, so with `random` the same seed gives other adapters there.
pub(super) fn assign(plan: &mut Plan, lora: &Lora, seed: u64) {
    let names = &lora.modules;
    if names.is_empty() {
        return;
    }
    let mut random = PyRandom::new(seed);
    for (index, request) in plan.requests.iter_mut().enumerate() {
        let chosen = match lora.assignment {
            LoraAssignment::Random => random.below(names.len()),
            LoraAssignment::RoundRobin => index % names.len(),
        };
        request.ask_for_lora(&names[chosen]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bench::Bench, plan::PlannedRequest};
    use rstest::rstest;
    use std::collections::BTreeSet;

    fn models(assignment: LoraAssignment) -> Vec<String> {
        let bench = Bench::new("lora")
            .requests(40)
            .lora_modules(["a", "b"], assignment);
        let plan = bench.plan().unwrap();
        let lora = |request: &PlannedRequest| request.lora().unwrap().to_owned();
        plan.requests.iter().map(lora).collect()
    }

    #[test]
    fn every_request_has_one() {
        let turns = models(LoraAssignment::RoundRobin);
        assert_eq!(turns[..3], ["a", "b", "a"]);
        let drawn = models(LoraAssignment::Random);
        assert_eq!(drawn, models(LoraAssignment::Random));
        assert_ne!(drawn, turns);
        assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 2);
    }

    #[rstest]
    #[case("tgi")]
    #[case("openai-audio")]
    fn a_body_without_a_place_for_it_is_refused(#[case] backend: &str) {
        let bench = Bench::new("lora").backend(backend);
        let bench = bench.lora_modules(["a"], LoraAssignment::Random);
        let error = bench.check().unwrap_err().to_string();
        assert!(error.contains("lora_modules"), "{error}");
    }

    #[test]
    fn the_name_is_the_model_on_the_wire() {
        let report = Bench::new("lora")
            .target("sim(engine = linear, max_loras = 2, lora_modules = 2)")
            .requests(6)
            .lora_modules(["lora-0", "lora-1"], LoraAssignment::RoundRobin)
            .run_blocking()
            .unwrap();
        assert_eq!(report.completed(), 6, "{report}");
        let records = report.run().records.iter();
        let asked: Vec<_> = records.map(|record| record.lora.as_deref()).collect();
        assert_eq!(asked, [Some("lora-0"), Some("lora-1")].repeat(3));
    }
}
