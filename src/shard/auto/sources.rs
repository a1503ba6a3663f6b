//! The table of engines.

use super::environment::{Array, Environment, Place};
use crate::problem::Problem;

/// Where an engine writes a number.
pub(super) struct Source {
    /// Name in messages.
    pub(super) engine: &'static str,
    pub(super) numbers: Numbered,
    /// Reads the variables; `None` if the engine did not start this process.
    pub(super) read: fn(&Environment<'_>) -> Option<Result<Place, Problem>>,
}

/// What an engine numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbered {
    Jobs,
    Processes,
}

/// All engines. docs/shards.md shows the same table.
pub(super) const SOURCES: [Source; 8] = [
    Source {
        engine: "a Kubernetes Indexed Job",
        numbers: Numbered::Jobs,
        read: |env| env.ranked("JOB_COMPLETION_INDEX", None),
    },
    Source {
        engine: "a Slurm array",
        numbers: Numbered::Jobs,
        read: |env| env.array(&SLURM_ARRAY),
    },
    Source {
        engine: "a Grid Engine array",
        numbers: Numbered::Jobs,
        read: |env| env.array(&GRID_ENGINE),
    },
    Source {
        engine: "a step of srun",
        numbers: Numbered::Processes,
        read: |env| env.step(),
    },
    Source {
        engine: "Open MPI",
        numbers: Numbered::Processes,
        read: |env| env.ranked("OMPI_COMM_WORLD_RANK", Some("OMPI_COMM_WORLD_SIZE")),
    },
    Source {
        engine: "PMI",
        numbers: Numbered::Processes,
        read: |env| env.ranked("PMI_RANK", Some("PMI_SIZE")),
    },
    Source {
        engine: "PMIx",
        numbers: Numbered::Processes,
        read: |env| env.ranked("PMIX_RANK", None),
    },
    Source {
        engine: "RANK and WORLD_SIZE",
        numbers: Numbered::Processes,
        read: |env| match env.text("WORLD_SIZE") {
            Some(_) => env.ranked("RANK", Some("WORLD_SIZE")),
            // A variable of so common a name may be anything.
            None => None,
        },
    },
];

pub(super) const SLURM_ARRAY: Array = Array {
    id: "SLURM_ARRAY_TASK_ID",
    first: "SLURM_ARRAY_TASK_MIN",
    last: "SLURM_ARRAY_TASK_MAX",
    step: "SLURM_ARRAY_TASK_STEP",
    count: Some("SLURM_ARRAY_TASK_COUNT"),
    example: "sbatch --array=0-3",
};

const GRID_ENGINE: Array = Array {
    id: "SGE_TASK_ID",
    first: "SGE_TASK_FIRST",
    last: "SGE_TASK_LAST",
    step: "SGE_TASK_STEPSIZE",
    count: None,
    example: "qsub -t 1-4",
};
