//! Starts the pods of a manifest's Jobs as a kubelet does: the manifest's own command, for each index once.
//!
//! What Kubernetes has and a process has not, the runner replaces in the command: names of pods by loopback, and the folders of
//! volumes by folders of the test.

use super::world::{DEADLINE, Owned, clean, text};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use saphyr::{LoadableYamlNode, Yaml};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How a Job ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Exit codes of its pods, by index; `None` for one that was killed.
    pub(crate) codes: Vec<Option<i32>>,
    pub(crate) logs: Vec<String>,
}

/// A cluster of one machine.
pub(crate) struct Kubelet<'a> {
    documents: Vec<Yaml<'a>>,
    folder: &'a Path,
    environment: BTreeMap<&'a str, &'a str>,
}

impl<'a> Kubelet<'a> {
    pub(crate) fn new(manifest: &'a str, folder: &'a Path) -> Self {
        let documents = Yaml::load_from_str(manifest).unwrap();
        Kubelet {
            documents,
            folder,
            environment: BTreeMap::new(),
        }
    }

    /// Sets a variable that a Secret would.
    pub(crate) fn with_secret(mut self, name: &'a str, value: &'a str) -> Self {
        self.environment.insert(name, value);
        self
    }

    /// Documents of a kind.
    pub(crate) fn of_kind(&self, kind: &str) -> Vec<&Yaml<'a>> {
        let documents = self.documents.iter();
        documents
            .filter(|document| document["kind"].as_str() == Some(kind))
            .collect()
    }

    fn job(&self, name: &str) -> &Yaml<'a> {
        let jobs = self.of_kind("Job");
        let job = jobs
            .into_iter()
            .find(|job| job["metadata"]["name"].as_str() == Some(name));
        job.unwrap()
    }

    /// Runs a Job, and calls `meanwhile` with the processes of its pods once they have started. A pod that fails ends the Job,
    /// and with it the other pods: `backoffLimit` is 0.
    pub(crate) fn run(&self, name: &str, meanwhile: impl FnOnce(&[u32])) -> Ended {
        let job = self.job(name);
        let spec = &job["spec"];
        assert_eq!(spec["backoffLimit"].as_integer(), Some(0));
        let completions = spec.as_mapping_get("completions");
        let completions = completions.and_then(Yaml::as_integer).unwrap_or(1);
        let container = &spec["template"]["spec"]["containers"][0];
        let mut pods: Vec<Owned> = (0..completions)
            .map(|index| Owned(self.pod(name, container, index)))
            .collect();
        let processes: Vec<u32> = pods.iter().map(|pod| pod.0.id()).collect();
        meanwhile(&processes);
        let (began, mut is_ending) = (Instant::now(), false);
        let mut ended: Vec<Option<Option<i32>>> = vec![None; pods.len()];
        while ended.iter().any(Option::is_none) {
            assert!(
                began.elapsed() < DEADLINE,
                "{name} has not ended: {:?}",
                self.logs(name, pods.len())
            );
            for (pod, ended) in pods
                .iter_mut()
                .zip(&mut ended)
                .filter(|(_, ended)| ended.is_none())
            {
                *ended = pod.0.try_wait().unwrap().map(|status| status.code());
            }
            if !is_ending && ended.iter().flatten().any(|code| *code != Some(0)) {
                // Once: a second signal would not let them write what they have.
                is_ending = true;
                for (pod, _) in pods.iter().zip(&ended).filter(|(_, ended)| ended.is_none()) {
                    // It may have ended by now.
                    let _ = kill(Pid::from_raw(pod.0.id().cast_signed()), Signal::SIGTERM);
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ended {
            codes: ended.into_iter().flatten().collect(),
            logs: self.logs(name, pods.len()),
        }
    }

    fn logs(&self, name: &str, count: usize) -> Vec<String> {
        let log = |index| fs::read(self.folder.join(format!("{name}-{index}.log")));
        (0..count).map(|index| text(&log(index).unwrap())).collect()
    }

    fn pod(&self, name: &str, container: &Yaml<'a>, index: i64) -> std::process::Child {
        let words = container["command"].as_vec().unwrap();
        let index = index.to_string();
        let mut variables = self.environment.clone();
        variables.insert("JOB_COMPLETION_INDEX", &index);
        let words: Vec<String> = words
            .iter()
            .map(|word| self.local(name, &expanded(word.as_str().unwrap(), &variables)))
            .collect();
        let log = fs::File::create(self.folder.join(format!("{name}-{index}.log"))).unwrap();
        // The image has the command on its path.
        let folder = Path::new(env!("CARGO_BIN_EXE_goodput")).parent().unwrap();
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(&words[0]);
        clean(&mut command);
        command
            .args(&words[1..])
            .env("PATH", path)
            .envs(variables)
            .current_dir(self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        command.spawn().unwrap()
    }

    fn local(&self, name: &str, word: &str) -> String {
        let folder = self.folder.display();
        word.replace(&format!("{name}-0.{name}:"), "127.0.0.1:")
            .replace("/results", &format!("{folder}/results"))
    }
}

/// Replaces `$(NAME)` by its variable, and `$$` by `$`, as the API's documentation of `command` says; an unknown name stays.
fn expanded(word: &str, variables: &BTreeMap<&str, &str>) -> String {
    let mut expanded = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
            continue;
        }
        let name = rest
            .strip_prefix('(')
            .and_then(|inner| inner.split_once(')'));
        match name.and_then(|(name, after)| Some((variables.get(name)?, after))) {
            Some((value, after)) => {
                expanded.push_str(value);
                rest = after;
            }
            None => expanded.push('$'),
        }
    }
    expanded + rest
}

#[test]
fn variables_are_expanded_as_kubernetes_does() {
    let variables = BTreeMap::from([("INDEX", "3")]);
    let expanded = |word| expanded(word, &variables);
    assert_eq!(expanded("a-$(INDEX)/4"), "a-3/4");
    assert_eq!(
        expanded("$$(INDEX) $(OTHER) $x $"),
        "$(INDEX) $(OTHER) $x $"
    );
}
