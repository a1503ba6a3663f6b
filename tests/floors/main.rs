//! Modules go one way: each stands on a floor and imports only from floors below it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod source;

use rstest::rstest;
use source::Source;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::LazyLock,
};

/// From the ground up: what each floor is for, and its modules. `docs/architecture.md` shows the same table.
const FLOORS: [(&str, &[&str]); 14] = [
    (
        "ground",
        &[
            "address",
            "chart",
            "clock",
            "exit_code",
            "feature",
            "files",
            "histogram",
            "label",
            "paths",
            "redact",
            "repr",
            "sampler",
            "setting",
            "stats",
            "stop",
            "structure",
        ],
    ),
    (
        "what all speak of",
        &["lock", "page", "problem", "record", "screen"],
    ),
    (
        "watching, counting, dividing",
        &["observer", "shard", "tokenizer"],
    ),
    (
        "plans, and questions to servers",
        &["inspect", "plan", "rendezvous", "sim"],
    ),
    ("dialects, runs, targets", &["backend", "run", "targets"]),
    (
        "measuring",
        &["client", "journal", "metrics", "mock", "scrape", "signals"],
    ),
    ("judging", &["judge"]),
    ("rendering", &["report"]),
    ("what a report leads to", &["error", "history", "snapshot"]),
    (
        "files and pages, in and out",
        &["baseline", "export", "monitor", "outputs", "results"],
    ),
    ("conducting", &["bench"]),
    (
        "one bench after another",
        &["merge", "runner", "sweep", "trend"],
    ),
    ("several benches", &["harness", "suite"]),
    ("the command", &["cli"]),
];

/// Doors for macros, fuzzers and rustdoc, which lead anywhere.
const DOORS: [&str; 4] = ["__private", "docs", "fuzzing", "main_macro"];

/// What may be imported from the root: the grammar, which is a crate of its own.
const OF_THE_ROOT: [&str; 1] = ["grammar"];

static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| below("src"));

fn below(folder: &str) -> Vec<Source> {
    source::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS
        .iter()
        .position(|(_, modules)| modules.contains(&module))
}

/// Imports that do not run down, each in a line.
fn upward(sources: &[Source]) -> Vec<String> {
    let mut wrong = BTreeSet::new();
    for source in sources {
        let from = source.path[0].as_str();
        for import in &source.imports {
            let to = import[0].as_str();
            if DOORS.contains(&from) || from == to || OF_THE_ROOT.contains(&to) {
                continue;
            }
            let down = floor_of(from)
                .zip(floor_of(to))
                .is_some_and(|(from, to)| to < from);
            if !down {
                wrong.insert(format!("{} imports {}", source.name(), import.join("::")));
            }
        }
    }
    wrong.into_iter().collect()
}

#[test]
fn imports_run_down() {
    let wrong = upward(&SOURCES);
    assert!(
        wrong.is_empty(),
        "move what is imported down, or add a new module to FLOORS:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn an_import_that_runs_up_is_found() {
    let source = |text| vec![Source::of(&["plan", "shape"], text)];
    assert_eq!(upward(&source("use crate::clock::Nanos;")), [""; 0]);
    assert_eq!(
        upward(&source(
            "#[cfg(test)] mod tests { use crate::bench::Bench; }"
        )),
        [""; 0]
    );
    for text in [
        "use crate::{clock::Nanos, bench::Bench};",
        "fn f() { let b = crate::bench::Bench::new(); }",
        "fn f() { assert!(crate::bench::Bench::new().ok()); }",
        "use crate::Bench;",
        "use super::super::bench::Bench;",
    ] {
        assert_eq!(upward(&source(text)).len(), 1, "{text}");
    }
}

#[test]
fn each_module_stands_on_one_floor() {
    let modules: BTreeSet<String> = SOURCES
        .iter()
        .map(|source| source.path[0].clone())
        .filter(|module| !DOORS.contains(&module.as_str()))
        .collect();
    let listed: Vec<&str> = FLOORS
        .iter()
        .flat_map(|(_, modules)| *modules)
        .copied()
        .collect();
    assert_eq!(listed.len(), listed.iter().collect::<BTreeSet<_>>().len());
    assert_eq!(
        modules,
        listed
            .into_iter()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    );
}

/// Files that import each other in a circle; a folder's `mod.rs` is a file among the others.
#[rstest]
#[case::library("src")]
#[case::grammar("macros/grammar/src")]
#[case::macros("macros/src")]
#[case::fidelity("benches/fidelity")]
fn no_files_import_each_other_in_a_circle(#[case] folder: &str) {
    let circles = match folder {
        "src" => circles(&source::links(&SOURCES)),
        folder => circles(&source::links(&below(folder))),
    };
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn a_circle_is_found() {
    let sources = [
        Source::of(&["a"], "mod b; mod c; pub use b::B;"),
        Source::of(&["a", "b"], "use super::c::C; pub struct B;"),
        Source::of(&["a", "c"], "use super::B; pub struct C;"),
    ];
    assert_eq!(circles(&source::links(&sources)), [["a::b", "a::c"]]);
    assert_eq!(circles(&source::links(&sources[..2])), [[""; 2]; 0]);
}

/// Sets of nodes that can be reached from each other.
fn circles(links: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let reach = |from: &String| {
        let mut seen = BTreeSet::new();
        let mut left = vec![from];
        while let Some(at) = left.pop() {
            for next in links.get(at).into_iter().flatten() {
                if seen.insert(next) {
                    left.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        links.keys().map(|from| (from, reach(from))).collect();
    let mut found = BTreeSet::new();
    for (from, seen) in &reached {
        let circle: Vec<String> = seen
            .iter()
            .filter(|to| reached.get(**to).is_some_and(|back| back.contains(from)))
            .map(|to| (*to).clone())
            .collect();
        if circle.len() > 1 {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

#[test]
fn the_docs_show_the_floors() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md");
    let page = fs::read_to_string(page).unwrap();
    let rows: Vec<String> = FLOORS
        .iter()
        .enumerate()
        .rev()
        .map(|(floor, (name, modules))| {
            let modules: Vec<String> = modules.iter().map(|m| format!("`{m}`")).collect();
            format!("| {} | {name} | {} |", floor + 1, modules.join(", "))
        })
        .collect();
    let table = rows.join("\n");
    assert!(
        page.contains(&table),
        "docs/architecture.md lacks:\n{table}"
    );
}
