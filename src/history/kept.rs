//! File of a bench's results, in JSON.

use super::invocation::Invocation;
use crate::{
    redact,
    report::{Caveat, Measured, Outcome},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Version of the file's form; other versions are refused.
const VERSION: u64 = 1;

/// Limit for a stored reason; the rest was on the screen.
const LONGEST_REASON: usize = 2_000;

/// File of a bench.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct File {
    version: u64,
    pub(crate) bench: BenchId,
    /// A run that has begun; `None` once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) running: Option<Running>,
    pub(crate) latest: Option<Kept>,
    /// The previous run with numbers.
    pub(crate) previous: Option<Kept>,
}

/// Identity of a bench.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BenchId {
    /// Folder of its package or suite: two checkouts may share a target folder.
    pub(crate) home: String,
    /// The bench's package; empty for the command.
    pub(crate) package: String,
    /// The bench's binary, suite or command.
    pub(crate) group: String,
    /// The bench's source file, because a crate's test and benchmark target may have the same name; empty for the
    /// command.
    pub(crate) source: String,
    /// The bench's name in its group.
    pub(crate) name: String,
}

impl BenchId {
    /// A bench that a command runs.
    #[cfg(feature = "cli")]
    pub(crate) fn of_command(command: &str, name: &str) -> Self {
        BenchId {
            home: String::new(),
            package: String::new(),
            group: command.to_owned(),
            source: String::new(),
            name: name.to_owned(),
        }
    }
}

/// A run that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) invocation: Invocation,
    /// Milliseconds since 1970.
    pub(crate) since_ms: u64,
    pub(crate) process: u32,
}

/// Result of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) invocation: Invocation,
    /// When the run ended, in milliseconds since 1970.
    pub(crate) ended_ms: u64,
    pub(crate) took_s: f64,
    /// Outcome, as [`Outcome::word`] gives it.
    pub(crate) outcome: String,
    pub(crate) exit_code: u8,
    pub(crate) reason: String,
    pub(crate) caveats: Vec<Caveat>,
    /// Advice for the next run, such as a missing setting of the test runner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
    /// Measured numbers, if there are any.
    pub(crate) numbers: Option<Numbers>,
}

/// Load, target and numbers of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Numbers {
    pub(crate) target: String,
    pub(crate) simulated: bool,
    pub(crate) backend: String,
    pub(crate) model: Option<String>,
    pub(crate) requests: usize,
    pub(crate) rate: Option<f64>,
    pub(crate) max_concurrency: Option<usize>,
    pub(crate) seed: u64,
    pub(crate) plan_hash: String,
    /// Values by the name that outputs use: `ttft-p50`. Milliseconds, ratios or per second.
    pub(crate) measures: BTreeMap<String, f64>,
}

impl File {
    pub(crate) fn new(bench: BenchId) -> Self {
        File {
            version: VERSION,
            bench,
            running: None,
            latest: None,
            previous: None,
        }
    }

    /// # Errors
    /// The file has another version, or is not such a file.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|e| format!("is not JSON: {e}"))?;
        match value.get("version").and_then(Value::as_u64) {
            Some(VERSION) => serde_json::from_value(value).map_err(|e| format!("is damaged: {e}")),
            Some(version) => Err(format!(
                "has version {version}; this goodput reads version {VERSION}. Install the goodput that \
                 wrote it, or delete the file"
            )),
            None => Err("has no `version`, so it is not the result of a bench".to_owned()),
        }
    }

    /// Makes this result the latest one.
    pub(crate) fn ended(&mut self, kept: Kept) {
        let measured = |kept: &Kept| kept.numbers.is_some();
        let before = self.latest.take().filter(measured);
        self.previous = before.or(self.previous.take());
        self.running = None;
        self.latest = Some(kept);
    }

    /// The newest run with numbers.
    pub(crate) fn measured(&self) -> Option<&Kept> {
        let kept = [&self.latest, &self.previous].into_iter().flatten();
        kept.into_iter().find(|kept| kept.numbers.is_some())
    }
}

impl Kept {
    pub(crate) fn of(outcome: &Outcome, invocation: Invocation, ended_ms: u64) -> Self {
        let measured = outcome.measured.as_ref();
        Kept {
            invocation,
            ended_ms,
            took_s: outcome.took.as_secs_f64(),
            outcome: outcome.word(),
            exit_code: outcome.exit_code(),
            reason: capped(&redact::text(outcome.reason())),
            caveats: outcome.caveats().iter().map(redacted).collect(),
            advice: None,
            // The numbers of an invalid run mean nothing.
            numbers: measured.filter(|m| !m.measures.is_empty()).map(Numbers::of),
        }
    }
}

impl Numbers {
    fn of(measured: &Measured) -> Self {
        let setup = &measured.setup;
        let finite = measured.measures.iter().filter(|m| m.value.is_finite());
        Numbers {
            target: redact::text(&setup.target),
            simulated: setup.simulated,
            backend: setup.backend.clone(),
            model: setup.model.as_deref().map(redact::text),
            requests: setup.requests,
            rate: setup.rate,
            max_concurrency: setup.max_concurrency,
            seed: setup.seed,
            plan_hash: setup.plan_hash.clone(),
            measures: finite.map(|m| (m.slug(), m.value)).collect(),
        }
    }
}

fn redacted(caveat: &Caveat) -> Caveat {
    Caveat {
        kind: caveat.kind,
        message: redact::text(&caveat.message),
    }
}

fn capped(reason: &str) -> String {
    match reason.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason.to_owned(),
    }
}
