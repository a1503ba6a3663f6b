//! Files that are asked for by `--output FORMAT=PATH` or by `GOODPUT_OUTPUT`.

use super::{format::Format, summary::Summary};
use crate::{error::Error, files, grammar::Mistake, problem::Problem, report::Outcome, screen};
use std::{
    env,
    io::{self, Write},
    path::{self, Path, PathBuf},
    sync::Once,
};

/// Asks for outputs where no flag can be given: `junit=target/goodput/junit.xml,markdown`.
const VARIABLE: &str = "GOODPUT_OUTPUT";

/// Names the file of a GitHub job's summary.
const JOB_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Outputs that are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outputs(Vec<Output>);

#[derive(Debug, Clone)]
struct Output {
    format: &'static Format,
    path: PathBuf,
    /// Other steps and processes write into the same file.
    shared: Option<Summary>,
}

impl Outputs {
    /// Reads `FORMAT=PATH` words; `markdown` alone is the summary of the GitHub job.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every word that says no output. `asked` is how it was asked for.
    pub(crate) fn parse<S: AsRef<str>>(asked: &str, words: &[S]) -> Result<Self, Error> {
        let mut outputs = Outputs::default();
        let mut problems = Vec::new();
        for word in words.iter().map(AsRef::as_ref) {
            match Output::parse(word) {
                Ok(output)
                    if outputs
                        .0
                        .iter()
                        .any(|other| files::same(&other.path, &output.path)) =>
                {
                    let fix = "would overwrite another output. Choose another path";
                    problems.push(Problem::new(asked, word, fix));
                }
                Ok(output) => outputs.0.push(output),
                Err(mistake) => problems.push(Problem::new(asked, word, mistake.0)),
            }
        }
        if problems.is_empty() {
            Ok(outputs)
        } else {
            Err(Error::Invalid(problems))
        }
    }

    /// What [`VARIABLE`] asks for. Many processes and tests see the same variable, so `label` goes into
    /// each file's name: `junit.xml` becomes `junit-LABEL.xml`.
    ///
    /// # Errors
    /// As [`parse`](Outputs::parse).
    pub(crate) fn of_environment(label: &str) -> Result<Self, Error> {
        let Some(asked) = env::var_os(VARIABLE) else {
            return Ok(Outputs::default());
        };
        let asked = asked.to_string_lossy();
        let words: Vec<&str> = asked
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty() && !lacks_job_summary(word))
            .collect();
        let mut outputs = Outputs::parse(VARIABLE, &words)?;
        for output in outputs
            .0
            .iter_mut()
            .filter(|output| output.shared.is_none())
        {
            output.path = labelled(&output.path, label);
        }
        Ok(outputs)
    }

    /// Both.
    pub(crate) fn and(mut self, other: Outputs) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Adds the summary of the GitHub job that this runs in, unless a Markdown file is asked for. No flag asks for
    /// it, so one that cannot be written is only a note: in a container the variable may name a file of the host.
    pub(crate) fn or_job_summary(mut self) -> Self {
        let asked = self.0.iter().any(|output| output.format.is_job_summary());
        if !asked
            && let Some(format) = Format::of_job_summary()
            && let Some(path) = job_summary()
        {
            match files::check(&path) {
                Ok(()) => self.0.push(Output::summary(format, path)),
                Err(e) => screen::err(format_args!(
                    "note: the summary of the GitHub job is left out: {} cannot be written: {e}",
                    path.display()
                )),
            }
        }
        self
    }

    /// Makes missing folders and finds out whether each file could be written.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all that cannot be written.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let problem = |output: &Output| {
            let e = files::check(&output.path).err()?;
            let message = format!("cannot be written: {e}. Choose another path");
            Some(Problem::new("output", output.path.display(), message))
        };
        let problems: Vec<_> = self.0.iter().filter_map(problem).collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(problems))
        }
    }

    /// The paths of the files.
    #[cfg(feature = "cli")]
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|output| output.path.as_path())
    }

    /// Writes them all.
    ///
    /// # Errors
    /// One could not be written; the others were tried.
    pub(crate) fn write(&mut self, outcomes: &[Outcome]) -> Result<(), Error> {
        self.write_those(outcomes, |_| true)
    }

    /// Writes those that can be written again when more is known: no pipe.
    ///
    /// # Errors
    /// As [`write`](Outputs::write).
    pub(crate) fn write_so_far(&mut self, outcomes: &[Outcome]) -> Result<(), Error> {
        self.write_those(outcomes, |output| !files::is_stream(&output.path))
    }

    fn write_those(
        &mut self,
        outcomes: &[Outcome],
        chosen: impl Fn(&Output) -> bool,
    ) -> Result<(), Error> {
        let mut result = Ok(());
        for output in self.0.iter_mut().filter(|output| chosen(output)) {
            let written = output.write(outcomes).map_err(|source| Error::Io {
                what: format!("cannot write {}", output.path.display()),
                source,
            });
            result = result.and(written);
        }
        result
    }
}

