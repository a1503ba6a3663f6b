//! Settings of baselines: which one to compare with, and where to save the run.

use super::store::{FOLDER, Store};
use crate::{error::Error, grammar::names::is_baseline, problem::Problem};
use serde::Serialize;
use std::{ffi::OsString, path::PathBuf};

/// Names the folder of baselines, for every runner.
const FOLDER_VARIABLE: &str = "GOODPUT_BASELINE_DIR";

/// Which baseline to compare a run with, and where to save it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// Baseline to compare with.
    pub against: Option<Against>,
    /// Baseline to save the run as.
    pub save: Option<String>,
    /// Folder of baselines. Default: `goodput-baselines` in the current folder.
    pub folder: Option<PathBuf>,
    /// Base of the default folder and of relative ones. Default: the current folder.
    #[serde(skip)]
    pub home: Option<PathBuf>,
    /// Name of the bench in baselines. Default: its name.
    pub entry: Option<String>,
    /// Whether an inconclusive comparison makes the verdict *inconclusive*, as an explicit `on_inconclusive
    /// = "fail"` of the bench does. Default false.
    pub proof: bool,
    /// Front end that messages refer to when they say how to save a baseline.
    #[serde(skip)]
    pub reader: Reader,
}

/// Baseline to compare with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Against {
    /// Name of the baseline.
    pub name: String,
    /// Fail a bench without a stored run, instead of counting it as new.
    pub strict: bool,
}

/// Front end that messages refer to when they say how to save a baseline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reader {
    /// Tests, with environment variables.
    #[default]
    Tests,
    /// Command line of `goodput`.
    Command,
    /// Command line of a benchmark binary.
    Benches,
}

/// Settings of one run, from all sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) against: Option<Against>,
    pub(crate) save: Option<String>,
    pub(crate) store: Store,
    pub(crate) reader: Reader,
}

impl Settings {
    /// Whether flags or the environment ask for a comparison.
    pub(crate) fn compares(&self) -> bool {
        let variable = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        self.against.is_some()
            || ["GOODPUT_BASELINE", "GOODPUT_BASELINE_STRICT"]
                .into_iter()
                .any(variable)
    }

