//! File format of a baseline: versioned JSON with readable differences in git.
//!
//! Keys have a fixed order, numbers have at most eight digits, and an array of plain values is on one line.
//! The only date is that of the last save.

use super::{
    Number,
    digest::{Digest, Histogram},
    provenance::Provenance,
};
use crate::judge::{Breakdown, Mean};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write};

/// Version of the format.
pub const FORMAT: u32 = 1;
/// Number of runs that a file keeps, the latest ones.
pub(super) const RUNS: usize = 10;
/// Objects and arrays of arrays up to this length are on one line.
const LINE: usize = 100;

/// Stored runs of a bench.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct File {
    /// Version of the format, [`FORMAT`].
    pub goodput_baseline: u32,
    /// Name of the bench.
    pub bench: String,
    /// Day of the last save, UTC.
    pub saved: String,
    /// Provenance of the latest run.
    pub provenance: Provenance,
    /// Numbers of each run, oldest first.
    pub runs: Vec<StoredRun>,
    /// Where the time of the latest run went.
    #[serde(rename = "anatomy")]
    pub breakdown: Breakdown,
    /// Distributions of the latencies of the latest run.
    pub histograms: BTreeMap<String, Histogram>,
}

/// Stored numbers of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredRun {
    /// Compared numbers, by their names in SLOs.
    pub numbers: BTreeMap<String, Number>,
    /// Mean times of the phases.
    pub phases: Vec<Mean>,
}

/// Why a file is not usable.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// A newer goodput wrote the file.
    #[error(
        "was written by a newer goodput (format {0}; this one reads {FORMAT}). Update goodput, or save \
         the baseline again"
    )]
    Newer(u32),
    /// The file is not a baseline, or is damaged.
    #[error("is not a readable baseline ({0}). Restore the file, or save the baseline again")]
    Damaged(String),
}

impl File {
    /// Creates a file with one run.
    pub fn new(bench: String, saved: String, provenance: Provenance, digest: &Digest) -> Self {
        File {
            goodput_baseline: FORMAT,
            bench,
            saved,
            provenance,
            runs: vec![StoredRun::of(digest)],
            breakdown: digest.breakdown.clone(),
            histograms: digest.histograms.clone(),
        }
    }

    /// Adds a run; the oldest one goes.
    #[must_use]
    pub fn joined(mut self, saved: String, provenance: Provenance, digest: &Digest) -> Self {
        let mut runs = std::mem::take(&mut self.runs);
        runs.push(StoredRun::of(digest));
        let old = runs.len().saturating_sub(RUNS);
        runs.drain(..old);
        File {
            runs,
            ..File::new(self.bench, saved, provenance, digest)
        }
    }

    /// Whether the file has two or more runs and all are identical.
    pub(super) fn repeats_itself(&self) -> bool {
        let same = |pair: &[StoredRun]| pair[0] == pair[1];
        self.runs.len() > 1 && self.runs.windows(2).all(same)
    }

    /// Parses a file.
    ///
    /// # Errors
    /// The file has a newer format, or is not a baseline.
    pub fn read(text: &str) -> Result<Self, FormatError> {
        #[derive(Deserialize)]
        struct Version {
            goodput_baseline: u32,
        }
        let damaged = |e: serde_json::Error| FormatError::Damaged(e.to_string());
        let version: Version = serde_json::from_str(text).map_err(damaged)?;
        if version.goodput_baseline > FORMAT {
            return Err(FormatError::Newer(version.goodput_baseline));
        }
        let file: File = serde_json::from_str(text).map_err(damaged)?;
        if file.runs.is_empty() {
            return Err(FormatError::Damaged("the file has no run".to_owned()));
        }
        Ok(file)
    }

    /// Formats the file.
    pub fn write(&self) -> String {
        // Numbers, texts and maps with text keys are always valid JSON.
        let mut value = serde_json::to_value(self).unwrap_or_default();
        shorten(&mut value);
        let mut text = String::new();
        render(&value, 0, &mut text);
        text.push('\n');
        text
    }
}

impl StoredRun {
    fn of(digest: &Digest) -> Self {
        StoredRun {
            numbers: digest.numbers.clone(),
            phases: digest.breakdown.phases.clone(),
        }
    }
}

/// Rounds to eight digits: measurements are not more precise, and machines differ in the last digits.
fn shorten(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        Value::Number(number) if number.is_f64() => {
            let shorter = number.as_f64().map(crate::judge::rounded);
            if let Some(shorter) = shorter.and_then(serde_json::Number::from_f64) {
                *number = shorter;
            }
        }
        _ => {}
    }
}

