//! The environment, as the table of engines reads it.

use crate::problem::Problem;

/// A number of an engine, from 0, and how many there are, if it says that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) index: usize,
    pub(super) count: Option<usize>,
}

/// Variables of an array.
pub(super) struct Array {
    pub(super) id: &'static str,
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) step: &'static str,
    /// The number of elements, which shows gaps.
    pub(super) count: Option<&'static str>,
    /// How to submit four elements.
    pub(super) example: &'static str,
}

/// Slurm's steps with a larger number are the batch script and others that `srun` did not start.
const LAST_STEP: usize = 0xffff_ff00;

/// The environment, as the table reads it.
pub(super) struct Environment<'a>(pub(super) &'a dyn Fn(&str) -> Option<String>);

impl Environment<'_> {
    /// A variable that has a value. Grid Engine sets `undefined` outside an array.
    pub(super) fn text(&self, name: &str) -> Option<String> {
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
    pub(super) fn ranked(
        &self,
        index: &str,
        count: Option<&str>,
    ) -> Option<Result<Place, Problem>> {
        let rank = self.number(index)?;
        Some(rank.and_then(|rank| {
            let count = count.map(|count| self.needed(count, index)).transpose()?;
            Ok(Place { index: rank, count })
        }))
    }

    /// A process that `srun` started. A batch script has a SLURM_PROCID as well, although it is alone.
    pub(super) fn step(&self) -> Option<Result<Place, Problem>> {
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
    pub(super) fn array(&self, array: &Array) -> Option<Result<Place, Problem>> {
        let id = self.number(array.id)?;
        Some(id.and_then(|id| {
            let first = self.needed(array.first, array.id)?;
            let last = self.needed(array.last, array.id)?;
            let step = self.number(array.step).unwrap_or(Ok(1))?;
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
            let counted = array
                .count
                .and_then(|name| Some((name, self.number(name)?)));
            if let Some((name, counted)) = counted {
                let counted = counted?;
                if counted != count {
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
    pub(super) fn nothing(&self) -> Problem {
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
    pub(super) fn text(self) -> String {
        match self.count {
            Some(count) => format!("{}/{count}", self.index),
            None => self.index.to_string(),
        }
    }
}

pub(super) fn problem(message: String) -> Problem {
    Problem::new("shard", "auto", message)
}
