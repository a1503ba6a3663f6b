//! Invocations: which results belong together, because one call of a test runner produced them.

use serde::{Deserialize, Serialize};

/// One call of a test runner, such as `cargo nextest run`, which may run many processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invocation {
    /// Different for each call.
    pub(crate) id: String,
    /// Name of the test runner, for display.
    pub(crate) by: String,
}

impl Invocation {
    /// Invocation of a test or benchmark binary: nextest names it, else it is the call of Cargo that
    /// started this process. A binary that was started by hand is its own invocation.
    pub(crate) fn of_binary() -> Self {
        if let Ok(id) = std::env::var("NEXTEST_RUN_ID") {
            return Invocation::new(format!("nextest {id}"), "cargo nextest");
        }
        match cargo() {
            Some(cargo) => Invocation::new(format!("cargo {}", cargo.id()), "cargo"),
            None => Invocation::new(format!("process {}", Process::this().id()), "a test binary"),
        }
    }

    /// Invocation of the command, which is always its own.
    #[cfg(feature = "cli")]
    pub(crate) fn of_command(name: &str) -> Self {
        Invocation::new(format!("process {}", Process::this().id()), name)
    }

    fn new(id: String, by: &str) -> Self {
        let by = by.to_owned();
        Invocation { id, by }
    }
}

/// The Cargo process that started this one, perhaps through a wrapper such as `qemu` or `sudo`.
fn cargo() -> Option<Process> {
    // Cargo sets this variable for the programs that it runs.
    std::env::var_os("CARGO")?;
    let parent = Process::parent()?;
    let mut ancestors = std::iter::successors(Some(parent), Process::parent_of);
    let named = ancestors.find(|process| process.name.starts_with("cargo"));
    named.or_else(Process::parent)
}

/// A process of this machine. Its number may be reused, but not with the same start.
#[derive(Debug)]
struct Process {
    number: u32,
    /// Time since the machine's start, in ticks of the system; 0 if unknown.
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

    /// Parent of a process, where the system provides it.
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
        // After another boot, the same process number may exist with the same start.
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        format!("{} {} {}", self.number, self.started, boot.trim())
    }
}

/// Linux's facts about a process.
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

    /// Parses `1234 (name) S PARENT …`, with the start as the 22nd field; the name may contain blanks and
    /// brackets.
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

/// Whether a process still runs, where the system says so.
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
