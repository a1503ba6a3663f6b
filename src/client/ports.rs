//! Ports that the system gives to connections.

/// The range of ports for connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PortRange {
    pub(crate) first: u16,
    pub(crate) last: u16,
    /// Ports of the range that are not reserved: one connection each, for each local and each remote address.
    pub(crate) free: usize,
}

impl PortRange {
    /// The system's range; `None` if it is unknown. IPv6 has the same.
    pub(crate) fn of_system() -> Option<Self> {
        #[cfg(target_os = "linux")]
        {
            let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}"));
            let reserved = read("ip_local_reserved_ports").unwrap_or_default();
            Self::read(&read("ip_local_port_range").ok()?, &reserved)
        }
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// Reads the range and the list of reserved ports, such as `8080,9000-9100`.
    #[cfg(any(test, target_os = "linux"))]
    fn read(range: &str, reserved: &str) -> Option<Self> {
        let mut ends = range.split_whitespace().map(str::parse::<u16>);
        let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
        let spans = reserved.trim().split(',').filter_map(|span| {
            let (from, to) = span.split_once('-').unwrap_or((span, span));
            let (from, to) = (from.parse::<u16>().ok()?, to.parse::<u16>().ok()?);
            Some((from.max(first), to.min(last)))
        });
        let taken: usize = spans.map(|(from, to)| (from..=to).len()).sum();
        Some(PortRange {
            first,
            last,
            free: (first..=last).len().saturating_sub(taken),
        })
    }
}

/// Files and sockets that this process has open.
pub(crate) fn open_descriptors() -> usize {
    /// Input, output and errors.
    const STANDARD: usize = 3;
    let folder = if cfg!(target_os = "linux") {
        "/proc/self/fd"
    } else {
        "/dev/fd"
    };
    std::fs::read_dir(folder).map_or(STANDARD, Iterator::count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// The first is Linux's usual range (Documentation/networking/ip-sysctl.rst).
    #[rstest]
    #[case("32768\t60999\n", "\n", 28_232)]
    #[case("32768\t60999\n", "8080,40000-40009,60999\n", 28_221)]
    #[case("1024 65535", "1-2000", 63_535)]
    fn the_range_without_reserved_ports(
        #[case] range: &str,
        #[case] reserved: &str,
        #[case] free: usize,
    ) {
        assert_eq!(PortRange::read(range, reserved).unwrap().free, free);
    }

    #[test]
    fn other_text_is_unknown() {
        assert_eq!(PortRange::read("", ""), None);
        assert_eq!(PortRange::read("1 70000", ""), None);
    }

    #[test]
    fn an_open_file_counts() {
        let before = open_descriptors();
        let files = [(); 50].map(|()| std::fs::File::open("/dev/null").unwrap());
        // Other tests of this process close some meanwhile.
        assert!(open_descriptors() + 20 > before + files.len());
    }
}
