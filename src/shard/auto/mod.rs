//! The shard of this process, by the environment that its engine sets: the table behind `--shard auto`.
//!
//! An engine numbers either its jobs (Kubernetes, arrays) or the processes of one job (`srun`, MPI). Several sources may be set at
//! once: an array's variables are also in the steps of its elements, and Open MPI sets those of PMIx. Numbers of processes must
//! agree. A number of a job next to one of its processes is refused, unless one of them numbers nothing: both together would count
//! some processes twice.

mod environment;
mod sources;
#[cfg(test)]
mod tests;

use super::Shard;
use crate::problem::Problem;
use environment::{Environment, Place, problem};
use sources::{SOURCES, Source};

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
    let found = found(&env)?;
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

/// All engines that number this process.
fn found(env: &Environment<'_>) -> Result<Vec<(&'static Source, Place)>, Problem> {
    SOURCES
        .iter()
        .filter_map(|source| Some((source, (source.read)(env)?)))
        .map(|(source, place)| Ok((source, place?)))
        .collect()
}
