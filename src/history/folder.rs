//! Folder of results: `goodput` in Cargo's target folder, or where the user says.

use super::workspace::{root, variable};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Variable that sets the folder of results, for every test runner.
pub(crate) const VARIABLE: &str = "GOODPUT_RESULTS";

/// Name of the folder in Cargo's target folder.
const NAME: &str = "goodput";

/// Places that a process knows.
#[derive(Debug, Default)]
struct Known {
    /// [`VARIABLE`], or the equivalent flag.
    asked: Option<PathBuf>,
    /// `CARGO_TARGET_DIR`.
    target: Option<PathBuf>,
    /// Running test or benchmark binary.
    program: Option<PathBuf>,
    /// Folder of the crate's `Cargo.toml`.
    manifest: Option<PathBuf>,
}

/// Folder for a test or benchmark binary whose crate is in `home`. `None` if neither a variable nor the
/// binary's path gives one, and there is no crate.
pub(crate) fn of_bench(home: &Path) -> Option<PathBuf> {
    let known = Known {
        asked: variable(VARIABLE),
        target: variable("CARGO_TARGET_DIR"),
        program: env::current_exe().ok(),
        manifest: Some(home.to_owned()),
    };
    known.of_bench()
}

/// Folder for the command: its flag or [`VARIABLE`], else that of the Cargo project around `home`. `None`
/// outside of Cargo projects.
#[cfg(feature = "cli")]
pub(crate) fn of_command(flag: Option<&Path>, home: &Path) -> Option<PathBuf> {
    asked(flag).or_else(|| super::project::target_folder(home).map(|target| target.join(NAME)))
}

/// Folder by the command's flag or [`VARIABLE`] alone.
#[cfg(feature = "cli")]
pub(crate) fn asked(flag: Option<&Path>) -> Option<PathBuf> {
    let asked = flag.map(Path::to_owned).or_else(|| variable(VARIABLE))?;
    // A later change of the current folder does not move it.
    std::path::absolute(asked).ok()
}

/// Cargo project whose results to look for, unless a flag or variable gives a folder.
#[cfg(feature = "cli")]
pub(crate) fn project(flag: Option<&Path>, here: &Path) -> Option<PathBuf> {
    match asked(flag) {
        Some(_) => None,
        None => root(here),
    }
}

impl Known {
    fn of_bench(&self) -> Option<PathBuf> {
        if let Some(asked) = &self.asked {
            return Some(asked.clone());
        }
        // A relative path is relative to where Cargo started, which is not where tests run.
        let named = self.target.clone().filter(|target| target.is_absolute());
        let program = self.program.as_deref();
        let target = named
            .or_else(|| program.and_then(above))
            .or_else(|| Some(root(self.manifest.as_deref()?)?.join("target")))?;
        Some(target.join(NAME))
    }
}

/// Target folder that contains a binary, recognised by Cargo's marker file.
fn above(program: &Path) -> Option<PathBuf> {
    let is_cargos = |folder: &&Path| {
        folder.join(".rustc_info.json").is_file()
            || fs::read_to_string(folder.join("CACHEDIR.TAG"))
                .is_ok_and(|tag| tag.contains("created by cargo"))
    };
    let found = program.ancestors().skip(1).find(is_cargos)?;
    Some(found.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use tempfile::TempDir;

    /// A workspace with a member that was built into `out`, which Cargo has marked.
    struct Project(TempDir);

    impl Project {
        fn new(mark: &str) -> Self {
            let temporary = tempfile::tempdir().unwrap();
            let root = temporary.path();
            fs::create_dir_all(root.join("member/src")).unwrap();
            fs::create_dir_all(root.join("out/debug/deps")).unwrap();
            fs::write(root.join("member/Cargo.toml"), "").unwrap();
            fs::write(root.join("Cargo.toml"), "").unwrap();
            fs::write(root.join("Cargo.lock"), "").unwrap();
            fs::write(root.join("out").join(mark), "# created by cargo").unwrap();
            Project(temporary)
        }

        fn known(&self) -> Known {
            Known {
                asked: None,
                target: None,
                program: Some(self.0.path().join("out/debug/deps/slo-0123")),
                manifest: Some(self.0.path().join("member")),
            }
        }
    }

    #[rstest]
    #[case::by_its_binary(|_: &mut Known| {}, "out/goodput")]
    #[case::by_cargos_variable(|known: &mut Known| known.target = Some("/t".into()), "/t/goodput")]
    #[case::relative_to_elsewhere(|known: &mut Known| known.target = Some("t".into()), "out/goodput")]
    #[case::as_asked(|known: &mut Known| known.asked = Some("/r".into()), "/r")]
    #[case::by_its_crate(|known: &mut Known| known.program = None, "target/goodput")]
    #[case::copied_binary(|known: &mut Known| known.program = Some("/usr/bin/slo".into()), "target/goodput")]
    fn a_bench_finds_its_folder(#[case] change: fn(&mut Known), #[case] expected: &str) {
        for mark in ["CACHEDIR.TAG", ".rustc_info.json"] {
            let project = Project::new(mark);
            let mut known = project.known();
            change(&mut known);
            assert_eq!(known.of_bench(), Some(project.0.path().join(expected)));
        }
    }

    #[test]
    fn a_binary_whose_project_is_gone_has_none() {
        let known = Known {
            program: Some("/nowhere/slo".into()),
            manifest: Some("/nowhere/app".into()),
            ..Known::default()
        };
        assert_eq!(known.of_bench(), None);
    }

    /// `~/.cache` may have such a tag, too.
    #[test]
    fn a_tag_of_another_program_is_not_cargos() {
        let project = Project::new("CACHEDIR.TAG");
        fs::write(project.0.path().join("out/CACHEDIR.TAG"), "# by another").unwrap();
        let expected = project.0.path().join("target/goodput");
        assert_eq!(project.known().of_bench(), Some(expected));
    }
}
