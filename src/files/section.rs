//! A growing part of a file that other processes may extend, too.

use super::{
    append::ends_within_a_line,
    place::{Place, folder_of},
    turn,
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

/// Part of a file that this process wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Section {
    start: u64,
    text: String,
}

impl Section {
    /// Writes a text in one write and under a lock. If the section still ends the file, `text(true)`
    /// replaces it. Otherwise another process has added to the file since; then `text(false)` becomes a new
    /// section, and the old one stays. A partial write is undone.
    ///
    /// # Errors
    /// The errors of the system and of `text`. The path is not a regular file.
    pub(crate) fn put(
        &mut self,
        path: &Path,
        text: impl FnOnce(bool) -> io::Result<String>,
    ) -> io::Result<()> {
        let Place::File(target) = Place::of(path)? else {
            return Err(io::Error::other("is not a regular file"));
        };
        fs::create_dir_all(folder_of(&target))?;
        let mut options = OpenOptions::new();
        let mut file = options
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&target)?;
        turn::wait(&file)?;
        let before = file.metadata()?.len();
        let stands = self.ends(&mut file, before)?;
        let new = text(stands)?;
        // The text starts a line.
        let joint = if !stands && before > 0 && ends_within_a_line(&mut file) {
            "\n"
        } else {
            ""
        };
        let (from, old) = if stands {
            (self.start, self.text.as_str())
        } else {
            (before, "")
        };
        let written = write(&mut file, from, &format!("{joint}{new}"));
        if written.is_err() {
            // If even this fails, the disk is broken.
            let _ = write(&mut file, from, old);
        }
        written?;
        file.sync_all()?;
        *self = Section {
            start: from + joint.len() as u64,
            text: new,
        };
        Ok(())
    }

    fn ends(&self, file: &mut File, length: u64) -> io::Result<bool> {
        if self.text.is_empty() || self.start + self.text.len() as u64 != length {
            return Ok(false);
        }
        let mut found = vec![0; self.text.len()];
        file.seek(SeekFrom::Start(self.start))?;
        file.read_exact(&mut found)?;
        Ok(found == self.text.as_bytes())
    }
}

fn write(file: &mut File, start: u64, text: &str) -> io::Result<()> {
    file.seek(SeekFrom::Start(start))?;
    file.write_all(text.as_bytes())?;
    file.set_len(start + text.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(section: &mut Section, path: &Path, text: &str) -> bool {
        let mut stood = false;
        let made = section.put(path, |stands| {
            stood = stands;
            Ok(text.to_owned())
        });
        made.unwrap();
        stood
    }

    #[test]
    fn a_section_grows_and_shrinks_until_somebody_adds_to_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/summary");
        let read = || fs::read_to_string(&path).unwrap();
        let mut section = Section::default();
        assert!(!put(&mut section, &path, "a\n"));
        for text in ["a\nb\n", "a\nbc\n", "c\n"] {
            assert!(put(&mut section, &path, text));
            assert_eq!(read(), text);
        }
        let mut other = Section::default();
        assert!(!put(&mut other, &path, "other"));
        assert!(!put(&mut section, &path, "d\n"));
        assert_eq!(read(), "c\nother\nd\n");
        assert!(put(&mut section, &path, "de\n"));
        assert_eq!(read(), "c\nother\nde\n");
        fs::write(&path, "as long as that\n").unwrap();
        assert!(!put(&mut section, &path, "f\n"), "it is another text");
        assert_eq!(read(), "as long as that\nf\n");
    }

    #[test]
    fn a_failure_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary");
        let mut section = Section::default();
        put(&mut section, &path, "a\n");
        let before = section.clone();
        let failed = section.put(&path, |_| Err(io::Error::other("no text")));
        assert_eq!(failed.unwrap_err().to_string(), "no text");
        assert_eq!(section, before);
        assert_eq!(fs::read_to_string(&path).unwrap(), "a\n");
    }
}
