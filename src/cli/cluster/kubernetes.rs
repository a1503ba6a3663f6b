//! The job for Kubernetes: an Indexed Job whose pods find shard 0 by a headless Service, and a Job that merges.
//!
//! Kubernetes cannot start a Job when another one has ended, so the merge is suspended until `kubectl patch` lets it go on.

use super::{
    job::{Job, JobFlags},
    script::words as words_of,
    submit,
};
use crate::{error::Error, problem::Problem, screen};
use serde_json::{Map, Value, json};
use std::{
    fs,
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// A job for Kubernetes.
#[derive(Debug, clap::Args)]
pub(super) struct Kubernetes {
    #[command(flatten)]
    pub(super) job: JobFlags,
    /// Image with goodput.
    #[arg(long)]
    image: String,
    /// PersistentVolumeClaim for the shards' files, which several nodes can mount (ReadWriteMany).
    #[arg(long, value_name = "NAME")]
    claim: String,
    /// Name of the Job, of its Service and of its ConfigMap.
    #[arg(long, default_value = "goodput")]
    name: String,
    /// Namespace. Default: that of kubectl.
    #[arg(long)]
    namespace: Option<String>,
    /// Secret whose keys are variables of the shards, such as LLM_KEY and GOODPUT_RENDEZVOUS_TOKEN.
    #[arg(long, value_name = "NAME")]
    secret: Option<String>,
    /// File for the ConfigMap, of 1 MiB at most; flags name it as /goodput/NAME. Repeatable.
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Processors of each shard.
    #[arg(long, default_value = "2")]
    cpu: String,
    /// Memory of each shard.
    #[arg(long, default_value = "2Gi")]
    memory: String,
    /// Seconds after which Kubernetes ends the Job.
    #[arg(long, default_value_t = 3_600)]
    deadline: u64,
}

/// Largest sum of files that a ConfigMap may hold.
const MOST: usize = 1 << 20;

/// Where the pods have the files of the ConfigMap.
const FILES: &str = "/goodput";

/// Where the pods have the volume of the claim.
const RESULTS: &str = "/results";

/// Pause between two questions after the Job.
const PAUSE: Duration = Duration::from_secs(2);

impl Kubernetes {
    /// The manifest: documents of YAML.
    pub(super) fn text(&self, job: &Job, problems: &mut Vec<Problem>) -> String {
        if !is_label(&self.name) || self.name.len() > 50 {
            let fix = "must be a DNS label of at most 50 characters, such as goodput-2";
            problems.push(Problem::new("--name", &self.name, fix));
        }
        let files = self.files(problems);
        let mut documents = vec![self.service(job)];
        if !files.is_empty() {
            documents.push(self.document("v1", "ConfigMap", &self.name, json!({ "data": files })));
        }
        documents.push(self.shards(job, !files.is_empty()));
        documents.push(self.merge(job));
        let documents = documents.iter().map(|document| {
            serde_saphyr::to_string(document).unwrap_or_else(|e| {
                let fix = format!("cannot be written as YAML: {e}");
                problems.push(Problem::new("flags of serve", "(set)", fix));
                String::new()
            })
        });
        documents.collect::<Vec<_>>().join("---\n")
    }

    /// Files of the ConfigMap by their names.
    fn files(&self, problems: &mut Vec<Problem>) -> Map<String, Value> {
        let (mut files, mut size) = (Map::new(), 0);
        for path in &self.file {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if name.is_empty() || !name.chars().all(plain) || files.contains_key(name) {
                let fix = "needs a name of its own with letters, digits, `-`, `_` and `.`";
                problems.push(Problem::new("--file", path.display(), fix));
            }
            match fs::read_to_string(path) {
                Ok(text) => {
                    size += text.len();
                    files.insert(name.to_owned(), text.into());
                }
                Err(e) => problems.push(Problem::new(
                    "--file",
                    path.display(),
                    format!("cannot be read as text: {e}"),
                )),
            }
        }
        if size > MOST {
            let fix = format!(
                "are {size} bytes, and a ConfigMap holds {MOST}. Put them on the claim, or into the image"
            );
            problems.push(Problem::new("--file", "(all)", fix));
        }
        files
    }

    fn document(&self, version: &str, kind: &str, name: &str, rest: Value) -> Value {
        let mut metadata = json!({ "name": name, "labels": self.labels() });
        if let Some(namespace) = &self.namespace {
            metadata["namespace"] = json!(namespace);
        }
        let mut document = json!({ "apiVersion": version, "kind": kind, "metadata": metadata });
        if let (Some(document), Value::Object(rest)) = (document.as_object_mut(), rest) {
            document.extend(rest);
        }
        document
    }

    fn labels(&self) -> Value {
        json!({ "app.kubernetes.io/name": "goodput", "app.kubernetes.io/instance": self.name })
    }

    /// Gives the pods names, also before they are ready: shard 0 waits for the others.
    fn service(&self, job: &Job) -> Value {
        let spec = json!({
            "clusterIP": "None",
            "publishNotReadyAddresses": true,
            "selector": { "batch.kubernetes.io/job-name": self.name },
            "ports": [{ "name": "rendezvous", "port": job.port }],
        });
        self.document("v1", "Service", &self.name, json!({ "spec": spec }))
    }

    fn folder(&self) -> String {
        match &self.job.result_dir {
            Some(folder) => format!("{RESULTS}/{}", folder.trim_matches('/')),
            None => format!("{RESULTS}/{}", self.name),
        }
    }

    /// The Job of the shards.
    fn shards(&self, job: &Job, has_files: bool) -> Value {
        let name = &self.name;
        let mut words = job.shard();
        words.extend([
            "--rendezvous".to_owned(),
            format!("{name}-0.{name}:{}", job.port),
            "--result-dir".to_owned(),
            self.folder(),
        ]);
        words.extend(job.serve().iter().map(|word| plain(word)));
        let mut container = self.container(words);
        container["ports"] = json!([{ "name": "rendezvous", "containerPort": job.port }]);
        let mut volumes = vec![self.volume()];
        if has_files {
            volumes.push(json!({ "name": "files", "configMap": { "name": name } }));
            if let Some(mounts) = container["volumeMounts"].as_array_mut() {
                mounts.push(json!({ "name": "files", "mountPath": FILES, "readOnly": true }));
            }
        }
        let spread = json!([{
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": { "matchLabels": { "batch.kubernetes.io/job-name": name } },
        }]);
        let spec = json!({
            "completionMode": "Indexed",
            "completions": job.shards,
            "parallelism": job.shards,
            // A pod in place of a failed one would send its part again.
            "backoffLimit": 0,
            "activeDeadlineSeconds": self.deadline,
            "template": {
                "metadata": { "labels": self.labels() },
                "spec": {
                    "restartPolicy": "Never",
                    "subdomain": name,
                    "topologySpreadConstraints": spread,
                    "containers": [container],
                    "volumes": volumes,
                },
            },
        });
        self.document("batch/v1", "Job", name, json!({ "spec": spec }))
    }

    fn merge_name(&self) -> String {
        format!("{}-merge", self.name)
    }

    /// The Job that merges, suspended until the shards have ended.
    fn merge(&self, job: &Job) -> Value {
        let folder = self.folder();
        // A shell finds the files that are there; of a missing one `goodput merge` says its name.
        let script = format!(
            "exec {} merge {}/shard-*-of-{}.json \"$@\"",
            words_of([&job.goodput]),
            words_of([&folder]),
            job.shards
        );
        let mut words = ["sh", "-c", &plain(&script), "sh", "--result-dir", &folder]
            .map(str::to_owned)
            .to_vec();
        words.extend(job.merge().iter().map(|word| plain(word)));
        let spec = json!({
            "suspend": true,
            "backoffLimit": 0,
            "template": {
                "metadata": { "labels": self.labels() },
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [self.container(words)],
                    "volumes": [self.volume()],
                },
            },
        });
        self.document(
            "batch/v1",
            "Job",
            &self.merge_name(),
            json!({ "spec": spec }),
        )
    }

    fn container(&self, words: Vec<String>) -> Value {
        let resources = json!({ "cpu": self.cpu, "memory": self.memory });
        let mut container = json!({
            "name": "goodput",
            "image": self.image,
            "command": words,
            "resources": { "requests": resources, "limits": resources },
            "volumeMounts": [{ "name": "results", "mountPath": RESULTS }],
        });
        if let Some(secret) = &self.secret {
            container["envFrom"] = json!([{ "secretRef": { "name": secret } }]);
        }
        container
    }

    fn volume(&self) -> Value {
        json!({ "name": "results", "persistentVolumeClaim": { "claimName": self.claim } })
    }

    fn kubectl(&self, words: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command.args(self.namespace.iter().flat_map(|name| ["--namespace", name]));
        command.args(words);
        command
    }

    /// Applies the manifest, waits for the shards, and lets the merge go on. Returns the exit code of kubectl, or 4 if the
    /// shards did not end.
    pub(super) fn submit(&self, text: &str) -> Result<u8, Error> {
        let code = submit::fed(self.kubectl(&["apply", "-f", "-"]), text)?;
        if code != 0 {
            return Ok(code);
        }
        let until = Instant::now() + Duration::from_secs(self.deadline) + PAUSE * 30;
        while !self.has_ended()? {
            if Instant::now() > until {
                return Err(Error::Target(format!(
                    "the Job {} has not ended {} s after it was submitted. Look at it with kubectl describe job/{}",
                    self.name, self.deadline, self.name
                )));
            }
            thread::sleep(PAUSE);
        }
        let merge = format!("job/{}", self.merge_name());
        let goes_on = [
            "patch",
            &merge,
            "--type=merge",
            "--patch",
            "{\"spec\":{\"suspend\":false}}",
        ];
        let code = submit::fed(self.kubectl(&goes_on), "")?;
        if code == 0 {
            screen::out(format_args!(
                "the merge runs: kubectl logs --follow {merge}"
            ));
        }
        Ok(code)
    }

    fn has_ended(&self) -> Result<bool, Error> {
        let name = format!("job/{}", self.name);
        let conditions = "jsonpath={.status.conditions[?(@.status==\"True\")].type}";
        let output = self
            .kubectl(&["get", &name, "--output", conditions])
            .output();
        let output = output.map_err(Error::io("cannot run `kubectl`, which submits the job"))?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            return Err(Error::Target(format!("kubectl: {}", why.trim())));
        }
        let conditions = String::from_utf8_lossy(&output.stdout);
        let mut conditions = conditions.split_whitespace();
        Ok(conditions.any(|condition| ["Complete", "Failed"].contains(&condition)))
    }
}

