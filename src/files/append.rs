//! Appends lines to a file that several processes may share.

use super::{
    place::{Place, folder_of},
    turn,
    whole::open_stream,
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

/// Appends a text to a file as complete lines, in one write and under a lock. If the last line has no end,
/// because its writer was killed, ends it first. A partial write is undone.
///
/// # Errors
/// The error of the system.
pub(crate) fn append(path: &Path, text: &str) -> io::Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let target = match Place::of(path)? {
        Place::Stream => {
            return open_stream(path)?.write_all(format!("{text}{end}").as_bytes());
        }
        Place::File(target) => target,
    };
    fs::create_dir_all(folder_of(&target))?;
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    // A user who may write may not always read; then the last line is unknown.
    let mut file = options
        .clone()
        .read(true)
        .open(&target)
        .or_else(|_| options.open(&target))?;
    turn::wait(&file)?;
    let before = file.metadata()?.len();
    let start = if before > 0 && ends_within_a_line(&mut file) {
        "\n"
    } else {
        ""
    };
    let whole = format!("{start}{text}{end}");
    let written = file.write_all(whole.as_bytes());
    if written.is_err() {
        take_back(&file, before, whole.len() as u64);
    }
    written?;
    file.sync_all()
}

pub(super) fn ends_within_a_line(file: &mut File) -> bool {
    let mut last = [0];
    let read = file
        .seek(SeekFrom::End(-1))
        .and_then(|_| file.read_exact(&mut last));
    read.is_ok() && last != *b"\n"
}

/// Removes the written part of a text, unless a writer without a lock has written after it.
fn take_back(file: &File, before: u64, length: u64) {
    if let Ok(found) = file.metadata()
        && (before..before + length).contains(&found.len())
    {
        // Readers skip a torn line, so it may stay if this fails, too.
        let _ = file.set_len(before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::thread;

    #[rstest]
    #[case::new("", "a\n")]
    #[case::after_a_line("x\n", "x\na\n")]
    #[case::as_vllm_ends_a_file("x", "x\na\n")]
    fn a_line_stands_alone(#[case] before: &str, #[case] after: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/lines");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, before).unwrap();
        append(&path, "a").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), after);
    }

    /// To open it would wait for a reader for ever.
    #[cfg(unix)]
    #[test]
    fn a_pipe_that_nobody_reads_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let error = append(&pipe, "a").unwrap_err().to_string();
        assert_eq!(error, "nothing reads this pipe");
    }

    #[test]
    fn what_many_add_at_once_stays_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..10 {
                        append(path, &format!("{writer}").repeat(40_000)).unwrap();
                    }
                });
            }
        });
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 80);
        for line in text.lines() {
            let first = &line[..1];
            assert!(line.len() == 40_000 && line.replace(first, "").is_empty());
        }
    }

    #[test]
    fn what_was_written_of_a_text_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        fs::write(&path, "good\nhal").unwrap();
        let file = OpenOptions::new().append(true).open(&path).unwrap();
        take_back(&file, 5, 4);
        assert_eq!(fs::read_to_string(&path).unwrap(), "good\n");
        fs::write(&path, "good\nhalf and more of another").unwrap();
        take_back(&file, 5, 4);
        assert!(fs::read_to_string(&path).unwrap().ends_with("another"));
    }
}
