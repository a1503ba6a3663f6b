//! Locks of files, held during a write.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// A write takes milliseconds. A process that holds a lock for longer hangs, or is malicious.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The right to read and then write the files of a folder; dropping it releases the lock.
#[derive(Debug)]
pub(crate) struct Turn {
    _locked: File,
}

impl Turn {
    /// Waits for the turn. Creates the folder if necessary.
    ///
    /// # Errors
    /// The error of the system, or another process keeps the lock.
    pub(crate) fn in_folder(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        // Nearly every system can lock the folder itself, which needs no extra file.
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

/// Waits for the lock of a file; closing the file releases it.
pub(super) fn wait(file: &File) -> io::Result<()> {
    let asked = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            // Some file systems have no locks: then write without one.
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
