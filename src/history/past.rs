//! The runs of a bench, oldest first: a file with a line for each, for trends.

use super::kept::BenchId;
use crate::{
    clock::rfc3339,
    files::{self, Turn, text},
    judge::Unit,
    redact,
    report::{Measure, Measured, Outcome},
};
use serde::{Deserialize, Serialize};
use std::{
    io::{self, ErrorKind, Write},
    path::Path,
};

/// Version of the file's form; other versions are refused.
const VERSION: u64 = 1;

/// The number of runs that are kept of a bench.
const MOST: usize = 500;

/// The number of runs from which on the oldest are removed; rarely, because the whole file is then written again.
const TOO_MANY: usize = 550;

/// Heading of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Heading {
    goodput_history: u64,
    bench: BenchId,
}

/// A run of a bench.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PastRun {
    /// When it ended, in UTC: `2023-11-14T22:13:20Z`.
    pub(crate) at: String,
    /// The commit that was checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
    /// Outcome, as [`Outcome::word`] gives it.
    pub(crate) outcome: String,
    pub(crate) load: PastLoad,
    pub(crate) numbers: Vec<PastNumber>,
}

/// What was asked of the server. Numbers of different loads are not comparable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PastLoad {
    /// Whether the numbers are exact: the simulation on virtual time.
    #[serde(default)]
    pub(crate) exact: bool,
    pub(crate) backend: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) dataset: Option<String>,
    pub(crate) requests: Option<u64>,
    /// Requests per second; `None` sends all at once.
    pub(crate) rate: Option<f64>,
    pub(crate) max_concurrency: Option<u64>,
}

/// A number of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PastNumber {
    /// The number, as SLOs name it.
    pub(crate) name: String,
    pub(crate) unit: Unit,
    /// Whether a better server has a larger value.
    pub(crate) bigger_is_better: bool,
    pub(crate) value: f64,
    /// The limit of an SLO on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<f64>,
}

/// The runs of one bench.
#[cfg(any(test, feature = "cli"))]
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) bench: BenchId,
    /// Oldest first.
    pub(crate) runs: Vec<PastRun>,
}

impl PastRun {
    /// A run that ended now, in milliseconds since 1970. `None` without numbers.
    pub(super) fn of(outcome: &Outcome, commit: Option<String>, now_ms: u64) -> Option<Self> {
        let measured = outcome.measured.as_ref()?;
        let finite = measured.measures.iter().filter(|m| m.value.is_finite());
        let numbers: Vec<PastNumber> = finite.map(|m| PastNumber::of(m, measured)).collect();
        (!numbers.is_empty()).then(|| PastRun {
            at: rfc3339(now_ms / 1_000),
            commit,
            outcome: outcome.word(),
            load: PastLoad::of(measured),
            numbers,
        })
    }
}

impl PastLoad {
    fn of(measured: &Measured) -> Self {
        let setup = &measured.setup;
        let dataset = setup.bench.pointer("/load/dataset");
        PastLoad {
            exact: setup.simulated,
            backend: Some(setup.backend.clone()),
            model: setup.model.as_deref().map(redact::text),
            dataset: dataset.and_then(|text| text.as_str()).map(redact::text),
            requests: Some(setup.requests as u64),
            rate: setup.rate,
            max_concurrency: setup.max_concurrency.map(|n| n as u64),
        }
    }
}

impl PastNumber {
    fn of(measure: &Measure, measured: &Measured) -> Self {
        let name = measure.subject.of(measure.part);
        let limited = measured.slos.iter().find(|result| {
            let limit = result.slo.strip_prefix(&name);
            limit.is_some_and(|limit| limit.starts_with(' '))
        });
        PastNumber {
            unit: Unit::of(&measure.subject),
            bigger_is_better: measure.bigger_is_better(),
            value: measure.value,
            limit: limited.map(|result| result.limit),
            name,
        }
    }
}

/// Adds a run to the file of its bench.
///
/// # Errors
/// The error of the system.
pub(super) fn add(path: &Path, bench: &BenchId, run: &PastRun) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let _turn = Turn::in_folder(folder)?;
    let line = serde_json::to_string(run)?;
    let old = match text::read_own(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        old => Some(old?),
    };
    // A file of another version or with damage is not this bench's history any more.
    let old = old.filter(|text| Heading::of(text).is_ok());
    let runs = old.as_deref().map_or(0, |text| text.lines().count() - 1);
    if old.is_some() && runs < TOO_MANY {
        return files::append(path, &line);
    }
    let heading = Heading {
        goodput_history: VERSION,
        bench: bench.clone(),
    };
    let mut text = serde_json::to_string(&heading)? + "\n";
    let old = old.iter().flat_map(|text| text.lines().skip(1));
    for line in old
        .skip((runs + 1).saturating_sub(MOST))
        .chain([line.as_str()])
    {
        text += line;
        text.push('\n');
    }
    files::replace(path, |to| to.write_all(text.as_bytes()))
}

