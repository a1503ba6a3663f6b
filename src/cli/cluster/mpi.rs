//! The job for MPI: a line of `mpirun`, and the merge.

use super::{
    job::{Job, JobFlags, split},
    script::{TOKEN, words},
};
use crate::problem::Problem;

/// A job for MPI.
#[derive(Debug, clap::Args)]
pub(super) struct Mpi {
    #[command(flatten)]
    pub(super) job: JobFlags,
    /// Machines for the shards, the first of which has shard 0. Default: those of the scheduler, or this machine.
    #[arg(long, value_delimiter = ',', value_name = "HOSTS")]
    hosts: Vec<String>,
    /// More options of mpirun, such as "--oversubscribe".
    #[arg(
        long,
        value_name = "OPTIONS",
        default_value = "",
        allow_hyphen_values = true
    )]
    mpirun_options: String,
}

impl Mpi {
    /// The script that starts the shards and merges their files.
    pub(super) fn text(&self, job: &Job, problems: &mut Vec<Problem>) -> String {
        let mut mpirun = vec!["mpirun".to_owned(), "-n".to_owned(), job.shards.to_string()];
        if !self.hosts.is_empty() {
            mpirun.extend(["--host".to_owned(), self.hosts.join(",")]);
        }
        // Without it only this machine's processes would have the token.
        mpirun.extend(["-x", "GOODPUT_RENDEZVOUS_TOKEN"].map(str::to_owned));
        let more = split("--mpirun-options", &self.mpirun_options, problems);
        mpirun.extend(more);
        let first = match self.hosts.first() {
            // A host may have a number of slots behind a colon.
            Some(host) => words([host.split(':').next().unwrap_or(host)]),
            None => "\"$(hostname)\"".to_owned(),
        };
        let folder = match &self.job.result_dir {
            Some(folder) => words([folder]),
            None => "goodput-\"$(date +%Y%m%d-%H%M%S)\"".to_owned(),
        };
        format!(
            "#!/bin/sh\n\
             # Sends a run of goodput in {count} shards and merges their files.\n\
             set -u\n\
             folder={folder}\n\
             mkdir -p \"$folder\" || exit 2\n\
             {TOKEN}\
             # One shard that ends with an error must not end the others.\n\
             export OMPI_MCA_orte_abort_on_non_zero_status=0\n\
             {mpirun} {shard} --rendezvous {first}:{port} --result-dir \"$folder\" {serve}\n\
             exec {goodput} merge \"$folder\"/shard-*-of-{count}.json --result-dir \"$folder\" {merge}\n",
            count = job.shards,
            mpirun = words(mpirun),
            shard = words(job.shard()),
            port = job.port,
            serve = words(job.serve()),
            goodput = words([&job.goodput]),
            merge = words(job.merge()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{super::job::tests::flags, *};

    #[test]
    fn a_script_starts_the_shards_and_merges() {
        let mpi = Mpi {
            job: flags(&[
                "--base-url",
                "http://gpu1:8000",
                "--slo",
                "p99(ttft) < 300ms",
            ]),
            hosts: vec!["node1:2".to_owned(), "node2:2".to_owned()],
            mpirun_options: "--oversubscribe".to_owned(),
        };
        let mut problems = Vec::new();
        let text = mpi.text(&mpi.job.job().0, &mut problems);
        assert_eq!(problems, []);
        insta::assert_snapshot!(text);
    }
}
