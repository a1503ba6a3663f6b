//! The newest invocation among the results in a folder.

use super::{
    invocation::{Invocation, runs},
    kept::{BenchId, File, Kept, Running},
    store::RESULTS,
};
use crate::{exit_code, files::text, problem::Problem};
use std::{fs, io::ErrorKind, path::Path};

/// Results of the newest call of a test runner.
#[derive(Debug)]
pub(crate) struct Newest {
    pub(crate) invocation: Invocation,
    /// When its last bench ended or began, in milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// The benches, in the order of their names.
    pub(crate) benches: Vec<Bench>,
    /// Number of benches that it did not run.
    pub(crate) others: usize,
}

/// A bench of the invocation.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) id: BenchId,
    pub(crate) state: State,
}

/// State of a bench.
#[derive(Debug)]
pub(crate) enum State {
    /// The bench has ended. The text is the outcome of an earlier attempt of the same invocation, if that
    /// was worse.
    Ended(Box<Kept>, Option<String>),
    /// The bench has not ended: it runs, or was killed.
    Open { process: u32, runs: bool },
}

/// Reads the results in a folder: the newest invocation, if there is one, and problems with unreadable
/// files. Several checkouts may share a target folder; those of `project` come first, if it has any there.
///
/// # Errors
/// The folder is unreadable. A folder that does not exist is empty.
pub(crate) fn newest(
    folder: &Path,
    project: Option<&Path>,
) -> Result<(Option<Newest>, Vec<Problem>), Problem> {
    let folder = folder.join(RESULTS);
    let refused = |path: &Path, why: String| Problem::new(path.display().to_string(), "", why);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok((None, Vec::new())),
        Err(e) => return Err(refused(&folder, format!("cannot be read: {e}"))),
    };
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for entry in entries.flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|kind| kind != "json") {
            continue;
        }
        let text = text::read_own(&path).map_err(|e| format!("cannot be read: {e}"));
        match text.and_then(|text| File::read(&text)) {
            Ok(file) => files.push(file),
            Err(why) => problems.push(refused(&path, why)),
        }
    }
    problems.sort_by(|a, b| a.field.cmp(&b.field));
    let own = |file: &File| {
        project.is_some_and(|project| Path::new(&file.bench.home).starts_with(project))
    };
    if files.iter().any(own) {
        files.retain(own);
    }
    Ok((Newest::of(files), problems))
}

impl Newest {
    fn of(files: Vec<File>) -> Option<Self> {
        let times = files.iter().flat_map(|file| {
            let kept = [&file.latest, &file.previous].into_iter().flatten();
            let running = file.running.iter();
            kept.map(|kept| (kept.ended_ms, &kept.invocation))
                .chain(running.map(|running| (running.since_ms, &running.invocation)))
        });
        let (at_ms, invocation) = times.max_by_key(|(at, _)| *at)?;
        let invocation = invocation.clone();
        let all = files.len();
        let part = |file: File| Bench::of(file, &invocation);
        let mut benches: Vec<Bench> = files.into_iter().filter_map(part).collect();
        benches.sort_by(|a, b| a.id.order().cmp(&b.id.order()));
        Some(Newest {
            at_ms,
            others: all - benches.len(),
            invocation,
            benches,
        })
    }
}

impl Bench {
    /// Part of a bench in an invocation, if it has one. Two runs at a time leave their results in either
    /// place.
    fn of(file: File, invocation: &Invocation) -> Option<Self> {
        let state = match file.running {
            Some(Running {
                invocation: open,
                process,
                ..
            }) if open == *invocation => State::Open {
                process,
                runs: runs(process),
            },
            _ => {
                let kept = [file.latest, file.previous].into_iter().flatten();
                let mut own = kept.filter(|kept| kept.invocation == *invocation);
                let last = own.next()?;
                let worse = own.find(|earlier| earlier.exit_code != 0 && last.exit_code == 0);
                State::Ended(Box::new(last), worse.map(|earlier| earlier.outcome))
            }
        };
        Some(Bench {
            id: file.bench,
            state,
        })
    }

    /// Exit code of a command that ran only this bench. With `strict`, anything but a plain pass fails.
    pub(crate) fn exit_code(&self, strict: bool) -> u8 {
        match &self.state {
            State::Ended(kept, _)
                if strict && kept.exit_code == exit_code::PASS && !kept.caveats.is_empty() =>
            {
                exit_code::FAIL
            }
            State::Ended(kept, _) => kept.exit_code,
            State::Open { .. } => exit_code::INVALID,
        }
    }
}

impl BenchId {
    pub(super) fn order(&self) -> [&str; 4] {
        [&self.package, &self.group, &self.source, &self.name].map(String::as_str)
    }
}
