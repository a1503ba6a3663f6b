//! The job for Slurm: a batch script with a step of `srun`, and a job that merges once the first has ended, however it did.

use super::{
    job::{Job, JobFlags, split},
    script::{TOKEN, with_input, words},
};
use crate::problem::Problem;

/// A job for Slurm.
#[derive(Debug, clap::Args)]
pub(super) struct Slurm {
    #[command(flatten)]
    pub(super) job: JobFlags,
    /// Nodes for the shards. Default: as Slurm places them.
    #[arg(long)]
    nodes: Option<usize>,
    /// Processors of each shard.
    #[arg(long, default_value_t = 2)]
    cpus_per_task: usize,
    /// Name of the job.
    #[arg(long, default_value = "goodput")]
    job_name: String,
    /// More options of sbatch for both jobs, such as "--partition=load --time=30".
    #[arg(
        long,
        value_name = "OPTIONS",
        default_value = "",
        allow_hyphen_values = true
    )]
    sbatch_options: String,
    /// Wait for the merge and exit with its code, which is that of the verdict.
    #[arg(long)]
    wait: bool,
}

impl Slurm {
    /// The script that submits both jobs.
    pub(super) fn text(&self, job: &Job, problems: &mut Vec<Problem>) -> String {
        let more = split("--sbatch-options", &self.sbatch_options, problems);
        let name = &self.job_name;
        let mut shards = vec![
            "sbatch".to_owned(),
            "--parsable".to_owned(),
            format!("--job-name={name}"),
            format!("--ntasks={}", job.shards),
            format!("--cpus-per-task={}", self.cpus_per_task),
            // A shard that starts again would send its part again.
            "--no-requeue".to_owned(),
            "--output=goodput-%j.log".to_owned(),
        ];
        shards.extend(self.nodes.map(|nodes| format!("--nodes={nodes}")));
        shards.extend(more.iter().cloned());
        let mut merge = vec![
            "sbatch".to_owned(),
            format!("--job-name={name}-merge"),
            "--ntasks=1".to_owned(),
            "--no-requeue".to_owned(),
            "--output=goodput-%j.log".to_owned(),
        ];
        if self.wait {
            merge.push("--wait".to_owned());
        }
        merge.extend(more);
        let folder = match &self.job.result_dir {
            Some(folder) => words([folder]),
            None => "goodput-\"$sender\"".to_owned(),
        };
        format!(
            "#!/bin/sh\n\
             # Submits a run of goodput in {count} shards, and the merge of their files.\n\
             set -eu\n\
             sender=$({shards})\n\
             sender=${{sender%%;*}}\n\
             export sender\n\
             echo \"job $sender sends; when it has ended, the next one merges into\" {folder}\n\
             {merge}",
            count = job.shards,
            shards = with_input(&words(shards), &self.step(job)),
            merge = with_input(
                &format!("{} --dependency=afterany:\"$sender\"", words(merge)),
                &merging(job, &folder)
            ),
        )
    }

    /// The batch script of the shards, which runs on their first node: that of shard 0.
    fn step(&self, job: &Job) -> String {
        let folder = match &self.job.result_dir {
            Some(folder) => words([folder]),
            None => "goodput-\"$SLURM_JOB_ID\"".to_owned(),
        };
        let srun = [
            "srun".to_owned(),
            format!("--ntasks={}", job.shards),
            format!("--cpus-per-task={}", self.cpus_per_task),
            // The others write what they measured.
            "--kill-on-bad-exit=0".to_owned(),
        ];
        format!(
            "#!/bin/sh\n\
             set -eu\n\
             folder={folder}\n\
             mkdir -p \"$folder\"\n\
             {TOKEN}\
             exec {srun} {shard} --rendezvous \"$(hostname):{port}\" --result-dir \"$folder\" {serve}\n",
            srun = words(srun),
            shard = words(job.shard()),
            port = job.port,
            serve = words(job.serve()),
        )
    }
}

fn merging(job: &Job, folder: &str) -> String {
    format!(
        "#!/bin/sh\n\
         set -eu\n\
         folder={folder}\n\
         exec {goodput} merge \"$folder\"/shard-*-of-{count}.json --result-dir \"$folder\" {merge}\n",
        count = job.shards,
        goodput = words([&job.goodput]),
        merge = words(job.merge()),
    )
}

#[cfg(test)]
mod tests {
    use super::{super::job::tests::flags, *};

    #[test]
    fn a_script_submits_the_shards_and_the_merge() {
        let slurm = Slurm {
            job: flags(&[
                "--base-url",
                "http://gpu1:8000",
                "--slo",
                "p99(ttft) < 300ms",
            ]),
            nodes: Some(2),
            cpus_per_task: 2,
            job_name: "goodput".to_owned(),
            sbatch_options: "--partition=load --comment='two words'".to_owned(),
            wait: true,
        };
        let mut problems = Vec::new();
        let text = slurm.text(&slurm.job.job().0, &mut problems);
        assert_eq!(problems, []);
        insta::assert_snapshot!(text);
    }
}
