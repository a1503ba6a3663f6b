//! The workflows of `docs/ci.md`, run step by step as their runners do, with a suite on virtual time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(all(unix, feature = "cli"))]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/pages.rs"]
mod pages;

use folder::Folder;
use pages::blocks;
use rstest::rstest;
use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    process::{Command, Output},
};

/// A suite of one bench, and how `docs/ci.md` says that it ends.
#[derive(Clone, Copy)]
struct Ends {
    name: &'static str,
    bench: &'static str,
    code: i32,
    /// What JUnit has for the bench.
    junit: &'static [&'static str],
    measured: bool,
}

const SIM: &str = "target = \"sim(ttft = normal(80ms, 20ms), itl = 5ms, seed = 1)\"
dataset = \"random(input = 32, output = 8)\"
rate = 20\n";

const PASSES: Ends = Ends {
    name: "passes",
    bench: "slo = \"p50(ttft) < 200ms\"",
    code: 0,
    junit: &[],
    measured: true,
};
const MISSES: Ends = Ends {
    name: "misses",
    bench: "slo = \"p50(ttft) < 20ms\"",
    code: 1,
    junit: &["failure"],
    measured: true,
};
const UNDECIDED: Ends = Ends {
    name: "undecided",
    bench: "requests = 20\nslo = \"p50(ttft) < 82ms\"",
    code: 3,
    junit: &["failure"],
    measured: true,
};
/// The job's own variable names a server; nothing listens there.
const NO_SERVER: Ends = Ends {
    name: "no-server",
    bench: "target = \"env:LLM_URL\"",
    code: 4,
    junit: &["error"],
    measured: false,
};
/// Nothing names a server, and a job must not be green for that.
const NO_NAME: Ends = Ends {
    name: "no-name",
    bench: "target = \"env:GOODPUT_TEST_NO_SUCH_SERVER\"",
    ..NO_SERVER
};

/// A checkout with this suite in it, and in front of its PATH the command that is built here. `cargo`
/// there only notes what it was asked for: the crate cannot be installed before it is published.
struct Checkout {
    root: Folder,
}

impl Checkout {
    fn new(runner: &str, ends: Ends) -> Checkout {
        let name = format!("workflows-{runner}-{}", ends.name);
        let root = Folder::new(&name);
        fs::create_dir_all(root.join("bin")).unwrap();
        symlink(
            env!("CARGO_BIN_EXE_goodput"),
            root.join("bin").join("goodput"),
        )
        .unwrap();
        let checkout = Checkout { root };
        checkout.program("cargo", "echo \"$*\" >>cargo.log");
        let sim = if ends.measured { SIM } else { "" };
        fs::write(
            checkout.root.join("goodput.toml"),
            format!("[bench.chat]\n{sim}{}\n", ends.bench),
        )
        .unwrap();
        checkout
    }

    /// Another program in front of the PATH.
    fn program(&self, name: &str, script: &str) {
        let path = self.root.join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn bash(&self, flags: &[&str], script: &str, env: &[(String, String)]) -> Output {
        fs::write(self.root.join("step.sh"), script).unwrap();
        let mut command = Command::new("bash");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOODPUT_")) {
            command.env_remove(name);
        }
        let path = std::env::var("PATH").unwrap();
        command
            .env(
                "PATH",
                format!("{}:{path}", self.root.join("bin").display()),
            )
            .env("GITHUB_STEP_SUMMARY", self.root.join("summary.md"))
            .envs(env.iter().map(|(name, value)| (name, value)))
            .args(flags)
            .arg("step.sh")
            .current_dir(&self.root)
            .output()
            .unwrap()
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// What is installed is this crate, with features that it has.
    fn installed(&self) {
        let asked = self.read("cargo.log");
        let features = asked
            .trim()
            .strip_prefix("install goodput --locked --features ");
        let manifest: toml::Table = toml::from_str(include_str!("../Cargo.toml")).unwrap();
        for feature in features.unwrap().split(',') {
            assert!(manifest["features"].get(feature).is_some(), "{feature}");
        }
    }

    fn junit(&self, path: &str, ends: Ends) {
        let xml = self.read(path);
        let document = roxmltree::Document::parse(&xml).unwrap();
        let cases = document
            .descendants()
            .filter(|node| node.has_tag_name("testcase"));
        let cases: Vec<_> = cases.collect();
        assert_eq!(cases.len(), 1, "{xml}");
        let tags = cases[0].children().map(|node| node.tag_name().name());
        let tags: Vec<&str> = tags
            .filter(|tag| !["", "properties", "system-out"].contains(tag))
            .collect();
        assert_eq!(tags, ends.junit, "{xml}");
    }
}

/// The block of the page that has this line.
fn workflow(line: &str) -> Yaml<'static> {
    let mut blocks = blocks("ci.md", "yaml").into_iter();
    let text = blocks.find(|block| block.lines().any(|l| l.trim() == line));
    let text = text.unwrap_or_else(|| panic!("{line}")).leak();
    Yaml::load_from_str(text).unwrap().remove(0)
}

