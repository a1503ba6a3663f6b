//! The numbers of all cases, and the files that have them together.

use super::{
    design::{Case, Layout},
    folder::{Entry, Folder},
};
use crate::{
    report::Curves,
    results::curve_of_own,
    sweep::{Row, Table, frame},
};
use serde_json::{Map, Value};
use std::io;

/// The cases of a sweep with their numbers, as they end.
pub(super) struct Kept {
    cases: Vec<(Named, Option<Ended>)>,
}

/// What a file needs to know of a case.
struct Named {
    point: crate::sweep::Point,
    /// The folder of its combination, below that of the results.
    folder: String,
    combination: usize,
    /// The number of the run, if there are several of each combination.
    run: Option<usize>,
    file: String,
}

#[derive(Clone)]
struct Ended {
    entry: Entry,
    result: Option<Map<String, Value>>,
}

impl Kept {
    /// All cases, in their order.
    pub(super) fn of(cases: &[Case]) -> Self {
        let several = cases.iter().any(|case| case.run > 0);
        let named = |case: &Case| Named {
            point: case.of.point.clone(),
            folder: case
                .file
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder)
                .to_owned(),
            combination: case.combination,
            run: several.then_some(case.run),
            file: case.file.clone(),
        };
        Kept {
            cases: cases.iter().map(|case| (named(case), None)).collect(),
        }
    }

    /// Adds how the case at this place has ended.
    pub(super) fn add(&mut self, place: usize, entry: Entry, result: Option<Map<String, Value>>) {
        self.cases[place].1 = Some(Ended { entry, result });
    }

    /// The exit codes of all cases that have ended.
    pub(super) fn exit_codes(&self) -> impl Iterator<Item = u8> {
        self.ended().map(|(_, ended)| ended.entry.exit_code)
    }

    /// The verdict of each case that has ended, with its name.
    pub(super) fn verdicts(&self) -> Vec<(String, String)> {
        let verdict = |entry: &Entry| (entry.case.clone(), entry.verdict.clone());
        self.ended()
            .map(|(_, ended)| verdict(&ended.entry))
            .collect()
    }

    fn ended(&self) -> impl Iterator<Item = (&Named, &Ended)> {
        self.cases
            .iter()
            .filter_map(|(named, ended)| Some((named, ended.as_ref()?)))
    }

    /// The table of the cases that have ended.
    pub(super) fn table(&self) -> Table {
        let run = |run: usize| ("run".to_owned(), run.into());
        let row = |(named, ended): (&Named, &Ended)| Row {
            point: named
                .point
                .iter()
                .cloned()
                .chain(named.run.map(run))
                .collect(),
            result: ended.result.clone(),
            verdict: ended.entry.verdict.clone(),
            file: named.file.clone(),
        };
        Table {
            rows: self.ended().map(row).collect(),
        }
    }

    /// What the server gave at each load.
    pub(super) fn curves(&self) -> Curves {
        let results = self.ended().filter_map(|(_, ended)| ended.result.as_ref());
        let own = results.filter_map(|result| result.get("goodput"));
        Curves::gather(own.filter_map(curve_of_own))
    }

    /// Results with their settings under vLLM's names, for its plots.
    fn results(&self) -> Vec<Map<String, Value>> {
        let with_settings = |(named, ended): (&Named, &Ended)| {
            let mut result = ended.result.clone()?;
            for (key, value) in &named.point {
                result
                    .entry(key.replace('-', "_"))
                    .or_insert_with(|| value.clone());
            }
            Some(result)
        };
        self.ended().filter_map(with_settings).collect()
    }

    /// Writes the files of all cases.
    pub(super) fn write(&self, folder: &Folder) -> io::Result<()> {
        match folder.layout {
            Layout::Flat => {
                folder.write_text("aggregate_results.csv", &self.table().csv())?;
                folder.write_text("aggregate_results.md", &self.table().markdown())?;
                // In a folder of its own: some read each JSON file next to the results as a result.
                folder.write("summary/summary.json", &self.results())?;
                folder.write("summary/curve.json", &self.curves())
            }
            Layout::Vllm => {
                folder.write_text("summary.csv", &frame(&self.results(), true))?;
                folder.write_text("summary.md", &self.table().markdown())?;
                folder.write("curve.json", &self.curves())?;
                self.write_combinations(folder)
            }
        }
    }

    /// Writes vLLM's `summary.json` of each combination whose runs have all ended.
    fn write_combinations(&self, folder: &Folder) -> io::Result<()> {
        let mut rest = self.cases.as_slice();
        while let Some((first, _)) = rest.first() {
            let same =
                |(named, _): &&(Named, Option<Ended>)| named.combination == first.combination;
            let (runs, others) = rest.split_at(rest.iter().take_while(same).count());
            rest = others;
            if runs.iter().any(|(_, ended)| ended.is_none()) {
                continue;
            }
            let results = runs
                .iter()
                .filter_map(|(_, ended)| ended.as_ref()?.result.as_ref());
            let results: Vec<&Map<String, Value>> = results.collect();
            if results.is_empty() {
                continue;
            }
            let file = match first.folder.as_str() {
                "" => "summary.json".to_owned(),
                combination => format!("{combination}/summary.json"),
            };
            folder.write(&file, &results)?;
        }
        Ok(())
    }
}
