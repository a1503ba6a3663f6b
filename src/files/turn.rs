//! Locks of files, each held for the moment of a write.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Writes take milliseconds. Who holds a lock longer hangs, or means harm.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The right to read and then write the files of a folder; others wait until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _locked: File,
}

impl Turn {
    /// Waits for the turn. The folder is made if it is missing.
    ///
    /// # Errors
    /// The system's, or another process does not let go.
    pub(crate) fn in_folder(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        // The folder itself can be locked nearly everywhere, and needs no file that stays behind.
        let locked = match File::open(folder) {
            Ok(locked) if !matches!(locked.try_lock(), Err(TryLockError::Error(_))) => locked,
            _ => File::options()
                .create(true)
                .append(true)
                .open(folder.join(".goodput-lock"))?,
        };
        wait(&locked)?;
        Ok(Turn { _locked: locked })
    }
}

/// Waits for the lock of a file; it is released when the file is closed.
pub(super) fn wait(file: &File) -> io::Result<()> {
    let asked = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            // Some file systems know no locks: alone is better than not at all.
            Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => return Ok(()),
            Err(TryLockError::Error(e)) => return Err(e),
            Err(TryLockError::WouldBlock) if asked.elapsed() > LONGEST_WAIT => {
                let seconds = LONGEST_WAIT.as_secs();
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("another process has held its lock for {seconds} s"),
                ));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let inside = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let _turn = Turn::in_folder(folder.path()).unwrap();
                        assert_eq!(inside.fetch_add(1, SeqCst), 0);
                        thread::yield_now();
                        inside.fetch_sub(1, SeqCst);
                    }
                });
            }
        });
    }
}
