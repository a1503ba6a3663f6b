//! The shard of this process, by the environment that its engine sets: the table behind `--shard auto`.
//!
//! An engine numbers either its jobs (Kubernetes, arrays) or the processes of one job (`srun`, MPI). Several sources may be set at
//! once: an array's variables are also in the steps of its elements, and Open MPI sets those of PMIx. Numbers of processes must
//! agree. A number of a job next to one of its processes is refused, unless one of them numbers nothing: both together would count
//! some processes twice.

use super::Shard;
use crate::problem::Problem;

/// Where an engine writes a number.
struct Source {
    /// Name in messages.
    engine: &'static str,
    numbers: Numbered,
    /// Reads the variables; `None` if the engine did not start this process.
    read: fn(&Environment<'_>) -> Option<Result<Place, Problem>>,
}

/// What an engine numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbered {
    Jobs,
    Processes,
}

/// A number of an engine, from 0, and how many there are, if it says that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    index: usize,
    count: Option<usize>,
}

/// All engines. docs/shards.md shows the same table.
const SOURCES: [Source; 8] = [
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

/// Variables of an array.
struct Array {
    id: &'static str,
    first: &'static str,
    last: &'static str,
    step: &'static str,
    /// How to submit four elements.
    example: &'static str,
}

const SLURM_ARRAY: Array = Array {
    id: "SLURM_ARRAY_TASK_ID",
    first: "SLURM_ARRAY_TASK_MIN",
    last: "SLURM_ARRAY_TASK_MAX",
    step: "SLURM_ARRAY_TASK_STEP",
    example: "sbatch --array=0-3",
};

const GRID_ENGINE: Array = Array {
    id: "SGE_TASK_ID",
    first: "SGE_TASK_FIRST",
    last: "SGE_TASK_LAST",
    step: "SGE_TASK_STEPSIZE",
    example: "qsub -t 1-4",
};

/// Slurm's steps with a larger number are the batch script and others that `srun` did not start.
const LAST_STEP: usize = 0xffff_ff00;

/// The shard that this process is. `variable` reads the environment; `given` is the N of `auto/N`.
///
/// ```
/// use goodput::shard::{Shard, auto::detect};
///
/// let variable = |name: &str| (name == "JOB_COMPLETION_INDEX").then(|| "2".to_owned());
/// assert_eq!(detect(variable, Some(4)), Ok(Shard { index: 2, count: 4 }));
/// assert!(detect(variable, None).is_err(), "Kubernetes does not say how many there are");
/// ```
///
/// # Errors
/// No engine numbers this process, two of them disagree, one has a value that cannot be, or the count is missing or another
/// than `given`.
pub fn detect(
    variable: impl Fn(&str) -> Option<String>,
    given: Option<usize>,
) -> Result<Shard, Problem> {
    let env = Environment(&variable);
    let found = env.found()?;
    let divides = |place: &Place| place.count != Some(1);
    let several = found.iter().any(|(_, place)| divides(place));
    // One of one is what a command in an element of an array has.
    let found: Vec<_> = found
        .into_iter()
        .filter(|(_, place)| !several || divides(place))
        .collect();
    let Some(((first, place), rest)) = found.split_first() else {
        return Err(env.nothing());
    };
    let mut count = place.count;
    for (other, at) in rest {
        let same_count = count.is_none() || at.count.is_none() || count == at.count;
        if first.numbers != other.numbers || at.index != place.index || !same_count {
            return Err(problem(format!(
                "{} says {}, and {} says {}. Write the shard, such as --shard 0/4",
                first.engine,
                place.text(),
                other.engine,
                at.text()
            )));
        }
        count = count.or(at.count);
    }
    let count = match (count, given) {
        (Some(count), Some(given)) if count != given => {
            return Err(problem(format!(
                "{} has {count} processes, and --shard says {given}. Write --shard auto/{count}, or start {given}",
                first.engine
            )));
        }
        (Some(count), _) | (None, Some(count)) => count,
        (None, None) => {
            return Err(problem(format!(
                "{} does not say how many processes there are. Write their number, such as --shard auto/4",
                first.engine
            )));
        }
    };
    Shard::new(place.index, count).map_err(|mistake| {
        problem(format!(
            "{} says {}, and there are {count} processes: {mistake}",
            first.engine,
            place.text()
        ))
    })
}

/// The environment, as the table reads it.
struct Environment<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Environment<'_> {
    /// All engines that number this process.
    fn found(&self) -> Result<Vec<(&'static Source, Place)>, Problem> {
        SOURCES
            .iter()
            .filter_map(|source| Some((source, (source.read)(self)?)))
            .map(|(source, place)| Ok((source, place?)))
            .collect()
    }

    /// A variable that has a value. Grid Engine sets `undefined` where there is no array.
    fn text(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty() && value != "undefined")
    }

    fn number(&self, name: &str) -> Option<Result<usize, Problem>> {
        let value = self.text(name)?;
        let wrong = |_| Problem::new(name, &value, "must be a whole number; the engine sets it");
        Some(value.parse().map_err(wrong))
    }

    /// A number that must be there because another variable is.
    fn needed(&self, name: &str, because: &str) -> Result<usize, Problem> {
        self.number(name).unwrap_or_else(|| {
            let fix =
                format!("is not set, although {because} is. Write the shard, such as --shard 0/4");
            Err(Problem::new(name, "", fix))
        })
    }

    /// A number from 0, and a variable with their count.
    fn ranked(&self, index: &str, count: Option<&str>) -> Option<Result<Place, Problem>> {
        let rank = self.number(index)?;
        Some(rank.and_then(|rank| {
            let count = count.map(|count| self.needed(count, index)).transpose()?;
            Ok(Place { index: rank, count })
        }))
    }

    /// A process that `srun` started. A batch script has a SLURM_PROCID as well, although it is alone.
    fn step(&self) -> Option<Result<Place, Problem>> {
        match self.number("SLURM_STEP_ID")? {
            Ok(step) if step >= LAST_STEP => None,
            Ok(_) => {
                let index = self.needed("SLURM_PROCID", "SLURM_STEP_ID");
                let count = self.needed("SLURM_STEP_NUM_TASKS", "SLURM_STEP_ID");
                Some(index.and_then(|index| {
                    let count = Some(count?);
                    Ok(Place { index, count })
                }))
            }
            Err(problem) => Some(Err(problem)),
        }
    }

    /// An element of an array, which must have no gaps.
    fn array(&self, array: &Array) -> Option<Result<Place, Problem>> {
        let id = self.number(array.id)?;
        Some(id.and_then(|id| {
            let first = self.needed(array.first, array.id)?;
            let last = self.needed(array.last, array.id)?;
            let step = self.number(array.step).unwrap_or(Ok(1))?;
            let counted = self.number("SLURM_ARRAY_TASK_COUNT");
            let fix = format!("Submit an array without gaps, such as {}", array.example);
            if step != 1 {
                let message = format!("must be 1: the elements of the array are the shards. {fix}");
                return Err(Problem::new(array.step, step, message));
            }
            if !(first..=last).contains(&id) {
                let message =
                    format!("is not from {first} to {last}, the ends of the array. {fix}");
                return Err(Problem::new(array.id, id, message));
            }
            let count = (last - first).saturating_add(1);
            if let (true, Some(counted)) = (array.id == SLURM_ARRAY.id, counted) {
                let counted = counted?;
                if counted != count {
                    let name = "SLURM_ARRAY_TASK_COUNT";
                    let message = format!("does not fit elements {first} to {last}. {fix}");
                    return Err(Problem::new(name, counted, message));
                }
            }
            Ok(Place {
                index: id - first,
                count: Some(count),
            })
        }))
    }

    /// What to say where no engine numbers this process.
    fn nothing(&self) -> Problem {
        let fix = "Write the shard, such as --shard 0/4";
        if self.text("SLURM_JOB_ID").is_some() {
            return problem(format!(
                "a Slurm job without a step of srun is one process. Start goodput with srun, or: {fix}"
            ));
        }
        problem(format!(
            "no engine that starts several processes has set its variables. {fix}"
        ))
    }
}