impl Heading {
    /// # Errors
    /// The file has another version, or is not such a file.
    fn of(text: &str) -> Result<Self, String> {
        let line = text.lines().next().unwrap_or_default();
        let heading: Heading =
            serde_json::from_str(line).map_err(|_| "is not the history of a bench".to_owned())?;
        if heading.goodput_history == VERSION {
            return Ok(heading);
        }
        Err(format!(
            "has version {}; this goodput reads version {VERSION}. Install the goodput that wrote it, or delete \
             the file",
            heading.goodput_history
        ))
    }
}

#[cfg(any(test, feature = "cli"))]
impl Past {
    /// Reads a file. A torn line is left out.
    ///
    /// # Errors
    /// The file has another version, or is not such a file.
    fn parse(text: &str) -> Result<Self, String> {
        let bench = Heading::of(text)?.bench;
        let lines = text.lines().skip(1);
        let mut runs: Vec<PastRun> = lines
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        runs.sort_by(|one, other| one.at.cmp(&other.at));
        Ok(Past { bench, runs })
    }
}

/// Reads the histories in a folder, and problems with unreadable files. A folder that does not exist is empty.
///
/// # Errors
/// The folder is unreadable.
#[cfg(feature = "cli")]
pub(super) fn read(folder: &Path) -> Result<(Vec<Past>, Vec<crate::problem::Problem>), io::Error> {
    use crate::problem::Problem;
    let entries = match std::fs::read_dir(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok((Vec::new(), Vec::new())),
        entries => entries?,
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "jsonl"));
    paths.sort();
    let (mut histories, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        let text = text::read_own(&path).map_err(|e| format!("cannot be read: {e}"));
        match text.and_then(|text| Past::parse(&text)) {
            Ok(past) => histories.push(past),
            Err(why) => problems.push(Problem::new(path.display().to_string(), "", why)),
        }
    }
    histories.sort_by(|one, other| one.bench.order().cmp(&other.bench.order()));
    Ok((histories, problems))
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{id, measured},
        *,
    };
    use std::fs;

    fn run(ttft: f64, at: u64) -> PastRun {
        PastRun::of(&measured("pass", ttft), Some("abc1234".to_owned()), at).unwrap()
    }

    #[test]
    fn runs_are_kept_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/chat.jsonl");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let runs = [run(51.0, 2_000), run(50.0, 1_000)];
        for run in &runs {
            add(&path, &id("chat"), run).unwrap();
        }
        // A writer was killed.
        let torn = fs::read_to_string(&path).unwrap() + "{\"at\":";
        fs::write(&path, torn).unwrap();
        let past = Past::parse(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(past.bench, id("chat"));
        assert_eq!(past.runs, [runs[1].clone(), runs[0].clone()]);
        let p50 = past.runs[0].numbers.iter().find(|n| n.name == "p50(ttft)");
        assert_eq!(
            p50.map(|n| (n.value, n.unit)),
            Some((50.0, Unit::Milliseconds))
        );
        assert!(past.runs[0].load.requests == Some(10) && past.runs[0].at.ends_with("00:00:01Z"));
    }

    #[test]
    fn the_oldest_runs_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.jsonl");
        add(&path, &id("chat"), &run(50.0, 0)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let (heading, line) = text.split_once('\n').unwrap();
        let many: Vec<&str> = std::iter::repeat_n(line.trim(), TOO_MANY).collect();
        fs::write(&path, format!("{heading}\n{}\n", many.join("\n"))).unwrap();
        add(&path, &id("chat"), &run(51.0, 1_000)).unwrap();
        let past = Past::parse(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(past.runs.len(), MOST);
        assert_eq!(past.runs[MOST - 1], run(51.0, 1_000));
    }

    #[test]
    fn another_version_is_refused_and_replaced_by_the_next_run() {
        let text = r#"{"goodput_history": 2, "bench": {"home": "", "package": "", "group": "", "source": "", "name": ""}}"#;
        let why = Past::parse(text).unwrap_err();
        assert!(
            why.starts_with("has version 2; this goodput reads version 1"),
            "{why}"
        );
        assert!(Past::parse("{}").is_err());
    }

    #[test]
    fn a_run_without_numbers_is_not_kept() {
        assert_eq!(
            PastRun::of(&super::super::testing::ignored(), None, 0),
            None
        );
    }
}
