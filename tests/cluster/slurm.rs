//! Slurm itself: the script of `goodput cluster slurm`, an array, a rank that is killed, and a job that Slurm starts again.

use super::{
    folder::Folder,
    slurmd::Slurm,
    world::{DEADLINE, SHARDS, Sim, ended, free_port, goodput, load, text, until, whole},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{fs, path::Path};

/// Writes the script of a job that waits for its merge, and submits it.
#[test]
#[ignore = "needs Slurm"]
fn tasks_of_a_step_are_shards() {
    let (slurm, sim, folder) = (Slurm::start(), Sim::start(), Folder::new("srun"));
    let mut write = goodput();
    write
        .args([
            "cluster",
            "slurm",
            "--wait",
            "--nodes",
            "2",
            "--cpus-per-task",
            "1",
        ])
        .args([
            "--shards",
            &SHARDS.to_string(),
            "--goodput",
            env!("CARGO_BIN_EXE_goodput"),
        ])
        .args(["--rendezvous-port", &free_port().to_string()])
        .args(["--result-dir", "results"])
        .arg("--")
        .args(load(&sim.url));
    let written = ended(&mut write);
    assert!(written.status.success(), "{}", text(&written.stderr));
    fs::write(folder.join("run.sh"), &written.stdout).unwrap();
    let ran = ended(slurm.command("sh").arg("run.sh").current_dir(&*folder));
    assert_eq!(
        ran.status.code(),
        Some(0),
        "{}{}{}",
        text(&ran.stderr),
        outputs(&folder),
        slurm.logs()
    );
    let result = whole(&folder.join("results/run.json"));
    assert_eq!(result["goodput"]["verdict"], "pass");
}

/// The outputs of all jobs.
fn outputs(folder: &Path) -> String {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let logs = files.filter(|path| path.extension().is_some_and(|end| end == "log"));
    logs.map(|path| {
        format!(
            "{}:\n{}\n",
            path.display(),
            fs::read_to_string(&path).unwrap()
        )
    })
    .collect()
}

/// Submits a batch script and returns the number of its job.
fn submitted(slurm: &Slurm, folder: &Path, options: &[&str], script: &str) -> String {
    fs::write(folder.join("job.sh"), script).unwrap();
    let mut sbatch = slurm.command("sbatch");
    sbatch
        .args(["--parsable", "--output=job-%j-%a.log"])
        .args(options)
        .arg("job.sh")
        .current_dir(folder);
    let output = ended(&mut sbatch);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).trim().to_owned()
}

fn wait_for(slurm: &Slurm, folder: &Path, job: &str) {
    let is_over = || {
        let jobs = ended(slurm.command("squeue").args(["--noheader", "--jobs", job]));
        text(&jobs.stdout).trim().is_empty()
    };
    let began = std::time::Instant::now();
    while !is_over() {
        assert!(
            began.elapsed() < DEADLINE,
            "{}{}",
            outputs(folder),
            slurm.logs()
        );
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

/// A line that sends a shard, found by its engine.
fn shard(url: &str, port: u16) -> String {
    let mut words = vec![env!("CARGO_BIN_EXE_goodput").to_owned(), "serve".to_owned()];
    let flags = format!(
        "--shard auto/{SHARDS} --rendezvous 127.0.0.1:{port} --result-dir results --rendezvous-timeout 60s"
    );
    words.extend(flags.split(' ').map(str::to_owned));
    words.extend(load(url));
    shell_words::join(words)
}

fn merge(folder: &Path) -> std::process::Output {
    // What `shard-*` is for a shell.
    let files = fs::read_dir(folder.join("results")).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let mut merge = goodput();
    merge.arg("merge").args(files).args([
        "--save-result",
        "--result-dir",
        "results",
        "--result-filename",
        "run.json",
    ]);
    ended(merge.current_dir(folder))
}

#[test]
#[ignore = "needs Slurm"]
fn elements_of_an_array_are_shards() {
    let (slurm, sim, folder) = (Slurm::start(), Sim::start(), Folder::new("array"));
    let script = format!("#!/bin/sh\nexec {}\n", shard(&sim.url, free_port()));
    let job = submitted(&slurm, &folder, &["--array=0-3", "--no-requeue"], &script);
    wait_for(&slurm, &folder, &job);
    let merged = merge(&folder);
    assert_eq!(
        merged.status.code(),
        Some(0),
        "{}{}",
        text(&merged.stderr),
        outputs(&folder)
    );
    whole(&folder.join("results/run.json"));
}

#[test]
#[ignore = "needs Slurm"]
fn a_rank_that_is_killed_makes_the_run_invalid() {
    let (slurm, sim, folder) = (Slurm::start(), Sim::start(), Folder::new("killed"));
    let script = format!(
        "#!/bin/sh\nexec srun --ntasks={SHARDS} --kill-on-bad-exit=0 sh -c 'echo $$ > pid-$SLURM_PROCID; exec \"$@\"' sh {}\n",
        shard(&sim.url, free_port())
    );
    let job = submitted(&slurm, &folder, &["--ntasks=4", "--no-requeue"], &script);
    sim.until_asked();
    let rank = fs::read_to_string(folder.join("pid-2")).unwrap();
    kill(Pid::from_raw(rank.trim().parse().unwrap()), Signal::SIGKILL).unwrap();
    wait_for(&slurm, &folder, &job);
    let merged = merge(&folder);
    let told = text(&merged.stdout) + &text(&merged.stderr);
    assert_eq!(merged.status.code(), Some(4), "{told}{}", outputs(&folder));
    assert!(told.contains("shard 2"), "{told}");
}

/// Without `--no-requeue` Slurm starts a job again, and its shards would send their parts twice.
#[test]
#[ignore = "needs Slurm"]
fn a_job_that_is_started_again_refuses() {
    let (slurm, sim, folder) = (Slurm::start(), Sim::start(), Folder::new("requeued"));
    let script = format!(
        "#!/bin/sh\nmkdir -p began\n: > began/${{SLURM_RESTART_COUNT:-0}}\nexec srun --ntasks={SHARDS} {}\n",
        shard(&sim.url, free_port())
    );
    let options = ["--ntasks=4", "--requeue", "--open-mode=append"];
    let job = submitted(&slurm, &folder, &options, &script);
    until("the job runs", || folder.join("began/0").exists());
    for command in [
        vec!["requeue", &job],
        vec!["update", &format!("JobId={job}"), "StartTime=now"],
    ] {
        let done = ended(slurm.command("scontrol").args(&command));
        assert!(done.status.success(), "{command:?}: {}", text(&done.stderr));
    }
    until("the job runs again", || folder.join("began/1").exists());
    wait_for(&slurm, &folder, &job);
    let told = outputs(&folder);
    assert!(
        told.contains("was started again (SLURM_RESTART_COUNT = 1)"),
        "{told}"
    );
    // Nothing of a run that was begun twice is judged.
    let files = fs::read_dir(folder.join("results")).map_or(0, Iterator::count);
    assert_eq!(files, 0, "{told}");
}
