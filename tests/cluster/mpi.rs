//! The script of `goodput cluster mpi`, with Open MPI.

use super::{
    folder::Folder,
    world::{SHARDS, Sim, clean, ended, free_port, goodput, load, text, whole},
};
use std::{fs, process::Command};

#[test]
#[ignore = "needs Open MPI"]
fn ranks_are_shards() {
    let (folder, sim) = (Folder::new("mpi"), Sim::start());
    let mut write = goodput();
    write
        .args(["cluster", "mpi", "--shards", &SHARDS.to_string()])
        .args(["--goodput", env!("CARGO_BIN_EXE_goodput")])
        .args(["--rendezvous-port", &free_port().to_string()])
        .args([
            "--result-dir",
            "results",
            "--mpirun-options",
            "--allow-run-as-root --oversubscribe --host localhost:4",
        ])
        .arg("--")
        .args(load(&sim.url));
    let written = ended(&mut write);
    assert!(written.status.success(), "{}", text(&written.stderr));
    fs::write(folder.join("run.sh"), &written.stdout).unwrap();
    let mut script = Command::new("sh");
    clean(&mut script);
    let ran = ended(script.arg("run.sh").current_dir(&*folder));
    let (stdout, stderr) = (text(&ran.stdout), text(&ran.stderr));
    assert_eq!(ran.status.code(), Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("PASS"), "{stdout}{stderr}");
    whole(&folder.join("results/run.json"));
}