/// A word that Kubernetes leaves as it is: it would replace `$(NAME)` by a variable.
fn plain(word: &str) -> String {
    word.replace("$(", "$$(")
}

/// Whether a name can be part of a DNS name (RFC 1123).
fn is_label(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.starts_with(plain) && name.ends_with(plain) && name.chars().all(|c| plain(c) || c == '-')
}

#[cfg(test)]
mod tests {
    use super::{super::job::tests::flags, *};
    use rstest::rstest;

    fn kubernetes(name: &str, file: Vec<PathBuf>) -> Kubernetes {
        Kubernetes {
            job: flags(&[
                "--base-url",
                "http://llm:8000",
                "--extra-body",
                "{\"a\": \"$(HOME)\"}",
            ]),
            image: "registry.example/goodput:0.1".to_owned(),
            claim: "results".to_owned(),
            name: name.to_owned(),
            namespace: Some("bench".to_owned()),
            secret: Some("llm".to_owned()),
            file,
            cpu: "2".to_owned(),
            memory: "2Gi".to_owned(),
            deadline: 1_800,
        }
    }

    fn written(kubernetes: &Kubernetes) -> (String, Vec<Problem>) {
        let mut problems = Vec::new();
        let text = kubernetes.text(&kubernetes.job.job().0, &mut problems);
        (text, problems)
    }

    #[test]
    fn a_manifest_has_a_job_for_the_shards_and_one_that_merges() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prompts.jsonl");
        fs::write(&file, "{\"prompt\": \"one: two\"}\n").unwrap();
        let (text, problems) = written(&kubernetes("goodput", vec![file]));
        assert_eq!(problems, []);
        insta::assert_snapshot!(text);
    }

    #[rstest]
    #[case("Goodput")]
    #[case("-goodput")]
    #[case("a.b")]
    #[case("")]
    fn a_name_must_be_a_label(#[case] name: &str) {
        let (_, problems) = written(&kubernetes(name, Vec::new()));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].field, "--name");
    }

    #[test]
    fn a_file_that_is_not_there_is_told() {
        let missing = PathBuf::from("/nowhere/a b");
        let (_, problems) = written(&kubernetes("goodput", vec![missing]));
        let fields: Vec<&str> = problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, ["--file", "--file"]);
    }
}