const GITHUB: &str = "# .github/workflows/slo.yml";
const GITLAB: &str = "# .gitlab-ci.yml";

/// A key that may be missing.
fn text<'a>(node: &'a Yaml<'_>, key: &str) -> Option<&'a str> {
    node.as_mapping_get(key)?.as_str()
}

/// The variables of a job or a step. There are no secrets; a server is looked for where none is.
fn variables(env: Option<&Yaml<'_>>) -> Vec<(String, String)> {
    env.and_then(Yaml::as_mapping)
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let name = name.as_str().unwrap().to_owned();
            let value = match (name.as_str(), value.as_integer()) {
                ("LLM_URL", _) => "http://127.0.0.1:1".to_owned(),
                (_, Some(number)) => number.to_string(),
                _ => value.as_str().unwrap().to_owned(),
            };
            (name, value)
        })
        .collect()
}

/// GitHub runs steps until one fails, and then those that ask for it.
#[rstest]
#[ignore = "needs bash"]
fn the_github_job_is_as_good_as_its_server(
    #[values(PASSES, MISSES, UNDECIDED, NO_SERVER, NO_NAME)] ends: Ends,
) {
    let checkout = Checkout::new("github", ends);
    let job = &workflow(GITHUB)["jobs"]["live"];
    let mut code = 0;
    let mut kept = Vec::new();
    for step in job["steps"].as_sequence().unwrap() {
        let always = text(step, "if").is_some_and(|on| on.contains("always()"));
        if code != 0 && !always {
            continue;
        }
        if let Some(run) = text(step, "run") {
            let output = checkout.bash(&["-e"], run, &variables(step.as_mapping_get("env")));
            code = output.status.code().unwrap();
            assert!(code != 2, "{}", String::from_utf8_lossy(&output.stderr));
        }
        for key in ["path", "output-file-path"] {
            let with = step.as_mapping_get("with");
            kept.extend(with.and_then(|with| text(with, key)).map(ToOwned::to_owned));
        }
    }
    assert_eq!(code, ends.code);
    checkout.installed();
    // A server that became too slow is drawn, too.
    assert_eq!(kept, ["goodput/", "goodput/smaller.json"]);
    checkout.junit("goodput/junit.xml", ends);
    let entries: Value = serde_json::from_str(&checkout.read(&kept[1])).unwrap();
    let entries = entries.as_array().unwrap();
    assert_eq!(!entries.is_empty(), ends.measured);
    for entry in entries {
        assert!(
            entry["name"].is_string() && entry["unit"].is_string(),
            "{entry}"
        );
        assert!(entry["value"].is_number(), "{entry}");
    }
    let summary = checkout.read("summary.md");
    assert!(summary.contains("\n| chat"), "{summary}");
    // github-action-benchmark pushes.
    assert_eq!(job["permissions"]["contents"].as_str(), Some("write"));
}

/// The comment is there for `gh` however the run ended, if something was measured.
#[rstest]
#[ignore = "needs bash"]
fn the_comment_is_as_good_as_its_server(#[values(PASSES, MISSES, UNDECIDED)] ends: Ends) {
    let checkout = Checkout::new("comment", ends);
    checkout.program("gh", "echo \"$*\" >gh.log; cat \"$5\" >posted.md");
    let job = &workflow("pull-requests: write")["slo"];
    let mut code = 0;
    for step in job["steps"].as_sequence().unwrap() {
        let always = text(step, "if").is_some_and(|on| on.contains("always()"));
        if code != 0 && !always {
            continue;
        }
        if let Some(run) = text(step, "run") {
            // The baseline is not there yet, so the bench counts as new.
            let output = checkout.bash(&["-e"], run, &[("PR".to_owned(), "7".to_owned())]);
            let ended = output.status.code().unwrap();
            assert!(ended != 2, "{}", String::from_utf8_lossy(&output.stderr));
            code = if code == 0 { ended } else { code };
        }
    }
    assert_eq!(code, ends.code);
    let asked = checkout.read("gh.log");
    assert_eq!(
        asked.trim(),
        "pr comment 7 --body-file comment.md --edit-last --create-if-none"
    );
    let posted = checkout.read("posted.md");
    assert!(posted.starts_with("<!-- goodput -->"), "{posted}");
    assert!(posted.contains("**chat**"), "{posted}");
}

