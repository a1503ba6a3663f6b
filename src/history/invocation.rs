//! Which results belong together: those of one call of a runner.

use serde::{Deserialize, Serialize};

/// One call of a runner, such as `cargo nextest run`, which may run many processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invocation {
    /// Different for each call.
    pub(crate) id: String,
    /// Who was called, for people.
    pub(crate) by: String,
}

impl Invocation {
    /// Of a test or benchmark binary: nextest says which, else it is the call of Cargo that started this process.
    /// A binary that was started by hand is a call of its own.
    pub(crate) fn of_binary() -> Self {
        if let Ok(id) = std::env::var("NEXTEST_RUN_ID") {
            return Invocation::new(format!("nextest {id}"), "cargo nextest");
        }
        match cargo() {
            Some(cargo) => Invocation::new(format!("cargo {}", cargo.id()), "cargo"),
            None => Invocation::new(format!("process {}", Process::this().id()), "a test binary"),
        }
    }

    /// Of the command, each of which is a call.
    #[cfg(feature = "cli")]
    pub(crate) fn of_command(name: &str) -> Self {
        Invocation::new(format!("process {}", Process::this().id()), name)
    }

    fn new(id: String, by: &str) -> Self {
        let by = by.to_owned();
        Invocation { id, by }
    }
}

/// The Cargo that started this process, perhaps through a runner such as `qemu` or `sudo`.
fn cargo() -> Option<Process> {
    // Cargo sets it for what it runs.
    std::env::var_os("CARGO")?;
    let parent = Process::parent()?;
    let mut ancestors = std::iter::successors(Some(parent), Process::parent_of);
    let named = ancestors.find(|process| process.name.starts_with("cargo"));
    named.or_else(Process::parent)
}

/// A process of this machine. Its number may be used again, but not with the same start.
#[derive(Debug)]
struct Process {
    number: u32,
    /// Since the machine's start, in ticks of the system; 0 where that is not told.
    started: u64,
    name: String,
}

impl Process {
    fn this() -> Self {
        Process::at(std::process::id())
    }

    #[cfg(unix)]
    fn parent() -> Option<Self> {
        Some(Process::at(std::os::unix::process::parent_id()))
    }

    #[cfg(not(unix))]
    fn parent() -> Option<Self> {
        None
    }

    /// Where the system tells of others' parents.
    fn parent_of(process: &Process) -> Option<Self> {
        let parent = Stat::of(process.number)?.parent;
        (parent > 1).then(|| Process::at(parent))
    }

    fn at(number: u32) -> Self {
        let stat = Stat::of(number);
        Process {
            number,
            started: stat.as_ref().map_or(0, |stat| stat.started),
            name: stat.map(|stat| stat.name).unwrap_or_default(),
        }
    }

    fn id(&self) -> String {
        // The same machine may have started the same process at the same moment after another boot.
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        format!("{} {} {}", self.number, self.started, boot.trim())
    }
}

/// What Linux tells of a process.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    name: String,
    parent: u32,
    started: u64,
}

impl Stat {
    fn of(process: u32) -> Option<Self> {
        Stat::read(&std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }

    /// `1234 (name) S PARENT …`, with the start as the 22nd field; the name may hold blanks and brackets.
    fn read(text: &str) -> Option<Self> {
        let (head, fields) = text.rsplit_once(')')?;
        let (_, name) = head.split_once('(')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        Some(Stat {
            name: name.to_owned(),
            parent: fields.get(1)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }
}

/// Whether a process still runs, where the system tells.
#[cfg(feature = "cli")]
pub(super) fn runs(process: u32) -> bool {
    std::path::Path::new("/proc")
        .join(process.to_string())
        .exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_anything() {
        let text = "71 (a) b (c) S 70 71 3 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 4 0 98765 1 2 3";
        let stat = Stat::read(text).unwrap();
        assert_eq!(
            (stat.name.as_str(), stat.parent, stat.started),
            ("a) b (c", 70, 98765)
        );
        assert_eq!(Stat::read("71 (cut) S"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_a_start_and_a_parent() {
        let this = Process::this();
        assert!(this.started > 0, "{this:?}");
        assert_eq!(Process::this().id(), this.id());
        assert_eq!(
            Process::parent_of(&this).unwrap().id(),
            Process::parent().unwrap().id()
        );
    }
}
