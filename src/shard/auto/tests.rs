//! What each engine sets, and what is refused.

use super::*;
use rstest::rstest;
use std::cell::RefCell;

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

/// The page has each engine with all variables that are read for it.
#[test]
fn the_page_of_shards_has_the_table() {
    let page = include_str!("../../../docs/shards.md");
    for source in sources::SOURCES {
        let asked = RefCell::new(Vec::new());
        let one = |name: &str| {
            asked.borrow_mut().push(name.to_owned());
            Some("1".to_owned())
        };
        let read = (source.read)(&Environment(&one));
        assert!(matches!(read, Some(Ok(_))), "{}", source.engine);
        let start = format!("| {} |", source.engine);
        let row = page.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("docs/shards.md has no row {start}"));
        for name in asked.take() {
            assert!(row.contains(&format!("`{name}`")), "{name}: {row}");
        }
    }
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