impl Place {
    fn text(self) -> String {
        match self.count {
            Some(count) => format!("{}/{count}", self.index),
            None => self.index.to_string(),
        }
    }
}

fn problem(message: String) -> Problem {
    Problem::new("shard", "auto", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const STEP: &str = "SLURM_JOB_ID=7 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=4";
    const ELEMENT: &str = "SLURM_JOB_ID=7 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=3 SLURM_ARRAY_TASK_COUNT=4 \
                           SLURM_ARRAY_TASK_STEP=1";

    fn found(given: Option<usize>, variables: &[&str]) -> Result<Shard, Problem> {
        let words = variables.iter().flat_map(|line| line.split_whitespace());
        let set: Vec<(&str, &str)> = words.map(|word| word.split_once('=').unwrap()).collect();
        let read = |name: &str| {
            let value = set.iter().find(|(key, _)| *key == name);
            value.map(|(_, value)| (*value).to_owned())
        };
        detect(read, given)
    }

    /// Each row of the table, with values as the engines set them.
    #[rstest]
    #[case::kubernetes(Some(4), &["JOB_COMPLETION_INDEX=2"], 2, 4)]
    #[case::a_step_of_srun(None, &[STEP, "SLURM_PROCID=3"], 3, 4)]
    #[case::an_array(None, &[ELEMENT, "SLURM_ARRAY_TASK_ID=2"], 2, 4)]
    #[case::an_array_from_5(
        None,
        &["SLURM_ARRAY_TASK_ID=6 SLURM_ARRAY_TASK_MIN=5 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=3"],
        1,
        3
    )]
    #[case::open_mpi(None, &["OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4 PMIX_RANK=1"], 1, 4)]
    #[case::pmi(None, &["PMI_RANK=0 PMI_SIZE=2"], 0, 2)]
    #[case::pmix(Some(8), &["PMIX_RANK=7"], 7, 8)]
    #[case::grid_engine(None, &["SGE_TASK_ID=1 SGE_TASK_FIRST=1 SGE_TASK_LAST=4 SGE_TASK_STEPSIZE=1"], 0, 4)]
    #[case::world(None, &["RANK=3 WORLD_SIZE=4"], 3, 4)]
    #[case::the_count_may_be_given_as_well(Some(4), &[STEP, "SLURM_PROCID=3"], 3, 4)]
    #[case::srun_with_pmi(None, &[STEP, "SLURM_PROCID=3 PMI_RANK=3 PMI_SIZE=4"], 3, 4)]
    #[case::one_task_in_an_element(
        None,
        &[ELEMENT, "SLURM_ARRAY_TASK_ID=2 SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=1"],
        2,
        4
    )]
    #[case::an_interactive_step_in_an_element(
        None,
        &[ELEMENT, "SLURM_ARRAY_TASK_ID=2 SLURM_STEP_ID=4294967290 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=4"],
        2,
        4
    )]
    #[case::one_of_one(None, &["RANK=0 WORLD_SIZE=1"], 0, 1)]
    #[case::no_array_of_grid_engine(None, &["SGE_TASK_ID=undefined RANK=0 WORLD_SIZE=2"], 0, 2)]
    fn an_engine_says_which_shard(
        #[case] given: Option<usize>,
        #[case] variables: &[&str],
        #[case] index: usize,
        #[case] count: usize,
    ) {
        assert_eq!(found(given, variables), Ok(Shard { index, count }));
    }

    #[rstest]
    #[case::nothing(None, &[], "no engine")]
    #[case::rank_alone_may_be_anything(None, &["RANK=3"], "no engine")]
    #[case::a_batch_script_is_one_process(None, &["SLURM_JOB_ID=7 SLURM_PROCID=0 SLURM_NTASKS=4"], "srun")]
    #[case::no_count(None, &["JOB_COMPLETION_INDEX=2"], "auto/4")]
    #[case::another_count(Some(8), &[STEP, "SLURM_PROCID=3"], "auto/4")]
    #[case::too_few(Some(2), &["JOB_COMPLETION_INDEX=2"], "there are 2")]
    #[case::a_step_in_an_array(
        None,
        &[ELEMENT, "SLURM_ARRAY_TASK_ID=2 SLURM_STEP_ID=0 SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=4"],
        "a Slurm array says 2/4, and a step of srun says 1/4"
    )]
    #[case::which_agree_by_chance(
        None,
        &[ELEMENT, "SLURM_ARRAY_TASK_ID=2 SLURM_STEP_ID=0 SLURM_PROCID=2 SLURM_STEP_NUM_TASKS=4"],
        "a Slurm array says 2/4, and a step of srun says 2/4"
    )]
    #[case::mpirun_over_srun(
        None,
        &["SLURM_STEP_ID=0 SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=2 OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4"],
        "a step of srun says 1/2, and Open MPI says 1/4"
    )]
    #[case::two_ranks(
        None,
        &["OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4 PMIX_RANK=2"],
        "Open MPI says 1/4, and PMIx says 2"
    )]
    #[case::not_a_number(None, &["RANK=first WORLD_SIZE=4"], "RANK = first")]
    #[case::negative(Some(4), &["JOB_COMPLETION_INDEX=-1"], "JOB_COMPLETION_INDEX = -1")]
    #[case::half_of_a_step(None, &["SLURM_STEP_ID=0 SLURM_PROCID=1"], "SLURM_STEP_NUM_TASKS: is not set")]
    #[case::half_of_an_array(None, &["SLURM_ARRAY_TASK_ID=1"], "SLURM_ARRAY_TASK_MIN: is not set")]
    #[case::every_second(
        None,
        &["SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=6 SLURM_ARRAY_TASK_COUNT=4 \
           SLURM_ARRAY_TASK_STEP=2"],
        "sbatch --array=0-3"
    )]
    #[case::gaps(
        None,
        &["SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=3 \
           SLURM_ARRAY_TASK_STEP=1"],
        "SLURM_ARRAY_TASK_COUNT = 3"
    )]
    #[case::outside_of_the_array(
        None,
        &["SGE_TASK_ID=9 SGE_TASK_FIRST=1 SGE_TASK_LAST=4"],
        "is not from 1 to 4"
    )]
    fn what_is_not_certain_is_refused(
        #[case] given: Option<usize>,
        #[case] variables: &[&str],
        #[case] says: &str,
    ) {
        let refused = found(given, variables).unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    }

    /// An engine may set anything, and there may be any number of processes.
    #[test]
    fn a_count_of_zero_is_no_panic() {
        assert!(found(None, &["RANK=0 WORLD_SIZE=0"]).is_err());
        assert!(found(Some(0), &["JOB_COMPLETION_INDEX=0"]).is_err());
        let ends = "SGE_TASK_ID=0 SGE_TASK_FIRST=0 SGE_TASK_LAST=18446744073709551615";
        assert!(found(None, &[ends]).is_err());
    }
}