fn render(value: &Value, depth: usize, text: &mut String) {
    let plain = |value: &Value| !value.is_array() && !value.is_object();
    let line = value.to_string();
    let fits = match value {
        Value::Array(items) => items.iter().all(plain) || line.len() <= LINE,
        Value::Object(fields) => fields.values().all(plain) && line.len() <= LINE,
        _ => true,
    };
    if fits {
        text.push_str(&line);
        return;
    }
    let indent = "  ".repeat(depth + 1);
    let (open, close) = match value {
        Value::Object(_) => ('{', '}'),
        _ => ('[', ']'),
    };
    text.push(open);
    let mut first = true;
    let mut begin = |text: &mut String| {
        let _ = write!(text, "{}\n{indent}", if first { "" } else { "," });
        first = false;
    };
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                begin(text);
                let _ = write!(text, "{}: ", Value::from(key.as_str()));
                render(field, depth + 1, text);
            }
        }
        Value::Array(items) => {
            for item in items {
                begin(text);
                render(item, depth + 1, text);
            }
        }
        _ => {}
    }
    let _ = write!(text, "\n{}{close}", "  ".repeat(depth));
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{file, long_run, provenance},
        *,
    };
    use crate::{
        metrics::{
            measure,
            testing::{limit, record, run_of},
        },
        record::Record,
    };
    use goodput_grammar::goodput::RequestMetric;
    use proptest::prelude::*;
    use rstest::rstest;

    /// Forty requests whose times are easy to follow.
    fn small() -> Digest {
        let records = (0..40).map(|index| {
            let at = index * 100;
            let first = at + 20 + index % 4;
            Record {
                index: index as usize,
                ..record(at, &[first, first + 10, first + 20], 3)
            }
        });
        let run = run_of(records.collect());
        let limits = [limit(RequestMetric::Ttft, 200)];
        Digest::of(&run, &measure(&run, &limits), &limits, 40)
    }

    /// What this version writes is what every later one has to read: a change here needs a new
    /// [`FORMAT`], or has to leave this file readable.
    #[test]
    fn the_format() {
        let written = file(&small()).write();
        let golden = include_str!("fixtures/format-1.json");
        let read = File::read(golden).unwrap();
        assert_eq!(read.write(), golden, "rewriting changes nothing");
        assert_eq!(written, golden);
    }

    #[test]
    fn the_newest_runs_are_kept() {
        let digest = small();
        let mut kept = file(&digest);
        for day in 0..12 {
            kept = kept.joined(format!("day {day}"), provenance(), &digest);
        }
        assert_eq!((kept.runs.len(), kept.saved.as_str()), (RUNS, "day 11"));
    }

    /// 20,000 requests with latencies over five magnitudes, all lengths, ten runs.
    #[test]
    fn a_big_bench_takes_less_than_50_kb() {
        let run = long_run(20_000);
        let digest = Digest::of(&run, &measure(&run, &[]), &[], usize::MAX);
        let mut kept = file(&digest);
        for _ in 1..RUNS {
            kept = kept.joined(String::new(), provenance(), &digest);
        }
        let size = kept.write().len();
        assert!((20_000..50_000).contains(&size), "{size}");
    }

    #[rstest]
    #[case::newer(
        r#"{"goodput_baseline": 2, "what": "nobody knows"}"#,
        "was written by a newer goodput (format 2; this one reads 1). Update goodput"
    )]
    #[case::other(
        r#"{"a": 1}"#,
        "is not a readable baseline (missing field `goodput_baseline`"
    )]
    #[case::conflict("<<<<<<< HEAD", "is not a readable baseline (expected value at line 1")]
    fn what_cannot_be_read_is_said(#[case] text: &str, #[case] start: &str) {
        let error = File::read(text).unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    }

    #[test]
    fn a_file_without_runs_is_damaged() {
        let mut empty = file(&small());
        empty.runs.clear();
        let error = File::read(&empty.write()).unwrap_err().to_string();
        assert!(error.contains("the file has no run"), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn reading_gives_what_was_written(
            ttfts in prop::collection::vec((0_u64..5_000, 1_u64..50, 1_u64..9), 1..60), bench in ".{0,20}",
        ) {
            let records = ttfts.iter().enumerate().map(|(index, (ttft, gap, tokens))| {
                let at = index as u64 * 10;
                let events: Vec<u64> = (0..*tokens).map(|token| at + ttft + token * gap).collect();
                Record { index, ..record(at, &events, *tokens) }
            });
            let run = run_of(records.collect());
            let digest = Digest::of(&run, &measure(&run, &[]), &[], usize::MAX);
            let mut file = file(&digest);
            file.bench = bench;
            let text = file.write();
            let read = File::read(&text).unwrap();
            prop_assert_eq!(read.write(), text);
            prop_assert_eq!(read.bench, file.bench);
            prop_assert_eq!(read.runs[0].numbers.len(), file.runs[0].numbers.len());
            for (name, number) in &file.runs[0].numbers {
                let kept = read.runs[0].numbers[name].value;
                prop_assert!((kept - number.value).abs() <= 1e-7 * number.value.abs());
            }
        }
    }
}
