//! The formats of files: one list, which flags, help and messages follow.

use crate::{
    report::{Outcome, action_json, bencher_json, comment, markdown, prometheus_text},
    screen,
};
use serde_json::Value;

type Render = fn(&[Outcome]) -> Result<String, String>;

/// A format that outputs can be written in.
#[derive(Debug)]
pub(crate) struct Format {
    /// The name in `--output NAME=PATH`.
    name: &'static str,
    /// Without a path it is the summary of a GitHub job.
    is_job_summary: bool,
    /// What makes the text; or why this build cannot.
    render: Result<Render, &'static str>,
}

/// All formats. A new one is a file in `report` and a row here, and a row of the table in `docs/ci.md`.
static FORMATS: &[Format] = &[
    Format {
        name: "junit",
        is_job_summary: false,
        render: JUNIT,
    },
    Format {
        is_job_summary: true,
        ..Format::text("markdown", |outcomes| Ok(markdown(outcomes)))
    },
    Format {
        name: "html",
        is_job_summary: false,
        render: HTML,
    },
    Format::text("comment", |outcomes| Ok(comment(outcomes))),
    Format::text("bencher", |outcomes| Ok(json(&bencher_json(outcomes)))),
    Format::text("github-smaller", |outcomes| {
        Ok(json(&action_json(outcomes, false)))
    }),
    Format::text("github-bigger", |outcomes| {
        Ok(json(&action_json(outcomes, true)))
    }),
    Format::text("prometheus", |outcomes| Ok(prometheus_text(outcomes))),
];

#[cfg(feature = "junit")]
const JUNIT: Result<Render, &str> =
    Ok(|outcomes| crate::report::junit_xml(outcomes).map_err(|e| e.to_string()));

#[cfg(not(feature = "junit"))]
const JUNIT: Result<Render, &str> = Err(crate::feature::needed!("junit"));

#[cfg(feature = "html")]
const HTML: Result<Render, &str> = Ok(|outcomes| Ok(crate::report::html(outcomes)));

#[cfg(not(feature = "html"))]
const HTML: Result<Render, &str> = Err(crate::feature::needed!("html"));

impl Format {
    /// One that every build can write.
    const fn text(name: &'static str, render: Render) -> Self {
        Format {
            name,
            is_job_summary: false,
            render: Ok(render),
        }
    }

    pub(super) fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// The format of a GitHub job's summary.
    pub(super) fn of_job_summary() -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.is_job_summary)
    }

    pub(crate) fn names() -> Vec<&'static str> {
        FORMATS.iter().map(|format| format.name).collect()
    }

    /// The names for help: `junit, markdown, …`.
    pub(crate) fn list() -> String {
        Format::names().join(", ")
    }

    pub(super) fn is_job_summary(&self) -> bool {
        self.is_job_summary
    }

    /// Why this build cannot write it.
    pub(super) fn missing(&self) -> Option<&'static str> {
        self.render.err()
    }

    pub(super) fn render(&self, outcomes: &[Outcome]) -> Result<String, String> {
        let text = self.render.map_err(str::to_owned)?(outcomes)?;
        // A program that shows the file shows names and texts of servers.
        let acts = |c: char| screen::acts(c) && !matches!(c, '\n' | '\t');
        Ok(text.replace(acts, "\u{fffd}"))
    }
}

fn json(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_documented() {
        let page = include_str!("../../docs/ci.md");
        let (_, table) = page
            .split_once("| format | for | holds |\n|---|---|---|\n")
            .unwrap();
        let rows = table.lines().map_while(|line| line.strip_prefix("| `"));
        let documented: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
        assert_eq!(documented, Format::names());
    }
}
