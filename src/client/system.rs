//! Processor use on Linux: of the thread, the machine and the container. Other systems have no values here.

#[cfg(target_os = "linux")]
use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

/// Counters that only grow, or their growth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SystemCounters {
    /// Processor time of the calling thread.
    pub thread_ns: Option<u64>,
    /// Time in which the calling thread could have run but waited for a processor.
    pub thread_wait_ns: Option<u64>,
    /// How often the system took the processor from the calling thread.
    pub preemptions: Option<u64>,
    /// Processors of the machine.
    pub cpu: Option<CpuTicks>,
    /// CPU limit of the container.
    pub quota: Option<Quota>,
}

/// Time of all processors of the machine, in ticks of the system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuTicks {
    /// Total time.
    pub all: u64,
    /// Neither idle nor waiting for a disk.
    pub busy: u64,
    /// Given to other guests of the hypervisor although this machine needed it.
    pub steal: u64,
}

/// Scheduling periods under a control group's CPU limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Periods in which some process ran.
    pub periods: u64,
    /// Periods in which the limit was reached and all processes stopped.
    pub throttled: u64,
}

impl SystemCounters {
    /// Current counters.
    #[cfg(target_os = "linux")]
    pub(super) fn now() -> Self {
        let (thread_ns, thread_wait_ns) = fs::read_to_string("/proc/thread-self/schedstat")
            .ok()
            .and_then(|text| schedstat(&text))
            .unzip();
        SystemCounters {
            thread_ns,
            thread_wait_ns,
            preemptions: preemptions(),
            cpu: first_line("/proc/stat").and_then(|line| cpu_ticks(&line)),
            quota: fs::read_to_string("/proc/self/cgroup")
                .ok()
                .and_then(|groups| quota(&groups, Path::new("/sys/fs/cgroup"))),
        }
    }

    /// Current counters: unknown.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn now() -> Self {
        SystemCounters::default()
    }

    /// Growth since `earlier`.
    pub(super) fn since(self, earlier: SystemCounters) -> Self {
        self.joined(earlier, u64::saturating_sub)
    }

    /// Sum of both.
    pub(super) fn plus(self, other: SystemCounters) -> Self {
        self.joined(other, u64::saturating_add)
    }

    fn joined(self, other: SystemCounters, join: fn(u64, u64) -> u64) -> Self {
        let both = |a: Option<u64>, b: Option<u64>| Some(join(a?, b?));
        SystemCounters {
            thread_ns: both(self.thread_ns, other.thread_ns),
            thread_wait_ns: both(self.thread_wait_ns, other.thread_wait_ns),
            preemptions: both(self.preemptions, other.preemptions),
            cpu: self.cpu.zip(other.cpu).map(|(a, b)| CpuTicks {
                all: join(a.all, b.all),
                busy: join(a.busy, b.busy),
                steal: join(a.steal, b.steal),
            }),
            quota: self.quota.zip(other.quota).map(|(a, b)| Quota {
                periods: join(a.periods, b.periods),
                throttled: join(a.throttled, b.throttled),
            }),
        }
    }
}

#[cfg(target_os = "linux")]
fn first_line(path: &str) -> Option<String> {
    let mut line = String::new();
    let file = File::open(path).ok()?;
    BufReader::new(file).read_line(&mut line).ok()?;
    Some(line)
}

#[cfg(target_os = "linux")]
fn preemptions() -> Option<u64> {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_THREAD).ok()?;
    u64::try_from(usage.involuntary_context_switches()).ok()
}

