//! The measurement lock: one measurement at a time for each user of a machine.

use crate::stop::Stop;
use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Interval of attempts to take the lock.
const TRY_EVERY: Duration = Duration::from_millis(20);

/// Wait before the first message about it.
const SAY_AFTER: Duration = Duration::from_secs(1);

/// Interval of further messages. There is no limit: a bench may rightly take hours, and the message says
/// which process to stop.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// Lock that a live bench holds while it measures, so that benches of other tests, processes and projects
/// of this user on this machine wait instead of disturbing it. Dropping it releases the lock, and so does
/// the end of the process.
///
/// Each user has their own lock: any user could hold or break a shared one.
#[derive(Debug)]
pub(crate) struct MeasurementLock {
    _file: File,
}

impl MeasurementLock {
    /// Waits for the lock without a limit. After a second, and then each minute, says who holds it, since
    /// when, and how to end that. `None` if the run should stop first.
    ///
    /// # Errors
    /// The lock file is unusable; the message names it.
    pub(crate) fn acquire(
        name: &str,
        stop: &Stop,
        says: impl Fn(&str),
    ) -> Result<Option<Self>, String> {
        let pace = [SAY_AFTER, SAY_EVERY];
        MeasurementLock::acquire_at(&own_path(FILE), name, stop, pace, says)
    }

    fn acquire_at(
        path: &Path,
        name: &str,
        stop: &Stop,
        [say_after, say_every]: [Duration; 2],
        says: impl Fn(&str),
    ) -> Result<Option<Self>, String> {
        let unusable = |e: io::Error| {
            format!(
                "{}: {e}. TMPDIR names the folder for such files",
                path.display()
            )
        };
        let mut file = own_file(path).map_err(unusable)?;
        let asked = Instant::now();
        let mut say_at = say_after;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(e)) => return Err(unusable(e)),
                Err(TryLockError::WouldBlock) => {}
            }
            if asked.elapsed() > say_at {
                say_at += say_every;
                let holder = Holder::of(&mut file);
                says(&format!(
                    "{name} waits for the measurement lock {}, {holder}",
                    path.display()
                ));
            }
            if stop.pause(TRY_EVERY) {
                return Ok(None);
            }
        }
        // Only for the message above; an unwritable lock file still locks.
        let _ = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| write!(file, "{name} (process {})", std::process::id()));
        Ok(Some(MeasurementLock { _file: file }))
    }
}

const FILE: &str = "measurement.lock";

/// Path in the system's temporary folder with a name that only this user uses.
pub(crate) fn own_path(name: &str) -> PathBuf {
    #[cfg(unix)]
    let name = format!("{}-{name}", nix::unistd::getuid());
    std::env::temp_dir().join(format!("goodput-{name}"))
}

/// Opens or creates such a file for reading and writing.
///
/// Other users may write to that folder, too, so this refuses links, second names of other files, and files
/// of other users.
///
/// # Errors
/// Those of the system, and for a path that is not this user's own regular file.
pub(crate) fn own_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use nix::fcntl::OFlag;
        use std::os::unix::fs::OpenOptionsExt;
        // Opening a named pipe would block.
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits());
    }
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let found = file.metadata()?;
        let own =
            found.is_file() && found.nlink() == 1 && found.uid() == nix::unistd::geteuid().as_raw();
        if !own {
            let what = "not a regular file that belongs to this user alone. Remove it";
            return Err(io::Error::other(what));
        }
    }
    Ok(file)
}

/// Holder of the lock, as its file names it.
struct Holder {
    /// Name of the holder; the file may contain anything.
    who: Option<String>,
    process: Option<u32>,
    /// Time since the file was written.
    held: Option<Duration>,
}

impl Holder {
    fn of(file: &mut File) -> Self {
        let mut bytes = Vec::new();
        let held = file.metadata().and_then(|found| found.modified()).ok();
        let held = held.and_then(|since| since.elapsed().ok());
        let read = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.take(200).read_to_end(&mut bytes));
        let text = String::from_utf8_lossy(&bytes).replace(|c: char| c.is_control(), " ");
        let who = Some(text.trim().to_owned()).filter(|text| read.is_ok() && !text.is_empty());
        let process = who.as_deref().and_then(|who| {
            let (_, process) = who.rsplit_once("(process ")?;
            process.strip_suffix(')')?.parse().ok()
        });
        match process {
            // Another process has taken the lock since and has not written its name.
            Some(process) if !lives(process) => Holder {
                who: None,
                process: None,
                held: None,
            },
            process => Holder {
                held: held.filter(|_| who.is_some()),
                who,
                process,
            },
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.who.as_deref().unwrap_or("another process");
        write!(f, "held by {who}")?;
        match self.held {
            Some(held) if held < Duration::from_secs(120) => write!(f, " for {} s", held.as_secs()),
            Some(held) => write!(f, " for {} min", held.as_secs() / 60),
            None => Ok(()),
        }?;
        match self.process {
            Some(process) if cfg!(unix) => write!(f, ". `kill {process}` ends that run"),
            Some(_) => write!(f, ". Ctrl-C there ends that run"),
            None => write!(f, ". `fuser` or `lsof` shows the process"),
        }
    }
}

