//! Stores results: a file for each bench, `results/BENCH.json` in the folder of results.

use super::{
    change::change,
    commit::commit,
    folder::{self, VARIABLE},
    invocation::Invocation,
    kept::{BenchId, File, Kept, Running},
    past::{self, PastRun},
};
use crate::{
    files::{self, Turn, text},
    report::Outcome,
    screen,
};
use std::{
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::Once,
    time::{SystemTime, UNIX_EPOCH},
};
use xxhash_rust::xxh3::xxh3_64;

/// Name of the folder for files of benches.
pub(super) const RESULTS: &str = "results";

/// Name of the folder for the runs of benches.
const RUNS: &str = "history";

/// Results that one process stores.
#[derive(Debug)]
pub(crate) struct History {
    folder: Option<PathBuf>,
    invocation: Invocation,
}

impl History {
    /// History for a test or benchmark binary.
    pub(crate) fn of_binary(home: &Path) -> Self {
        History {
            folder: folder::of_bench(home),
            invocation: Invocation::of_binary(),
        }
    }

    /// History for the command of this name. Without a folder it stores nothing.
    #[cfg(feature = "cli")]
    pub(crate) fn of_command(name: &str, folder: Option<PathBuf>) -> Self {
        History {
            folder,
            invocation: Invocation::of_command(name),
        }
    }

    /// History of a test, which stores nothing.
    #[cfg(test)]
    pub(crate) fn nowhere() -> Self {
        History {
            folder: None,
            invocation: Invocation::of_binary(),
        }
    }

    /// Notes that a bench begins. If the bench is killed, the file says that it did not end.
    pub(crate) fn begin(&self, bench: &BenchId) {
        let running = Running {
            invocation: self.invocation.clone(),
            since_ms: now_ms(),
            process: std::process::id(),
        };
        self.change(bench, |file| file.running = Some(running));
    }

    /// Notes that a bench has ended; returns the line about its change since the previous run.
    pub(crate) fn end(
        &self,
        bench: &BenchId,
        outcome: &Outcome,
        advice: Option<String>,
    ) -> Option<String> {
        let now = now_ms();
        let mut kept = Kept::of(outcome, self.invocation.clone(), now);
        kept.advice = advice;
        self.add(bench, outcome, now);
        self.change(bench, |file| {
            let before = file.measured().cloned();
            let told = before.as_ref().and_then(|before| {
                let ago = now.saturating_sub(before.ended_ms);
                let (old, new) = (before.numbers.as_ref()?, kept.numbers.as_ref()?);
                Some(change(before, old, new, ago))
            });
            file.ended(kept);
            told
        })?
    }

    /// Adds a run with numbers to the bench's runs. A failure to store it is a note and never fails a bench.
    fn add(&self, bench: &BenchId, outcome: &Outcome, now: u64) {
        let Some(folder) = &self.folder else { return };
        let here = || std::env::current_dir().unwrap_or_default();
        let home = match bench.home.as_str() {
            "" => here(),
            home => PathBuf::from(home),
        };
        let Some(run) = PastRun::of(outcome, commit(&home), now) else {
            return;
        };
        let folder = folder.join(RUNS);
        let path = folder.join(file_name(bench)).with_extension("jsonl");
        let added = std::fs::create_dir_all(&folder).and_then(|()| past::add(&path, bench, &run));
        if let Err(e) = added {
            remark(&folder, &e);
        }
    }

    /// Changes the file of a bench. A failure to store a result is a note and never fails a bench.
    fn change<T>(&self, bench: &BenchId, change: impl FnOnce(&mut File) -> T) -> Option<T> {
        let folder = self.folder.as_ref()?.join(RESULTS);
        match changed(&folder, bench, change) {
            Ok(told) => Some(told),
            Err(e) => {
                remark(&folder, &e);
                None
            }
        }
    }
}

/// Reads the runs of all benches in a folder of results, and problems with unreadable files.
///
/// # Errors
/// The folder is unreadable.
#[cfg(feature = "cli")]
pub(crate) fn past(folder: &Path) -> io::Result<(Vec<past::Past>, Vec<crate::problem::Problem>)> {
    past::read(&folder.join(RUNS))
}

