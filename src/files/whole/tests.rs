//! What happens to a file, its permissions and what is next to it.

use super::*;
use std::io::Write;

fn write(path: &Path, text: &str) -> io::Result<()> {
    replace(path, |file| file.write_all(text.as_bytes()))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_failure_keeps_the_old_file_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/a.json");
    write(&path, "old").unwrap();
    let failed = replace(&path, |file| {
        file.write_all(b"half of the n")?;
        Err(io::Error::other("full"))
    });
    assert_eq!(failed.unwrap_err().to_string(), "full");
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    write(&path, "new").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(names(path.parent().unwrap()), ["a.json"]);
}

#[test]
fn a_check_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/a.json");
    check(&path).unwrap();
    assert!(names(path.parent().unwrap()).is_empty());
    write(&path, "old").unwrap();
    check(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert!(check(&path.join("below")).is_err());
    assert!(check(folder.path()).is_err());
    assert!(check(&folder.path().join("x".repeat(400))).is_err());
    assert!(check(&folder.path().join("a\nb")).is_err());
}

#[test]
fn what_a_killed_writer_left_goes_with_the_next_write_and_what_lives_stays() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".goodput-dead.tmp"), "half").unwrap();
    fs::write(folder.path().join(".goodput-settings"), "mine").unwrap();
    let alive = temporary(folder.path()).unwrap();
    write(&folder.path().join("a"), "new").unwrap();
    let left = names(folder.path());
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(alive.path().exists() && !left.iter().any(|name| name.contains("dead")));
}

#[cfg(feature = "cli")]
#[test]
fn an_added_file_takes_no_others_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.b.json");
    for _ in 0..3 {
        add(&path, b"{}").unwrap();
    }
    assert_eq!(
        names(folder.path()),
        ["a.b-1.json", "a.b-2.json", "a.b.json"]
    );
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn permissions_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        let usual = mode(&path);
        for kept in [0o600, 0o640, 0o664] {
            fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
            write(&path, "new").unwrap();
            assert_eq!(mode(&path), kept);
        }
        write(&folder.path().join("b"), "new").unwrap();
        assert_eq!(mode(&folder.path().join("b")), usual);
    }

    #[test]
    fn links_stay_links() {
        let folder = tempfile::tempdir().unwrap();
        let (link, file) = (folder.path().join("link"), folder.path().join("sub/file"));
        symlink("sub/file", &link).unwrap();
        for text in ["first", "second"] {
            write(&link, text).unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }

    #[test]
    fn pipes_and_devices_are_written_as_they_stand() {
        write(Path::new("/dev/null"), "text").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        check(&pipe).unwrap();
        let error = write(&pipe, "text").unwrap_err().to_string();
        assert_eq!(error, "nothing reads this pipe");
        // Opened for both, so that opening it does not wait for the other side.
        let both = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&pipe)
            .unwrap();
        write(&pipe, "text").unwrap();
        let mut read = [0; 4];
        io::Read::read_exact(&mut &both, &mut read).unwrap();
        assert_eq!(&read, b"text");
        assert_eq!(names(folder.path()), ["pipe"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_device_is_an_error() {
        assert!(write(Path::new("/dev/full"), "text").is_err());
    }

    #[cfg(feature = "cli")]
    #[test]
    fn what_is_rescued_is_for_this_user_alone() {
        let path = rescue("goodput-test-", ".json", b"{}").unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::remove_file(path).unwrap();
    }
}