    /// Combines all sources: flags win over the environment, which wins over the bench's own `baseline`.
    /// Saving a bench under the name of its own baseline accepts the run without a comparison, unless flags
    /// or the environment ask for one.
    pub(crate) fn choose(
        &self,
        own: Option<&str>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Chosen>, Error> {
        let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
        let mut names = Vec::new();
        let save = self
            .save
            .clone()
            .or_else(|| variable("GOODPUT_SAVE_BASELINE"));
        let lenient = variable("GOODPUT_BASELINE").map(|name| Against {
            name,
            strict: false,
        });
        let strict = variable("GOODPUT_BASELINE_STRICT").map(|name| Against { name, strict: true });
        let asked = self.against.clone().or(strict).or(lenient);
        let own = own.filter(|own| save.as_deref() != Some(own));
        let against = asked.or_else(|| {
            own.map(|name| Against {
                name: name.to_owned(),
                strict: false,
            })
        });
        names.extend(save.iter().map(|name| ("save_baseline", name)));
        names.extend(against.iter().map(|against| ("baseline", &against.name)));
        let problems: Vec<Problem> = names
            .into_iter()
            .filter(|(_, name)| !is_baseline(name))
            .map(|(field, name)| {
                Problem::new(
                    field,
                    format!("{name:?}"),
                    "is not a valid baseline name. Use up to 64 letters, digits, hyphens, dots and \
                     underscores, beginning with a letter or digit; `noise` is reserved",
                )
            })
            .collect();
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        if against.is_none() && save.is_none() {
            return Ok(None);
        }
        let folder = folder_of(
            self.folder.clone(),
            variable(FOLDER_VARIABLE).map(OsString::from),
        );
        Ok(Some(Chosen {
            against,
            save,
            store: Store::at(match &self.home {
                Some(home) => home.join(folder),
                None => folder,
            }),
            reader: self.reader,
        }))
    }
}

/// The folder of baselines: that of a flag, else of the environment, else [`FOLDER`].
#[cfg(feature = "cli")]
pub(crate) fn folder(flag: Option<PathBuf>) -> PathBuf {
    folder_of(flag, std::env::var_os(FOLDER_VARIABLE))
}

fn folder_of(flag: Option<PathBuf>, variable: Option<OsString>) -> PathBuf {
    let variable = variable.filter(|folder| !folder.is_empty());
    flag.or(variable.map(PathBuf::from))
        .unwrap_or_else(|| FOLDER.into())
}

impl Reader {
    /// Says how to save a baseline.
    pub(crate) fn saves(self, name: &str) -> String {
        match self {
            Reader::Tests => {
                format!("run the tests with the environment variable GOODPUT_SAVE_BASELINE={name}")
            }
            Reader::Command => format!("add --save-baseline {name}"),
            Reader::Benches => {
                format!("run `cargo bench --bench TARGET -- --save-baseline {name}`")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn chosen(
        settings: Settings,
        own: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<Option<Chosen>, Error> {
        settings.choose(own, |name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn flag(name: &str, strict: bool) -> Settings {
        Settings {
            against: Some(Against {
                name: name.to_owned(),
                strict,
            }),
            ..Settings::default()
        }
    }

    #[rstest]
    #[case::nothing(Settings::default(), None, &[], None)]
    #[case::own(Settings::default(), Some("own"), &[], Some(("own", false)))]
    #[case::variable(Settings::default(), Some("own"), &[("GOODPUT_BASELINE", "v")], Some(("v", false)))]
    #[case::strict(
        Settings::default(), None, &[("GOODPUT_BASELINE_STRICT", "s"), ("GOODPUT_BASELINE", "v")],
        Some(("s", true))
    )]
    #[case::empty(Settings::default(), Some("own"), &[("GOODPUT_BASELINE", "")], Some(("own", false)))]
    #[case::flag(flag("f", true), Some("own"), &[("GOODPUT_BASELINE", "v")], Some(("f", true)))]
    #[case::accepted(Settings::default(), Some("own"), &[("GOODPUT_SAVE_BASELINE", "own")], None)]
    #[case::compared_and_saved(
        Settings::default(), Some("own"), &[("GOODPUT_SAVE_BASELINE", "new")], Some(("own", false))
    )]
    #[case::asked_for(
        flag("own", false), Some("own"), &[("GOODPUT_SAVE_BASELINE", "own")], Some(("own", false))
    )]
    fn what_a_run_is_held_against(
        #[case] settings: Settings,
        #[case] own: Option<&str>,
        #[case] variables: &[(&str, &str)],
        #[case] expected: Option<(&str, bool)>,
    ) {
        let chosen = chosen(settings, own, variables).unwrap();
        let against = chosen.and_then(|chosen| chosen.against);
        let expected = expected.map(|(name, strict)| Against {
            name: name.to_owned(),
            strict,
        });
        assert_eq!(against, expected);
    }

    #[rstest]
    #[case("")]
    #[case("..")]
    #[case("feature/x")]
    #[case("-rf")]
    #[case("noise")]
    fn names_that_are_none(#[case] name: &str) {
        let mut settings = flag(name, false);
        settings.save = Some(name.to_owned());
        let Err(Error::Invalid(problems)) = chosen(settings, None, &[]) else {
            panic!("`{name}` was taken");
        };
        assert_eq!(problems.len(), 2);
    }

    #[test]
    fn the_folder_of_a_flag_wins() {
        let settings = Settings {
            folder: Some("flag".into()),
            ..flag("main", false)
        };
        let variables = [("GOODPUT_BASELINE_DIR", "variable")];
        let folder = |settings| {
            let chosen = chosen(settings, None, &variables).unwrap().unwrap();
            chosen.store.folder().to_owned()
        };
        assert_eq!(folder(settings), PathBuf::from("flag"));
        assert_eq!(folder(flag("main", false)), PathBuf::from("variable"));
    }
}
