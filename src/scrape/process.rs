//! Memory of the processes of a server, as this machine's kernel counts it.

#[cfg(target_os = "linux")]
use std::{collections::BTreeSet, fs};

/// Resident memory of the processes of this group and of all that they have started, in bytes. The group's leader does not
/// count: it only watches. Memory that processes share counts once for each. `None` if there is no such process, or the
/// system has no `/proc`.
#[cfg(target_os = "linux")]
pub(crate) fn resident_bytes(group: u32) -> Option<f64> {
    let processes: Vec<Process> = fs::read_dir("/proc")
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|id: u32| {
            Process::of(id, &fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
        })
        .collect();
    let all = family(&processes, group);
    let resident = |id: &u32| {
        let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        resident_of(&status)
    };
    let sizes: Vec<f64> = all.iter().filter_map(resident).collect();
    (!sizes.is_empty()).then(|| sizes.iter().sum())
}

/// Other systems have no values here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn resident_bytes(_group: u32) -> Option<f64> {
    None
}

#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    id: u32,
    parent: u32,
    group: u32,
}

#[cfg(target_os = "linux")]
impl Process {
    /// Parses `/proc/ID/stat` (proc_pid_stat(5)): the name in parentheses may contain anything, then follow state, parent
    /// and group.
    fn of(id: u32, stat: &str) -> Option<Self> {
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(1);
        Some(Process {
            id,
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
        })
    }
}

/// The members of a group other than its leader, and what they have started.
#[cfg(target_os = "linux")]
fn family(processes: &[Process], group: u32) -> BTreeSet<u32> {
    let members = processes.iter().filter(|process| process.group == group);
    let mut all: BTreeSet<u32> = members.map(|process| process.id).collect();
    all.remove(&group);
    loop {
        let before = all.len();
        let children = processes
            .iter()
            .filter(|process| all.contains(&process.parent));
        let children: Vec<u32> = children.map(|process| process.id).collect();
        all.extend(children);
        if all.len() == before {
            return all;
        }
    }
}

/// Parses the line `VmRSS` of `/proc/ID/status` (proc_pid_status(5)), whose unit is 1024 bytes.
#[cfg(target_os = "linux")]
fn resident_of(status: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_have_any_name() {
        let process = Process::of(7, "7 (a) S 1) R 3 5 5 0 -1").unwrap();
        let (parent, group) = (3, 5);
        assert_eq!(
            process,
            Process {
                id: 7,
                parent,
                group
            }
        );
    }

    #[test]
    fn what_a_member_started_counts_and_the_leader_does_not() {
        let process = |id, parent, group| Process { id, parent, group };
        let processes = [
            process(10, 1, 10),
            process(11, 1, 10),
            // A worker with a session of its own, and its child.
            process(12, 11, 12),
            process(13, 12, 12),
            process(14, 1, 14),
        ];
        assert_eq!(family(&processes, 10), BTreeSet::from([11, 12, 13]));
    }

    #[test]
    fn memory_is_in_bytes() {
        assert_eq!(
            resident_of("Name:\tx\nVmRSS:\t    2048 kB\n"),
            Some(2_097_152.0)
        );
        assert_eq!(resident_of("Name:\tx\n"), None);
    }

    /// A shell leads the group and does not count; what it started does.
    #[test]
    fn memory_of_this_machine_is_read() {
        use nix::{
            sys::signal::{Signal, killpg},
            unistd::Pid,
        };
        use std::{
            os::unix::process::CommandExt,
            process::Command,
            time::{Duration, Instant},
        };
        let mut shell = Command::new("/bin/sh")
            .args(["-c", "sleep 60 & wait"])
            .process_group(0)
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let resident = loop {
            // Between fork and exec the child has the shell's memory, which is some, too.
            match resident_bytes(shell.id()) {
                Some(bytes) if bytes > 0.0 => break bytes,
                _ => assert!(Instant::now() < deadline, "no process was found"),
            }
        };
        let group = Pid::from_raw(i32::try_from(shell.id()).unwrap());
        killpg(group, Signal::SIGKILL).unwrap();
        shell.wait().unwrap();
        assert!((1e4..1e8).contains(&resident), "{resident}");
    }
}
