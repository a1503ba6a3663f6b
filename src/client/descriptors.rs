//! Limit of open files and sockets of this process.

/// The limits to ask for, from the highest.
///
/// The first caps the request: some containers allow a billion descriptors, and programs that this
/// process starts may walk over all possible ones. The others are for macOS, whose hard limit is
/// "unlimited" although the kernel grants `kern.maxfilesperproc` at most.
#[cfg(unix)]
const LIMITS: [u64; 5] = [1 << 20, 1 << 18, 1 << 16, 1 << 14, 10_240];

/// Raises the soft limit of this process to what the system allows. Returns the limit, or `None` if the limit is
/// unknown.
///
/// Each connection needs a descriptor, and the usual soft limit of 1024 (256 on macOS) exists for programs that use
/// `select`.
pub(crate) fn raise_descriptor_limit() -> Option<u64> {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
        let granted = LIMITS
            .into_iter()
            .map(|limit| limit.min(hard))
            .take_while(|limit| *limit > soft)
            .find(|limit| setrlimit(Resource::RLIMIT_NOFILE, *limit, hard).is_ok());
        Some(granted.unwrap_or(soft))
    }
    #[cfg(not(unix))]
    None
}

/// Makes the table of descriptors large enough for `connections`.
///
/// Linux doubles the table as it fills, and in a process with several threads it then waits for all
/// processors: a pause of 10 to 30 ms in the middle of a run, seen at 1,024 and at 2,048 connections. A
/// table does not shrink, so opening one descriptor with a high number for a moment enlarges it beforehand.
/// Where that fails, the pauses come.
pub(crate) fn make_room(connections: usize) {
    #[cfg(unix)]
    {
        use nix::{
            fcntl::{FcntlArg, fcntl},
            unistd::close,
        };
        /// Other descriptors of the process.
        const OTHERS: usize = 64;
        /// A larger table would cost more than half a megabyte of the kernel's memory.
        const MOST: usize = 1 << 16;
        let number = connections.saturating_add(OTHERS).min(MOST) as i32;
        if let Ok(file) = std::fs::File::open("/dev/null")
            && let Ok(high) = fcntl(&file, FcntlArg::F_DUPFD_CLOEXEC(number))
        {
            // A descriptor that cannot be closed does no harm.
            let _ = close(high);
        }
    }
    #[cfg(not(unix))]
    let _ = connections;
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_room_beforehand() {
        raise_descriptor_limit();
        make_room(3_000);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("FDSize:"));
        let size: usize = size.unwrap().trim().parse().unwrap();
        assert!(size >= 3_000, "{size}");
        // The descriptor itself is closed again.
        assert!(!std::path::Path::new("/proc/self/fd/3064").exists());
    }
}
