//! Resolves paths to what they name.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Maximum number of symbolic links in a row, as in Linux.
const MOST_LINKS: usize = 40;

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A pipe, a device, or an open file of a process (`/dev/stdout`): opened and written directly.
    Stream,
    /// A regular file behind all symbolic links, which may not exist yet.
    File(PathBuf),
}

impl Place {
    /// # Errors
    /// The path is a folder, contains a circle of links, or is not accessible, such as a name that is too long.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => return Ok(Place::Stream),
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = path.to_owned();
        for _ in 0..MOST_LINKS {
            let Some(name) = file.file_name() else {
                return Err(io::ErrorKind::InvalidFilename.into());
            };
            let folder = folder_of(&file);
            let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
            file = folder.join(name);
            if is_of_a_process(&file) {
                return Ok(Place::Stream);
            }
            match fs::read_link(&file) {
                Ok(target) => file = folder.join(target),
                Err(_) => return Ok(Place::File(file)),
            }
        }
        Err(io::Error::other("is a circle of symbolic links"))
    }
}

/// Whether the path names a stream of bytes, which must be written only once.
pub(crate) fn is_stream(path: &Path) -> bool {
    matches!(Place::of(path), Ok(Place::Stream))
}

/// Whether two paths name the same file, which need not exist.
pub(crate) fn same(a: &Path, b: &Path) -> bool {
    match (Place::of(a), Place::of(b)) {
        (Ok(Place::File(a)), Ok(Place::File(b))) => a == b || is_one_file(&a, &b),
        // Streams take several writers one after the other.
        _ => false,
    }
}

/// Whether two paths are hard links to one file.
#[cfg(unix)]
fn is_one_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
    matches!((id(a), id(b)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(not(unix))]
fn is_one_file(_: &Path, _: &Path) -> bool {
    false
}

/// Folder of a file.
pub(super) fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether the path is `/dev/stdout` or similar: a symbolic link to something that only looks like a path.
fn is_of_a_process(file: &Path) -> bool {
    let of_devices = ["/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd"];
    let of_devices = of_devices.iter().any(|device| file.starts_with(device));
    of_devices || file.starts_with("/proc")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::os::unix::fs::symlink;

    #[rstest]
    #[case("/dev/stdout")]
    #[case("/dev/fd/1")]
    #[case("/dev/null")]
    fn devices_and_open_files_are_streams(#[case] path: &str) {
        assert_eq!(Place::of(Path::new(path)).unwrap(), Place::Stream);
    }

    #[test]
    fn links_are_followed_to_a_file_that_need_not_exist() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("second", at("first")).unwrap();
        symlink("missing", at("second")).unwrap();
        let missing = fs::canonicalize(folder.path()).unwrap().join("missing");
        assert_eq!(Place::of(&at("first")).unwrap(), Place::File(missing));
        assert!(same(&at("first"), &at("missing")));
        assert!(!same(&at("first"), &at("other")));
        fs::write(at("missing"), "").unwrap();
        fs::hard_link(at("missing"), at("hard")).unwrap();
        assert!(same(&at("first"), &at("hard")));
        symlink("circle", at("circle")).unwrap();
        assert!(Place::of(&at("circle")).is_err());
        assert!(Place::of(folder.path()).is_err());
    }
}
