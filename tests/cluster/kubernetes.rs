//! The manifest of `goodput cluster kubernetes`.

use super::{
    folder::Folder,
    kubelet::Kubelet,
    world::{SHARDS, Sim, ended, free_port, goodput, load, text, whole},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{fs, process::Command};

fn manifest(folder: &Folder, url: &str, more: &[&str]) -> String {
    let (shards, port) = (SHARDS.to_string(), free_port().to_string());
    let mut command = goodput();
    command
        .current_dir(&**folder)
        .args([
            "cluster",
            "kubernetes",
            "--image",
            "registry.example/goodput:0.1",
        ])
        .args(["--claim", "results", "--secret", "llm", "--shards", &shards])
        .args(["--rendezvous-port", &port])
        .args(more)
        .arg("--")
        .args(load(url));
    let output = ended(&mut command);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn a_run_is_sent_and_merged_by_the_manifests_own_commands() {
    let (folder, sim) = (Folder::new("kubernetes"), Sim::start());
    let manifest = manifest(
        &folder,
        &sim.url,
        &["--merge-flags", "--output junit=/results/junit.xml"],
    );
    let kubelet = Kubelet::new(&manifest, &folder).with_secret("GOODPUT_RENDEZVOUS_TOKEN", "hush");
    assert!(!manifest.contains("hush"));
    let shards = kubelet.run("goodput", |_| {});
    assert_eq!(shards.codes, [Some(0); SHARDS], "{:?}", shards.logs);
    let merge = kubelet.run("goodput-merge", |_| {});
    assert_eq!(merge.codes, [Some(0)], "{:?}", merge.logs);
    assert!(merge.logs[0].contains("PASS"), "{:?}", merge.logs);
    whole(&folder.join("results/goodput/run.json"));
    assert!(folder.join("results/junit.xml").is_file());
}

/// Kubernetes ends the other pods with the first that fails; what they had measured says nothing about the whole.
#[test]
fn a_pod_that_is_killed_makes_the_run_invalid() {
    let (folder, sim) = (Folder::new("killed-pod"), Sim::start());
    let manifest = manifest(&folder, &sim.url, &[]);
    let kubelet = Kubelet::new(&manifest, &folder);
    let shards = kubelet.run("goodput", |processes| {
        sim.until_asked();
        kill(Pid::from_raw(processes[2].cast_signed()), Signal::SIGKILL).unwrap();
    });
    assert_eq!(shards.codes[2], None, "{:?}", shards.logs);
    let merge = kubelet.run("goodput-merge", |_| {});
    assert_eq!(merge.codes, [Some(4)], "{:?}", merge.logs);
    assert!(merge.logs[0].contains("shard 2"), "{:?}", merge.logs);
}

#[test]
#[ignore = "needs kubernetes-validate"]
fn the_api_takes_the_manifest() {
    let folder = Folder::new("validated");
    fs::write(
        folder.join("prompts.jsonl"),
        "{\"prompt\": \"one: 'two'\"}\n",
    )
    .unwrap();
    let more = ["--file", "prompts.jsonl", "--namespace", "bench"];
    let manifest = manifest(&folder, "http://llm:8000", &more);
    let check = |text: &str| {
        let file = folder.join("job.yaml");
        fs::write(&file, text).unwrap();
        let program = std::env::var("KUBERNETES_VALIDATE").unwrap_or("kubernetes-validate".into());
        ended(Command::new(program).arg("--strict").arg(&file))
    };
    let output = check(&manifest);
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    // The checker itself finds what is wrong.
    assert!(
        !check(&manifest.replace("backoffLimit", "backofLimit"))
            .status
            .success()
    );
}