fn changed<T>(
    folder: &Path,
    bench: &BenchId,
    change: impl FnOnce(&mut File) -> T,
) -> io::Result<T> {
    let path = folder.join(file_name(bench));
    let _turn = Turn::in_folder(folder)?;
    let old = match text::read_own(&path) {
        Err(e) if e.kind() != ErrorKind::NotFound && e.kind() != ErrorKind::InvalidData => {
            return Err(e);
        }
        // An unreadable file counts as no history.
        read => read.ok().and_then(|text| File::read(&text).ok()),
    };
    let mut file = old.unwrap_or_else(|| File::new(bench.clone()));
    let told = change(&mut file);
    let text = serde_json::to_string_pretty(&file).map_err(io::Error::other)?;
    files::replace(&path, |to| to.write_all(text.as_bytes()))?;
    Ok(told)
}

/// Prints a note, once per process, past a test runner's capture.
fn remark(folder: &Path, why: &io::Error) {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        screen::err(format_args!("goodput: results are not kept: cannot write to {}: {why}. Name another folder with {VARIABLE}",
            folder.display()
        ));
    });
}

/// Combines the bench's names, in characters that every file system allows, with a hash that keeps all benches apart.
/// A binary that is started by hand knows its package's folder but not the package's name.
fn file_name(bench: &BenchId) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || "-_".contains(c) {
            c
        } else {
            '.'
        }
    };
    let readable = format!("{}.{}", bench.group, bench.name.replace("::", "."));
    let readable: String = readable.chars().take(100).map(safe).collect();
    let whole = [&bench.home, &bench.group, &bench.source, &bench.name].map(String::as_str);
    let hash = xxh3_64(whole.join("\0").as_bytes());
    format!("{}-{hash:016x}.json", readable.trim_matches('.'))
}

pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            newest::{State, newest},
            testing::{id, ignored, measured},
        },
        *,
    };
    use rstest::rstest;
    use std::fs;

    fn history(folder: &Path, invocation: &str) -> History {
        History {
            folder: Some(folder.to_owned()),
            invocation: Invocation {
                id: invocation.to_owned(),
                by: "cargo".to_owned(),
            },
        }
    }

    /// Each bench of the newest invocation with its word.
    fn shown(folder: &Path) -> Vec<(String, String)> {
        let newest = newest(folder, None).unwrap().0.unwrap();
        let word = |state: &State| match state {
            State::Ended(kept, _) => kept.outcome.clone(),
            State::Open { runs, .. } => format!("open, {runs}"),
        };
        let benches = newest.benches.iter();
        benches
            .map(|bench| (bench.id.name.clone(), word(&bench.state)))
            .collect()
    }

    #[test]
    fn a_run_is_held_against_the_one_before_even_if_it_was_ignored_between() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        let run = |invocation: &str, outcome: &Outcome| {
            history(folder, invocation).end(&id("chat"), outcome, None)
        };
        assert_eq!(run("1", &measured("pass", 50.0)), None);
        assert_eq!(run("2", &ignored()), None);
        assert_eq!(run("3", &ignored()), None);
        assert_eq!(shown(folder), [("chat".to_owned(), "ignored".to_owned())]);
        let told = run("4", &measured("pass", 55.0)).unwrap();
        assert!(
            told.contains("p50(ttft) 50.00 → 55.00 ms (+10.0 %)"),
            "{told}"
        );
        let files = fs::read_dir(folder.join(RESULTS)).unwrap().count();
        assert_eq!(files, 1, "one file a bench and nothing next to it");
    }

    #[test]
    fn only_the_newest_invocation_is_shown() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        for name in ["renamed", "chat"] {
            history(folder, "old").end(&id(name), &measured("pass", 50.0), None);
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
        history(folder, "new").end(&id("chat"), &measured("fail", 50.0), None);
        assert_eq!(shown(folder), [("chat".to_owned(), "fail".to_owned())]);
        let newest = newest(folder, None).unwrap().0.unwrap();
        assert_eq!((newest.others, newest.benches[0].exit_code(false)), (1, 1));
    }

    #[test]
    fn a_checkout_that_shares_the_target_folder_is_left_out() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        let other = BenchId {
            home: "/home/user/other".to_owned(),
            ..id("chat")
        };
        history(folder, "1").end(&id("chat"), &measured("pass", 50.0), None);
        std::thread::sleep(std::time::Duration::from_millis(2));
        history(folder, "2").end(&other, &measured("fail", 50.0), None);
        let code = |project: Option<&str>| {
            let newest = newest(folder, project.map(Path::new)).unwrap().0.unwrap();
            assert_eq!(newest.benches.len(), 1);
            newest.benches[0].exit_code(false)
        };
        assert_eq!(
            [code(Some("/home/user/app")), code(Some("/home/user/other"))],
            [0, 1]
        );
        // A project that was moved after its benches were built has none by its place.
        assert_eq!([code(None), code(Some("/elsewhere"))], [1, 1]);
    }

    /// Two runners at a time: the one that ends last is shown with all of its benches.
    #[test]
    fn another_invocation_that_ends_between_hides_nothing() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        let (one, other) = (history(folder, "one"), history(folder, "other"));
        one.end(&id("a"), &measured("pass", 50.0), None);
        other.end(&id("a"), &measured("pass", 50.0), None);
        std::thread::sleep(std::time::Duration::from_millis(2));
        one.end(&id("b"), &measured("pass", 50.0), None);
        assert_eq!(shown(folder).len(), 2);
    }

    #[test]
    fn a_bench_that_was_killed_did_not_end() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        let history = history(folder, "1");
        history.end(&id("a"), &measured("pass", 50.0), None);
        history.begin(&id("b"));
        assert_eq!(
            shown(folder)[1],
            (
                "b".to_owned(),
                format!("open, {}", cfg!(target_os = "linux"))
            )
        );
        let newest = newest(folder, None).unwrap().0.unwrap();
        assert_eq!(newest.benches[1].exit_code(false), 4);
    }

    #[rstest]
    #[case::torn("{\"version\": 1, \"bench\": {\"ho", "is not JSON")]
    #[case::newer("{\"version\": 2}", "has version 2; this goodput reads version 1")]
    #[case::foreign("{\"a\": 1}", "has no `version`")]
    #[case::damaged("{\"version\": 1}", "is damaged: missing field `bench`")]
    #[case::empty("", "is not JSON")]
    fn a_file_that_cannot_be_read_is_named_and_hides_no_other(
        #[case] text: &str,
        #[case] why: &str,
    ) {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        let history = history(folder, "1");
        history.end(&id("chat"), &measured("pass", 50.0), None);
        let other = folder.join(RESULTS).join("other.json");
        fs::write(&other, text).unwrap();
        let (found, problems) = newest(folder, None).unwrap();
        assert_eq!(found.unwrap().benches.len(), 1);
        let told = problems[0].to_string();
        assert!(
            problems.len() == 1 && told.contains("other.json") && told.contains(why),
            "{told}"
        );
        // It is its bench's own no longer.
        fs::write(folder.join(RESULTS).join(file_name(&id("chat"))), text).unwrap();
        assert_eq!(
            history.end(&id("chat"), &measured("pass", 50.0), None),
            None
        );
        assert_eq!(newest(folder, None).unwrap().1.len(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_only_a_remark() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("file");
        fs::write(&folder, "a file").unwrap();
        let history = history(&folder, "1");
        history.begin(&id("chat"));
        assert_eq!(
            history.end(&id("chat"), &measured("pass", 50.0), None),
            None
        );
        assert_eq!(fs::read_to_string(&folder).unwrap(), "a file");
    }

    #[test]
    fn every_bench_has_a_file_of_its_own_with_a_name_that_file_systems_take() {
        let of = |change: fn(&mut BenchId)| {
            let mut bench = id("a::b");
            change(&mut bench);
            file_name(&bench)
        };
        let mut names = vec![
            of(|_| {}),
            of(|id| id.home = "/other/worktree".to_owned()),
            of(|id| id.group = "gates".to_owned()),
            of(|id| id.source = "benches/slo.rs".to_owned()),
            of(|id| id.name = "a.b".to_owned()),
            of(|id| id.name = "../../etc/passwd".to_owned()),
            of(|id| id.name = "größe 🦀".to_owned()),
            of(|id| id.name = String::new()),
            of(|id| id.name = "x".repeat(300)),
            of(|id| id.name = "x".repeat(301)),
        ];
        assert_eq!(names[0], of(|id| id.package = "unknown".to_owned()));
        for name in &names {
            assert!(
                name.len() < 130 && !name.starts_with('.') && !name.contains(['/', ' ']),
                "{name}"
            );
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 10);
    }
}
