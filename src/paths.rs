//! Base folders of relative paths.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Where a missing file was looked for, as the text after "no such file"; empty for an absolute path.
///
/// There is one rule: Cargo runs tests and benches in the folder of their `Cargo.toml`, `goodput run` works
/// in the folder of the suite file, and the other commands in the current folder.
/// that of the suite file, and the other commands where they are called.
pub(crate) fn looked_in(file: &Path) -> String {
    match env::current_dir() {
        Ok(folder) if file.is_relative() => format!(
            " in {}, from which relative paths are taken",
            folder.display()
        ),
        _ => String::new(),
    }
}

/// Folder of the crate of a bench, which was `built` when it was compiled.
///
/// Cargo and nextest provide the current path: a binary may run on another machine than the one it was
/// built on, or after the project has moved. Without them, and without that folder, it is the base of
/// relative paths.
pub(crate) fn of_crate(built: &Path) -> PathBuf {
    found(env::var_os("CARGO_MANIFEST_DIR"), built)
}

fn found(told: Option<OsString>, built: &Path) -> PathBuf {
    match told.filter(|told| !told.is_empty()) {
        Some(told) => told.into(),
        None if built.is_dir() => built.to_owned(),
        None => env::current_dir().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_where_the_runner_says_or_where_it_was() {
        let (here, gone) = (env::current_dir().unwrap(), Path::new("/gone/crate"));
        let told = |told: &str| Some(OsString::from(told));
        assert_eq!(found(told("/moved"), &here), Path::new("/moved"));
        assert_eq!(found(told(""), &here.join("src")), here.join("src"));
        assert_eq!(found(None, &here.join("src")), here.join("src"));
        assert_eq!(found(None, gone), here);
    }

    #[test]
    fn only_relative_paths_are_looked_up_in_a_folder() {
        let folder = env::current_dir().unwrap();
        let said = looked_in(Path::new("prompts.jsonl"));
        assert_eq!(
            said,
            format!(
                " in {}, from which relative paths are taken",
                folder.display()
            )
        );
        assert_eq!(looked_in(&folder.join("prompts.jsonl")), "");
    }
}