/// Parses time on a processor and time waiting for one, ns (Documentation/scheduler/sched-stats.rst).
#[cfg(target_os = "linux")]
fn schedstat(text: &str) -> Option<(u64, u64)> {
    let mut words = text.split_ascii_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// Parses the line `cpu` of `/proc/stat` (proc_stat(5)): user, nice, system, idle, iowait, irq, softirq,
/// steal, guest and guest_nice, of which the last two are part of user and nice.
#[cfg(target_os = "linux")]
fn cpu_ticks(line: &str) -> Option<CpuTicks> {
    let ticks: Vec<u64> = line
        .strip_prefix("cpu ")?
        .split_ascii_whitespace()
        .take(8)
        .map(|word| word.parse().ok())
        .collect::<Option<_>>()?;
    let [user, nice, system, idle, iowait, irq, softirq, steal] = ticks.try_into().ok()?;
    let busy = user + nice + system + irq + softirq;
    Some(CpuTicks {
        all: busy + idle + iowait + steal,
        busy,
        steal,
    })
}

/// The limit that stopped this process most often: that of its control group, or of one above.
#[cfg(target_os = "linux")]
fn quota(groups: &str, root: &Path) -> Option<Quota> {
    let stats = groups.lines().flat_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next(), parts.next());
        let folder = match controllers {
            // Version 2 has one tree for all controllers.
            Some("") => Some(root.to_owned()),
            Some(list) if list.split(',').any(|name| name == "cpu") => Some(root.join("cpu")),
            _ => None,
        };
        let path = Path::new(path.unwrap_or_default().trim_start_matches('/'));
        let above = |folder: PathBuf| path.ancestors().map(move |path| folder.join(path));
        folder.into_iter().flat_map(above)
    });
    stats
        .filter_map(|group| fs::read_to_string(group.join("cpu.stat")).ok())
        .filter_map(|text| cpu_stat(&text))
        .max_by_key(|quota| (quota.throttled, quota.periods))
}

/// Parses `cpu.stat` of a control group of either version; a group without a limit has no periods.
#[cfg(target_os = "linux")]
fn cpu_stat(text: &str) -> Option<Quota> {
    let value = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(key, _)| *key == name)?.1.trim().parse().ok()
    };
    Some(Quota {
        periods: value("nr_periods")?,
        throttled: value("nr_throttled")?,
    })
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn steal_is_neither_busy_nor_idle() {
        let line = "cpu  100 20 30 400 50 1 2 7 90 10\n";
        let ticks = CpuTicks {
            all: 610,
            busy: 153,
            steal: 7,
        };
        assert_eq!(cpu_ticks(line), Some(ticks));
        assert_eq!(cpu_ticks("cpu0 1 2 3 4 5 6 7 8\n"), None);
        assert_eq!(cpu_ticks("cpu  1 2 3\n"), None);
    }

    #[test]
    fn version_2_counts_in_any_group_above() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let stat = |periods, throttled| {
            format!("usage_usec 5\nnr_periods {periods}\nnr_throttled {throttled}\n")
        };
        fs::create_dir_all(root.join("pod/container")).unwrap();
        fs::write(root.join("pod/container/cpu.stat"), stat(0, 0)).unwrap();
        fs::write(root.join("pod/cpu.stat"), stat(100, 40)).unwrap();
        fs::write(root.join("cpu.stat"), "usage_usec 5\n").unwrap();
        let quota = quota("0::/pod/container\n", root);
        let limited = Quota {
            periods: 100,
            throttled: 40,
        };
        assert_eq!(quota, Some(limited));
    }

    #[rstest]
    #[case::another_controller("4:memory:/job\n", None)]
    #[case::its_own("3:cpu,cpuacct:/job\n4:memory:/\n0::/\n", Some(Quota { periods: 9, throttled: 3 }))]
    #[case::gone("3:cpu:/nowhere\n", None)]
    fn version_1_has_a_tree_for_cpu(#[case] groups: &str, #[case] expected: Option<Quota>) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("cpu/job")).unwrap();
        let text = "nr_periods 9\nnr_throttled 3\nthrottled_time 77\n";
        fs::write(root.join("cpu/job/cpu.stat"), text).unwrap();
        assert_eq!(quota(groups, root), expected);
    }

    #[test]
    fn this_thread_is_told_apart_from_a_busy_one() {
        let before = SystemCounters::now();
        let spins = || {
            let start = SystemCounters::now().thread_ns;
            let spent = || SystemCounters::now().thread_ns.zip(start);
            while spent().is_some_and(|(now, start)| now - start < 20_000_000) {}
        };
        std::thread::spawn(spins).join().unwrap();
        let grown = SystemCounters::now().since(before);
        if let Some(ns) = grown.thread_ns {
            assert!(ns < 15_000_000, "{ns}");
        }
    }
}
