//! What the jobs of all engines have in common.

use crate::{cli::argv::given, problem::Problem, redact, shard};
use std::ffi::OsString;

/// Flags of all engines.
#[derive(Debug, clap::Args)]
pub(super) struct JobFlags {
    /// Number of shards: processes that send the run together.
    #[arg(long, value_name = "N")]
    pub(super) shards: usize,
    /// Port where shard 0 waits for the others.
    #[arg(long, default_value_t = 47_809)]
    rendezvous_port: u16,
    /// Folder of the shards' files, which all of them and the merge can write to. Default: goodput- and the job's number, in
    /// the folder where it is submitted; for Kubernetes a folder of --claim.
    #[arg(long, value_name = "FOLDER")]
    pub(super) result_dir: Option<String>,
    /// More flags of `goodput merge`, such as "--output junit=junit.xml".
    #[arg(
        long,
        value_name = "FLAGS",
        default_value = "",
        allow_hyphen_values = true
    )]
    merge_flags: String,
    /// The goodput to start, where the job runs.
    #[arg(long, value_name = "PROGRAM", default_value = "goodput")]
    goodput: String,
    /// Submit the job instead of printing it.
    #[arg(long)]
    pub(super) submit: bool,
    /// Flags of `goodput serve`.
    #[arg(last = true, required = true, value_name = "FLAGS OF SERVE")]
    pub(super) serve: Vec<OsString>,
}

/// The processes of a run.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) shards: usize,
    pub(super) port: u16,
    pub(super) goodput: String,
    serve: Vec<String>,
    merge: Vec<String>,
}

/// Flags that the job sets.
const OURS: [&str; 5] = [
    "shard",
    "rendezvous",
    "rendezvous-token-file",
    "start-at",
    "result-dir",
];

impl JobFlags {
    /// The job, and what is wrong with it.
    pub(super) fn job(&self) -> (Job, Vec<Problem>) {
        let mut problems = Vec::new();
        if !(1..=shard::MOST).contains(&self.shards) {
            let fix = format!("must be from 1 to {}", shard::MOST);
            problems.push(Problem::new("--shards", self.shards, fix));
        }
        for flag in OURS.into_iter().filter(|flag| given(&self.serve, flag)) {
            let fix = "is set by the job. Leave it out";
            problems.push(Problem::new(format!("--{flag}"), "(set)", fix));
        }
        self.check_secrets(&mut problems);
        let merge = split("--merge-flags", &self.merge_flags, &mut problems);
        let serve = self.serve.iter().map(|word| {
            word.to_str().map(str::to_owned).ok_or_else(|| {
                let fix = "is not UTF-8, so a job cannot hold it. Write another name";
                Problem::new("flags of serve", word.display(), fix)
            })
        });
        let serve: Result<Vec<String>, Problem> = serve.collect();
        let serve = serve.unwrap_or_else(|problem| {
            problems.push(problem);
            Vec::new()
        });
        let job = Job {
            shards: self.shards,
            port: self.rendezvous_port,
            goodput: self.goodput.clone(),
            serve,
            merge,
        };
        (job, problems)
    }

    /// A job is readable for others, also while it runs.
    fn check_secrets(&self, problems: &mut Vec<Problem>) {
        let readable = "would be in the job's text, which others can read";
        if given(&self.serve, "header") {
            let fix = format!(
                "{readable}. Put it into a file that all shards can read, and give --config FILE"
            );
            problems.push(Problem::new("--header", "***", fix));
        }
        let words = self.serve.iter().filter_map(|word| word.to_str());
        for word in words.filter(|word| redact::text(word) != **word) {
            let fix = format!(
                "{readable}. Put it into a file that all shards can read, and give --config FILE"
            );
            problems.push(Problem::new("flags of serve", word, fix));
        }
        let key = self.serve.iter().filter_map(|word| word.to_str());
        let mut key = key.skip_while(|word| !word.starts_with("--api-key"));
        let key = key.next().map(|flag| match flag.split_once('=') {
            Some((_, value)) => value.to_owned(),
            None => key.next().unwrap_or_default().to_owned(),
        });
        if key.is_some_and(|key| !key.starts_with("env:")) {
            let fix = format!("{readable}. Name a variable that the job has, such as env:LLM_KEY");
            problems.push(Problem::new("--api-key", "***", fix));
        }
    }
}

/// The words of a flag that holds several.
pub(super) fn split(flag: &str, text: &str, problems: &mut Vec<Problem>) -> Vec<String> {
    shell_words::split(text).unwrap_or_else(|e| {
        let fix = format!("cannot be split into words: {e}");
        problems.push(Problem::new(flag, text, fix));
        Vec::new()
    })
}

impl Job {
    /// Arguments of each shard before those that differ by engine.
    pub(super) fn shard(&self) -> Vec<String> {
        let shard = format!("auto/{}", self.shards);
        [self.goodput.as_str(), "serve", "--shard", &shard]
            .map(str::to_owned)
            .to_vec()
    }

    /// The flags of `goodput serve` as they were given.
    pub(super) fn serve(&self) -> &[String] {
        &self.serve
    }

    /// Arguments of the merge behind its files.
    pub(super) fn merge(&self) -> Vec<String> {
        let saved = ["--save-result", "--result-filename", "run.json"].map(str::to_owned);
        saved
            .into_iter()
            .chain(self.merge.iter().cloned())
            .collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use rstest::rstest;

    pub(in crate::cli::cluster) fn flags(serve: &[&str]) -> JobFlags {
        JobFlags {
            shards: 4,
            rendezvous_port: 5555,
            result_dir: None,
            merge_flags: "--output 'junit=a file.xml'".to_owned(),
            goodput: "goodput".to_owned(),
            submit: false,
            serve: serve.iter().map(OsString::from).collect(),
        }
    }

    #[rstest]
    #[case(&["--shard", "0/4"], "--shard = (set): is set by the job")]
    #[case(&["--result-dir=x"], "--result-dir = (set)")]
    #[case(&["--api-key", "sk-hush"], "env:LLM_KEY")]
    #[case(&["--api-key=sk-hush"], "env:LLM_KEY")]
    #[case(&["--extra-body", "{\"api_key\": \"sk-hush\"}"], "--config FILE")]
    #[case(&["--header", "X-Key=hush"], "--config FILE")]
    fn what_a_job_must_not_hold(#[case] serve: &[&str], #[case] told: &str) {
        let (_, problems) = flags(serve).job();
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let all = all.join("\n");
        assert!(all.contains(told) && !all.contains("hush"), "{all}");
    }

    #[test]
    fn a_key_of_the_environment_is_fine() {
        let (job, problems) = flags(&["--api-key", "env:LLM_KEY"]).job();
        assert_eq!(problems, []);
        assert_eq!(job.serve(), ["--api-key", "env:LLM_KEY"]);
        assert_eq!(job.merge()[3..], ["--output", "junit=a file.xml"]);
    }

    #[test]
    fn zero_shards_and_unfinished_quotes_are_told_together() {
        let flags = JobFlags {
            shards: 0,
            merge_flags: "'".to_owned(),
            ..flags(&["--seed", "1"])
        };
        let fields: Vec<String> = flags.job().1.into_iter().map(|p| p.field).collect();
        assert_eq!(fields, ["--shards", "--merge-flags"]);
    }
}
