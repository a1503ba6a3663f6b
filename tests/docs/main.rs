//! The documentation, the help and the messages: plain words, links that lead somewhere, no environment variable
//! left out.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod environment;
#[cfg(feature = "cli")]
mod exit_codes;
#[cfg(feature = "cli")]
mod help;
mod links;
mod sources;
mod words;

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page that a user or a contributor reads.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name)));
    pages.sort();
    assert!(pages.len() > 15, "{pages:?}");
    pages
}

fn name(page: &Path) -> String {
    page.strip_prefix(root()).unwrap().display().to_string()
}

/// The page without fenced code, which shows what programs write.
fn prose(page: &Path) -> String {
    without_fences(&fs::read_to_string(page).unwrap())
}

/// A text without fenced code.
fn without_fences(text: &str) -> String {
    let mut fenced = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    lines.collect::<Vec<_>>().join("\n")
}
