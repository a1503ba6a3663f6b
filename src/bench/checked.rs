//! A bench that can be run.

use super::{
    Bench,
    parts::{Client, Demands, Keeping, Load, Wire, target},
};
use crate::{
    error::Error,
    targets::{AnyTarget, url_of_environment},
};
use serde::Serialize;
use serde_json::Value;
use std::hash::{BuildHasher, Hasher, RandomState};
use xxhash_rust::xxh3::xxh3_64;

/// A bench whose settings make sense together, with the target that it measures.
///
/// It is made once, before a run, and the environment is not asked for the target again. So the target that is checked is the
/// target that is locked, opened, measured and named in the report.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Checked {
    pub(super) name: String,
    /// The target, with its faults.
    #[serde(serialize_with = "target")]
    pub(super) target: AnyTarget,
    /// Nothing names a target, so the built-in simulation is measured.
    #[serde(skip)]
    pub(super) unnamed: bool,
    pub(super) load: Load,
    pub(super) wire: Wire,
    pub(super) client: Client,
    pub(super) demands: Demands,
    pub(super) keeping: Keeping,
    /// All of this as JSON, for the result. A side of a comparison has the bench's, not its own.
    #[serde(skip)]
    pub(super) written: Value,
}

impl Bench {
    /// All settings as JSON, without credentials, so that two benches of the same settings have the same text. A salt that is
    /// drawn for each run stays `auto`.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    #[cfg(feature = "cli")]
    pub(crate) fn script(&self) -> Result<Value, Error> {
        let salt = self.load.salt.clone();
        let mut checked = self.clone().checked()?;
        checked.load.salt = salt;
        Ok(serde_json::to_value(&checked).unwrap_or_default())
    }

    /// The bench as it is run.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(super) fn checked(self) -> Result<Checked, Error> {
        let this = self.lasting().searching();
        this.check_lasting()?;
        let mut checked = Checked {
            unnamed: this.target.is_none() && url_of_environment().is_none(),
            target: this.chosen_target(),
            name: this.name,
            load: this.load,
            wire: this.wire,
            client: this.client,
            demands: this.demands,
            keeping: this.keeping,
            written: Value::Null,
        };
        if checked.load.salt.as_deref() == Some(AUTO) {
            checked.load.salt = Some(checked.drawn_salt());
        }
        // Texts and numbers, none of which JSON could refuse.
        checked.written = serde_json::to_value(&checked).unwrap_or_default();
        checked.client.followed();
        Ok(checked)
    }
}

/// Asks for a salt of the run's own.
pub(super) const AUTO: &str = "auto";

impl Checked {
    /// A salt that no other run has. A simulation is new in each run, and so that the run stays the same it has one of the
    /// seed.
    fn drawn_salt(&self) -> String {
        let drawn = match self.target.simulation() {
            Some(_) => xxh3_64(&self.load.seed.to_be_bytes()),
            None => RandomState::new().build_hasher().finish(),
        };
        format!("{:08x}", drawn as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::names::KEYS;

    /// Keys that are no setting of a run.
    const NOT_WRITTEN: &[(&str, &str)] = &[
        ("faults", "the target has them"),
        ("snapshot", "a check of the test"),
        ("crate", "a path in Rust"),
        ("ignore", "the bench would not run"),
    ];

    fn written(bench: Bench) -> Value {
        bench.checked().unwrap().written
    }

    #[test]
    fn every_key_is_written_under_its_name() {
        let written = written(Bench::new("chat").target("sim"));
        let parts = written.as_object().unwrap();
        for key in KEYS {
            let in_a_part = parts.values().any(|part| part.get(key.name).is_some());
            let is_written = in_a_part || parts.contains_key(key.name);
            let reason = NOT_WRITTEN.iter().find(|(name, _)| *name == key.name);
            assert_ne!(is_written, reason.is_some(), "{}", key.name);
        }
    }

    #[test]
    fn a_bench_is_written_as_its_attribute_would_be() {
        let bench = Bench::new("chat")
            .target("sim(ttft = 80ms, itl = 5ms)")
            .faults("reset@5%")
            .backend("openai-chat")
            .dataset("random(input = 64, output = 16)")
            .rate(20)
            .requests(300)
            .lora_modules(["sql", "law"], crate::bench::LoraAssignment::RoundRobin)
            .headers([
                "Authorization: Bearer sk-secret-of-the-header",
                "X-Team: search",
            ])
            .api_key("env:LLM_KEY")
            .extra_body(r#"{"temperature": 0, "user": {"api_key": "sk-secret-of-the-body"}}"#)
            .endpoint("/v1/chat/completions?api_key=sk-secret-of-the-path")
            .tokenizer("none")
            .goodput("ttft:200 tpot:50")
            .slo("p99(ttft) < 300ms, goodput >= 95%")
            .ready_timeout("2m")
            .versus("http://127.0.0.1:1/v1");
        let written = serde_json::to_string_pretty(&written(bench)).unwrap();
        assert!(!written.contains("secret"), "{written}");
        insta::assert_snapshot!(written);
    }

    #[test]
    fn a_key_is_not_written() {
        let written = written(
            Bench::new("chat")
                .target("sim")
                .api_key("sk-secret-of-the-key"),
        );
        assert_eq!(written["wire"]["api_key"], "***");
    }
}