impl Output {
    fn parse(word: &str) -> Result<Self, Mistake> {
        let (name, path) = match word.split_once('=') {
            Some((name, path)) => (name, Some(path)),
            None => (word, None),
        };
        let format = Format::named(name)
            .ok_or_else(|| Mistake::unknown("format", name, &Format::names()))?;
        if let Some(why) = format.missing() {
            return Err(Mistake::new(why));
        }
        match path {
            Some("") => Err(Mistake::new(format!("has no path. Write `{name}=PATH`"))),
            Some(path) => Ok(Output {
                format,
                // What changes the folder later does not move the file.
                path: path::absolute(path).map_err(|e| Mistake::new(e.to_string()))?,
                shared: None,
            }),
            None if format.is_job_summary() => match job_summary() {
                Some(path) => Ok(Output::summary(format, path)),
                None => Err(Mistake::new(format!(
                    "alone is the summary of a GitHub job, and {JOB_SUMMARY} is not set. Write \
                     `{name}=PATH`"
                ))),
            },
            None => Err(Mistake::new(format!("has no path. Write `{name}=PATH`"))),
        }
    }

    fn summary(format: &'static Format, path: PathBuf) -> Self {
        Output {
            format,
            path,
            shared: Some(Summary::default()),
        }
    }

    fn write(&mut self, outcomes: &[Outcome]) -> io::Result<()> {
        let format = self.format;
        let render = |outcomes: &[Outcome]| format.render(outcomes).map_err(io::Error::other);
        match &mut self.shared {
            // A pipe is written once.
            Some(_) if files::is_stream(&self.path) => {
                files::append(&self.path, &(render(outcomes)? + "\n"))
            }
            Some(summary) => summary.tell(&self.path, outcomes, render),
            None => {
                let text = render(outcomes)?;
                files::replace(&self.path, |file| file.write_all(text.as_bytes()))
            }
        }
    }
}

fn job_summary() -> Option<PathBuf> {
    let path = env::var_os(JOB_SUMMARY)?;
    (!path.is_empty()).then(|| path.into())
}

/// Whether this asks for the summary of a GitHub job where there is none: a developer's machine has the same
/// variable as the job. Said once a process.
fn lacks_job_summary(word: &str) -> bool {
    static TOLD: Once = Once::new();
    let lacks = word == "markdown" && job_summary().is_none();
    if lacks {
        TOLD.call_once(|| {
            // Past a test runner's capture.
            screen::err(format_args!("goodput: {VARIABLE}: `markdown` is left out: it is the summary of a GitHub job, and {JOB_SUMMARY} is \
                 not set. `markdown=PATH` writes a file"
            ));
        });
    }
    lacks
}

/// The path with a label before its extension.
fn labelled(path: &Path, label: &str) -> PathBuf {
    let plain: String = label
        .replace("::", ".")
        .chars()
        .map(|c| match c {
            c if c.is_alphanumeric() || "._-".contains(c) => c,
            _ => '_',
        })
        .collect();
    let part =
        |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let mut name = format!("{}-{plain}", part(path.file_stem()));
    if path.extension().is_some() {
        name = format!("{name}.{}", part(path.extension()));
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{End, Outcome};
    use rstest::rstest;
    use std::time::Duration;

    #[rstest]
    #[case("junit", "has no path. Write `junit=PATH`")]
    #[case("prometheus=", "has no path")]
    #[case("junt=a.xml", "unknown format `junt`; did you mean `junit`?")]
    #[case("csv=a.csv", &format!("Valid: {}", Format::list()))]
    fn what_says_no_output_is_refused(#[case] word: &str, #[case] told: &str) {
        let error = Outputs::parse("--output", &[word]).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("--output = {word}: ")),
            "{error}"
        );
        assert!(error.contains(told), "{error}");
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let words = ["bencher=a", "prometheus=a", "pdf=b", "junit"];
        let error = Outputs::parse("--output", &words).unwrap_err();
        let Error::Invalid(problems) = error else {
            panic!("{error}")
        };
        assert_eq!(problems.len(), 3, "{problems:?}");
    }

    #[rstest]
    #[case("out/junit.xml", "app slo::chat", "out/junit-app_slo.chat.xml")]
    #[case("/tmp/metrics", "a", "/tmp/metrics-a")]
    fn labels_go_before_the_extension(
        #[case] path: &str,
        #[case] label: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(labelled(Path::new(path), label), Path::new(expected));
    }

    #[test]
    fn a_check_makes_folders_and_keeps_old_files() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("deep/er/result.json");
        let mut outputs =
            Outputs::parse("--output", &[format!("bencher={}", path.display())]).unwrap();
        outputs.check().unwrap();
        std::fs::write(&path, "old").unwrap();
        outputs.check().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        let outcome = Outcome {
            group: "g".to_owned(),
            name: "n".to_owned(),
            took: Duration::ZERO,
            end: End::Ignored(String::new()),
            measured: None,
            lineup: None,
        };
        outputs.write(&[outcome]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{}\n");
        let below = path.join("below.json");
        let below = Outputs::parse("--output", &[format!("bencher={}", below.display())]).unwrap();
        let error = below.check().unwrap_err().to_string();
        assert!(error.contains("cannot be written"), "{error}");
    }
}
