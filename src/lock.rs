//! One measurement at a time on a machine.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

/// Held while a live bench is measured, so that benches of other tests, processes and projects on
/// this machine wait instead of disturbing it. Released when dropped, also when the process dies.
#[derive(Debug)]
pub(crate) struct MeasurementLock {
    _file: File,
}

impl MeasurementLock {
    /// Waits for the lock; after a second it says on stderr who holds it.
    ///
    /// # Errors
    /// The lock file in the system's temporary folder cannot be opened.
    pub(crate) fn acquire(name: &str) -> io::Result<Self> {
        let mut file = open(&path())?;
        let asked = Instant::now();
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(e)) => return Err(e),
                Err(TryLockError::WouldBlock) => {}
            }
            if !told && asked.elapsed() > Duration::from_secs(1) {
                told = true;
                let holder = holder(&mut file);
                // Straight to stderr: a test runner that captures output must show this too.
                let _ = writeln!(
                    io::stderr(),
                    "goodput: {name} waits for the measurement lock held by {holder}"
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // Only for the message above; a lock file that cannot be written still locks.
        let _ = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| write!(file, "{name} (process {})", std::process::id()));
        Ok(MeasurementLock { _file: file })
    }
}

fn path() -> PathBuf {
    std::env::temp_dir().join("goodput-measurement.lock")
}

/// Another user's lock file may not be writable; reading is enough to lock it.
fn open(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .or_else(|_| File::open(path))
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file
        .seek(SeekFrom::Start(0))
        .and_then(|_| file.take(200).read_to_string(&mut text));
    match read {
        Ok(n) if n > 0 => text,
        _ => "another bench".to_owned(),
    }
}
