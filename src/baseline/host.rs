//! Host: the client's machine, in what numbers depend on.

use serde::{Deserialize, Serialize};
use std::{env::consts, fmt, fs, thread};

/// The client's machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Host name.
    pub name: String,
    /// Operating system and architecture.
    pub system: String,
    /// Number of processors that the client may use.
    pub cpus: usize,
    /// Model of the processors, if the system provides it.
    pub cpu: Option<String>,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = self.cpu.as_deref().unwrap_or("unknown processors");
        write!(f, "{} ({}, {} × {cpu})", self.name, self.system, self.cpus)
    }
}

impl Host {
    /// The current machine.
    pub(crate) fn this() -> Self {
        Host {
            name: host_name(),
            system: format!("{} {}", consts::OS, consts::ARCH),
            cpus: thread::available_parallelism().map_or(0, usize::from),
            cpu: fs::read_to_string("/proc/cpuinfo")
                .ok()
                .and_then(|text| model_name(&text)),
        }
    }
}

/// The name of this machine, or `unknown` if the system does not know one.
pub(crate) fn host_name() -> String {
    #[cfg(unix)]
    let name = nix::unistd::gethostname().ok();
    #[cfg(not(unix))]
    let name = std::env::var_os("COMPUTERNAME");
    let name = name.unwrap_or_default();
    match name.to_string_lossy().trim() {
        "" => "unknown".to_owned(),
        name => name.to_owned(),
    }
}

fn model_name(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))?;
    let (_, name) = line.split_once(':')?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel says the same by another way.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_host_name_is_the_systems() {
        let kernel = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(host_name(), kernel.trim());
    }

    #[test]
    fn the_first_processor_names_them() {
        let text = "processor\t: 0\nmodel name\t: AMD EPYC 7B13\nprocessor\t: 1\n";
        assert_eq!(model_name(text).as_deref(), Some("AMD EPYC 7B13"));
        assert_eq!(model_name("CPU part: 0xd0c"), None);
    }
}
