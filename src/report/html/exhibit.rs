//! A result as a page shows it.

use super::super::{End, Line, Lineup, Outcome, facts::Facts};
use super::words::ink;
use crate::chart::Ink;
use serde::Deserialize;

/// A result as a page shows it.
#[derive(Debug, Clone)]
pub(crate) struct Exhibit {
    /// The bench, or the file.
    pub(crate) name: String,
    /// Where it belongs: a suite, a test binary; may be empty.
    pub(crate) group: String,
    /// The end in a word or two, such as `pass`.
    pub(crate) word: String,
    pub(crate) ink: Ink,
    /// Why there are no facts.
    pub(crate) reason: String,
    /// What goodput knows; `None` for other tools' results and for benches without a report.
    pub(crate) facts: Option<Facts>,
    /// The lines of vLLM's table, where they are all that is known.
    pub(crate) lines: Vec<Line>,
    /// The numbers of all engines, after the last engine of a bench.
    pub(crate) lineup: Option<Lineup>,
    /// Notes on how it was made, in sentences.
    pub(crate) notes: Vec<String>,
    /// The report as the command prints it.
    pub(crate) text: String,
}

impl Exhibit {
    /// The outcome of a bench.
    pub(super) fn of(outcome: &Outcome) -> Self {
        let measured = outcome.measured.as_ref();
        // The facts were written by this version.
        let facts = measured.and_then(|measured| Facts::deserialize(&measured.facts).ok());
        let word = outcome.word();
        Exhibit {
            name: outcome.name.clone(),
            group: outcome.group.clone(),
            ink: match (&outcome.end, &facts) {
                (End::Passed, Some(facts)) => ink(facts.verdict),
                (End::Ignored(_), _) => Ink::Quiet,
                _ if word == "inconclusive" => Ink::Open,
                (End::Passed, None) => Ink::Good,
                _ => Ink::Bad,
            },
            word,
            reason: match &outcome.end {
                End::Passed => String::new(),
                _ if facts.is_some() && !matches!(outcome.end, End::Broken(..)) => String::new(),
                _ => outcome.reason().to_owned(),
            },
            facts,
            lines: Vec::new(),
            lineup: outcome.lineup.clone(),
            notes: measured
                .map(|measured| measured.notes.clone())
                .unwrap_or_default(),
            text: measured
                .map(|measured| measured.summary.clone())
                .unwrap_or_default(),
        }
    }
}

#[cfg(feature = "cli")]
impl Exhibit {
    /// A result that goodput has written.
    pub(crate) fn of_facts(place: &str, facts: Facts, text: String) -> Self {
        Exhibit {
            name: place.to_owned(),
            group: facts.name.clone(),
            word: facts.verdict.to_string(),
            ink: ink(facts.verdict),
            reason: String::new(),
            facts: Some(facts),
            lines: Vec::new(),
            lineup: None,
            notes: Vec::new(),
            text,
        }
    }

    /// A result of which nothing but the numbers of vLLM's table is known, with notes about them.
    pub(crate) fn of_lines(
        place: &str,
        lines: Vec<Line>,
        notes: Vec<String>,
        text: String,
    ) -> Self {
        Exhibit {
            name: place.to_owned(),
            group: String::new(),
            word: "not judged".to_owned(),
            ink: Ink::Quiet,
            reason: String::new(),
            facts: None,
            lines,
            lineup: None,
            notes,
            text,
        }
    }
}

/// The results that figures show together, and the begin of their ids.
pub(super) struct Shown<'a> {
    pub(super) id: &'a str,
    exhibits: &'a [Exhibit],
}

impl<'a> Shown<'a> {
    pub(super) fn one(exhibit: &'a Exhibit, id: &'a str) -> Self {
        Shown {
            id,
            exhibits: std::slice::from_ref(exhibit),
        }
    }

    pub(super) fn all(exhibits: &'a [Exhibit]) -> Self {
        Shown {
            id: "all",
            exhibits,
        }
    }

    pub(super) fn exhibits(&self) -> &'a [Exhibit] {
        self.exhibits
    }

    /// The results that goodput knows more about than vLLM's numbers, each with its place and its name, which is empty for a
    /// single one.
    pub(super) fn facts(&self) -> impl Iterator<Item = (usize, &'a str, &'a Facts)> {
        let alone = self.is_single();
        let exhibits = self.exhibits.iter().enumerate();
        exhibits.filter_map(move |(place, exhibit)| {
            let name = if alone { "" } else { exhibit.name.as_str() };
            Some((place, name, exhibit.facts.as_ref()?))
        })
    }

    pub(super) fn is_single(&self) -> bool {
        self.exhibits.len() == 1
    }
}
