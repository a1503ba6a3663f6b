//! Two networks of one machine, joined by a cable.

use super::world::{clean, ended, text};
use std::{fs::File, path::Path, process::Command};

/// The address of the first network on the cable; the second has the next one.
pub(crate) const FIRST: &str = "10.77.0.1";

/// Two network namespaces, which go with the test.
pub(crate) struct Networks(pub(crate) [String; 2]);

impl Networks {
    pub(crate) fn joined() -> Self {
        let name = |side: &str| format!("goodput-{}-{side}", std::process::id());
        let networks = Networks(["a", "b"].map(name));
        let [a, b] = &networks.0;
        for name in [a, b] {
            ip(&["netns", "add", name]);
            ip(&["-n", name, "link", "set", "lo", "up"]);
        }
        ip(&[
            "-n", a, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", b,
        ]);
        for (name, address) in [(a, "10.77.0.1/24"), (b, "10.77.0.2/24")] {
            ip(&["-n", name, "address", "add", address, "dev", "cable"]);
            ip(&["-n", name, "link", "set", "cable", "up"]);
        }
        networks
    }

    /// A program in one of the networks.
    pub(crate) fn command(&self, side: usize, program: &[&str]) -> Command {
        let mut command = Command::new("ip");
        clean(&mut command);
        command.args(["netns", "exec", &self.0[side]]).args(program);
        command
    }

    /// Moves this thread into one of the networks, and those that it starts from then on.
    pub(crate) fn enter(&self, side: usize) {
        let file = File::open(Path::new("/run/netns").join(&self.0[side])).unwrap();
        nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        for name in &self.0 {
            let _ = Command::new("ip").args(["netns", "delete", name]).status();
        }
    }
}

fn ip(words: &[&str]) {
    let output = ended(Command::new("ip").args(words));
    assert!(
        output.status.success(),
        "ip {words:?}: {}",
        text(&output.stderr)
    );
}
