//! The processes of a server that the bench started, which end with us whatever ends us.
//!
//! A watchdog leads their process group: a shell that reads from a pipe which only this process can write to.
//! When this process is gone, killed or not, the pipe is closed, and the watchdog ends the whole group, itself
//! last. A signal at the parent's death, which Linux has, would reach the server alone and not its workers, and
//! it comes when the *thread* that started the server ends.

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

/// Ends the group a second after the pipe is closed, if it has not ended by the first signal. It says that it
/// watches, as nothing may be started before.
const WATCHDOG: &str = "trap '' HUP INT QUIT TERM
echo watching
exec >/dev/null
read -r _
kill -s TERM 0
kill -s CONT 0
sleep 1
kill -s KILL 0";

/// The groups that are there now, for when the process ends at once.
static STARTED: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// A process group; dropping it kills what is left of it.
pub(super) struct Group {
    id: Pid,
    watchdog: Child,
}

impl Group {
    /// A group with nobody in it but its watchdog.
    pub(super) fn new() -> io::Result<Self> {
        let mut watchdog = Command::new("/bin/sh")
            .args(["-c", WATCHDOG])
            // Its end of the pipe is closed with this process, and by nothing else.
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

    /// Makes the command's process one of the group, from before its program begins.
    pub(super) fn takes(&self, command: &mut Command) {
        command.process_group(self.id.as_raw());
    }

    /// Sends a signal to all of the group. The watchdog does not mind those that can be ignored.
    pub(super) fn signal(&self, signal: Signal) {
        // All may have ended already; then there is nothing to stop.
        let _ = killpg(self.id, signal);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        started().retain(|id| *id != self.id);
        // Only now may another process have its number.
        let _ = self.watchdog.wait();
    }
}

fn started() -> std::sync::MutexGuard<'static, Vec<Pid>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills everything that is there now: the process ends without a chance to stop it in good order.
pub(crate) fn kill_all() {
    for id in started().iter() {
        let _ = killpg(*id, Signal::SIGKILL);
    }
}
