//! Process group of a server that the bench started. The group ends with this process, however that ends.
//!
//! A watchdog leads the group: a shell that reads from a pipe which only this process can write to. When
//! this process ends, even by a kill, the pipe closes, and the watchdog ends the whole group, itself last.
//! Linux can signal a child when its parent dies, but that signal reaches the server alone and not its
//! workers, and it comes when the *thread* that started the server ends.

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use std::{
    io::{self, Read},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
};

/// Ends the group one second after the pipe closes, if the first signal did not. Prints a line once it
/// watches: no server may start earlier.
const WATCHDOG: &str = "trap '' HUP INT QUIT TERM
echo watching
exec >/dev/null
read -r _
kill -s TERM 0
kill -s CONT 0
sleep 1
kill -s KILL 0";

/// Groups that exist now, for when the process must end at once.
static STARTED: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// A process group; dropping it kills its remaining processes.
pub(super) struct Group {
    id: Pid,
    watchdog: Child,
}

impl Group {
    /// Starts a group that has only its watchdog.
    pub(super) fn new() -> io::Result<Self> {
        let mut watchdog = Command::new("/bin/sh")
            .args(["-c", WATCHDOG])
            // The pipe's other end closes with this process, and at no other time.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let id = Pid::from_raw(i32::try_from(watchdog.id()).map_err(io::Error::other)?);
        let mut said = [0];
        let watches = match watchdog.stdout.take() {
            Some(mut says) => says.read_exact(&mut said),
            None => Ok(()),
        };
        let group = Group { id, watchdog };
        started().push(id);
        watches?;
        Ok(group)
    }

    /// Starts the command's process in the group.
    pub(super) fn takes(&self, command: &mut Command) {
        command.process_group(self.id.as_raw());
    }

    /// The group's number, which is also that of its watchdog.
    pub(super) fn id(&self) -> u32 {
        self.watchdog.id()
    }

    /// Sends a signal to the whole group. The watchdog ignores signals that can be ignored.
    pub(super) fn signal(&self, signal: Signal) {
        // If all processes have ended, there is nothing to signal.
        let _ = killpg(self.id, signal);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        started().retain(|id| *id != self.id);
        // From here on, another process may get the watchdog's number.
        let _ = self.watchdog.wait();
    }
}

fn started() -> std::sync::MutexGuard<'static, Vec<Pid>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills all groups: the process ends without time to stop them properly.
pub(crate) fn kill_all() {
    for id in started().iter() {
        let _ = killpg(*id, Signal::SIGKILL);
    }
}
