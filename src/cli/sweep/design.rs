//! The cases of a sweep, with everything checked that can be checked before the first request.

use crate::{
    bench::Bench,
    cli::serve,
    error::Error,
    files,
    plan::Plan,
    problem::Problem,
    report::Report,
    sweep::{self, Point, Work, shown},
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, ffi::OsString, rc::Rc};
use xxhash_rust::xxh3::xxh3_128;

/// How result files are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// A file for each case in one folder, with `aggregate_results.csv`.
    Flat,
    /// A folder for each combination, as `vllm bench sweep serve` makes them.
    Vllm,
}

/// A combination of settings before its flags are read.
pub(super) struct Combination {
    /// Names the case, and in vLLM's layout its folder. Empty only for the one combination of nothing.
    pub(super) name: String,
    pub(super) point: Point,
    pub(super) what: What,
    /// What vLLM adds to the keys of a result.
    pub(super) tags: Map<String, Value>,
    /// The server that it runs on, of those that the sweep starts.
    pub(super) server: usize,
}

/// What a combination measures.
pub(super) enum What {
    /// Flags of `goodput serve`.
    Words(Vec<OsString>),
    /// A bench of a suite.
    Bench(Box<Bench>),
}

/// A case: one run of a combination.
pub(super) struct Case {
    pub(super) name: String,
    /// The result file, below the folder of results.
    pub(super) file: String,
    /// The place of its combination.
    pub(super) combination: usize,
    pub(super) run: usize,
    pub(super) of: Rc<Planned>,
}

/// A combination that can be run.
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) point: Point,
    pub(super) tags: Map<String, Value>,
    pub(super) server: usize,
    pub(super) line: Line,
    pub(super) work: Work,
    pub(super) requests: usize,
    /// Hash of all settings and of the plan. Another one is another case, whatever its name.
    pub(super) settings: String,
}

/// A bench, with the words in which it was asked for.
pub(super) enum Line {
    Flags(Box<serve::Case>),
    Suite(Box<Bench>),
}

impl Line {
    pub(super) fn bench(&self) -> &Bench {
        match self {
            Line::Flags(case) => &case.bench,
            Line::Suite(bench) => bench,
        }
    }

    /// The keys of the result file.
    ///
    /// # Errors
    /// As [`serve::Case::result`].
    pub(super) fn result(&self, report: &Report) -> Result<Map<String, Value>, Error> {
        match self {
            Line::Flags(case) => case.result(report),
            Line::Suite(bench) => Ok(sweep::result(bench, report)),
        }
    }

    /// An error of the run, in these words.
    pub(super) fn error(&self, error: Error) -> Error {
        match self {
            Line::Flags(case) => case.error(error),
            Line::Suite(_) => error,
        }
    }

    fn plan(&self) -> Result<Plan, Error> {
        match self {
            Line::Flags(case) => case.plan(),
            Line::Suite(bench) => bench.plan(),
        }
    }
}

/// The name of a case after its settings, in the form that the community uses for lengths and concurrency.
pub(super) fn name(point: &Point) -> String {
    let of = |key: &str| point.iter().find(|(other, _)| other == key);
    let both = |a, b| Some((of(a)?, of(b)?));
    let mut name = "bench".to_owned();
    let mut named = Vec::new();
    for (a, b, between) in [
        ("random-input-len", "random-output-len", ["_io", "x"]),
        ("max-concurrency", "num-prompts", ["_mc", "_np"]),
    ] {
        if let Some(((_, first), (_, second))) = both(a, b) {
            name += &format!(
                "{}{}{}{}",
                between[0],
                shown(first),
                between[1],
                shown(second)
            );
            named.extend([a, b]);
        }
    }
    for (key, value) in point
        .iter()
        .filter(|(key, _)| !named.contains(&key.as_str()))
    {
        name += &format!("_{}={}", key.replace('-', "_"), shown(value));
    }
    files::fitting(&name)
}

/// Reads the flags of all combinations and makes their plans.
///
/// # Errors
/// Everything that is wrong with any of them.
pub(super) fn cases(
    combinations: Vec<Combination>,
    layout: Layout,
    runs: usize,
    also: &Value,
    problems: &mut Vec<Problem>,
) -> Vec<Case> {
    let mut names = BTreeSet::new();
    let mut cases = Vec::new();
    for (place, combination) in combinations.into_iter().enumerate() {
        if !names.insert(combination.name.clone()) {
            let message = "names two cases. Remove one, or let their values differ";
            add(problems, Problem::new("case", &combination.name, message));
            continue;
        }
        let planned = match planned(combination, also) {
            Ok(planned) => Rc::new(planned),
            Err(Error::Invalid(found)) => {
                found.into_iter().for_each(|problem| add(problems, problem));
                continue;
            }
            Err(e) => {
                add(problems, Problem::new("case", "", e.to_string()));
                continue;
            }
        };
        for run in 0..runs {
            let (name, file) = match layout {
                Layout::Flat if runs == 1 => {
                    (planned.name.clone(), format!("{}.json", planned.name))
                }
                Layout::Flat => {
                    let name = format!("{}_run{run}", planned.name);
                    (name.clone(), format!("{name}.json"))
                }
                Layout::Vllm => {
                    let within = |name: String| match planned.name.as_str() {
                        "" => name,
                        folder => format!("{folder}/{name}"),
                    };
                    (
                        within(format!("run={run}")),
                        within(format!("run={run}.json")),
                    )
                }
            };
            cases.push(Case {
                name,
                file,
                combination: place,
                run,
                of: Rc::clone(&planned),
            });
        }
    }
    cases
}

