//! Starts a client pinned to its cores and says what it used.
//!
//! A process of its own for each client, because the system adds up what a process's children used:
//! so the sum is that of one client and its own children.

use crate::machine::{self, Fallible, now};
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

/// How often the processor time used so far is looked up.
const SAMPLE_EVERY: Duration = Duration::from_millis(100);

/// What a client used.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Launch {
    pub(crate) exit_code: Option<i32>,
    /// Just before the process was made, in nanoseconds of the monotonic clock.
    pub(crate) spawned: u64,
    /// Processor time of the whole process and its children, in nanoseconds.
    cpu: u64,
    /// Largest resident size, in KiB.
    pub(crate) peak_rss_kib: u64,
    /// Pairs of time and processor time used until then, in nanoseconds.
    samples: Vec<(u64, u64)>,
}

impl Launch {
    /// Processor time used between two times, in nanoseconds.
    pub(crate) fn cpu_between(&self, from: u64, to: u64) -> f64 {
        self.cpu_at(to) - self.cpu_at(from)
    }

    fn cpu_at(&self, time: u64) -> f64 {
        let after = self.samples.partition_point(|(at, _)| *at <= time);
        let first = (self.spawned, 0);
        let before = after.checked_sub(1).map_or(first, |i| self.samples[i]);
        let Some(&next) = self.samples.get(after) else {
            return self.cpu as f64;
        };
        let share = (time.saturating_sub(before.0)) as f64 / (next.0 - before.0).max(1) as f64;
        before.1 as f64 + share * (next.1.saturating_sub(before.1)) as f64
    }
}

/// The hidden subcommand: runs a command line on some cores and prints a [`Launch`].
pub(crate) fn run(cores: &[usize], output: &Path, command: &[String]) -> Fallible<()> {
    machine::pin_to(cores)?;
    machine::take_precedence();
    machine::raise_descriptor_limit()?;
    let (program, args) = command.split_first().ok_or("no command to launch")?;
    let output = File::create(output)?;
    let spawned = now()?;
    let mut client = Command::new(program)
        .args(args)
        .env_remove("OPENAI_API_KEY")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
        .map_err(|error| format!("cannot start {program}: {error}"))?;
    let mut samples = Vec::new();
    let status = loop {
        if let Some(status) = client.try_wait()? {
            break status;
        }
        if let Some(cpu) = cpu_of(client.id()) {
            samples.push((now()?, cpu));
        }
        thread::sleep(SAMPLE_EVERY);
    };
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    let cpu = micros(used.user_time()) + micros(used.system_time());
    let launch = Launch {
        exit_code: status.code(),
        spawned,
        cpu: u64::try_from(cpu)? * 1000,
        peak_rss_kib: u64::try_from(used.max_rss())?,
        samples,
    };
    println!("{}", serde_json::to_string(&launch)?);
    Ok(())
}

/// Processor time so far of all threads of a process and of the processes that it has started, if these still run.
/// Linux counts it in hundredths of a second.
fn cpu_of(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields = stat.rsplit_once(") ")?.1;
    let mut times = fields.split(' ').skip(11).map(|n| n.parse::<u64>().ok());
    // Its own, and that of children that have ended.
    let own: Option<u64> = times.by_ref().take(4).sum();
    let of_children = children(process).into_iter().filter_map(cpu_of);
    Some(own? * 10_000_000 + of_children.sum::<u64>())
}

fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task"))
        .into_iter()
        .flatten();
    let started = threads.flatten().filter_map(|thread| {
        let children = fs::read_to_string(thread.path().join("children")).ok()?;
        let numbers = children.split_whitespace().map(str::parse);
        numbers.collect::<Result<Vec<u32>, _>>().ok()
    });
    started.flatten().collect()
}
