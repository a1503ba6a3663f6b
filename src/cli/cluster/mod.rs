//! `goodput cluster`: the job that starts the shards of a run on Slurm, Kubernetes or MPI, and the merge of their files.
//!
//! An engine's file turns a [`Job`](job::Job) into text. Nothing of goodput runs next to the shards: the engine starts them, they meet by
//! themselves, and `goodput merge` judges.

mod job;
mod kubernetes;
mod mpi;
mod script;
mod slurm;
mod submit;

use self::job::JobFlags;
use super::serve;
use crate::{error::Error, exit_code, screen};
use clap::Subcommand;
use std::process::ExitCode;

/// The end of the long help.
pub(super) const EXAMPLES: &str = "\
Examples:
  Four shards on Slurm; the script submits them and the merge of their files:
    goodput cluster slurm --shards 4 -- --base-url http://gpu1:8000 --request-rate 400 --num-prompts 100000 > run.sh
    sh run.sh

  The manifest of a Kubernetes Job, submitted at once:
    goodput cluster kubernetes --shards 4 --image registry.example/goodput:0.1 --claim results --submit \\
      -- --base-url http://llm:8000 --request-rate 400 --num-prompts 100000 --slo \"p99(ttft) < 300ms\"

docs/cluster.md goes through both.";

/// Arguments of `goodput cluster`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    engine: Engine,
}

#[derive(Debug, Subcommand)]
enum Engine {
    /// A shell script that submits a batch job with a step of srun, and a job that merges.
    Slurm(slurm::Slurm),
    /// A manifest: an Indexed Job, a headless Service, a ConfigMap for files, and a suspended Job that merges.
    Kubernetes(kubernetes::Kubernetes),
    /// A shell script with a line of mpirun, and one that merges.
    Mpi(mpi::Mpi),
}

pub(super) fn run(args: &Args) -> ExitCode {
    match args.engine.run() {
        Ok(code) => code,
        Err(e) => {
            screen::error(&e);
            ExitCode::from(e.exit_code())
        }
    }
}

impl Engine {
    fn flags(&self) -> &JobFlags {
        match self {
            Engine::Slurm(slurm) => &slurm.job,
            Engine::Kubernetes(kubernetes) => &kubernetes.job,
            Engine::Mpi(mpi) => &mpi.job,
        }
    }

    fn run(&self) -> Result<ExitCode, Error> {
        let flags = self.flags();
        let (job, mut problems) = flags.job();
        let text = match self {
            Engine::Slurm(slurm) => slurm.text(&job, &mut problems),
            Engine::Kubernetes(kubernetes) => kubernetes.text(&job, &mut problems),
            Engine::Mpi(mpi) => mpi.text(&job, &mut problems),
        };
        if let Err(Error::Invalid(more)) = serve::checked(&flags.serve) {
            problems.extend(more);
        }
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        if !flags.submit {
            screen::document(&text);
            return Ok(ExitCode::from(exit_code::PASS));
        }
        let code = match self {
            Engine::Kubernetes(kubernetes) => kubernetes.submit(&text)?,
            Engine::Slurm(_) | Engine::Mpi(_) => submit::script(&text)?,
        };
        Ok(ExitCode::from(code))
    }
}
