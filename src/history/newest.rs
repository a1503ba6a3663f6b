//! The newest invocation among the results of a folder.

use super::{
    invocation::{Invocation, runs},
    kept::{BenchId, File, Kept, Running},
    store::RESULTS,
};
use crate::{files::text, problem::Problem};
use std::{fs, io::ErrorKind, path::Path};

/// What the newest call of a runner left.
#[derive(Debug)]
pub(crate) struct Newest {
    pub(crate) invocation: Invocation,
    /// When its last bench ended or began, in milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// Its benches, in the order of their names.
    pub(crate) benches: Vec<Bench>,
    /// Benches that took no part in it.
    pub(crate) others: usize,
}

/// One of its benches.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) id: BenchId,
    pub(crate) state: State,
}

/// How far it came.
#[derive(Debug)]
pub(crate) enum State {
    /// It has ended; and what an earlier attempt of the same invocation ended in, if it was worse.
    Ended(Box<Kept>, Option<String>),
    /// It has not ended: it runs, or was killed.
    Open { process: u32, runs: bool },
}

/// Reads what benches left in a folder: the newest invocation, if there is any, and files that cannot be read. Several
/// checkouts may share a target folder; those of `project` are meant, if it has any there.
///
/// # Errors
/// The folder itself cannot be read; one that does not exist is empty.
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
    /// Its part in an invocation, if it has one. Two at a time leave their results in either place.
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

    /// The exit code of a command that ran only this. If `strict`, what is not a plain pass fails.
    pub(crate) fn exit_code(&self, strict: bool) -> u8 {
        match &self.state {
            State::Ended(kept, _) if strict && kept.exit_code == 0 && !kept.caveats.is_empty() => 1,
            State::Ended(kept, _) => kept.exit_code,
            State::Open { .. } => 4,
        }
    }
}

impl BenchId {
    fn order(&self) -> [&str; 4] {
        [&self.package, &self.group, &self.source, &self.name].map(String::as_str)
    }
}
