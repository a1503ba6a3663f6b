//! The summary of a GitHub job, which other steps and processes write into as well.

use crate::{files, report::Outcome};
use std::{io, path::Path};

/// The part of the job's summary that this process has written: a section, which grows by each bench while no other
/// process has added to the file. After that, the benches that follow are in a section of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Summary {
    section: files::Section,
    /// The first bench of the section.
    first: usize,
    /// The number of benches that are in the section.
    told: usize,
}

impl Summary {
    /// Writes all benches so far.
    ///
    /// # Errors
    /// The system's, and those of `render`.
    pub(super) fn tell(
        &mut self,
        path: &Path,
        outcomes: &[Outcome],
        render: impl Fn(&[Outcome]) -> io::Result<String>,
    ) -> io::Result<()> {
        // Benches that are in the section already have an end that does not change.
        if self.told == outcomes.len() && self.told > 0 {
            return Ok(());
        }
        let mut first = self.first;
        self.section.put(path, |stands| {
            if !stands {
                first = self.told;
            }
            // A table ends with an empty line.
            Ok(render(&outcomes[first..])? + "\n")
        })?;
        (self.first, self.told) = (first, outcomes.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{markdown, testing::outcomes};
    use std::fs;

    #[test]
    fn each_bench_is_told_once_and_what_others_write_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.md");
        let render = |outcomes: &[Outcome]| Ok(markdown(outcomes));
        let all = outcomes();
        fs::write(&path, "before\n").unwrap();
        let mut summary = Summary::default();
        for count in [1, 2, 2] {
            summary.tell(&path, &all[..count], render).unwrap();
            let expected = format!("before\n{}\n", markdown(&all[..count]));
            assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        }
        let so_far = fs::read_to_string(&path).unwrap() + "of another step";
        fs::write(&path, &so_far).unwrap();
        for count in [3, all.len(), all.len()] {
            summary.tell(&path, &all[..count], render).unwrap();
            let expected = format!("{so_far}\n{}\n", markdown(&all[2..count]));
            assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        }
    }

    #[test]
    fn a_failure_is_made_good_by_the_next_bench() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.md");
        let all = outcomes();
        let mut summary = Summary::default();
        let broken = |_: &[Outcome]| Err(io::Error::other("no text"));
        summary.tell(&path, &all[..1], broken).unwrap_err();
        let render = |outcomes: &[Outcome]| Ok(markdown(outcomes));
        summary.tell(&path, &all[..2], render).unwrap();
        let expected = format!("{}\n", markdown(&all[..2]));
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }
}
