//! Every environment variable of goodput's is on one page.

use super::root;
use std::{collections::BTreeSet, fs, path::Path};

const PREFIX: &str = "GOODPUT_";

/// The names in a text that begin with goodput's prefix.
fn names(text: &str, into: &mut BTreeSet<String>) {
    for (at, _) in text.match_indices(PREFIX) {
        let rest = &text[at..];
        let end = rest.find(|char: char| !char.is_ascii_uppercase() && char != '_');
        let name = &rest[..end.unwrap_or(rest.len())];
        if name.len() > PREFIX.len() {
            into.insert(name.to_owned());
        }
    }
}

fn in_sources(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            in_sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            names(&fs::read_to_string(&path).unwrap(), into);
        }
    }
}

#[test]
fn every_variable_is_documented_and_exists() {
    let mut used = BTreeSet::new();
    in_sources(&root().join("src"), &mut used);
    in_sources(&root().join("macros"), &mut used);
    let page = fs::read_to_string(root().join("docs/environment.md")).unwrap();
    let mut documented = BTreeSet::new();
    for row in page.lines().filter_map(|line| line.strip_prefix("| `")) {
        names(row.split('`').next().unwrap(), &mut documented);
    }
    assert!(used.len() >= 8, "{used:?}");
    assert_eq!(
        documented, used,
        "the table of docs/environment.md, and src"
    );
}
