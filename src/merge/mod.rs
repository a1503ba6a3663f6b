//! Shards of a run put together: one run, judged as if one process had sent it.
//!
//! Each shard writes [a file](file) with its whole run, request by request. [`merged`] reads these files, puts the requests
//! in the plan's order, and judges the whole. No percentile is ever made of percentiles. What a client notes about itself
//! stays with its shard, because one client of many that is late would not show in numbers of all.
//!
//! A shard that is missing, there twice, torn or of another run makes the run invalid, by name.

mod clients;
mod file;
#[cfg(any(test, fuzzing))]
mod fuzzed;
mod join;
mod judged;
mod line;
mod shown;
#[cfg(test)]
mod tests;
mod wrong;

pub(crate) use file::write;
#[cfg(any(test, fuzzing))]
pub(crate) use fuzzed::fuzzed;
pub(crate) use shown::Shown;

use crate::{
    error::Error, judge::judge_shards, metrics::measure, problem::Problem, report::Report,
};
use file::Reader;
use join::Join;
use std::path::PathBuf;

/// A run of several shards, as one.
pub(crate) struct Merged {
    pub(crate) report: Report,
    /// How the shards' command would have shown it.
    pub(crate) shown: Shown,
}

/// Puts the shards in these files together.
///
/// # Errors
/// [`Error::Invalid`] with every file that is not one of a shard.
pub(crate) fn merged(paths: &[PathBuf]) -> Result<Merged, Error> {
    let (mut readers, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match Reader::open(path) {
            Ok(reader) => readers.push(reader),
            Err(why) => problems.push(Problem::new(path.display().to_string(), "", why)),
        }
    }
    if problems.is_empty() {
        joined(readers)
    } else {
        Err(Error::Invalid(problems))
    }
}

/// Puts the shards that are being read together.
///
/// # Errors
/// [`Error::Invalid`] without a file, or if a heading contradicts itself.
fn joined(readers: Vec<Reader>) -> Result<Merged, Error> {
    let Some(join) = Join::of(readers) else {
        let fix = "no file is given. Name those of all shards";
        return Err(Error::Invalid(vec![Problem::new("FILE", "", fix)]));
    };
    let heading = &join.heading;
    let unusable = |why| Error::Invalid(vec![Problem::new(&join.path, "", why)]);
    let criteria = heading.judged.criteria().map_err(unusable)?;
    let (cut_start, cut_end) = heading.judged.cuts().map_err(unusable)?;
    let shown = heading.shown.clone();
    let joined = join.read(&criteria);
    let mut run = joined.run;
    run.cut_off(cut_start, cut_end);
    let metrics = measure(&run, &criteria.limits);
    let judgement = judge_shards(&run, &metrics, &criteria, joined.findings);
    let report = Report::new(run, joined.notes, criteria, metrics, judgement);
    Ok(Merged { report, shown })
}
