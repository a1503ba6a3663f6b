//! Links between pages lead to files and headings that exist.

use super::{name, pages, prose};
use std::{fs, path::Path};

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
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://"))
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let text = prose(&page);
        for link in links(&text) {
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

#[test]
fn anchors_are_those_of_github() {
    assert_eq!(anchor(" `/metrics`"), "metrics");
    assert_eq!(
        anchor(" Reading them back: `goodput report`"),
        "reading-them-back-goodput-report"
    );
}