/// Whether a process with this number exists; it may be another process by now.
fn lives(process: u32) -> bool {
    #[cfg(unix)]
    {
        use nix::{errno::Errno, sys::signal, unistd::Pid};
        let asked = signal::kill(Pid::from_raw(process.cast_signed()), None);
        process > 0 && !matches!(asked, Err(Errno::ESRCH))
    }
    #[cfg(not(unix))]
    {
        let _ = process;
        true
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::{cell::RefCell, fs, os::unix::fs::PermissionsExt};

    #[rstest]
    #[case::a_link(|victim: &Path, path: &Path| std::os::unix::fs::symlink(victim, path).unwrap())]
    #[case::a_second_name(|victim: &Path, path: &Path| fs::hard_link(victim, path).unwrap())]
    #[case::a_folder(|_: &Path, path: &Path| fs::create_dir(path).unwrap())]
    #[case::a_pipe(|_: &Path, path: &Path| {
        nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    })]
    fn nothing_but_a_plain_file_is_taken(#[case] lay: fn(&Path, &Path)) {
        let folder = tempfile::tempdir().unwrap();
        let (victim, path) = (folder.path().join("victim"), folder.path().join("lock"));
        fs::write(&victim, "precious").unwrap();
        lay(&victim, &path);
        own_file(&path).unwrap_err();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    }

    #[test]
    fn a_file_of_ones_own_is_private_and_may_be_there_already() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        for _ in 0..2 {
            let file = own_file(&path).unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    /// The lines of a process that waits for a lock whose owner wrote `text` into its file.
    fn told(text: &str, times: usize) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mut held = own_file(&path).unwrap();
        held.lock().unwrap();
        held.write_all(text.as_bytes()).unwrap();
        let (stopper, stop) = Stop::pair();
        let said = RefCell::new(Vec::new());
        let waited =
            MeasurementLock::acquire_at(&path, "mine", &stop, [Duration::ZERO; 2], |line| {
                let mut said = said.borrow_mut();
                said.push(line.replace(&path.display().to_string(), "PATH"));
                if said.len() == times {
                    stopper.stop();
                }
            });
        assert!(waited.unwrap().is_none(), "it was held");
        said.into_inner()
    }

    #[test]
    fn who_waits_is_told_again_and_again_who_holds_it_and_what_ends_that() {
        let own = std::process::id();
        let said = told(&format!("other (process {own})"), 3);
        let start =
            format!("mine waits for the measurement lock PATH, held by other (process {own}) for ");
        let end = format!(" s. `kill {own}` ends that run");
        assert_eq!(said.len(), 3);
        for line in said {
            assert!(line.starts_with(&start) && line.ends_with(&end), "{line}");
        }
    }

    /// No process has this number: Linux gives none above 2^22.
    #[rstest]
    #[case::gone("other (process 2147483647)")]
    #[case::unsaid("")]
    fn who_held_it_before_is_not_blamed(#[case] text: &str) {
        let [line] = &told(text, 1)[..] else {
            panic!("one line")
        };
        assert!(
            line.starts_with("mine waits for the measurement lock PATH, held by another process. ")
                && line.ends_with("`fuser` or `lsof` shows the process"),
            "{line}"
        );
    }

    #[test]
    fn a_lock_is_had_when_it_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = own_file(&path).unwrap();
        held.lock().unwrap();
        let held = RefCell::new(Some(held));
        let pace = [Duration::ZERO; 2];
        let had = MeasurementLock::acquire_at(&path, "mine", &Stop::never(), pace, |_| {
            held.take();
        });
        assert!(had.unwrap().is_some());
        let said = fs::read_to_string(&path).unwrap();
        assert_eq!(said, format!("mine (process {})", std::process::id()));
    }

    #[test]
    fn a_holder_cannot_write_on_the_screen() {
        let [line] = &told("\u{1b}[31mred\n::error::injected\u{9b}0m", 1)[..] else {
            panic!("one line")
        };
        assert!(
            line.contains("held by [31mred ::error::injected 0m for"),
            "{line}"
        );
    }
}
