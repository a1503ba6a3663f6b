//! Links between pages lead to files and headings that exist.

use super::{name, pages, prose, root};
use std::{collections::BTreeSet, fs, path::Path};

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = |char: &char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_');
    let text: String = heading.trim().to_lowercase().chars().filter(kept).collect();
    text.replace(' ', "-")
}

fn anchors(page: &Path) -> Vec<String> {
    let prose = prose(page);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| anchor(line.trim_start_matches('#')))
        .collect()
}

/// Targets of `[text](target)`, addresses of other sites left out.
fn inline_links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://"))
}

/// Targets of lines `[target]: target`, by which pages of `docs` link to other files: `src/docs.rs` has the same
/// links for rustdoc.
fn definitions(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter(|line| line.starts_with('['));
    lines.filter_map(|line| {
        let (name, target) = line[1..].split_once("]: ")?;
        assert_eq!(name, target, "a link to a file is named like its target");
        Some(target)
    })
}

/// Links `[target]` and `[text][target]` to files.
fn links_by_name(text: &str) -> BTreeSet<&str> {
    let is_definition = |line: &&str| line.starts_with('[') && line.contains("]: ");
    let lines = text.lines().filter(|line| !is_definition(line));
    let names = lines.flat_map(|line| {
        line.match_indices('[')
            .filter_map(|(at, _)| line[at + 1..].split_once(']'))
    });
    let is_file = |name: &str| {
        let file = name.split('#').next().unwrap_or_default();
        file.ends_with(".md") && !name.contains(char::is_whitespace)
    };
    names
        .filter(|(name, after)| is_file(name) && !after.starts_with(['(', '[']))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let text = prose(&page);
        for link in inline_links(&text).chain(definitions(&text)) {
            seen += 1;
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.clone(),
                file => page.parent().unwrap().join(file),
            };
            let found = fs::exists(&target).unwrap()
                && (heading.is_empty() || anchors(&target).iter().any(|a| a == heading));
            if !found {
                broken.push(format!("{}: {link}", name(&page)));
            }
        }
    }
    assert!(seen > 80, "{seen} links");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Links from a page of `docs` to another file are by name, because rustdoc has other places for the pages.
#[test]
fn links_between_pages_work_in_rustdoc_too() {
    let rustdoc = fs::read_to_string(root().join("src/docs.rs")).unwrap();
    let mut listed: BTreeSet<String> = BTreeSet::new();
    listed.extend(rustdoc.lines().filter_map(|line| {
        let (name, _) = line.trim().strip_prefix("\"[")?.split_once("]: ")?;
        Some(name.to_owned())
    }));
    let mut used = BTreeSet::new();
    let docs = root().join("docs");
    for page in pages().iter().filter(|page| page.starts_with(&docs)) {
        let text = prose(page);
        for link in inline_links(&text) {
            let page = name(page);
            assert!(
                link.starts_with('#'),
                "{page}: write [{link}] and define it at the end"
            );
        }
        let defined: BTreeSet<&str> = definitions(&text).collect();
        let here = links_by_name(&text);
        assert_eq!(
            here,
            defined,
            "links and their definitions in {}",
            name(page)
        );
        used.extend(defined.into_iter().map(str::to_owned));
        let stem = page.file_stem().and_then(|stem| stem.to_str()).unwrap();
        assert!(
            rustdoc.contains(&format!("    {stem},\n")),
            "src/docs.rs lacks {stem}"
        );
    }
    assert!(used.len() > 20, "{used:?}");
    assert_eq!(
        listed, used,
        "the links in src/docs.rs, and those of the pages"
    );
}

#[test]
fn anchors_are_those_of_github() {
    assert_eq!(anchor(" `/metrics`"), "metrics");
    assert_eq!(
        anchor(" Reading them back: `goodput report`"),
        "reading-them-back-goodput-report"
    );
}
