//! A Slurm of one machine: a controller and two compute daemons on loopback, all below a folder of the test.

use super::{
    folder::Folder,
    world::{clean, ended, free_port, text, until},
};
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

/// A Slurm that ends with the test.
pub(crate) struct Slurm {
    folder: Folder,
}

impl Slurm {
    pub(crate) fn start() -> Self {
        // Paths of sockets must be short.
        let slurm = Slurm {
            folder: Folder::new("slurm"),
        };
        for name in ["run", "state", "log", "spool-node1", "spool-node2", "key"] {
            fs::create_dir(slurm.folder.join(name)).unwrap();
        }
        let key = slurm.folder.join("key/munge.key");
        let mut random = vec![0; 128];
        getrandom(&mut random);
        fs::write(&key, random).unwrap();
        // munged refuses a key or a log that others can read, and a socket that others cannot reach.
        for (path, mode) in [
            ("key/munge.key", 0o400),
            ("key", 0o700),
            ("log", 0o700),
            ("run", 0o755),
            ("", 0o755),
        ] {
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(slurm.folder.join(path), mode).unwrap();
        }
        fs::write(slurm.configuration(), slurm.text()).unwrap();
        let at = |path: &str| slurm.folder.join(path).display().to_string();
        slurm.daemon(
            "munged",
            &[
                "--force".to_owned(),
                "--num-threads=2".to_owned(),
                format!("--key-file={}", key.display()),
                format!("--socket={}", at("run/munge.socket")),
                format!("--pid-file={}", at("run/munged.pid")),
                format!("--log-file={}", at("log/munged.log")),
                format!("--seed-file={}", at("key/munged.seed")),
            ],
        );
        let configuration = slurm.configuration().display().to_string();
        slurm.daemon(
            "slurmctld",
            &["-c".to_owned(), "-f".to_owned(), configuration.clone()],
        );
        for node in ["node1", "node2"] {
            slurm.daemon(
                "slurmd",
                &["-N", node, "-f", &configuration].map(str::to_owned),
            );
        }
        until("Slurm's nodes are idle", || {
            let nodes = ended(
                slurm
                    .command("sinfo")
                    .args(["--noheader", "--format=%T %D"]),
            );
            text(&nodes.stdout).trim() == "idle 2"
        });
        slurm
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("slurm.conf")
    }

    /// Neither groups of the kernel, nor a database, nor systemd: see slurm.conf(5).
    fn text(&self) -> String {
        let folder = self.folder.display();
        let ports = [(); 3].map(|()| free_port());
        let host = nix::unistd::gethostname().unwrap();
        let host = host.to_string_lossy();
        let short = host.split('.').next().unwrap_or(&host);
        let [controller, node1, node2] = ports;
        format!(
            "ClusterName=test\nSlurmctldHost=localhost(127.0.0.1)\nSlurmctldPort={controller}\nSlurmUser=root\nSlurmdUser=root\n\
             AuthType=auth/munge\nCredType=cred/munge\nAuthInfo=socket={folder}/run/munge.socket\n\
             StateSaveLocation={folder}/state\nSlurmdSpoolDir={folder}/spool-%n\n\
             SlurmctldPidFile={folder}/run/slurmctld.pid\nSlurmdPidFile={folder}/run/slurmd-%n.pid\n\
             SlurmctldLogFile={folder}/log/slurmctld.log\nSlurmdLogFile={folder}/log/slurmd-%n.log\n\
             ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nJobAcctGatherType=jobacct_gather/none\n\
             AccountingStorageType=accounting_storage/none\nJobCompType=jobcomp/none\nMpiDefault=none\nSwitchType=switch/none\n\
             SlurmdParameters=config_overrides\nSelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\nReturnToService=2\n\
             SchedulerType=sched/backfill\nSchedulerParameters=bf_interval=2,sched_interval=1\nInactiveLimit=0\nKillWait=2\n\
             NodeName=node1 NodeHostname={short} NodeAddr=127.0.0.1 Port={node1} CPUs=8\n\
             NodeName=node2 NodeHostname={short} NodeAddr=127.0.0.1 Port={node2} CPUs=8\n\
             PartitionName=load Nodes=node[1-2] Default=YES MaxTime=INFINITE State=UP\n"
        )
    }

    fn daemon(&self, name: &str, arguments: &[String]) {
        let program = ["/usr/sbin", "/usr/local/sbin", "/usr/bin"]
            .map(|folder| PathBuf::from(folder).join(name))
            .into_iter()
            .find(|path| path.exists());
        let program = program.unwrap_or_else(|| panic!("{name} is not installed"));
        let started = ended(
            self.with_configuration(&mut Command::new(program))
                .args(arguments),
        );
        assert!(
            started.status.success(),
            "{name}: {}",
            text(&started.stderr)
        );
    }

    fn with_configuration<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        clean(command);
        command.env("SLURM_CONF", self.configuration())
    }

    /// A program of Slurm.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        self.with_configuration(&mut command);
        command
    }

    /// Logs of the daemons, for a test that fails.
    pub(crate) fn logs(&self) -> String {
        let logs = ["slurmctld", "slurmd-node1", "slurmd-node2"];
        let read = |name: &str| fs::read_to_string(self.folder.join(format!("log/{name}.log")));
        logs.map(|name| format!("{name}:\n{}", read(name).unwrap_or_default()))
            .join("\n")
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        for name in ["slurmd-node1", "slurmd-node2", "slurmctld", "munged"] {
            let file = self.folder.join(format!("run/{name}.pid"));
            let Some(process) = fs::read_to_string(&file)
                .ok()
                .and_then(|text| text.trim().parse().ok())
            else {
                continue;
            };
            let process = nix::unistd::Pid::from_raw(process);
            let _ = nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGTERM);
            let began = std::time::Instant::now();
            // The folder must stay until they have written their last.
            while nix::sys::signal::kill(process, None).is_ok() && began.elapsed().as_secs() < 20 {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
    }
}

fn getrandom(bytes: &mut [u8]) {
    use std::io::Read;
    fs::File::open("/dev/urandom")
        .unwrap()
        .read_exact(bytes)
        .unwrap();
}
