//! The lists in the code and the tables of the documentation hold the same: a member that is added to one and not
//! to the other fails here, with the row as it should be.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/tables.rs"]
mod tables;

use goodput::{
    backend::by_name,
    grammar::{dataset, names::BACKENDS},
    plan::Shape,
    run::Task,
};
use std::{collections::BTreeMap, fs, path::Path};

const BACKENDS_PAGE: &str = include_str!("../docs/backends.md");
const DATASETS_PAGE: &str = include_str!("../docs/datasets.md");

/// The rows of a table by the names in their first cells.
fn by_names(page: &str, head: &str) -> BTreeMap<String, Vec<String>> {
    let rows = tables::rows(page, head);
    let named = rows.iter().flat_map(|row| {
        let names = tables::names(&row[0]);
        names.into_iter().map(|name| (name, row[1..].to_vec()))
    });
    named.collect()
}

#[test]
fn every_backend_is_in_the_table_of_its_task() {
    let generating =
        "| backend | endpoint (without a stream) | body | stream | token counts | recorded |";
    let generating = by_names(BACKENDS_PAGE, generating);
    let pooling = by_names(BACKENDS_PAGE, "| backend | endpoint | body | recorded |");
    for name in BACKENDS {
        let backend = by_name(name).unwrap();
        let (table, other) = match backend.task() {
            Task::Generate => (&generating, &pooling),
            Task::Pool => (&pooling, &generating),
        };
        let row = format!("| `{name}` | `{}` | … |", backend.endpoint(true));
        assert!(
            table.contains_key(*name),
            "docs/backends.md needs the row {row}"
        );
        assert!(!other.contains_key(*name), "`{name}` is in the other table");
    }
    assert_eq!(generating.len() + pooling.len(), BACKENDS.len());
}

#[test]
fn the_table_of_prompts_is_what_backends_take() {
    let head = "| | text | token ids | messages | images | video | audio in chats | recordings | batches | rerank |";
    let table = by_names(BACKENDS_PAGE, head);
    for name in BACKENDS {
        let backend = by_name(name).unwrap();
        let taken = Shape::ALL.map(|shape| backend.takes(shape));
        let cells = taken.map(|takes| if takes { "✓ |" } else { "|" });
        let row = format!("| `{name}` | {}", cells.join(" "));
        let documented = table.get(*name).map(|cells| {
            let marked = cells.iter().map(|cell| cell.starts_with('✓'));
            marked.collect::<Vec<_>>()
        });
        assert_eq!(
            documented,
            Some(taken.to_vec()),
            "docs/backends.md needs {row}"
        );
    }
    assert_eq!(table.len(), BACKENDS.len());
}

/// Each dataset has a row, or the section of its name for those that have no table of their own.
#[test]
fn every_dataset_is_documented() {
    let calls = |name: &str| format!("`{name}(");
    for name in dataset::NAMES {
        assert!(
            DATASETS_PAGE.contains(&calls(name)),
            "docs/datasets.md has no row with {}…)`",
            calls(name)
        );
    }
}

/// Modules of `src` that are only for tests have a name that says so: CONTRIBUTING.md has the rule.
#[test]
fn files_that_only_tests_need_are_found_by_their_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut left = ["src", "macros/src", "macros/grammar/src"]
        .map(|name| root.join(name))
        .to_vec();
    let mut seen = 0;
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let inside = fs::read_dir(path).unwrap();
            left.extend(inside.map(|entry| entry.unwrap().path()));
            continue;
        }
        let path = path.strip_prefix(root).unwrap();
        let text = fs::read_to_string(root.join(path)).unwrap_or_default();
        let (mut is_for_tests, mut path_is_given) = (false, false);
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[") {
                is_for_tests |= line == "#[cfg(test)]";
                path_is_given |= line.starts_with("#[path");
                continue;
            }
            let module = line
                .strip_suffix(';')
                .and_then(|line| line.rsplit_once("mod "));
            if let Some((_, name)) = module.filter(|_| is_for_tests) {
                seen += 1;
                assert!(
                    ["tests", "testing"].contains(&name) && !path_is_given,
                    "{}: the module `{name}` is only for tests; move it to `tests`, or call it `testing`",
                    path.display()
                );
            }
            (is_for_tests, path_is_given) = (false, false);
        }
    }
    assert!(seen > 15, "{seen}");
}
