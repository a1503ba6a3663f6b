//! The commit that a bench runs at.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Variables in which GitHub and GitLab name the commit of a job.
const VARIABLES: [&str; 2] = ["GITHUB_SHA", "CI_COMMIT_SHA"];

/// The most symbolic names that lead to a commit.
const STEPS: usize = 5;

/// The commit of a job, else that of the repository around a folder, if there is one.
///
/// The files of the repository are read, because a bench must not need `git`.
pub(super) fn commit(home: &Path) -> Option<String> {
    let of_job = VARIABLES.iter().find_map(|name| env::var(name).ok());
    of_job
        .filter(|commit| is_hash(commit))
        .or_else(|| checked_out(home))
}

fn checked_out(home: &Path) -> Option<String> {
    let folder = home.ancestors().find_map(repository)?;
    // A worktree has a head of its own, and branches in common with others.
    let common = fs::read_to_string(folder.join("commondir")).ok();
    let common = common.map_or(folder.clone(), |path| folder.join(path.trim()));
    let mut head = fs::read_to_string(folder.join("HEAD")).ok()?;
    for _ in 0..STEPS {
        let Some(name) = head.trim().strip_prefix("ref: ").map(str::to_owned) else {
            break;
        };
        let loose = [&folder, &common].map(|folder| folder.join(&name));
        let loose = loose.iter().find_map(|path| fs::read_to_string(path).ok());
        head = loose.or_else(|| packed(&common, &name))?;
    }
    let hash = head.trim();
    is_hash(hash).then(|| hash.to_owned())
}

/// The folder of the repository that is checked out here.
fn repository(folder: &Path) -> Option<PathBuf> {
    let git = folder.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let file = fs::read_to_string(git).ok()?;
    Some(folder.join(file.strip_prefix("gitdir:")?.trim()))
}

fn packed(common: &Path, name: &str) -> Option<String> {
    let packed = fs::read_to_string(common.join("packed-refs")).ok()?;
    let mut lines = packed.lines().filter_map(|line| line.split_once(' '));
    let (hash, _) = lines.find(|(_, other)| *other == name)?;
    Some(hash.to_owned())
}

fn is_hash(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

    #[rstest]
    #[case::detached(&[(".git/HEAD", HASH)], Some(HASH))]
    #[case::branch(&[(".git/HEAD", "ref: refs/heads/a\n"), (".git/refs/heads/a", HASH)], Some(HASH))]
    #[case::packed(&[
        (".git/HEAD", "ref: refs/heads/a\n"),
        (".git/packed-refs", &format!("# pack-refs\n{HASH} refs/heads/a\n")),
    ], Some(HASH))]
    #[case::worktree(&[
        (".git", "gitdir: main/worktrees/w\n"),
        ("main/worktrees/w/HEAD", "ref: refs/heads/a\n"),
        ("main/worktrees/w/commondir", "../..\n"),
        ("main/refs/heads/a", HASH),
    ], Some(HASH))]
    #[case::no_commit_yet(&[(".git/HEAD", "ref: refs/heads/a\n")], None)]
    #[case::endless(&[(".git/HEAD", "ref: HEAD\n")], None)]
    #[case::not_a_hash(&[(".git/HEAD", "<script>\n")], None)]
    fn the_commit_of_a_folder(#[case] files: &[(&str, &str)], #[case] commit: Option<&str>) {
        let temporary = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = temporary.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let inside = temporary.path().join("crate/src");
        fs::create_dir_all(&inside).unwrap();
        assert_eq!(checked_out(&inside).as_deref(), commit);
    }
}
