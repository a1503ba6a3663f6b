//! One measurement at a time for each user of a machine.

use crate::stop::Stop;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How often the lock is tried.
const TRY_EVERY: Duration = Duration::from_millis(20);

/// After this the wait is worth a word.
const SAY_AFTER: Duration = Duration::from_secs(1);

/// Then it is said again this often.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// Held while a live bench is measured, so that benches of other tests, processes and projects of this user on
/// this machine wait instead of disturbing it. Released when dropped, also when the process dies.
///
/// Each user has a lock of their own: one that all share could be held, or made unusable, by any of them.
#[derive(Debug)]
pub(crate) struct MeasurementLock {
    _file: File,
}

impl MeasurementLock {
    /// Waits for the lock; after a second it says who holds it. `None` if the run is to end first.
    ///
    /// # Errors
    /// The lock file cannot be used, with a sentence that names it.
    pub(crate) fn acquire(
        name: &str,
        stop: &Stop,
        says: impl Fn(&str),
    ) -> Result<Option<Self>, String> {
        let path = path();
        let unusable = |e: io::Error| {
            format!(
                "{}: {e}. It lies in the folder for temporary files, which TMPDIR names",
                path.display()
            )
        };
        let mut file = own_file(&path).map_err(unusable)?;
        let asked = Instant::now();
        let mut say_at = SAY_AFTER;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(e)) => return Err(unusable(e)),
                Err(TryLockError::WouldBlock) => {}
            }
            if asked.elapsed() > say_at {
                say_at += SAY_EVERY;
                let holder = holder(&mut file);
                says(&format!(
                    "{name} waits for the measurement lock held by {holder} ({})",
                    path.display()
                ));
            }
            if stop.pause(TRY_EVERY) {
                return Ok(None);
            }
        }
        // Only for the message above; a lock file that cannot be written still locks.
        let _ = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| write!(file, "{name} (process {})", std::process::id()));
        Ok(Some(MeasurementLock { _file: file }))
    }
}

fn path() -> PathBuf {
    own_path("measurement.lock")
}

/// A file in the system's temporary folder whose name is this user's alone.
pub(crate) fn own_path(name: &str) -> PathBuf {
    #[cfg(unix)]
    let name = format!("{}-{name}", nix::unistd::getuid());
    std::env::temp_dir().join(format!("goodput-{name}"))
}

/// Opens or makes such a file, for reading and writing.
///
/// Others may write to that folder, too: a link, a second name of another file, or what somebody else made is
/// refused, as it would be written to.
///
/// # Errors
/// The system's, and what is not this user's plain file.
pub(crate) fn own_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use nix::fcntl::OFlag;
        use std::os::unix::fs::OpenOptionsExt;
        // A named pipe would be waited for.
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
            let what = "not a plain file of this user alone. Remove it";
            return Err(io::Error::other(what));
        }
    }
    Ok(file)
}

/// Who holds it, as plain text: the file says it, and may say anything.
fn holder(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = file
        .seek(SeekFrom::Start(0))
        .and_then(|_| file.take(200).read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes).replace(|c: char| c.is_control(), " ");
    match (read, text.trim()) {
        (Ok(_), text) if !text.is_empty() => text.to_owned(),
        _ => "another bench".to_owned(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::{fs, os::unix::fs::PermissionsExt};

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("goodput-lock-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        assert!(fs::create_dir_all(&folder).is_ok());
        folder
    }

    #[rstest]
    #[case::a_link("link", |victim: &Path, path: &Path| std::os::unix::fs::symlink(victim, path).unwrap())]
    #[case::a_second_name("name", |victim: &Path, path: &Path| fs::hard_link(victim, path).unwrap())]
    #[case::a_folder("folder", |_: &Path, path: &Path| fs::create_dir(path).unwrap())]
    #[case::a_pipe("pipe", |_: &Path, path: &Path| {
        nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    })]
    fn nothing_but_a_plain_file_is_taken(#[case] name: &str, #[case] lay: fn(&Path, &Path)) {
        let folder = folder(name);
        let (victim, path) = (folder.join("victim"), folder.join("lock"));
        fs::write(&victim, "precious").unwrap();
        lay(&victim, &path);
        own_file(&path).unwrap_err();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_of_ones_own_is_private_and_may_be_there_already() {
        let folder = folder("own");
        let path = folder.join("lock");
        for _ in 0..2 {
            let file = own_file(&path).unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_holder_cannot_write_on_the_screen() {
        let folder = folder("holder");
        let path = folder.join("lock");
        fs::write(&path, "\u{1b}[31mred\n::error::injected\u{9b}0m").unwrap();
        let holder = holder(&mut own_file(&path).unwrap());
        assert_eq!(holder, "[31mred ::error::injected 0m");
        fs::remove_dir_all(folder).unwrap();
    }
}
