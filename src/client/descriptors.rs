//! How many files and sockets this process may have open.

/// The most that is asked for: programs that walk over all possible descriptors, such as those that
/// this process may start, would take long over the billion that some containers allow.
#[cfg(unix)]
const ENOUGH: u64 = 1 << 20;

/// Raises the soft limit of this process to what it may raise it to. Gives the limit; `None` if the
/// system does not tell.
///
/// A connection in flight is a socket, and the usual soft limit of 1024 is for programs that use
/// `select`.
pub(crate) fn raise_descriptor_limit() -> Option<u64> {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
        let wanted = hard.min(ENOUGH);
        if soft >= wanted {
            return Some(soft);
        }
        // Some systems name a hard limit that they do not grant.
        let raised = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard);
        Some(raised.map_or(soft, |()| wanted))
    }
    #[cfg(not(unix))]
    None
}