/// What is wrong with several cases is said once.
fn add(problems: &mut Vec<Problem>, problem: Problem) {
    if !problems.contains(&problem) {
        problems.push(problem);
    }
}

fn planned(combination: Combination, also: &Value) -> Result<Planned, Error> {
    let Combination {
        name,
        point,
        what,
        tags,
        server,
    } = combination;
    let line = match what {
        What::Bench(bench) => Line::Suite(bench),
        What::Words(words) => {
            let mut case = serve::Case::of(words)?;
            if !name.is_empty() {
                case.bench.name.clone_from(&name);
            }
            Line::Flags(Box::new(case))
        }
    };
    let plan = line.plan()?;
    let settings = json!({
        "settings": line.bench().script()?,
        "plan": plan.hash(),
        "tags": tags,
        "sweep": also,
    });
    Ok(Planned {
        work: Work::of(&plan, line.bench().load.max_concurrency),
        requests: plan.requests.len(),
        settings: format!("{:032x}", xxh3_128(settings.to_string().as_bytes())),
        name,
        point,
        tags,
        server,
        line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[("random-input-len", json!(256)), ("random-output-len", json!(64)), ("max-concurrency", json!(4)), ("num-prompts", json!(40))],
        "bench_io256x64_mc4_np40")]
    #[case(&[("request-rate", json!(2.5)), ("random-input-len", json!(8)), ("random-output-len", json!(4))],
        "bench_io8x4_request_rate=2.5")]
    #[case(&[("max-concurrency", json!(4))], "bench_max_concurrency=4")]
    #[case(&[("model", json!("a/b"))], "bench_model=a-b")]
    fn cases_are_named_after_their_settings(
        #[case] point: &[(&str, Value)],
        #[case] expected: &str,
    ) {
        let point = point
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()));
        assert_eq!(name(&point.collect()), expected);
    }

    fn combination(name: &str, words: &str) -> Combination {
        Combination {
            name: name.to_owned(),
            point: Vec::new(),
            what: What::Words(
                shell_words::split(words)
                    .unwrap()
                    .into_iter()
                    .map(OsString::from)
                    .collect(),
            ),
            tags: Map::new(),
            server: 0,
        }
    }

    fn made(combinations: Vec<Combination>, layout: Layout) -> (Vec<Case>, Vec<Problem>) {
        let mut problems = Vec::new();
        let cases = cases(combinations, layout, 2, &Value::Null, &mut problems);
        (cases, problems)
    }

    #[test]
    fn each_run_has_a_file() {
        let flat = made(vec![combination("a", "--target sim")], Layout::Flat).0;
        let files: Vec<&str> = flat.iter().map(|case| case.file.as_str()).collect();
        assert_eq!(files, ["a_run0.json", "a_run1.json"]);
        let vllm = vec![
            combination("a", "--target sim"),
            combination("", "--target sim"),
        ];
        let vllm = made(vllm, Layout::Vllm).0;
        let files: Vec<&str> = vllm.iter().map(|case| case.file.as_str()).collect();
        assert_eq!(
            files,
            ["a/run=0.json", "a/run=1.json", "run=0.json", "run=1.json"]
        );
    }

    #[test]
    fn everything_that_is_wrong_is_said_once() {
        let lines = [
            "--target sim --num-prompts 0",
            "--target sim --num-prompts 0 --confidence 2",
        ];
        let wrong = lines.iter().enumerate();
        let mut all: Vec<Combination> = wrong
            .map(|(place, line)| combination(&place.to_string(), line))
            .collect();
        all.push(combination("0", "--target sim"));
        let (cases, problems) = made(all, Layout::Flat);
        assert!(cases.is_empty());
        let fields: Vec<&str> = problems
            .iter()
            .map(|problem| problem.field.as_str())
            .collect();
        assert_eq!(
            fields,
            ["--num-prompts", "--confidence", "case"],
            "{problems:?}"
        );
    }

    /// What a result depends on is in its hash, and what it does not depend on is not.
    #[rstest]
    #[case::same("--target sim --seed 0 --num-prompts 10", true)]
    #[case::plan("--target sim --seed 1 --num-prompts 10", false)]
    #[case::concurrency("--target sim --seed 0 --num-prompts 10 --max-concurrency 2", false)]
    #[case::target("--target sim(itl=1ms) --seed 0 --num-prompts 10", false)]
    #[case::demand("--target sim --seed 0 --num-prompts 10 --slo 'p50(ttft) < 1s'", false)]
    #[case::output(
        "--target sim --seed 0 --num-prompts 10 --output junit=x.xml --disable-tqdm",
        true
    )]
    fn a_changed_case_has_another_hash(#[case] line: &str, #[case] same: bool) {
        let hash = |line: &str| {
            let cases = made(vec![combination("a", line)], Layout::Flat).0;
            cases[0].of.settings.clone()
        };
        let first = hash("--target sim --num-prompts 10 --salt auto");
        let other = hash(&format!("{line} --salt auto"));
        assert_eq!(first == other, same);
    }
}
