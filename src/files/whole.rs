//! Writes files completely or not at all.

use super::{
    name::check_name,
    place::{Place, folder_of},
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    path::Path,
};
use tempfile::NamedTempFile;

const PREFIX: &str = ".goodput-";
const SUFFIX: &str = ".tmp";

/// Maximum number of attempts to create a temporary file that another process removes as left over.
const TRIES: usize = 10;

/// Replaces a file. Readers see the old file or the new one, and the old one stays if this fails. Follows
/// symbolic links, keeps permissions, and creates missing folders. Writes pipes and devices directly, and
/// so a file whose folder does not allow new files.
///
/// # Errors
/// The errors of the system and of `write`.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let target = match Place::of(path)? {
        Place::Stream => return write(&mut open_stream(path)?),
        Place::File(target) => target,
    };
    let old = match OpenOptions::new().write(true).open(&target) {
        Ok(file) => Some(file),
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    let folder = folder_of(&target);
    fs::create_dir_all(folder)?;
    let mut new = match (temporary(folder), old) {
        (Ok(new), old) => {
            if let Some(old) = old {
                keep_owner(&old, new.as_file());
                new.as_file()
                    .set_permissions(old.metadata()?.permissions())?;
            }
            new
        }
        (Err(e), Some(mut old)) if is_closed(&e) => return over(&mut old, write),
        (Err(e), _) => return Err(e),
    };
    write(new.as_file_mut())?;
    new.as_file().sync_all()?;
    if let Err(e) = new.persist(&target) {
        // A file that is a mount point cannot be replaced, only written.
        if !matches!(
            e.error.kind(),
            ErrorKind::ResourceBusy | ErrorKind::CrossesDevices
        ) {
            return Err(e.error);
        }
        let text = fs::read(e.file.path())?;
        let mut old = OpenOptions::new().write(true).open(&target)?;
        return over(&mut old, |file| io::Write::write_all(file, &text));
    }
    sync_folder(folder);
    Ok(())
}

/// Writes a new file without replacing another: `a.json`, or if that exists `a-1.json`, and so on. Returns
/// the path.
///
/// # Errors
/// The error of the system.
#[cfg(feature = "cli")]
pub(crate) fn add(path: &Path, text: &[u8]) -> io::Result<std::path::PathBuf> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let mut new = temporary(folder)?;
    io::Write::write_all(new.as_file_mut(), text)?;
    new.as_file().sync_all()?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let mut wanted = path.to_owned();
    let mut number = 0;
    loop {
        match new.persist_noclobber(&wanted) {
            Ok(_) => break,
            Err(e) if e.error.kind() == ErrorKind::AlreadyExists => new = e.file,
            Err(e) => return Err(e.error),
        }
        number += 1;
        wanted = folder.join(format!("{stem}-{number}.{ending}"));
    }
    sync_folder(folder);
    Ok(wanted)
}

/// Writes a text to the system's temporary folder, readable for this user only. Returns the path.
///
/// # Errors
/// The error of the system.
#[cfg(feature = "cli")]
pub(crate) fn rescue(name: &str, ending: &str, text: &[u8]) -> io::Result<std::path::PathBuf> {
    let mut builder = tempfile::Builder::new();
    let mut file = builder.prefix(name).suffix(ending).tempfile()?;
    io::Write::write_all(file.as_file_mut(), text)?;
    file.as_file().sync_all()?;
    let (_, path) = file.keep().map_err(|e| e.error)?;
    Ok(path)
}

/// Checks before a run that a file is writable. Creates missing folders, and leaves the file as it is.
///
/// # Errors
/// The file is not writable.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    check_name(&path.to_string_lossy()).map_err(io::Error::other)?;
    let Place::File(target) = Place::of(path)? else {
        return Ok(());
    };
    match OpenOptions::new().write(true).open(&target) {
        Err(e) if e.kind() == ErrorKind::NotFound => check_folder(folder_of(&target)),
        opened => opened.map(drop),
    }
}

/// Creates a folder and tries to write to it.
///
/// # Errors
/// The error of the system.
pub(crate) fn check_folder(folder: &Path) -> io::Result<()> {
    check_name(&folder.to_string_lossy()).map_err(io::Error::other)?;
    fs::create_dir_all(folder)?;
    temporary(folder).map(drop)
}

/// Creates a file next to those of this folder, for this process alone. It stays locked while it is open,
/// so that other processes know that its writer runs.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    remove_left(folder);
    for _ in 0..TRIES {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX);
        // The process's umask applies, as for any new file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder)?;
        let is_being_removed =
            matches!(file.as_file().try_lock(), Err(fs::TryLockError::WouldBlock));
        if !is_being_removed && file.path().exists() {
            return Ok(file);
        }
    }
    Err(io::Error::other("temporary files disappear at once"))
}

/// Removes temporary files of killed writers.
fn remove_left(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_file = || entry.file_type().is_ok_and(|kind| kind.is_file());
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) && is_file() {
            let file = OpenOptions::new().write(true).open(entry.path());
            if let Ok(file) = file
                && file.try_lock().is_ok()
            {
                // A file that stays does no harm.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Opens a pipe or device. A pipe must have a reader, because writing would wait for one without end.
pub(super) fn open_stream(path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    let _reader = {
        use std::os::unix::fs::OpenOptionsExt;
        let nonblocking = nix::fcntl::OFlag::O_NONBLOCK.bits();
        let opened = OpenOptions::new()
            .append(true)
            .custom_flags(nonblocking)
            .open(path);
        opened.map_err(|e| match e.raw_os_error() {
            Some(code) if code == nix::errno::Errno::ENXIO as i32 => {
                io::Error::other("nothing reads this pipe")
            }
            _ => e,
        })?
    };
    OpenOptions::new().append(true).open(path)
}

fn over(file: &mut File, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    file.set_len(0)?;
    write(file)?;
    file.sync_all()
}

/// Whether a folder does not allow new files, at least for this user.
fn is_closed(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}

/// Gives the new file the owner of the old one, if this user may.
#[cfg(unix)]
fn keep_owner(old: &File, new: &File) {
    use std::os::unix::fs::MetadataExt;
    if let Ok(old) = old.metadata() {
        // Only root may give files away; for others nothing changes. Uses the open file, because the path
        // may name another file by now: the owner of the folder may have put a link there.
        let _ = std::os::unix::fs::fchown(new, Some(old.uid()), Some(old.gid()));
    }
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &File) {}

/// Makes the new name safe on disk. Some systems cannot sync a folder, and the file is complete without it.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests;