/// GitLab runs lines until one fails, and keeps the files either way.
#[rstest]
#[ignore = "needs bash"]
fn the_gitlab_job_is_as_good_as_its_server(
    #[values(PASSES, MISSES, UNDECIDED, NO_SERVER, NO_NAME)] ends: Ends,
) {
    let checkout = Checkout::new("gitlab", ends);
    let job = &workflow(GITLAB)["slo"];
    let lines = job["script"].as_sequence().unwrap().iter();
    let lines: Vec<&str> = lines.map(|line| line.as_str().unwrap()).collect();
    let flags = ["-e", "-o", "pipefail"];
    let output = checkout.bash(
        &flags,
        &lines.join("\n"),
        &variables(Some(&job["variables"])),
    );
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(ends.code), "{stderr}");
    checkout.installed();
    let allowed = job["allow_failure"]["exit_codes"].as_sequence().unwrap();
    let allowed: Vec<_> = allowed.iter().map(|code| code.as_integer()).collect();
    assert_eq!(allowed, [Some(3)]);
    let artifacts = &job["artifacts"];
    assert_eq!(artifacts["when"].as_str(), Some("always"));
    let reports = &artifacts["reports"];
    checkout.junit(reports["junit"].as_str().unwrap(), ends);
    let metrics = checkout.read(reports["metrics"].as_str().unwrap());
    let lines = metrics.lines().map(|line| Ok(line.to_owned()));
    let samples = prometheus_parse::Scrape::parse(lines).unwrap().samples;
    let code = samples.iter().find(|s| s.metric == "goodput_exit_code");
    let expected = prometheus_parse::Value::Gauge(f64::from(ends.code));
    assert_eq!(code.unwrap().value, expected);
    let folder = artifacts["paths"][0].as_str().unwrap();
    assert_eq!(fs::read_dir(checkout.root.join(folder)).unwrap().count(), 2);
}

/// The line that lets "inconclusive" through lets nothing else through.
#[rstest]
#[case(PASSES, 0)]
#[case(MISSES, 1)]
#[case(UNDECIDED, 0)]
#[case(NO_SERVER, 1)]
#[ignore = "needs bash"]
fn only_inconclusive_is_let_through(#[case] ends: Ends, #[case] code: i32) {
    let checkout = Checkout::new("shell", ends);
    let lines = blocks("ci.md", "sh");
    let line = lines.iter().find(|line| line.contains("-eq 3")).unwrap();
    let env = [
        ("LLM_URL", "http://127.0.0.1:1"),
        ("GOODPUT_REQUIRE_LIVE", "1"),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let output = checkout.bash(&["-e"], line, &env);
    assert_eq!(output.status.code(), Some(code));
}

#[test]
fn the_profile_keeps_live_benches_apart() {
    let blocks = blocks("ci.md", "toml").into_iter();
    let [profile] = blocks
        .filter(|block| block.contains("[test-groups]"))
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let table: toml::Table = toml::from_str(&profile).unwrap();
    let overrides = &table["profile"]["default"]["overrides"][0];
    let threads = overrides["threads-required"].as_str();
    assert_eq!(threads, Some("num-test-threads"));
    let group = &table["test-groups"][overrides["test-group"].as_str().unwrap()];
    assert_eq!(group["max-threads"].as_integer(), Some(1));
    // The profile that the workflow names.
    let steps = &workflow(GITHUB)["jobs"]["simulated"]["steps"];
    let runs = steps.as_sequence().unwrap().iter();
    let mut runs = runs.filter_map(|step| text(step, "run"));
    let name = runs.find_map(|run| Some(run.split_once("--profile ")?.1));
    let name = name.unwrap().split_whitespace().next().unwrap();
    assert!(table["profile"].get(name).is_some(), "{name}");
}
